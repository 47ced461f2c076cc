"""Many at once walk into a live session with few seats, in two processes, while others leave and the host changes her mind."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import asyncpg
import httpx
import pytest

from greenroom.kit.database import Database
from tests.concurrency.arena import Arena, replace_functions
from tests.concurrency.hall import Hall, people, word_of
from tests.concurrency.history import at_once, shown
from tests.concurrency.seats_arena import SeatFunctions, seat_functions_of, sweep
from tests.postgres import Cluster, TestDatabase, fresh_database
from tests.providers.fake_provider import running_fake
from tests.server import running_server
from tests.tenant import Json, Tenant

SEATS, FANS = 20, 300
WIDE_SEATS, WIDE_FANS = 3, 12
CAPACITIES = [5, 30, 12, 20]
PATIENT = {
    "GREENROOM_POOL_WAIT_SECONDS": "20",
    "GREENROOM_STATEMENT_SECONDS": "20",
    "GREENROOM_RATE_LIMIT_ADMIN": "0",
    "GREENROOM_BACKGROUND": "off",
}
CALL = """
with shown as (update sessions set stream_call_id = id::text where brand_id = $1 and id = $2)
insert into calls (brand_id, id, session_id, provider, call_type, records, made_at, created_at, updated_at, due_at)
values ($1, $2, $2, 'getstream', 'default', false, now(), now(), now(), 'infinity')
"""


@pytest.fixture(scope="module")
def doors(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """Two servers that have a provider, on a database whose functions a test may replace."""
    scratch: TestDatabase = asyncio.run(fresh_database(cluster))
    with running_fake() as fake:
        settings = {**PATIENT, **fake.getstream_settings()}
        with (
            running_server(scratch, tmp_path_factory.mktemp("doors"), settings=settings) as one,
            running_server(scratch, tmp_path_factory.mktemp("doors"), settings=settings) as other,
        ):
            yield Arena(scratch, (one, other))


@pytest.fixture(scope="module")
def made(doors: Arena) -> SeatFunctions:
    """The functions that give and take seats, as the migrations made them."""
    return asyncio.run(seat_functions_of(doors.database))


@pytest.fixture
async def lobby(doors: Arena, made: SeatFunctions, tenant: Tenant) -> AsyncIterator[Hall]:
    """The functions as they are. Afterwards `greenroom check` finds nothing."""
    await replace_functions(doors.database, made.as_made())
    async with (
        doors.client() as client,
        Database(doors.database.service_url, size=2, wait_seconds=20, statement_seconds=20) as db,
    ):
        there = Hall(client, tenant, doors.database, db)
        yield there
        assert await there.broken() == []


@pytest.fixture
async def wide_lobby(lobby: Hall, made: SeatFunctions) -> Hall:
    """The same with a pause between what a function reads and what it writes."""
    await replace_functions(lobby.database, made.widened(locked=True))
    return lobby


@pytest.fixture
async def unlocked_lobby(lobby: Hall, made: SeatFunctions) -> AsyncIterator[Hall]:
    """The negative control: the same pause, and no lock, where people walk in neither."""
    owner = await asyncpg.connect(lobby.database.owner_url)
    name = "join_session_v1"
    join = str(await owner.fetchval("select pg_get_functiondef($1::regproc)", name))
    await owner.close()
    assert join.count("for no key update") == 1
    await replace_functions(lobby.database, [*made.widened(locked=False), join.replace("for no key update", "")])
    yield lobby
    await sweep_calls(lobby.database)
    await sweep(lobby.database)
    await replace_functions(lobby.database, [join])


async def sweep_calls(database: TestDatabase) -> None:
    """What stands on the sessions that are swept away."""
    superuser = await asyncpg.connect(database.superuser_url)
    await superuser.execute("set session_replication_role = replica; delete from calls")
    await superuser.close()


async def live(hall: Hall, *seated: str, seats: int, line: tuple[str, ...] = ()) -> Json:
    """A session that goes on, whose call is made."""
    session = await hall.filled(*seated, line=line, capacity=seats)
    async with hall.owner() as owner:
        await owner.execute(CALL, hall.tenant.brand, UUID(session["id"]))
    assert (await hall.step(session, "start")).status_code == 200
    return session


async def join(hall: Hall, session: Json, user: str) -> httpx.Response:
    """Somebody walks in."""
    body, headers = {"user_id": user}, hall.tenant.bearer(user)
    return await hall.http.post(f"/v1/sessions/{session['id']}/join", json=body, headers=headers)


async def remove(hall: Hall, session: Json, user: str) -> httpx.Response:
    """The host puts somebody out."""
    return await hall.http.delete(f"/v1/sessions/{session['id']}/participants/{user}", headers=hall.tenant.bearer())


def told(answers: list[httpx.Response]) -> Counter[str]:
    """How many were let in, and what the others were told."""
    return Counter("in" if answer.is_success else word_of(answer) for answer in answers)


async def test_of_many_who_walk_in_as_many_sit_as_there_are_seats(lobby: Hall) -> None:
    session = await live(lobby, seats=SEATS)
    answers = await at_once(*(join(lobby, session, fan) for fan in people(FANS)))
    assert told(answers) == {"in": SEATS, "at_capacity": FANS - SEATS}
    assert await lobby.faults(session) == []
    let_in = {fan for fan, answer in zip(people(FANS), answers, strict=True) if answer.is_success}
    assert let_in == set(await lobby.there(session, "registered"))


async def test_who_walks_in_many_times_at_once_sits_once(lobby: Hall) -> None:
    session = await live(lobby, seats=2)
    answers = await at_once(*(join(lobby, session, "ann") for _ in range(40)))
    assert told(answers) == {"in": 40}
    assert await lobby.there(session, "registered") == ["ann"]
    assert await lobby.faults(session) == []


async def test_who_stood_in_line_sits_once_or_keeps_the_place(lobby: Hall) -> None:
    line = tuple(people(20, "waiting"))
    session = await live(lobby, "ann", seats=1, line=line)
    enlarged = await lobby.enlarge(session, 6)
    answers = await at_once(*(join(lobby, session, user) for user in [*line, *line, *people(20)]))
    seated, waiting = await lobby.there(session, "registered"), await lobby.there(session, "waitlist")
    assert len(seated) == 6
    assert not set(seated) & set(waiting)
    assert set(line) <= set(seated) | set(waiting)
    assert set(told(answers)) == {"in", "at_capacity"}
    assert await lobby.faults(session, [enlarged]) == []


async def test_no_seat_is_sold_twice_while_people_come_and_go_and_the_host_changes_her_mind(lobby: Hall) -> None:
    session = await live(lobby, *people(10, "early"), seats=SEATS)
    edits: list[httpx.Response] = []

    async def host() -> None:
        for capacity in CAPACITIES:
            edits.append(await lobby.enlarge(session, capacity))  # noqa: PERF401  # one after the other

    async def goes(user: str) -> None:
        assert (await lobby.leave(session, user)).status_code == 200

    async def is_put_out(user: str) -> None:
        assert (await remove(lobby, session, user)).status_code == 200

    early = people(10, "early")
    walking = asyncio.gather(*(join(lobby, session, fan) for fan in people(FANS)))
    await asyncio.gather(host(), *(goes(user) for user in early[:5]), *(is_put_out(user) for user in early[5:]))
    answers = told(await walking)
    assert set(answers) <= {"in", "at_capacity"}
    assert {edit.status_code for edit in edits} == {200}
    assert await lobby.faults(session, edits) == []
    assert not set(early) & set(await lobby.there(session, "registered"))


async def test_of_many_who_walk_in_as_many_sit_as_there_are_seats_in_a_wide_window(wide_lobby: Hall) -> None:
    session = await live(wide_lobby, seats=WIDE_SEATS)
    answers = await at_once(*(join(wide_lobby, session, fan) for fan in people(WIDE_FANS)))
    assert told(answers) == {"in": WIDE_SEATS, "at_capacity": WIDE_FANS - WIDE_SEATS}
    assert await wide_lobby.faults(session) == []


async def test_without_the_lock_more_walk_in_than_there_are_seats(unlocked_lobby: Hall) -> None:
    async def walked_in() -> int:
        session = await live(unlocked_lobby, seats=WIDE_SEATS)
        return told(await at_once(*(join(unlocked_lobby, session, fan) for fan in people(WIDE_FANS))))["in"]

    assert await shown(walked_in, lambda seated: seated > WIDE_SEATS)
    assert any("no admission above the capacity" in finding for finding in await unlocked_lobby.broken())
