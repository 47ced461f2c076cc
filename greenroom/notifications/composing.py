"""From a message that holds to what its reader gets: words in the reader's zone, and the invitation. Pure."""

from base64 import encodebytes
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.header import Header
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.policy import compat32
from email.utils import format_datetime
from functools import lru_cache
from typing import Final, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from greenroom.calendar.entries import USUAL_DURATION, Attendee, Entry, Method, Standing, calendar_of
from greenroom.kit.clock import wire_text
from greenroom.kit.ids import BrandId, SessionId
from greenroom.kit.recording_links import told
from greenroom.notifications.queries import Claimed
from greenroom.notifications.schemas import TemplateKind
from greenroom.notifications.templates import Written, one_line
from greenroom.notifications.unsubscribing import Unsubscribing
from greenroom.registrations.links import PATH, Ticket, Tickets, expiry

POLICY: Final = compat32.clone(linesep="\r\n", max_line_length=0)

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
TITLE_CHARACTERS: Final = 200
DESCRIPTION_CHARACTERS: Final = 2_000  # of what an invitation repeats

# What a calendar is asked to do; of the kinds that are not here it knows all already.
METHODS: Final[dict[str, Method]] = {
    "registered": "REQUEST",
    "waitlisted": "REQUEST",
    "promoted": "REQUEST",
    "moved": "REQUEST",
    "reinstated": "REQUEST",
    "cancelled": "CANCEL",
    "left": "CANCEL",
    "removed": "CANCEL",
}


class Letterhead(Struct, frozen=True, kw_only=True):
    """What all mail of this installation has in common."""

    sender: str | None
    public_url: str | None
    join_url: str | None
    tickets: Tickets
    unsubscribing: Unsubscribing

    @property
    def host(self) -> str:
        """Where message ids are made."""
        return (self.sender or "@greenroom.invalid").rpartition("@")[2]


def template_kind(kind: str) -> TemplateKind:
    """Both reminders have one template."""
    return cast("TemplateKind", "reminder" if kind.startswith("reminder_") else kind)


def variables_of(it: Claimed, head: Letterhead) -> dict[str, str | bool]:
    """What a template may name (templates.VARIABLES); what there is not is an empty text."""
    begins = _instant(it.scheduled_at)
    moved = it.kind in {"moved", "reinstated"} and it.old_scheduled_at is not None and _instant(it.old_scheduled_at) != begins
    unsubscribe = "" if it.email is None else head.unsubscribing.url(BrandId(it.brand_id), it.email) or ""
    return {
        "title": one_line(it.title or "", most=TITLE_CHARACTERS),
        "when": told_time(begins, it.time_zone),
        "old_when": told_time(_instant(it.old_scheduled_at), it.time_zone) if moved else "",
        "scheduled_at": wire_text(it.scheduled_at or ""),
        "is_waiting": bool(it.is_waiting),
        "join_url": join_url(it, head) or "",
        "recording_url": (told(it.recording_url) or "") if it.kind == "recording_ready" else "",
        "unsubscribe_url": unsubscribe,
        "brand": it.brand_id,
    }


def requested_variables(it: Claimed, head: Letterhead) -> dict[str, str | bool | int | None]:
    """What `comms.message.send_requested.v1` says beside who and what: flat, and with instants for who formats them."""
    variables: Mapping[str, str | bool] = variables_of(it, head)
    return {
        "session_id": str(it.session_id),
        "registration_id": str(it.registration_id),
        "session_version": it.session_version,
        "title": variables["title"],
        "scheduled_at": variables["scheduled_at"],
        "old_scheduled_at": wire_text(it.old_scheduled_at) if variables["old_when"] and it.old_scheduled_at else None,
        "time_zone": it.time_zone,
        "is_waiting": variables["is_waiting"],
        "join_url": variables["join_url"] or None,
        "recording_url": variables["recording_url"] or None,
        "unsubscribe_url": variables["unsubscribe_url"] or None,
    }


def join_url(it: Claimed, head: Letterhead) -> str | None:
    """Where the reader joins: guests by their own link, others where the operator says."""
    if it.is_guest and head.public_url is not None:
        now = _instant(it.created_at)
        expires_at = expiry(_instant(it.scheduled_at), now=now)
        ticket = Ticket(BrandId(it.brand_id), SessionId(it.session_id), it.registration_id, expires_at)
        return f"{head.public_url}{PATH}{head.tickets.write(ticket)}"
    if head.join_url is None:
        return None
    return head.join_url.replace("{session_id}", str(it.session_id))


def composed(it: Claimed, words: Written, head: Letterhead) -> bytes:
    """The mail as it is handed over: the same Message-ID and Date however often (RFC 5322, section 3.6.4).

    By the standard library's older classes: those that read each header again take four times as long, and write an address
    for unsubscribing, which is long, in encoded words, which no mail program looks for there.
    """
    if it.email is None or head.sender is None:
        raise AssertionError("what has no address is not sent")
    message = alternatives = MIMEMultipart("alternative", _boundary(it, "words"), policy=POLICY)
    alternatives.attach(_part(_canonical(words.text), "text", "plain", charset="utf-8"))
    alternatives.attach(_part(_canonical(words.html), "text", "html", charset="utf-8"))
    method = METHODS.get(it.kind)
    if method is not None:
        invitation = invitation_of(it, method, head)
        alternatives.attach(_part(invitation, "text", "calendar", charset="utf-8", method=method))
        attached = _part(invitation, "application", "ics")
        attached["Content-Disposition"] = 'attachment; filename="invite.ics"'
        message = MIMEMultipart("mixed", _boundary(it, "whole"), policy=POLICY)
        del alternatives["MIME-Version"]
        message.attach(alternatives)
        message.attach(attached)
    for name, value in _headers(it, words, head).items():
        if not value.isascii() or not value.isprintable():
            raise ValueError(f"{name} would break its line")
        message[name] = value
    return message.as_bytes(policy=POLICY)


def _headers(it: Claimed, words: Written, head: Letterhead) -> dict[str, str]:
    """Each in one line, in ASCII."""
    headers = {
        "From": head.sender or "",
        "To": it.email or "",
        "Subject": _header_text(words.subject),
        "Date": format_datetime(_instant(it.created_at)),
        "Message-ID": f"<{it.id}@{head.host}>",
        "Auto-Submitted": "auto-generated",  # RFC 3834, section 5
    }
    unsubscribe = head.unsubscribing.url(BrandId(it.brand_id), it.email or "")
    if unsubscribe is not None:  # RFC 2369 and RFC 8058
        headers |= {"List-Unsubscribe": f"<{unsubscribe}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return headers


@lru_cache(maxsize=256)
def _header_text(subject: str) -> str:
    """As it is, or in encoded words (RFC 2047): also where it looks like one, which a reader would decode."""
    if subject.isascii() and "=?" not in subject:
        return subject
    return Header(subject, "utf-8", maxlinelen=75).encode(linesep="").strip()


def _boundary(it: Claimed, of: str) -> str:
    """The same however often; no base64 has these characters (RFC 2045, section 6.7)."""
    return f"=_{of}_{it.id}"


def _canonical(text: str) -> bytes:
    """With the line ends that texts have in mail (RFC 2046, section 4.1.1)."""
    return "\r\n".join(text.splitlines()).encode() + b"\r\n"


def _part(octets: bytes, main: str, sub: str, **parameters: str) -> MIMEBase:
    """A part in base64, which every server passes on as it is."""
    part = MIMEBase(main, sub, policy=POLICY, **parameters)
    del part["MIME-Version"]  # of the whole (RFC 2045, section 4)
    part["Content-Transfer-Encoding"] = "base64"
    part.set_payload(encodebytes(octets).decode())
    return part


def invitation_of(it: Claimed, method: Method, head: Letterhead) -> bytes:
    """The session in the reader's calendar, by RFC 5546: one UID for as long as the registration lasts."""
    entry = Entry(
        uid=str(it.registration_id),
        sequence=it.sequence or 0,
        title=one_line(it.title or "", most=TITLE_CHARACTERS),
        description=None if it.description is None else it.description[:DESCRIPTION_CHARACTERS],
        starts_at=_instant(it.scheduled_at),
        duration=USUAL_DURATION if it.duration_minutes is None else timedelta(minutes=it.duration_minutes),
        is_held=method == "REQUEST",
        is_certain=not it.is_waiting,
        changed_at=_instant(it.changed_at),
        organizer=head.sender or "",
        attendee=Attendee(email=it.email or "", standing=_standing(it, method)),
        url=join_url(it, head),
    )
    return calendar_of([entry], method=method)


def _standing(it: Claimed, method: Method) -> Standing:
    if method == "CANCEL":
        return "DECLINED"
    return "TENTATIVE" if it.is_waiting else "ACCEPTED"


def told_time(instant: datetime, zone: str | None) -> str:
    """A time for people, whose zone is named: `Monday, 1 March 2027, 18:00 (Europe/Berlin, UTC+01:00)`."""
    there, name = _in_zone(instant, zone)
    day = f"{DAYS[there.weekday()]}, {there.day} {MONTHS[there.month - 1]} {there.year}"
    return f"{day}, {there:%H:%M} ({name})"


def _in_zone(instant: datetime, zone: str | None) -> tuple[datetime, str]:
    known = None if zone is None else _zone(zone)
    if known is not None:
        try:
            there = instant.astimezone(known)
        except OverflowError:  # in the first and last hours that the calendar has
            return instant, "UTC"
        offset = f"{there:%z}"
        return there, f"{zone}, UTC{offset[:3]}:{offset[3:5]}"
    return instant, "UTC"


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    """None where this machine does not know the zone (any more)."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def is_zone(name: str) -> bool:
    """Whether it is a time zone that this machine knows."""
    return _zone(name) is not None


@lru_cache(maxsize=64)
def _parsed(stored: str) -> datetime:
    return datetime.fromisoformat(stored).astimezone(UTC)


def _instant(stored: str | None) -> datetime:
    if stored is None:
        raise AssertionError("what holds has its times")
    return _parsed(stored)
