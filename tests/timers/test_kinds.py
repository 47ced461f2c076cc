"""Each kind fires at its time and not before, says what the catalogue says, and has its effect once."""

from datetime import timedelta

import pytest

from greenroom.session_settings.service import defaults
from tests.invariants.test_check import broken_promises
from tests.postgres import TestDatabase
from tests.timers.stage import DAY, HOST, MINUTE, MOMENT, Stage

BEGIN = 10 * DAY  # from now
AUDIT = """
select action, actor_user_id, actor_client_id, entity_version, changed from audit_log where brand_id = $1 and entity_id = $2
order by entity_version
"""


async def test_nothing_fires_before_the_first_time_comes(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, "a")
    assert await stage.planned(session) == ("first_reminder", stage.now + BEGIN - DAY)
    await stage.fire(stage.now + BEGIN - DAY - MOMENT)
    assert await stage.told(session) == []


@pytest.mark.parametrize(("reminder", "before", "told_before"), [("first", DAY, []), ("last", 10 * MINUTE, ["doors_opened"])])
async def test_a_reminder_comes_at_its_time(stage: Stage, reminder: str, before: timedelta, told_before: list[str]) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.says(session, **({"first_reminder": 0} if reminder == "last" else {"last_reminder": 0}))
    await stage.register(session, "a", "b")
    due = stage.now + BEGIN - before
    await stage.fire(due - MOMENT)
    assert await stage.names(session) == told_before
    await stage.fire(due)
    assert await stage.names(session) == [*told_before, reminder, reminder]
    last = (await stage.told(session))[-1]
    assert last.name == "live.registration.reminder_due.v1"
    assert last.payload == {
        "session_id": str(session), "registration_id": last.payload["registration_id"], "user_id": "b", "reminder": reminder,
        "scheduled_at": (stage.now + BEGIN).strftime("%Y-%m-%dT%H:%M:%S.000Z"), "session_version": 1,
    }  # fmt: skip


async def test_the_doors_open_at_their_time(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.fire(stage.now + BEGIN - 15 * MINUTE - MOMENT)
    assert await stage.names(session) == []
    await stage.fire(stage.now + BEGIN - 15 * MINUTE)
    [opened] = await stage.told(session)
    assert (opened.name, opened.payload) == ("live.session.doors_opened.v1", {
        "session_id": str(session), "version": 1, "scheduled_at": (stage.now + BEGIN).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    })  # fmt: skip


async def test_a_host_is_late_at_their_time(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.fire(stage.now + BEGIN + 5 * MINUTE - MOMENT)
    assert await stage.names(session) == ["doors_opened"]
    await stage.fire(stage.now + BEGIN + 5 * MINUTE)
    late = (await stage.told(session))[-1]
    assert (late.name, late.payload["host_id"], late.payload["version"]) == ("live.session.host_late.v1", HOST, 1)


async def test_a_session_that_nobody_starts_is_cancelled_once(stage: Stage, quiet: TestDatabase) -> None:
    session = await stage.session(stage.now + BEGIN, seats=2)
    await stage.register(session, "a", "b", "c")
    await stage.fire(stage.now + BEGIN + DAY - MOMENT)
    assert await stage.status(session) == "scheduled"
    for _ in range(3):
        await stage.fire(stage.now + BEGIN + DAY)
    assert await stage.status(session) == "cancelled"
    assert [one.payload for one in await stage.told(session) if one.name == "live.session.cancelled.v1"] == [
        {"session_id": str(session), "version": 2, "reason": "not_started", "registered_count": 2, "waitlist_count": 1}
    ]
    audited = await stage.owner.fetch(AUDIT, stage.brand, session)
    assert [tuple(row)[:4] for row in audited][1:] == [("session.cancelled", "greenroom", "greenroom", 2)]
    assert await stage.planned(session) is None
    assert await broken_promises(quiet) == set()


@pytest.mark.parametrize(("duration", "minutes"), [(None, 240), (60, 240), (120, 240), (121, 242), (600, 1200)])
async def test_a_session_that_overruns_is_ended_once(
    stage: Stage, quiet: TestDatabase, duration: int | None, minutes: int
) -> None:
    session = await stage.session(stage.now + BEGIN)
    if duration is not None:
        await stage.administer(session, duration=duration)
    await stage.register(session, "a")
    await stage.step(session, "start")
    version = 2 if duration is None else 3
    started = await stage.owner.fetchval("select started_at from sessions where id = $1", session)
    await stage.fire(started + minutes * MINUTE - MOMENT)
    assert await stage.status(session) == "live"
    for _ in range(3):
        await stage.fire(started + minutes * MINUTE)
    [ended] = await stage.told(session)
    assert (await stage.status(session), ended.name) == ("ended", "live.session.ended.v1")
    assert (ended.payload["reason"], ended.payload["version"]) == ("overrun", version + 1)
    audited = await stage.owner.fetch(AUDIT, stage.brand, session)
    assert tuple(audited[-1]) == ("session.ended", "greenroom", "greenroom", version + 1, ["status"])
    assert await stage.planned(session) is None
    assert await broken_promises(quiet) == set()


@pytest.mark.parametrize("duration", [1, 2**30, 2**31 - 1])
async def test_the_longest_session_may_start(stage: Stage, duration: int) -> None:
    """Twice its length is more than an integer holds."""
    session = await stage.session(stage.now + BEGIN)
    await stage.administer(session, duration=duration)
    await stage.step(session, "start")
    row = await stage.owner.fetchrow(
        "select t.kind, extract(epoch from t.due_at - s.started_at) / 60 as minutes"
        " from timers t join sessions s on s.brand_id = t.brand_id and s.id = t.subject_id where s.id = $1", session,
    )  # fmt: skip
    assert row is not None
    assert (row["kind"], row["minutes"]) == ("overrun", max(240, 2 * duration))


async def test_a_session_told_to_end_at_once_ends_at_once(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.says(session, overrun=0)
    await stage.step(session, "start")
    await stage.fire(stage.now + MINUTE)
    assert (await stage.status(session), await stage.names(session)) == ("ended", ["ended"])


@pytest.mark.parametrize("name", ["first_reminder", "last_reminder", "doors_open", "host_grace", "not_started", "overrun"])
async def test_the_programs_minutes_are_the_same_in_both_languages(stage: Stage, name: str) -> None:
    """What a session is planned by when nobody says anything is what GET settings answers."""
    minutes = getattr(defaults("none"), f"{name}_minutes")
    silent, outspoken = await stage.session(stage.now + BEGIN), await stage.session(stage.now + BEGIN)
    await stage.says(outspoken, **{name: minutes})
    if name == "overrun":
        for session in (silent, outspoken):
            await stage.step(session, "start")
    seen = [await all_of(stage, session) for session in (silent, outspoken)]
    assert seen[0] == seen[1]
    await stage.says(outspoken, **{name: minutes + 1})
    assert await all_of(stage, outspoken) != seen[0]


ALL_OF = """
with recursive steps as (
    select n.kind, n.due_at, array[n.kind] as fired, s as s
    from sessions s cross join lateral next_timer_v1(s, s.created_at, '{}') n where s.brand_id = $1 and s.id = $2
    union all
    select n.kind, n.due_at, t.fired || n.kind, t.s
    from steps t cross join lateral next_timer_v1(t.s, (t.s).created_at, t.fired) n where n.due_at < 'infinity'
)
select kind, (extract(epoch from due_at - coalesce((s).started_at, (s).scheduled_at)) / 60)::integer as minutes
from steps order by kind
"""


async def all_of(stage: Stage, session: object) -> list[tuple[str, int]]:
    """All that is to happen to the session, and how many minutes from its time, if nobody does anything."""
    return [(row["kind"], row["minutes"]) for row in await stage.owner.fetch(ALL_OF, stage.brand, session)]


async def test_the_whole_life_of_a_session_that_nobody_starts(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, "a")
    assert [kind for kind, _ in sorted(await all_of(stage, session), key=lambda one: one[1])] == [
        "first_reminder", "doors_open", "last_reminder", "host_late", "not_started"
    ]  # fmt: skip
    moments = [BEGIN - DAY, BEGIN - 15 * MINUTE, BEGIN - 10 * MINUTE, BEGIN + 5 * MINUTE, BEGIN + DAY]
    for moment in moments:
        await stage.fire(stage.now + moment)
    assert await stage.names(session) == ["first", "doors_opened", "last", "host_late", "cancelled"]
