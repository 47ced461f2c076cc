"""Webhooks out: how soon an endpoint has an event, and what endpoints that are dead or slow cost the others."""

import asyncio
import math
import random
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httptools
import uvloop
from msgspec import Struct
from msgspec.structs import replace

from bench.contenders import Contender, greenroom, running
from bench.database import BenchDatabase, empty_database
from bench.drop_load import REST
from bench.tools import BenchError
from greenroom.webhooks.signing import SecretBox, new_secret

ENDPOINTS, BRANDS, DEAD, SLOW = 1_000, 100, 25, 25
SLOW_SECONDS = 15.0  # as long as an attempt may take
EVENTS_A_SECOND = 15
LONGEST_SECONDS = 60.0

WRITE = """
insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
values ($1, 'live.session.updated.v1', $2, $3, 1, now(), '{}')
"""
ENDPOINT = """
insert into webhook_endpoints (brand_id, id, url, events, secret, since_position, created_at, updated_at)
select $1, gen_random_uuid(), $2, '{*}', $3, position, now(), now() from relay
"""
EMPTY = (
    "truncate outbox, events, sinks, webhook_deliveries, webhook_endpoints",
    "update relay set position = 0, forgotten_position = 0",
)
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Hooks(Struct, frozen=True, kw_only=True):
    """Milliseconds from commit to receipt: idle, one by one; and of the healthy endpoints' at p99, round by round, without
    and with those that are dead or slow. `deliveries`: of the healthy, in one run.
    """

    idle: list[float]
    without: list[float]
    beside: list[float]
    deliveries: int


class Receiver:
    """Endpoints of all kinds on one port, by their path: when each had what."""

    def __init__(self) -> None:
        self.port = 0
        self.arrived: list[tuple[str, float]] = []  # the event's id, and when
        self.news = asyncio.Event()

    def note(self, event_id: str) -> None:
        """A healthy endpoint has it."""
        self.arrived.append((event_id, time.perf_counter()))
        self.news.set()


class _Connection(asyncio.Protocol):
    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._parser = httptools.HttpRequestParser(self)
        self._id = ""
        self._is_slow = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._is_slow = url == b"/slow"

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"webhook-id":
            self._id = value.decode()

    def on_message_complete(self) -> None:
        if self._is_slow:
            asyncio.get_running_loop().call_later(SLOW_SECONDS, self._answer)
            return
        self._receiver.note(self._id)
        self._answer()

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(ANSWER)  # type: ignore[attr-defined]  # asyncio says BaseTransport


def measure_hooks(*, samples: int, seconds: float, rounds: int, pool: int, directory: Path) -> Hooks:
    """On a database of its own. Raises BenchError."""
    without: list[float] = []
    beside: list[float] = []
    deliveries = 0
    with empty_database() as database:
        server = greenroom(database, background=True)
        server = replace(server, environ={**server.environ, "GREENROOM_WEBHOOK_ALLOWED": "127.0.0.1"})
        box = SecretBox([server.environ["GREENROOM_SECRET_KEYS"]])
        log = directory / "hooks.log"
        _say("One endpoint, idle ...")
        database.execute(*EMPTY, *REST)
        idle = uvloop.run(_idle(database, server, box, samples=samples, pool=pool, log=log))
        for _ in range(rounds):
            for dead, slow, found in ((0, 0, without), (DEAD, SLOW, beside)):
                run = _Crowd(database, server, box, dead=dead, slow=slow)
                database.execute(*EMPTY, *REST)
                latencies = uvloop.run(run.measure(seconds=seconds, pool=pool, log=log))
                deliveries = len(latencies)
                found.append(_p99(latencies))
                _say(f"{ENDPOINTS:,} endpoints, {dead} dead, {slow} slow: p99 of the healthy {found[-1]:,.0f} ms")
    return Hooks(idle=idle, without=without, beside=beside, deliveries=deliveries)


async def _idle(
    database: BenchDatabase, server: Contender, box: SecretBox, *, samples: int, pool: int, log: Path
) -> list[float]:
    """Each commit comes at a moment of its own."""
    writer = await asyncpg.connect(database.owner_url)
    found = []
    async with _receiving() as receiver:
        await _begin(writer, [("acme", f"http://127.0.0.1:{receiver.port}/")], box)
        with running(server, pool=pool, log=log):
            await _warm(writer, receiver, 1)
            for _ in range(samples):
                await asyncio.sleep(random.uniform(0.3, 0.6))
                receiver.arrived.clear()
                committed = await _write(writer, "acme", uuid4())
                await _until(receiver, 1)
                found.append((receiver.arrived[0][1] - committed) * 1000)
    await writer.close()
    return found


class _Crowd:
    """A thousand endpoints, ten of each brand, of which some are dead or slow."""

    def __init__(self, database: BenchDatabase, server: Contender, box: SecretBox, *, dead: int, slow: int) -> None:
        self._database = database
        self._server = server
        self._box = box
        self._dead = dead
        self._slow = slow

    async def measure(self, *, seconds: float, pool: int, log: Path) -> list[float]:
        """Milliseconds of each delivery to an endpoint that is healthy in both cases."""
        writer = await asyncpg.connect(self._database.owner_url)
        async with _receiving() as receiver:
            await _begin(writer, self._endpoints(receiver.port), self._box)
            with running(self._server, pool=pool, log=log):
                await _warm(writer, receiver, self._of_brand(0))
                receiver.arrived.clear()
                committed: dict[str, float] = {}
                wanted = 0
                begun = time.perf_counter()
                for number in range(int(seconds * EVENTS_A_SECOND)):
                    await asyncio.sleep(max(0.0, begun + number / EVENTS_A_SECOND - time.perf_counter()))
                    brand, event = number % BRANDS, uuid4()
                    committed[str(event)] = await _write(writer, f"brand-{brand}", event)
                    wanted += self._of_brand(brand)
                await _until(receiver, wanted)
        await writer.close()
        return [(at - committed[event]) * 1000 for event, at in receiver.arrived if event in committed]

    def _endpoints(self, port: int) -> Sequence[tuple[str, str]]:
        nobody = _closed_port()
        healthy = f"http://127.0.0.1:{port}/"
        urls = [
            f"http://127.0.0.1:{nobody}/" if number < self._dead
            else f"{healthy}slow" if number < self._dead + self._slow
            else healthy
            for number in range(ENDPOINTS)
        ]  # fmt: skip
        return [(f"brand-{number % BRANDS}", url) for number, url in enumerate(urls)]

    def _of_brand(self, brand: int) -> int:
        """How many healthy endpoints the brand has."""
        return sum(number % BRANDS == brand for number in range(self._dead + self._slow, ENDPOINTS))


@asynccontextmanager
async def _receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    listening = await asyncio.get_running_loop().create_server(lambda: _Connection(receiver), "127.0.0.1", 0, backlog=1000)
    receiver.port = listening.sockets[0].getsockname()[1]
    yield receiver
    listening.close()


async def _begin(writer: "asyncpg.Connection[asyncpg.Record]", endpoints: Sequence[tuple[str, str]], box: SecretBox) -> None:
    secret = box.close(new_secret())
    await writer.executemany(ENDPOINT, [(brand, url, secret) for brand, url in endpoints])


async def _warm(writer: "asyncpg.Connection[asyncpg.Record]", receiver: Receiver, of_first_brand: int) -> None:
    """All of it runs once before anything is measured."""
    brand = str(await writer.fetchval("select min(brand_id) from webhook_endpoints"))
    await _write(writer, brand, uuid4())
    await _until(receiver, of_first_brand)


async def _write(writer: "asyncpg.Connection[asyncpg.Record]", brand: str, event: UUID) -> float:
    """When it was committed."""
    await writer.execute(WRITE, event, brand, uuid4())
    return time.perf_counter()


async def _until(receiver: Receiver, count: int) -> None:
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            while len(receiver.arrived) < count:
                receiver.news.clear()
                await receiver.news.wait()
    except TimeoutError:
        raise BenchError(f"{len(receiver.arrived)} of {count} webhooks came within {LONGEST_SECONDS:.0f} seconds") from None


def _closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _p99(latencies: Sequence[float]) -> float:
    return sorted(latencies)[math.ceil(len(latencies) * 0.99) - 1]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
