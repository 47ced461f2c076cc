"""Types of the wire that msgspec does not know."""

import re
from datetime import UTC, datetime
from typing import Any, ClassVar, Self

# Section 5.6, without leap seconds; `fromisoformat` alone takes more than the standard does.
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,30})?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])",
    re.IGNORECASE,
)


class PositiveInteger(int):
    """A JSON number with a whole value from 1 to 2147483647: `5.0` is the integer 5."""

    LARGEST = 2**31 - 1
    SCHEMA: ClassVar[dict[str, Any]] = {"type": "integer", "exclusiveMinimum": 0, "maximum": LARGEST}

    @classmethod
    def parse(cls, value: object) -> Self:
        """The number. Raises ValueError."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= cls.LARGEST:
            raise ValueError
        if value != int(value):
            raise ValueError
        return cls(value)


class Instant(datetime):
    """An RFC 3339 date and time with an offset, in UTC and cut to milliseconds."""

    SCHEMA: ClassVar[dict[str, Any]] = {"type": "string", "format": "date-time"}

    @classmethod
    def parse(cls, value: object) -> Self:
        """The instant. Raises ValueError, also where UTC puts it outside the years 1 to 9999."""
        if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
            raise ValueError
        try:
            in_utc = cls.fromisoformat(value.upper()).astimezone(UTC)
        except OverflowError:
            raise ValueError from None
        return in_utc.replace(microsecond=in_utc.microsecond // 1000 * 1000)


def parse_custom(kind: type, value: object) -> object:
    """The value as a type that msgspec does not know. Raises ValueError, NotImplementedError."""
    if issubclass(kind, PositiveInteger | Instant):
        return kind.parse(value)
    raise NotImplementedError(kind)


def schema_of(kind: type) -> dict[str, Any]:
    """The JSON Schema of a type that msgspec does not know. Raises NotImplementedError."""
    if issubclass(kind, PositiveInteger | Instant):
        return kind.SCHEMA
    raise NotImplementedError(kind)
