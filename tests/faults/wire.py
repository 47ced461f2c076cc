"""A way to the database that is cut at a chosen statement: before it, after its COMMIT, or in between."""

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import msgspec

from tests.postgres import TestDatabase

SOCKET = ".s.PGSQL.5432"
PATIENCE_SECONDS = 30.0

# before: the statement never reaches the database. sent: it does, and nobody waits for its answer; the old backend goes on.
# after: it has committed, and the answer is lost. held: it waits until `go`.
Fate = Literal["passes", "before", "sent", "after", "held"]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Wire:
    """What lies between a service and its database. `fates` are of the next statements that contain `word`, in turn."""

    def __init__(self, database: TestDatabase, directory: Path, word: str) -> None:
        self.database = msgspec.structs.replace(
            database, service_url=f"{database.service_url.partition('?')[0]}?host={directory}"
        )
        self.fates: list[Fate] = []
        self.held = 0
        self.is_open = True
        self._word = word.encode()
        self._here = directory / SOCKET
        self._there = Path(parse_qs(urlsplit(database.service_url).query)["host"][0]) / SOCKET
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._listening: asyncio.Server | None = None
        self._go = asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        listening = asyncio.start_unix_server(self._serve, self._here)
        self._listening = asyncio.run_coroutine_threadsafe(listening, self._loop).result(PATIENCE_SECONDS)

    def stop(self) -> None:
        """Cut whatever there is, and be gone."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(PATIENCE_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_SECONDS)
        self._loop.close()

    def go(self) -> None:
        """Let the statement pass that is held."""
        self._loop.call_soon_threadsafe(self._go.set)

    def close(self) -> None:
        """The database is away, as far as the service can see."""
        self.is_open = False
        self._loop.call_soon_threadsafe(self._cut_all)

    def reset(self) -> None:
        """Nothing befalls anybody."""
        self.fates.clear()
        self.held, self.is_open = 0, True

    async def _end(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if self._listening is not None:
            self._listening.close()

    def _cut_all(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.is_open:
            writer.transport.abort()
            return
        there = await asyncio.open_unix_connection(self._there)
        self._open |= {writer, there[1]}
        call = Call(self, (reader, writer), there)
        ways = [asyncio.ensure_future(call.forth()), asyncio.ensure_future(call.back())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (writer, there[1]):
                end.transport.abort()
                self._open.discard(end)

    def fate_of(self, sql: bytes) -> Fate:
        """What befalls this statement."""
        return self.fates.pop(0) if self._word in sql and self.fates else "passes"

    async def hold(self) -> None:
        """Until `go`."""
        self._go.clear()
        self.held += 1
        await self._go.wait()


class Call:
    """One connection. PostgreSQL 18 documentation, chapters 54.2 and 54.7: a message is a type, a length, and a body."""

    def __init__(self, wire: Wire, here: Streams, there: Streams) -> None:
        self._wire = wire
        self._here = here
        self._there = there
        self._statements: dict[bytes, bytes] = {}
        self._fate: Fate = "passes"

    async def forth(self) -> None:
        """From the service to the database."""
        reader, writer = self._here[0], self._there[1]
        length = await reader.readexactly(4)  # the first message has no type
        writer.write(length + await reader.readexactly(int.from_bytes(length) - 4))
        while True:
            kind, message = await _message(reader)
            if kind == b"P":
                name, sql = message[5:].split(b"\0")[:2]
                self._statements[name] = sql
            elif kind == b"B":
                self._fate = self._wire.fate_of(self._statements.get(message[5:].split(b"\0")[1], b""))
                if self._fate == "held":
                    await self._wire.hold()
                if self._fate == "before":
                    raise ConnectionAbortedError
            writer.write(message)
            await writer.drain()
            if kind == b"S" and self._fate == "sent":
                self._here[1].transport.abort()
                await asyncio.Event().wait()  # until the old backend is done: see back()

    async def back(self) -> None:
        """From the database to the service."""
        reader, writer = self._there[0], self._here[1]
        while True:
            kind, message = await _message(reader)
            if self._fate in {"sent", "after"}:
                if kind == b"Z":  # ready for the next: what it was asked is committed
                    raise ConnectionAbortedError
            else:
                writer.write(message)


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Its type, and the whole of it."""
    head = await reader.readexactly(5)
    return head[:1], head + await reader.readexactly(int.from_bytes(head[1:]) - 4)


@contextmanager
def wire_to(database: TestDatabase, *, word: str) -> Iterator[Wire]:
    """A wire whose `database` is the same, seen through it."""
    directory = Path(tempfile.mkdtemp(prefix="greenroom-wire-"))  # a socket's path may not be long
    wire = Wire(database, directory, word)
    wire.start()
    try:
        yield wire
    finally:
        wire.stop()
        shutil.rmtree(directory)
