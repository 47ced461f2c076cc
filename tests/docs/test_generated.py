"""The tables of the documentation say what the code says."""

import pytest

from tests.docs.generated import PARTS, written


@pytest.mark.parametrize("part", PARTS)
def test_what_is_made_from_the_code_is_up_to_date(part: str) -> None:
    assert written(part) == PARTS[part][1](), "run: python -m tests.docs"
