"""A brand, its sessions, and the people who come into their rooms."""

from datetime import UTC, datetime, timedelta

import httpx

from tests.rooms.browser import Browser, opened
from tests.tenant import Json, Tenant

HOST = "host_1"


class RoomStage:
    """What is done over HTTP, and who is in a room by which server."""

    def __init__(self, url: str, http: httpx.AsyncClient, tenant: Tenant, browsers: list[Browser]) -> None:
        self.url = url
        self.http = http
        self.tenant = tenant
        self.browsers = browsers

    async def session(self, *, kind: str = "office_hours", minutes: float = 5, **fields: object) -> Json:
        """A session whose doors are open."""
        at = datetime.now(UTC) + timedelta(minutes=minutes)
        return await self.tenant.session(self.http, kind=kind, scheduled_at=at.isoformat(), **fields)

    async def seated(self, session: Json, *users: str) -> None:
        """Everybody has a seat."""
        for user in users:
            headers = self.tenant.bearer(user)
            answer = await self.http.post(f"/v1/sessions/{session['id']}/register", json={"user_id": user}, headers=headers)
            assert answer.status_code in {201, 409}, answer.text

    async def token(self, session: Json, user: str) -> str:
        """What joining answers, to somebody who has a seat."""
        if user != HOST:
            await self.seated(session, user)
        answer = await self.http.post(
            f"/v1/sessions/{session['id']}/join", json={"user_id": user}, headers=self.tenant.bearer(user)
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    async def comes(self, session: Json, user: str, *offered: str, url: str | None = None) -> Browser:
        """Somebody joins, and is let in or not."""
        token = await self.token(session, user)
        browser = await opened(url or self.url, session["id"], token, *offered)
        self.browsers.append(browser)
        return browser

    async def enters(self, session: Json, user: str, *offered: str, url: str | None = None) -> Browser:
        """Somebody joins and is in the room, or in its lobby."""
        return await (await self.comes(session, user, *offered, url=url)).welcomed()

    async def step(self, session: Json, verb: str) -> Json:
        """start, end or cancel."""
        answer = await self.tenant.step(self.http, session, verb)
        assert answer.status_code == 200, answer.text
        stepped: Json = answer.json()
        return stepped
