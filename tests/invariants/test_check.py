"""Every promise is checked: a planted break is found, and nothing is found where there is none."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from greenroom.invariants import service
from greenroom.kit.database import Database
from tests.postgres import Cluster, Owner, TestDatabase, fresh_database

SESSION = "01900000-0000-7000-8000-000000000001"
OF_BRANDS = "a change of a brand's settings has exactly one audit row and its event"

# A session of two seats that was created and edited, with both seats taken, one person in line and one who left; a brand
# whose settings were changed twice, and another where that happened once.
HEALTHY = """
insert into sessions (brand_id, id, host_id, title, kind, scheduled_at, max_participants, registered_count,
    next_position, version, created_at, updated_at)
values ('acme', ':session', 'host_1', 'Full', 'live', '2027-03-01', 2, 2, 5, 2, now(), now());
insert into registrations (brand_id, id, session_id, user_id, status, position, capacity_at_admission,
    registered_at, promoted_at, cancelled_at)
values
    ('acme', gen_random_uuid(), ':session', 'left', 'cancelled', 1, 2, '2027-01-01', null, '2027-01-05'),
    ('acme', gen_random_uuid(), ':session', 'first', 'registered', 2, 2, '2027-01-02', null, null),
    ('acme', gen_random_uuid(), ':session', 'promoted', 'registered', 3, 2, '2027-01-03', '2027-01-05', null),
    ('acme', gen_random_uuid(), ':session', 'in_line', 'waitlist', 4, null, '2027-01-04', null, null);
insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed, actor_user_id, actor_client_id,
    request_id, occurred_at)
values ('acme', 'session', ':session', 1, 'session.created', '{}', 'host_1', 'test', 'r1', now()),
       ('acme', 'session', ':session', 2, 'session.updated', '{title}', 'host_1', 'test', 'r2', now());
insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
values (gen_random_uuid(), 'live.session.created.v1', 'acme', ':session', 1, now(), '{}'),
       (gen_random_uuid(), 'live.session.updated.v1', 'acme', ':session', 2, now(), '{}');
insert into brand_settings (brand_id, id, settings, version, updated_at)
values ('acme', '01900000-0000-7000-8000-00000000000a', '{"moderation": false}', 2, now()),
       ('other', '01900000-0000-7000-8000-00000000000b', '{}', 1, now());
insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed, actor_user_id, actor_client_id,
    request_id, occurred_at)
select brand_id, 'brand', id, change, 'brand.updated', '{settings.moderation}', 'admin_1', 'test', 'r' || change, now()
from brand_settings, generate_series(1, version) as change;
insert into outbox (id, name, brand_id, occurred_at, payload)
select gen_random_uuid(), 'live.brand.updated.v1', brand_id, now(), jsonb_build_object('version', change)
from brand_settings, generate_series(1, version) as change;
"""

ANOTHER_IN_LINE = """
insert into registrations (brand_id, id, session_id, user_id, status, position, registered_at)
values ('acme', gen_random_uuid(), ':session', 'in_line', 'waitlist', 9, now())
"""

TOLD_TWICE = """
insert into outbox (id, name, brand_id, occurred_at, payload)
values (gen_random_uuid(), 'live.brand.updated.v1', 'acme', now(), '{"version": 1}')
"""

# What breaks one promise, and as little else as can be.
BREAKS = {
    "registered_count is the number of registered rows": ["update sessions set registered_count = 3"],
    "no admission above the capacity stored with it": [
        "update registrations set capacity_at_admission = 1 where user_id = 'promoted'"
    ],
    "one active registration per person and session": [
        "drop index registrations_one_active_per_person",
        ANOTHER_IN_LINE,
    ],
    "nobody waits while a seat is free and the session is scheduled": ["update sessions set max_participants = 3"],
    "a change has exactly one audit row": ["update sessions set version = 3"],
    "a change has its event": ["delete from outbox where session_version = 2"],
    OF_BRANDS: ["update brand_settings set version = 3 where brand_id = 'acme'"],
}

MORE_BREAKS = [
    ("registered_count is the number of registered rows", "update sessions set registered_count = 0"),
    ("registered_count is the number of registered rows", "delete from registrations where user_id = 'first'"),
    ("a change has exactly one audit row", "delete from audit_log where entity_version = 1"),
    ("a change has exactly one audit row", "update audit_log set entity_version = 3 where entity_version = 1"),
    ("a change has exactly one audit row", "delete from audit_log"),
    ("a change has its event", "delete from outbox"),
    ("a change has its event", "update outbox set brand_id = 'another'"),
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
]


@pytest.fixture
async def scratch(cluster: Cluster) -> TestDatabase:
    return await fresh_database(cluster)


@pytest.fixture
async def superuser(scratch: TestDatabase) -> AsyncIterator[Owner]:
    """Somebody whom no trigger and no foreign key holds back, in a healthy database."""
    connection = await asyncpg.connect(scratch.superuser_url)
    await connection.execute("set session_replication_role = replica")
    await connection.execute(HEALTHY.replace(":session", SESSION))
    yield connection
    await connection.close()


async def broken_promises(database: TestDatabase) -> set[str]:
    """What `greenroom check` finds, by the service's own role."""
    async with Database(database.service_url, size=1, wait_seconds=10, statement_seconds=30) as db:
        return {finding.promise for finding in await service.check(db) if finding.broken}


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
        await superuser.execute(statement.replace(":session", SESSION))
    assert await broken_promises(scratch) == {promise}


@pytest.mark.parametrize(("promise", "statement"), MORE_BREAKS)
async def test_a_promise_broken_in_another_way_is_found(
    scratch: TestDatabase, superuser: Owner, promise: str, statement: str
) -> None:
    await superuser.execute(statement)
    assert promise in await broken_promises(scratch)


@pytest.mark.parametrize("status", ["live", "ended", "cancelled"])
async def test_who_waits_at_a_closed_door_breaks_no_promise(scratch: TestDatabase, superuser: Owner, status: str) -> None:
    await superuser.execute(
        "update sessions set max_participants = 3, status = $1::text, started_at = now(),"
        " ended_at = case when $1::text = 'live' then null else now() end", status,
    )  # fmt: skip
    assert await broken_promises(scratch) == set()


async def test_lowering_the_capacity_below_the_seats_taken_breaks_no_promise(scratch: TestDatabase, superuser: Owner) -> None:
    await superuser.execute("update sessions set max_participants = 1")
    assert await broken_promises(scratch) == set()


async def test_a_finding_names_the_session(scratch: TestDatabase, superuser: Owner) -> None:
    await superuser.execute("update sessions set registered_count = 3")
    async with Database(scratch.service_url, size=1, wait_seconds=10, statement_seconds=30) as db:
        [finding] = [finding for finding in await service.check(db) if finding.broken]
    assert finding.examples == [f"session {SESSION}: registered_count 3, rows 2"]


async def test_a_finding_names_the_brand(scratch: TestDatabase, superuser: Owner) -> None:
    await superuser.execute("update brand_settings set version = 3 where brand_id = 'acme'")
    async with Database(scratch.service_url, size=1, wait_seconds=10, statement_seconds=30) as db:
        [finding] = [finding for finding in await service.check(db) if finding.broken]
    assert finding.examples == ["brand acme: version 3, audit rows 0, events 0"]
