"""A server that has a provider of video and chat: without one, who may join is told nothing of what they may."""

from collections.abc import Iterator

import pytest

from tests.calls.stage import playing
from tests.postgres import TestDatabase
from tests.server import Server


@pytest.fixture(scope="session")
def server(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Instead of the one that all tests share."""
    with playing(database, tmp_path_factory.mktemp("permissions"), "getstream") as (running, _):
        yield running
