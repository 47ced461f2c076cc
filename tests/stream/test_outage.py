"""The database goes away for a while, and comes back: who watches goes on, and misses nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import httpx
import pytest

from tests.faults.waiting import eventually
from tests.postgres import Cluster, TestDatabase
from tests.server import AUTHORITIES, Server
from tests.stream.hurry import hurried_server
from tests.stream.stage import Stage, staged
from tests.tenant import Tenant


@pytest.fixture(scope="module")
def survivor(mortal_database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("survivor")
    with hurried_server(mortal_database, directory, TEND_SECONDS=0.1, CHECK_SECONDS=0.3, PRESENCE_SECONDS=0.2) as running:
        yield running


@pytest.fixture
async def stage(survivor: Server, tenant: Tenant) -> AsyncIterator[Stage]:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=survivor.url, timeout=30) as client:
        yield await staged(survivor, client, tenant)


async def restart(cluster: Cluster, database: TestDatabase) -> None:
    """Start it; return when it has recovered."""
    await asyncio.to_thread(cluster.start)

    async def accepts() -> bool:
        try:
            await (await asyncpg.connect(database.service_url)).close()
        except (OSError, asyncpg.PostgresError):
            return False
        return True

    await eventually(accepts, "the database accepts connections")


async def ready(stage: Stage) -> None:
    async def is_ready() -> bool:
        return (await stage.http.get("/readyz")).status_code == 200

    await eventually(is_ready, "the server is ready")


async def test_who_watches_goes_on_when_the_database_is_back(
    stage: Stage, mortal: Cluster, mortal_database: TestDatabase
) -> None:
    question = await stage.asked("Before?", user="bob")
    async with stage.watching("ann") as ann, stage.watching("host_1") as host:
        await ann.begun()
        await host.begun()
        for outage in range(2):
            await stage.vote(question, user=f"just before {outage}")
            await asyncio.to_thread(mortal.kill)
            await asyncio.sleep(1.5)
            await restart(mortal, mortal_database)
            await ready(stage)
            await stage.asked(f"After {outage}?", user="bob")
            for one in (ann, host):
                await one.until(lambda one=one: f"After {outage}?" in one.known.bodies(), "a question")  # type: ignore[misc]  # noqa: B023
                await one.until(lambda one=one: one.known.questions[question["id"]]["vote_count"] == outage + 1, "the vote")  # type: ignore[misc]  # noqa: B023
        assert (ann.ending, host.ending) == (None, None)
        assert ann.known.shared == (await stage.seen_by("ann")).known.shared
        assert host.known.shared == (await stage.seen_by("host_1")).known.shared


async def test_who_comes_while_it_is_away_is_told_so(stage: Stage, mortal: Cluster, mortal_database: TestDatabase) -> None:
    await asyncio.to_thread(mortal.kill)
    try:
        response = await stage.http.get(f"{stage.path}/stream", headers=stage.tenant.bearer("ann"))
        assert (response.status_code, response.json()["error"]) == (503, "unavailable")
        ticket = await stage.http.post(f"{stage.path}/stream-ticket", headers=stage.tenant.bearer("ann"))
        assert ticket.status_code == 503
    finally:
        await restart(mortal, mortal_database)
        await ready(stage)
    assert (await stage.seen_by("ann")).status == 200
