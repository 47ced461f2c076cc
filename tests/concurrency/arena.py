"""A database whose locks can be taken away, so that a race which they prevent can be seen."""

import re
from itertools import cycle

import asyncpg
import httpx
from msgspec import Struct

from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, Server

# The one who edits dawdles longer than the one who ends: without the lock the edit then falls after the end.
EDIT_PAUSE_SECONDS = 0.06
MOVE_PAUSE_SECONDS = 0.02
KEY_PAUSE_SECONDS = 0.06

LOCK = re.compile(r"for no key update( skip locked)?;")
EDIT_LOCK = re.compile(r" for no key update( skip locked)?")
JUDGED = "else 'updated' end as outcome"  # after everything was read, and before anything is written
KEY_LOCK = "pg_try_advisory_xact_lock(p_lock)"


class Arena(Struct, frozen=True):
    """Two servers on a scratch database: the edits that come to one at the same moment share a transaction."""

    database: TestDatabase
    servers: tuple[Server, Server]

    def client(self, *, first: int = 0) -> httpx.AsyncClient:
        """A client whose requests go to one server and the other in turn."""
        ports = [server.port for server in self.servers]
        transport = InTurn(ports[first % 2 :] + ports[: first % 2])
        return httpx.AsyncClient(verify=AUTHORITIES, base_url=self.servers[0].url, timeout=30, transport=transport)


class InTurn(httpx.AsyncHTTPTransport):
    """Sends one request to one port, the next to the next."""

    def __init__(self, ports: list[int]) -> None:
        super().__init__()
        self._ports = cycle(ports)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(port=next(self._ports))
        return await super().handle_async_request(request)


class Functions(Struct, frozen=True):
    """The source of the functions that lock, as the migrations made them."""

    update: str
    move: str
    claim: str

    def as_made(self) -> list[str]:
        """To be put back."""
        return [self.update, self.move, self.claim]

    def widened(self, *, locked: bool) -> list[str]:
        """The same functions with a pause after what they read; with their locks, or without.

        An edit also writes back what it read: with the lock that is the row as it is, without it a memory of it.
        """
        return [
            _slow_to_edit(self.update, locked=locked),
            _paused(self.move, MOVE_PAUSE_SECONDS, locked=locked),
            self.slow_to_claim(locked=locked),
        ]

    def slow_to_claim(self, *, locked: bool) -> str:
        """An idempotency key that is claimed with a pause after it was looked up."""
        slow = _replaced(self.claim, "answer := kept.answer;", f"answer := kept.answer; perform pg_sleep({KEY_PAUSE_SECONDS});")
        return slow if locked else _replaced(slow, KEY_LOCK, "true")


async def functions_of(database: TestDatabase) -> Functions:
    """The functions as they are in the database."""
    owner = await asyncpg.connect(database.owner_url)
    try:
        sources = [
            str(await owner.fetchval("select pg_get_functiondef($1::regproc)", name))
            for name in ("update_sessions_v1", "move_session_v1", "claim_idempotency_key_v1")
        ]
    finally:
        await owner.close()
    return Functions(*sources)


async def replace_functions(database: TestDatabase, sources: list[str]) -> None:
    """Put these in the place of those that are there."""
    owner = await asyncpg.connect(database.owner_url)
    try:
        for source in sources:
            await owner.execute(source)
    finally:
        await owner.close()


def _paused(source: str, seconds: float, *, locked: bool) -> str:
    if not LOCK.search(source):
        raise AssertionError("the function locks no row")
    return LOCK.sub(lambda lock: f"{lock[0] if locked else ';'} perform pg_sleep({seconds});", source)


def _slow_to_edit(source: str, *, locked: bool) -> str:
    slow = _replaced(
        source, JUDGED, f"else case when pg_sleep({EDIT_PAUSE_SECONDS})::text is not null then 'updated' end end as outcome"
    )
    if not EDIT_LOCK.search(slow):
        raise AssertionError("the function locks no row")
    return slow if locked else EDIT_LOCK.sub("", slow)


def _replaced(source: str, old: str, new: str) -> str:
    if source.count(old) != 1:
        raise AssertionError(f"expected one {old!r} in the function")
    return source.replace(old, new)
