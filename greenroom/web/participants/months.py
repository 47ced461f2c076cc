"""A month of a viewer's calendar: days in weeks, each with what is on."""

import calendar
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Final

from msgspec import Struct

from greenroom.kit.wire import Month
from greenroom.sessions.schemas import Session
from greenroom.web.times import Clock

FIRST: Final = 1
LAST: Final = 9999 * 12


class Day(Struct, frozen=True):
    """A day of the grid; `number` is 0 for one of another month."""

    number: int
    weekday: int
    is_today: bool
    sessions: list[Session]


class Grid(Struct, frozen=True):
    """A month in weeks that begin on Monday (ISO 8601), and the names of the months around it."""

    name: str
    first: date
    before: str | None
    after: str | None
    weeks: list[list[Day]]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is on."""
        return not any(day.sessions for week in self.weeks for day in week)


def months_of_utc(month: Month) -> list[str]:
    """The months of UTC in which the viewer's month lies, whatever the zone."""
    number = _number(month)
    return [_name(one) for one in (number - 1, number, number + 1) if FIRST <= one <= LAST]


def grid_of(month: Month, sessions: Iterable[Session], clock: Clock, *, at: datetime) -> Grid:
    """The month with its sessions, those of a day in the order of time. Pure."""
    year, number = int(month[:4]), int(month[5:])
    by_day: dict[int, list[Session]] = defaultdict(list)
    for session in sorted(sessions, key=lambda one: (one.scheduled_at, one.id)):
        day = clock.day(session.scheduled_at)
        if (day.year, day.month) == (year, number):
            by_day[day.day].append(session)
    today = clock.day(at)
    weeks = [
        [
            Day(day, weekday, (year, number, day) == (today.year, today.month, today.day), by_day.get(day, []))
            for day, weekday in week
        ]
        for week in calendar.Calendar().monthdays2calendar(year, number)
    ]
    place = _number(month)
    return Grid(
        name=str(month),
        first=date(year, number, 1),
        before=_name(place - 1) if place > FIRST else None,
        after=_name(place + 1) if place < LAST else None,
        weeks=weeks,
    )


def this_month(clock: Clock, *, at: datetime) -> str:
    """The viewer's."""
    return clock.day(at).strftime("%Y-%m")


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def _number(month: Month) -> int:
    """Months since the calendar began, from 1 on."""
    return (int(month[:4]) - 1) * 12 + int(month[5:])


def _name(number: int) -> str:
    return f"{(number - 1) // 12 + 1:04}-{(number - 1) % 12 + 1:02}"
