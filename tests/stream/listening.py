"""A client of the live stream: reads Server-Sent Events off a socket of its own, and keeps what it knows by them."""

import asyncio
import json
import re
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal

from msgspec import Struct

from tests.tenant import Json

PATIENCE_SECONDS = 30.0
LINE_END = re.compile(rb"\r\n|\n|\r")  # HTML standard, section 9.2.5
SMALL_BUFFER = 4096

Ending = Literal["properly", "cut"]


class Told(Struct, frozen=True):
    """One event. `id` is None where the event itself named none; `at` is the monotonic clock's."""

    name: str
    data: Any
    id: str | None
    at: float


class Known:
    """What a client knows by what it was told, as the events' documentation says to keep it."""

    def __init__(self) -> None:
        self.session: Json = {}
        self.questions: dict[str, Json] = {}
        self.pinned: str | None = None
        self.watching = 0
        self.has_more = False
        self.me: Json = {}

    def hear(self, name: str, data: Any) -> None:
        """Keep what an event says."""
        match name:
            case "snapshot":
                self.session, self.pinned = data["session"], data["pinned_question_id"]
                self.watching, self.has_more = data["watching"], data["has_more"]
                self.questions = {one["id"]: one for one in data["questions"]}
            case "me":
                self.me = data
            case "session":
                self.session = data
            case "question":
                self._hear_of_question(data["question_id"], data["question"])
            case "votes":
                self._hear_of_votes(data["counts"])
            case "pin":
                self.pinned = data["question_id"]
            case "presence":
                self.watching = data["watching"]
            case _:
                raise AssertionError(f"an event that no client knows: {name}")

    @property
    def state(self) -> Json:
        """All of it but the numbers of those who watch: two who know the same know the same state."""
        return {"session": self.session, "questions": self.questions, "pinned": self.pinned, "me": self.me}

    @property
    def shared(self) -> Json:
        """What is not this person's alone."""
        return {"session": self.session, "questions": self.questions, "pinned": self.pinned}

    def bodies(self) -> set[str]:
        """What the questions ask."""
        return {one["body"] for one in self.questions.values()}

    def _hear_of_votes(self, counts: dict[str, int]) -> None:
        def counted(one: Json) -> Json:
            return {**one, "vote_count": counts.get(one["id"], one["vote_count"])}

        self.questions = {name: counted(one) for name, one in self.questions.items()}
        self.me = {**self.me, "questions": [counted(one) for one in self.me.get("questions", [])]}

    def _hear_of_question(self, name: str, question: Json | None) -> None:
        if question is None or question["status"] == "dismissed":  # moderators are told it once, and no snapshot has it
            self.questions.pop(name, None)
        else:
            self.questions[name] = question


class Listener:
    """One connection. It reads by itself, unless it is told to rest."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.events: list[Told] = []
        self.writes: list[float] = []  # when each chunk with events came: the server writes whole frames
        self.comments = 0
        self.retry: int | None = None
        self.last_id: str | None = None  # what a browser would send to resume
        self.known = Known()
        self.ending: Ending | None = None
        self.octets = bytearray()  # the body as it came
        self._reader = reader
        self._writer = writer
        self._lines = bytearray()
        self._fields: list[tuple[bytes, bytes]] = []
        self._moved = asyncio.Condition()
        self._reads = asyncio.Event()
        self._reads.set()

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for one, value in self.headers if one == name.lower()), None)

    def named(self, name: str) -> list[Any]:
        """The data of all events of a name."""
        return [one.data for one in self.events if one.name == name]

    @property
    def names(self) -> list[str]:
        """The events' names, as they came."""
        return [one.name for one in self.events]

    def forget(self) -> None:
        """Begin a new list of events; what is known by them stays."""
        self.events.clear()
        self.writes.clear()
        self.octets.clear()

    def rest(self) -> None:
        """Read nothing from now on; the system's buffers fill."""
        self._reads.clear()

    def go_on(self) -> None:
        """Read again."""
        self._reads.set()

    async def until(self, condition: Callable[[], object], what: str, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Return when the condition holds; it is looked at after every chunk, and at the end."""
        try:
            async with asyncio.timeout(seconds), self._moved:
                await self._moved.wait_for(condition)
        except TimeoutError:
            told = [(one.name, one.data) for one in self.events[-8:]]
            raise AssertionError(f"not within {seconds:g} s: {what}; ending: {self.ending}; told last: {told}") from None

    async def hears(self, name: str, *, after: int = 0, seconds: float = PATIENCE_SECONDS) -> Any:
        """The data of the first event of that name after the first so many events."""

        def heard() -> list[Any]:
            return [one.data for one in self.events[after:] if one.name == name]

        await self.until(heard, f"an event {name}", seconds=seconds)
        return heard()[0]

    async def begun(self) -> None:
        """Return when what is told first has been: the last of it is `me`."""
        await self.until(lambda: "me" in self.names, "the stream begins")

    async def ends(self, *, seconds: float = PATIENCE_SECONDS) -> Ending | None:
        """How it ended."""
        await self.until(lambda: self.ending, "the stream ends", seconds=seconds)
        return self.ending

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

    async def head(self) -> None:
        """Read status and headers."""
        first, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip("\r\n").split("\r\n")
        self.status = int(first.split()[1])
        self.headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    async def read(self) -> None:
        """Read to the end, whichever it is."""
        ending: Ending = "cut"
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await self._reads.wait()
                size = int(await self._reader.readuntil(b"\r\n"), 16)
                chunk = (await self._reader.readexactly(size + 2))[:-2]
                if not size:
                    ending = "properly"
                    break
                async with self._moved:
                    if not chunk.startswith(b":"):
                        self.writes.append(time.monotonic())
                    self._take(chunk)
                    self._moved.notify_all()
        async with self._moved:
            self.ending = ending
            self._moved.notify_all()

    def _take(self, chunk: bytes) -> None:
        self.octets += chunk
        self._lines += chunk
        while (end := LINE_END.search(self._lines)) and not (end.group() == b"\r" and end.end() == len(self._lines)):
            line = bytes(self._lines[: end.start()])
            del self._lines[: end.end()]
            self._take_line(line)

    def _take_line(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if not line:
            self._dispatch()
        elif not name:
            self.comments += 1
        elif name == b"retry":
            self.retry = int(value)
        else:
            self._fields.append((name, value.removeprefix(b" ")))

    def _dispatch(self) -> None:
        fields, self._fields = self._fields, []
        if not fields:
            return
        said = dict(fields)
        assert len(said) == len(fields), f"a field of an event twice: {fields}"
        assert said.keys() <= {b"event", b"data", b"id"}, f"no field that we send: {fields}"
        name = said[b"event"].decode()
        event = Told(name, json.loads(said[b"data"]), said[b"id"].decode() if b"id" in said else None, time.monotonic())
        self.last_id = event.id or self.last_id
        self.events.append(event)
        self.known.hear(event.name, event.data)


@asynccontextmanager
async def listening(
    port: int, target: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", receives: int | None = None
) -> AsyncIterator[Listener]:
    """A connection that listens; `receives` is the size of the system's buffer for what is not read yet."""
    connection = socket.socket()
    if receives is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
    limit = 2**20 if receives is None else SMALL_BUFFER
    reader, writer = await asyncio.open_connection(sock=connection, limit=limit)
    listener = Listener(reader, writer)
    named = {"Host": f"127.0.0.1:{port}", "Accept": "text/event-stream", **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    writer.write(f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode())
    reading: asyncio.Task[None] | None = None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await listener.head()
        reading = asyncio.create_task(listener.read())
        yield listener
    finally:
        if reading is not None:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
        writer.transport.abort()


def stream_of(session: Json) -> str:
    """The path of its stream."""
    return f"/v1/sessions/{session['id']}/stream"
