"""What the provider is told, and what it is asked, whatever its webhooks do."""

import json
import time
from uuid import UUID

import pytest

from tests.calls.stage import Stage, from_now
from tests.faults.waiting import eventually
from tests.postgres import Owner
from tests.tenant import Json

DUE = "update calls set due_at = now() where id = $1"
RULES = {"lose": 1.0}
KICKS = {"getstream": "kick_user", "livekit": "RemoveParticipant"}


@pytest.fixture
def owner(registrar: Owner) -> Owner:
    """Of the database of the test's own."""
    return registrar


async def look_now(owner: Owner, session: Json) -> None:
    """The minute is over."""
    await owner.execute(DUE, UUID(session["id"]))


async def opened(house: Stage, **fields: object) -> Json:
    """A session whose doors are open, and whose call the provider has."""
    session = await house.session(minutes=5, **fields)
    await eventually(lambda: has_call(house, session), "the call is made when the doors open")
    assert session["id"] in house.people.calls()
    return session


async def has_call(house: Stage, session: Json) -> bool:
    return bool((await house.seen(session))["stream_call_id"])


async def is_told(house: Stage, session: Json, text: str) -> bool:
    return text in json.dumps(house.people.calls()[session["id"]])


async def events(owner: Owner, session: Json, name: str) -> list[Json]:
    """The payloads of what was told."""
    rows = await owner.fetch(
        "select payload from all_events_any_brand_v1() where session_id = $1 and name = $2 order by sequence",
        UUID(session["id"]),
        name,
    )
    return [json.loads(row["payload"]) for row in rows]


async def test_the_call_is_made_when_the_doors_open_and_not_before(house: Stage, owner: Owner) -> None:
    later = await house.session(minutes=60)
    now = await opened(house)
    seen = await house.seen(now)
    assert seen["stream_call_id"] == now["id"]
    assert later["id"] not in house.people.calls()
    assert await owner.fetchval("select count(*) from calls") == 1


async def test_a_patch_of_title_and_time_reaches_the_provider(house: Stage) -> None:
    session = await opened(house)
    await house.tenant.patch(house.http, session, {"title": "Another title of ours", "scheduled_at": from_now(7)})
    await eventually(lambda: is_told(house, session, "Another title of ours"), "the provider knows the title")


async def test_a_provider_that_is_down_delays_that_and_never_the_patch(house: Stage, owner: Owner) -> None:
    session = await opened(house)
    house.fake.misbehave("cut")
    started = time.monotonic()
    response = await house.tenant.patch(house.http, session, {"title": "While it is down"})
    assert response.status_code == 200
    assert time.monotonic() - started < 2

    async def has_failed() -> bool:
        return bool(await owner.fetchval("select failures > 0 from calls where id = $1", UUID(session["id"])))

    await eventually(has_failed, "the provider was asked in vain")
    house.fake.behave()
    await eventually(lambda: is_told(house, session, "While it is down"), "it is told when it is back", seconds=60)


async def test_who_is_removed_is_put_out_and_again_when_seen_again(house: Stage, owner: Owner) -> None:
    session = await opened(house)
    await house.register(session, "anna")
    await house.comes(session, "host_1")
    await house.comes(session, "anna")
    house.fake.settle()
    headers = house.tenant.bearer("host_1")
    response = await house.http.delete(f"/v1/sessions/{session['id']}/participants/anna", headers=headers)
    assert response.status_code == 200

    async def is_out() -> bool:
        return not any("anna" in json.dumps(one) for one in inside(house, session))

    async def is_noted() -> bool:
        return bool(await owner.fetchval("select told_at is not null from call_removals where user_id = 'anna'"))

    await eventually(is_out, "she is out")
    await eventually(is_noted, "that the provider was told so is noted")
    assert (await house.join(session, "anna")).status_code == 403
    await owner.execute("update call_removals set told_at = told_at - interval '1 minute'")
    house.people.join(session["id"], "anna")  # by a token of before
    await eventually(is_out, "she is out again")
    assert (await house.seen(session))["registered_count"] == 0


def inside(house: Stage, session: Json) -> list[Json]:
    found: list[Json] = house.people.calls().get(session["id"], {}).get("inside", [])
    return found


async def is_empty(house: Stage, session: Json) -> bool:
    return not inside(house, session)


async def test_webhooks_that_never_came_are_made_up_for(house: Stage, owner: Owner) -> None:
    house.fake.rule_webhooks(**RULES)
    session = await opened(house)
    await house.register(session, "anna")
    await house.comes(session, "host_1")
    await house.comes(session, "anna")
    await look_now(owner, session)
    await house.until(session, "live")
    recording = house.people.record(session["id"])
    house.people.finish(recording)
    assert (await house.tenant.step(house.http, session, "end")).status_code == 200

    async def is_there() -> bool:
        await look_now(owner, session)
        return bool((await house.seen(session))["recording_url"])

    await eventually(is_there, "the recording is found")
    found = await house.get(f"/v1/sessions/{session['id']}/attendance")
    assert {one["user_id"]: one["outcome"] for one in found["attendance"]} == {"host_1": "attended", "anna": "attended"}


async def test_an_empty_call_ends_its_session_and_everybody_is_told(house: Stage, owner: Owner) -> None:
    settings = {"empty_grace_minutes": 0, "doors_open_minutes": 15}
    session = await house.session(minutes=0)
    path = f"/v1/sessions/{session['id']}/settings"
    assert (await house.http.patch(path, json=settings, headers=house.tenant.bearer())).status_code == 200
    host = await house.comes(session, "host_1")
    await house.until(session, "live")
    house.people.leave(host)
    house.fake.settle()

    async def has_ended() -> bool:
        await look_now(owner, session)
        return bool((await house.seen(session))["status"] == "ended")

    await eventually(has_ended, "the session ends")
    (payload,) = await events(owner, session, "live.session.ended.v1")
    assert payload["reason"] == "empty"
    await eventually(lambda: events(owner, session, "live.attendance.summary.v1"), "the summary is told")


async def test_a_cancelled_session_is_nobodys_room(house: Stage) -> None:
    session = await opened(house)
    await house.comes(session, "host_1")
    house.fake.settle()
    await house.until(session, "live")
    other = await opened(house, title="Cancelled")
    house.people.join(other["id"], "stranger")
    assert (await house.tenant.step(house.http, other, "cancel")).status_code == 200

    await eventually(lambda: is_empty(house, other), "whoever was inside is put out")
    assert inside(house, session)


async def test_a_recording_that_never_comes_is_missing_and_may_still_turn_up(house: Stage, owner: Owner) -> None:
    session = await opened(house)
    await house.comes(session, "host_1")
    await house.until(session, "live")
    recording = house.people.record(session["id"])
    assert (await house.tenant.step(house.http, session, "end")).status_code == 200
    await owner.execute("update sessions set ended_at = ended_at - interval '2 hours', started_at = now() - interval '3 hours'")
    await owner.execute("delete from recordings")
    house.fake.rule_webhooks(**RULES)
    await look_now(owner, session)
    await eventually(lambda: events(owner, session, "live.recording.failed.v1"), "it is told that it is missing")
    (payload,) = await events(owner, session, "live.recording.failed.v1")
    assert payload["reason"] == "missing"
    house.people.finish(recording)

    async def is_ready() -> bool:
        await look_now(owner, session)
        shown = await house.get(f"/v1/sessions/{session['id']}/recordings")
        return [one["state"] for one in shown["recordings"]] == ["ready"]

    await eventually(is_ready, "it turns up after all")


async def test_what_the_provider_refuses_keeps_nothing_else_from_it(house: Stage, owner: Owner) -> None:
    session = await opened(house)
    await house.register(session, "anna")
    await house.comes(session, "host_1")
    await house.comes(session, "anna")
    house.fake.settle()
    await house.until(session, "live")
    house.fake.misbehave("fail", operation=KICKS[house.provider], status=400)
    headers = house.tenant.bearer("host_1")
    assert (await house.http.delete(f"/v1/sessions/{session['id']}/participants/anna", headers=headers)).status_code == 200
    assert (await house.tenant.step(house.http, session, "end")).status_code == 200
    await eventually(lambda: is_empty(house, session), "the call is ended all the same")
    await eventually(lambda: events(owner, session, "live.attendance.summary.v1"), "all is done that is to be done")


@pytest.mark.parametrize("provider", ["livekit"])  # GetStream forgets none
async def test_a_room_that_the_provider_forgot_is_made_again(house: Stage, owner: Owner) -> None:
    session = await opened(house)
    await house.comes(session, "host_1")
    await house.until(session, "live")
    house.people.end_span(session["id"])  # as it is when everybody was out for a minute
    house.fake.settle()
    await look_now(owner, session)

    async def is_made_again() -> bool:
        return house.creations == 2

    await eventually(is_made_again, "the room is there, and records")


@pytest.mark.parametrize("provider", ["livekit"])  # GetStream lets nobody into a call that has ended
async def test_who_opens_a_room_again_after_its_end_is_put_out(house: Stage, owner: Owner) -> None:
    session = await opened(house)
    await house.comes(session, "host_1")
    await house.until(session, "live")
    assert (await house.tenant.step(house.http, session, "end")).status_code == 200
    await eventually(lambda: is_empty(house, session), "everybody is out")
    house.people.join(session["id"], "host_1")  # by the token of before
    house.fake.settle()
    await look_now(owner, session)
    await eventually(lambda: is_empty(house, session), "who came back is out, too")
