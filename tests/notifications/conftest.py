"""What tests of mail share: a mail server of a test's own, and a database where nothing is sent by itself."""

from collections.abc import AsyncIterator

import pytest

from tests.notifications.office import Office, opened_office
from tests.notifications.post import Post, running_post
from tests.postgres import TestDatabase


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    """A mail server."""
    async with running_post(Post()) as running:
        yield running


@pytest.fixture
async def office(scratch: TestDatabase, post: Post) -> AsyncIterator[Office]:
    """An office that mails."""
    async with opened_office(scratch, post) as opened:
        yield opened


@pytest.fixture
async def silent_office(scratch: TestDatabase) -> AsyncIterator[Office]:
    """An office without a mail server, which asks others to send."""
    async with opened_office(scratch, None) as opened:
        yield opened
