"""Queries: read by a schema, refused by the parameter's name, without what was sent; and the link to the next page."""

from contextlib import suppress
from typing import Annotated, Literal
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Meta, Struct, UnsetType

from greenroom.kit.errors import ValidationFailed
from greenroom.kit.http.query import MOST_PARAMETERS, QueryReader, next_links
from greenroom.kit.wire import Month, PageLimit

SENTINEL = "sentinel-7f3a9c"


class Wanted(Struct, frozen=True, kw_only=True):
    """A schema of every kind of parameter."""

    name: Annotated[str, Meta(min_length=1, max_length=5, description="a name of 1 to 5 characters")] | UnsetType = UNSET
    kind: Annotated[Literal["live", "other"], Meta(description="live or other")] | UnsetType = UNSET
    month: Annotated[Month, Meta(description="a month")] | UnsetType = UNSET
    limit: Annotated[PageLimit, Meta(description="a number")] | UnsetType = UNSET
    cursor: Annotated[str, Meta(description="a cursor")] | UnsetType = UNSET


READER = QueryReader(Wanted)


def refusal(query: str) -> str:
    with pytest.raises(ValidationFailed) as refused:
        READER.read(query.encode())
    assert SENTINEL not in refused.value.text
    return refused.value.text


def test_a_query_is_read_by_its_schema() -> None:
    read = READER.read(b"name=Ann&kind=live&month=2031-05&limit=7&cursor=a.b&unknown=1")
    assert read == Wanted(name="Ann", kind="live", month=Month("2031-05"), limit=PageLimit(7), cursor="a.b")


@pytest.mark.parametrize(
    "query", [b"", b"&", b"&&&", b"=", b"=&=", b"unknown", b"unknown=%FF&%FF=1&%00=%00", b"Name=", b"name%00="]
)
def test_what_is_absent_is_unset_and_what_is_unknown_ignored(query: bytes) -> None:
    assert READER.read(query) == Wanted()


@pytest.mark.parametrize(("query", "name"), [
    ("name=a+b", "a b"), ("name=a%20b", "a b"), ("name=a%2Bb", "a+b"), ("name=%C3%A9", "é"), ("n%61me=x", "x"),
    ("name=a=b", "a=b"),
    ("name=%F0%9F%98%80", "\U0001f600"), ("name=100%", "100%"), ("name=%zz", "%zz"), ("name=a;b", "a;b"), ("name=%2526", "%26"),
])  # fmt: skip
def test_a_value_is_decoded_once_as_a_form_is(query: str, name: str) -> None:
    assert READER.read(query.encode()).name == name


@pytest.mark.parametrize(("query", "message"), [
    ("name=", "name: expected a name of 1 to 5 characters."),
    ("name", "name: expected a name of 1 to 5 characters."),
    (f"name={SENTINEL}", "name: expected a name of 1 to 5 characters."),
    ("name=a%00", "name: expected a name of 1 to 5 characters."),
    ("name=%FF", "name: expected a name of 1 to 5 characters."),
    ("name=%ED%A0%80", "name: expected a name of 1 to 5 characters."),
    (f"kind={SENTINEL}", "kind: expected live or other."),
    ("month=2031-13", "month: expected a month."),
    ("limit=0", "limit: expected a number."),
    ("cursor=%00", "cursor: expected a cursor."),
    (f"kind=live&kind={SENTINEL}", "kind: expected once."),
    ("limit=1&l%69mit=1", "limit: expected once."),
])  # fmt: skip
def test_a_bad_parameter_is_told_by_its_name_and_what_was_expected(query: str, message: str) -> None:
    assert refusal(query) == message


@pytest.mark.parametrize(
    "forged", [" - at `$.month", " - at `$.month`", "' - at `$.nothing", "\n - at `$.month`", "`$", "$.x`"]
)
@pytest.mark.parametrize("name", ["kind", "month", "limit", "name"])
def test_no_value_passes_for_the_name_of_another_parameter(name: str, forged: str) -> None:
    assert refusal(f"{name}={quote('a name too long' + forged)}").startswith(f"{name}: expected ")


def test_a_query_has_at_most_100_parameters_beside_the_cursor() -> None:
    most = "&".join(f"x{number}=" for number in range(MOST_PARAMETERS))
    assert READER.read(f"{most}&cursor=c".encode()).cursor == "c"
    for more in ("&y=", "&name=Ann&cursor=c", "&" * 10_000):
        assert refusal(most + more) == "The query: expected at most 100 parameters."


@given(st.binary(max_size=200))
def test_no_octets_break_it(query: bytes) -> None:
    with suppress(ValidationFailed):
        assert isinstance(READER.read(query), Wanted)


parameters = st.lists(st.tuples(st.sampled_from(["name", "kind", "limit", "cursor", "x"]) | st.text(), st.text()), max_size=6)


@given(parameters)
def test_any_parameters_are_read_or_refused_by_name(sent: list[tuple[str, str]]) -> None:
    names = [name for name, _ in sent]
    told, read = told_of(sent)
    texts = {name: value for name, value in sent if name in {"name", "kind", "cursor"}}
    assert told in names if read is None else {name: getattr(read, name) for name in texts} == texts


def told_of(sent: list[tuple[str, str]]) -> tuple[str, Wanted | None]:
    """The name that the refusal begins with, or what was read."""
    try:
        return "", READER.read(urlencode(sent).encode())
    except ValidationFailed as refused:
        return refused.text.split(":")[0], None


def test_the_last_page_has_no_link() -> None:
    assert next_links("/v1/things", b"limit=1", None) == []


@pytest.mark.parametrize(("query", "target"), [
    (b"", "/v1/things?cursor=c.d"),
    (b"limit=5", "/v1/things?limit=5&cursor=c.d"),
    (b"cursor=a.b&limit=5", "/v1/things?limit=5&cursor=c.d"),
    (b"x=a+b&y=a%2Bb&z=%C3%A9", "/v1/things?x=a+b&y=a%2Bb&z=%C3%A9&cursor=c.d"),
    (b"x=%FF&x=%00&x", "/v1/things?x=%FF&x=%00&x=&cursor=c.d"),
    (b'x=>;rel="prev"', "/v1/things?x=%3E%3Brel%3D%22prev%22&cursor=c.d"),
    (b"x=%0D%0ASet-Cookie:%20a", "/v1/things?x=%0D%0ASet-Cookie%3A+a&cursor=c.d"),
])  # fmt: skip
def test_the_link_is_the_request_with_another_cursor(query: bytes, target: str) -> None:
    assert next_links("/v1/things", query, "c.d") == [(b"link", f'<{target}>; rel="next"'.encode())]


@given(parameters)
def test_a_link_keeps_every_parameter_and_names_one_cursor(sent: list[tuple[str, str]]) -> None:
    ((_, value),) = next_links("/v1/things", urlencode(sent).encode(), "c.d")
    assert value.startswith(b"</v1/things?")
    assert value.endswith(b'>; rel="next"')
    assert set(value) <= set(range(0x20, 0x7F))
    query = value.removeprefix(b"</v1/things?").removesuffix(b'>; rel="next"').decode()
    assert set(query) & set('<>;", ') == set()
    kept = [(name, text) for name, text in sent if name != "cursor"]
    assert parse_qsl(query, keep_blank_values=True, errors="strict") == [*kept, ("cursor", "c.d")]


@given(st.binary(max_size=100))
def test_the_link_of_any_octets_is_of_visible_ascii(query: bytes) -> None:
    ((_, value),) = next_links("/v1/things", query, "c.d")
    assert set(value) <= set(range(0x20, 0x7F))
