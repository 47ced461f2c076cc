"""What people see in their calendars, over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from msgspec import Struct

from tests.calendar.reading import Event, Read, Reader
from tests.registrations.people import USUAL_SCOPE, Room, answered, room
from tests.tenant import Json, Tenant

FEED = "/v1/me/calendar.ics"
LINK = "/v1/me/calendar-feed"


def days_from_now(days: float) -> str:
    """An instant as the wire writes it, in whole seconds."""
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Agenda(Struct, frozen=True):
    """The calendars of a brand's people, who do with them what calendar programs do."""

    http: httpx.AsyncClient
    tenant: Tenant
    reader: Reader

    async def room(self, title: str = "Ask the physiotherapist", *, days: float = 7, seats: int = 100, **fields: Any) -> Room:
        """A session so many days from now."""
        return await room(self.http, self.tenant, seats=seats, title=title, scheduled_at=days_from_now(days), **fields)

    async def get_entry(self, there: Room, user: str = "anna", *, scope: str = USUAL_SCOPE, **headers: str) -> httpx.Response:
        """GET calendar.ics of the session."""
        named = self.tenant.bearer(user, scope=scope, **headers)
        return await self.http.get(f"{there.path}/calendar.ics", headers=named)

    async def entry(self, there: Room, user: str = "anna") -> Event:
        """The person's own entry."""
        return self.reader.answer(await self.get_entry(there, user)).event

    async def post_link(self, user: str = "anna", *, scope: str = USUAL_SCOPE, **headers: str) -> httpx.Response:
        """POST calendar-feed."""
        return await self.http.post(LINK, headers=self.tenant.bearer(user, scope=scope, **headers))

    async def link(self, user: str = "anna") -> Json:
        """A new feed."""
        return answered(await self.post_link(user), 201)

    async def revoke(self, user: str = "anna", *, scope: str = USUAL_SCOPE) -> httpx.Response:
        """DELETE calendar-feed."""
        return await self.http.delete(LINK, headers=self.tenant.bearer(user, scope=scope))

    async def open(self, link: Json, **headers: str) -> httpx.Response:
        """GET the feed by its ticket, without a token."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.get(FEED, params={"ticket": link["ticket"]}, headers=named)

    async def feed(self, link: Json) -> Read:
        """What the feed shows."""
        return self.reader.answer(await self.open(link))

    async def titles(self, link: Json) -> list[str]:
        """The titles of its events."""
        return [event.title for event in (await self.feed(link)).events]


def ticket_of(url: str) -> str:
    """The ticket that stands in a link."""
    (ticket,) = parse_qs(urlsplit(url).query)["ticket"]
    return ticket
