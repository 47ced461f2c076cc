"""What tests share: a PostgreSQL and a server for each worker of the run, a brand for each test.

GREENROOM_TEST_POSTGRES=16 runs them on PostgreSQL 16; the default is 18.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Generator, Iterator
from uuid import uuid4

import asyncpg
import httpx
import pytest

from greenroom.kit.database import Database
from greenroom.kit.ids import BrandId
from tests.postgres import Cluster, Owner, TestDatabase, fresh_database, own_database, running_cluster
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Tenant


@pytest.hookimpl(wrapper=True, tryfirst=True)  # where the report is made: later, others have counted it already
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """GREENROOM_NO_SKIPS turns a skip into a failure: where everything is installed, nothing may be left out."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("GREENROOM_NO_SKIPS"):
        report.outcome = "failed"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """State at the end of the run what tests have measured in it: each `record_property("measured", ...)`."""
    reports = [one for each in ("passed", "failed") for one in terminalreporter.stats.get(each, []) if one.when == "call"]
    for text in sorted(str(value) for one in reports for name, value in one.user_properties if name == "measured"):
        terminalreporter.write_line(text)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of this worker's own, which no test may kill."""
    with running_cluster() as running:
        yield running


@pytest.fixture(scope="session")
def database(cluster: Cluster) -> TestDatabase:
    """A migrated database."""
    return asyncio.run(fresh_database(cluster))


@pytest.fixture(scope="session")
def rooms_database(cluster: Cluster) -> TestDatabase:
    """Another, for servers with builtin video: they look after all calls that they find, and other tests' are not for them."""
    return asyncio.run(fresh_database(cluster))


@pytest.fixture
async def scratch(cluster: Cluster) -> AsyncIterator[TestDatabase]:
    """A migrated database of the test's own, in which nobody else's rows are and no server runs."""
    async with own_database(cluster) as made:
        yield made


@pytest.fixture(scope="module")
def mortal() -> Iterator[Cluster]:
    """A PostgreSQL that tests may kill."""
    with running_cluster() as running:
        yield running


@pytest.fixture(scope="module")
def mortal_database(mortal: Cluster) -> TestDatabase:
    """A migrated database in it."""
    return asyncio.run(fresh_database(mortal))


@pytest.fixture
async def registrar(scratch: TestDatabase) -> AsyncIterator[Owner]:
    """The owner of that database's tables."""
    connection = await asyncpg.connect(scratch.owner_url)
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
def server(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose limits no test reaches by chance."""
    with running_server(database, tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def tenant() -> Tenant:
    """A brand that no other test knows."""
    return Tenant(BrandId(f"brand-{uuid4().hex[:12]}"))


@pytest.fixture
async def http(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the worker's server."""
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url, timeout=30) as client:
        yield client


@pytest.fixture
async def db(database: TestDatabase) -> AsyncIterator[Database]:
    """The pool that the service has: its role, its settings."""
    async with Database(database.service_url, size=4, wait_seconds=5, statement_seconds=10) as opened:
        yield opened


@pytest.fixture
async def owner(database: TestDatabase) -> AsyncIterator[Owner]:
    """The tables' owner, for what the service itself may not do."""
    connection = await asyncpg.connect(database.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
async def planner(big: TestDatabase) -> AsyncIterator[Owner]:
    """The service's connection, which keeps no statements of its own, to the database that a module of plans has filled."""
    connection = await asyncpg.connect(big.service_url, statement_cache_size=0, server_settings={"jit": "off"})
    yield connection
    await connection.close()


@pytest.fixture
async def remaker(big: TestDatabase) -> AsyncIterator[Owner]:
    """Who may drop an index in it, or see what a function reads, until the test ends."""
    connection = await asyncpg.connect(big.owner_url, statement_cache_size=0, server_settings={"jit": "off"})
    await connection.execute("begin")
    yield connection
    await connection.execute("rollback")
    await connection.close()
