"""Times as a viewer reads them: in their own zone, whose name is said."""

from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.dates import format_date, format_time, get_timezone_name

from greenroom.web.texts import locale, text

ZONE_CHARACTERS: Final = 64


@lru_cache(maxsize=512)
def zone_named(name: str | None) -> tzinfo | None:
    """The zone of the IANA database; None for what is none."""
    if not name or len(name) > ZONE_CHARACTERS:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


class Clock:
    """A viewer's clock."""

    def __init__(self, zone_name: str | None) -> None:
        known = zone_named(zone_name)
        self.zone: tzinfo = known or UTC
        self.name = zone_name if known is not None and zone_name else "UTC"

    def local(self, instant: str | datetime) -> datetime:
        """The instant in the viewer's zone; at the edge of the calendar in UTC."""
        moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
        try:
            return moment.astimezone(self.zone)
        except OverflowError:
            return moment.astimezone(UTC)

    def day(self, instant: str | datetime) -> date:
        """The viewer's calendar day."""
        return self.local(instant).date()

    def told(self, instant: str | datetime) -> str:
        """The day, the time and the zone, such as `Monday, 1 March 2027, 18:00 (Europe/Berlin)`."""
        local = self.local(instant)
        return text("time.full", day=told_day(local.date()), time=_told_time(local), zone=self.zone_name(local))

    def told_time(self, instant: str | datetime) -> str:
        """The time alone, such as `18:00`; in an hour that comes twice which of the two: `01:30 (UTC-0400)`."""
        local = self.local(instant)
        if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
            return _told_time(local)
        return text("time.doubled", time=_told_time(local), offset=f"{local:%z}"[:5])

    def time_of_day(self, instant: str | datetime) -> str:
        """What the clock on the wall shows, such as `18:00`."""
        return _told_time(self.local(instant))

    def zone_name(self, at: datetime) -> str:
        """The zone's name as people say it, with the one that computers have: `Central European Time (Europe/Berlin)`."""
        if self.name == "UTC" or at.tzinfo is UTC:
            return "UTC"
        return text("time.zone", name=get_timezone_name(at, width="long", locale=locale()), zone=self.name)

    def zone_all_year(self, at: datetime) -> str:
        """The zone's name for times of all the year: `Central European Time, Europe/Berlin`, whether it is summer or not."""
        local = self.local(at)
        if self.name == "UTC":
            return self.zone_name(local)
        names = {self.zone_name(local.replace(month=month, day=1)) for month in (1, 7)}
        if len(names) == 1:
            return names.pop()
        return text("time.zone", name=get_timezone_name(self.zone, width="long", locale=locale()), zone=self.name)


def told_day(day: date) -> str:
    """Such as `Monday, 1 March 2027`."""
    return format_date(day, "EEEE, d MMMM y", locale=locale())


def told_month(first: date) -> str:
    """Such as `March 2027`."""
    return format_date(first, "LLLL y", locale=locale())


def _told_time(local: datetime) -> str:
    return format_time(local, "HH:mm", tzinfo=local.tzinfo, locale=locale())
