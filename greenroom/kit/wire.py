"""Types of the wire that msgspec does not know."""

import re
from datetime import UTC, datetime
from typing import Any, ClassVar, Self, TypeVar

from msgspec import UnsetType

T = TypeVar("T")

# Section 5.6, without leap seconds; `fromisoformat` alone takes more than the standard does.
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,30})?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])",
    re.IGNORECASE,
)
_MONTH = re.compile(r"(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])")
_WEB_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?([/?#]([A-Za-z0-9._~:/?#@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?")
# RFC 5321, section 4.1.2, without quoted strings and address literals: what people can type, and mail can reach.
_EMAIL = re.compile(
    r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
)
_DIGITS = re.compile(r"[0-9]+")


class PositiveInteger(int):
    """A JSON number with a whole value from 1 to 2147483647: `5.0` is the integer 5."""

    LARGEST = 2**31 - 1
    SCHEMA: ClassVar[dict[str, Any]] = {"type": "integer", "exclusiveMinimum": 0, "maximum": LARGEST}

    @classmethod
    def parse(cls, value: object) -> Self:
        """The number. Raises ValueError."""
        return cls(_whole(value, smallest=1, largest=cls.LARGEST))


class Minutes(int):
    """A JSON number with a whole value from 0 to 10080, a week: `5.0` is the integer 5."""

    LARGEST = 7 * 24 * 60
    SCHEMA: ClassVar[dict[str, Any]] = {"type": "integer", "minimum": 0, "maximum": LARGEST}

    @classmethod
    def parse(cls, value: object) -> Self:
        """The number. Raises ValueError."""
        return cls(_whole(value, smallest=0, largest=cls.LARGEST))


class SmallNumber(int):
    """A JSON number with a whole value from 0 to 100: `5.0` is the integer 5."""

    LARGEST = 100
    SCHEMA: ClassVar[dict[str, Any]] = {"type": "integer", "minimum": 0, "maximum": LARGEST}

    @classmethod
    def parse(cls, value: object) -> Self:
        """The number. Raises ValueError."""
        return cls(_whole(value, smallest=0, largest=cls.LARGEST))


class Lifetime(int):
    """A JSON number with a whole value from 1 to 86400, the seconds of a day: `5.0` is the integer 5."""

    LARGEST = 24 * 60 * 60
    SCHEMA: ClassVar[dict[str, Any]] = {"type": "integer", "exclusiveMinimum": 0, "maximum": LARGEST}

    @classmethod
    def parse(cls, value: object) -> Self:
        """The number. Raises ValueError."""
        return cls(_whole(value, smallest=1, largest=cls.LARGEST))


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


class WebAddress(str):
    """An absolute URL of the web, in ASCII and without a user's name in it (RFC 3986; RFC 9110, section 4.2)."""

    __slots__ = ()
    CHARACTERS = 2000
    SCHEMA: ClassVar[dict[str, Any]] = {
        "type": "string",
        "format": "uri",
        "maxLength": CHARACTERS,
        "pattern": f"^{_WEB_ADDRESS.pattern}$",
    }

    @classmethod
    def parse(cls, value: object) -> Self:
        """The address. Raises ValueError."""
        if not isinstance(value, str) or len(value) > cls.CHARACTERS or not _WEB_ADDRESS.fullmatch(value):
            raise ValueError
        return cls(value)


def is_email_address(text: str) -> bool:
    """Whether mail can reach it: an address in ASCII, without a name."""
    if len(text) > EmailAddress.CHARACTERS or not _EMAIL.fullmatch(text):
        return False
    return text.index("@") <= EmailAddress.BEFORE_AT


class EmailAddress(str):
    """An e-mail address in ASCII, as given."""

    __slots__ = ()
    CHARACTERS = 254  # RFC 5321, section 4.5.3.1.3, as corrected
    BEFORE_AT = 64  # RFC 5321, section 4.5.3.1.1
    SCHEMA: ClassVar[dict[str, Any]] = {
        "type": "string",
        "format": "email",
        "maxLength": CHARACTERS,
        "pattern": f"^{_EMAIL.pattern}$",
    }

    @classmethod
    def parse(cls, value: object) -> Self:
        """The address. Raises ValueError."""
        if not isinstance(value, str) or not is_email_address(value):
            raise ValueError
        return cls(value)


class Month(str):
    """A month as `YYYY-MM`, in the years 1 to 9999 of UTC."""

    __slots__ = ()
    SCHEMA: ClassVar[dict[str, Any]] = {"type": "string", "pattern": "^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])$"}

    @classmethod
    def parse(cls, value: object) -> Self:
        """The month. Raises ValueError."""
        if not isinstance(value, str) or not _MONTH.fullmatch(value):
            raise ValueError
        return cls(value)

    @property
    def first(self) -> datetime:
        """Its first instant."""
        return datetime(int(self[:4]), int(self[5:]), 1, tzinfo=UTC)

    @property
    def after(self) -> datetime | None:
        """The first instant after it; None where the calendar ends with it."""
        months = int(self[:4]) * 12 + int(self[5:])
        return None if self == "9999-12" else datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


class PageLimit(int):
    """How many rows a page may have, as a query says it: from 1 on; above 100 it is 100."""

    USUAL = 20
    LARGEST = 100
    SCHEMA: ClassVar[dict[str, Any]] = {"type": "integer", "minimum": 1}

    @classmethod
    def parse(cls, value: object) -> Self:
        """The number. Raises ValueError."""
        if not isinstance(value, str) or not _DIGITS.fullmatch(value):
            raise ValueError
        significant = value.lstrip("0")
        if not significant:
            raise ValueError
        return cls(cls.LARGEST if len(significant) > len(str(cls.LARGEST)) else min(int(significant), cls.LARGEST))


CUSTOM = (PositiveInteger, Minutes, SmallNumber, Lifetime, Instant, WebAddress, EmailAddress, Month, PageLimit)


def sent(value: T | UnsetType) -> T | None:
    """The value of a field; None when it was not sent."""
    return None if isinstance(value, UnsetType) else value


def parse_custom(kind: type, value: object) -> object:
    """The value as a type that msgspec does not know. Raises ValueError, NotImplementedError."""
    if issubclass(kind, CUSTOM):
        return kind.parse(value)
    raise NotImplementedError(kind)


def schema_of(kind: type) -> dict[str, Any]:
    """The JSON Schema of a type that msgspec does not know. Raises NotImplementedError."""
    if issubclass(kind, CUSTOM):
        return kind.SCHEMA
    raise NotImplementedError(kind)


def _whole(value: object, *, smallest: int, largest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not smallest <= value <= largest:
        raise ValueError
    if value != int(value):
        raise ValueError
    return int(value)
