"""Rooms of four that find each other at once by one process: what signalling costs, and what they cost while they talk."""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import uvloop
from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect

from bench.contenders import BRAND, Running, greenroom
from bench.cores import apart, on_cores
from bench.database import BenchDatabase, empty_database
from bench.pages_load import at
from bench.tools import BenchError
from bench.viewers_load import on_a_core
from greenroom.kit.ids import UserId
from greenroom.kit.serving import allow_many_connections
from greenroom.providers.protocol import CallRole
from greenroom.rooms.schemas import PROTOCOL
from greenroom.rooms.tokens import RoomTokens

PEOPLE = 4
PER_SECOND = 50  # rooms whose people come
DESCRIPTION = "x" * 3_000  # octets of an offer or an answer of a browser with camera, microphone and screen
CANDIDATE = "x" * 160
CANDIDATES = 10  # of each browser for each other
PATIENCE_SECONDS = 120.0
LIFETIME = timedelta(hours=1)

SEED = """
insert into calls (brand_id, id, host_user_id, title, provider, call_type, records, made_at, created_at, updated_at, due_at)
select '{brand}', id, 'host_1', 'A room', 'builtin', 'room', false, now_, now_, now_, 'infinity'
from unnest('{{{rooms}}}'::uuid[]) id, date_trunc('milliseconds', now()) now_
"""


class Size(Struct, frozen=True):
    """So many rooms, which afterwards talk for so long."""

    rooms: int
    idle_seconds: float


FULL = Size(200, 30.0)
QUICK = Size(40, 5.0)


class Signalled(Struct, frozen=True, kw_only=True):
    """One round. Milliseconds and MB; `cpu` in seconds of the server's processor, from the first who comes to the last word."""

    rooms: int
    messages: int
    seconds: float
    cpu: float
    before: float
    after: float
    idle_core: float
    relay_p50: float
    relay_p99: float
    client_core: float

    @property
    def ms_of_room(self) -> float:
        """The server's processor time for one room."""
        return self.cpu / self.rooms * 1000

    @property
    def kb_of_browser(self) -> float:
        """Resident memory that one connection takes."""
        return (self.after - self.before) * 1000 / (self.rooms * PEOPLE)


class Rooms(Struct, frozen=True):
    """All rounds."""

    rounds: list[Signalled]


class Browser:
    """Says to each of the others what browsers say when they connect, and counts what it hears."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.me = ""
        self.others: set[str] = set()
        self.heard = 0
        self.took: list[float] = []
        self.changed = asyncio.Event()
        self.listening = asyncio.create_task(self._listen())

    async def knows(self, others: int) -> None:
        """Wait until so many others are in the room."""
        await self._until(lambda: len(self.others) >= others, f"{others} others are known")

    async def hears(self, messages: int) -> None:
        """Wait until so many messages have come."""
        await self._until(lambda: self.heard >= messages, f"{messages} messages came")

    async def describe(self) -> int:
        """To each of the others; answers how many messages that were."""
        sent = 0
        for other in self.others:
            for data in (DESCRIPTION, *[CANDIDATE] * CANDIDATES):
                said = {"type": "signal", "to": other, "data": {"at": time.perf_counter(), "of": data}}
                await self.connection.send(json.dumps(said))
                sent += 1
        return sent

    async def _until(self, is_true: Any, what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not is_true():
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            raise BenchError(f"it did not happen that {what}: {len(self.others)} others, {self.heard} messages") from None

    async def _listen(self) -> None:
        async for text in self.connection:
            told = json.loads(text)
            match told["type"]:
                case "welcome":
                    self.me, self.others = told["you"], {one["id"] for one in told["peers"]}
                case "peer":
                    self.others.add(told["peer"]["id"])
                case "signal":
                    self.heard += 1
                    self.took.append((time.perf_counter() - told["data"]["at"]) * 1000)
            self.changed.set()


def measure_rooms(*, size: Size, rounds: int, pool: int, directory: Path) -> Rooms:
    """On a database of its own. Raises BenchError."""
    allow_many_connections()
    found = []
    with empty_database() as database:
        contender = greenroom(database, background=True)
        for _ in range(rounds):
            rooms = [uuid4() for _ in range(size.rooms)]
            _seed(database, rooms)
            with on_a_core(contender, pool=pool, log=directory / "rooms.log") as server, on_cores(apart().others):
                found.append(uvloop.run(_round(server, rooms, size)))
            _say(found[-1])
    return Rooms(found)


def _seed(database: BenchDatabase, rooms: Sequence[UUID]) -> None:
    names = ",".join(map(str, rooms))
    database.execute(SEED.format(brand=BRAND, rooms=names), "vacuum analyze calls")


async def _round(server: Running, rooms: Sequence[UUID], size: Size) -> Signalled:
    tokens = RoomTokens([server.contender.environ["GREENROOM_SECRET_KEYS"]])
    before, cpu = server.resident_mb(), server.cpu_seconds()
    begun, own = time.perf_counter(), time.process_time()
    talking = []
    for number, room in enumerate(rooms):
        await asyncio.sleep(max(0.0, begun + number / PER_SECOND - time.perf_counter()))
        talking.append(asyncio.create_task(_talk(server, tokens, room)))
    browsers = [browser for together in await asyncio.gather(*talking) for browser in together]
    seconds = time.perf_counter() - begun
    spent, after = server.cpu_seconds() - cpu, server.resident_mb()
    client_core = (time.process_time() - own) / seconds
    idle = server.cpu_seconds()
    await asyncio.sleep(size.idle_seconds)
    idle_core = (server.cpu_seconds() - idle) / size.idle_seconds
    if any(browser.listening.done() for browser in browsers):
        raise BenchError("a connection ended")
    took = [one for browser in browsers for one in browser.took]
    await asyncio.gather(*(browser.connection.close() for browser in browsers))
    return Signalled(
        rooms=size.rooms,
        messages=len(took),
        seconds=seconds,
        cpu=spent,
        before=before,
        after=after,
        idle_core=idle_core,
        relay_p50=at(took, 0.5),
        relay_p99=at(took, 0.99),
        client_core=client_core,
    )


async def _talk(server: Running, tokens: RoomTokens, room: UUID) -> list[Browser]:
    """Four come, and each describes itself to each."""
    address = f"ws://127.0.0.1:{server.port}/v1/live/calls/{room}/signal"
    roles: list[CallRole] = ["host", *(["speaker"] * (PEOPLE - 1))]  # type: ignore[list-item]  # literals, though repeated
    those = []
    for number, role in enumerate(roles):
        token = tokens.write(str(room), UserId(f"{role}_{number}"), role, lifetime=LIFETIME)
        those.append(Browser(await connect(address, subprotocols=[PROTOCOL, token], compression=None, proxy=None)))  # type: ignore[list-item]
    await asyncio.gather(*(one.knows(PEOPLE - 1) for one in those))
    sent = await asyncio.gather(*(one.describe() for one in those))
    await asyncio.gather(*(one.hears(sent[0]) for one in those))
    return those


def _say(found: Signalled) -> None:
    print(
        f"{found.rooms} rooms of {PEOPLE}: {found.messages} messages in {found.seconds:.1f} s, {found.ms_of_room:.1f} ms of "
        f"processor for a room, {found.kb_of_browser:.0f} KB for a browser, {found.idle_core:.1%} of a core while they talk",
        file=sys.stderr,
        flush=True,
    )
