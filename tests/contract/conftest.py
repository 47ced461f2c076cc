"""A server that has a provider of video and chat, and the people in its calls."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.calls.stage import Stage, on_stage, playing
from tests.postgres import Cluster, TestDatabase, fresh_database
from tests.providers.fake_provider import FakeServer
from tests.server import Server
from tests.tenant import Tenant

Played = tuple[Server, FakeServer]


@pytest.fixture(scope="session")
def database(cluster: Cluster) -> TestDatabase:
    """One of its own: the background of a server with a provider would make calls for the sessions of all other tests."""
    return asyncio.run(fresh_database(cluster))


@pytest.fixture(scope="session")
def played(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with playing(database, tmp_path_factory.mktemp("contract"), "getstream") as both:
        yield both


@pytest.fixture(scope="session")
def server(played: Played) -> Server:
    """Instead of the one that all tests share."""
    return played[0]


@pytest.fixture
async def stage(played: Played, tenant: Tenant) -> AsyncIterator[Stage]:
    async with on_stage(*played, "getstream", tenant) as standing:
        yield standing
