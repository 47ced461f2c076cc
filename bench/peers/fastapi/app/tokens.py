"""Bearer tokens: HS256, checked once and then known until they expire."""

import base64
import binascii
import hmac
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from app.errors import insufficient_scope, invalid_token, unauthenticated
from app.settings import settings

KNOWN_TOKENS = 20_000

_CONTAINS = {
    "manage:live": {"read:live", "write:live"},
    "admin:live": {"read:live", "write:live", "manage:live"},
    "admin:*": {"read:live", "write:live", "manage:live", "admin:live"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The holder of a good token."""

    user: str
    client: str
    brand: str
    scopes: frozenset[str]
    expires: int

    @property
    def manages(self) -> bool:
        """May change any session of the brand."""
        return "manage:live" in self.scopes

    def require(self, scope: str) -> None:
        """Raises Refusal for a caller without the scope."""
        if scope not in self.scopes:
            raise insufficient_scope(scope)


_known: OrderedDict[str, Caller] = OrderedDict()  # a dict finds its first key by passing all those that are gone


def caller_of(authorization: str | None) -> Caller:
    """Who the header names. Raises Refusal."""
    if authorization is None:
        raise unauthenticated()
    caller = _known.get(authorization)
    if caller is None:
        caller = _check(authorization)
        if len(_known) >= KNOWN_TOKENS:
            _known.popitem(last=False)
        _known[authorization] = caller
    elif caller.expires <= time.time():
        del _known[authorization]
        raise invalid_token()
    return caller


def _check(authorization: str) -> Caller:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise unauthenticated()
    try:
        claims = _claims_of(token.strip())
        if claims["exp"] <= time.time():
            raise invalid_token()
        return Caller(
            user=claims["sub"],
            client=claims["client_id"],
            brand=claims["brand"],
            scopes=_granted(claims["scope"]),
            expires=claims["exp"],
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise invalid_token() from None


def _claims_of(token: str) -> dict[str, Any]:
    """By the standard library's HMAC: PyJWT takes ten times as long. Raises ValueError, KeyError, TypeError."""
    signed, _, signature = token.rpartition(".")
    head, _, claims = signed.partition(".")
    mac = hmac.digest(settings.token_key, signed.encode("ascii"), "sha256")
    if _algorithm(head) != "HS256" or not hmac.compare_digest(mac, _decoded(signature)):
        raise ValueError(token)
    return dict(orjson.loads(_decoded(claims)))


@lru_cache(maxsize=256)
def _algorithm(head: str) -> str:
    """All tokens of one key begin alike."""
    return str(orjson.loads(_decoded(head))["alg"])


@lru_cache(maxsize=256)
def _granted(scope: str) -> frozenset[str]:
    named = scope.split()
    return frozenset(named).union(*(_CONTAINS.get(one, ()) for one in named))


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(f"{part}{'=' * (-len(part) % 4)}")
    except binascii.Error:
        raise ValueError(part) from None
