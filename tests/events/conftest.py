"""What the tests of sinks share: a NATS of a test's own."""

from collections.abc import Iterator

import pytest

from tests.events.nats_server import NatsServer, running_nats


@pytest.fixture
def nats_server() -> Iterator[NatsServer]:
    """A NATS that the test may kill."""
    with running_nats() as running:
        yield running
