"""Three ways to meet a race: the service as it is, with a wide window, and with the lock taken away."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.concurrency.arena import Arena, Functions, functions_of, replace_functions
from tests.concurrency.history import Contest
from tests.postgres import Cluster, TestDatabase, fresh_database
from tests.server import Server, running_server
from tests.tenant import Tenant

PATIENT = {"GREENROOM_POOL_WAIT_SECONDS": "20", "GREENROOM_STATEMENT_SECONDS": "20"}


@pytest.fixture(scope="module")
def arena(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """Two servers on a scratch database, whose functions a test may replace."""
    scratch = asyncio.run(fresh_database(cluster))
    with (
        running_server(scratch, tmp_path_factory.mktemp("arena"), settings=PATIENT) as one,
        running_server(scratch, tmp_path_factory.mktemp("arena"), settings=PATIENT) as other,
    ):
        yield Arena(scratch, (one, other))


@pytest.fixture(scope="module")
def functions(arena: Arena) -> Functions:
    """The functions as the migrations made them."""
    return asyncio.run(functions_of(arena.database))


@pytest.fixture
async def contest(server: Server, database: TestDatabase, tenant: Tenant) -> AsyncIterator[Contest]:
    """The service as it is."""
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
        yield Contest(client, tenant, database)


@pytest.fixture
async def wide(arena: Arena, functions: Functions, tenant: Tenant) -> AsyncIterator[Contest]:
    """The service with a pause between what it reads and what it writes."""
    await replace_functions(arena.database, functions.widened(locked=True))
    async with arena.client() as client:
        yield Contest(client, tenant, arena.database)


@pytest.fixture
async def unlocked(arena: Arena, functions: Functions, tenant: Tenant) -> AsyncIterator[Contest]:
    """The negative control: the same pause, and no lock."""
    await replace_functions(arena.database, functions.widened(locked=False))
    async with arena.client() as client:
        yield Contest(client, tenant, arena.database)
