"""Too few connections, too long a wait, a connection that is cut: said as a 503, and over when its cause is."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import asyncpg
import httpx
import pytest

from greenroom.kit.database import Database
from tests.faults.aftermath import assert_promises_kept, assert_unavailable, requests_of_changes
from tests.faults.waiting import held_row
from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Tenant

WAIT_SECONDS = 0.3
STATEMENT_SECONDS = 2.0
SETTINGS = {
    "GREENROOM_POOL_SIZE": "1",
    "GREENROOM_POOL_WAIT_SECONDS": str(WAIT_SECONDS),
    "GREENROOM_STATEMENT_SECONDS": str(STATEMENT_SECONDS),
}
CUT_ALL = (
    "select pg_terminate_backend(pid) from pg_stat_activity"
    " where datname = current_database() and application_name = 'greenroom'"
)


@pytest.fixture(scope="module")
def narrow(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one connection to its database."""
    with running_server(database, tmp_path_factory.mktemp("narrow"), settings=SETTINGS) as running:
        yield running


@pytest.fixture
async def client(narrow: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=narrow.url, timeout=30) as opened:
        yield opened


async def test_who_finds_no_free_connection_is_told_503_while_the_other_still_waits(
    client: httpx.AsyncClient, tenant: Tenant, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    async with held_row(database, session) as row:
        first = asyncio.create_task(tenant.patch(client, session, {"title": "Patient"}))
        await row.awaited()
        second = await client.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())
        assert not first.done()
        assert_unavailable(second)
    await first


async def test_who_has_the_connection_is_served_though_others_were_turned_away(
    client: httpx.AsyncClient, tenant: Tenant, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    async with held_row(database, session) as row:
        first = asyncio.create_task(tenant.patch(client, session, {"title": "Patient"}))
        await row.awaited()
        await asyncio.gather(*(client.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer()) for _ in range(3)))
    assert (await first).status_code == 200


async def test_a_pool_that_was_exhausted_serves_again(
    client: httpx.AsyncClient, tenant: Tenant, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    async with held_row(database, session) as row:
        first = asyncio.create_task(tenant.patch(client, session, {"title": "Patient"}))
        await row.awaited()
        await client.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())
    await first
    read = await client.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())
    assert read.status_code == 200


async def test_a_statement_that_waits_too_long_is_told_503_while_the_row_is_still_locked(
    client: httpx.AsyncClient, tenant: Tenant, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    async with held_row(database, session):
        assert_unavailable(await tenant.patch(client, session, {"title": "Too long"}))


async def test_a_statement_that_waited_too_long_has_changed_nothing(
    client: httpx.AsyncClient, tenant: Tenant, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    async with held_row(database, session):
        await tenant.patch(client, session, {"title": "Too long"})
    read = await client.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())
    assert read.json() == session


async def test_a_request_whose_connection_is_cut_is_told_503(
    client: httpx.AsyncClient, tenant: Tenant, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    async with held_row(database, session) as row:
        under_way = asyncio.create_task(tenant.patch(client, session, {"title": "Cut"}))
        await row.awaited()
        await row.cut()
        assert_unavailable(await under_way)


async def test_a_change_whose_connection_was_cut_while_it_waited_is_not_made_by_half(
    client: httpx.AsyncClient, tenant: Tenant, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    async with held_row(database, session) as row:
        under_way = asyncio.create_task(tenant.patch(client, session, {"title": "Cut"}))
        await row.awaited()
        await row.cut()
        await under_way
    assert await requests_of_changes(database, session) == []


async def test_the_connection_that_was_cut_is_replaced(
    client: httpx.AsyncClient, tenant: Tenant, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    async with held_row(database, session) as row:
        under_way = asyncio.create_task(tenant.patch(client, session, {"title": "Cut"}))
        await row.awaited()
        await row.cut()
        await under_way
    assert (await tenant.patch(client, session, {"title": "Whole"})).status_code == 200


async def test_a_request_whose_database_falls_silent_is_told_503(
    client: httpx.AsyncClient, tenant: Tenant, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    async with held_row(database, session) as row:
        under_way = asyncio.create_task(tenant.patch(client, session, {"title": "Silence"}))
        await row.awaited()
        async with row.silenced():
            assert_unavailable(await under_way)


async def test_a_connection_that_is_handed_over_at_the_last_moment_is_not_lost(database: TestDatabase) -> None:
    async with Database(database.service_url, size=1, wait_seconds=0.02, statement_seconds=5) as db:
        for _ in range(40):
            await asyncio.gather(db.row("select pg_sleep(0.018)"), db.row("select 1"), _busy_loop(), return_exceptions=True)
            assert await db.row("select 1") is not None


async def test_changes_in_a_storm_of_cuts_are_whole_or_not_there(
    client: httpx.AsyncClient, tenant: Tenant, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    acknowledged: set[str] = set()
    superuser = await asyncpg.connect(database.superuser_url)
    try:
        for number in range(60):
            request = asyncio.create_task(
                tenant.patch(client, session, {"title": f"Title {number}"}, X_Request_Id=f"r-{number}")
            )
            if number % 2:
                await asyncio.sleep(number / 20_000)  # from 0 to 3 ms: before, in and after the statement
                await superuser.execute(CUT_ALL)
            response = await request
            if response.status_code == 200:
                acknowledged.add(f"r-{number}")
            else:
                assert_unavailable(response)
    finally:
        await superuser.close()
    made = await requests_of_changes(database, session)
    assert acknowledged <= set(made)
    await assert_promises_kept(database)


async def _busy_loop() -> None:
    """Turns of the event loop that last some milliseconds: answers and deadlines then fall into the same one."""
    for _ in range(8):
        time.sleep(0.004)  # noqa: ASYNC251  # to block is the point
        await asyncio.sleep(0)
