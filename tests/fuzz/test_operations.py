"""Every operation of the document, one request at a time, with good and bad data, by every holder."""

from typing import Any

import pytest
import requests
from schemathesis import Case

from tests.fuzz.holders import HOLDERS, Holder
from tests.fuzz.stage import BRAND, Stage
from tests.fuzz.surface import SURFACE


@pytest.fixture(scope="session")
def wire() -> requests.Session:
    """A connection that is kept."""
    return requests.Session()


@SURFACE.parametrize()
@pytest.mark.parametrize("holder", HOLDERS, ids=str)
def test_every_answer_is_one_that_the_document_lists(
    case: Case[Any], stage: Stage, wire: requests.Session, holder: Holder
) -> None:
    stage.set(case)
    case.call_and_validate(base_url=stage.url, session=wire, headers=holder.headers(BRAND))
