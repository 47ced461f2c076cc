"""A session's row says what is next, whoever changes the session or its settings, and however."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from greenroom.kit.ids import new_id
from tests.timers.stage import DAY, HOST, MINUTE, MOMENT, Stage

BEGIN = 10 * DAY
LATER = 20 * DAY

PREVIOUS_UPDATE = """
select outcome from update_session_v1(true, $1, $2, null, null, $3::timestamptz, null, null, null, false, $4, false,
    'test', 'r', $5, $6)
"""
PREVIOUS_MOVE = """
select outcome from move_session_v1($1, $2, $3, $4, $5, $6, false, 'test', 'r', $7, null, null, null)
"""
ROW = "select subject_version, fired, leased_until, planned_at from timers where brand_id = $1 and subject_id = $2"


async def test_a_session_is_planned_when_it_is_made(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    assert await stage.planned(session) == ("first_reminder", stage.now + BEGIN - DAY)


async def test_a_new_time_plans_anew(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.fire(stage.now + BEGIN - 15 * MINUTE)
    assert await stage.planned(session) == ("last_reminder", stage.now + BEGIN - 10 * MINUTE)
    await stage.move(session, stage.now + LATER)
    assert await stage.planned(session) == ("first_reminder", stage.now + LATER - DAY)
    row = await stage.owner.fetchrow(ROW, stage.brand, session)
    assert row is not None
    assert (row["subject_version"], row["fired"]) == (2, [])


async def test_what_is_no_new_time_plans_nothing(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    before = await stage.owner.fetchrow(ROW, stage.brand, session)
    await stage.enlarge(session, 200)
    await stage.register(session, "a")
    assert await stage.owner.fetchrow(ROW, stage.brand, session) == before


async def test_a_session_that_starts_can_only_overrun(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.step(session, "start")
    started = await stage.owner.fetchval("select started_at from sessions where id = $1", session)
    assert await stage.planned(session) == ("overrun", started + 240 * MINUTE)


@pytest.mark.parametrize("steps", [["start", "end"], ["cancel"]])
async def test_a_session_that_is_over_has_no_timer(stage: Stage, steps: list[str]) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, "a")
    for step in steps:
        await stage.step(session, step)
    assert await stage.planned(session) is None
    await stage.fire(stage.now + LATER)
    assert [name for name in await stage.names(session) if name not in {"ended", "cancelled"}] == []


async def test_a_reinstated_session_is_planned_as_if_new(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.fire(stage.now + BEGIN - 15 * MINUTE)
    await stage.step(session, "cancel")
    await stage.administer(session, status="scheduled")
    assert await stage.planned(session) == ("first_reminder", stage.now + BEGIN - DAY)
    row = await stage.owner.fetchrow(ROW, stage.brand, session)
    assert row is not None
    assert (row["subject_version"], row["fired"]) == (3, [])


async def test_an_administrator_moves_timers(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.administer(session, at=stage.now + LATER)
    assert await stage.planned(session) == ("first_reminder", stage.now + LATER - DAY)
    await stage.administer(session, status="cancelled")
    assert await stage.planned(session) is None
    await stage.administer(session, status="scheduled", at=stage.now + BEGIN)
    assert await stage.planned(session) == ("first_reminder", stage.now + BEGIN - DAY)


async def test_a_longer_session_overruns_later(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.step(session, "start")
    started = await stage.owner.fetchval("select started_at from sessions where id = $1", session)
    await stage.administer(session, duration=200)
    assert await stage.planned(session) == ("overrun", started + 400 * MINUTE)
    await stage.administer(session, duration=10)
    assert await stage.planned(session) == ("overrun", started + 240 * MINUTE)


async def test_the_previous_releases_functions_move_timers(stage: Stage) -> None:
    """Its processes go on beside ours, and know nothing of timers."""
    session = await stage.session(stage.now + BEGIN)
    moved = [stage.now + LATER, HOST, new_id(), new_id()]
    assert await stage.owner.fetchval(PREVIOUS_UPDATE, stage.brand, session, *moved) == "updated"
    assert await stage.planned(session) == ("first_reminder", stage.now + LATER - DAY)
    for step, kind in ((("scheduled", "live", "started"), "overrun"), (("live", "ended", "ended"), None)):
        assert await stage.owner.fetchval(PREVIOUS_MOVE, stage.brand, session, *step, HOST, new_id()) == "moved"
        planned = await stage.planned(session)
        assert (planned and planned[0]) == kind


async def test_the_service_may_do_all_that_timers_need(stage: Stage) -> None:
    """Its role owns no table."""
    session = await stage.session(stage.now + BEGIN)
    for to, at in (("live", "started_at"), ("ended", "ended_at")):
        await stage.db.rows(
            f"update sessions set status = $3, {at} = now() where brand_id = $1 and id = $2 returning 1",  # noqa: S608
            stage.brand, session, to,
        )  # fmt: skip
    assert await stage.planned(session) is None


@pytest.mark.parametrize(("minutes", "due"), [(60, LATER - 60 * MINUTE), (10080, LATER - 7 * DAY)])
async def test_a_sessions_word_moves_its_timer_both_ways(stage: Stage, minutes: int, due: timedelta) -> None:
    session = await stage.session(stage.now + LATER)
    await stage.says(session, first_reminder=minutes)
    assert await stage.planned(session) == ("first_reminder", stage.now + due)
    await stage.says(session, first_reminder=None)
    assert await stage.planned(session) == ("first_reminder", stage.now + LATER - DAY)


@pytest.mark.parametrize(("minutes", "due"), [(60, LATER - 60 * MINUTE), (10080, LATER - 7 * DAY)])
async def test_a_brands_word_moves_the_timers_of_all_its_sessions_both_ways(stage: Stage, minutes: int, due: timedelta) -> None:
    sessions = [await stage.session(stage.now + LATER) for _ in range(3)]
    outspoken = await stage.session(stage.now + LATER)
    await stage.says(outspoken, first_reminder=120)
    await stage.brand_says(first_reminder=minutes)
    await stage.fire()
    assert {await stage.planned(session) for session in sessions} == {("first_reminder", stage.now + due)}
    assert await stage.planned(outspoken) == ("first_reminder", stage.now + LATER - 120 * MINUTE)
    await stage.brand_says(first_reminder=None)
    await stage.fire(stage.now + MINUTE)
    assert {await stage.planned(session) for session in sessions} == {("first_reminder", stage.now + LATER - DAY)}
    assert [name for session in sessions for name in await stage.names(session)] == []


async def test_a_brands_word_is_looked_at_twice_and_forgotten(stage: Stage) -> None:
    await stage.brand_says(first_reminder=60)
    brand = await stage.owner.fetchval("select id from brand_settings where brand_id = $1", stage.brand)
    at = stage.now + MINUTE
    await stage.fire(at)
    assert await stage.planned(brand) == ("brand_settings", at + MINUTE)
    await stage.fire(at + MINUTE - MOMENT)
    assert await stage.planned(brand) is not None
    await stage.fire(at + MINUTE)
    assert await stage.planned(brand) is None


async def test_a_slow_worker_makes_no_second_look_of_the_first(stage: Stage) -> None:
    """It claimed the brand's timer, slept, and the lease ended: somebody else has had the first look since."""
    await stage.brand_says(first_reminder=60)
    brand = await stage.owner.fetchval("select id from brand_settings where brand_id = $1", stage.brand)
    at = stage.now + MINUTE
    await stage.fire(at)
    [late] = await stage.db.rows(
        "select outcome from fire_timers_any_brand_v1($1, $2, 10, 'r', $3)", [stage.brand], [brand], at
    )  # fmt: skip
    assert late["outcome"] == "moved"
    assert await stage.planned(brand) == ("brand_settings", at + MINUTE)


async def test_a_new_time_that_was_set_beside_a_brands_change_goes_by_the_new_settings(stage: Stage) -> None:
    """Whoever set the time saw the old settings, and its transaction was open when the brand's timers were looked at."""
    session = await stage.session(stage.now + BEGIN)
    beside = await asyncpg.connect(stage.database.owner_url)
    try:
        changing = beside.transaction()
        await changing.start()
        await beside.execute(
            "update sessions set scheduled_at = $3 where brand_id = $1 and id = $2", stage.brand, session, stage.now + LATER
        )
        await stage.brand_says(first_reminder=10080)
        await stage.fire(stage.now + MINUTE)
        await changing.commit()
    finally:
        await beside.close()
    assert await stage.planned(session) == ("first_reminder", stage.now + LATER - DAY)
    await stage.fire(stage.now + 2 * MINUTE)
    assert await stage.planned(session) == ("first_reminder", stage.now + LATER - 7 * DAY)


async def test_what_has_fired_is_not_done_again_when_settings_change(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, "a")
    await stage.fire(stage.now + BEGIN - DAY)
    await stage.says(session, first_reminder=60, doors_open=20)
    await stage.brand_says(first_reminder=30)
    await stage.fire(stage.now + BEGIN - 9 * MINUTE)
    assert await stage.names(session) == ["first", "doors_opened", "last"]


async def test_a_session_moved_further_away_is_told_anew(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, "a")
    await stage.fire(stage.now + BEGIN - 9 * MINUTE)
    await stage.move(session, stage.now + LATER)
    for before in (DAY, 9 * MINUTE):
        await stage.fire(stage.now + LATER - before)
    told = [(one.payload["reminder"], one.payload["session_version"]) for one in await stage.told(session)
            if "reminder" in one.payload]  # fmt: skip
    assert told == [("last", 1), ("first", 2), ("last", 2)]


async def test_the_same_id_in_two_brands_is_two_sessions(stage: Stage) -> None:
    here = await stage.session(stage.now + BEGIN)
    other = stage.of(f"{stage.brand}-2")
    await other.session(stage.now + LATER, known_id=here)
    await stage.register(here, "a")
    await other.register(here, "b")
    await stage.fire(stage.now + BEGIN - DAY)
    assert (await stage.reminded(here, "first"), await other.reminded(here, "first")) == (["a"], [])
    await stage.step(here, "cancel")
    assert await other.planned(here) == ("first_reminder", stage.now + LATER - DAY)


@pytest.mark.parametrize("year", [1, 9999])
async def test_the_first_and_the_last_year_can_be_planned(stage: Stage, year: int) -> None:
    session = await stage.session(datetime(year, 1, 2 if year == 1 else 31, tzinfo=UTC))
    if year == 9999:
        await stage.move(session, datetime(9999, 12, 31, 23, 59, tzinfo=UTC))
    await stage.fire(stage.now + 6 * MINUTE)
    assert await stage.names(session) == (["doors_opened", "host_late"] if year == 1 else [])
    await stage.says(session, first_reminder=10080, not_started=10080)
    await stage.brand_says(last_reminder=10080)
    await stage.fire(stage.now + 7 * DAY + MINUTE)
    assert await stage.status(session) == ("cancelled" if year == 1 else "scheduled")


async def test_a_session_in_the_past_is_not_late_for_ages(stage: Stage) -> None:
    """What counts from a time that was past when it was set is due from then on."""
    session = await stage.session(datetime(1, 1, 1, tzinfo=UTC))
    [claim] = await stage.db.rows("select late from claim_timers_any_brand_v1(10, '1 minute', $1)", stage.now + MINUTE)
    assert claim["late"] < timedelta(minutes=5)
    [fired] = await stage.db.rows(
        "select kind, late from fire_timers_any_brand_v1($1, $2, 10, 'r', $3)", [stage.brand], [session], stage.now + MINUTE
    )  # fmt: skip
    assert (fired["kind"], fired["late"] < timedelta(minutes=5)) == ("doors_open", True)


async def test_a_session_whose_row_is_gone_leaves_no_timer(stage: Stage) -> None:
    """No request deletes one; its owner may."""
    session, other = await stage.session(stage.now + BEGIN), await stage.session(stage.now + BEGIN)
    await stage.owner.execute("delete from sessions where id = $1", session)
    await stage.fire(stage.now + BEGIN)
    assert await stage.planned(session) is None
    assert await stage.names(other) == ["doors_opened"]


@pytest.mark.parametrize("status", ["ended", "cancelled"])
async def test_a_timer_of_a_session_that_is_over_tells_nothing(own_stage: Stage, status: str) -> None:
    """As after a restore without triggers: the row is a hint, and the session says what is."""
    session = await own_stage.session(own_stage.now + BEGIN)
    await own_stage.owner.execute("alter table sessions disable trigger sessions_move_timers")
    await own_stage.owner.execute("update sessions set status = $2, ended_at = now() where id = $1", session, status)
    assert await own_stage.planned(session) is not None
    await own_stage.fire(own_stage.now + LATER)
    assert (await own_stage.names(session), await own_stage.planned(session)) == ([], None)


async def test_sessions_of_the_releases_before_get_their_timers_and_others_keep_theirs(own_stage: Stage) -> None:
    stage = own_stage
    without, has, over = [await stage.session(stage.now + BEGIN) for _ in range(3)]
    await stage.fire(stage.now + BEGIN - DAY)
    await stage.step(over, "cancel")
    await stage.owner.execute("delete from timers where subject_id = $1", without)
    await stage.owner.execute("select plan_missing_timers_any_brand_v1()")
    assert await stage.planned(without) == ("first_reminder", stage.now + BEGIN - DAY)
    assert await stage.planned(has) == ("doors_open", stage.now + BEGIN - 15 * MINUTE)
    assert await stage.planned(over) is None
