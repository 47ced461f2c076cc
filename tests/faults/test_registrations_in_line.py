"""Those who stand in line for one hot session: a stop, callers who hang up, a line that is full, a pool that is small."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from greenroom.identity.caller import Caller
from greenroom.kit.database import Database
from greenroom.kit.errors import Unavailable
from greenroom.kit.ids import ClientId, RequestId, UserId
from greenroom.kit.lane import CROWDED, Lanes
from greenroom.kit.pagination import Cursors
from greenroom.registrations import service
from greenroom.registrations.links import Tickets
from greenroom.registrations.service import Registrations, claims_of
from tests.faults.aftermath import assert_promises_kept
from tests.faults.registering import kept_of, register
from tests.faults.waiting import eventually, held_row
from tests.faults.wire import Wire, wire_to
from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, SECRET_KEY, Server, running_server
from tests.tenant import Json, Tenant

IN_LINE_SECONDS = 1.0  # until a request that was sent surely stands in line
PEOPLE = 60
HOT_SESSIONS, PEOPLE_EACH = 30, 8
ROOM = 2
ALL_AT_ONCE = httpx.Limits(max_connections=None, max_keepalive_connections=None)


@pytest.fixture(scope="module")
def module_wire(database: TestDatabase) -> Iterator[Wire]:
    with wire_to(database, word="register_v1") as running:
        yield running


@pytest.fixture(scope="module")
def narrow(module_wire: Wire, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two connections to its database, at the end of a wire."""
    settings = {"GREENROOM_POOL_SIZE": "2"}
    with running_server(module_wire.database, tmp_path_factory.mktemp("narrow"), settings=settings) as running:
        yield running


@pytest.fixture
async def client(narrow: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=narrow.url, timeout=30, limits=ALL_AT_ONCE) as opened:
        yield opened


@pytest.fixture
def wire(module_wire: Wire) -> Iterator[Wire]:
    yield module_wire
    module_wire.reset()


@pytest.fixture(params=[1, 2], ids=["one worker", "two workers"])
def stoppable(request: pytest.FixtureRequest, database: TestDatabase, tmp_path: Path) -> Iterator[Server]:
    """A server that the test may stop."""
    with running_server(database, tmp_path, workers=request.param) as running:
        yield running


class Crowded(Registrations):
    """In whose line few may stand."""

    def __init__(self, db: Database) -> None:
        super().__init__(db, Cursors([SECRET_KEY]), Tickets([SECRET_KEY]), public_url=None)
        self.lanes = Lanes(self._carry, kind=type, claims=claims_of, most_waiting=ROOM)

    async def register(self, tenant: Tenant, session: Json, user: str) -> None:
        """As this person."""
        who = Caller(user=UserId(user), client=ClientId("test"), brand=tenant.brand, scopes=frozenset({"write:live"}))
        await service.register_caller(self, who, session["id"], request_id=RequestId("a test's"), key=None)


@asynccontextmanager
async def caller_who_hangs_up(server: Server, tenant: Tenant, session: Json, user: str) -> AsyncIterator[None]:
    """Who registers, and is gone at the end."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in tenant.bearer(user, Host="x").items())
    head = f"POST /v1/sessions/{session['id']}/registrations HTTP/1.1\r\n{lines}Content-Length: 0\r\n\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(head.encode())
        yield
    finally:
        writer.transport.abort()


async def is_held(wire: Wire, statements: int) -> None:
    """Return when so many statements have been held up."""

    async def enough() -> bool:
        return wire.held == statements

    await eventually(enough, f"statement {statements} is on its way")


async def all_are_there(database: TestDatabase, session: Json, people: list[str]) -> None:
    """Each once."""

    async def enough() -> bool:
        return len(await kept_of(database, session)) >= len(people)

    await eventually(enough, "everybody is there")
    assert sorted(one.user for one in await kept_of(database, session)) == sorted(people)
    await assert_promises_kept(database)


async def test_all_who_stand_in_line_are_answered_though_the_server_is_asked_to_stop(
    stoppable: Server, tenant: Tenant, database: TestDatabase
) -> None:
    people = [f"person {number}" for number in range(PEOPLE)]
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=stoppable.url, timeout=30, limits=ALL_AT_ONCE) as client:
        session = await tenant.session(client)
        async with held_row(database, session) as row:
            asked = [asyncio.create_task(register(client, tenant, session, person)) for person in people]
            await row.awaited()
            await asyncio.sleep(IN_LINE_SECONDS)
            stoppable.process.terminate()
            await asyncio.sleep(0.5)
        answers = await asyncio.gather(*asked)
    assert [answer.status_code for answer in answers] == [201] * PEOPLE
    assert await asyncio.to_thread(stoppable.process.wait, 30) == 0
    await all_are_there(database, session, people)


async def test_who_hangs_up_in_line_harms_nobody(
    narrow: Server, client: httpx.AsyncClient, tenant: Tenant, wire: Wire, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    wire.fates.append("held")
    asked = [asyncio.create_task(register(client, tenant, session, "first"))]
    await is_held(wire, 1)
    asked.append(asyncio.create_task(register(client, tenant, session, "before")))
    async with caller_who_hangs_up(narrow, tenant, session, "gone"):
        await asyncio.sleep(IN_LINE_SECONDS)
    asked.append(asyncio.create_task(register(client, tenant, session, "after")))
    wire.go()
    assert [answer.status_code for answer in await asyncio.gather(*asked)] == [201] * 3
    await all_are_there(database, session, ["first", "before", "gone", "after"])


async def test_who_hangs_up_while_his_batch_is_on_its_way_harms_nobody(
    narrow: Server, client: httpx.AsyncClient, tenant: Tenant, wire: Wire, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    wire.fates += ["held", "held"]
    asked = [asyncio.create_task(register(client, tenant, session, "first"))]
    await is_held(wire, 1)
    async with caller_who_hangs_up(narrow, tenant, session, "gone"):
        asked += [asyncio.create_task(register(client, tenant, session, person)) for person in ("one", "two")]
        await asyncio.sleep(IN_LINE_SECONDS)
        wire.go()
        await is_held(wire, 2)
    await asyncio.sleep(0.2)
    wire.go()
    assert [answer.status_code for answer in await asyncio.gather(*asked)] == [201] * 3
    await all_are_there(database, session, ["first", "gone", "one", "two"])


async def test_the_first_who_hangs_up_does_not_keep_the_line_waiting(
    narrow: Server, client: httpx.AsyncClient, tenant: Tenant, wire: Wire, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    wire.fates.append("held")
    async with caller_who_hangs_up(narrow, tenant, session, "gone"):
        await is_held(wire, 1)
    asked = [asyncio.create_task(register(client, tenant, session, person)) for person in ("one", "two")]
    await asyncio.sleep(0.2)
    wire.go()
    assert [answer.status_code for answer in await asyncio.gather(*asked)] == [201] * 2
    await all_are_there(database, session, ["gone", "one", "two"])


async def test_many_hot_sessions_share_two_connections_and_nobody_is_turned_away(
    client: httpx.AsyncClient, tenant: Tenant, database: TestDatabase
) -> None:
    sessions = [await tenant.session(client, max_participants=PEOPLE_EACH // 2) for _ in range(HOT_SESSIONS)]
    people = [f"person {number}" for number in range(PEOPLE_EACH)]
    asked = [register(client, tenant, session, person) for person in people for session in sessions]
    assert {answer.status_code for answer in await asyncio.gather(*asked)} == {201}
    for session in sessions:
        kept = await kept_of(database, session)
        assert (len(kept), sum(one.status == "registered" for one in kept)) == (PEOPLE_EACH, PEOPLE_EACH // 2)
    await assert_promises_kept(database)


async def test_who_finds_the_line_full_is_told_503_and_is_not_registered(
    client: httpx.AsyncClient, tenant: Tenant, database: TestDatabase, db: Database
) -> None:
    session = await tenant.session(client)
    there = Crowded(db)
    async with held_row(database, session) as row:
        asked = [asyncio.create_task(there.register(tenant, session, user)) for user in ("first", "second", "third")]
        await row.awaited()
        with pytest.raises(Unavailable) as refused:
            await there.register(tenant, session, "late")
    assert (refused.value.status, refused.value.text, refused.value.headers) == (503, CROWDED, {"Retry-After": "1"})
    await asyncio.gather(*asked)
    await all_are_there(database, session, ["first", "second", "third"])


async def test_a_line_that_was_full_takes_people_again(
    client: httpx.AsyncClient, tenant: Tenant, database: TestDatabase, db: Database
) -> None:
    session = await tenant.session(client)
    there = Crowded(db)
    async with held_row(database, session) as row:
        asked = [asyncio.create_task(there.register(tenant, session, user)) for user in ("first", "second", "third")]
        await row.awaited()
        with pytest.raises(Unavailable):
            await there.register(tenant, session, "late")
    await asyncio.gather(*asked)
    await there.register(tenant, session, "late")
    await all_are_there(database, session, ["first", "second", "third", "late"])
