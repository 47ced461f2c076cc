"""HTTP of recordings: the file, for who holds an address that we have signed. Ranges by RFC 9110, section 14."""

import re
import time
from http import HTTPStatus
from typing import Final, cast

from msgspec import Struct

from greenroom.kit.errors import Forbidden, NotFound
from greenroom.kit.http.answer import Answer, Headers, StreamedAnswer, bare_answer
from greenroom.kit.http.entity_tag import held_in
from greenroom.kit.http.request import ApiRequest
from greenroom.kit.http.routing import page
from greenroom.kit.recording_links import ENDING, PATH, Links
from greenroom.recordings.service import Recordings, file_name
from greenroom.recordings.store import Stored

_RANGE: Final = re.compile(r"bytes=(?:([0-9]{1,15})-([0-9]{1,15})?|-([0-9]{1,15}))", re.ASCII)
_QUERY: Final = re.compile(rb"expires=([0-9]{1,12})&signature=([A-Za-z0-9_-]{1,128})(&download(?:=[^&]*)?)?")

HEADERS: Final[Headers] = [
    (b"content-type", b"video/webm"),
    (b"accept-ranges", b"bytes"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; media-src 'self'; style-src 'unsafe-inline'"),  # opened by itself
    (b"cross-origin-resource-policy", b"cross-origin"),  # whoever holds the address may show it in a page of their own
    (b"cache-control", b"private, no-cache"),
]


class Span(Struct, frozen=True):
    """The octets from `begin` until before `end`."""

    begin: int
    end: int


@page(PATH + "{name}")
async def watch(request: ApiRequest, name: str) -> Answer:
    """The recording, or the part of it that is asked for. Raises Forbidden, NotFound, Unavailable."""
    recording = name.removesuffix(ENDING)
    is_download = _refuse_unless_signed(request, recording)
    there = cast("Recordings", request.scope["state"]["recordings"])
    stored = await there.store.look(file_name(recording))
    if stored is None:
        raise NotFound("This recording is there no longer.")
    headers = [*HEADERS, (b"etag", stored.tag.encode())]
    if is_download:
        headers.append((b"content-disposition", b'attachment; filename="recording.webm"'))
    if held_in(request.list_header(b"if-none-match")).includes(stored.tag):
        return bare_answer(HTTPStatus.NOT_MODIFIED, headers)
    asked = span_in(request, stored)
    if asked is not None and asked.begin >= asked.end:
        length = (b"content-length", b"0")
        return bare_answer(416, [*headers, length, (b"content-range", b"bytes */%d" % stored.octets)])
    span = asked or Span(0, stored.octets)
    headers.append((b"content-length", b"%d" % (span.end - span.begin)))
    if asked is not None:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (span.begin, span.end - 1, stored.octets)))
    status = HTTPStatus.OK if asked is None else HTTPStatus.PARTIAL_CONTENT
    if request.scope.get("is_head"):
        return bare_answer(status, headers)
    octets = there.store.octets_of(file_name(recording), span.begin, span.end)
    return StreamedAnswer(octets, status=status, headers=headers)


def span_in(request: ApiRequest, stored: Stored) -> Span | None:
    """What is asked for; None for all of it, and an empty span where nothing is. Several ranges at once are not taken.

    A range is of the file that the client has a part of, where it says of which (If-Range, section 13.1.5).
    """
    known = _RANGE.fullmatch((request.header(b"range") or "").replace(" ", ""))
    if known is None or request.header(b"if-range") not in {None, stored.tag}:
        return None
    first, last, suffix = known.groups()
    if suffix is not None:
        return Span(max(0, stored.octets - int(suffix)), stored.octets if int(suffix) else 0)
    if last is not None and int(last) < int(first):
        return None
    return Span(int(first), stored.octets if last is None else min(int(last) + 1, stored.octets))


def _refuse_unless_signed(request: ApiRequest, recording: str) -> bool:
    """Whether it is to be saved rather than shown. Raises Forbidden."""
    said = _QUERY.fullmatch(request.query)
    links = cast("Links", request.scope["state"]["recording_links"])
    if said is None or not links.are_ours(recording, until=int(said[1]), signature=said[2].decode()):
        raise Forbidden("This address is not one that Greenroom has signed.")
    if time.time() >= int(said[1]):
        raise Forbidden("This address has expired; open the session's page again.")
    return said[3] is not None


ROUTES = [watch]
