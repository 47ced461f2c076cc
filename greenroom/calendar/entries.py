"""iCalendar objects of sessions, by RFC 5545; what is sent by mail, by RFC 5546, too. Pure.

A person's entry has one UID for as long as the registration lasts, at most one attendee, and a SEQUENCE that rises with
whatever matters to a calendar: the time, the length, the title, whether it is held, and what became of the registration.
The same entry is the same octets: none of them says when it was asked for.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Literal
from urllib.parse import quote

from icalendar import Calendar, Event, vCalAddress
from icalendar.prop import vDuration, vText
from msgspec import Struct

PRODUCT = "-//Greenroom//Greenroom//EN"
USUAL_DURATION = timedelta(hours=1)  # of a session that says nothing of its length

Method = Literal["REQUEST", "CANCEL"]  # RFC 5546: of what is sent to one attendee; a feed and a download have none
Standing = Literal["ACCEPTED", "TENTATIVE", "DECLINED"]

_LATEST = datetime.max.replace(tzinfo=UTC, microsecond=0)
_END = b"END:VCALENDAR"
# Each reader takes some of these for a line's end, and what follows for a property.
_LINE_BREAKS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f]")  # CONTROL, which no line may hold (RFC 5545, section 3.1)
_BYTE_ORDER_MARK = "\ufeff"  # where a text begins it is no character of it, and readers take it away
_OF_A_MAILBOX = "!$'()*+,:-._~"  # what stands for itself before the @ of a mailto (RFC 6068, section 2)


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


class Subscription(Struct, frozen=True, kw_only=True):
    """What a calendar that is subscribed to says of itself: its name, and how often it is to be read (RFC 7986)."""

    name: str
    every: timedelta


class Frame(Struct, frozen=True):
    """What stands before an object's entries, and after them."""

    head: bytes
    tail: bytes


def calendar_of(entries: Sequence[Entry], *, method: Method | None = None) -> bytes:
    """The object that holds them, as it is sent."""
    frame = _frame(method)
    return b"".join([frame.head, *map(event_of, entries), frame.tail])


def frame_of(subscription: Subscription) -> Frame:
    """A calendar that is subscribed to, whose entries are made one by one. Older readers know it by names of their own."""
    calendar = _calendar(None)
    for known in ("name", "x-wr-calname"):
        calendar.add(known, _Text(subscription.name))
    calendar.add("refresh-interval", subscription.every, parameters={"value": "DURATION"})
    calendar.add("x-published-ttl", vDuration(subscription.every))
    return _frame_of(calendar)


def event_of(entry: Entry) -> bytes:
    """One entry as it stands in an object. It takes about a millisecond."""
    starts_at = _instant(entry.starts_at)
    ends_at = _LATEST if entry.duration > _LATEST - starts_at else starts_at + entry.duration
    changed_at = _instant(entry.changed_at)
    event = Event()
    event.add("uid", _Text(entry.uid))
    event.add("sequence", entry.sequence)
    event.add("dtstamp", changed_at)
    event.add("last-modified", changed_at)
    event.add("dtstart", starts_at)
    if ends_at > starts_at:  # a DTEND is later than its DTSTART (section 3.8.2.2)
        event.add("dtend", ends_at)
    event.add("summary", _Text(entry.title))
    if entry.description is not None:
        event.add("description", _Text(entry.description))
    event.add("status", _status(entry))
    event.add("organizer", _mailto(entry.organizer))
    if entry.attendee is not None:
        attendee = _mailto(entry.attendee.email)
        event.add(
            "attendee", attendee, parameters={"partstat": entry.attendee.standing, "role": "REQ-PARTICIPANT", "rsvp": "FALSE"}
        )
    if entry.url is not None:
        event.add("url", entry.url)
    octets: bytes = event.to_ical()
    return octets


class _Text(vText):
    """TEXT (RFC 5545, section 3.3.11) that is read as it was written.

    The library writes a backslash before an N as a line break; and a break of a kind that the RFC does not know goes out raw.
    """

    def to_ical(self) -> bytes:
        text = _CONTROLS.sub("", _LINE_BREAKS.sub("\n", self)).lstrip(_BYTE_ORDER_MARK)
        for character in ("\\", ";", ","):
            text = text.replace(character, f"\\{character}")
        return text.replace("\n", "\\n").encode()


def _calendar(method: Method | None) -> Calendar:
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", PRODUCT)
    if method is not None:
        calendar.add("method", method)
    return calendar


@cache
def _frame(method: Method | None) -> Frame:
    return _frame_of(_calendar(method))


def _frame_of(calendar: Calendar) -> Frame:
    head, end, line_break = calendar.to_ical().rpartition(_END)
    return Frame(head, end + line_break)


def _mailto(address: str) -> vCalAddress:
    before, _, domain = address.rpartition("@")
    return vCalAddress(f"mailto:{quote(before, safe=_OF_A_MAILBOX)}@{domain}")


def _status(entry: Entry) -> str:
    if not entry.is_held:
        return "CANCELLED"
    return "CONFIRMED" if entry.is_certain else "TENTATIVE"


def _instant(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(microsecond=0)
