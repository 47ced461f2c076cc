"""Cursors: what was sealed is opened, of the same list, by any key that is known; and nothing else is."""

import string
from base64 import urlsafe_b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.kit.errors import ValidationFailed
from greenroom.kit.pagination import Cursors

OLD, NEW = "an old key, long enough", "a new key, long enough"
CURSORS = Cursors([NEW])
REFUSAL = r"^cursor: expected the cursor of an answer to the same filters\.$"


def opened(cursor: str, *, of: str = "list", cursors: Cursors = CURSORS) -> bytes | None:
    """The position; None for a cursor that is refused."""
    try:
        return cursors.open(cursor, of=of)
    except ValidationFailed:
        return None


@given(position=st.binary(max_size=64), of=st.text(max_size=40))
def test_what_was_sealed_is_opened(position: bytes, of: str) -> None:
    assert opened(CURSORS.seal(position, of=of), of=of) == position


@given(position=st.binary(max_size=64), of=st.text(max_size=40))
def test_a_cursor_needs_no_escaping_in_a_query(position: bytes, of: str) -> None:
    assert set(CURSORS.seal(position, of=of)) <= set(string.ascii_letters + string.digits + "-_.=")


@given(st.binary(max_size=64), st.text(max_size=40), st.text(max_size=40))
def test_a_cursor_of_another_list_is_refused(position: bytes, one: str, other: str) -> None:
    assert (opened(CURSORS.seal(position, of=one), of=other) is not None) == (one == other)


@given(st.text(max_size=200))
def test_no_text_but_a_cursor_is_opened(text: str) -> None:
    assert opened(text) is None


@given(st.binary(min_size=24, max_size=24), st.integers(0, 100), st.characters())
def test_a_changed_cursor_is_refused_or_says_the_same(position: bytes, place: int, character: str) -> None:
    """The last letter of Base64 has bits that say nothing (RFC 4648, section 3.5): some changes are none."""
    cursor = CURSORS.seal(position, of="list")
    at = place % len(cursor)
    assert opened(cursor[:at] + character + cursor[at + 1 :]) in {None, position}


@given(st.binary(min_size=1, max_size=40), st.binary(min_size=1, max_size=40))
def test_a_position_under_the_signature_of_another_is_refused(one: bytes, other: bytes) -> None:
    (position, _), (_, signature) = (CURSORS.seal(each, of="list").split(".") for each in (one, other))
    assert (opened(f"{position}.{signature}") is not None) == (one == other)


@pytest.mark.parametrize("cursor", ["", ".", "..", "a", "a.b", "é.é", "\ud800", "\0", "a.\0", "x" * 1_000_000, "." * 100_000])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ValidationFailed, match=REFUSAL):
        CURSORS.open(cursor, of="list")


def test_a_cursor_of_an_old_key_is_good_while_the_key_is_known() -> None:
    cursor = Cursors([OLD]).seal(b"here", of="list")
    assert opened(cursor, cursors=Cursors([NEW, OLD])) == b"here"
    assert opened(cursor, cursors=Cursors([OLD, NEW])) == b"here"
    assert opened(cursor, cursors=Cursors([NEW])) is None


def test_the_first_key_seals() -> None:
    cursor = Cursors([NEW, OLD]).seal(b"here", of="list")
    assert opened(cursor, cursors=Cursors([NEW])) == b"here"
    assert opened(cursor, cursors=Cursors([OLD])) is None


def test_a_cursor_is_the_same_each_time() -> None:
    assert CURSORS.seal(b"here", of="list") == CURSORS.seal(b"here", of="list")


def test_a_position_is_not_hidden() -> None:
    """Signed, not encrypted: nothing that the page did not show may be put in it."""
    assert urlsafe_b64decode(CURSORS.seal(b"here", of="list").split(".")[0]) == b"here"
