"""Every promise is checked: a planted break is found, and nothing is found where there is none."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from greenroom.invariants import service
from greenroom.kit.database import Database
from tests.invariants.breaks import (
    ALSO_ALONE,
    BREAKS,
    MORE_BREAKS,
    OF_BRANDS,
    OF_QUESTIONS,
    OF_REGISTRATIONS,
    PINNED_TWICE,
    TOLD_AGAIN,
    TOLD_TWICE,
    spelled_out,
)
from tests.invariants.healthy import HEALTHY, SESSION, TOLD_BESIDE_CHANGES, UNTOLD_CHANGES, joined
from tests.postgres import Owner, TestDatabase


@pytest.fixture
async def superuser(scratch: TestDatabase) -> AsyncIterator[Owner]:
    """Somebody whom no trigger and no foreign key holds back, in a healthy database."""
    connection = await asyncpg.connect(scratch.superuser_url)
    await connection.execute("set session_replication_role = replica")
    await connection.execute(HEALTHY)
    yield connection
    await connection.close()


async def broken_promises(database: TestDatabase) -> set[str]:
    """What `greenroom check` finds, by the service's own role: the same whether none was told, all but one, or all."""
    async with Database(database.service_url, size=1, wait_seconds=10, statement_seconds=30) as db:
        found = []
        for left in (None, 1, 0):
            if left is not None:
                await tell(db, left=left)
            found.append({finding.promise for finding in await service.check(db) if finding.broken})
    assert found == [found[0]] * 3
    return found[0]


async def tell(db: Database, *, left: int = 0) -> None:
    """Move events from the outbox to those that were told, until so many are left."""
    async with asyncio.timeout(30):
        while (waiting := (await db.rows("select count(*) as events from outbox"))[0]["events"]) > left:
            await db.rows("select * from relay_events_any_brand_v1($1)", waiting - left)


async def forget(database: TestDatabase, *, most: int) -> None:
    """Tell every event, and forget up to so many."""
    async with Database(database.service_url, size=1, wait_seconds=10, statement_seconds=30) as db:
        await tell(db)
        assert (await db.rows("select forget_events_any_brand_v2($1, '0') as gone", most))[0]["gone"] > 0


def test_every_promise_has_a_break_here() -> None:
    assert BREAKS.keys() == service.PROMISES.keys()


@pytest.mark.usefixtures("superuser")
async def test_nothing_is_found_in_a_healthy_database(scratch: TestDatabase) -> None:
    assert await broken_promises(scratch) == set()


async def test_nothing_is_found_in_an_empty_database(scratch: TestDatabase) -> None:
    assert await broken_promises(scratch) == set()


@pytest.mark.parametrize("promise", BREAKS)
async def test_a_broken_promise_is_found_and_no_other(scratch: TestDatabase, superuser: Owner, promise: str) -> None:
    for statement in BREAKS[promise]:
        await superuser.execute(spelled_out(statement))
    assert await broken_promises(scratch) == {promise}


@pytest.mark.parametrize(("promise", "statement"), ALSO_ALONE)
async def test_a_promise_broken_in_another_way_breaks_no_other(
    scratch: TestDatabase, superuser: Owner, promise: str, statement: str
) -> None:
    await superuser.execute(spelled_out(statement))
    assert await broken_promises(scratch) == {promise}


@pytest.mark.parametrize(("promise", "statement"), MORE_BREAKS)
async def test_a_promise_broken_in_another_way_is_found(
    scratch: TestDatabase, superuser: Owner, promise: str, statement: str
) -> None:
    await superuser.execute(spelled_out(statement))
    assert promise in await broken_promises(scratch)


@pytest.mark.parametrize("status", ["live", "ended", "cancelled"])
async def test_who_waits_at_a_closed_door_breaks_no_promise(scratch: TestDatabase, superuser: Owner, status: str) -> None:
    await superuser.execute(
        "update sessions set max_participants = 5, status = $1::text, started_at = now(),"
        " ended_at = case when $1::text = 'live' then null else now() end", status,
    )  # fmt: skip
    assert await broken_promises(scratch) == set()


async def test_lowering_the_capacity_below_the_seats_taken_breaks_no_promise(scratch: TestDatabase, superuser: Owner) -> None:
    await superuser.execute("update sessions set max_participants = 1")
    assert await broken_promises(scratch) == set()


async def test_a_clock_that_went_back_breaks_no_promise(scratch: TestDatabase, superuser: Owner) -> None:
    """Who came first, and who moved up first, is told by numbers."""
    await superuser.execute(
        "update registrations set registered_at = timestamptz '2030-01-01' - position * interval '1 day',"
        " promoted_at = case when promoted_at is not null then timestamptz '2030-01-01' - position * interval '1 day' end"
    )
    assert await broken_promises(scratch) == set()


async def test_a_guest_who_left_and_came_back_breaks_no_promise(scratch: TestDatabase, superuser: Owner) -> None:
    await superuser.execute(joined("guest:2", email="LEFT@example.com"))
    assert await broken_promises(scratch) == set()


@pytest.mark.parametrize("most", [1, 10, 1000])
@pytest.mark.usefixtures("superuser")
async def test_events_that_were_forgotten_break_no_promise(scratch: TestDatabase, most: int) -> None:
    await forget(scratch, most=most)
    assert await broken_promises(scratch) == set()


@pytest.mark.usefixtures("superuser")
async def test_events_that_are_kept_though_they_are_old_enough_break_no_promise(
    scratch: TestDatabase, superuser: Owner
) -> None:
    await superuser.execute("update relay set forgotten_until = 'infinity'")
    assert await broken_promises(scratch) == set()


@pytest.mark.parametrize("promise", UNTOLD_CHANGES)
async def test_a_change_after_what_was_forgotten_must_have_its_event(
    scratch: TestDatabase, superuser: Owner, promise: str
) -> None:
    await forget(scratch, most=1000)
    await superuser.execute(UNTOLD_CHANGES[promise])
    assert await broken_promises(scratch) == {promise}


@pytest.mark.parametrize("promise", UNTOLD_CHANGES)
async def test_a_change_at_the_moment_until_which_events_were_forgotten_needs_none(
    scratch: TestDatabase, superuser: Owner, promise: str
) -> None:
    await superuser.execute(UNTOLD_CHANGES[promise])
    await superuser.execute("update relay set forgotten_until = (select max(occurred_at) from audit_log)")
    assert await broken_promises(scratch) == set()


@pytest.mark.parametrize(("promise", "statement"), [
    (OF_REGISTRATIONS, TOLD_AGAIN),
    (OF_REGISTRATIONS, "delete from audit_log where :promoted"),
    (OF_REGISTRATIONS, "delete from registrations where user_id = 'in_line'"),
    (OF_BRANDS, TOLD_TWICE),
    (OF_BRANDS, "delete from audit_log where entity = 'brand' and brand_id = 'other'"),
    (OF_BRANDS, "delete from brand_settings where brand_id = 'other'"),
    (OF_QUESTIONS, PINNED_TWICE),
    (OF_QUESTIONS, "delete from audit_log where request_id = 'question 3 2'"),
    (OF_QUESTIONS, "delete from questions where position = 5"),
])  # fmt: skip
async def test_however_old_a_change_is_it_has_one_audit_row_and_no_second_event(
    scratch: TestDatabase, superuser: Owner, promise: str, statement: str
) -> None:
    await superuser.execute(spelled_out(statement))
    await superuser.execute("update relay set forgotten_until = 'infinity'")
    assert await broken_promises(scratch) >= {promise}


async def test_a_call_that_is_only_planned_breaks_no_promise(scratch: TestDatabase, superuser: Owner) -> None:
    await superuser.execute(
        "update calls set made_at = null, recording_url = null;"
        "update sessions set stream_call_id = null, recording_url = null; delete from recordings"
    )
    assert await broken_promises(scratch) == set()


async def test_what_timers_and_calls_tell_breaks_no_promise(scratch: TestDatabase, superuser: Owner) -> None:
    await superuser.execute(TOLD_BESIDE_CHANGES)
    assert await broken_promises(scratch) == set()


@pytest.mark.parametrize(("promise", "statement"), [
    ("a change has its event", "delete from outbox where name = 'live.session.updated.v1'"),
    (OF_REGISTRATIONS, "delete from outbox where :told"),
])  # fmt: skip
async def test_what_timers_and_calls_tell_stands_for_no_change(
    scratch: TestDatabase, superuser: Owner, promise: str, statement: str
) -> None:
    await superuser.execute(TOLD_BESIDE_CHANGES)
    await superuser.execute(spelled_out(statement))
    assert await broken_promises(scratch) == {promise}


async def test_a_finding_names_the_session(scratch: TestDatabase, superuser: Owner) -> None:
    await superuser.execute("update sessions set registered_count = 5 where brand_id = 'acme'")
    async with Database(scratch.service_url, size=1, wait_seconds=10, statement_seconds=30) as db:
        [finding] = [finding for finding in await service.check(db) if finding.broken]
    assert finding.examples == [f"session {SESSION}: registered_count 5, rows 4"]


async def test_a_finding_names_the_registration(scratch: TestDatabase, superuser: Owner) -> None:
    await superuser.execute("update registrations set version = 2 where brand_id = 'acme' and user_id = 'first'")
    known = await superuser.fetchval("select id from registrations where brand_id = 'acme' and user_id = 'first'")
    async with Database(scratch.service_url, size=1, wait_seconds=10, statement_seconds=30) as db:
        [finding] = [finding for finding in await service.check(db) if finding.broken]
    assert finding.examples == [f"registration {known}: version 2, audit rows 0, events 0"]


async def test_a_finding_names_the_brand(scratch: TestDatabase, superuser: Owner) -> None:
    await superuser.execute("update brand_settings set version = 3 where brand_id = 'acme'")
    async with Database(scratch.service_url, size=1, wait_seconds=10, statement_seconds=30) as db:
        [finding] = [finding for finding in await service.check(db) if finding.broken]
    assert finding.examples == ["brand acme: version 3, audit rows 0, events 0"]


async def test_a_finding_names_the_question(scratch: TestDatabase, superuser: Owner) -> None:
    await superuser.execute(spelled_out("update questions set vote_count = 5 where id = (:pinned) and brand_id = 'acme'"))
    pinned = await superuser.fetchval(spelled_out(":pinned"))
    async with Database(scratch.service_url, size=1, wait_seconds=10, statement_seconds=30) as db:
        [finding] = [finding for finding in await service.check(db) if finding.broken]
    assert finding.examples == [f"question {pinned}: vote_count 5, voters 2, rows 2"]
