"""Rooms that a provider carries: a Greenroom whose calls are made there, and people in them whose windows load its web SDK."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from playwright.async_api import Browser, expect

from tests.chromium import Window
from tests.postgres import TestDatabase
from tests.providers.fake_provider import FakeServer
from tests.server import Server, running_server
from tests.tenant import Tenant
from tests.web.browser.roommates import Roommates, sees_and_hears, tile
from tests.web.browser.sdks import Sdks

# The first track that an SDK wants to send cannot be.
FIRST_FAILS: Final = """
(() => {
  const { addTransceiver } = RTCPeerConnection.prototype;
  let hasFailed = false;
  RTCPeerConnection.prototype.addTransceiver = function (what, ...given) {
    if (hasFailed || !(what instanceof MediaStreamTrack)) return addTransceiver.call(this, what, ...given);
    hasFailed = true;
    throw new Error("not this time");
  };
})();
"""


class Guests(Roommates):
    """People who may be told of troubles that are expected in their windows."""

    expected: tuple[str, ...] = ()

    async def window(self, user: str | None = None, **more: Any) -> Window:
        """A window of theirs."""
        made = await super().window(user, **more)
        made.allowed += self.expected
        return made

    async def see_what_could_not_be_sent_at_first(self) -> None:
        """A participant sees and hears a host whose microphone an SDK could not send at once."""
        session = await self.live("ada")
        host = await self.inside(session, "host_1", script=FIRST_FAILS)
        ada = await self.inside(session, "ada")
        await sees_and_hears(ada, "host_1")
        await expect(tile(host, "ada")).to_be_visible()


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
