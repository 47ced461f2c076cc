"""The operations of calendars: pure decisions around one call of queries."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from greenroom import __version__
from greenroom.calendar import queries
from greenroom.calendar.entries import Subscription, calendar_of, event_of, frame_of
from greenroom.calendar.kept import KeptEntry, Publisher, as_entry
from greenroom.calendar.schemas import PARAMETER, PATH, CalendarFeed
from greenroom.identity.caller import Caller
from greenroom.kit.database import Database
from greenroom.kit.errors import InvalidToken, NotFound, Unauthenticated, ValidationFailed
from greenroom.kit.http.entity_tag import Held
from greenroom.kit.ids import BrandId, RequestId, new_id
from greenroom.sessions.service import brand_of, known_id_in

TICKET_OCTETS = 32
SUBSCRIPTION = Subscription(name="Live sessions", every=timedelta(hours=1))
ENTRIES_AT_ONCE = 16  # in one piece of the answer; others get their turn after each entry
MOST_PARAMETERS = 10

_FRAME = frame_of(SUBSCRIPTION)
_TICKET = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 octets in base64 for URLs (RFC 4648, section 5)


class Calendars:
    """What the operations need of a process."""

    def __init__(self, db: Database, *, public_url: str | None, mail_from: str | None) -> None:
        self.db = db
        self.publisher = Publisher(mail_from or f"noreply@{urlsplit(public_url or '').hostname or 'localhost'}", public_url)


class Dated(Struct, frozen=True):
    """An object in the state that its entity tag names."""

    tag: str
    octets: bytes


class Feed(Struct, frozen=True):
    """A feed in the state that its entity tag names; its entries are None for who holds that state already."""

    tag: str
    publisher: Publisher
    entries: list[KeptEntry] | None

    async def pieces(self) -> AsyncIterator[bytes]:
        """The object, made while it is sent. Whatever else the process does waits for one entry at most."""
        yield _FRAME.head
        entries = self.entries or ()
        for first in range(0, len(entries), ENTRIES_AT_ONCE):
            piece = []
            for kept in entries[first : first + ENTRIES_AT_ONCE]:
                piece.append(event_of(as_entry(kept, self.publisher)))
                await asyncio.sleep(0)
            yield b"".join(piece)
        yield _FRAME.tail


async def own(there: Calendars, caller: Caller, session_id: str) -> Dated:
    """The caller's entry of the session. Raises NotFound."""
    known_id = known_id_in(session_id)
    kept = await queries.entry(there.db, await brand_of(there.db, caller, known_id), known_id, caller.user)
    if kept is None:
        raise NotFound("There is no such session.")
    octets = calendar_of([as_entry(kept, there.publisher)])
    return Dated(_tag_of(octets), octets)


async def subscribe(there: Calendars, caller: Caller, *, request_id: RequestId, address: str) -> CalendarFeed:
    """A feed for the caller, instead of any before; `address` is where we were asked. Raises ValidationFailed."""
    ticket = secrets.token_urlsafe(TICKET_OCTETS)
    await queries.create(
        there.db, _brand_in(caller), caller, feed_id=new_id(), ticket_hash=_hash_of(ticket), request_id=request_id
    )
    return CalendarFeed(url=f"{there.publisher.public_url or address}{PATH}?{PARAMETER}={ticket}", ticket=ticket)


async def revoke(there: Calendars, caller: Caller, *, request_id: RequestId) -> None:
    """The caller's link opens nothing from now on. Twice is once. Raises ValidationFailed."""
    await queries.revoke(there.db, _brand_in(caller), caller, request_id=request_id)


async def feed(there: Calendars, ticket: str, held: Held) -> Feed:
    """The feed that the ticket opens. Raises InvalidToken."""
    holder = await queries.holder_any_brand(there.db, _hash_of(ticket))
    if holder is None:
        raise InvalidToken
    if held.tags or held.any_tag:  # who holds something is told that it is still right without a look at any text
        tag = _tag_of_feed(await queries.digest(there.db, holder), there.publisher)
        if held.includes(tag):
            return Feed(tag, there.publisher, None)
    found = await queries.feed(there.db, holder)
    return Feed(_tag_of_feed(found.digest, there.publisher), there.publisher, found.entries)


def ticket_in(query: bytes) -> str:
    """The one ticket that a query holds. Raises Unauthenticated where there is none, InvalidToken for what can be nobody's."""
    try:
        pairs = parse_qsl(query.decode("latin-1"), max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise InvalidToken from None
    sent = [value for name, value in pairs if name == PARAMETER]
    if not sent:
        raise Unauthenticated
    if len(sent) > 1 or not _TICKET.fullmatch(sent[0]):
        raise InvalidToken
    return sent[0]


def _brand_in(caller: Caller) -> BrandId:
    if caller.brand is None:
        raise ValidationFailed("X-Brand-Id: expected the brand whose calendar is meant.")
    return caller.brand


def _hash_of(ticket: str) -> bytes:
    return sha256(ticket.encode()).digest()


def _tag_of_feed(digest: str, by: Publisher) -> str:
    """Another release may write the same rows otherwise, and so do other settings."""
    return _tag_of("\0".join((digest, by.organizer, by.public_url or "", __version__)).encode() + _FRAME.head)


def _tag_of(octets: bytes) -> str:
    return f'"{sha256(octets).hexdigest()[:32]}"'
