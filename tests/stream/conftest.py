"""The stages of these tests, and the servers that they need."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.postgres import Cluster, TestDatabase, fresh_database
from tests.server import AUTHORITIES, Server
from tests.stream.hurry import hurried_server
from tests.stream.stage import Stage, staged
from tests.tenant import Tenant


@pytest.fixture
async def stage(server: Server, http: httpx.AsyncClient, tenant: Tenant) -> Stage:
    """A live session of the worker's server."""
    return await staged(server, http, tenant)


@pytest.fixture(scope="session")
def hurried_database(cluster: Cluster) -> TestDatabase:
    """The database of the server below."""
    return asyncio.run(fresh_database(cluster))


@pytest.fixture(scope="session")
def hurried(hurried_database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that looks after its connections many times a second."""
    with hurried_server(
        hurried_database,
        tmp_path_factory.mktemp("hurried"),
        HEARTBEAT_SECONDS=0.3,
        TEND_SECONDS=0.1,
        CHECK_SECONDS=0.4,
        PRESENCE_SECONDS=0.2,
        EMPTY_SECONDS=1.0,
        PATIENCE=1.0,
        RESUMABLE=200,
    ) as running:
        yield running


@pytest.fixture
async def hurried_stage(hurried: Server, tenant: Tenant) -> AsyncIterator[Stage]:
    """A live session of that server."""
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=hurried.url, timeout=30) as client:
        yield await staged(hurried, client, tenant)
