"""A server that has a provider of video and chat: without one, who may join is told nothing of what they may."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.calls.stage import playing
from tests.postgres import Cluster, TestDatabase, fresh_database
from tests.server import Server


@pytest.fixture(scope="session")
def database(cluster: Cluster) -> TestDatabase:
    """One of its own: the background of a server with a provider would make calls for the sessions of all other tests."""
    return asyncio.run(fresh_database(cluster))


@pytest.fixture(scope="session")
def server(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Instead of the one that all tests share."""
    settings = {"GREENROOM_BACKGROUND": "off"}  # who looks on must not change what is compared
    with playing(database, tmp_path_factory.mktemp("permissions"), "getstream", settings=settings) as (running, _):
        yield running
