"""What the tests of sinks share: a database in which nobody else's events are, a NATS of a test's own."""

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from tests.events.nats_server import NatsServer, running_nats
from tests.postgres import Cluster, Owner, TestDatabase, fresh_database


@pytest.fixture
async def scratch(cluster: Cluster) -> TestDatabase:
    """A database of the test's own."""
    return await fresh_database(cluster)


@pytest.fixture
async def registrar(scratch: TestDatabase) -> AsyncIterator[Owner]:
    """The owner of that database's tables."""
    connection = await asyncpg.connect(scratch.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
def nats_server() -> Iterator[NatsServer]:
    """A NATS that the test may kill."""
    with running_nats() as running:
        yield running
