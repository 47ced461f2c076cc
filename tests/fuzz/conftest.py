"""A database, a provider and a server that only the fuzz sees: what it leaves behind is nobody's."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.calls.stage import playing
from tests.fuzz.stage import Stage
from tests.postgres import Cluster, fresh_database


@pytest.fixture(scope="session")
def stage(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The server that is tried."""
    database = asyncio.run(fresh_database(cluster))
    settings = {"GREENROOM_RATE_LIMIT_ADMIN": "0", "GREENROOM_BACKGROUND": "off"}  # the hundreds of calls are not looked after
    with playing(database, tmp_path_factory.mktemp("fuzz"), "getstream", settings=settings) as (server, _):
        made = Stage(server.url)
        yield made
        made.close()
