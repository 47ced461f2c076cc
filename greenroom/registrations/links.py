"""Links for guests: sealed, expiring, and good for one registration alone."""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from greenroom.kit.errors import InvalidToken
from greenroom.kit.ids import BrandId, SessionId
from greenroom.kit.sealing import Seals

# A link is opened when the session begins, which may be late: it is good for a day longer.
AFTERWARDS = timedelta(days=1)
PATH = "/v1/guest-links/"

_HEAD = struct.Struct(">q16s16s")  # when it expires in seconds since 1970, the session's id, the registration's; then the brand


class Ticket(Struct, frozen=True):
    """What a link says."""

    brand: BrandId
    session: SessionId
    registration: UUID
    expires_at: datetime


class Tickets:
    """Written into links, and read out of them again."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._seals = Seals(secret_keys, purpose="greenroom guest link")

    def write(self, ticket: Ticket) -> str:
        """The ticket as a part of a path."""
        expires = int(ticket.expires_at.timestamp())
        head = _HEAD.pack(expires, ticket.session.bytes, ticket.registration.bytes)
        return self._seals.seal(head + ticket.brand.encode())

    def read(self, text: str, *, now: datetime) -> Ticket:
        """The ticket. Raises InvalidToken for one that has expired, or that nobody wrote."""
        octets = self._seals.opened(text)
        if octets is None:
            raise InvalidToken
        expires, session, registration = _HEAD.unpack_from(octets)
        expires_at = datetime.fromtimestamp(expires, UTC)
        if expires_at <= now:
            raise InvalidToken
        brand = BrandId(octets[_HEAD.size :].decode())
        return Ticket(brand, SessionId(UUID(bytes=session)), UUID(bytes=registration), expires_at)


def expiry(scheduled_at: datetime, *, now: datetime) -> datetime:
    """Until when a link is good: a day after the session begins, and a day at least; in whole seconds."""
    latest = datetime.max.replace(tzinfo=UTC) - AFTERWARDS
    return (min(max(scheduled_at, now), latest) + AFTERWARDS).replace(microsecond=0)
