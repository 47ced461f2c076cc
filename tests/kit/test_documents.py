"""Documents that are kept and not read: what is refused, and that the rest keeps its text."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.kit.documents import DOCUMENT_DEPTH, DOCUMENT_OCTETS, checked_document
from greenroom.kit.errors import ValidationFailed

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


def checked(text: str) -> str:
    return checked_document(text.encode(), field="metadata")


def kept_or_refused(raw: bytes) -> str:
    """The document's text, or the refusal."""
    try:
        return checked_document(raw, field="metadata")
    except ValidationFailed as refused:
        return refused.text


def nested(levels: int, open_: str = '{"a":', close: str = "}") -> str:
    return '{"a":' + open_ * (levels - 1) + "1" + close * (levels - 1) + "}"


@pytest.mark.parametrize("text", [
    "{}", '{"a":1.10}', '{"a":12345678901234567890.123}', '{ "a" :  [ ] }', '{"a":"\\u00e9"}', '{"a":{},"a":[]}', '{"":null}',
    '{"a":1e308}', '{"a":-1e-300}', '{"a":"\\\\u0000"}', '{"a":"[[[{{{"}',
])  # fmt: skip
def test_a_good_document_keeps_its_text(text: str) -> None:
    assert checked(text) == text


@pytest.mark.parametrize("text", ["[]", "null", "5", "true", '"x"', '"{}"', "[{}]"])
def test_a_document_is_an_object(text: str) -> None:
    with pytest.raises(ValidationFailed, match="metadata: expected an object"):
        checked(text)


@pytest.mark.parametrize("text", ['{"a":1e400}', '{"a":[-1e999]}', '{"a":{"b":9e308}}'])
def test_a_number_fits_a_double(text: str) -> None:
    with pytest.raises(ValidationFailed, match="metadata"):
        checked(text)


@pytest.mark.parametrize("text", ['{"a":"\\u0000"}', '{"\\u0000":1}', '{"a":[{"b":"x\\u0000"}]}'])
def test_text_holds_no_nul(text: str) -> None:
    with pytest.raises(ValidationFailed, match="metadata: expected text without NUL"):
        checked(text)


@pytest.mark.parametrize("text", ['{"a":"\\ud800"}', '{"\\udfff":1}', '{"a":"\\ud800x"}', '{"a":"\\udc00\\ud800"}'])
def test_text_holds_no_lone_surrogate(text: str) -> None:
    with pytest.raises(ValidationFailed, match="metadata"):
        checked(text)


@pytest.mark.parametrize(("open_", "close"), [('{"a":', "}"), ("[", "]")])
def test_a_document_has_at_most_64_levels(open_: str, close: str) -> None:
    assert checked(nested(DOCUMENT_DEPTH, open_, close))
    with pytest.raises(ValidationFailed, match="64 levels"):
        checked(nested(DOCUMENT_DEPTH + 1, open_, close))
    with pytest.raises(ValidationFailed, match="64 levels"):
        checked(nested(10_000, open_, close))


def test_brackets_beside_each_other_are_one_level() -> None:
    assert checked('{"a":[' + ",".join(["[]"] * 1000) + "]}")


@pytest.mark.parametrize("text", ['{"a":"%s"}', '{"%s":1}', '{"a":"\\"%s"}', '{"a":"\\\\","b":"%s"}'])
def test_brackets_in_a_string_are_no_levels(text: str) -> None:
    assert checked(text % ("[{" * 200))


def test_an_escaped_quote_hides_no_levels() -> None:
    with pytest.raises(ValidationFailed, match="64 levels"):
        checked('{"a":"\\"","b":' + "[" * 70 + "]" * 70 + "}")


def test_a_document_has_at_most_16_kib_without_its_blanks() -> None:
    full = '{"a":"' + "x" * (DOCUMENT_OCTETS - 8) + '"}'
    assert len(full) == DOCUMENT_OCTETS
    assert checked(full)
    assert checked(full.replace(":", " : " + " " * 1000))
    with pytest.raises(ValidationFailed, match="16 KiB"):
        checked(full.replace('"a"', '"ab"'))


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=5))
def test_any_document_is_kept_or_refused(document: dict[str, Any]) -> None:
    text = json.dumps(document, ensure_ascii=False)
    kept = kept_or_refused(text.encode("utf-8", "surrogatepass"))
    if kept != text:
        assert kept.startswith("metadata: ")
        assert "\\u0000" in text or len(text) > DOCUMENT_OCTETS or re.search("[\ud800-\udfff]|e[+-]?[0-9]{3}|[0-9]{300}", text)


@given(st.binary(max_size=200))
def test_no_octets_break_it(raw: bytes) -> None:
    assert kept_or_refused(raw).encode() == raw or kept_or_refused(raw).startswith("metadata: ")


@given(st.text(alphabet='{}[]":,\\u0d8e1-. aE+\n', max_size=300))
def test_no_text_that_looks_like_json_breaks_it(text: str) -> None:
    assert kept_or_refused(text.encode()) == text or kept_or_refused(text.encode()).startswith("metadata: ")
