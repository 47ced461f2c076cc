"""Every promise is checked: a planted break is found, and nothing is found where there is none."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from greenroom.invariants import service
from greenroom.kit.database import Database
from tests.invariants.healthy import HEALTHY, SESSION, TOLD_BESIDE_CHANGES, UNTOLD_CHANGES, joined
from tests.postgres import Cluster, Owner, TestDatabase, fresh_database

OF_REGISTRATIONS = "a change of a registration has exactly one audit row and its event"
OF_BRANDS = "a change of a brand's settings has exactly one audit row and its event"
OF_CALLS = "a session shows the call that it has, and a recording of it that is ready"

TOLD_TWICE = """
insert into outbox (id, name, brand_id, occurred_at, payload)
values (gen_random_uuid(), 'live.brand.updated.v1', 'acme', now(), '{"version": 1}')
"""

AUDITED_TWICE = """
alter table audit_log drop constraint audit_log_pkey;
insert into audit_log select * from audit_log where :promoted
"""

TOLD_AGAIN = """
insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
select gen_random_uuid(), name, brand_id, session_id, 2, now(), payload from all_events_any_brand_v1() where :told
"""

# The audit row and the event of one promotion, where a statement says so.
PROMOTION = {
    ":promoted": "action = 'registration.promoted' and request_id = 'promoted_1 2'",
    ":told": "name = 'live.registration.promoted.v1' and payload ->> 'user_id' = 'promoted_1'",
}

# What breaks one promise, and as little else as can be.
BREAKS = {
    "registered_count is the number of registered rows": ["update sessions set registered_count = 5 where brand_id = 'acme'"],
    "no admission above the capacity stored with it": [
        "update registrations set capacity_at_admission = 3 where user_id = 'promoted_2'"
    ],
    "who waits longest is promoted first": ["update registrations set position = 9 where user_id = 'promoted_2'"],
    "waitlist_count is the number of waiting rows": ["update sessions set waitlist_count = 2 where brand_id = 'acme'"],
    "one active registration per person and session": [
        "drop index registrations_one_active_per_person",
        joined("in_line"),
    ],
    "nobody waits while a seat is free and the session is scheduled": ["update sessions set max_participants = 5"],
    "a change has exactly one audit row": ["update sessions set version = 3"],
    "a change has its event": ["delete from outbox where name = 'live.session.updated.v1'"],
    OF_REGISTRATIONS: ["update registrations set version = 2 where user_id = 'first'"],
    OF_BRANDS: ["update brand_settings set version = 3 where brand_id = 'acme'"],
    OF_CALLS: ["update calls set made_at = null where session_id is not null"],
}

# The same promise, broken alone in another way.
ALSO_ALONE = [
    ("who waits longest is promoted first", "update registrations set admission = 7 where user_id = 'promoted_1'"),
    (
        "one active registration per person and session",
        "drop index registrations_one_active_per_guest;" + joined("guest:2", email="guest@EXAMPLE.com"),
    ),
]

MORE_BREAKS = [
    ("registered_count is the number of registered rows", "update sessions set registered_count = 0"),
    ("registered_count is the number of registered rows", "delete from registrations where user_id = 'first'"),
    (
        "registered_count is the number of registered rows",
        "update registrations set status = 'cancelled', cancelled_at = now() where user_id = 'first'",
    ),
    ("no admission above the capacity stored with it", "update registrations set capacity_at_admission = 1"),
    ("no admission above the capacity stored with it", joined("late", seat=7)),
    ("who waits longest is promoted first", "update registrations set position = 4 where user_id = 'in_line'"),
    ("waitlist_count is the number of waiting rows", "update sessions set waitlist_count = 0"),
    ("waitlist_count is the number of waiting rows", "delete from registrations where user_id = 'in_line'"),
    (
        "waitlist_count is the number of waiting rows",
        "update registrations set status = 'cancelled', cancelled_at = now() where user_id = 'in_line'",
    ),
    ("waitlist_count is the number of waiting rows", "update registrations set session_id = gen_random_uuid()"),
    (
        "nobody waits while a seat is free and the session is scheduled",
        "update sessions set registered_count = registered_count - 1",
    ),
    ("a change has exactly one audit row", "delete from audit_log where entity_version = 1"),
    (
        "a change has exactly one audit row",
        "update audit_log set entity_version = 3 where entity_version = 1 and entity = 'session'",
    ),
    ("a change has exactly one audit row", "delete from audit_log"),
    ("a change has its event", "delete from outbox"),
    ("a change has its event", "update outbox set brand_id = 'another'"),
    (OF_REGISTRATIONS, "delete from audit_log where :promoted"),
    (OF_REGISTRATIONS, "update audit_log set entity_version = 7 where :promoted"),
    (OF_REGISTRATIONS, "update audit_log set entity_id = gen_random_uuid() where :promoted"),
    (OF_REGISTRATIONS, "update audit_log set brand_id = 'another' where :promoted"),
    (OF_REGISTRATIONS, "update audit_log set entity = 'session' where :promoted"),
    (OF_REGISTRATIONS, AUDITED_TWICE),
    (OF_REGISTRATIONS, "delete from outbox where :told"),
    (OF_REGISTRATIONS, "update outbox set brand_id = 'another' where :told"),
    (OF_REGISTRATIONS, "update outbox set payload = payload || '{\"version\": 1}' where :told"),
    (OF_REGISTRATIONS, "update outbox set payload = payload - 'version' where :told"),
    (OF_REGISTRATIONS, "update outbox set payload = payload - 'registration_id' where :told"),
    (OF_REGISTRATIONS, TOLD_AGAIN),
    (OF_REGISTRATIONS, "delete from registrations where user_id = 'in_line'"),
    (OF_REGISTRATIONS, "update registrations set version = 1 where user_id = 'promoted_1'"),
    (OF_REGISTRATIONS, "update registrations set version = 0 where user_id = 'in_line'"),
    (OF_BRANDS, "delete from audit_log where entity = 'brand' and brand_id = 'acme' and entity_version = 1"),
    (OF_BRANDS, "update audit_log set entity_version = 7 where entity = 'brand' and brand_id = 'acme' and entity_version = 2"),
    (OF_BRANDS, "update audit_log set entity_id = gen_random_uuid() where entity = 'brand' and brand_id = 'other'"),
    (OF_BRANDS, "update audit_log set brand_id = 'another' where entity = 'brand' and brand_id = 'other'"),
    (OF_BRANDS, "delete from outbox where session_id is null and brand_id = 'other'"),
    (OF_BRANDS, "update outbox set payload = '{\"version\": 9}' where session_id is null and brand_id = 'other'"),
    (OF_BRANDS, "update outbox set payload = '{}' where session_id is null and brand_id = 'other'"),
    (OF_BRANDS, "update outbox set name = 'live.brand.changed.v1' where session_id is null and brand_id = 'other'"),
    (OF_BRANDS, TOLD_TWICE),
    (OF_BRANDS, "delete from brand_settings where brand_id = 'other'"),
    (OF_BRANDS, "update brand_settings set version = 0 where brand_id = 'other'"),
    (OF_BRANDS, "update brand_settings set version = 1 where brand_id = 'acme'"),
    (OF_CALLS, "update sessions set stream_call_id = null"),
    (OF_CALLS, "update sessions set stream_call_id = gen_random_uuid()::text where brand_id = 'acme'"),
    (OF_CALLS, "update sessions set recording_url = null"),
    (OF_CALLS, "update sessions set recording_url = 'https://recordings.example.com/2' where brand_id = 'acme'"),
    (OF_CALLS, "update calls set recording_url = null where session_id is not null"),
    (OF_CALLS, "update recordings set state = 'failed' where id = 'one'"),
    (OF_CALLS, "update recordings set url = 'https://recordings.example.com/2' where id = 'one'"),
    (OF_CALLS, "update recordings set brand_id = 'another' where id = 'one'"),
    (OF_CALLS, "delete from recordings"),
]


@pytest.fixture
async def scratch(cluster: Cluster) -> TestDatabase:
    return await fresh_database(cluster)


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
        assert (await db.rows("select forget_events_any_brand_v1($1, '0') as gone", most))[0]["gone"] > 0


def of_one_promotion(statement: str) -> str:
    """The statement with what its names stand for."""
    for name, row in PROMOTION.items():
        statement = statement.replace(name, row)
    return statement


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
        await superuser.execute(statement)
    assert await broken_promises(scratch) == {promise}


@pytest.mark.parametrize(("promise", "statement"), ALSO_ALONE)
async def test_a_promise_broken_in_another_way_breaks_no_other(
    scratch: TestDatabase, superuser: Owner, promise: str, statement: str
) -> None:
    await superuser.execute(statement)
    assert await broken_promises(scratch) == {promise}


@pytest.mark.parametrize(("promise", "statement"), MORE_BREAKS)
async def test_a_promise_broken_in_another_way_is_found(
    scratch: TestDatabase, superuser: Owner, promise: str, statement: str
) -> None:
    await superuser.execute(of_one_promotion(statement))
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
])  # fmt: skip
async def test_however_old_a_change_is_it_has_one_audit_row_and_no_second_event(
    scratch: TestDatabase, superuser: Owner, promise: str, statement: str
) -> None:
    await superuser.execute(of_one_promotion(statement))
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
    await superuser.execute(of_one_promotion(statement))
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
