"""Style sheets, modules and pictures: read and compressed once, served for ever under the name of their version."""

import gzip
import hashlib
import re
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Final

from msgspec import Struct

from greenroom.kit.errors import NotFound
from greenroom.kit.http.answer import Answer, Headers, length_of
from greenroom.kit.http.request import ApiRequest
from greenroom.kit.http.routing import page

DIRECTORY: Final = Path(__file__).with_name("static")
PATH: Final = "/static"
TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FOR_EVER: Final = (b"cache-control", b"public, max-age=31536000, immutable")
ASK_AGAIN: Final = (b"cache-control", b"public, no-cache")
HEADERS: Final[Headers] = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),  # of a picture that is opened by itself
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"vary", b"accept-encoding"),
]
GZIP: Final = re.compile(r"\s*(?:x-)?gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).+)?", re.IGNORECASE)  # q=0: not that (RFC 9110, 12.5.3)


class Assets(Struct, frozen=True):
    """What there is, by name, the same as gzip, and a name for this state of all of it."""

    octets: dict[str, bytes]
    packed: dict[str, bytes]
    version: str


@cache
def assets() -> Assets:
    """Everything in the directory."""
    octets = {one.name: one.read_bytes() for one in sorted(DIRECTORY.iterdir()) if one.suffix in TYPES}
    state = hashlib.sha256()
    for name, body in octets.items():
        state.update(b"%d %b %d %b" % (len(name), name.encode(), len(body), body))
    return Assets(octets, {name: gzip.compress(body, mtime=0) for name, body in octets.items()}, state.hexdigest()[:12])


def asset(name: str) -> str:
    """Where a page finds it. Modules import each other by relative paths, and so of the same version."""
    there = assets()
    if name not in there.octets:
        raise AssertionError(f"there is no {name}")
    return f"{PATH}/{there.version}/{name}"


@page(PATH + "/{version}/{name}")
async def static(request: ApiRequest, version: str, name: str) -> Answer:
    """One of them, as gzip for who takes it.

    A page of another release gets what there is now, and is not told to keep it. Raises NotFound.
    """
    there = assets()
    if name not in there.octets:
        raise NotFound
    kept = FOR_EVER if version == there.version else ASK_AGAIN
    headers = [(b"content-type", TYPES[Path(name).suffix].encode()), kept, *HEADERS]
    if any(GZIP.fullmatch(one) for one in (request.list_header(b"accept-encoding") or "").split(",")):
        headers.append((b"content-encoding", b"gzip"))
        body = there.packed[name]
    else:
        body = there.octets[name]
    return Answer(body, status=HTTPStatus.OK, headers=[*headers, length_of(body)])


ROUTES = [static]
