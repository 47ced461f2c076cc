"""The pool of connections: one round trip at a time, a bounded wait, and the database's absence said as a 503.

Nothing outside `queries.py` calls `row`, `rows` or `value`.
"""

import asyncio
from typing import Any, Self

import asyncpg

from greenroom.kit.errors import Unavailable, ValidationFailed

# What asyncpg raises when the server is gone, going, coming, out of time, or has no room for one more connection.
UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.LockNotAvailableError,
)

# Beyond the server's own statement_timeout: for a network that swallows packets, where no answer comes at all.
SILENCE_SECONDS = 5.0

Row = asyncpg.Record


async def _keep_as_is(_connection: object) -> None:
    """asyncpg asks the server to reset every returned connection: a round trip that a program without session state saves."""


class Database:
    """A pool that answers or says why not, within a bounded time."""

    def __init__(self, pool: "asyncpg.Pool[Row]", *, wait_seconds: float) -> None:
        self._pool = pool
        self._wait = wait_seconds

    @classmethod
    async def open(cls, url: str, *, size: int, wait_seconds: float, statement_seconds: float) -> Self:
        """A pool of at most `size` connections, opened as they are needed: the database may be away just now."""
        pool = await asyncpg.create_pool(
            url,
            min_size=0,
            max_size=size,
            max_inactive_connection_lifetime=0,
            reset=_keep_as_is,
            command_timeout=statement_seconds + SILENCE_SECONDS,
            timeout=wait_seconds,
            server_settings={
                "application_name": "greenroom",
                "statement_timeout": str(int(statement_seconds * 1000)),
                "jit": "off",  # compiling a statement takes longer than any of ours runs
            },
        )
        return cls(pool, wait_seconds=wait_seconds)

    async def close(self) -> None:
        """Wait for what is under way, then close every connection."""
        try:
            await asyncio.wait_for(self._pool.close(), timeout=self._wait)
        except UNREACHABLE:
            self._pool.terminate()

    async def row(self, sql: str, *arguments: Any) -> Row | None:
        """The first row that the statement answers. Raises Unavailable, ValidationFailed."""
        try:
            connection = await self._pool.acquire(timeout=self._wait)
        except UNREACHABLE as error:
            raise Unavailable from error
        try:
            return await connection.fetchrow(sql, *arguments)
        except UNREACHABLE as error:
            raise Unavailable from error
        except asyncpg.DataError as error:
            raise ValidationFailed("The request holds a number or text that cannot be stored.") from error
        finally:
            await self._release(connection)

    async def rows(self, sql: str, *arguments: Any) -> list[Row]:
        """Every row that the statement answers. Raises Unavailable."""
        try:
            return await self._pool.fetch(sql, *arguments)
        except UNREACHABLE as error:
            raise Unavailable from error

    async def _release(self, connection: "asyncpg.pool.PoolConnectionProxy[Row]") -> None:
        try:
            await self._pool.release(connection)
        except UNREACHABLE:
            connection.terminate()
