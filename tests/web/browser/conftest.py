"""What tests in a browser share: Chromium where there is one, and people with windows."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.chromium import DEVICES, driven, installed, running_chromium
from tests.postgres import TestDatabase
from tests.providers.fake_provider import FakeServer, running_fake
from tests.server import Server, running_server
from tests.tenant import Tenant
from tests.web.browser.carried import Grounds
from tests.web.browser.people import People
from tests.web.browser.roommates import Roommates
from tests.web.browser.sdks import Sdks, served


@pytest.fixture(scope="session")
def program() -> str:
    """Where Chromium is."""
    found = installed()
    if found is None:
        pytest.skip("NOT TESTED in a browser: there is no Chromium here (Debian: apt-get install chromium)")
    return found


@pytest.fixture(scope="session")
def chromium(program: str) -> Iterator[str]:
    """Where Chromium is driven."""
    with running_chromium(program) as url:
        yield url


@pytest.fixture(scope="session")
def chromium_with_devices(program: str) -> Iterator[str]:
    """Where one is driven that has a camera and a microphone."""
    with running_chromium(program, *DEVICES) as url:
        yield url


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """Chromium."""
    async with driven(chromium) as found:
        yield found


@pytest.fixture
async def people(browser: Browser, server: Server, database: TestDatabase, tenant: Tenant) -> AsyncIterator[People]:
    """People of a brand, who open pages of the worker's server; nothing may go wrong in any of their windows."""
    async with AsyncExitStack() as windows:
        yield People(browser, server.url, tenant, windows, database=database)


@pytest.fixture(scope="session")
def builtin(rooms_database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose calls browsers carry among themselves."""
    with running_server(
        rooms_database, tmp_path_factory.mktemp("builtin"), settings={"GREENROOM_VIDEO_PROVIDER": "builtin"}
    ) as running:
        yield running


@pytest.fixture
async def roommates(
    chromium_with_devices: str, builtin: Server, rooms_database: TestDatabase, tenant: Tenant
) -> AsyncIterator[Roommates]:
    """People with cameras and microphones, in the rooms of that server."""
    async with driven(chromium_with_devices) as browser, AsyncExitStack() as windows:
        yield Roommates(browser, builtin.url, tenant, windows, database=rooms_database)


@pytest.fixture(scope="session")
def sdks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sdks]:
    """The web SDKs of LiveKit and GetStream, at an origin of their own."""
    with served(tmp_path_factory.mktemp("sdks")) as found:
        yield found


@pytest.fixture(scope="session")
def running_providers() -> Iterator[FakeServer]:
    """What stands for LiveKit's and GetStream's APIs."""
    with running_fake() as fake:
        yield fake


@pytest.fixture
def grounds(request: pytest.FixtureRequest, scratch: TestDatabase, tmp_path: Path, tenant: Tenant) -> Iterator[Grounds]:
    """What a room stands on that a provider carries."""
    of_run = (request.getfixturevalue(name) for name in ("chromium_with_devices", "sdks", "running_providers"))
    chromium, sdks, fake = of_run
    yield Grounds(chromium, scratch, tmp_path, tenant, sdks, fake)
    fake.behave()
    fake.send_webhooks_to()
