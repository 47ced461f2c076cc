"""Moments as providers write them: RFC 3339, or counted from 1970 in seconds, milliseconds or nanoseconds."""

from datetime import UTC, datetime, timedelta

import msgspec

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def of_wire(value: object) -> datetime | None:
    """GetStream's: a text by RFC 3339, or nanoseconds, which may be a text too. None for what is neither."""
    if isinstance(value, str) and not value.isdecimal():
        try:
            told = msgspec.convert(value, datetime)
            return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
        except (msgspec.ValidationError, OverflowError):
            return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return of_nanoseconds(int(value))
    except (ValueError, OverflowError):  # no number, such as infinity, or thousands of digits
        return None


def of_nanoseconds(count: int) -> datetime | None:
    """None for 0, which is how a field that is not set reads, and for what no calendar holds."""
    return _after_1970(microseconds=count // 1000)


def of_milliseconds(count: int) -> datetime | None:
    """As of_nanoseconds."""
    return _after_1970(microseconds=count * 1000)


def of_seconds(count: int) -> datetime | None:
    """As of_nanoseconds."""
    return _after_1970(microseconds=count * 1_000_000)


def _after_1970(*, microseconds: int) -> datetime | None:
    if microseconds <= 0:
        return None
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return None
