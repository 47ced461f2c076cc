"""Events: how soon a reader hears of a commit, how many go to JetStream, and what telling costs a storm."""

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import uvloop
from msgspec import Struct

from bench.broker import broker
from bench.database import BenchDatabase, empty_database
from bench.drop_load import FRESHEN, REST
from bench.rush import Rush, measure_rush
from bench.tools import BenchError
from greenroom.events.feed import Feed
from greenroom.events.jetstream import JetStream
from greenroom.events.queries import ToldEvent
from greenroom.events.relay import relay
from greenroom.events.sinks import Driver, Publisher
from greenroom.kit.database import Database

LONGEST_SECONDS = 120.0
WORKERS = 4

WRITE = """
insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
values ($1, 'live.session.updated.v1', 'acme', $2, 1, now(), '{}')
"""
# As a storm leaves them: some hundreds of sessions, payloads of a registration's size.
FILL = """
insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
select gen_random_uuid(), 'live.registration.created.v1', 'acme', s, 1, now(), jsonb_build_object('session_id', s,
    'registration_id', gen_random_uuid(), 'version', 1, 'user_id', 'person_' || n, 'role', 'participant', 'position', n,
    'registered_at', '2026-11-24T09:00:00.000Z')
from generate_series(1, {events}) n,
    lateral (select ('00000000-0000-7000-8000-' || lpad((n % 300)::text, 12, '0'))::uuid as s) a
"""
EMPTY = "truncate outbox, events, sinks; update relay set position = 0, forgotten_position = 0"
SIZE = "select pg_total_relation_size('outbox')"
STEADY_A_SECOND, STEPS_A_SECOND = 3_000, 10


class Told(Struct, frozen=True, kw_only=True):
    """Milliseconds from commit to reader; events a second to JetStream, each round; the storm without and with the relay; the
    outbox's octets on disk with its indexes, second by second, while events come at a steady pace."""

    latencies: list[float]
    events: int
    pipelined: list[float]
    one_by_one: list[float]
    without: list[Rush]
    relayed: list[Rush]
    steady: list[int]


class OneAtATime(JetStream):
    """The same way out, one publish awaited before the next."""

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Any]:
        """See Sink."""
        async with super().connected() as pipeline:
            yield _Patient(pipeline)


class _Patient:
    def __init__(self, pipeline: Publisher) -> None:
        self._pipeline = pipeline

    async def publish(self, events: Sequence[ToldEvent]) -> None:
        """See Publisher."""
        for event in events:
            await self._pipeline.publish([event])


def measure_told(
    *, people: int, seats: int, events: int, samples: int, steady_seconds: int, rounds: int, pool: int, directory: Path
) -> Told:
    """On databases of its own. Raises BenchError."""
    with empty_database() as database:
        _say("From commit to reader ...")
        latencies = uvloop.run(_latencies(database, samples))
        _say(f"{events:,} events to JetStream ...")
        pipelined: list[float] = []
        one_by_one: list[float] = []
        for _ in range(rounds):
            pipelined.append(uvloop.run(_to_jetstream(database, JetStream, events)))
            one_by_one.append(uvloop.run(_to_jetstream(database, OneAtATime, events)))
        _say(f"{people:,} people, without and with the relay ...")
        without: list[Rush] = []
        relayed: list[Rush] = []
        for _ in range(rounds):
            for background, found in ((False, without), (True, relayed)):
                database.execute(*FRESHEN[:2], *REST)
                rush = measure_rush(
                    database, directory, people=people, seats=seats, workers=WORKERS, pool=pool, background=background
                )
                found.append(rush)
                _say(f"relay {'on ' if background else 'off'} {people / rush.seconds:8,.0f} a second")
        _say(f"{STEADY_A_SECOND:,} events a second for {steady_seconds} s ...")
        steady = uvloop.run(_steady(database, steady_seconds))
    return Told(
        latencies=latencies,
        events=events,
        pipelined=pipelined,
        one_by_one=one_by_one,
        without=without,
        relayed=relayed,
        steady=steady,
    )


async def _latencies(database: BenchDatabase, samples: int) -> list[float]:
    """Idle: each commit comes at a moment of its own."""
    writer = await asyncpg.connect(database.service_url)
    found = []
    async with _opened(database) as db:
        feed = Feed(db)
        telling = asyncio.create_task(relay(db, feed))
        position = await feed.reached()
        for _ in range(samples):
            await asyncio.sleep(random.uniform(0.05, 0.15))
            await writer.execute(WRITE, uuid4(), uuid4())
            committed = time.perf_counter()
            position = (await feed.after(position))[-1].position
            found.append((time.perf_counter() - committed) * 1000)
        telling.cancel()
    await writer.close()
    return found


async def _to_jetstream(database: BenchDatabase, way_out: type[JetStream], events: int) -> float:
    """Events a second, from the outbox to JetStream's acknowledgement."""
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute(EMPTY)
    await owner.execute(FILL.format(events=events))
    await owner.execute("analyze outbox")
    with broker() as url:
        async with _opened(database) as db:
            feed = Feed(db)
            sink = way_out(url, stream="BENCH", credentials=None, keeps=timedelta(days=1))
            begun = time.perf_counter()
            tasks = [asyncio.create_task(one) for one in (relay(db, feed), Driver(sink, feed, db).run())]
            while await owner.fetchval("select coalesce(max(position), 0) from sinks") < events:
                if time.perf_counter() - begun > LONGEST_SECONDS:
                    raise BenchError(f"{events} events did not reach JetStream within {LONGEST_SECONDS:.0f} seconds")
                await asyncio.sleep(0.02)
            seconds = time.perf_counter() - begun
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    await owner.close()
    return events / seconds


async def _steady(database: BenchDatabase, seconds: int) -> list[int]:
    """How large the outbox is at each second. Raises BenchError when the pace was not kept or events are left."""
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute(EMPTY)
    await owner.execute("vacuum outbox")
    sizes: list[int] = []
    async with _opened(database) as db:
        telling = asyncio.create_task(relay(db, Feed(db)))
        begun = time.perf_counter()
        for step in range(seconds * STEPS_A_SECOND):
            await asyncio.sleep(max(0.0, begun + step / STEPS_A_SECOND - time.perf_counter()))
            await owner.execute(FILL.format(events=STEADY_A_SECOND // STEPS_A_SECOND))
            if step % STEPS_A_SECOND == 0:
                sizes.append(await owner.fetchval(SIZE))
        late = time.perf_counter() - begun - seconds
        await asyncio.sleep(1)
        left = await owner.fetchval("select count(*) from outbox")
        telling.cancel()
    await owner.close()
    if late > 1 or left:
        raise BenchError(f"{STEADY_A_SECOND} events a second were too many: {late:.1f} s late, {left} not told")
    return sizes


def _opened(database: BenchDatabase) -> Database:
    return Database(database.service_url, size=3, wait_seconds=5, statement_seconds=10)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
