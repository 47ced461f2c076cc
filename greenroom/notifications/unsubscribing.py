"""How a reader asks for no more mail: a sealed ticket in each mail, good for one address of one brand, and for ever."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from greenroom.kit.errors import InvalidToken
from greenroom.kit.ids import BrandId
from greenroom.kit.sealing import Seals

PATH = "/v1/unsubscribe"
PARAMETER = "ticket"


class UnsubscribeTicket(Struct, frozen=True, array_like=True):
    """Whose mail to whom."""

    brand: str
    email: str


_decode = msgspec.msgpack.Decoder(UnsubscribeTicket).decode
_encode = msgspec.msgpack.Encoder().encode


class Unsubscribing:
    """Tickets, written into mail and read out of what comes back."""

    def __init__(self, secret_keys: Sequence[str], *, public_url: str | None) -> None:
        self._seals = Seals(secret_keys, purpose="greenroom unsubscribe")
        self._public_url = public_url

    def url(self, brand: BrandId, email: str) -> str | None:
        """Where the reader asks; None where nobody could reach it."""
        if self._public_url is None:
            return None
        return f"{self._public_url}{PATH}?{PARAMETER}={self._seals.seal(_encode(UnsubscribeTicket(brand, email)))}"

    def read(self, text: str) -> UnsubscribeTicket:
        """The ticket. Raises InvalidToken for one that nobody wrote."""
        octets = self._seals.opened(text)
        if octets is None:
            raise InvalidToken
        return _decode(octets)
