"""The PostgreSQL that all contenders use: started, migrated, seeded, counted, and made equal again between runs."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
from msgspec import Struct

from bench.seed import EDITED, LISTED, LISTED_REGISTRATIONS
from bench.tools import BenchError
from greenroom.kit.embedded import Lease
from greenroom.kit.embedded.layout import SUPERUSER, Layout
from greenroom.kit.migrate import migrate, role_of

T = TypeVar("T")

SETTLE_SECONDS, SETTLE_ATTEMPTS = 0.2, 100

# Runs start alike: what the last one left is gone (as a replica, so that the append-only trigger does not see it), dead
# rows are cleaned up, and no checkpoint is due.
FRESHEN = (
    "set session_replication_role = replica",
    "truncate audit_log, outbox, events, timers",
    "vacuum analyze sessions",
    "vacuum analyze registrations",
    "checkpoint",
)

COUNT = """
select (select sum(version) from sessions) as versions,
    (select count(*) from audit_log) as audited,
    (select count(*) from outbox where name = 'live.session.updated.v1') as updated,
    (select count(*) from outbox where name = 'live.session.rescheduled.v1') as rescheduled,
    (select count(*) from audit_log where 'scheduled_at' = any (changed)) as audited_rescheduled
"""


class Traces(Struct, frozen=True):
    """What changes have left behind since the last `freshen`."""

    versions: int
    audited: int
    updated: int
    rescheduled: int
    audited_rescheduled: int


class BenchDatabase:
    """A migrated and seeded database. The harness's own statements come as the superuser."""

    def __init__(self, data_dir: Path, lease: Lease) -> None:
        self.service_url = lease.service_url
        self.owner_url = lease.owner_url
        self._url = Layout(data_dir).url(SUPERUSER)

    @property
    def socket_directory(self) -> str:
        """Where PostgreSQL's socket lies."""
        return parse_qs(urlsplit(self.service_url).query)["host"][0]

    @property
    def user(self) -> str:
        """The service's role."""
        return role_of(self.service_url)

    @property
    def password(self) -> str:
        """The service's password."""
        return unquote(urlsplit(self.service_url).password or "")

    @property
    def name(self) -> str:
        """The database."""
        return urlsplit(self.service_url).path.lstrip("/")

    def prepare_empty(self) -> None:
        """Migrate."""
        asyncio.run(migrate(self.owner_url, service_role=self.user))

    def prepare(self) -> None:
        """Migrate and seed: the sessions that are read and changed, and a brand whose sessions are listed."""
        self.prepare_empty()
        self.execute(EDITED)
        asyncio.run(self._seed_lists(brands=1))

    def prepare_lists(self, *, brands: int) -> None:
        """Migrate, and seed nothing but brands whose sessions are listed, 1,000 each."""
        self.prepare_empty()
        asyncio.run(self._seed_lists(brands=brands))
        self.freshen()

    def freshen(self) -> None:
        """Make the next run start as the last one did."""
        self.execute(*FRESHEN)

    def traces(self) -> Traces:
        """What changes have left behind."""
        row = self.row(COUNT)
        return Traces(**{name: int(value) for name, value in row.items()})

    def settled(self) -> Traces:
        """What changes have left behind, once those that nobody waits for any more have ended too. Raises BenchError."""
        return at_rest(self.traces)

    def version(self) -> str:
        """PostgreSQL's own."""
        return str(self.row("show server_version")[0])

    def arguments_of(self, function: str) -> list[str]:
        """The names of a function's arguments, in order."""
        row = self.row("select proargnames[:pronargs] from pg_proc where proname = $1", function)
        return [str(name) for name in row[0]]

    def execute(self, *statements: str) -> None:
        """One after the other, as the superuser."""
        asyncio.run(self._execute(statements))

    def row(self, statement: str, *arguments: object) -> "asyncpg.Record":
        """The first row, which is there."""
        return next(iter(self.rows(statement, *arguments)))

    def rows(self, statement: str, *arguments: object) -> "list[asyncpg.Record]":
        """All rows."""
        return asyncio.run(self._rows(statement, arguments))

    async def _seed_lists(self, *, brands: int) -> None:
        connection: asyncpg.Connection[Any] = await asyncpg.connect(self._url)
        try:
            await connection.execute("set session_replication_role = replica")  # a million foreign keys need no check
            await connection.execute(LISTED, brands)
            await connection.execute(LISTED_REGISTRATIONS)
        finally:
            await connection.close()

    async def _execute(self, statements: tuple[str, ...]) -> None:
        connection: asyncpg.Connection[Any] = await asyncpg.connect(self._url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def _rows(self, statement: str, arguments: tuple[object, ...]) -> "list[asyncpg.Record]":
        connection: asyncpg.Connection[Any] = await asyncpg.connect(self._url)
        try:
            return list(await connection.fetch(statement, *arguments))
        finally:
            await connection.close()


def at_rest(read: Callable[[], T]) -> T:
    """What is read once it no longer changes. Raises BenchError."""
    last = read()
    for _ in range(SETTLE_ATTEMPTS):
        time.sleep(SETTLE_SECONDS)
        if (now := read()) == last:
            return now
        last = now
    raise BenchError("the database did not come to rest after a run")


@contextmanager
def empty_directory() -> Iterator[Path]:
    """A directory on a disk, gone afterwards: /tmp may be memory, where a commit costs nothing."""
    on_disk = Path("/var/tmp")  # noqa: S108  # the directory made in it is ours alone
    directory = Path(tempfile.mkdtemp(prefix="greenroom-bench-", dir=on_disk if on_disk.is_dir() else None))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def bench_database() -> Iterator[BenchDatabase]:
    """PostgreSQL of its own for one run of the harness, seeded."""
    with _new_database() as database:
        database.prepare()
        yield database


@contextmanager
def empty_database() -> Iterator[BenchDatabase]:
    """Another one, with our tables and nothing in them."""
    with _new_database() as database:
        database.prepare_empty()
        yield database


@contextmanager
def lists_database(*, brands: int) -> Iterator[BenchDatabase]:
    """Another one, with brands of 1,000 sessions each and nothing else."""
    with _new_database() as database:
        database.prepare_lists(brands=brands)
        yield database


@contextmanager
def _new_database() -> Iterator[BenchDatabase]:
    """With fsync and everything else as `greenroom serve` starts it."""
    with empty_directory() as data_dir:
        lease = asyncio.run(Lease.take(data_dir))
        try:
            yield BenchDatabase(data_dir, lease)
        finally:
            asyncio.run(lease.close())
