"""JWT access tokens (RFC 9068) of an identity server that publishes its keys. A token that was seen costs no signature."""

import hashlib
import time
from collections.abc import Callable, Collection
from typing import Any

import jwt
import msgspec
from jwt.utils import base64url_decode
from msgspec import Struct

from greenroom.identity.caller import Caller
from greenroom.identity.claims import ClaimNames, caller_of, expiry_of
from greenroom.identity.published_keys import PublishedKeys, VerifyingKey
from greenroom.identity.server import JsonObject
from greenroom.kit.errors import InvalidToken

CACHED_TOKENS = 20_000
SEGMENTS = 3  # of a signed JWT in its compact form (RFC 7515, section 3.1)
MEDIA_TYPE_PREFIX = "application/"

# The library's own clock is the machine's; times are looked at by ours, here and at every later sight of the token.
_VERIFIED: Any = {"require": ["iss", "aud", "exp"], "verify_exp": False, "verify_nbf": False, "verify_iat": False}


class _Claimed(Struct, frozen=True):
    iss: object = None


_decode_claimed = msgspec.json.Decoder(_Claimed).decode


class _Seen(Struct, frozen=True):
    key: VerifyingKey
    expires: float
    caller: Caller


class JwtTokens:
    """The TokenSource of one issuer's JWTs."""

    def __init__(
        self,
        keys: PublishedKeys,
        *,
        issuer: str,
        audience: str,
        types: Collection[str],
        names: ClaimNames,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._types = frozenset(_plain_type(kind) for kind in types)
        self._names = names
        self._clock = clock
        self._seen: dict[bytes, _Seen] = {}

    async def caller(self, token: str) -> Caller | None:
        """See TokenSource: what is no JWT, or names another issuer, is not ours."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        seen = self._seen.get(digest)
        if seen is not None:
            await self._keys.keep_fresh()
            if self._keys.holds(seen.key):
                if seen.expires <= self._clock():
                    raise InvalidToken
                return seen.caller
            del self._seen[digest]
        seen = await self._verified(token)
        if seen is None:
            return None
        if len(self._seen) >= CACHED_TOKENS:
            del self._seen[next(iter(self._seen))]
        self._seen[digest] = seen
        return seen.caller

    async def _verified(self, token: str) -> _Seen | None:
        """What the token says, after every check of RFC 9068, section 4. Raises InvalidToken, Unavailable."""
        if _claimed_issuer(token) != self._issuer:
            return None
        header = _header_of(token)
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or not self._is_access_token(header):
            raise InvalidToken
        key = await self._keys.find(kid=header.get("kid"), algorithm=algorithm)
        if key is None:
            raise InvalidToken
        claims = self._claims(token, key, algorithm)
        try:
            expires = expiry_of(claims, now=self._clock())
        except ValueError:
            raise InvalidToken from None
        return _Seen(key, expires, caller_of(claims, self._names))

    def _is_access_token(self, header: JsonObject) -> bool:
        """Its type is one that the operator accepts, and it asks for nothing that we would have to understand."""
        kind = header.get("typ")
        return isinstance(kind, str) and _plain_type(kind) in self._types and not header.keys() & {"crit", "b64"}

    def _claims(self, token: str, key: VerifyingKey, algorithm: str) -> JsonObject:
        """`algorithm` is one of the key's own."""
        try:
            return jwt.decode(
                token, key.public, algorithms=[algorithm], issuer=self._issuer, audience=self._audience, options=_VERIFIED
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            raise InvalidToken from None

    async def close(self) -> None:
        """Ask for no more keys."""
        await self._keys.close()


def _claimed_issuer(token: str) -> object:
    """Who the token says issued it, nothing of it being verified yet; None for what is no JWT."""
    parts = token.split(".")
    if len(parts) != SEGMENTS:
        return None
    try:
        return _decode_claimed(base64url_decode(parts[1])).iss
    except (ValueError, RecursionError):
        return None


def _header_of(token: str) -> JsonObject:
    """The header, by the rules for its parameters. Raises InvalidToken."""
    try:
        return jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, ValueError):
        raise InvalidToken from None


def _plain_type(kind: str) -> str:
    """`application/at+jwt` and `AT+JWT` are `at+jwt` (RFC 7515, section 4.1.9)."""
    return kind.lower().removeprefix(MEDIA_TYPE_PREFIX)
