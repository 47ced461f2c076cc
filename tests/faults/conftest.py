"""A PostgreSQL and workers that tests may kill."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.postgres import Cluster, TestDatabase, fresh_database, running_cluster
from tests.server import Server, running_server


@pytest.fixture(scope="module")
def mortal() -> Iterator[Cluster]:
    """A PostgreSQL that tests may kill."""
    with running_cluster() as running:
        yield running


@pytest.fixture(scope="module")
def mortal_database(mortal: Cluster) -> TestDatabase:
    return asyncio.run(fresh_database(mortal))


@pytest.fixture(scope="module")
def pair(mortal_database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of two workers."""
    with running_server(mortal_database, tmp_path_factory.mktemp("pair"), workers=2) as running:
        yield running
