"""Query parameters: read by their schema, each at most once, with complaints in our words."""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Generic, TypeVar
from urllib.parse import parse_qsl, urlencode

import msgspec
from msgspec import Struct

from greenroom.kit.errors import ValidationFailed
from greenroom.kit.http.expectations import expectations_of, field_in
from greenroom.kit.wire import parse_custom

MOST_PARAMETERS = 100
CURSOR = "cursor"
OCTETS = "latin-1"  # a character for each octet: what the octets mean is asked of those parameters alone that are known

_PLAIN = re.compile(rb"(?:[\w.~-]+=[\w.~:-]*(?:&(?!$)|$))*", re.ASCII)  # what came unencoded goes back as it came
T = TypeVar("T", bound=Struct)


class QueryReader(Generic[T]):
    """Reads queries of one schema; a parameter that it does not name is ignored, as in a body."""

    def __init__(self, schema: type[T]) -> None:
        self._schema = schema
        self._expected = expectations_of(schema)

    def read(self, query: bytes) -> T:
        """The parameters as their schema. Raises ValidationFailed."""
        given: dict[str, str] = {}
        for name, value in _pairs_in(query):
            if name not in self._expected:
                continue
            if name in given:
                raise ValidationFailed(f"{name}: expected once.")
            given[name] = self._text(name, value)
        try:
            return msgspec.convert(given, self._schema, dec_hook=parse_custom)
        except msgspec.ValidationError as error:
            wrong = field_in(str(error))
            raise (ValidationFailed() if wrong is None else self._refusal(wrong)) from None

    def _text(self, name: str, value: str) -> str:
        try:
            text = value.encode(OCTETS).decode()
        except UnicodeDecodeError:
            raise self._refusal(name) from None
        if "\0" in text:
            raise self._refusal(name)
        return text

    def _refusal(self, name: str) -> ValidationFailed:
        return ValidationFailed(f"{name}: expected {self._expected[name]}.")


def next_links(path: str, query: bytes, cursor: str | None) -> list[tuple[bytes, bytes]]:
    """The Link header of the next page (RFC 8288, relation "next"): this request with another cursor. None on the last."""
    if cursor is None:
        return []
    if _PLAIN.fullmatch(query):
        kept = [pair for pair in query.decode().split("&") if pair and pair.partition("=")[0] != CURSOR]
        following = "&".join([*kept, f"{CURSOR}={cursor.replace('=', '%3D')}"])
    else:
        pairs = [(name, value) for name, value in _pairs_in(query) if name != CURSOR]
        following = urlencode([*pairs, (CURSOR, cursor)], encoding=OCTETS)
    return [(b"link", f'<{path}?{following}>; rel="next"'.encode())]


def _pairs_in(query: bytes) -> Sequence[tuple[str, str]]:
    """Every parameter; the cursor is not counted, for a link to the next page has one more than the request before it."""
    most = MOST_PARAMETERS + 1
    with suppress(ValueError):
        pairs = parse_qsl(query.decode(OCTETS), keep_blank_values=True, encoding=OCTETS, max_num_fields=most)
        if sum(name != CURSOR for name, _ in pairs) <= MOST_PARAMETERS:
            return pairs
    raise ValidationFailed(f"The query: expected at most {MOST_PARAMETERS} parameters.")
