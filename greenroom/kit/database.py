"""The connections of one worker: a bounded number, a bounded wait, and the database's absence said as a 503.

Nothing outside `queries.py` calls `row` or `rows`. asyncpg has a pool too; what it does around each statement (two timers,
a task to give the connection back, a round trip to reset it) took as long as our statement itself: docs/decisions/0004.
"""

import asyncio
from collections import deque
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
Connection = asyncpg.Connection  # generic in the stubs alone


class Database:
    """Connections that are opened when they are needed and kept; the last one returned is the first one used."""

    def __init__(self, url: str, *, size: int, wait_seconds: float, statement_seconds: float) -> None:
        self._url = url
        self._size = size
        self._wait = wait_seconds
        self._silence = statement_seconds + SILENCE_SECONDS
        self._settings = {
            "application_name": "greenroom",
            "statement_timeout": str(int(statement_seconds * 1000)),
            "timezone": "UTC",  # times come as text, which greenroom.kit.clock.wire_text reads
            "datestyle": "ISO",
            "jit": "off",  # compiling a statement takes longer than any of ours runs
        }
        self._idle: list[Connection[Row]] = []
        self._opened = 0
        self._waiting: deque[asyncio.Future[Connection[Row] | None]] = deque()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection that is not in use; those in use are closed when they come back."""
        self._size = 0
        while self._idle:
            connection = self._idle.pop()
            try:
                await connection.close(timeout=self._wait)
            except UNREACHABLE:
                connection.terminate()

    async def row(self, sql: str, *arguments: Any) -> Row | None:
        """The first row that the statement answers. Raises Unavailable, ValidationFailed."""
        connection = self._idle_one() or await self._connection()
        try:
            return await connection.fetchrow(sql, *arguments)
        except BaseException as error:
            raise _said_as_ours(error, connection) from error
        finally:
            self._give_back(connection)

    async def rows(self, sql: str, *arguments: Any) -> list[Row]:
        """Every row that the statement answers. Raises Unavailable, ValidationFailed."""
        connection = self._idle_one() or await self._connection()
        try:
            return await connection.fetch(sql, *arguments)
        except BaseException as error:
            raise _said_as_ours(error, connection) from error
        finally:
            self._give_back(connection)

    def _idle_one(self) -> "Connection[Row] | None":
        """The connection that came back last; those that died meanwhile are forgotten."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._forget_one()
        return None

    async def _connection(self) -> "Connection[Row]":
        """A new connection while there may be more, else the next that comes back. Raises Unavailable."""
        deadline = asyncio.get_running_loop().time() + self._wait
        while self._opened >= self._size:
            turn: asyncio.Future[Connection[Row] | None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                async with asyncio.timeout_at(deadline):
                    returned = await turn
            except (TimeoutError, asyncio.CancelledError) as error:
                self._pass_on(turn)
                if isinstance(error, TimeoutError):
                    raise Unavailable("Every database connection is busy; try again.") from error
                raise
            if returned is not None:
                return returned
        return await self._open()

    async def _open(self) -> "Connection[Row]":
        self._opened += 1
        connection: Connection[Row] | None = None
        try:
            connection = await asyncpg.connect(
                self._url, timeout=self._wait, command_timeout=self._silence, server_settings=self._settings
            )
            await connection.set_type_codec("timestamptz", schema="pg_catalog", encoder=str, decoder=str, format="text")
        except BaseException as error:
            if connection is not None:
                connection.terminate()
            self._forget_one()
            if isinstance(error, (*UNREACHABLE, asyncpg.PostgresError)):
                raise Unavailable from error
            raise
        return connection

    def _give_back(self, connection: "Connection[Row]") -> None:
        if connection.is_closed():
            self._forget_one()
        elif self._opened > self._size:
            connection.terminate()
            self._forget_one()
        elif not self._hand_over(connection):
            self._idle.append(connection)

    def _forget_one(self) -> None:
        """There is room for a new connection: whoever waits first may open it."""
        self._opened -= 1
        self._hand_over(None)

    def _pass_on(self, turn: "asyncio.Future[Connection[Row] | None]") -> None:
        """What came in the moment in which its waiter gave up belongs to the next."""
        if turn.done() and not turn.cancelled():
            returned = turn.result()
            if returned is None:
                self._hand_over(None)
            else:
                self._give_back(returned)

    def _hand_over(self, connection: "Connection[Row] | None") -> bool:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return True
        return False


def _said_as_ours(error: BaseException, connection: "Connection[Row]") -> BaseException:
    """The error that the caller is told; a connection in an unknown state is not used again."""
    match error:
        case asyncpg.DataError():
            return ValidationFailed("The request holds a number or text that cannot be stored.")
        case _ if isinstance(error, UNREACHABLE):
            if not isinstance(error, asyncpg.PostgresError):
                connection.terminate()
            return Unavailable()
        case asyncio.CancelledError():
            connection.terminate()
    return error
