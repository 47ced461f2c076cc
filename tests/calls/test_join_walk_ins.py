"""Walking in: who joins a live session without a seat takes one on the spot, while seats are free. DESIGN section 4."""

from tests.calls.doors import read_pass, room_of, step, word_of
from tests.calls.stage import Stage
from tests.postgres import Owner
from tests.registrations.people import audit_of, events_of, seats_of
from tests.tenant import Json
from tests.wire import assert_refused


async def live(stage: Stage, *seated: str, seats: int = 100, line: tuple[str, ...] = ()) -> Json:
    """A session that goes on, in which these have seats, and those stood in line when it began."""
    session = await stage.session(max_participants=seats)
    if seated:
        await room_of(stage, session).enter(*seated, *line)
    await step(stage, session, "start")
    return session


async def own(stage: Stage, session: Json, user: str) -> Json:
    """Somebody's registration."""
    found: Json = (await room_of(stage, session).own(user)).json()
    return found


async def test_walking_in_takes_a_seat_once_and_leaves_its_traces(stage: Stage, owner: Owner) -> None:
    session = await live(stage)
    answers = [await stage.join(session, "anna") for _ in range(3)]
    assert [word_of(answer) for answer in answers] == ["in"] * 3
    assert await seats_of(owner, room_of(stage, session)) == (1, 0)
    registration = await own(stage, session, "anna")
    assert (registration["status"], registration["role"]) == ("registered", "participant")
    [trace] = await audit_of(owner, registration)
    assert (trace.action, trace.by, trace.client) == ("registration.created", "anna", "test")
    assert trace.request_id == answers[0].headers["x-request-id"]
    [(name, told)] = await events_of(owner, registration)
    assert (name, told["user_id"], told["session_id"]) == ("live.registration.created.v1", "anna", session["id"])


async def test_a_walk_in_moves_no_version_of_the_session(stage: Stage) -> None:
    session = await live(stage)
    before = await stage.seen(session)
    await stage.join(session, "host_1")  # makes the call
    path = f"/v1/sessions/{session['id']}"
    etag = (await stage.http.get(path, headers=stage.tenant.bearer())).headers["etag"]
    await stage.join(session, "anna")
    after = await stage.seen(session)
    assert after["updated_at"] == before["updated_at"]
    patched = await stage.tenant.patch(stage.http, session, {"title": "Still mine"}, If_Match=etag)
    assert patched.status_code == 200, patched.text


async def test_hosts_take_no_seat(stage: Stage, owner: Owner) -> None:
    session = await live(stage, "anna", seats=1)
    await stage.http.put(f"/v1/sessions/{session['id']}/co-hosts/co_host_1", headers=stage.tenant.bearer())
    for host in ("host_1", "co_host_1"):
        response = await stage.join(session, host)
        assert read_pass(response.json()["token"]).role == "host"
    assert await seats_of(owner, room_of(stage, session)) == (1, 0)


async def test_who_walks_in_when_all_is_full_is_told_so(stage: Stage, owner: Owner) -> None:
    session = await live(stage, "anna", seats=1)
    await stage.join(session, "anna")
    assert_refused(await stage.join(session, "ben"), "at_capacity")
    assert await seats_of(owner, room_of(stage, session)) == (1, 0)
    await room_of(stage, session).leave("anna")
    assert word_of(await stage.join(session, "ben")) == "in"
    assert_refused(await stage.join(session, "anna"), "at_capacity")


async def test_capacity_that_is_lowered_closes_the_door_and_puts_nobody_out(stage: Stage, owner: Owner) -> None:
    session = await live(stage, "anna", "ben", seats=5)
    await stage.tenant.patch(stage.http, session, {"max_participants": 1})
    assert word_of(await stage.join(session, "ben")) == "in"
    assert_refused(await stage.join(session, "cleo"), "at_capacity")
    await stage.tenant.patch(stage.http, session, {"max_participants": 3})
    assert word_of(await stage.join(session, "cleo")) == "in"
    assert await seats_of(owner, room_of(stage, session)) == (3, 0)


async def test_who_stood_in_line_walks_in_like_anybody_and_the_place_is_given_up(stage: Stage, owner: Owner) -> None:
    session = await live(stage, "anna", seats=1, line=("ben", "cleo"))
    waited = await own(stage, session, "cleo")
    await room_of(stage, session).leave("anna")
    assert word_of(await stage.join(session, "cleo")) == "in"
    seated = await own(stage, session, "cleo")
    assert (seated["status"], seated["waitlist_position"]) == ("registered", None)
    assert seated["id"] != waited["id"]
    assert await seats_of(owner, room_of(stage, session)) == (1, 1)
    assert [trace.action for trace in await audit_of(owner, waited)] == ["registration.waitlisted", "registration.cancelled"]
    assert [name for name, _ in await events_of(owner, seated)] == ["live.registration.created.v1"]


async def test_who_stands_in_line_keeps_the_place_while_all_is_full(stage: Stage, owner: Owner) -> None:
    session = await live(stage, "anna", seats=1, line=("ben",))
    await stage.join(session, "anna")
    waited = await own(stage, session, "ben")
    assert_refused(await stage.join(session, "ben"), "at_capacity")
    assert await own(stage, session, "ben") == waited
    assert await seats_of(owner, room_of(stage, session)) == (1, 1)


async def test_while_it_is_scheduled_nobody_walks_past_the_line(stage: Stage, owner: Owner) -> None:
    session = await stage.session(max_participants=1)
    await room_of(stage, session).enter("anna", "ben")
    for user in ("ben", "cleo"):
        assert_refused(await stage.join(session, user), "not_joinable", names="no seat")
    await room_of(stage, session).leave("anna")  # ben moves up
    assert word_of(await stage.join(session, "ben")) == "in"
    assert_refused(await stage.join(session, "cleo"), "not_joinable")
    assert await seats_of(owner, room_of(stage, session)) == (1, 0)


async def test_a_free_seat_is_nobodys_while_it_is_scheduled(stage: Stage, owner: Owner) -> None:
    session = await stage.session(max_participants=10)
    assert_refused(await stage.join(session, "anna"), "not_joinable", names="no seat")
    assert await seats_of(owner, room_of(stage, session)) == (0, 0)


async def test_who_cancelled_walks_in_with_a_new_registration(stage: Stage, owner: Owner) -> None:
    session = await live(stage, "anna")
    before = await own(stage, session, "anna")
    await room_of(stage, session).leave("anna")
    assert word_of(await stage.join(session, "anna")) == "in"
    after = await own(stage, session, "anna")
    assert (after["status"], after["id"] != before["id"]) == ("registered", True)
    assert await seats_of(owner, room_of(stage, session)) == (1, 0)


async def test_a_manager_walks_somebody_in_who_is_then_theirs_in_the_audit(stage: Stage, owner: Owner) -> None:
    session = await live(stage)
    headers = stage.tenant.bearer("manager_1", scope="manage:live")
    response = await stage.http.post(f"/v1/sessions/{session['id']}/join", json={"user_id": "anna"}, headers=headers)
    assert read_pass(response.json()["token"]).user == "anna"
    [trace] = await audit_of(owner, await own(stage, session, "anna"))
    assert trace.by == "manager_1"


async def test_a_manager_who_walks_in_who_waited_is_named_for_both_steps(stage: Stage, owner: Owner) -> None:
    session = await live(stage, "anna", seats=1, line=("ben",))
    waited = await own(stage, session, "ben")
    await room_of(stage, session).leave("anna")
    headers = stage.tenant.bearer("manager_1", scope="manage:live")
    response = await stage.http.post(f"/v1/sessions/{session['id']}/join", json={"user_id": "ben"}, headers=headers)
    assert response.status_code == 200, response.text
    assert [trace.by for trace in await audit_of(owner, waited)] == ["ben", "manager_1"]
    assert [trace.by for trace in await audit_of(owner, await own(stage, session, "ben"))] == ["manager_1"]


async def test_an_id_that_the_provider_cannot_hold_takes_no_seat(stage: Stage, owner: Owner) -> None:
    session = await live(stage)
    name = "é" * 200
    assert_refused(await stage.join(session, name), "validation_error", names="user_id", never=[name])
    assert await seats_of(owner, room_of(stage, session)) == (0, 0)
