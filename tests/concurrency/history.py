"""What became of a session, as its audit and its events tell it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import asyncpg
import httpx
from msgspec import Struct

from tests.postgres import Owner, TestDatabase
from tests.tenant import Json, Tenant

CONTROL_ROUNDS = 40

T = TypeVar("T")

LOCK_WAITS = """
select count(*) from pg_stat_activity
where datname = current_database() and application_name = 'greenroom' and wait_event_type = 'Lock'
"""


class Change(Struct, frozen=True):
    """One audit row."""

    version: int
    action: str
    changed: list[str]
    at: datetime


class Contest(Struct, frozen=True):
    """Where a race is run: a client that opens a connection for each request at once, a brand, the database behind."""

    http: httpx.AsyncClient
    tenant: Tenant
    database: TestDatabase

    async def read(self, session: Json) -> Json:
        """The session as it is now."""
        response = await self.http.get(f"/v1/sessions/{session['id']}", headers=self.tenant.bearer())
        assert response.status_code == 200, response.text
        found: Json = response.json()
        return found

    async def changes(self, session: Json) -> list[Change]:
        """The session's audit, in the order of its versions."""
        async with self.owner() as owner:
            rows = await owner.fetch(
                "select entity_version, action, changed, occurred_at from audit_log where entity_id = $1"
                " order by entity_version", UUID(session["id"]),
            )  # fmt: skip
        return [Change(*row) for row in rows]

    async def events(self, session: Json) -> list[str]:
        """The names of the session's events, in the order of its versions."""
        async with self.owner() as owner:
            rows = await owner.fetch(
                "select name from all_events_any_brand_v1() where session_id = $1 order by session_version, sequence",
                UUID(session["id"]),
            )
        return [row["name"] for row in rows]

    async def sessions(self) -> int:
        """How many sessions the brand has."""
        async with self.owner() as owner:
            return int(await owner.fetchval("select count(*) from sessions where brand_id = $1", self.tenant.brand))

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[Owner]:
        """The tables' owner."""
        connection = await asyncpg.connect(self.database.owner_url)
        try:
            yield connection
        finally:
            await connection.close()


async def at_once(*requests: Awaitable[httpx.Response]) -> list[httpx.Response]:
    """All of them at the same moment; their answers in the order given."""
    return list(await asyncio.gather(*requests))


async def until_wrong(rounds: int, race: Callable[[], Awaitable[list[str]]]) -> list[str]:
    """What is wrong after the first race that goes wrong."""
    for _ in range(rounds):
        if wrong := await race():
            return wrong
    return []


async def shown(race: Callable[[], Awaitable[T]], sign: Callable[[T], bool]) -> bool:
    """Whether one of many races shows the sign. A race without its lock is run until it goes wrong: on a machine that has much
    else to do a few may go well.
    """
    for _ in range(CONTROL_ROUNDS):
        if sign(await race()):
            return True
    return False


def statuses(answers: list[httpx.Response]) -> list[int]:
    """Their statuses, sorted."""
    return sorted(answer.status_code for answer in answers)
