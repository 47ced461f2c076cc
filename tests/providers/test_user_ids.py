"""Users' ids at a provider that takes few characters."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.kit.ids import UserId
from greenroom.providers.protocol import UnusableIdError
from greenroom.providers.user_ids import decode, encode

TAKEN = re.compile(r"[A-Za-z0-9@_-]{1,255}")
texts = st.text(max_size=60) | st.from_regex(r"_x-[A-Za-z0-9_-]{0,40}", fullmatch=True) | st.from_regex(TAKEN, fullmatch=True)


@given(texts)
def test_every_id_comes_back_and_is_taken(user: str) -> None:
    try:
        encoded = encode(user)
    except UnusableIdError:
        assert len(user) > 185
        return
    assert TAKEN.fullmatch(encoded)
    assert decode(encoded) == user


@given(texts, texts)
def test_two_users_never_have_one_id(one: str, other: str) -> None:
    if one != other and max(len(one), len(other)) < 185:
        assert encode(one) != encode(other)


@given(
    st.from_regex(r"(_x-)?[A-Za-z0-9@_-]{1,40}", fullmatch=True), st.from_regex(r"(_x-)?[A-Za-z0-9@_-]{1,40}", fullmatch=True)
)
def test_two_ids_at_the_provider_are_never_one_user(one: str, other: str) -> None:
    assert (decode(one) == decode(other)) == (one == other)


@pytest.mark.parametrize("user", ["user-1", "a@b", "guest_7", "x" * 255])
def test_an_id_that_is_taken_stays_as_it_is(user: str) -> None:
    assert encode(user) == user


@pytest.mark.parametrize("user", ["guest:1", "a.b", "Zoë", "", "_x-", "_x-YQ", "a b", "x\n"])
def test_any_other_one_is_written_behind_the_prefix(user: str) -> None:
    assert encode(user).startswith("_x-")
    assert decode(encode(user)) == user


@pytest.mark.parametrize("encoded", ["_x-a", "_x-!", "_x-_w", "_x-YQ", "_x-Zm9=", "_x-Zh", "_x-é"])
def test_what_we_did_not_write_stays_as_it_is(encoded: str) -> None:
    assert decode(encoded) == UserId(encoded)


@pytest.mark.parametrize("user", ["x" * 256, "é" * 100, "\ud800"])
def test_an_id_that_cannot_be_held_is_refused(user: str) -> None:
    with pytest.raises(UnusableIdError):
        encode(user)
