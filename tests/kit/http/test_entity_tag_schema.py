"""The document says of If-Match and If-None-Match exactly what their parser takes."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from greenroom.kit.errors import ValidationFailed
from greenroom.kit.http.entity_tag import TAGS_SCHEMA, held_in, versions_in


def is_taken(header: str) -> bool:
    try:
        versions_in(header)
        held_in(header)
    except ValidationFailed:
        return False
    return True


@given(st.text(alphabet='"W/*, \t3.x', max_size=24))
@example(" *\t")
@example('W/"3.0.0.0" ,, "4.0.0.0",')
@example('"a"b"c"')
@example("")
def test_a_header_is_taken_if_and_only_if_the_document_says_so(header: str) -> None:
    assert is_taken(header) == bool(re.search(TAGS_SCHEMA["pattern"], header))
