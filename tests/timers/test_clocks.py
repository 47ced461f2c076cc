"""Workers that slept, clocks that jump, hours that are there twice: what still holds fires once, what does not is dropped."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from greenroom.kit.telemetry import timers_overdue
from greenroom.timers import service
from tests.postgres import TestDatabase
from tests.timers.stage import DAY, MINUTE, Stage, dropped, staged

BEGIN = 10 * DAY


async def test_two_that_fall_due_at_once_both_fire(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, "a")
    await stage.says(session, doors_open=10, last_reminder=10, host_grace=0)
    await stage.fire(stage.now + BEGIN - DAY)
    await stage.fire(stage.now + BEGIN - 10 * MINUTE)
    assert sorted(await stage.names(session)) == ["doors_opened", "first", "last"]


@pytest.mark.parametrize("minutes", [0, 5])
async def test_a_host_who_has_no_time_left_is_not_late_but_not_there(stage: Stage, minutes: int) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.says(session, host_grace=minutes, not_started=minutes, doors_open=0, first_reminder=0, last_reminder=0)
    lines = await stage.fire(stage.now + BEGIN + 10 * MINUTE)
    assert (await stage.names(session), dropped(lines)) == (["cancelled"], ["doors_open", "host_late"])


@pytest.mark.parametrize(("woke", "names", "lost"), [
    (BEGIN - DAY + MINUTE, ["first"], []),
    (BEGIN - 15 * MINUTE, ["first", "doors_opened"], []),
    (BEGIN - 9 * MINUTE, ["doors_opened", "last"], ["first_reminder"]),
    (BEGIN, ["doors_opened"], ["first_reminder", "last_reminder"]),
    (BEGIN + 6 * MINUTE, ["doors_opened", "host_late"], ["first_reminder", "last_reminder"]),
    (BEGIN + DAY, ["cancelled"], ["first_reminder", "doors_open", "last_reminder", "host_late"]),
    (BEGIN + 100 * DAY, ["cancelled"], ["first_reminder", "doors_open", "last_reminder", "host_late"]),
])  # fmt: skip
async def test_a_worker_that_slept_fires_what_still_holds_and_says_what_does_not(
    stage: Stage, woke: timedelta, names: list[str], lost: list[str]
) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, "a")
    lines = await stage.fire(stage.now + woke)
    assert (await stage.names(session), dropped(lines)) == (names, lost)
    assert dropped(await stage.fire(stage.now + woke)) == []


async def test_the_line_of_what_is_dropped_names_the_session_and_how_late_it_is(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    [line, *_] = await stage.fire(stage.now + BEGIN + DAY)
    assert line == {
        "event": "timer_dropped", "log_level": "warning", "kind": "first_reminder", "subject_id": str(session),
        "brand_id": stage.brand, "late_seconds": 2 * 24 * 3600,
    }  # fmt: skip


async def test_a_live_session_that_overran_while_everybody_slept_is_ended(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.step(session, "start")
    await stage.fire(stage.now + 100 * DAY)
    assert (await stage.status(session), await stage.names(session)) == ("ended", ["ended"])


async def test_a_clock_that_goes_forwards_and_backwards_tells_nothing_twice(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, "a", "b")
    for moment in (BEGIN - DAY, -BEGIN, BEGIN - DAY, 0 * DAY, BEGIN - 9 * MINUTE, BEGIN - DAY, -DAY, BEGIN - 9 * MINUTE, DAY):
        await stage.fire(stage.now + moment)
    assert await stage.names(session) == ["first", "first", "doors_opened", "last", "last"]
    assert await stage.status(session) == "scheduled"


async def test_workers_whose_clocks_disagree_tell_nothing_twice(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, "a")
    for hours in (0, 2, -2, 1, 3, -1, 0):
        await stage.fire(stage.now + BEGIN - DAY + timedelta(hours=hours))
    assert await stage.names(session) == ["first"]


async def test_a_lease_of_a_clock_that_was_wrong_keeps_nobody_from_the_timer(stage: Stage) -> None:
    """A worker claimed it a year ahead of time and died; then the clock was set right."""
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, "a")
    await stage.owner.execute("update timers set leased_until = $1", stage.now + 365 * DAY)
    await stage.fire(stage.now + BEGIN - DAY)
    assert await stage.names(session) == ["first"]


async def test_a_lease_that_ends_while_a_slow_worker_still_works_lets_nobody_fire_twice(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, "a", "b")
    due = stage.now + BEGIN - DAY
    claimed = await stage.db.rows("select * from claim_timers_any_brand_v1(100, $1, $2)", service.LEASE, due)
    assert [row["subject_id"] for row in claimed] == [session]
    await stage.fire(due)
    assert await stage.names(session) == [], "the lease holds"
    await stage.fire(due + service.LEASE)
    assert await stage.names(session) == ["first", "first"]
    for late in (due, due + service.LEASE):
        [row] = await stage.db.rows(
            "select outcome from fire_timers_any_brand_v1($1, $2, 100, 'r', $3)", [stage.brand], [session], late
        )  # fmt: skip
        assert row["outcome"] == "moved"
    assert await stage.names(session) == ["first", "first"]


@pytest.mark.parametrize("outcome", ["cancelled by the host", "started", "moved"])
async def test_what_was_claimed_before_a_change_and_fires_after_it_goes_by_the_change(stage: Stage, outcome: str) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, "a")
    due = stage.now + BEGIN + DAY
    await stage.db.rows("select * from claim_timers_any_brand_v1(100, $1, $2)", service.LEASE, due)
    match outcome:
        case "started":
            await stage.step(session, "start")
        case "moved":
            await stage.move(session, stage.now + 2 * BEGIN)
        case _:
            await stage.step(session, "cancel")
    [row] = await stage.db.rows(
        "select outcome from fire_timers_any_brand_v1($1, $2, 100, 'r', $3)", [stage.brand], [session], stage.now + BEGIN
    )  # fmt: skip
    if outcome == "started":  # which has overrun by then, and ends
        assert (row["outcome"], await stage.names(session)) == ("fired", ["ended"])
    else:
        assert row["outcome"] == ("gone" if outcome != "moved" else "moved")
        assert await stage.names(session) == (["cancelled"] if outcome != "moved" else [])


# The nights in which Berlin's clocks change: an hour is missing, an hour is there twice.
@pytest.mark.parametrize("after", [datetime(2027, 3, 28, 12, tzinfo=UTC), datetime(2027, 10, 31, 12, tzinfo=UTC)])
async def test_a_day_is_24_hours_where_clocks_change(scratch: TestDatabase, after: datetime) -> None:
    superuser = await asyncpg.connect(scratch.superuser_url)
    name = await superuser.fetchval("select current_database()")
    await superuser.execute(f"alter database {name} set timezone = 'Europe/Berlin'")
    await superuser.close()
    async with staged(scratch) as stage:
        assert await stage.owner.fetchval("show timezone") == "Europe/Berlin"
        session = await stage.session(after)
        await stage.register(session, "a")
        assert await stage.planned(session) == ("first_reminder", after - timedelta(hours=24))
        await stage.fire(after - timedelta(hours=24) - timedelta(milliseconds=1))
        assert await stage.names(session) == []
        await stage.fire(after - timedelta(hours=24))
        assert [one.payload.get("scheduled_at") for one in await stage.told(session)] == [f"{after:%Y-%m-%dT%H:%M:%S}.000Z"]
        await stage.says(session, not_started=10080, first_reminder=10080)
        await stage.fire(after + timedelta(hours=7 * 24) - timedelta(milliseconds=1))
        assert await stage.status(session) == "scheduled"
        await stage.fire(after + timedelta(hours=7 * 24))
        assert await stage.status(session) == "cancelled"


async def test_a_worker_in_another_time_zone_fires_at_the_same_moment(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process's TZ, and a clock that says Berlin's time."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    after = datetime(2027, 10, 31, 12, tzinfo=UTC)
    session = await stage.session(after)
    await stage.register(session, "a")
    berlin = ZoneInfo("Europe/Berlin")
    await stage.fire((after - timedelta(hours=24, milliseconds=1)).astimezone(berlin))
    assert await stage.names(session) == []
    await stage.fire((after - timedelta(hours=24)).astimezone(berlin))
    assert await stage.names(session) == ["first"]


async def shown(stage: Stage) -> float:
    """What the metrics say of timers that are overdue, in seconds."""
    await service.measure(stage.db)
    [metric] = timers_overdue.collect()
    return metric.samples[0].value


async def test_how_long_timers_are_overdue_is_measured(stage: Stage) -> None:
    assert await shown(stage) == 0
    session = await stage.session(stage.now + BEGIN)
    assert await shown(stage) == 0
    await stage.owner.execute(
        "update timers set planned_at = planned_at - interval '2 days', due_at = clock_timestamp() - interval '1 hour'"
        " where subject_id = $1", session,
    )  # fmt: skip
    assert 3600 <= await shown(stage) < 3700


async def test_a_session_in_the_distant_past_is_not_overdue_for_ages(stage: Stage) -> None:
    await stage.session(datetime(1, 1, 1, tzinfo=UTC))
    assert await shown(stage) < 60
