"""Waiting for what will be true, and holding a row so that a request waits for it."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

from tests.postgres import Owner, TestDatabase
from tests.tenant import Json

PATIENCE_SECONDS = 30.0
LOOK_SECONDS = 0.02

WAITING = """
select pid from pg_stat_activity
where datname = current_database() and application_name = 'greenroom' and wait_event_type = 'Lock'
"""


class HeldRow:
    """A session's row that somebody else has locked."""

    def __init__(self, holder: Owner) -> None:
        self._holder = holder

    async def waiting(self) -> list[int]:
        """The backends of the service that stand before a lock."""
        return await waiting_backends(self._holder)

    async def awaited(self) -> None:
        """Return when a request stands before it."""
        await eventually(self.waiting, "a request waits for the row")

    async def cut(self) -> None:
        """End the connections of those who wait."""
        for pid in await self.waiting():
            await self._holder.execute("select pg_terminate_backend($1)", pid)

    @asynccontextmanager
    async def silenced(self) -> AsyncIterator[None]:
        """Those who wait are stopped, and neither answer nor end meanwhile: so is a network that swallows packets."""
        stopped = await self.waiting()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def held_row(database: TestDatabase, session: Json) -> AsyncIterator[HeldRow]:
    """The session's row is locked meanwhile."""
    holder = await asyncpg.connect(database.superuser_url)  # who else sees what others wait for
    try:
        await holder.execute("begin")
        await holder.execute("select from sessions where id = $1 for update", UUID(session["id"]))
        yield HeldRow(holder)
        if not holder.is_closed():
            await holder.execute("commit")
    finally:
        holder.terminate()


@asynccontextmanager
async def held_before_commit(database: TestDatabase) -> AsyncIterator[Owner]:
    """Who changes something meanwhile has its row locked, and then waits for the outbox; the relay looks on, and does not."""
    holder = await asyncpg.connect(database.superuser_url)
    try:
        await holder.execute("begin; select from relay for update; lock table outbox in share mode")
        yield holder
        await holder.execute("commit")
    finally:
        holder.terminate()


async def waiting_backends(watcher: Owner) -> list[int]:
    """The backends of the service that stand before a lock."""
    await watcher.execute("select pg_stat_clear_snapshot()")  # a transaction would not see who connected after its first look
    return [row["pid"] for row in await watcher.fetch(WAITING)]


async def eventually(condition: Callable[[], Awaitable[object]], what: str, *, seconds: float = PATIENCE_SECONDS) -> None:
    """Return when the condition holds; fail when it has not within the time."""
    deadline = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        await asyncio.sleep(LOOK_SECONDS)
