"""The cookies of the pages."""

from typing import Final

from starlette.requests import cookie_parser

from greenroom.identity.sign_in import SIGNED_IN_FOR
from greenroom.kit.http.request import ApiRequest

SIGNED_IN: Final = "greenroom"
ZONE: Final = "greenroom_zone"  # the browser's own time zone, written by its script
TRIP: Final = "greenroom_trip"  # what is remembered while somebody signs in at an identity provider
HOST_ONLY: Final = "__Host-"  # browsers take it only for this host, over TLS (RFC 6265bis, section 4.1.3.2)


def cookie_of(request: ApiRequest, name: str) -> str | None:
    """A cookie's value."""
    lines = request.list_header(b"cookie")
    return None if lines is None else cookie_parser(lines.replace(", ", "; ")).get(name)


def token_in(request: ApiRequest) -> str | None:
    """The token of who is signed in."""
    return cookie_of(request, _named(request, SIGNED_IN))


def trip_in(request: ApiRequest) -> str | None:
    """What a browser took along to the identity provider."""
    return cookie_of(request, _named(request, TRIP))


def signed_in(request: ApiRequest, token: str) -> tuple[bytes, bytes]:
    """The header that keeps somebody signed in."""
    return _set(request, token, seconds=int(SIGNED_IN_FOR.total_seconds()))


def signed_out(request: ApiRequest) -> tuple[bytes, bytes]:
    """The header that keeps nobody."""
    return _set(request, "", seconds=0)


def trip(request: ApiRequest, kept: str, *, seconds: int) -> tuple[bytes, bytes]:
    """The header that remembers, or forgets, what a browser took along to the identity provider."""
    return _line(request, _named(request, TRIP), kept, seconds=seconds)


def _set(request: ApiRequest, value: str, *, seconds: int) -> tuple[bytes, bytes]:
    return _line(request, _named(request, SIGNED_IN), value, seconds=seconds)


def _line(request: ApiRequest, name: str, value: str, *, seconds: int) -> tuple[bytes, bytes]:
    secure = "; Secure" if _is_secure(request) else ""
    return b"set-cookie", f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}".encode()


def _named(request: ApiRequest, name: str) -> str:
    return f"{HOST_ONLY}{name}" if _is_secure(request) else name


def _is_secure(request: ApiRequest) -> bool:
    return request.address.startswith("https:")
