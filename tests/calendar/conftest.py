"""What tests of calendars share: somebody else who reads them."""

from collections.abc import Iterator

import httpx
import pytest

from tests.calendar.agenda import Agenda
from tests.calendar.reading import Reader
from tests.tenant import Tenant


@pytest.fixture(scope="session")
def reader() -> Iterator[Reader]:
    """ical.js."""
    there = Reader()
    yield there
    there.close()


@pytest.fixture
def agenda(http: httpx.AsyncClient, tenant: Tenant, reader: Reader) -> Agenda:
    """The calendars of a brand that no other test knows."""
    return Agenda(http, tenant, reader)
