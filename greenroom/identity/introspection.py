"""Tokens that only the identity server can read: it is asked about each (RFC 7662), and its answer is kept for a while."""

import base64
import hashlib
import re
import time
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import quote_plus

from msgspec import Struct

from greenroom.identity.caller import Caller
from greenroom.identity.claims import ClaimNames, caller_of, expiry_of
from greenroom.identity.server import IdentityServer, JsonObject
from greenroom.identity.single_flight import SingleFlight
from greenroom.kit.errors import InvalidToken

ANSWER_OCTETS = 64 * 1024
CACHED_TOKENS = 20_000
CACHED_REFUSALS = 10_000
REFUSED_SECONDS = 10.0
MOST_AT_ONCE = 1000

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # b64token: RFC 6750, section 2.1
_EXPECTED = frozenset({HTTPStatus.OK, HTTPStatus.BAD_REQUEST})


class _Known(Struct, frozen=True):
    caller: Caller
    expires: float
    believed_until: float


class IntrospectedTokens:
    """The TokenSource that takes every token for its own, so it is asked last."""

    def __init__(
        self,
        server: IdentityServer,
        *,
        url: str,
        client_id: str,
        client_secret: str,
        audience: str | None,
        names: ClaimNames,
        cache_seconds: float,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server
        self._url = url
        self._authorization = _basic(client_id, client_secret)
        self._audience = audience
        self._names = names
        self._cache_seconds = cache_seconds
        self._clock = clock
        self._ticks = ticks
        self._known: dict[bytes, _Known] = {}
        self._refused_until: dict[bytes, float] = {}
        self._flights: SingleFlight[bytes, Caller | None] = SingleFlight()

    async def caller(self, token: str) -> Caller | None:
        """See TokenSource."""
        if not _TOKEN.fullmatch(token):
            raise InvalidToken
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None and self._ticks() < known.believed_until:
            if known.expires <= self._clock():
                raise InvalidToken
            return known.caller
        if self._ticks() < self._refused_until.get(digest, 0.0):
            raise InvalidToken
        if len(self._flights) >= MOST_AT_ONCE and digest not in self._flights:
            raise self._server.unavailable("too many tokens at once", outcome="unreachable")
        caller = await self._flights.result(digest, lambda: self._ask(token, digest))
        if caller is None:
            raise InvalidToken
        return caller

    async def close(self) -> None:
        """Ask no more."""
        await self._flights.close()
        await self._server.close()

    async def _ask(self, token: str, digest: bytes) -> Caller | None:
        """Who the server says it is, remembered from the moment of the question. Raises Unavailable."""
        asked_at = self._ticks()
        reply = await self._server.post(
            self._url,
            {"token": token, "token_type_hint": "access_token"},
            authorization=self._authorization,
            expected=_EXPECTED,
            most_octets=ANSWER_OCTETS,
        )
        known = self._read(reply.said, reply.status, believed_until=asked_at + self._cache_seconds)
        self._known.pop(digest, None)
        if known is None:
            if len(self._refused_until) >= CACHED_REFUSALS:
                del self._refused_until[next(iter(self._refused_until))]
            self._refused_until[digest] = asked_at + min(REFUSED_SECONDS, self._cache_seconds)
            return None
        if len(self._known) >= CACHED_TOKENS:
            del self._known[next(iter(self._known))]
        self._known[digest] = known
        return known.caller

    def _read(self, said: JsonObject, status: int, *, believed_until: float) -> _Known | None:
        """None for a token that is not good, or not good for us. Raises Unavailable for an answer that is none."""
        if status == HTTPStatus.BAD_REQUEST:
            if said.get("error") == "unsupported_token_type":  # a JWT, to a server that introspects none
                return None
            raise self._server.unavailable(f"status {status}", outcome="refused")
        active = said.get("active")
        if not isinstance(active, bool):
            raise self._server.unavailable("`active` is neither true nor false")
        if not active:
            return None
        try:
            if self._audience is not None and not _names(said.get("aud"), self._audience):
                return None
            expires = expiry_of(said, now=self._clock())
            return _Known(caller_of(said, self._names), expires, believed_until)
        except InvalidToken:
            return None
        except ValueError:
            raise self._server.unavailable("a time that is none") from None


def _names(audience: object, wanted: str) -> bool:
    """`aud` is a string or an array of them (RFC 7519, section 4.1.3)."""
    return audience == wanted or (isinstance(audience, list) and wanted in audience)


def _basic(client_id: str, client_secret: str) -> str:
    """Both are form-encoded before they are joined (RFC 6749, section 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
