"""What lies between Greenroom and NATS: it hears each publish, can lose one, or keep the answers back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal

from msgspec import Struct

POSITION = b"Greenroom-Position: "
LINE_END = b"\r\n"
LARGEST_READ = 65_536


class Overheard(Struct, frozen=True):
    """Something that was done on a connection; `position` is that of the event that was published."""

    connection: int
    act: Literal["published", "closed"]
    position: int = 0


class Wiretap:
    """`lost`: positions whose next publish never arrives. While `answers` is not set, NATS is not heard."""

    def __init__(self, url: str) -> None:
        self.overheard: list[Overheard] = []
        self.lost: set[int] = set()
        self.answers = asyncio.Event()
        self.answers.set()
        self.url = ""
        self._port = int(url.rpartition(":")[2])
        self._connections = 0
        self._carriers: set[asyncio.Task[None]] = set()

    def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin to carry one connection."""
        self._connections += 1
        carrier = asyncio.create_task(self._carry(self._connections, reader, writer))
        self._carriers.add(carrier)
        carrier.add_done_callback(self._carriers.discard)

    async def cut(self) -> None:
        """Close every connection."""
        for carrier in self._carriers:
            carrier.cancel()
        await asyncio.gather(*self._carriers, return_exceptions=True)

    def published_on(self, connection: int) -> list[int]:
        """What was published on a connection, counted from 1; in order."""
        return [one.position for one in self.overheard if (one.connection, one.act) == (connection, "published")]

    async def _carry(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", self._port)
        ways = [
            asyncio.ensure_future(self._forth(number, reader, there[1])),
            asyncio.ensure_future(self._back(there[0], writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.overheard.append(Overheard(number, "closed"))
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (writer, there[1]):
                end.transport.abort()

    async def _forth(self, number: int, reader: asyncio.StreamReader, there: asyncio.StreamWriter) -> None:
        """Docs of NATS, client protocol: `HPUB subject reply header-octets all-octets`, a line's end, header and payload."""
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                message = line = await reader.readuntil(LINE_END)
                if line.startswith((b"PUB ", b"HPUB ")):
                    message += await reader.readexactly(int(line.split()[-1]) + len(LINE_END))
                if POSITION in message:
                    position = int(message.partition(POSITION)[2].partition(LINE_END)[0])
                    self.overheard.append(Overheard(number, "published", position))
                    if position in self.lost:
                        self.lost.remove(position)
                        continue
                there.write(message)

    async def _back(self, reader: asyncio.StreamReader, here: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while said := await reader.read(LARGEST_READ):
                await self.answers.wait()
                here.write(said)


@asynccontextmanager
async def wiretapped(url: str) -> AsyncIterator[Wiretap]:
    """A way to that NATS which is listened to."""
    tap = Wiretap(url)
    serving = await asyncio.start_server(tap.take, "127.0.0.1", 0)
    tap.url = f"nats://127.0.0.1:{serving.sockets[0].getsockname()[1]}"
    try:
        yield tap
    finally:
        serving.close()
        await tap.cut()
