"""What is on: the pages of a brand."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final
from urllib.parse import quote, urlencode

from msgspec import Struct

from greenroom.identity.caller import Caller
from greenroom.kit.errors import NotFound
from greenroom.kit.http.answer import Answer
from greenroom.kit.http.query import QueryReader
from greenroom.kit.ids import BrandId
from greenroom.kit.wire import Month, sent
from greenroom.sessions import service
from greenroom.sessions.schemas import NAME_CHARACTERS, Session, SessionFilters, SessionList
from greenroom.sessions.service import Sessions
from greenroom.web import forms
from greenroom.web.binding import shows
from greenroom.web.participants.months import Grid, grid_of, months_of_utc, now, this_month
from greenroom.web.times import Clock, told_day
from greenroom.web.visit import Visit, anybody

FILTERS: Final = QueryReader(SessionFilters)
CHOSEN: Final = ("kind", "category")
PAGES_OF_A_MONTH: Final = 5  # of a hundred sessions each


class Day(Struct, frozen=True):
    """A day of the viewer's, and what is on."""

    told: str
    sessions: list[Session]


class Shelf(Struct, frozen=True):
    """What is on, as the page shows it: live now, then by day; or a month."""

    live: list[Session]
    days: list[Day]
    later: str | None
    grid: Grid | None

    @property
    def sessions(self) -> list[Session]:
        """All of them."""
        of_grid = [] if self.grid is None else [one for week in self.grid.weeks for day in week for one in day.sessions]
        return [*self.live, *(one for day in self.days for one in day.sessions), *of_grid]


@shows("/")
async def home(visit: Visit) -> Answer:
    """The viewer's own brand; where pages are public, the way to any."""
    if visit.known is None and visit.there.is_public:
        return visit.page("home_public.html")
    return await _brand_page(visit, visit.caller, str(visit.caller.brand))


@shows("/b/{brand}")
async def brand_home(visit: Visit, brand: str) -> Answer:
    """A brand's. Raises NotFound for another than one's own."""
    if visit.known is None:
        if not visit.there.is_public:
            return await _brand_page(visit, visit.caller, brand)
        if not 1 <= len(brand) <= NAME_CHARACTERS or "\0" in brand:
            raise NotFound
        return await _brand_page(visit, anybody(BrandId(brand)), brand)
    if visit.known.brand != brand:
        raise NotFound
    return await _brand_page(visit, visit.known, brand)


def by_day(sessions: Sequence[Session], clock: Clock) -> list[Day]:
    """By the viewer's days, whose order is that of the sessions."""
    return [Day(told_day(day), list(those)) for day, those in groupby(sessions, key=lambda one: clock.day(one.scheduled_at))]


async def _brand_page(visit: Visit, viewer: Caller, brand: str) -> Answer:
    asked = forms.query_in(visit.request)
    chosen = {name: asked.line(name) for name in CHOSEN if asked.line(name)}
    month = asked.line("month")
    wanted = FILTERS.read(urlencode({**chosen, **({"month": month} if month else {})}).encode())
    shelf = await (_month(visit, viewer, wanted, chosen) if month else _upcoming(visit, viewer, chosen, asked.line("cursor")))
    return visit.page(
        "home.html",
        brand=brand,
        at=f"/b/{quote(brand, safe='')}",
        shelf=shelf,
        chosen=chosen,
        categories=sorted({one.category for one in shelf.sessions if one.category} | {sent(wanted.category) or ""} - {""}),
        this_month=this_month(visit.clock, at=now()),
        with_query=_with_query,
        zone=visit.clock.zone_name(visit.clock.local(now())),
    )


async def _upcoming(visit: Visit, viewer: Caller, chosen: dict[str, str], cursor: str) -> Shelf:
    """Live ones on the first page; then those to come."""
    page = {"cursor": cursor} if cursor else {}
    coming = await _listed(visit, viewer, {**chosen, "upcoming": "true", **page})
    live = [] if cursor else (await _listed(visit, viewer, {**chosen, "status": "live", "limit": "100"})).sessions
    return Shelf(live, by_day(coming.sessions, visit.clock), coming.next_cursor, None)


async def _month(visit: Visit, viewer: Caller, wanted: SessionFilters, chosen: dict[str, str]) -> Shelf:
    """A month begins in the viewer's zone; the list knows those of UTC."""
    month = Month(sent(wanted.month) or "")
    found: list[Session] = []
    for one in months_of_utc(month):
        cursor: str | None = ""
        for _ in range(PAGES_OF_A_MONTH):
            page = {"cursor": cursor} if cursor else {}
            listed = await _listed(visit, viewer, {**chosen, "month": one, "limit": "100", **page})
            found += listed.sessions
            cursor = listed.next_cursor
            if cursor is None:
                break
    return Shelf([], [], None, grid_of(month, found, visit.clock, at=now()))


async def _listed(visit: Visit, viewer: Caller, query: dict[str, str]) -> SessionList:
    filters = FILTERS.read(urlencode(query).encode())
    return await service.listed(visit.service("sessions", Sessions), viewer, filters)


def _with_query(at: str, chosen: dict[str, str], **more: str) -> str:
    """The page's address with these parameters."""
    query = urlencode({**chosen, **more})
    return f"{at}?{query}" if query else at


ROUTES = [home, brand_home]
