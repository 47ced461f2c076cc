"""A month of a viewer's calendar: when it begins and ends, and its days in weeks, each with what is on."""

import calendar
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct

from greenroom.kit.wire import Month
from greenroom.sessions.schemas import Session
from greenroom.web.times import Clock

FIRST: Final = Month("0001-01")
LAST: Final = Month("9999-12")
INSTANT: Final = timedelta(milliseconds=1)


class Day(Struct, frozen=True):
    """A day of the grid; `number` is 0 for one of another month."""

    number: int
    weekday: int
    is_today: bool
    sessions: list[Session]


class Grid(Struct, frozen=True):
    """A month in weeks that begin on Monday (ISO 8601), and the months around it. `is_cut`: there is more than it shows."""

    month: Month
    before: Month | None
    after: Month | None
    weeks: list[list[Day]]
    is_cut: bool

    @property
    def sessions(self) -> list[Session]:
        """All that is on."""
        return [one for week in self.weeks for day in week for one in day.sessions]

    @property
    def has_today(self) -> bool:
        """Whether today is one of its days."""
        return any(day.is_today for week in self.weeks for day in week)


class Span(Struct, frozen=True):
    """From an instant on, and before another one; None where the calendar ends with it."""

    begins: datetime
    ends: datetime | None

    def months_of_utc(self) -> Iterator[Month]:
        """Those in which it lies."""
        last = LAST if self.ends is None else _month_of(self.ends - INSTANT)
        month: Month | None = _month_of(self.begins)
        while month is not None and month <= last:
            yield month
            month = _after(month)

    def ends_before(self, session: Session) -> bool:
        """Whether it is over when the session begins."""
        return self.ends is not None and datetime.fromisoformat(session.scheduled_at) >= self.ends


def span_of(month: Month, clock: Clock) -> Span:
    """The month as the clock has it. At the edges of the calendar, where a zone has no time, the clock is that of UTC."""
    following = _after(month)
    return Span(
        begins=month.first if month == FIRST else _first_instant(month, clock),
        ends=None if following is None else _first_instant(following, clock),
    )


def grid_of(month: Month, sessions: Iterable[Session], clock: Clock, *, at: datetime, is_cut: bool) -> Grid:
    """The month with its sessions, in their order. Pure."""
    year, number = int(month[:4]), int(month[5:])
    by_day: dict[int, list[Session]] = defaultdict(list)
    for session in sessions:
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
    return Grid(month=month, before=_before(month), after=_after(month), weeks=weeks, is_cut=is_cut)


def this_month(clock: Clock, *, at: datetime) -> Month:
    """The viewer's."""
    return _month_of(clock.local(at))


def _first_instant(month: Month, clock: Clock) -> datetime:
    return month.first.replace(tzinfo=clock.zone).astimezone(UTC)


def _month_of(moment: datetime) -> Month:
    return _named(moment.year * 12 + moment.month)


def _before(month: Month) -> Month | None:
    return None if month == FIRST else _named(_number(month) - 1)


def _after(month: Month) -> Month | None:
    return None if month == LAST else _named(_number(month) + 1)


def _number(month: Month) -> int:
    return int(month[:4]) * 12 + int(month[5:])


def _named(number: int) -> Month:
    return Month(f"{(number - 1) // 12:04}-{(number - 1) % 12 + 1:02}")
