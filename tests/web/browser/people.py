"""People with browser windows, and sessions for them to be in."""

from contextlib import AsyncExitStack
from typing import Any

import httpx
from playwright.async_api import Browser, Page

from tests.chromium import Look, Window, opened
from tests.postgres import TestDatabase
from tests.server import AUTHORITIES
from tests.tenant import Json, Tenant
from tests.web.pages.visiting import COOKIE, signed


class People:
    """Opens windows, all of which are closed at the end; then none may have had trouble."""

    def __init__(self, browser: Browser, url: str, tenant: Tenant, windows: AsyncExitStack, *, database: TestDatabase) -> None:
        self.browser = browser
        self.database = database
        self.url = url
        self.tenant = tenant
        self._windows = windows

    async def window(
        self,
        user: str | None = None,
        *,
        look: Look | None = None,
        scope: str = "read:live write:live",
        zone: bool = True,
        url: str = "",
    ) -> Window:
        """A window of somebody who is signed in, or of nobody known. `zone`: whether the server knows its zone already; `url`:
        where the server is found, for who goes another way to it.
        """
        seen = look or Look()
        cookies = {} if user is None else {COOKIE: signed(user, self.tenant.brand, scope=scope)}
        if zone:
            cookies["greenroom_zone"] = seen.zone
        window = await opened(self.browser, seen, url=url or self.url, cookies=cookies)
        self._windows.push_async_callback(_closed, window)
        return window

    async def page(self, user: str | None, path: str, **more: Any) -> Page:
        """A window, and in it this page."""
        window = await self.window(user, **more)
        await window.page.goto(path)
        return window.page

    async def call(self, method: str, path: str, user: str = "host_1", body: Any = None, **more: Any) -> Json:
        """Ask the API; answers what it answered."""
        async with httpx.AsyncClient(base_url=self.url, verify=AUTHORITIES) as http:
            answer = await http.request(method, f"/v1{path}", json=body, headers=self.tenant.bearer(user, **more))
        assert answer.is_success, answer.text
        said: Json = answer.json() if answer.content else {}
        return said

    async def session(self, **fields: Any) -> str:
        """A session that was scheduled; answers its id."""
        return str((await self.call("POST", "/sessions", body=self.tenant.wanted(**fields)))["id"])

    async def registered(self, session: str, *users: str) -> None:
        """They have registered."""
        for user in users:
            await self.call("POST", f"/sessions/{session}/registrations", user)

    async def step(self, session: str, verb: str) -> None:
        """Start, end, cancel."""
        await self.call("POST", f"/sessions/{session}/{verb}")

    async def question(self, session: str, body: str, user: str = "host_1", *, status: str | None = "approved") -> str:
        """A question that was asked, and moderated; answers its id."""
        asked = await self.call("POST", f"/sessions/{session}/questions", user, {"body": body})
        if status is not None:
            await self.call("PATCH", f"/sessions/{session}/questions/{asked['id']}", body={"status": status})
        return str(asked["id"])


async def _closed(window: Window) -> None:
    await window.context.close()
    assert window.unexpected() == []
