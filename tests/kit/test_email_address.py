"""E-mail addresses: which are taken, kept as they were given, and that the document says the same."""

import re
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from greenroom.kit.wire import EmailAddress, parse_custom, schema_of

LONGEST_DOMAIN = ".".join(["b" * 62] * 3)  # 188 characters; with 64 before the @ an address is 253 long
GOOD = [
    "a@b",
    "ada@example.com",
    "Ada.Lovelace+notes@Mail.Example.CO.UK",
    "1@2",
    "!#$%&'*+/=?^_`{|}~-@example.com",
    "a.b.c@d-e.f--g",
    "a@1.2.3.4",
    "a@xn--exmple-cua.com",
    f"a@{'b' * 63}.com",
    f"{'a' * 64}@{LONGEST_DOMAIN}",
    f"{'a' * 64}@{LONGEST_DOMAIN}b",
]
BAD = [
    "", "@", "a", "a@", "@b", "a@b@c", "a b@c", "a@b c", " a@b", "a@b ", "a@b\n", "\na@b", "a@b\0", "a\0@b", "a\t@b",
    ".a@b", "a.@b", "a..b@c", "a@.b", "a@b.", "a@b..c", "a@-b", "a@b-", "a@b.-c", "a@b_c", "a@b,c@d", "a@b;c@d", "<a@b>",
    "A <a@b>", "mailto:a@b", '"a b"@c', "a\\@b@c", "a(b)@c", "a[b]@c", "a@[127.0.0.1]", "a@[IPv6:::1]", "a@b/c", "a@b:25",
    "ä@b", "a@ä", "\u0430@b", "a@b\u200b", "a\u202e@b", "a@b\u3002c", "\uff41@b", "a\ud800@b", "a@b\r\nBcc: c@d",
    f"{'a' * 65}@b", f"a@{'b' * 64}", f"{'a' * 64}@{LONGEST_DOMAIN}bb", f"a@{'b.' * 130}c",
]  # fmt: skip

LETTERS = "abcXYZ019!#$%&'*+/=?^_`{|}~-"
WORD = st.text(LETTERS, min_size=1, max_size=10)
LABEL = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,8}[a-zA-Z0-9])?", fullmatch=True)
ADDRESS = st.builds(
    lambda words, labels: f"{'.'.join(words)}@{'.'.join(labels)}",
    st.lists(WORD, min_size=1, max_size=5),
    st.lists(LABEL, min_size=1, max_size=5),
)


class Invitation(Struct):
    to: EmailAddress


def taken(text: object) -> bool:
    try:
        EmailAddress.parse(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("address", GOOD)
def test_an_address_is_kept_as_it_was_given(address: str) -> None:
    assert EmailAddress.parse(address) == address


@pytest.mark.parametrize("text", BAD, ids=ascii)
def test_what_is_no_address_is_refused(text: str) -> None:
    assert not taken(text)


@pytest.mark.parametrize("value", [None, 5, 1.5, True, [], ["a@b"], {"a@b": 1}, b"a@b"])
def test_what_is_no_text_is_refused(value: object) -> None:
    assert not taken(value)


def test_an_address_has_254_characters_at_most() -> None:
    assert len(GOOD[-1]) == EmailAddress.CHARACTERS
    assert not taken(f"{GOOD[-1]}b")


@given(ADDRESS)
def test_any_words_before_and_any_labels_after_the_at_are_an_address(address: str) -> None:
    before = address.index("@")
    assert taken(address) == (len(address) <= 254 and before <= 64)


@given(st.text(max_size=40))
def test_what_is_taken_is_ascii_without_blanks_and_has_one_at(text: str) -> None:
    for candidate in (text, f"{text}@b", f"a@{text}"):
        if taken(candidate):
            assert candidate.isascii()
            assert candidate.isprintable()
            assert " " not in candidate
            assert candidate.count("@") == 1


@pytest.mark.parametrize("address", GOOD)
def test_the_document_takes_what_we_take(address: str) -> None:
    schema = schema_of(EmailAddress)
    assert re.search(schema["pattern"], address)
    assert len(address) <= schema["maxLength"]


def test_a_body_holds_an_address() -> None:
    decode = msgspec.json.Decoder(Invitation, dec_hook=parse_custom).decode
    assert decode(b'{"to":"Ada@example.com"}').to == "Ada@example.com"
    with pytest.raises(msgspec.ValidationError):
        decode(b'{"to":"Ada"}')


@pytest.mark.parametrize(
    "hostile", ["a" * 200_000, "a." * 120, "a@" + "b-" * 125, "a@" + "b." * 126 + "-", "a@" + "b" * 250 + "_"]
)
def test_no_text_takes_long_to_refuse(hostile: str) -> None:
    began = time.process_time()
    assert not taken(hostile)
    assert time.process_time() - began < 1  # what backtracks takes hours
