"""What stands between a browser and the service: a page, what the page reports, and a way to the service that can be cut."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from tests.tenant import Json

PAGE = Path(__file__).with_name("watching.html")
PATIENCE_SECONDS = 30.0
HEAD_END = b"\r\n\r\n"

_report_in = msgspec.json.Decoder(Json).decode


class Front:
    """Answers `/` with the page and takes its reports at `/report`; whatever else is asked goes to the service as it is."""

    def __init__(self, service_port: int) -> None:
        self.service_port = service_port
        self.asked: list[str] = []  # the heads of the requests that went to the service
        self.last: Json = {}
        self._told = asyncio.Condition()
        self._open: set[asyncio.StreamWriter] = set()
        self._listening: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it listens: the page's origin."""
        if self._listening is None:
            raise AssertionError("nobody listens yet")
        return f"http://127.0.0.1:{self._listening.sockets[0].getsockname()[1]}"

    async def listen(self) -> None:
        """On a free port."""
        self._listening = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def close(self) -> None:
        """Cut whatever there is, and be gone."""
        if self._listening is not None:
            self._listening.close()
        self.cut()

    def cut(self) -> None:
        """Every connection to the service breaks."""
        for writer in list(self._open):
            writer.transport.abort()

    def heads_of(self, path: str) -> list[str]:
        """The heads of the requests for this path."""
        return [head for head in self.asked if head.split(" ", 2)[1].partition("?")[0] == path]

    async def report_of(self, is_it: Callable[[Json], bool]) -> Json:
        """The page's first report from now on of which this is true."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._told:
                await self._told.wait_for(lambda: bool(self.last) and is_it(self.last))
        except TimeoutError:
            raise AssertionError(f"the page did not come that far: {self.last}") from None
        return self.last

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(HEAD_END)
            path = head.split(b" ", 2)[1].partition(b"?")[0]
            if path == b"/":
                await _answer(writer, PAGE.read_bytes(), kind="text/html; charset=utf-8")
            elif path == b"/report":
                await self._take(await reader.readexactly(_length_in(head)))
                await _answer(writer, b"", kind="text/plain")
            else:
                await self._pass_on(_closing(head), reader, writer)
        writer.close()

    async def _take(self, body: bytes) -> None:
        async with self._told:
            self.last = _report_in(body)
            self._told.notify_all()

    async def _pass_on(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(head.decode("latin-1"))
        from_service, to_service = await asyncio.open_connection("127.0.0.1", self.service_port)
        self._open |= {writer, to_service}
        to_service.write(head)
        ways = [asyncio.ensure_future(_copy(reader, to_service)), asyncio.ensure_future(_copy(from_service, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._open -= {writer, to_service}
            to_service.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while octets := await reader.read(65_536):
        writer.write(octets)
        await writer.drain()


async def _answer(writer: asyncio.StreamWriter, body: bytes, *, kind: str) -> None:
    writer.write(
        f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body
    )
    await writer.drain()


def _closing(head: bytes) -> bytes:
    """The head of a request after which its connection asks for nothing more: the next may be for the page."""
    lines = [line for line in head.removesuffix(HEAD_END).split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*lines, b"connection: close"]) + HEAD_END


def _length_in(head: bytes) -> int:
    lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    return int(lengths[0]) if lengths else 0


@asynccontextmanager
async def front_of(service_port: int = 0) -> AsyncIterator[Front]:
    """A front that listens; the port of the service may be said later."""
    front = Front(service_port)
    await front.listen()
    try:
        yield front
    finally:
        await front.close()
