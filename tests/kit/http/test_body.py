"""Bodies: read by a schema, refused in our words, by the field's name, without what was sent."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Meta, Struct, UnsetType

from greenroom.kit.errors import UnsupportedMediaType, ValidationFailed
from greenroom.kit.http.body import JSON, MERGE_PATCH, BodyReader
from greenroom.kit.wire import Instant, PositiveInteger

SENTINEL = "sentinel-7f3a9c"


class Booking(Struct, frozen=True, kw_only=True):
    """A schema of every kind of field."""

    name: Annotated[str, Meta(min_length=1, max_length=5, description="a name of 1 to 5 characters")]
    seats: Annotated[PositiveInteger, Meta(description="a number of seats")]
    at: Annotated[Instant, Meta(description="a time")] | UnsetType = UNSET
    note: Annotated[msgspec.Raw, Meta(description="an object")] | UnsetType = UNSET


READER = BodyReader(Booking)
FIELDS = ("name", "seats", "at", "note")


def read(text: str, *, media_type: str = JSON) -> Booking:
    return READER.read(text.encode("utf-8", "surrogatepass"), media_type=media_type)


def refusal(text: str) -> str:
    with pytest.raises(ValidationFailed) as refused:
        read(text)
    assert SENTINEL not in refused.value.text
    return refused.value.text


def test_a_body_is_read_by_its_schema() -> None:
    booking = read('{"name":"Ann","seats":2.0,"at":"2027-03-01T17:00:00+01:00","note":{"n":1.10},"unknown":[{}]}')
    assert (booking.name, booking.seats, bytes(booking.note)) == ("Ann", 2, b'{"n":1.10}')  # type: ignore[arg-type]
    assert booking.at == datetime(2027, 3, 1, 16, tzinfo=UTC)


def test_what_is_absent_is_unset() -> None:
    booking = read('{"name":"Ann","seats":2}')
    assert (booking.at, booking.note) == (UNSET, UNSET)


@pytest.mark.parametrize("media_type", ["", "text/plain", MERGE_PATCH])
def test_a_type_that_the_operation_does_not_take_is_refused(media_type: str) -> None:
    with pytest.raises(UnsupportedMediaType, match=r"^Content-Type: expected application/json\.$"):
        read("{}", media_type=media_type)


def test_an_operation_may_take_several_types() -> None:
    reader = BodyReader(Booking, accepts=(JSON, MERGE_PATCH))
    assert reader.read(b'{"name":"Ann","seats":2}', media_type=MERGE_PATCH).name == "Ann"


@pytest.mark.parametrize(("fields", "message"), [
    (f'"name":"{SENTINEL}","seats":2', "name: expected a name of 1 to 5 characters."),
    ('"name":"","seats":2', "name: expected a name of 1 to 5 characters."),
    ('"name":null,"seats":2', "name: expected a name of 1 to 5 characters."),
    ('"name":"a\\u0000","seats":2', "name: expected a name of 1 to 5 characters."),
    (f'"name":"Ann","seats":"{SENTINEL}"', "seats: expected a number of seats."),
    ('"name":"Ann","seats":1e999', "seats: expected a number of seats."),
    ('"name":"Ann","seats":2,"at":"9999-12-31T23:59:00-14:00"', "at: expected a time."),
    ('"name":"Ann","seats":2,"at":null', "at: expected a time."),
    ('"name":"Ann"', "seats is required: expected a number of seats."),
    ('"seats":2', "name is required: expected a name of 1 to 5 characters."),
])  # fmt: skip
def test_a_bad_field_is_told_by_its_name_and_what_was_expected(fields: str, message: str) -> None:
    assert refusal(f"{{{fields}}}") == message


@pytest.mark.parametrize("body", ["", "[]", "null", "5", f'"{SENTINEL}"', f"{SENTINEL}", "{", '{"name":"Ann",'])
def test_what_is_no_object_is_told_as_the_body(body: str) -> None:
    assert "body" in refusal(body)


@pytest.mark.parametrize("body", [b"\xff", b'\xff{"name":"x","seats":2}', b"\xef\xbb\xbf{}", '{"name":"Ann"}'.encode("utf-16")])
def test_what_is_not_utf_8_is_told_as_the_body(body: bytes) -> None:
    with pytest.raises(ValidationFailed, match="body"):
        READER.decode(body)


@pytest.mark.parametrize("text", [b"\xff", b"\xed\xa0\x80", b"\\ud800", b"\\udc00x"])
def test_text_that_is_no_unicode_is_told_by_the_fields_name(text: bytes) -> None:
    with pytest.raises(ValidationFailed, match=r"^name: expected"):
        READER.decode(b'{"seats":2,"name":"' + text + b'"}')


@pytest.mark.parametrize("levels", [1_000, 10_000])
def test_depth_breaks_nothing(levels: int) -> None:
    deep = "[" * levels + "]" * levels
    for body in (deep, f'{{"name":{deep}}}', f'{{"name":"Ann","seats":2,"unknown":{deep}}}'):
        with suppress(ValidationFailed):  # either is right, and nothing else
            read(body)


@given(st.binary(max_size=300))
def test_no_octets_break_it(body: bytes) -> None:
    with suppress(ValidationFailed):
        assert isinstance(READER.decode(body), Booking)


@given(st.dictionaries(
    st.sampled_from([*FIELDS, "unknown"]),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.integers(), max_size=2),
))  # fmt: skip
def test_no_values_break_it(body: dict[str, Any]) -> None:
    try:
        booking = READER.decode(msgspec.json.encode(body))
    except (ValidationFailed, UnicodeEncodeError):
        return
    assert 1 <= len(booking.name) <= 5
    assert 1 <= booking.seats < 1 << 31


@given(st.integers() | st.floats())
def test_a_positive_integer_is_a_whole_number_in_its_bounds(value: float) -> None:
    whole = value == value and abs(value) != float("inf") and value == int(value)  # noqa: PLR0124  # NaN differs from itself
    try:
        parsed = PositiveInteger.parse(value)
    except (ValueError, OverflowError):
        assert not (whole and 1 <= value <= 2**31 - 1)
    else:
        assert parsed == value
        assert type(int(parsed)) is int


@given(st.datetimes(timezones=st.timezones(no_cache=True) | st.just(UTC)))
def test_an_instant_is_in_utc_and_cut_to_milliseconds(instant: datetime) -> None:
    try:
        expected = instant.astimezone(UTC)
    except OverflowError:
        return
    if (instant.utcoffset() or expected.utcoffset()).seconds % 60:  # type: ignore[union-attr]  # an offset of old, no RFC 3339
        return
    parsed = Instant.parse(instant.isoformat())
    assert parsed == expected.replace(microsecond=expected.microsecond // 1000 * 1000)
    assert parsed.utcoffset() == UTC.utcoffset(None)


@given(st.text(alphabet="0123456789-:.TZtz+ ", max_size=40))
def test_no_text_breaks_an_instant(text: str) -> None:
    try:
        parsed = Instant.parse(text)
    except (ValueError, OverflowError):
        return
    assert parsed.tzinfo is UTC
