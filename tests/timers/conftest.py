"""What tests of timers share: a database where no server runs, so that nothing fires by itself."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from tests.postgres import Cluster, TestDatabase, fresh_database
from tests.timers.stage import Stage, staged


@pytest.fixture(scope="session")
def quiet(cluster: Cluster) -> TestDatabase:
    """One for all who change no function in it."""
    return asyncio.run(fresh_database(cluster))


@pytest.fixture
async def stage(quiet: TestDatabase) -> AsyncIterator[Stage]:
    """A brand that no other test knows, and no timer but its own."""
    async with staged(quiet, brand=f"brand-{uuid4().hex[:12]}") as there:
        yield there


@pytest.fixture
async def own_stage(scratch: TestDatabase) -> AsyncIterator[Stage]:
    """The same in a database of its own, whose functions the test may change."""
    async with staged(scratch) as there:
        yield there
