"""The same promises when the rivals are in different processes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID

import asyncpg
import httpx
import pytest

from tests.concurrency.history import LOCK_WAITS, Contest, at_once, statuses
from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Json, Tenant

POOL_SIZE = 2
SETTINGS = {
    "GREENROOM_POOL_SIZE": str(POOL_SIZE),
    "GREENROOM_POOL_WAIT_SECONDS": "30",
    "GREENROOM_STATEMENT_SECONDS": "30",
}
BATCH = 8
MOST_BATCHES = 12
MEET_SECONDS = 1.0


@pytest.fixture(scope="module")
def two_workers(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One service of two processes, each with so few connections that more of them can only be both."""
    with running_server(database, tmp_path_factory.mktemp("workers"), settings=SETTINGS, workers=2) as running:
        yield running


@pytest.fixture
async def both(two_workers: Server, database: TestDatabase, tenant: Tenant) -> AsyncIterator[Contest]:
    """A client whose requests at once reach either process."""
    limits = httpx.Limits(max_connections=BATCH * MOST_BATCHES)
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=two_workers.url, timeout=60, limits=limits) as client:
        yield Contest(client, tenant, database)


@asynccontextmanager
async def held(contest: Contest, session: Json) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """The session's row is locked meanwhile; gives a function that says how many of the service wait for it."""
    async with AsyncExitStack() as stack:
        owner = await stack.enter_async_context(contest.owner())
        watcher = await asyncpg.connect(contest.database.superuser_url)  # who else sees what others wait for
        stack.push_async_callback(watcher.close)
        await stack.enter_async_context(owner.transaction())
        await owner.execute("select from sessions where id = $1 for update", UUID(session["id"]))

        async def waiting() -> int:
            return int(await watcher.fetchval(LOCK_WAITS))

        yield waiting


async def meet(contest: Contest, session: Json, request: Callable[[int], Awaitable[httpx.Response]]) -> list[httpx.Response]:
    """The answers to as many requests as it takes until both processes stand before the session's row at once."""
    sent: list[asyncio.Future[httpx.Response]] = []
    async with held(contest, session) as waiting:
        for _ in range(MOST_BATCHES):
            sent += [asyncio.ensure_future(request(len(sent) + n)) for n in range(BATCH)]
            async with asyncio.timeout(30):
                if await _both_wait(waiting):
                    break
        else:
            raise AssertionError("one worker took every connection")
    return await at_once(*sent)


async def _both_wait(waiting: Callable[[], Awaitable[int]]) -> bool:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + MEET_SECONDS
    while loop.time() < deadline:
        if await waiting() > POOL_SIZE:
            return True
        await asyncio.sleep(0.02)
    return False


async def test_edits_of_two_processes_are_all_made(both: Contest) -> None:
    session = await both.tenant.session(both.http)

    async def merge(n: int) -> httpx.Response:
        body = {"metadata": {f"writer_{n}": n}}
        return await both.tenant.patch(both.http, session, body, Content_Type="application/merge-patch+json")

    answers = await meet(both, session, merge)
    assert set(statuses(answers)) == {200}
    assert len((await both.read(session))["metadata"]) == len(answers)
    assert [change.version for change in await both.changes(session)] == list(range(1, len(answers) + 2))


async def test_of_edits_of_one_version_in_two_processes_exactly_one_wins(both: Contest) -> None:
    session = await both.tenant.session(both.http)

    async def edit(n: int) -> httpx.Response:
        return await both.tenant.patch(both.http, session, {"title": f"Title {n}"}, If_Match='"1.0.0.0"')

    assert statuses(await meet(both, session, edit)).count(200) == 1


async def test_starts_in_two_processes_have_one_effect(both: Contest) -> None:
    session = await both.tenant.session(both.http)

    async def start(_: int) -> httpx.Response:
        return await both.tenant.step(both.http, session, "start")

    assert set(statuses(await meet(both, session, start))) == {200}
    assert await both.events(session) == ["live.session.created.v1", "live.session.started.v1"]


async def test_a_read_in_one_process_shows_what_the_other_has_just_changed(both: Contest) -> None:
    session = await both.tenant.session(both.http)
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(httpx.AsyncClient(verify=AUTHORITIES, base_url=both.http.base_url, timeout=30))
            for _ in range(BATCH)
        ]
        for number, writer in enumerate(clients):
            changed = await both.tenant.patch(writer, session, {"title": f"Title {number}"})
            reads = await at_once(
                *(reader.get(f"/v1/sessions/{session['id']}", headers=both.tenant.bearer()) for reader in clients)
            )
            assert {read.headers["etag"] for read in reads} == {changed.headers["etag"]}
