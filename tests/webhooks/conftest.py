"""What tests of webhooks share: a database where nobody else sends, a receiver, and a quick schedule."""

from collections.abc import AsyncIterator

import pytest

from greenroom.webhooks import planning, schedule
from tests.postgres import TestDatabase
from tests.webhooks.receiver import Receiver, receiving
from tests.webhooks.stage import Stage, staged


@pytest.fixture
async def stage(scratch: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """A brand in a database of the test's own; whether anybody has an endpoint is looked at more often."""
    monkeypatch.setattr(planning, "LOOK_SECONDS", 0.1)
    async with staged(scratch) as there:
        yield there


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """An endpoint that answers 204."""
    async with receiving() as listening:
        yield listening


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight attempts, as ever, within a second."""
    monkeypatch.setattr(schedule, "WAITS", (0.05,) * 7)
