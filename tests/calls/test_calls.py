"""A call by its own operations: one that belongs to no session, and that of a session. Source: contract, /v1/live/calls."""

import time
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.calls.doors import claims_of, read_pass, room_of, step, word_of
from tests.calls.stage import Stage
from tests.faults.waiting import eventually
from tests.postgres import Owner
from tests.registrations.people import answered, seats_of
from tests.sessions.faults import TIMES, WRONG_TEXTS, named, nested, pairs, text
from tests.tenant import Json
from tests.wire import assert_refused, body_with

CALLS = "/v1/live/calls"
ENDS = {"getstream": "getstream.end_call", "livekit": "livekit.DeleteRoom"}
WANTED: Json = {"host_user_id": "host_1", "title": "Ask the physiotherapist"}
FAULTS = {
    "host_user_id": [*WRONG_TEXTS, text(201)],
    "title": [*WRONG_TEXTS, text(10_001)],
    "scheduled_at": [*(f'"{moment}"' for moment in TIMES), "5", "true", '""', "{}"],
    "metadata": ["null", "5", '"a"', "[]", nested(65), '{"a":1e999}', '{"a":"\\u0000"}',
                 '{"a":"\\ud800"}', f'{{"a":{text(17_000)}}}'],
}  # fmt: skip


async def make(
    stage: Stage, *, user: str = "host_1", scope: str = "write:live", key: str | None = None, **fields: Any
) -> httpx.Response:
    """POST a call."""
    headers = stage.tenant.bearer(user, scope=scope, **({} if key is None else {"Idempotency_Key": key}))
    return await stage.http.post(CALLS, json={**WANTED, **fields}, headers=headers)


async def made(stage: Stage, **fields: Any) -> Json:
    """A call that was made."""
    return answered(await make(stage, **fields), 201)


async def token(stage: Stage, call: Json, user: str, *, by: str, scope: str = "write:live", **fields: Any) -> httpx.Response:
    """Somebody asks for a token for somebody."""
    headers = stage.tenant.bearer(by, scope=scope)
    return await stage.http.post(f"{CALLS}/{call['id']}/token", json={"user_id": user, **fields}, headers=headers)


async def end(stage: Stage, call: Json, *, by: str = "host_1", scope: str = "write:live") -> httpx.Response:
    """Somebody ends it."""
    return await stage.http.post(f"{CALLS}/{call['id']}/end", headers=stage.tenant.bearer(by, scope=scope))


async def seen(stage: Stage, call: Json) -> Json:
    """The call, for anybody of the brand."""
    return await stage.get(f"{CALLS}/{call['id']}", "stranger_1", scope="read:live")


async def calls_of(owner: Owner, stage: Stage) -> int:
    return int(await owner.fetchval("select count(*) from calls where brand_id = $1", stage.tenant.brand))


async def test_a_call_of_its_own_is_made_and_found(room_at: Stage) -> None:
    response = await make(room_at, scheduled_at="2027-03-01T18:00:00+01:00", metadata={"a": [1, None]})
    call = answered(response, 201)
    assert response.headers["location"] == f"{CALLS}/{call['id']}"
    assert call["id"] == call["stream_call_id"]
    assert (call["status"], call["scheduled_at"]) == ("scheduled", "2027-03-01T17:00:00.000Z")
    assert [call[name] for name in ("started_at", "ended_at", "recording_url", "recording_ready_at")] == [None] * 4
    assert call["id"] in room_at.people.calls()
    assert await seen(room_at, call) == {**call, "live": (await seen(room_at, call))["live"]}
    assert (await seen(room_at, call))["live"]["is_live"] is False


@pytest.mark.parametrize("fields", [{}, {"scheduled_at": None}])
async def test_a_call_needs_no_time(stage: Stage, fields: Json) -> None:
    assert (await made(stage, **fields))["scheduled_at"] is None


@pytest.mark.parametrize(("field", "fault"), pairs(FAULTS), ids=named)
async def test_a_bad_field_is_refused_by_its_name_and_asks_no_provider(
    stage: Stage, owner: Owner, field: str, fault: str
) -> None:
    before = stage.creations
    headers = stage.tenant.bearer("manager_1", scope="manage:live", Content_Type="application/json")
    response = await stage.http.post(CALLS, content=body_with(WANTED, **{field: fault}), headers=headers)
    assert_refused(response, "validation_error", names=field, never=[fault] if len(fault) > 8 else [])
    assert (stage.creations, await calls_of(owner, stage)) == (before, 0)


async def test_a_host_whom_the_provider_cannot_hold_is_refused(stage: Stage, owner: Owner) -> None:
    response = await make(stage, user="manager_1", scope="manage:live", host_user_id="é" * 200)
    assert_refused(response, "validation_error", names="host_user_id")
    assert await calls_of(owner, stage) == 0


@pytest.mark.parametrize(("user", "scope", "answer"), [
    ("host_1", "write:live", 201), ("anna", "write:live", 403), ("anna", "manage:live", 201), ("host_1", "read:live", 403),
])  # fmt: skip
async def test_who_makes_a_call_is_its_host_or_a_manager(stage: Stage, user: str, scope: str, answer: int) -> None:
    assert (await make(stage, user=user, scope=scope)).status_code == answer


async def test_a_key_makes_one_call_and_its_answer_is_given_again_though_the_provider_is_down(
    stage: Stage, owner: Owner
) -> None:
    first = await make(stage, key="a")
    before = stage.creations
    stage.fake.misbehave("fail", operation="get_or_create_call", status=400)
    again = await make(stage, key="a")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert_refused(await make(stage, key="a", title="Another"), "idempotency_key_payload_mismatch")
    assert_refused(await make(stage, key="b"), "provider_error")
    stage.fake.behave()
    assert (await make(stage, key="b")).status_code == 201
    assert (stage.creations, await calls_of(owner, stage)) == (before + 2, 2)


async def test_a_call_that_the_provider_does_not_take_is_no_row(stage: Stage, owner: Owner) -> None:
    stage.fake.misbehave("fail", operation="get_or_create_call", status=400)
    assert_refused(await make(stage), "provider_error")
    assert await calls_of(owner, stage) == 0
    assert await owner.fetchval("select count(*) from audit_log where brand_id = $1", stage.tenant.brand) == 0


@pytest.mark.parametrize(("user", "by", "scope", "answer"), [
    ("host_1", "host_1", "write:live", "host"), ("anna", "anna", "write:live", "user"),
    ("anna", "host_1", "write:live", "user"),
    ("host_1", "manager_1", "manage:live", "host"), ("anna", "ben", "write:live", "forbidden"),
    ("host_1", "anna", "write:live", "forbidden"), ("anna", "anna", "read:live", "insufficient_scope"),
])  # fmt: skip
async def test_who_gets_a_token_of_a_call_of_its_own(*, stage: Stage, user: str, by: str, scope: str, answer: str) -> None:
    call = await made(stage)
    response = await token(stage, call, user, by=by, scope=scope)
    if response.is_success:
        read = read_pass(response.json()["token"])
        assert (read.user, read.call, read.role) == (user, f"default:{call['id']}", answer)
        assert response.headers["cache-control"] == "no-store"
    else:
        assert word_of(response) == answer


@pytest.mark.parametrize("seconds", [None, 1, 60.0, 86_400])
async def test_a_token_lives_as_long_as_was_asked(stage: Stage, seconds: float | None) -> None:
    call = await made(stage)
    fields: Json = {} if seconds is None else {"ttl_seconds": seconds}
    said = answered(await token(stage, call, "anna", by="anna", **fields), 200)
    assert said["expires_in_seconds"] == (600 if seconds is None else seconds)
    assert (said["stream_call_id"], said["stream_call_type"]) == (call["id"], "default")
    left = claims_of(said["token"])["exp"] - time.time()
    assert said["expires_in_seconds"] - 5 <= left <= said["expires_in_seconds"] + 5


async def test_into_a_sessions_call_one_comes_as_by_joining_it(stage: Stage, owner: Owner) -> None:
    session = await stage.session(max_participants=1)
    await stage.join(session, "host_1")
    assert word_of(await token(stage, session, "anna", by="anna")) == "not_joinable"
    await step(stage, session, "start")
    assert word_of(await token(stage, session, "anna", by="ben")) == "forbidden"
    brought = await token(stage, session, "anna", by="host_1")
    assert read_pass(answered(brought, 200)["token"]).user == "anna"
    assert await seats_of(owner, room_of(stage, session)) == (1, 0)
    assert word_of(await token(stage, session, "ben", by="host_1")) == "at_capacity"
    await room_of(stage, session).remove((await room_of(stage, session).own("anna")).json())
    assert word_of(await token(stage, session, "anna", by="host_1")) == "forbidden"


@pytest.mark.parametrize("kind", ["cut", "fail", "slow", "garbage"])
async def test_reading_a_call_never_fails_because_of_the_provider(stage: Stage, kind: Any) -> None:
    call = await made(stage)
    stage.fake.misbehave(kind, operation="get_call", seconds=10.0, times=3)
    began = time.monotonic()
    found = await seen(stage, call)
    assert time.monotonic() - began < 3.5  # 2 s, and what a busy machine adds
    assert (found["live"], found["id"], found["status"]) == (None, call["id"], "scheduled")
    stage.fake.behave()


async def test_a_call_that_the_provider_has_forgotten_is_not_live(room_at: Stage, owner: Owner) -> None:
    call = await made(room_at)
    forgotten = uuid4()
    await owner.execute("update calls set id = $1 where id = $2", forgotten, UUID(call["id"]))
    found = await seen(room_at, {"id": str(forgotten)})
    assert found["live"] == {"is_live": False, "current_session_id": None, "ended_at": None}


async def test_a_call_of_a_provider_that_is_no_longer_set_up_is_read_and_nothing_else(stage: Stage, owner: Owner) -> None:
    call = await made(stage)
    await owner.execute("update calls set provider = 'former' where id = $1", UUID(call["id"]))
    assert (await seen(stage, call))["live"] is None
    assert_refused(await token(stage, call, "anna", by="anna"), "not_configured")
    assert_refused(await end(stage, call), "not_configured")


async def test_ending_twice_is_ending_once(room_at: Stage, owner: Owner) -> None:
    call = await made(room_at)
    first, second = answered(await end(room_at, call), 200), answered(await end(room_at, call), 200)
    assert (first["status"], first) == ("ended", second)
    assert first["ended_at"] is not None
    actions = await owner.fetch("select action from audit_log where entity_id = $1 order by entity_version", UUID(call["id"]))
    assert [row["action"] for row in actions] == ["call.created", "call.ended"]
    assert_refused(await token(room_at, call, "anna", by="anna"), "not_joinable", names="ended")


@pytest.mark.parametrize(("by", "scope", "answer"), [
    ("host_1", "write:live", "in"), ("manager_1", "manage:live", "in"), ("anna", "write:live", "forbidden"),
    ("host_1", "read:live", "insufficient_scope"),
])  # fmt: skip
async def test_who_may_end_a_call(stage: Stage, by: str, scope: str, answer: str) -> None:
    call = await made(stage)
    assert word_of(await end(stage, call, by=by, scope=scope)) == answer
    assert (await seen(stage, call))["status"] == ("ended" if answer == "in" else "scheduled")


async def test_when_the_provider_cannot_end_it_nothing_changes(stage: Stage) -> None:
    session = await stage.session()
    await stage.join(session, "host_1")
    await step(stage, session, "start")
    call = await made(stage)
    stage.fake.misbehave("fail", operation="end_call", status=429)
    for one in (call, session):
        before = await seen(stage, one)
        assert_refused(await end(stage, one), "provider_error")
        assert await seen(stage, one) == before
    assert (await stage.seen(session))["status"] == "live"
    stage.fake.behave()
    assert {(await end(stage, one)).json()["status"] for one in (call, session)} == {"ended"}


async def test_ending_a_sessions_call_ends_the_session(room_at: Stage) -> None:
    session = await room_at.session()
    await room_at.http.put(f"/v1/sessions/{session['id']}/co-hosts/co_host_1", headers=room_at.tenant.bearer())
    await room_at.join(session, "host_1")
    assert_refused(await end(room_at, session), "invalid_status")
    await step(room_at, session, "start")
    assert_refused(await end(room_at, session, by="anna"), "forbidden")
    ended = answered(await end(room_at, session, by="co_host_1"), 200)
    assert (ended["status"], ended["title"]) == ("ended", session["title"])
    assert ended["ended_at"] == (await room_at.seen(session))["ended_at"]
    assert (await room_at.seen(session))["status"] == "ended"
    again = answered(await end(room_at, session), 200)
    assert {**again, "updated_at": None} == {**ended, "updated_at": None}  # what the provider tells of it moves that


async def test_a_sessions_call_is_as_its_session_is(stage: Stage) -> None:
    session = await stage.session()
    unknown = await stage.http.get(f"{CALLS}/{session['id']}", headers=stage.tenant.bearer())
    assert_refused(unknown, "not_found")  # nobody has wanted in
    await stage.join(session, "host_1")
    await stage.tenant.patch(stage.http, session, {"title": "Another"})
    call = await seen(stage, session)
    assert (call["title"], call["status"], call["host_user_id"]) == ("Another", "scheduled", "host_1")
    assert call["scheduled_at"] == session["scheduled_at"]
    await step(stage, session, "cancel")
    assert (await seen(stage, session))["status"] == "ended"
    assert_refused(await token(stage, session, "host_1", by="host_1"), "not_joinable")


async def test_what_the_provider_tells_of_a_call_of_its_own(room_at: Stage) -> None:
    call = await made(room_at)
    people = room_at.people
    connection = people.join(call["id"], "host_1")
    room_at.fake.settle()
    live = await seen(room_at, call)
    assert (live["status"], live["live"]["is_live"], live["ended_at"]) == ("live", True, None)
    assert live["started_at"] is not None
    recording = next(iter(people.calls()[call["id"]]["recordings"]))["id"]
    people.leave(connection)
    people.end_span(call["id"])
    room_at.fake.settle()

    async def is_over() -> bool:
        return bool((await seen(room_at, call))["status"] == "ended")

    await eventually(is_over, "the call is over")
    people.finish(recording)
    room_at.fake.settle()
    over = await seen(room_at, call)
    assert (over["recording_url"] is None, over["recording_ready_at"] is None) == (False, False)
    assert over["ended_at"] >= over["started_at"]


async def test_a_call_that_everybody_has_left_is_ended_at_the_provider_when_it_is_ended(room_at: Stage) -> None:
    call = await made(room_at)
    connection = room_at.people.join(call["id"], "host_1")
    room_at.people.leave(connection)
    room_at.people.end_span(call["id"])
    room_at.fake.settle()
    assert (await seen(room_at, call))["status"] == "ended"
    asked = ENDS[room_at.provider]
    before = room_at.fake.requests(asked)
    for _ in range(2):
        assert answered(await end(room_at, call), 200)["status"] == "ended"
    assert room_at.fake.requests(asked) == before + 1
