"""A database and a server that only the fuzz sees: what it leaves behind is nobody's."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.fuzz.stage import Stage
from tests.postgres import Cluster, fresh_database
from tests.server import running_server


@pytest.fixture(scope="session")
def stage(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The server that is tried."""
    database = asyncio.run(fresh_database(cluster))
    with running_server(database, tmp_path_factory.mktemp("fuzz"), settings={"GREENROOM_RATE_LIMIT_ADMIN": "0"}) as server:
        made = Stage(server.url)
        yield made
        made.close()
