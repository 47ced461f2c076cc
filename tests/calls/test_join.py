"""Who is let into a session's call, and when; and what their token says. DESIGN section 4."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.calls.doors import BARRED, Pass, call_row, claims_of, read_pass, room_of, say, step, with_everybody, word_of
from tests.calls.stage import Stage
from tests.postgres import Owner
from tests.registrations.people import seats_of
from tests.tenant import Json
from tests.wire import assert_refused

A_DAY = 24 * 60
EVERYBODY = ["host_1", "co_host_1", "seat_1", "line_1", BARRED, "allowed_1", "stranger_1"]

# What each of them is answered, in the order of EVERYBODY.
WHEN: dict[str, tuple[float, str, list[str]]] = {
    "the day before": (A_DAY, "", ["in", "in", "too_early", "too_early", "barred", "too_early", "too_early"]),
    "the doors are open": (5, "", ["in", "in", "in", "no_seat", "barred", "no_seat", "no_seat"]),
    "live, though early": (A_DAY, "start", ["in", "in", "in", "in", "barred", "in", "in"]),
    "ended": (5, "start end", ["over"] * 7),
    "cancelled": (5, "cancel", ["over"] * 7),
    "cancelled, the day before": (A_DAY, "cancel", ["over"] * 7),
}
SAYS = {
    "too_early": ("not_joinable", "doors"),
    "no_seat": ("not_joinable", "no seat"),
    "over": ("not_joinable", "over"),
    "barred": ("forbidden", "removed"),
}


async def joins_as(stage: Stage, session: Json, user: str, *, by: str, scope: str) -> httpx.Response:
    """Somebody presses "join" for somebody, with a token of this scope."""
    headers = stage.tenant.bearer(by, scope=scope)
    return await stage.http.post(f"/v1/sessions/{session['id']}/join", json={"user_id": user}, headers=headers)


@pytest.mark.parametrize("when", WHEN)
async def test_who_is_let_in_and_when(stage: Stage, when: str) -> None:
    minutes, verbs, expected = WHEN[when]
    session = await with_everybody(stage, minutes=minutes)
    before = await stage.tenant.patch(stage.http, session, {"max_participants": 1})
    assert before.status_code == 200, before.text
    assert (await stage.register(session, "line_1"))["status"] == "waitlist"
    await step(stage, session, *verbs.split())
    if verbs == "start":
        await stage.tenant.patch(stage.http, session, {"max_participants": 100})
    for user, answer in zip(EVERYBODY, expected, strict=True):
        response = await stage.join(session, user)
        if answer == "in":
            assert response.status_code == 200, (user, response.text)
            assert read_pass(response.json()["token"]).user == user
        else:
            error, names = SAYS[answer]
            assert_refused(response, error, names=names, never=[user])


@pytest.mark.parametrize(("said", "minutes", "answer"), [
    (0, 0.5, "not_joinable"), (1, 0.5, "in"), (60, 59, "in"), (60, 61, "not_joinable"), (15, -1, "in"), (0, -1, "in"),
])  # fmt: skip
async def test_the_doors_open_as_long_before_as_the_session_says(stage: Stage, said: int, minutes: float, answer: str) -> None:
    session = await stage.session(minutes=minutes)
    await stage.register(session, "anna")
    await say(stage, session, doors_open_minutes=said)
    assert word_of(await stage.join(session, "anna")) == answer


async def test_who_was_let_in_once_is_let_in_again(stage: Stage) -> None:
    session = await with_everybody(stage)
    for user in ("host_1", "seat_1", "seat_1", "host_1"):
        assert word_of(await stage.join(session, user)) == "in"


async def test_who_was_let_in_and_is_then_removed_is_not_let_in_again(stage: Stage, owner: Owner) -> None:
    session = await stage.session()
    await step(stage, session, "start")
    assert word_of(await stage.join(session, "anna")) == "in"
    room = room_of(stage, session)
    own = (await room.own("anna")).json()
    await room.remove(own)
    assert word_of(await stage.join(session, "anna")) == "forbidden"
    assert await seats_of(owner, room) == (0, 0)
    await room.allow(own)
    assert word_of(await stage.join(session, "anna")) == "in"
    assert await seats_of(owner, room) == (1, 0)


@pytest.mark.parametrize(("by", "scope", "answer"), [
    ("manager_1", "manage:live", "in"), ("admin_1", "admin:live", "in"), ("admin_1", "admin:*", "in"),
    ("host_1", "read:live write:live", "forbidden"), ("co_host_1", "read:live write:live", "forbidden"),
    ("seat_1", "read:live write:live", "forbidden"), ("stranger_1", "write:live", "forbidden"),
    ("seat_2", "read:live", "insufficient_scope"),
])  # fmt: skip
async def test_only_a_manager_joins_for_another(stage: Stage, by: str, scope: str, answer: str) -> None:
    session = await with_everybody(stage)
    await stage.register(session, "seat_2")
    response = await joins_as(stage, session, "seat_2", by=by, scope=scope)
    assert word_of(response) == answer
    if answer == "in":
        assert read_pass(response.json()["token"]).user == "seat_2"


async def test_a_manager_opens_no_door_for_another(stage: Stage, owner: Owner) -> None:
    session = await with_everybody(stage, minutes=A_DAY)
    before = await seats_of(owner, room_of(stage, session))
    for user in ("seat_1", BARRED, "stranger_1", "manager_1"):
        response = await joins_as(stage, session, user, by="manager_1", scope="manage:live")
        assert word_of(response) in {"not_joinable", "forbidden"}, user
    assert await seats_of(owner, room_of(stage, session)) == before


async def test_a_guest_is_let_in_by_who_may_speak_for_them(stage: Stage) -> None:
    session = await stage.session()
    guest = f"guest:{(await room_of(stage, session).invite())['id']}"
    response = await joins_as(stage, session, guest, by="manager_1", scope="manage:live")
    assert word_of(response) == "in"
    assert word_of(await joins_as(stage, session, guest, by="host_1", scope="write:live")) == "forbidden"
    assert word_of(await joins_as(stage, session, f"guest:{uuid4()}", by="manager_1", scope="manage:live")) == "not_joinable"


async def test_an_unknown_session_is_told_before_who_may_not(stage: Stage) -> None:
    nobodys = {"id": str(uuid4())}
    assert_refused(await stage.join(nobodys, "anna"), "not_found")
    assert_refused(await joins_as(stage, nobodys, "ben", by="anna", scope="write:live"), "not_found")


async def test_who_may_not_is_told_before_the_status(stage: Stage) -> None:
    session = await stage.session(minutes=A_DAY)
    await step(stage, session, "cancel")
    assert_refused(await joins_as(stage, session, "ben", by="anna", scope="write:live"), "forbidden", names="user_id")


@pytest.mark.parametrize(("kind", "user", "role"), [
    ("live", "host_1", "host"), ("live", "co_host_1", "host"), ("live", "seat_1", "viewer"), ("live", "walk_in_1", "viewer"),
    ("office_hours", "host_1", "host"), ("office_hours", "co_host_1", "host"), ("office_hours", "seat_1", "speaker"),
    ("office_hours", "walk_in_1", "speaker"),
])  # fmt: skip
async def test_the_token_is_for_this_call_this_user_this_role_and_ten_minutes(
    *, room_at: Stage, kind: str, user: str, role: str
) -> None:
    session = await with_everybody(room_at, kind=kind)
    await step(room_at, session, "start")
    response = await room_at.join(session, user)
    assert response.json()["call_id"] == session["id"]
    read = read_pass(response.json()["token"], room_at.provider)
    call, said = session["id"], role
    if room_at.provider == "getstream":
        call, said = f"default:{session['id']}", "host" if role == "host" else "user"
    assert timedelta(minutes=10) <= read.lifetime <= timedelta(minutes=10, seconds=10)
    assert Pass(read.user, read.call, read.role, timedelta()) == Pass(user, call, said, timedelta())


async def test_a_token_is_no_wider_than_its_call(room_at: Stage) -> None:
    session = await room_at.session()
    claims = claims_of((await room_at.join(session, "host_1")).json()["token"], room_at.provider)
    if room_at.provider == "getstream":
        assert claims["call_cids"] == [f"default:{session['id']}"]
        assert not {"channel_cids", "server"} & set(claims)
    else:
        assert not {"roomCreate", "roomList", "roomRecord", "ingressAdmin"} & set(claims["video"])


async def test_the_answer_is_kept_by_nobody(stage: Stage) -> None:
    session = await stage.session()
    response = await stage.join(session, "host_1")
    assert response.headers["cache-control"] == "no-store"
    assert set(response.json()) == {"token", "call_id"}
    assert not {"etag", "idempotency-replayed"} & set(response.headers)


async def test_a_token_is_made_anew_whatever_the_key_and_stored_nowhere(stage: Stage, owner: Owner) -> None:
    session = await stage.session()
    path, headers = f"/v1/sessions/{session['id']}/join", stage.tenant.bearer(Idempotency_Key="the same")
    bodies: list[Any] = [{"user_id": "host_1"}, {"user_id": "host_1"}, {"user_id": "host_1", "more": 1}]
    answers = [await stage.http.post(path, json=body, headers=headers) for body in bodies]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert not any("idempotency-replayed" in answer.headers for answer in answers)
    assert await owner.fetchval("select count(*) from idempotency_keys where brand_id = $1", stage.tenant.brand) == 0
    assert_refused(
        await stage.http.post(path, json=bodies[0], headers=stage.tenant.bearer(Idempotency_Key="x" * 129)),
        "validation_error", names="Idempotency-Key",
    )  # fmt: skip


async def test_joining_in_the_log_says_no_token_and_no_name(stage: Stage) -> None:
    session = await stage.session()
    name = f"nobody-must-read-{uuid4().hex}"
    await step(stage, session, "start")
    token = (await stage.join(session, name)).json()["token"]
    assert token.split(".")[2] not in stage.server.log_text()
    assert name not in stage.server.log_text()


async def test_a_host_makes_the_call_whatever_the_day_and_the_session_says_so(stage: Stage, owner: Owner) -> None:
    session = await stage.session(minutes=A_DAY)
    assert session["stream_call_id"] is None
    assert await call_row(owner, session) is None
    await stage.join(session, "host_1")
    seen = await stage.seen(session)
    assert (seen["stream_call_id"], seen["status"]) == (session["id"], "scheduled")
    assert seen["updated_at"] == session["updated_at"]


async def test_who_is_not_let_in_makes_no_call(stage: Stage, owner: Owner) -> None:
    session = await stage.session(max_participants=1)
    await stage.register(session, "anna")
    for user in ("ben", "cleo"):
        assert word_of(await stage.join(session, user)) == "not_joinable"
    await step(stage, session, "start")
    assert_refused(await stage.join(session, "ben"), "at_capacity")
    assert (await call_row(owner, session) or {"made_at": None})["made_at"] is None
    assert session["id"] not in stage.people.calls()
