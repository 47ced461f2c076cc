"""Timers beside whoever else holds a row: they wait for nobody, keep nobody, and one that fails keeps no other."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from greenroom.kit.database import Database
from greenroom.kit.errors import Unavailable
from greenroom.timers import queries, service
from greenroom.timers.queries import Claim
from tests.timers.stage import DAY, MINUTE, Stage, without

BEGIN = 10 * DAY
DUE = BEGIN - 15 * MINUTE
FAILS = """
create function refuse() returns trigger language plpgsql as $$
begin
    if new.session_id = '{session}' then
        raise exception 'no' using errcode = '{code}';
    end if;
    return new;
end $$;
create trigger refuse before insert on outbox for each row execute function refuse()
"""


@pytest.mark.parametrize("held", ["sessions where id", "timers where subject_id"])
@pytest.mark.parametrize("lock", ["no key update", "update"])
async def test_what_somebody_else_holds_is_busy_and_fires_later(stage: Stage, held: str, lock: str) -> None:
    session, other = await stage.session(stage.now + BEGIN), await stage.session(stage.now + BEGIN)
    holder = await asyncpg.connect(stage.database.owner_url)
    try:
        await holder.execute("begin")
        await stage.owner.execute("update timers set fired = '{first_reminder,last_reminder}', kind = 'doors_open'")
        claimed = await queries.claim_any_brand(stage.db, most=10, lease=service.LEASE, now=stage.now + DUE)
        await holder.execute(f"select from {held} = $1 for {lock}", session)  # texts of ours
        fired = await queries.fire_any_brand(stage.db, claimed, people=10, request_id="r", now=stage.now + DUE)  # type: ignore[arg-type]
        assert {one.subject_id: one.outcome for one in fired} == {session: "busy", other: "fired"}
        busy = [one for one in fired if one.outcome == "busy"]
        await queries.release_any_brand(stage.db, busy, wait=service.BUSY_WAIT, now=stage.now + DUE)
        await holder.execute("commit")
    finally:
        await holder.close()
    assert (await stage.names(session), await stage.names(other)) == ([], ["doors_opened"])
    await stage.fire(stage.now + DUE + service.LEASE)
    assert await stage.names(session) == ["doors_opened"]


async def test_the_others_go_on_beside_a_session_that_is_held(stage: Stage) -> None:
    session, other = await stage.session(stage.now + BEGIN), await stage.session(stage.now + BEGIN)
    holder = await asyncpg.connect(stage.database.owner_url)
    try:
        await holder.execute("begin")
        await holder.execute("select from sessions where id = $1 for no key update", session)
        await stage.fire(stage.now + DUE)
        assert (await stage.names(session), await stage.names(other)) == ([], ["doors_opened"])
        await holder.execute("commit")
    finally:
        await holder.close()
    await stage.fire(stage.now + DUE + service.BUSY_WAIT)
    assert await stage.names(session) == ["doors_opened"]


async def test_what_is_given_back_waits_for_nobody(stage: Stage) -> None:
    """Who changes several sessions holds the timer of one and wants that of another: waiting here would be a deadlock."""
    first, second = sorted([await stage.session(stage.now + BEGIN) for _ in range(2)])
    holder = await asyncpg.connect(stage.database.owner_url)
    claims = [Claim(stage.brand, one, timedelta()) for one in (first, second)]
    try:
        await holder.execute("begin")
        await holder.execute("update sessions set scheduled_at = scheduled_at + interval '1 day' where id = $1", second)
        async with asyncio.timeout(20):
            await queries.release_any_brand(stage.db, claims, wait=MINUTE, now=stage.now)
            await holder.execute("update sessions set scheduled_at = scheduled_at + interval '1 day' where id = $1", first)
        await holder.execute("commit")
    finally:
        await holder.close()
    assert await stage.planned(first) == await stage.planned(second) == ("first_reminder", stage.now + BEGIN)


async def test_two_workers_share_what_is_due(stage: Stage) -> None:
    sessions = [await stage.session(stage.now + BEGIN) for _ in range(30)]
    await asyncio.gather(*(stage.fire(stage.now + DUE) for _ in range(4)))
    assert [await stage.names(session) for session in sessions] == [["doors_opened"]] * 30


@pytest.mark.parametrize("code", ["P0001", "22003", "40P01"])
async def test_one_that_fails_keeps_no_other_and_is_tried_again(own_stage: Stage, code: str) -> None:
    stage = own_stage
    sessions = [await stage.session(stage.now + BEGIN) for _ in range(5)]
    bad = sessions[2]
    await stage.owner.execute(FAILS.format(session=bad, code=code))
    lines = await stage.fire(stage.now + DUE)
    assert [len(await stage.names(session)) for session in sessions] == [1, 1, 0, 1, 1]
    failed = [line for line in lines if line["event"] == "timer_failed"]
    assert {line["subject_id"] for line in failed} == {str(bad)}
    await stage.owner.execute("drop trigger refuse on outbox")
    await stage.fire(stage.now + DUE + service.FAILED_WAIT)
    assert [await stage.names(session) for session in sessions] == [["doors_opened"]] * 5


async def test_one_that_fails_at_its_end_keeps_its_session_as_it_was(own_stage: Stage) -> None:
    """Its effect and the note that it has fired are of one transaction."""
    stage = own_stage
    session = await stage.session(stage.now + BEGIN)
    await stage.owner.execute(
        "create function refuse() returns trigger language plpgsql as $$ begin raise 'no'; end $$;"
        "create trigger refuse before update of fired on timers for each row execute function refuse()"
    )
    for _ in range(2):
        await stage.fire(stage.now + DUE)
    assert (await stage.status(session), await stage.names(session)) == ("scheduled", [])


async def test_an_unreachable_database_is_said_so() -> None:
    async with Database("postgresql://greenroom@/none?host=/nowhere", size=1, wait_seconds=1, statement_seconds=1) as db:
        with pytest.raises(Unavailable):
            await service.Timers(db).fire_due()


async def test_more_than_one_transaction_takes_all_fire(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "AT_ONCE", 4)
    sessions = [await stage.session(stage.now + BEGIN) for _ in range(10)]
    await stage.fire(stage.now + DUE, rounds=1)
    await stage.fire(stage.now + DUE)
    assert [await stage.names(session) for session in sessions] == [["doors_opened"]] * 10


async def reminded_of_an_old_time(stage: Stage) -> list[str]:
    """A session is moved after a worker claimed its reminder: of which times are people reminded?"""
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, "a")
    due = stage.now + BEGIN - DAY
    [claim] = await queries.claim_any_brand(stage.db, most=10, lease=service.LEASE, now=due)
    await stage.move(session, stage.now + 2 * BEGIN)
    await queries.fire_any_brand(stage.db, [claim], people=10, request_id="r", now=due)  # type: ignore[arg-type]
    return await stage.reminded(session, "first")


async def test_a_claim_from_before_a_move_reminds_nobody(own_stage: Stage) -> None:
    assert await reminded_of_an_old_time(own_stage) == []


async def test_without_the_second_look_somebody_is_reminded_of_an_old_time(own_stage: Stage) -> None:
    """The negative control: with the guard off the fault shows."""
    await without(own_stage.owner, "fire_timers_any_brand_v1", "if next.due_at > now_ then", "if false then")
    assert await reminded_of_an_old_time(own_stage) == ["a"]


async def test_without_the_note_of_what_has_fired_it_fires_again(own_stage: Stage) -> None:
    """The other control: the row says what is next only because what has fired is noted."""
    stage = own_stage
    await without(stage.owner, "fire_timers_any_brand_v1", "t.fired := t.fired || kind;", "")
    session = await stage.session(stage.now + BEGIN)
    await stage.says(session, first_reminder=0, last_reminder=0)
    await stage.fire(stage.now + DUE, rounds=3)
    assert await stage.names(session) == ["doors_opened"] * 3
