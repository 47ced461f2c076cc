"""A 404 takes the same work whether the session is another brand's or nobody's: how long it takes tells nothing.

Shown without a clock: the same statements reach the database, and each of them touches as many rows of each table, by as
many scans and function calls, for one as for the other.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.permissions.asking import OF_SOMETHING, ask, outsiders, session_for
from tests.permissions.recording import Statement, recorded, requests_recorded
from tests.postgres import Cluster, TestDatabase, big_database
from tests.tenant import Tenant

FILL = """
insert into sessions (brand_id, id, host_id, title, kind, scheduled_at, max_participants, created_at, updated_at)
select 'filler-' || n % 50, gen_random_uuid(), 'host', 'Filler', 'live', now() + n * interval '1 minute', 10, now(), now()
from generate_series(1, 20000) n
"""
FILL_SEATS = """
insert into registrations (brand_id, id, session_id, user_id, status, position, capacity_at_admission, admission, registered_at)
select brand_id, gen_random_uuid(), id, 'patient', 'registered', 1, 10, 1, now() from sessions
"""
ROWS_TOUCHED = """
select relname, seq_scan, seq_tup_read, idx_scan, idx_tup_fetch, n_tup_ins, n_tup_upd, n_tup_del
from pg_stat_xact_user_tables order by relname
"""
FUNCTIONS_CALLED = "select funcname, calls from pg_stat_xact_user_functions order by funcname"

Work = Sequence[tuple[object, ...]]


@pytest.fixture(scope="module")
def filled(cluster: Cluster) -> Iterator[TestDatabase]:
    """A database with enough sessions and registrations for the planner to choose as in production."""
    with big_database(cluster, _fill) as database:
        yield database


async def _fill(database: TestDatabase) -> None:
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute(FILL)
    await owner.execute(FILL_SEATS)
    await owner.execute("analyze sessions, registrations")
    await owner.close()


@pytest.fixture
async def application(filled: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """The application in this process."""
    async with requests_recorded(filled, monkeypatch) as http:
        yield http


@pytest.mark.parametrize("name", OF_SOMETHING)
async def test_the_404_of_anothers_session_takes_the_work_of_an_unknown_one(
    application: httpx.AsyncClient, filled: TestDatabase, tenant: Tenant, name: str
) -> None:
    owner = await asyncpg.connect(filled.owner_url)
    session = await session_for(application, owner, tenant, name)
    await owner.close()
    for asker in outsiders(tenant, name):
        for conditions in ({}, {"If-Match": '"1.0.0.0"', "If-None-Match": '"1.0.1.0"', "Idempotency-Key": uuid4().hex}):
            headers = {**asker.headers(tenant.brand), **conditions}
            with recorded() as for_theirs:
                theirs = await ask(application, name, tenant, session["id"], headers)
            with recorded() as for_nobodys:
                nobodys = await ask(application, name, tenant, uuid4(), headers)
            assert theirs.status_code == nobodys.status_code == 404
            assert [it.sql for it in for_theirs] == [it.sql for it in for_nobodys]
            assert for_theirs, "a 404 that asks no database was told by something else"
            assert await work_of(filled, for_theirs) == await work_of(filled, for_nobodys), (asker, conditions)


async def work_of(database: TestDatabase, statements: Sequence[Statement]) -> Work:
    """What the database does for the statements, in a transaction that is undone."""
    connection = await asyncpg.connect(database.superuser_url)
    try:
        await connection.execute("set track_functions = 'all'")
        transaction = connection.transaction()
        await transaction.start()
        for statement in statements:
            await connection.fetch(statement.sql, *statement.arguments)
        touched = await connection.fetch(ROWS_TOUCHED)
        called = await connection.fetch(FUNCTIONS_CALLED)
        await transaction.rollback()
    finally:
        await connection.close()
    return [tuple(row) for row in (*touched, *called)]
