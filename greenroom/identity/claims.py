"""From what a token says to who is calling: which claim is the user, the client, the brand, the scopes."""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from greenroom.identity.caller import Caller
from greenroom.identity.scopes import granted_by
from greenroom.kit.errors import InvalidToken
from greenroom.kit.ids import BrandId, ClientId, UserId
from greenroom.kit.wire import EmailAddress

NAME_CHARACTERS = 200
LEEWAY_SECONDS = 10.0  # by which a server's clock may be ahead of ours; a token that has expired has expired

UNVERIFIED: Final = (False, "false")  # as some servers write it
VERIFIED: Final = (True, "true")

_ABSENT: Final = object()
_ZONE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+_-]{0,30}(?:/[A-Za-z0-9][A-Za-z0-9+_-]{0,30}){0,2}")


class ClaimNames(Struct, frozen=True, kw_only=True):
    """Where a server writes what Greenroom wants to know: a claim's own name, or a path with dots into objects."""

    user: str = "sub"
    clients: tuple[str, ...] = ("client_id", "azp")  # the first that is there
    brand: str = "brand"
    scopes: tuple[str, ...] = ("scope",)  # all that are there
    email: str = "email"
    zone: str = "zoneinfo"


def caller_of(claims: Mapping[str, Any], names: ClaimNames) -> Caller:
    """Who the claims speak for. Raises InvalidToken.

    A token with no user is its client's own (client credentials: RFC 9068, section 2.2). One that is bound to a key is
    refused: as a bearer token it lacks the proof that it was bound for (RFC 7800, section 3.1).
    """
    if claims.get("cnf") is not None:
        raise InvalidToken
    client = _name(next((found for name in names.clients if (found := _claim(claims, name)) is not _ABSENT), None))
    user, brand = _claim(claims, names.user), _claim(claims, names.brand)
    return Caller(
        user=UserId(client if user is _ABSENT else _name(user)),
        client=ClientId(client),
        brand=None if brand is _ABSENT else BrandId(_name(brand)),
        scopes=granted_by(scope for name in names.scopes for scope in _scopes(_claim(claims, name))),
        email=None if claims.get("email_verified") in UNVERIFIED else usable_email(_claim(claims, names.email)),
        time_zone=usable_zone(_claim(claims, names.zone)),
    )


def names_a_person(claims: Mapping[str, Any], names: ClaimNames) -> bool:
    """Whether the claims say which user it is; else `caller_of` takes them for the client's own."""
    return _claim(claims, names.user) is not _ABSENT


def is_verified(claims: Mapping[str, Any]) -> bool:
    """Whether the server says that the e-mail address is the user's (OpenID Connect Core 1.0, section 5.1)."""
    return claims.get("email_verified") in VERIFIED


def usable_email(value: object) -> str | None:
    """The address; None for what is none, which is no reason to keep its holder out."""
    try:
        return str(EmailAddress.parse(value))
    except ValueError:
        return None


def usable_zone(value: object) -> str | None:
    """The name of a time zone, which may be one that nobody knows; None for what can be none."""
    return value if isinstance(value, str) and _ZONE.fullmatch(value) else None


def expiry_of(claims: Mapping[str, Any], *, now: float) -> float:
    """When the token expires, in seconds since 1970; infinity when it does not say (RFC 7519, section 4.1).

    Raises InvalidToken when it has expired, is not valid yet, or was issued in the future; ValueError for a time that is none.
    """
    for claim in ("nbf", "iat"):
        begins = _instant(claims.get(claim))
        if begins is not None and begins > now + LEEWAY_SECONDS:
            raise InvalidToken
    expires = _instant(claims.get("exp"))
    if expires is None:
        return math.inf
    if expires <= now:
        raise InvalidToken
    return expires


def _instant(value: object) -> float | None:
    """A NumericDate (RFC 7519, section 2). Raises ValueError."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError
    return float(value)


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """The claim of this very name, which may have dots in it; else what the dots lead to. Null is as good as absent."""
    found: Any = claims.get(name)
    if found is None and "." in name:
        found = claims
        for step in name.split("."):
            found = found.get(step) if isinstance(found, dict) else None
    return _ABSENT if found is None else found


def _name(value: object) -> str:
    """What a name must be for the database and the log to hold it. Raises InvalidToken."""
    if not isinstance(value, str) or not 1 <= len(value) <= NAME_CHARACTERS or not value.isprintable():
        raise InvalidToken
    return value


def _scopes(value: object) -> list[str]:
    """A list separated by spaces (RFC 6749, section 3.3), or an array of scopes. Raises InvalidToken."""
    if value is _ABSENT:
        return []
    if isinstance(value, str):
        return value.split(" ")
    if isinstance(value, list) and all(isinstance(scope, str) for scope in value):
        return value
    raise InvalidToken
