"""Many who change sessions at the same time, and what must be in the stream afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg

from tests.events.streams import Message, arrived
from tests.events.telling import WRITE_MANY
from tests.faults.waiting import eventually
from tests.postgres import Owner, TestDatabase

WRITERS = 3
SESSIONS_EACH = 3
VERSIONS_AT_ONCE = 4
PAUSE_SECONDS = 0.02

TOLD = "select id::text as id, session_id::text as session, position from events order by position"


@asynccontextmanager
async def crowd(database: TestDatabase) -> AsyncIterator[None]:
    """Several write, each of sessions of their own, until the block ends: more than a thousand events a second."""
    over = asyncio.Event()
    writers = [asyncio.create_task(_write(database, [uuid4() for _ in range(SESSIONS_EACH)], over)) for _ in range(WRITERS)]
    try:
        yield
    finally:
        over.set()
        await asyncio.gather(*writers)


async def _write(database: TestDatabase, sessions: list[UUID], over: asyncio.Event) -> None:
    owner = await asyncpg.connect(database.owner_url)
    version = 1
    while not over.is_set():
        await owner.execute(WRITE_MANY, sessions, version, version + VERSIONS_AT_ONCE - 1)
        version += VERSIONS_AT_ONCE
        await asyncio.sleep(PAUSE_SECONDS)
    await owner.close()


async def told_further(registrar: Owner, events: int) -> None:
    """Return when so many more were noted as told."""
    before = await _position(registrar)

    async def are_told() -> bool:
        return await _position(registrar) >= before + events

    await eventually(are_told, f"{events} more events are told", seconds=60)


async def assert_all_is_told_in_order(registrar: Owner, url: str, *, at_least: int) -> None:
    """Every event is in the stream, once, and each session's in the order of the database."""

    async def all_have_positions() -> bool:
        return bool(await registrar.fetchval("select not exists (select from outbox)"))

    await eventually(all_have_positions, "the outbox is empty")
    rows = await registrar.fetch(TOLD)
    heard = await arrived(url, len(rows))
    assert len(rows) >= at_least
    assert len({one.id for one in heard}) == len(heard)
    assert by_session(heard) == _of_the_database(rows)


def by_session(heard: list[Message]) -> dict[str, list[tuple[str, int]]]:
    """Each session's ids and positions, in the stream's order."""
    found: dict[str, list[tuple[str, int]]] = {}
    for one in heard:
        found.setdefault(one.session, []).append((one.id, one.position))
    return found


def _of_the_database(rows: "list[asyncpg.Record]") -> dict[str, list[tuple[str, int]]]:
    found: dict[str, list[tuple[str, int]]] = {}
    for row in rows:
        found.setdefault(row["session"], []).append((row["id"], row["position"]))
    return found


async def _position(registrar: Owner) -> int:
    return int(await registrar.fetchval("select coalesce(max(position), 0) from sinks where name = 'nats'"))
