"""Real answers of the operations of calls, of chat and of webhooks, against the contract's schemas and against our document."""

from uuid import uuid4

import pytest

from tests.calls.doors import step
from tests.calls.stage import Stage
from tests.contract.test_answers import assert_as_promised
from tests.tenant import Json

JOIN = ("/v1/sessions/{id}/join", "post")
CHAT = ("/v1/sessions/{id}/chat-token", "get")
CALLS = ("/v1/live/calls", "post")
CALL = ("/v1/live/calls/{id}", "get")
TOKEN = ("/v1/live/calls/{id}/token", "post")
END = ("/v1/live/calls/{id}/end", "post")
WANTED = {"host_user_id": "host_1", "title": "Ask"}


async def test_joined_and_refused(stage: Stage) -> None:
    session = await stage.session()
    assert_as_promised(await stage.join(session, "host_1"), *JOIN, status=200)
    assert_as_promised(await stage.join(session, "anna"), *JOIN, status=412)
    nobody = await stage.http.post(f"/v1/sessions/{session['id']}/join", json={"user_id": ""}, headers=stage.tenant.bearer())
    assert_as_promised(nobody, *JOIN, status=400)
    assert_as_promised(await stage.join({"id": str(uuid4())}, "anna"), *JOIN, status=404)
    nowhere = await stage.session()
    said = {"video_provider": "none"}
    await stage.http.patch(f"/v1/sessions/{nowhere['id']}/settings", json=said, headers=stage.tenant.bearer())
    assert_as_promised(await stage.join(nowhere, "host_1"), *JOIN, status=503)


async def test_let_into_the_chat_and_refused(stage: Stage) -> None:
    session = await stage.session()
    path = f"/v1/sessions/{session['id']}/chat-token"
    assert_as_promised(await stage.http.get(path, headers=stage.tenant.bearer()), *CHAT, status=200)
    assert_as_promised(await stage.http.get(path, headers=stage.tenant.bearer("anna")), *CHAT, status=403)
    unknown = f"/v1/sessions/{uuid4()}/chat-token"
    assert_as_promised(await stage.http.get(unknown, headers=stage.tenant.bearer()), *CHAT, status=404)


@pytest.mark.parametrize("fields", [{}, {"scheduled_at": None}, {"scheduled_at": "2027-03-01T17:00:00Z", "metadata": {"a": 1}}])
async def test_a_call_from_its_making_to_its_end(stage: Stage, fields: Json) -> None:
    made = await stage.http.post(CALLS[0], json={**WANTED, **fields}, headers=stage.tenant.bearer())
    assert_as_promised(made, *CALLS, status=201)
    path = f"{CALLS[0]}/{made.json()['id']}"
    assert_as_promised(await stage.http.get(path, headers=stage.tenant.bearer()), *CALL, status=200)
    asked = {"user_id": "host_1", "ttl_seconds": 60}
    assert_as_promised(await stage.http.post(f"{path}/token", json=asked, headers=stage.tenant.bearer()), *TOKEN, status=200)
    ended = await stage.http.post(f"{path}/end", headers=stage.tenant.bearer())
    assert_as_promised(ended, *END, status=200)
    assert_as_promised(await stage.http.get(path, headers=stage.tenant.bearer()), *CALL, status=200)
    assert_as_promised(await stage.http.post(f"{path}/token", json=asked, headers=stage.tenant.bearer()), *TOKEN, status=412)


async def test_a_call_refused(stage: Stage) -> None:
    wanted = {**WANTED, "host_user_id": "anna"}
    assert_as_promised(await stage.http.post(CALLS[0], json=wanted, headers=stage.tenant.bearer()), *CALLS, status=403)
    assert_as_promised(await stage.http.post(CALLS[0], json={}, headers=stage.tenant.bearer()), *CALLS, status=400)
    path = f"{CALLS[0]}/{uuid4()}"
    assert_as_promised(await stage.http.get(path, headers=stage.tenant.bearer()), *CALL, status=404)
    assert_as_promised(await stage.http.post(f"{path}/end", headers=stage.tenant.bearer()), *END, status=404)
    asked = {"user_id": "host_1", "ttl_seconds": 86_401}
    assert_as_promised(await stage.http.post(f"{path}/token", json=asked, headers=stage.tenant.bearer()), *TOKEN, status=400)


async def test_a_sessions_call_live_and_over(stage: Stage) -> None:
    session = await stage.session()
    await stage.join(session, "host_1")
    await step(stage, session, "start")
    path = f"{CALLS[0]}/{session['id']}"
    assert_as_promised(await stage.http.get(path, headers=stage.tenant.bearer()), *CALL, status=200)
    assert_as_promised(await stage.http.post(f"{path}/end", headers=stage.tenant.bearer()), *END, status=200)


@pytest.mark.parametrize("path", ["/webhooks/stream", "/webhooks/livekit"])
async def test_a_webhook_that_is_nobodys(stage: Stage, path: str) -> None:
    response = await stage.http.post(path, json={"type": "call.session_started"}, headers={"X-Signature": "00"})
    assert_as_promised(response, path, "post", status=401)


async def test_webhooks_that_are_the_providers_are_accepted(stage: Stage) -> None:
    session = await stage.session()
    await stage.comes(session, "host_1")
    stage.fake.settle()
    told = stage.fake.webhooks()
    assert told, "the provider tells of somebody who comes"
