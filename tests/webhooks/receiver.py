"""An endpoint in this process: it keeps what it is sent, and answers as the test says."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from msgspec import Struct

from tests.faults.waiting import eventually

HEAD_END = b"\r\n\r\n"


class Received(Struct, frozen=True):
    """A request as it came: its header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The webhook-id."""
        return self.headers["webhook-id"]

    @property
    def message(self) -> dict[str, Any]:
        """The body."""
        read: dict[str, Any] = json.loads(self.body)
        return read

    @property
    def type(self) -> str:
        """What the body says that it is."""
        return str(self.message["type"])


class Receiver:
    """`status` and `headers` of every answer, its body, how many requests fail first, how long each takes."""

    def __init__(self) -> None:
        self.port = 0
        self.status = 204
        self.headers: dict[str, str] = {}
        self.body = b""
        self.failures = 0
        self.delay = 0.0
        self.gate: asyncio.Event | None = None
        self.arrived: list[Received] = []
        self.received: list[Received] = []
        self.connections = 0
        self.read_octets = 0
        self.at_once = 0
        self.most_at_once = 0

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/hook?from=greenroom"

    @property
    def types(self) -> list[str]:
        """What has been received, in order."""
        return [one.type for one in self.received]

    async def has_received(self, count: int) -> list[Received]:
        """Return when so many have been answered."""

        async def has() -> bool:
            return len(self.received) >= count

        await eventually(has, f"{count} webhooks are received")
        return self.received

    async def has_arrivals(self, count: int) -> None:
        """Return when so many have been read, answered or not."""

        async def has() -> bool:
            return len(self.arrived) >= count

        await eventually(has, f"{count} webhooks arrive")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = await _read(reader)
                self.arrived.append(request)
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                try:
                    await self._answer(request, writer)
                finally:
                    self.at_once -= 1
        writer.close()

    async def _answer(self, request: Received, writer: asyncio.StreamWriter) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.delay:
            await asyncio.sleep(self.delay)
        status = self.status
        if self.failures > 0:
            self.failures -= 1
            status = 500
        self.received.append(request)
        writer.write(_head(status, {**self.headers, "content-length": str(len(self.body))}))
        for begin in range(0, len(self.body), 4096):
            writer.write(self.body[begin : begin + 4096])
            await writer.drain()
            self.read_octets = begin + 4096
        await writer.drain()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver that listens meanwhile."""
    receiver = Receiver()
    async with AsyncListener(receiver):
        yield receiver


class AsyncListener:
    """Listens on a free port of the loopback, and hangs up in the end."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._receiver.port)
        self._receiver.port = self._server.sockets[0].getsockname()[1]

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._receiver.serve(reader, writer)
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(HEAD_END)).decode("latin-1").rstrip("\r\n")
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    method, path, _ = first.split(" ")
    return Received(method, path, headers, await reader.readexactly(int(headers["content-length"])))


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode()
