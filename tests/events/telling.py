"""Events by the thousand, a sink in this process, and what tells the one to the other."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg

from greenroom.events.feed import Feed
from greenroom.events.jetstream import JetStream
from greenroom.events.queries import ToldEvent
from greenroom.events.relay import relay
from greenroom.events.sinks import Driver, Sink, SinkError
from greenroom.kit.database import Database
from tests.events.outbox import opened
from tests.events.streams import STREAM
from tests.faults.waiting import eventually
from tests.postgres import TestDatabase

WRITE_MANY = """
insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
select gen_random_uuid(), 'live.session.updated.v1', 'acme', session, version, now(),
    jsonb_build_object('session_id', session, 'version', version, 'changed', '["title"]'::jsonb)
from generate_series($2::integer, $3::integer) version cross join unnest($1::uuid[]) session
order by version, session
"""


async def write_many(database: TestDatabase, count: int, *, sessions: Sequence[UUID] | None = None, first: int = 1) -> None:
    """So many events of each session, their versions from the first on, in one transaction."""
    owner = await asyncpg.connect(database.owner_url)
    try:
        await owner.execute(WRITE_MANY, sessions or [uuid4()], first, first + count - 1)
    finally:
        await owner.close()


def jetstream(url: str, *, stream: str = STREAM, credentials: Path | None = None) -> JetStream:
    """The sink, as the settings would have it."""
    return JetStream(url, stream=stream, credentials=credentials, keeps=timedelta(days=7))


class Ear:
    """A sink in this process. `is_down`: no connection. `deaf_from`: what it does not take, once. `fault`: of its own."""

    def __init__(self, name: str = "ear") -> None:
        self.name = name
        self.heard: list[ToldEvent] = []
        self.is_down = False
        self.deaf_from: int | None = None
        self.fault: Exception | None = None
        self.connections = 0
        self.open = 0

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["Ear"]:
        """See Sink."""
        if self.is_down:
            raise SinkError("it is down")
        self.connections += 1
        self.open += 1
        try:
            yield self
        finally:
            self.open -= 1

    async def publish(self, events: Sequence[ToldEvent]) -> None:
        """See Publisher."""
        if self.fault is not None:
            raise self.fault
        for told, event in enumerate(events):
            if event.position == self.deaf_from:
                self.deaf_from = None
                raise SinkError("it does not hear this one", told=told)
            self.heard.append(event)

    @property
    def positions(self) -> list[int]:
        """What it has heard."""
        return [event.position for event in self.heard]

    async def has_heard(self, position: int) -> None:
        """Return when it has heard this one."""
        await self.has_heard_after(0, position)

    async def has_heard_after(self, begin: int, position: int) -> None:
        """Return when it has heard this one, leaving out as many as it heard first."""

        async def has() -> bool:
            return position in self.positions[begin:]

        await eventually(has, f"{self.name} hears of {position}")

    async def has_lost_its_driver(self) -> None:
        """Return when nobody is connected."""

        async def has() -> bool:
            return self.open == 0

        await eventually(has, f"{self.name} is left")


@asynccontextmanager
async def telling(database: TestDatabase, *sinks: Sink) -> AsyncIterator[Database]:
    """The relay and a driver for each sink run meanwhile."""
    async with opened(database) as db:
        feed = Feed(db)
        running = [relay(db, feed), *(Driver(sink, feed, db).run() for sink in sinks)]
        tasks = [asyncio.create_task(one) for one in running]
        try:
            yield db
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
