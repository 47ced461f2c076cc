"""Rooms that a provider carries: a Greenroom whose calls are made there, and people in them whose windows load its web SDK."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct
from playwright.async_api import Browser

from tests.chromium import Window
from tests.postgres import TestDatabase
from tests.providers.fake_provider import FakeServer
from tests.server import Server, running_server
from tests.tenant import Tenant
from tests.web.browser.roommates import Roommates
from tests.web.browser.sdks import Sdks


class Guests(Roommates):
    """People who may be told of troubles that are expected in their windows."""

    expected: tuple[str, ...] = ()

    async def window(self, user: str | None = None, **more: Any) -> Window:
        """A window of theirs."""
        made = await super().window(user, **more)
        made.allowed += self.expected
        return made


class Grounds(Struct, frozen=True):
    """What each such room stands on."""

    chromium: str
    database: TestDatabase
    directory: Path
    tenant: Tenant
    sdks: Sdks
    fake: FakeServer

    @asynccontextmanager
    async def opened(self, browser: Browser, settings: Mapping[str, str]) -> AsyncIterator[tuple[Server, Guests]]:
        """A Greenroom of the test's own, and people; the provider tells it what happens."""
        plenty = {"GREENROOM_RATE_LIMIT_WEBHOOKS": "0"}
        with running_server(self.database, self.directory, settings={**plenty, **settings}) as server:
            self.fake.send_webhooks_to(livekit=f"{server.url}/webhooks/livekit", getstream=f"{server.url}/webhooks/stream")
            async with AsyncExitStack() as windows:
                yield server, Guests(browser, server.url, self.tenant, windows, database=self.database)
