"""What tests of calendars share: somebody else who reads them."""

from collections.abc import Iterator

import pytest

from tests.calendar.reading import Reader


@pytest.fixture(scope="session")
def reader() -> Iterator[Reader]:
    """ical.js."""
    there = Reader()
    yield there
    there.close()
