"""The load of open pages: a client that does over HTTP what a session's page and its modules do in a browser."""

import asyncio
import math
import random
import re
import time
from collections.abc import Sequence

from msgspec import Struct

from bench.tools import BenchError

LINE = 1024 * 1024  # octets of the longest event that is read
CAME_SECONDS = 60.0
SEEN_SECONDS = 30.0
# As session.js: what the server says in words is asked for so soon after what was heard, each page at a moment of its own.
ON_ME, ON_SESSION = 0.3, 3.0

_ASSET = re.compile(rb'(?:href|src)="(/static/[^"]+)"')
_IMPORT = re.compile(rb'^import .* from "\./([a-z_]+\.js)";', re.MULTILINE)
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_TICKET = re.compile(rb"\r\nset-cookie: (greenroom_stream=[^;\r\n]+)", re.IGNORECASE)


class Answer(Struct, frozen=True):
    """An answer's head, with the empty line, and its body."""

    head: bytes
    body: bytes


class Place(Struct, frozen=True):
    """The session's page on a server."""

    port: int
    session: str


class Client:
    """What all pages share: where they are, and what they found out. Times in milliseconds."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.openings: list[float] = []  # from the first request to the snapshot
        self.octets: list[int] = []  # of the page and all that it needs, with heads
        self.looks: list[float] = []  # for /now
        self.changes: list[float] = []  # when each was seen, by the clock of time.perf_counter
        self.lost = 0


class OpenPage:
    """Somebody's page, opened with nothing kept from before; it stays until it is closed."""

    def __init__(self, client: Client, token: str) -> None:
        self._client = client
        self._cookies = f"greenroom={token}; greenroom_zone=Europe/Berlin"
        self._page = f"/s/{client.place.session}"
        self._has_snapshot = asyncio.Event()
        self._planned: asyncio.TimerHandle | None = None
        self._looking: set[asyncio.Task[None]] = set()
        self._reading: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """The page, its style sheets and modules, then its stream. Raises BenchError."""
        begun = time.perf_counter()
        reader, writer = await self._connected()
        page = await self._get(reader, writer, self._page)
        octets = await self._assets(reader, writer, page) + len(page.head) + len(page.body)
        writer.close()
        ticket = _TICKET.search(page.head)
        if ticket is None:
            raise BenchError("the page brought no ticket for its stream")
        await self._listen(ticket[1].decode())
        await asyncio.wait_for(self._has_snapshot.wait(), CAME_SECONDS)
        self._client.openings.append((time.perf_counter() - begun) * 1000)
        self._client.octets.append(octets)

    async def close(self) -> None:
        """Leave."""
        if self._planned is not None:
            self._planned.cancel()
        waits = [task for task in (self._reading, *self._looking) if task is not None]
        for task in waits:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()

    async def _assets(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, page: Answer) -> int:
        """All of them, and what they import; answers their octets."""
        wanted = list(dict.fromkeys(_ASSET.findall(page.body)))
        octets = 0
        for path in wanted:  # which grows
            answer = await self._get(reader, writer, path.decode())
            octets += len(answer.head) + len(answer.body)
            beside = path.rpartition(b"/")[0]
            found = [beside + b"/" + name for name in _IMPORT.findall(answer.body)]
            wanted += [each for each in dict.fromkeys(found) if each not in wanted]
        return octets

    async def _listen(self, ticket: str) -> None:
        reader, self._writer = await self._connected()
        self._writer.write(
            f"GET /v1/sessions/{self._client.place.session}/stream HTTP/1.1\r\nHost: {self._host}\r\n"
            f"Accept: text/event-stream\r\nCookie: {self._cookies}; {ticket}\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise BenchError(f"the stream was answered {head[:200].decode(errors='replace')}")
        self._reading = asyncio.create_task(self._read(reader))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            if line.startswith(b"event: "):
                self._heard(line.removeprefix(b"event: ").strip())
        self._client.lost += 1

    def _heard(self, name: bytes) -> None:
        match name:
            case b"snapshot":
                self._has_snapshot.set()
                self._look_within(ON_SESSION)
            case b"me":
                self._look_within(ON_ME)
            case b"session":
                self._client.changes.append(time.perf_counter())
                self._look_within(ON_SESSION)
            case _:
                pass

    def _look_within(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        at = loop.time() + random.random() * seconds
        if self._planned is not None:
            if self._planned.when() <= at:
                return
            self._planned.cancel()
        self._planned = loop.call_at(at, self._look_now)

    def _look_now(self) -> None:
        self._planned = None
        task = asyncio.create_task(self._look())
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _look(self) -> None:
        begun = time.perf_counter()
        reader, writer = await self._connected()
        await self._get(reader, writer, f"{self._page}/now", accept="application/json")
        writer.close()
        self._client.looks.append((time.perf_counter() - begun) * 1000)

    @property
    def _host(self) -> str:
        return f"127.0.0.1:{self._client.place.port}"

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._client.place.port, limit=LINE)

    async def _get(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, *, accept: str = "text/html"
    ) -> Answer:
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\nAccept: {accept}\r\nCookie: {self._cookies}\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not head.startswith(b"HTTP/1.1 200") or length is None:
            raise BenchError(f"{path} was answered {head[:200].decode(errors='replace')}")
        return Answer(head, await reader.readexactly(int(length[1])))


async def opened(client: Client, tokens: Sequence[str], *, per_second: int) -> list[OpenPage]:
    """A page for each, so many a second, whether or not those before are there yet. Raises BenchError."""
    pages = [OpenPage(client, token) for token in tokens]
    begun = time.perf_counter()

    async def arrive(number: int, page: OpenPage) -> None:
        await asyncio.sleep(max(0.0, begun + number / per_second - time.perf_counter()))
        await page.open()

    await asyncio.gather(*(arrive(number, page) for number, page in enumerate(pages)))
    await until(client.looks, len(pages), what="every page asks how things are")
    return pages


async def until(noted: Sequence[float], wanted: int, *, what: str) -> None:
    """Return when so many are noted. Raises BenchError when they are not for too long."""
    deadline = time.perf_counter() + SEEN_SECONDS
    while len(noted) < wanted:
        if time.perf_counter() > deadline:
            raise BenchError(f"after {SEEN_SECONDS:.0f} s it is still not so that {what}")
        await asyncio.sleep(0.02)


def at(numbers: Sequence[float], share: float) -> float:
    """The percentile."""
    ordered = sorted(numbers)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
