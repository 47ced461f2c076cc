"""iCalendar objects of sessions, by RFC 5545; what is sent by mail, by RFC 5546, too. Pure.

A person's entry has one UID for as long as the registration lasts, at most one attendee, and a SEQUENCE that rises with
whatever matters to a calendar: the time, the length, the title, whether it is held, and what became of the registration.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from icalendar import Calendar, Event, vCalAddress
from msgspec import Struct

PRODUCT = "-//Greenroom//Greenroom//EN"

Method = Literal["REQUEST", "CANCEL"]  # RFC 5546: of what is sent to one attendee; a feed and a download have none
Standing = Literal["ACCEPTED", "TENTATIVE", "DECLINED"]


class Attendee(Struct, frozen=True, kw_only=True):
    """Whose entry it is: an address, and whether they have a seat, wait for one, or gave it up."""

    email: str
    standing: Standing


class Entry(Struct, frozen=True, kw_only=True):
    """A session in one calendar. Instants are aware; whole seconds are told."""

    uid: str
    sequence: int
    title: str
    description: str | None
    starts_at: datetime
    duration: timedelta
    is_held: bool
    is_certain: bool  # not for who waits in line
    changed_at: datetime
    organizer: str  # an address
    attendee: Attendee | None
    url: str | None


def calendar_of(entries: Sequence[Entry], *, method: Method | None = None, name: str | None = None) -> bytes:
    """The object that holds them, as it is sent."""
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", PRODUCT)
    if method is not None:
        calendar.add("method", method)
    if name is not None:
        calendar.add("name", name)
    for entry in entries:
        calendar.add_component(_event(entry))
    octets: bytes = calendar.to_ical()
    return octets


def _event(entry: Entry) -> Event:
    starts_at = _instant(entry.starts_at)
    event = Event.new(
        uid=entry.uid,
        sequence=entry.sequence,
        summary=entry.title,
        description=entry.description,
        start=starts_at,
        end=starts_at + entry.duration,
        stamp=_instant(entry.changed_at),
        last_modified=_instant(entry.changed_at),
        organizer=vCalAddress.new(entry.organizer),
        url=entry.url,
    )
    event.add("status", _status(entry))
    if entry.attendee is not None:
        attendee = vCalAddress.new(entry.attendee.email, partstat=entry.attendee.standing, role="REQ-PARTICIPANT", rsvp=False)
        event.add("attendee", attendee)
    return event


def _status(entry: Entry) -> str:
    if not entry.is_held:
        return "CANCELLED"
    return "CONFIRMED" if entry.is_certain else "TENTATIVE"


def _instant(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(microsecond=0)
