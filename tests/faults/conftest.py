"""A database in which every promise holds; workers that tests may kill, and a server that they may cut off."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.faults.wire import Wire
from tests.postgres import Cluster, TestDatabase, fresh_database
from tests.server import AUTHORITIES, Server, running_server


@pytest.fixture(scope="session")
def database(cluster: Cluster) -> TestDatabase:
    """A migrated database that the service alone writes to: in the one that all share, planted rows break promises."""
    return asyncio.run(fresh_database(cluster))


@pytest.fixture(scope="module")
def pair(mortal_database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of two workers."""
    with running_server(mortal_database, tmp_path_factory.mktemp("pair"), workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def cut_off(module_wire: Wire, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server at the end of the wire that a module has, of its own words."""
    with running_server(module_wire.database, tmp_path_factory.mktemp("cut-off")) as running:
        yield running


@pytest.fixture
async def client(cut_off: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=cut_off.url, timeout=30) as opened:
        yield opened


@pytest.fixture
def wire(module_wire: Wire) -> Iterator[Wire]:
    yield module_wire
    module_wire.reset()
