"""Bearer tokens: HS256, checked once and then known until they expire."""

import time
from dataclasses import dataclass

import jwt

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


_known: dict[str, Caller] = {}


def caller_of(authorization: str | None) -> Caller:
    """Who the header names. Raises Refusal."""
    if authorization is None:
        raise unauthenticated()
    caller = _known.get(authorization)
    if caller is None:
        caller = _check(authorization)
        if len(_known) >= KNOWN_TOKENS:
            del _known[next(iter(_known))]
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
        claims = jwt.decode(token.strip(), settings.token_key, algorithms=["HS256"], options={"require": ["exp", "sub"]})
        named = claims["scope"].split()
        return Caller(
            user=claims["sub"],
            client=claims["client_id"],
            brand=claims["brand"],
            scopes=frozenset(named).union(*(_CONTAINS.get(scope, ()) for scope in named)),
            expires=claims["exp"],
        )
    except (jwt.InvalidTokenError, KeyError, AttributeError):
        raise invalid_token() from None
