"""Every operation of the document, one request at a time, with good and bad data, by every holder."""

from collections.abc import Sequence
from typing import Any

import pytest
import requests
from schemathesis import Case

from tests.fuzz.holders import TURNS, Holder
from tests.fuzz.stage import BRAND, Stage, chosen, fingerprint
from tests.fuzz.surface import SURFACE


@pytest.fixture(scope="session")
def wire() -> requests.Session:
    """A connection that is kept."""
    return requests.Session()


def named(holders: Sequence[Holder]) -> str:
    return str(holders[0]) if len(holders) == 1 else "the others"


@SURFACE.parametrize()
@pytest.mark.parametrize("holders", TURNS, ids=named)
def test_every_answer_is_one_that_the_document_lists(
    case: Case[Any], stage: Stage, wire: requests.Session, holders: Sequence[Holder]
) -> None:
    holder = chosen(fingerprint(case, "holder"), holders)
    stage.set(case)
    case.call_and_validate(base_url=stage.url, session=wire, headers=holder.headers(BRAND))
