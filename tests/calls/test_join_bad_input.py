"""What joining may not say: told as 400, 404, 413 or 415 in the contract's form, and without effect."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from greenroom.identity.tokens import Signer, new_grant
from greenroom.kit.ids import BrandId, ClientId, UserId
from tests.calls.doors import read_pass, room_of, step
from tests.calls.stage import Stage
from tests.postgres import Owner
from tests.registrations.people import seats_of
from tests.server import SECRET_KEY
from tests.sessions.faults import WRONG_TEXTS, named, pairs, text
from tests.sessions.test_bad_input import BODY_OCTETS, UNREAD
from tests.sessions.test_bad_paths_and_headers import BAD_IDS
from tests.tenant import Json, Tenant
from tests.wire import assert_refused, authorized, body_with, exchange, request_of

HOUR = timedelta(hours=1)
FAULTS = {"user_id": [*WRONG_TEXTS, "1e999", "1.5", "false", text(201), text(60_000)]}
TTLS = ["null", '"600"', "true", "[]", "{}", "0", "-1", "86401", "1.5", "1e999", "-0.0", "9223372036854775808"]


async def live(stage: Stage) -> Json:
    """A session that lets everybody in, whose call is made."""
    session = await stage.session()
    await step(stage, session, "start")
    assert (await stage.join(session, "host_1")).status_code == 200
    return session


async def sent(stage: Stage, path: str, body: bytes, *, media_type: str = "application/json") -> httpx.Response:
    """These octets, from somebody who may do it all."""
    headers = stage.tenant.bearer("manager_1", scope="admin:live", Content_Type=media_type)
    return await stage.http.post(path, content=body, headers=headers)


def paths_of(session: Json) -> list[str]:
    """Where a token is asked for."""
    return [f"/v1/sessions/{session['id']}/join", f"/v1/live/calls/{session['id']}/token"]


@pytest.mark.parametrize(("field", "fault"), pairs(FAULTS), ids=named)
async def test_a_bad_field_is_refused_by_its_name(stage: Stage, owner: Owner, field: str, fault: str) -> None:
    session = await live(stage)
    for path in paths_of(session):
        response = await sent(stage, path, body_with({}, **{field: fault}))
        assert_refused(response, "validation_error", names=field, never=[fault] if len(fault) > 8 else [])
    assert await seats_of(owner, room_of(stage, session)) == (0, 0)


@pytest.mark.parametrize("fault", TTLS)
async def test_a_bad_lifetime_is_refused_by_its_name(stage: Stage, owner: Owner, fault: str) -> None:
    session = await live(stage)
    response = await sent(stage, paths_of(session)[1], body_with({"user_id": "anna"}, ttl_seconds=fault))
    assert_refused(response, "validation_error", names="ttl_seconds")
    assert await seats_of(owner, room_of(stage, session)) == (0, 0)


@pytest.mark.parametrize("body", UNREAD, ids=named)
async def test_what_is_no_json_object_is_refused(stage: Stage, owner: Owner, body: bytes) -> None:
    session = await live(stage)
    for path in paths_of(session):
        assert_refused(await sent(stage, path, body), "validation_error", names="body")
    assert await seats_of(owner, room_of(stage, session)) == (0, 0)


@pytest.mark.parametrize("body", [b"{}", b'{"patient_id":"anna"}', b'{"User_id":"anna"}'])
async def test_who_it_is_must_be_said(stage: Stage, body: bytes) -> None:
    session = await live(stage)
    for path in paths_of(session):
        assert_refused(await sent(stage, path, body), "validation_error", names="user_id")


@pytest.mark.parametrize(("body", "user"), [
    (b'{"user_id":"a","user_id":"b"}', "b"), (b'{"user_id":5,"user_id":"b"}', "b"),
    (b'{"user_id":"b","role":"host","unknown":1e999}', "b"), (b'{"user_id":"b","\\u0000":"\\u0000"}', "b"),
])  # fmt: skip
async def test_of_duplicate_keys_the_last_wins_and_unknown_ones_are_ignored(stage: Stage, body: bytes, user: str) -> None:
    session = await live(stage)
    for path in paths_of(session):
        response = await sent(stage, path, body)
        if body.startswith(b'{"user_id":5'):
            assert_refused(response, "validation_error", names="user_id")
        else:
            read = read_pass(response.json()["token"])
            assert (read.user, read.role) == (user, "user")


async def test_a_duplicate_key_does_not_hide_whom_the_caller_may_not_name(stage: Stage, owner: Owner) -> None:
    session = await live(stage)
    headers = stage.tenant.bearer("anna", Content_Type="application/json")
    for path in paths_of(session):
        response = await stage.http.post(path, content=b'{"user_id":"anna","user_id":"ben"}', headers=headers)
        assert_refused(response, "forbidden", names="user_id")
    assert await seats_of(owner, room_of(stage, session)) == (0, 0)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/merge-patch+json", ""])
async def test_a_body_of_another_type_is_refused(stage: Stage, media_type: str) -> None:
    for path in paths_of(await live(stage)):
        response = await sent(stage, path, b'{"user_id":"anna"}', media_type=media_type)
        assert_refused(response, "unsupported_media_type")


async def test_a_body_of_64_kib_is_read_and_one_octet_more_is_not(stage: Stage) -> None:
    body = b'{"user_id":"manager_1"}'
    for path in paths_of(await live(stage)):
        assert_refused(await sent(stage, path, body.ljust(BODY_OCTETS + 1)), "payload_too_large")
        assert (await sent(stage, path, body.ljust(BODY_OCTETS))).status_code == 200


@pytest.mark.parametrize("path_id", BAD_IDS, ids=lambda path_id: ascii(path_id)[:40])
@pytest.mark.parametrize(("method", "path"), [
    ("POST", "/v1/sessions/{}/join"), ("GET", "/v1/sessions/{}/chat-token"), ("GET", "/v1/live/calls/{}"),
    ("POST", "/v1/live/calls/{}/token"), ("POST", "/v1/live/calls/{}/end"),
])  # fmt: skip
async def test_an_id_that_is_no_uuid_is_not_found(stage: Stage, method: str, path: str, path_id: str) -> None:
    headers = authorized(stage.tenant, ("Content-Type", b"application/json"))
    request = request_of(method, path.format(path_id).encode(), headers, b'{"user_id":"anna"}')
    assert_refused(await exchange(stage.server, request), "not_found", never=[path_id] if len(path_id) > 4 else [])


async def test_an_id_is_the_same_in_any_case(stage: Stage) -> None:
    session = await live(stage)
    upper = {"id": session["id"].upper()}
    assert (await stage.join(upper, "host_1")).json()["call_id"] == session["id"]
    assert (await sent(stage, paths_of(upper)[1], b'{"user_id":"host_1"}')).json()["stream_call_id"] == session["id"]


@pytest.mark.parametrize("scope", ["read:live write:live", "manage:live", "admin:live", "admin:*"])
async def test_another_brands_session_is_not_found(stage: Stage, owner: Owner, scope: str) -> None:
    session = await live(stage)
    others = Tenant(BrandId(f"{stage.tenant.brand}-other")).bearer("host_1", scope=scope)
    asked: list[tuple[str, str, Any]] = [
        ("POST", f"/v1/sessions/{session['id']}/join", {"user_id": "host_1"}),
        ("GET", f"/v1/sessions/{session['id']}/chat-token", None),
        ("GET", f"/v1/live/calls/{session['id']}", None),
        ("POST", f"/v1/live/calls/{session['id']}/token", {"user_id": "host_1"}),
        ("POST", f"/v1/live/calls/{session['id']}/end", None),
    ]
    for method, path, body in asked:
        response = await stage.http.request(method, path, json=body, headers=others)
        assert_refused(response, "not_found", never=[session["id"]])
    assert (await stage.seen(session))["status"] == "live"
    assert await seats_of(owner, room_of(stage, session)) == (0, 0)


async def test_who_has_no_brand_finds_the_session_and_its_call_and_is_confined_by_naming_one(stage: Stage) -> None:
    session = await live(stage)
    grant = new_grant(user=UserId("root"), brand=None, scope="admin:*", client=ClientId("test"), lifetime=HOUR)
    headers = {"Authorization": f"Bearer {Signer([SECRET_KEY]).sign(grant)}"}
    for path in paths_of(session):
        found = await stage.http.post(path, json={"user_id": "anna"}, headers=headers)
        assert found.status_code == 200, found.text
        confined = {**headers, "X-Brand-Id": "another"}
        assert_refused(await stage.http.post(path, json={"user_id": "anna"}, headers=confined), "not_found")
        nobodys = path.replace(session["id"], str(uuid4()))
        assert_refused(await stage.http.post(nobodys, json={"user_id": "anna"}, headers=headers), "not_found")
    read = await stage.http.get(f"/v1/live/calls/{session['id']}", headers=headers)
    assert read.json()["status"] == "live"
