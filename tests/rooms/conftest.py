"""What the tests of rooms share: servers that carry calls by themselves, and a session with a room."""

from collections.abc import AsyncIterator, Iterator

import asyncpg
import httpx
import pytest

from tests.postgres import Owner, TestDatabase
from tests.rooms.browser import all_closed
from tests.rooms.stage import RoomStage
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Tenant

SETTINGS = {
    "GREENROOM_VIDEO_PROVIDER": "builtin",
    "GREENROOM_ROOM_PEOPLE": "4",
    "GREENROOM_ROOM_VIEWERS": "3",
    "GREENROOM_ICE_SERVERS": '[{"urls": ["stun:stun.example.com"]}]',
}


@pytest.fixture(scope="session")
def serving(rooms_database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A process."""
    with running_server(rooms_database, tmp_path_factory.mktemp("rooms"), settings=SETTINGS) as running:
        yield running


@pytest.fixture(scope="session")
def second(rooms_database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Another, on the same database."""
    with running_server(rooms_database, tmp_path_factory.mktemp("second"), settings=SETTINGS) as running:
        yield running


@pytest.fixture
async def owner(rooms_database: TestDatabase) -> AsyncIterator[Owner]:
    """The owner of that database's tables."""
    connection = await asyncpg.connect(rooms_database.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
async def stage(serving: Server, tenant: Tenant) -> AsyncIterator[RoomStage]:
    async with (
        httpx.AsyncClient(verify=AUTHORITIES, base_url=serving.url, timeout=30) as client,
        all_closed() as browsers,
    ):
        yield RoomStage(serving.url, client, tenant, browsers)
