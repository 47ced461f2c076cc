"""Five hundred open session pages against one process: what opening one costs, and what they cost while they are open."""

import asyncio
import sys
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import uvloop
from msgspec import Struct

from bench.contenders import BRAND, Contender, Running, greenroom
from bench.cores import apart, on_cores
from bench.database import empty_database
from bench.line import Line, request
from bench.pages_load import Client, Place, at, opened, until
from bench.people import person
from bench.tools import BenchError
from bench.viewers_load import on_a_core
from bench.viewers_load import opened as live_session
from greenroom.identity.sign_in import CLIENT
from greenroom.identity.tokens import Signer, new_grant
from greenroom.kit.ids import BrandId, UserId
from greenroom.kit.serving import allow_many_connections

PER_SECOND = 50  # who come
REST_SECONDS = 2.0  # until what came last has had its effect
WARM_UP = 20  # pages that are opened and closed before


class Size(Struct, frozen=True):
    """So many pages, for so long nothing happens, and then the session changes so often."""

    pages: int
    idle_seconds: float
    changes: int


FULL = Size(500, 30.0, 5)
QUICK = Size(100, 5.0, 2)


class Opened(Struct, frozen=True, kw_only=True):
    """One round. Milliseconds and MB; `cpu` in seconds of the server's processor: to open all, per second of idleness, and for
    all changes. `seen`: from before the host's request to the event, of every page.
    """

    pages: int
    octets: int
    open_p50: float
    open_p99: float
    open_cpu: float
    before: float
    after: float
    most: float
    idle_core: float
    changes: int
    change_cpu: float
    seen_p50: float
    seen_p99: float
    look_p50: float
    look_p99: float
    client_core: float

    @property
    def kb_each(self) -> float:
        """Resident memory that an open page takes."""
        return (self.after - self.before) * 1000 / self.pages

    @property
    def ms_to_open(self) -> float:
        """The server's processor time for one page, its assets, its stream and its first question how things are."""
        return self.open_cpu / self.pages * 1000

    @property
    def ms_to_tell(self) -> float:
        """The same to tell one page of one change, and to answer what it asks then."""
        return self.change_cpu / (self.pages * self.changes) * 1000


class Pages(Struct, frozen=True):
    """All rounds."""

    rounds: list[Opened]


def measure_pages(*, size: Size, rounds: int, pool: int, directory: Path) -> Pages:
    """On a database of its own. Raises BenchError."""
    allow_many_connections()
    found = []
    with empty_database() as database:
        contender = greenroom(database, background=True)
        for _ in range(rounds):
            watched = live_session(database, directory)
            with on_a_core(contender, pool=pool, log=directory / "pages.log") as server, on_cores(apart().others):
                found.append(uvloop.run(_round(server, str(watched.session), size)))
            _say(found[-1])
    return Pages(found)


async def _round(server: Running, session: str, size: Size) -> Opened:
    place = Place(server.port, session)
    tokens = [_token(server.contender, number) for number in range(size.pages + WARM_UP)]
    for page in await opened(Client(place), tokens[size.pages :], per_second=PER_SECOND):
        await page.close()
    await asyncio.sleep(REST_SECONDS)
    begun, own = time.perf_counter(), time.process_time()
    client = Client(place)
    before, cpu = server.resident_mb(), server.cpu_seconds()
    pages = await opened(client, tokens[: size.pages], per_second=PER_SECOND)
    open_cpu, after = server.cpu_seconds() - cpu, server.resident_mb()
    await asyncio.sleep(REST_SECONDS)
    idle, idle_begun = server.cpu_seconds(), time.perf_counter()
    await asyncio.sleep(size.idle_seconds)
    idle_core = (server.cpu_seconds() - idle) / (time.perf_counter() - idle_begun)
    client.looks.clear()
    cpu = server.cpu_seconds()
    seen = await _changes(server, client, size)
    change_cpu, most = server.cpu_seconds() - cpu, server.resident_mb()
    client_core = (time.process_time() - own) / (time.perf_counter() - begun)
    if client.lost:
        raise BenchError(f"{client.lost} of {size.pages} streams ended")
    for page in pages:
        await page.close()
    return Opened(
        pages=size.pages,
        octets=max(client.octets),
        open_p50=at(client.openings, 0.5),
        open_p99=at(client.openings, 0.99),
        open_cpu=open_cpu,
        before=before,
        after=after,
        most=max(after, most),
        idle_core=idle_core,
        changes=size.changes,
        change_cpu=change_cpu,
        seen_p50=at(seen, 0.5),
        seen_p99=at(seen, 0.99),
        look_p50=at(client.looks, 0.5),
        look_p99=at(client.looks, 0.99),
        client_core=client_core,
    )


async def _changes(server: Running, client: Client, size: Size) -> list[float]:
    """The host changes the title, again and again: milliseconds until each page has each. Raises BenchError."""
    seen: list[float] = []
    with closing(Line(server)) as line:
        for number in range(1, size.changes + 1):
            client.changes.clear()
            begun = time.perf_counter()
            body = msgspec.json.encode({"title": f"Everybody watches, part {number}"}).decode()
            octets = request("PATCH", f"/v1/sessions/{client.place.session}", server.contender.token, body)
            await asyncio.to_thread(line.ask, octets)
            await until(client.changes, size.pages, what="every page has the change")
            wanted = number * size.pages
            await until(client.looks, wanted, what="every page asked what it means")
            await asyncio.sleep(REST_SECONDS)
            if (len(client.changes), len(client.looks)) != (size.pages, wanted):
                raise BenchError(f"{len(client.changes)} events and {len(client.looks)} questions for {number} changes")
            seen += [(moment - begun) * 1000 for moment in client.changes]
    return seen


def _token(contender: Contender, number: int) -> str:
    """As signing in gives a browser."""
    signer = Signer([contender.environ["GREENROOM_SECRET_KEYS"]])
    scope = "read:live write:live"
    grant = new_grant(
        user=UserId(person(number)), brand=BrandId(BRAND), scope=scope, client=CLIENT, lifetime=timedelta(hours=12)
    )
    return signer.sign(grant)


def _say(found: Opened) -> None:
    print(
        f"{found.pages} pages: {found.ms_to_open:.1f} ms to open one, {found.kb_each:.0f} KB each, {found.idle_core:.1%} of a "
        f"core idle, {found.ms_to_tell:.2f} ms to tell one a change",
        file=sys.stderr,
        flush=True,
    )
