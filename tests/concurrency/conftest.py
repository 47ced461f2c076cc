"""Three ways to meet a race: the service as it is, with a wide window, and with the lock taken away."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from greenroom.kit.database import Database
from tests.concurrency.arena import Arena, Functions, functions_of, replace_functions
from tests.concurrency.hall import Hall
from tests.concurrency.history import Contest
from tests.concurrency.seats_arena import SeatFunctions, seat_functions_of, sweep
from tests.concurrency.stage import Stage
from tests.concurrency.votes_arena import QuestionFunctions, question_functions_of
from tests.postgres import Cluster, TestDatabase, fresh_database
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Tenant

PATIENT = {
    "GREENROOM_POOL_WAIT_SECONDS": "20",
    "GREENROOM_STATEMENT_SECONDS": "20",
    "GREENROOM_RATE_LIMIT_ADMIN": "0",
}


@pytest.fixture(scope="module")
def arena(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """Two servers on a scratch database, whose functions a test may replace."""
    scratch = asyncio.run(fresh_database(cluster))
    with (
        running_server(scratch, tmp_path_factory.mktemp("arena"), settings=PATIENT) as one,
        running_server(scratch, tmp_path_factory.mktemp("arena"), settings=PATIENT) as other,
    ):
        yield Arena(scratch, (one, other))


@pytest.fixture(scope="module")
def functions(arena: Arena) -> Functions:
    """The functions as the migrations made them."""
    return asyncio.run(functions_of(arena.database))


@pytest.fixture
async def contest(server: Server, database: TestDatabase, tenant: Tenant) -> AsyncIterator[Contest]:
    """The service as it is."""
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url, timeout=30) as client:
        yield Contest(client, tenant, database)


@pytest.fixture
async def wide(arena: Arena, functions: Functions, tenant: Tenant) -> AsyncIterator[Contest]:
    """The service with a pause between what it reads and what it writes."""
    await replace_functions(arena.database, functions.widened(locked=True))
    async with arena.client() as client:
        yield Contest(client, tenant, arena.database)


@pytest.fixture
async def unlocked(arena: Arena, functions: Functions, tenant: Tenant) -> AsyncIterator[Contest]:
    """The negative control: the same pause, and no lock."""
    await replace_functions(arena.database, functions.widened(locked=False))
    async with arena.client() as client:
        yield Contest(client, tenant, arena.database)


@pytest.fixture(scope="module")
def seat_functions(arena: Arena) -> SeatFunctions:
    """The functions that give and take seats, as the migrations made them."""
    return asyncio.run(seat_functions_of(arena.database))


@pytest.fixture
async def hall(arena: Arena, functions: Functions, seat_functions: SeatFunctions, tenant: Tenant) -> AsyncIterator[Hall]:
    """Two processes, with the functions as they are. Afterwards `greenroom check` finds nothing."""
    await replace_functions(arena.database, [*functions.as_made(), *seat_functions.as_made()])
    async with (
        arena.client() as client,
        Database(arena.database.service_url, size=2, wait_seconds=20, statement_seconds=20) as db,
    ):
        made = Hall(client, tenant, arena.database, db)
        yield made
        assert await made.broken() == []


@pytest.fixture
async def wide_hall(hall: Hall, functions: Functions, seat_functions: SeatFunctions) -> Hall:
    """The same with a pause between what a function reads and what it writes."""
    sources = [*functions.widened(locked=True), *seat_functions.widened(locked=True)]
    await replace_functions(hall.database, sources)
    return hall


@pytest.fixture
async def unlocked_hall(hall: Hall, functions: Functions, seat_functions: SeatFunctions) -> AsyncIterator[Hall]:
    """The negative control: the same pause, and no lock. What that breaks is swept away afterwards."""
    sources = [*functions.widened(locked=False), *seat_functions.widened(locked=False)]
    await replace_functions(hall.database, sources)
    yield hall
    await sweep(hall.database)


@pytest.fixture(scope="module")
def question_functions(arena: Arena) -> QuestionFunctions:
    """The functions of questions and votes, as the migrations made them."""
    return asyncio.run(question_functions_of(arena.database))


@pytest.fixture
async def stage(hall: Hall, question_functions: QuestionFunctions) -> Stage:
    """Two processes, with the functions as they are. Afterwards `greenroom check` finds nothing."""
    await replace_functions(hall.database, question_functions.as_made())
    return Stage(hall.http, hall.tenant, hall.database, hall.db)


@pytest.fixture
async def wide_stage(stage: Stage, question_functions: QuestionFunctions) -> Stage:
    """The same with a pause between what a function of questions reads and what it writes."""
    await replace_functions(stage.database, question_functions.widened(locked=True))
    return stage


@pytest.fixture
async def unlocked_stage(stage: Stage, question_functions: QuestionFunctions) -> AsyncIterator[Stage]:
    """The negative control: the same pause, and no lock. What that breaks is swept away afterwards."""
    await replace_functions(stage.database, question_functions.widened(locked=False))
    yield stage
    await sweep(stage.database)
