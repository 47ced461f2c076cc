"""Migrations: plain SQL in `greenroom/migrations`, applied by pogo under a lock, so that ten replicas may start at once."""

import asyncio
import getpass
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg

import greenroom
from greenroom.kit import queries
from greenroom.kit.database import UNREACHABLE

TURN_SECONDS = 0.1  # between two looks whether another replica is done

DIRECTORY = Path(greenroom.__file__).with_name("migrations")
_quiet = logging.getLogger("greenroom.migrate")
_quiet.setLevel(logging.ERROR)  # pogo warns of every migration that it applies


class MigrationError(Exception):
    """Why the schema could not be brought up to date, or looked at: one line that says what to do."""


def shipped() -> Sequence[str]:
    """The migrations of this release, in order."""
    return sorted(path.stem for path in DIRECTORY.glob("*.sql"))


async def pending(url: str) -> Sequence[str]:
    """Those of this release that the database lacks; a database that is ahead lacks none. Raises MigrationError."""
    async with _connection(url) as connection:
        applied = await _applied(connection)
    return [name for name in shipped() if name not in applied]


async def could_change_tables(url: str) -> bool:
    """Whether the role of this URL could change the tables themselves. Raises MigrationError."""
    async with _connection(url) as connection:
        return bool(await connection.fetchval(queries.COULD_CHANGE_TABLES))


def role_of(url: str) -> str:
    """The role that a database URL names; the user's own name where it names none, as libpq has it."""
    return unquote(urlsplit(url).username or getpass.getuser())


async def migrate(owner_url: str, *, service_role: str) -> Sequence[str]:
    """Apply what is pending as the owner, then grant the service its rights; answers the names that were applied.

    Raises MigrationError. Replicas that come at the same moment wait for the first and find nothing to do.
    """
    from pogo_core.error import BadMigrationError  # noqa: PLC0415  # slow to import, and seldom needed
    from pogo_core.util.migrate import apply  # noqa: PLC0415

    async with _connection(owner_url) as connection:
        if not await connection.fetchval(queries.ROLE_EXISTS, service_role):
            raise MigrationError(
                f'The role "{service_role}" of GREENROOM_DATABASE_URL does not exist; '
                f"create it with: create role \"{service_role}\" login password '...';"
            )
        while not await connection.fetchval(queries.TRY_LOCK_MIGRATIONS):  # noqa: ASYNC110  # another process's lock
            await asyncio.sleep(TURN_SECONDS)
        await connection.execute(queries.SET_LOCK_TIMEOUT)
        before = await _applied(connection)
        try:
            await apply(connection, DIRECTORY, schema_name=queries.SCHEMA, logger=_quiet)
            await connection.execute(queries.GRANT_SERVICE, service_role)
        except (BadMigrationError, asyncpg.PostgresError) as error:
            cause = error.__cause__ or error
            raise MigrationError(f"{error}: {cause}. Nothing of that migration remains; run it again.") from error
        after = await _applied(connection)
    return sorted(after - before)


async def _applied(connection: "asyncpg.Connection[Any]") -> frozenset[str]:
    try:
        if not await connection.fetchval(queries.HISTORY_EXISTS):
            return frozenset()
        return frozenset(row["migration_id"] for row in await connection.fetch(queries.APPLIED, queries.SCHEMA))
    except (asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedColumnError, asyncpg.UndefinedTableError):
        # Killed between the last migration and the grant, or another replica is making the history just now: in both
        # cases migrating, which waits for its turn, finds out what is left to do.
        return frozenset()


@asynccontextmanager
async def _connection(url: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (*UNREACHABLE, asyncpg.PostgresError, ValueError) as error:
        raise MigrationError(f"The database cannot be reached: {_reason(error)}") from error
    try:
        yield connection
    finally:
        await connection.close()


def _reason(error: BaseException) -> str:
    """What the driver says, in one line; a URL's password is not in it."""
    return (str(error) or type(error).__name__).splitlines()[0]
