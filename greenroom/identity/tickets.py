"""Tickets for browsers, whose EventSource can send no token: sealed, expiring, and good for one stream of one person."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import Struct

from greenroom.identity.caller import Caller
from greenroom.identity.scopes import MANAGE_LIVE, READ_LIVE
from greenroom.kit.errors import InvalidToken
from greenroom.kit.ids import BrandId, ClientId, SessionId, UserId
from greenroom.kit.sealing import Seals

COOKIE = "greenroom_stream"
PARAMETER = "ticket"


class StreamTicket(Struct, frozen=True, array_like=True):
    """What a ticket says: who may watch what, until when (seconds since 1970), and which token it was made with."""

    session: UUID
    brand: str
    user: str
    client: str
    manages: bool
    token_id: UUID | None
    expires: int

    @property
    def caller(self) -> Caller:
        """The person, who may read, and sees as much as with the token."""
        return Caller(
            user=UserId(self.user),
            client=ClientId(self.client),
            brand=BrandId(self.brand),
            scopes=frozenset({READ_LIVE, MANAGE_LIVE}) if self.manages else frozenset({READ_LIVE}),
            token_id=self.token_id,
        )


_decode = msgspec.msgpack.Decoder(StreamTicket).decode


class StreamTickets:
    """Written for who holds a token, and read when the stream is opened."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._seals = Seals(secret_keys, purpose="greenroom stream ticket")

    def write(self, caller: Caller, brand: BrandId, session: SessionId, *, lifetime: timedelta) -> tuple[str, datetime]:
        """The ticket as a text for a URL or a cookie, and when it expires."""
        expires_at = (datetime.now(UTC) + lifetime).replace(microsecond=0)
        ticket = StreamTicket(
            session, brand, caller.user, caller.client, caller.manages, caller.token_id, int(expires_at.timestamp())
        )
        return self._seals.seal(msgspec.msgpack.encode(ticket)), expires_at

    def read(self, text: str) -> StreamTicket:
        """The ticket. Raises InvalidToken for one that has expired, or that nobody wrote."""
        octets = self._seals.opened(text)
        if octets is None:
            raise InvalidToken
        ticket = _decode(octets)
        if ticket.expires <= datetime.now(UTC).timestamp():
            raise InvalidToken
        return ticket
