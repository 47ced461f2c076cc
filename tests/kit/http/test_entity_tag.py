"""Entity tags: what a header of them names, and that no header takes long to read."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.kit.errors import ValidationFailed
from greenroom.kit.http.entity_tag import entity_tag, held_in, versions_in

TAG = '"3.1.12.1"'
LONG = 64 * 1024  # longer than any server lets a header be
ENOUGH_SECONDS = 1.0


def test_a_tag_is_version_revision_count_and_registered() -> None:
    assert entity_tag(version=3, revision=1, count=12, registered=True) == TAG
    assert entity_tag(version=1, revision=0, count=0, registered=False) == '"1.0.0.0"'


@pytest.mark.parametrize(("header", "versions"), [
    (None, None), ("*", None), (" * ", None),
    (TAG, [3]), ('"3.0.0.0", "4.9.9.0"', [3, 4]), ('"3.0.0.0","4.0.0.0"', [3, 4]), (f", ,{TAG},", [3]),
    (f"W/{TAG}", []), (f"W/{TAG}, {TAG}", [3]), ('"*"', []), ('"x"', []), ('""', []), ('"3"', []), ('"3.1.12.2"', []),
    ('"a,b", "3.0.0.0"', [3]),
])  # fmt: skip
def test_if_match_names_versions(header: str | None, versions: list[int] | None) -> None:
    assert versions_in(header) == versions


@pytest.mark.parametrize(("header", "fresh"), [
    (None, False), ("*", True), (TAG, True), (f"W/{TAG}", True), (f'"x" , {TAG}', True), ('"3.1.12.0"', False), ('"x"', False),
])  # fmt: skip
def test_if_none_match_names_what_the_caller_has(header: str | None, fresh: bool) -> None:
    assert held_in(header).includes(TAG) is fresh


@pytest.mark.parametrize(
    "header", ["", " ", ",", "3.1.12.1", '"3.1.12.1', '3.1.12.1"', f"{TAG} x", "W/", f"w/{TAG}", "**", f"*,{TAG}"]
)
def test_what_is_no_list_of_tags_is_refused_by_the_headers_name(header: str) -> None:
    with pytest.raises(ValidationFailed, match="If-Match"):
        versions_in(header)
    with pytest.raises(ValidationFailed, match="If-None-Match"):
        held_in(header).includes(TAG)


@given(st.text(alphabet='W/"*,. 019a\t', max_size=60) | st.text(max_size=60))
def test_any_header_is_read_or_refused(header: str) -> None:
    try:
        versions = versions_in(header)
    except ValidationFailed:
        with pytest.raises(ValidationFailed):
            held_in(header).includes(TAG)
    else:
        assert versions is None or all(0 <= version < 1 << 31 for version in versions)
        assert held_in(header).includes(TAG) in {True, False}


@pytest.mark.parametrize("header", [
    '"' * LONG, "W/" * (LONG // 2), ("W/" + '"') * (LONG // 3), '"",' * (LONG // 3), "," * LONG, " " * LONG, '"' + "a" * LONG,
    '"1.0.0.0",' * (LONG // 10), '"' + "1" * LONG + '"', '"' + "1." * (LONG // 2) + '"', "*" * LONG, "\t" * LONG + "x",
])  # fmt: skip
def test_no_header_takes_long_to_read(header: str) -> None:
    started = time.perf_counter()
    for read in (versions_in, lambda text: held_in(text).includes(TAG)):
        try:
            read(header)
        except ValidationFailed:
            continue
    assert time.perf_counter() - started < ENOUGH_SECONDS
