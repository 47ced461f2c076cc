"""What tests in a browser share: Chromium where there is one, and people with windows."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest
from playwright.async_api import Browser

from tests.chromium import driven, installed, running_chromium
from tests.postgres import TestDatabase
from tests.server import Server
from tests.tenant import Tenant
from tests.web.browser.people import People


@pytest.fixture(scope="session")
def chromium() -> Iterator[str]:
    """Where Chromium is driven."""
    program = installed()
    if program is None:
        pytest.skip("NOT TESTED in a browser: there is no Chromium here (Debian: apt-get install chromium)")
    with running_chromium(program) as url:
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
