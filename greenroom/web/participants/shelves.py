"""What is on in a brand, as the lists of sessions tell it: live now, not begun, to come; or in a month."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from msgspec import UNSET, Struct, UnsetType, structs

from greenroom.identity.caller import Caller
from greenroom.kit.wire import Month, PageLimit
from greenroom.sessions import service
from greenroom.sessions.schemas import Kind, Session, SessionFilters, SessionList
from greenroom.sessions.service import Sessions
from greenroom.web.participants.months import Grid, Span, grid_of, span_of
from greenroom.web.times import Clock, told_day

MOST: Final = PageLimit(PageLimit.LARGEST)
MOST_IN_A_MONTH: Final = 500


class Chosen(Struct, frozen=True):
    """What the viewer wants to see alone."""

    kind: Kind | UnsetType = UNSET
    category: str | UnsetType = UNSET
    host: str | UnsetType = UNSET

    def filters(
        self, *, cursor: str | UnsetType = UNSET, month: Month | UnsetType = UNSET, limit: PageLimit | UnsetType = UNSET
    ) -> SessionFilters:
        """Of the list."""
        return SessionFilters(
            kind=self.kind, category=self.category, host_user_id=self.host, cursor=cursor, month=month, limit=limit
        )

    def query(self) -> dict[str, str]:
        """As parameters of an address."""
        said = {"kind": self.kind, "category": self.category}
        return {name: value for name, value in said.items() if not isinstance(value, UnsetType)}


class Day(Struct, frozen=True):
    """A day of the viewer's, and what is on."""

    told: str
    sessions: list[Session]


class Shelf(Struct, frozen=True):
    """Live ones, those whose time has come and that nobody has begun, and the others by day; `later`: where they go on."""

    live: list[Session]
    waiting: list[Session]
    days: list[Day]
    later: str | None

    @property
    def sessions(self) -> list[Session]:
        """All that is on it."""
        return [*self.live, *self.waiting, *(one for day in self.days for one in day.sessions)]


class Looker(Struct, frozen=True):
    """Who looks, by which clock, and when that is."""

    there: Sessions
    viewer: Caller
    clock: Clock
    at: datetime


async def shelf(looker: Looker, chosen: Chosen, cursor: str | UnsetType) -> Shelf:
    """What is on now and later; live ones are on its first page. Raises ValidationFailed."""
    scheduled = structs.replace(chosen.filters(cursor=cursor), status="scheduled")
    if cursor is not UNSET:
        return shelf_of(SessionList(sessions=[], next_cursor=None), await _listed(looker, scheduled), looker)
    live = structs.replace(chosen.filters(limit=MOST), status="live")
    return shelf_of(*await asyncio.gather(_listed(looker, live), _listed(looker, scheduled)), looker)


def shelf_of(live: SessionList, scheduled: SessionList, looker: Looker) -> Shelf:
    """What was listed, as it is shown. Pure."""
    waiting = [one for one in scheduled.sessions if datetime.fromisoformat(one.scheduled_at) < looker.at]
    coming = scheduled.sessions[len(waiting) :]
    return Shelf(live.sessions, waiting, by_day(coming, looker.clock), scheduled.next_cursor)


def by_day(sessions: Sequence[Session], clock: Clock) -> list[Day]:
    """By the viewer's days, whose order is that of the sessions."""
    return [Day(told_day(day), list(those)) for day, those in groupby(sessions, key=lambda one: clock.day(one.scheduled_at))]


async def grid(looker: Looker, chosen: Chosen, month: Month) -> Grid:
    """The viewer's month, whatever became of its sessions."""
    span = span_of(month, looker.clock)
    found: list[Session] = []
    async for session in _within(looker, chosen, span):
        if len(found) == MOST_IN_A_MONTH:
            return grid_of(month, found, looker.clock, at=looker.at, is_cut=True)
        found.append(session)
    return grid_of(month, found, looker.clock, at=looker.at, is_cut=False)


async def _within(looker: Looker, chosen: Chosen, span: Span) -> AsyncIterator[Session]:
    """By time. The list knows months of UTC: of the first one what is before the span is passed over, not read."""
    for month in span.months_of_utc():
        filters = chosen.filters(month=month, limit=MOST)
        cursor: str | None = service.cursor_at(looker.there, looker.viewer, filters, max(span.begins, month.first))
        while cursor is not None:
            listed = await _listed(looker, structs.replace(filters, cursor=cursor))
            for session in listed.sessions:
                if span.ends_before(session):
                    return
                yield session
            cursor = listed.next_cursor


async def _listed(looker: Looker, filters: SessionFilters) -> SessionList:
    return await service.listed(looker.there, looker.viewer, filters)
