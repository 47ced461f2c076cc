"""Real answers of every status, against the contract's schemas and against our document."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.calls.stage import Stage
from tests.contract.schemas import CONTRACT, OURS, answer_schema, faults_in, followed, operations
from tests.faults.waiting import eventually
from tests.questions.forum import forum
from tests.registrations.people import room
from tests.session_settings.said import path_of
from tests.tenant import Json, Tenant

ERROR: Json = CONTRACT["components"]["schemas"]["Error"]
PATCH = ("/v1/sessions/{id}", "patch")
POST = ("/v1/sessions", "post")
LIST = ("/v1/live/sessions", "get")
UNKNOWN = "/v1/sessions/0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11"


def assert_as_promised(response: httpx.Response, path: str, method: str, *, status: int) -> None:
    """The answer has this status, is of our document's schema, and of the contract's where the contract knows it."""
    assert response.status_code == status, response.text
    ours = operations(OURS)[path, method]
    assert str(status) in ours["responses"]
    assert not faults_in(response.json(), answer_schema(OURS, ours, str(status)))
    theirs = operations(CONTRACT).get((path, method))
    if theirs is not None and str(status) in theirs["responses"]:
        assert not faults_in(response.json(), answer_schema(CONTRACT, theirs, str(status)))
    elif status >= 400:
        assert not faults_in(response.json(), ERROR)


async def test_created(http: httpx.AsyncClient, tenant: Tenant) -> None:
    response = await http.post("/v1/sessions", json=tenant.wanted(metadata={"a": [1, None]}), headers=tenant.bearer())
    assert_as_promised(response, *POST, status=201)


@pytest.mark.parametrize("verb", ["start", "end", "cancel"])
async def test_a_step_taken_and_refused(http: httpx.AsyncClient, tenant: Tenant, verb: str) -> None:
    session = await tenant.session(http)
    if verb == "end":
        await tenant.step(http, session, "start")
    path = f"/v1/sessions/{{id}}/{verb}"
    assert_as_promised(await tenant.step(http, session, verb), path, "post", status=200)
    over = await tenant.ended(http)
    if verb != "end":
        assert_as_promised(await tenant.step(http, over, verb), path, "post", status=412)


async def test_read_and_read_again(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    path = f"/v1/sessions/{session['id']}"
    response = await http.get(path, headers=tenant.bearer())
    assert_as_promised(response, "/v1/sessions/{id}", "get", status=200)
    unchanged = await http.get(path, headers=tenant.bearer(If_None_Match=response.headers["etag"]))
    assert (unchanged.status_code, unchanged.content) == (304, b"")


async def test_listed(http: httpx.AsyncClient, tenant: Tenant) -> None:
    for _ in range(2):
        await tenant.session(http, metadata={"a": [1, None]}, kind="office_hours")
    for limit, more in ((1, True), (2, False)):
        response = await http.get(LIST[0], params={"limit": limit}, headers=tenant.bearer())
        assert_as_promised(response, *LIST, status=200)
        assert (response.json()["next_cursor"] is not None, "link" in response.headers) == (more, more)


@pytest.mark.parametrize(("status", "query", "headers"), [
    (400, {"limit": "0"}, {}),
    (401, {}, {"Authorization": "Bearer x"}),
    (403, {"brand_id": "another"}, {}),
])  # fmt: skip
async def test_a_list_refused(
    http: httpx.AsyncClient, tenant: Tenant, status: int, query: dict[str, str], headers: dict[str, str]
) -> None:
    response = await http.get(LIST[0], params=query, headers={**tenant.bearer(), **headers})
    assert_as_promised(response, *LIST, status=status)


async def test_updated(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    assert_as_promised(await tenant.patch(http, session, {"title": "x"}), *PATCH, status=200)


@pytest.mark.parametrize(("status", "body", "headers"), [
    (400, {"title": ""}, {}),
    (412, {"title": "x"}, {"If_Match": '"7.0.0.0"'}),
    (415, {"title": "x"}, {"Content_Type": "text/plain"}),
    (413, {"title": "x" * 70_000}, {}),
])  # fmt: skip
async def test_an_update_refused(
    http: httpx.AsyncClient, tenant: Tenant, status: int, body: Any, headers: dict[str, str]
) -> None:
    session = await tenant.session(http)
    assert_as_promised(await tenant.patch(http, session, body, **headers), *PATCH, status=status)


async def test_an_update_by_nobody_by_another_and_of_nothing(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    path = f"/v1/sessions/{session['id']}"
    assert_as_promised(await http.patch(path, json={}), *PATCH, status=401)
    assert_as_promised(await http.patch(path, json={}, headers=tenant.bearer("another")), *PATCH, status=403)
    assert_as_promised(await http.patch(UNKNOWN, json={}, headers=tenant.bearer()), *PATCH, status=404)


async def test_an_update_after_the_end(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert_as_promised(await tenant.patch(http, await tenant.ended(http), {}), *PATCH, status=412)


async def test_a_key_used_twice(http: httpx.AsyncClient, tenant: Tenant) -> None:
    headers = tenant.bearer(Idempotency_Key="k")
    await http.post("/v1/sessions", json=tenant.wanted(), headers=headers)
    response = await http.post("/v1/sessions", json=tenant.wanted(title="Other"), headers=headers)
    assert_as_promised(response, *POST, status=409)


@pytest.mark.parametrize("path", ["/v1/nothing", "/nothing", "/v1/sessions/", "/v1/sessions/x/nothing"])
async def test_an_unknown_path_is_told_in_the_contracts_form(http: httpx.AsyncClient, path: str) -> None:
    response = await http.get(path)
    assert response.status_code == 404
    assert not faults_in(response.json(), ERROR)


async def test_a_method_that_a_path_does_not_take(http: httpx.AsyncClient) -> None:
    response = await http.put(UNKNOWN)
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, OPTIONS, PATCH")
    assert not faults_in(response.json(), ERROR)


EVENTS = "select name, payload::text from all_events_any_brand_v1() where brand_id = $1"


async def _let_timers_tell(http: httpx.AsyncClient, tenant: Tenant) -> None:
    """A session whose last reminder is due in a second or two, and one that should have begun."""
    soon = datetime.now(UTC) + timedelta(seconds=62)
    reminded = await tenant.session(http, scheduled_at=soon.isoformat())
    said = {"last_reminder_minutes": 1}
    assert (await http.patch(path_of(reminded), json=said, headers=tenant.bearer())).status_code == 200
    headers = tenant.bearer("patient_1")
    assert (await http.post(f"/v1/sessions/{reminded['id']}/registrations", headers=headers)).status_code == 201
    overdue = await tenant.session(http, scheduled_at="2026-01-01T09:00:00Z")
    said = {"host_grace_minutes": 0}
    assert (await http.patch(path_of(overdue), json=said, headers=tenant.bearer())).status_code == 200


async def _let_the_provider_tell(stage: Stage, *, records_well: bool) -> None:
    """A session that its host comes to, which ends, and whose recording turns up, or fails."""
    session = await stage.session()
    await stage.comes(session, "host_1")
    await stage.until(session, "live")
    [recording] = stage.people.calls()[session["id"]]["recordings"]
    assert (await stage.tenant.step(stage.http, session, "end")).status_code == 200
    stage.people.finish(recording["id"], well=records_well)


# An endpoint of webhooks, which then has answered 410.
ENDPOINT = """
insert into webhook_endpoints (brand_id, id, url, events, secret, failing_since, since_position, created_at, updated_at)
values ($1, gen_random_uuid(), 'https://127.0.0.1:1/', '{live.recording.}', 'x', now(), 0, now(), now())
"""
GONE = """
select disable_webhook_endpoint_v1(w.brand_id, w.id, 'gone', '{status}', 'greenroom', 'greenroom', 'planted', gen_random_uuid())
from webhook_endpoints w where w.brand_id = $1
"""


async def _let_people_ask(http: httpx.AsyncClient, tenant: Tenant) -> None:
    """A question that is voted on, pinned and answered, another that is dismissed while it is pinned, and one taken back."""
    there = await forum(http, tenant, moderation=True)
    answered, dismissed = await there.question("patient_1"), await there.question("patient_2")
    await there.voted(answered, "patient_2")
    for response in (
        await there.pin(answered),
        await there.pin(dismissed),
        await there.moderate(dismissed, "dismissed"),
        await there.moderate(answered, "answered"),
        await there.moderate(await there.asked("patient_1"), "dismissed", user="patient_1"),
    ):
        assert response.status_code == 200, response.text


OF_A_MAIL_SERVER = {"comms.message.bounced.v1"}  # which is not set up here: tests/notifications/test_server_faults.py


async def test_every_event_is_of_its_schema(http: httpx.AsyncClient, tenant: Tenant, owner: Any, stage: Stage) -> None:
    session = await tenant.session(http)
    await tenant.patch(http, session, {"title": "x", "scheduled_at": "2027-09-01T10:00:00Z"})
    await tenant.step(http, session, "start")
    await tenant.step(http, session, "end")
    called_off = await tenant.session(http)
    await tenant.step(http, called_off, "cancel")
    admin = tenant.bearer("admin_1", scope="admin:live")
    await http.patch(f"/v1/admin/sessions/{called_off['id']}", json={"status": "scheduled"}, headers=admin)
    await http.patch("/v1/brand/settings", json={"moderation": False}, headers=admin)
    small = await room(http, tenant, seats=1)
    first, second = await small.enter("patient_1", "patient_2")
    await small.leave("patient_1")
    await small.remove(second)
    await small.allow(second)
    assert (first["status"], second["status"]) == ("registered", "waitlist")
    await _let_people_ask(http, tenant)
    await _let_timers_tell(http, tenant)
    for statement in (ENDPOINT, GONE):
        await owner.execute(statement, tenant.brand)
    for records_well in (True, False):
        await _let_the_provider_tell(stage, records_well=records_well)

    async def everything_is_told() -> bool:
        return {row["name"] for row in await owner.fetch(EVENTS, tenant.brand)} == set(OURS["webhooks"]) - OF_A_MAIL_SERVER

    await eventually(everything_is_told, "every event is told", seconds=30)
    rows = await owner.fetch(EVENTS, tenant.brand)
    for row in rows:
        post = OURS["webhooks"][row["name"]]["post"]
        envelope = followed(OURS, post["requestBody"]["content"]["application/json"]["schema"])
        payload = httpx.Response(200, text=row["payload"]).json()
        assert not faults_in(payload, envelope["properties"]["payload"]), row["name"]
