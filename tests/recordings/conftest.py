"""What the tests of recordings share: a server with a directory of its own, and films."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.postgres import Cluster, TestDatabase, fresh_database
from tests.recordings.films import film
from tests.recordings.studio import Studio, in_studio, running_studio
from tests.server import Server
from tests.tenant import Tenant


@pytest.fixture(scope="module")
def recording_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where that server writes."""
    return tmp_path_factory.mktemp("studio")


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> TestDatabase:
    """Of the module's own: a server joins whatever its database has, and each has another store."""
    return asyncio.run(fresh_database(cluster))


@pytest.fixture(scope="module")
def recording_server(database: TestDatabase, recording_home: Path) -> Iterator[Server]:
    """With its background, and a short wait for browsers that do not come back."""
    with running_studio(database, recording_home, GREENROOM_RECORDING_WAIT_SECONDS="2") as server:
        yield server


@pytest.fixture
async def studio(recording_server: Server, database: TestDatabase, tenant: Tenant) -> AsyncIterator[Studio]:
    """A brand of its own there."""
    async with in_studio(recording_server, database, tenant) as standing:
        yield standing


@pytest.fixture(scope="session")
def grey() -> bytes:
    """A film of four seconds."""
    return film(seconds=4, hue=90)


@pytest.fixture(scope="session")
def white() -> bytes:
    """Another of three."""
    return film(seconds=3, hue=210)
