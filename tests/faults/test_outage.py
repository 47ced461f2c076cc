"""The database dies, and comes back to a server that was never restarted."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator

import asyncpg
import httpx
import pytest

from tests.faults.aftermath import assert_promises_kept, assert_unavailable, requests_of_changes
from tests.faults.waiting import eventually, held_row
from tests.postgres import Cluster, TestDatabase
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Json, Tenant

WRITERS = 4
OUTAGES = 2
OUTAGE_SECONDS = 0.3


@pytest.fixture(scope="module")
def survivor(mortal_database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that outlives its database."""
    with running_server(mortal_database, tmp_path_factory.mktemp("survivor")) as running:
        yield running


@pytest.fixture
async def client(survivor: Server, mortal: Cluster, mortal_database: TestDatabase) -> AsyncIterator[httpx.AsyncClient]:
    """A client of that server; afterwards the database is up, for the next test."""
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=survivor.url, timeout=30) as opened:
        try:
            yield opened
        finally:
            await restart(mortal, mortal_database)
            await eventually(lambda: answers(opened, "/readyz", 200), "the server is ready again")


async def restart(cluster: Cluster, database: TestDatabase) -> None:
    """Start the database if it is down; return when it has recovered."""

    async def accepts() -> bool:
        if cluster.process is None or cluster.process.poll() is not None:
            cluster.start()
        try:
            await (await asyncpg.connect(database.service_url)).close()
        except (OSError, asyncpg.PostgresError):
            return False
        return True

    await eventually(accepts, "the database accepts connections")


async def answers(client: httpx.AsyncClient, path: str, status: int) -> bool:
    return (await client.get(path)).status_code == status


async def test_a_request_whose_database_is_killed_is_told_503(
    client: httpx.AsyncClient, tenant: Tenant, mortal: Cluster, mortal_database: TestDatabase
) -> None:
    session = await tenant.session(client)
    async with held_row(mortal_database, session) as row:
        under_way = asyncio.create_task(tenant.patch(client, session, {"title": "Never"}))
        await row.awaited()
        mortal.kill()
        assert_unavailable(await under_way)


async def test_a_request_in_an_outage_is_told_503(client: httpx.AsyncClient, tenant: Tenant, mortal: Cluster) -> None:
    session = await tenant.session(client)
    mortal.kill()
    assert_unavailable(await tenant.patch(client, session, {"title": "Not now"}))


async def test_after_an_outage_the_same_server_goes_on(
    client: httpx.AsyncClient, tenant: Tenant, mortal: Cluster, mortal_database: TestDatabase, survivor: Server
) -> None:
    session = await tenant.session(client)
    mortal.kill()
    await tenant.patch(client, session, {"title": "Not now"})
    await restart(mortal, mortal_database)
    response = await tenant.patch(client, session, {"title": "Now"})
    assert (response.status_code, survivor.process.poll()) == (200, None)


async def test_every_connection_of_the_pool_recovers(
    client: httpx.AsyncClient, tenant: Tenant, mortal: Cluster, mortal_database: TestDatabase
) -> None:
    session = await tenant.session(client)
    read = [client.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer()) for _ in range(60)]
    await asyncio.gather(*read[:30])
    mortal.kill()
    await restart(mortal, mortal_database)
    assert {response.status_code for response in await asyncio.gather(*read[30:])} == {200}


async def test_an_outage_shows_in_readyz_and_not_in_healthz(client: httpx.AsyncClient, mortal: Cluster) -> None:
    mortal.kill()
    assert (await client.get("/healthz")).status_code == 200
    assert_unavailable(await client.get("/readyz"))


async def test_an_outage_while_nobody_asks_leaves_a_server_that_is_ready_afterwards(
    client: httpx.AsyncClient, mortal: Cluster, mortal_database: TestDatabase
) -> None:
    mortal.kill()
    await restart(mortal, mortal_database)
    assert (await client.get("/readyz")).status_code == 200


async def test_what_was_acknowledged_in_a_storm_of_outages_is_all_there(
    client: httpx.AsyncClient, tenant: Tenant, mortal: Cluster, mortal_database: TestDatabase
) -> None:
    session = await tenant.session(client)
    acknowledged: set[str] = set()
    over = asyncio.Event()

    async def write(writer: int) -> None:
        number = 0
        while not over.is_set():
            number += 1
            name = f"{writer}-{number}"
            response = await tenant.patch(client, session, {"title": name}, X_Request_Id=name)
            if response.status_code == 200:
                acknowledged.add(name)
            else:
                assert_unavailable(response)
                await asyncio.sleep(0.02)

    writers = [asyncio.create_task(write(writer)) for writer in range(WRITERS)]
    try:
        for _ in range(OUTAGES):
            await _more_than(acknowledged, len(acknowledged) + 20)
            await asyncio.sleep(random.random() / 20)  # noqa: S311  # a moment nobody has chosen
            await asyncio.to_thread(mortal.kill)
            await asyncio.sleep(OUTAGE_SECONDS)
            await restart(mortal, mortal_database)
    finally:
        over.set()
        await asyncio.gather(*writers)
    made = await requests_of_changes(mortal_database, session)
    assert acknowledged <= set(made)
    assert len(made) == len(set(made))
    await assert_promises_kept(mortal_database)


async def test_a_session_made_before_an_outage_is_there_after_it(
    client: httpx.AsyncClient, tenant: Tenant, mortal: Cluster, mortal_database: TestDatabase
) -> None:
    made: list[Json] = [await tenant.session(client, title=f"Session {number}") for number in range(5)]
    mortal.kill()
    await restart(mortal, mortal_database)
    read = [
        (await client.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())).json() for session in made
    ]  # fmt: skip
    assert read == made


async def _more_than(acknowledged: set[str], number: int) -> None:
    async def enough() -> bool:
        return len(acknowledged) > number

    await eventually(enough, "the writers go on")
