"""Ways out: each tells events to the world outside, in order, from where it has come, and delays only itself.

One process at a time drives a sink, by a lease on its row; its position is stored, so that the next one goes on from there.
An event may be told twice, with the same id, and never out of order within a session.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol
from uuid import UUID

from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from greenroom.events import queries
from greenroom.events.feed import Feed
from greenroom.events.queries import ToldEvent
from greenroom.kit.database import Database
from greenroom.kit.errors import Unavailable
from greenroom.kit.ids import new_id
from greenroom.kit.telemetry import logger, places_of

LEASE_SECONDS = 15.0
RENEW_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0


class SinkError(Exception):
    """Why a sink could not be told everything: one line, without secrets. `told` events had arrived before."""

    def __init__(self, reason: str, *, told: int = 0) -> None:
        super().__init__(reason)
        self.told = told


class Publisher(Protocol):
    """A sink that is connected."""

    async def publish(self, events: Sequence[ToldEvent]) -> None:
        """Tell them all, in this order. Raises SinkError: how many, from the first on, have arrived for certain."""


class Sink(Protocol):
    """A way out. When the connection's block ends, nothing of ours is in flight any more."""

    @property
    def name(self) -> str:
        """As the table `sinks`, the metrics and the command line call it."""

    def connected(self) -> AbstractAsyncContextManager[Publisher]:
        """A connection. Raises SinkError."""


class _LostError(Exception):
    """The sink's row is no longer ours, or says another position."""


class _FailedError(Exception):
    """Nothing was told this time: wait longer than the last time."""


class Driver:
    """Drives one sink, in this process, whenever no other process does. `most`: events at once, so that telling them takes no
    longer than the lease lasts.
    """

    def __init__(self, sink: Sink, feed: Feed, db: Database, *, most: int | None = None) -> None:
        self._sink = sink
        self._feed = feed
        self._db = db
        self._most = most
        self._me: UUID = new_id()

    async def run(self) -> None:
        """Until cancelled."""
        patience = wait_random_exponential(multiplier=FIRST_PAUSE_SECONDS, max=LONGEST_PAUSE_SECONDS)
        try:
            while True:
                async for attempt in AsyncRetrying(retry=retry_if_exception_type(_FailedError), wait=patience):
                    with attempt:
                        await self._drive()
        finally:
            with suppress(Exception):  # then its lease runs out
                await queries.release_sink(self._db, self._sink.name, self._me)

    async def _drive(self) -> None:
        """Hold the sink and tell it what comes, until something fails. Raises _FailedError when nothing was told before."""
        begun = position = None
        try:
            begun = position = await queries.hold_sink(self._db, self._sink.name, self._me, seconds=LEASE_SECONDS)
            if position is None:
                await asyncio.sleep(RENEW_SECONDS)
                return
            async with self._sink.connected() as publisher:
                position = await self._noted(position, position)  # to connect may have taken a part of the lease
                while True:
                    position = await self._told(publisher, position)
        except _LostError:
            return
        except SinkError as error:
            logger().warning("sink_failed", sink=self._sink.name, reason=str(error))
        except Unavailable:
            logger().warning("sink_postponed", sink=self._sink.name, reason="database unavailable")
        except Exception as error:  # noqa: BLE001  # whatever it is concerns this sink alone
            logger().error("sink_failed", sink=self._sink.name, error=places_of(error))
        with suppress(Exception):  # what is wrong was said, and the next attempt says whether it still is
            await queries.fail_sink(self._db, self._sink.name, self._me)
        if position == begun:
            raise _FailedError
        await asyncio.sleep(FIRST_PAUSE_SECONDS)

    async def _told(self, publisher: Publisher, position: int) -> int:
        """Tell what comes next, and note it; answers the new position. Raises SinkError, Unavailable, _LostError."""
        try:
            async with asyncio.timeout(RENEW_SECONDS):
                events = (await self._feed.after(position))[: self._most]
        except TimeoutError:
            return await self._noted(position, position)
        try:
            await publisher.publish(events)
        except SinkError as error:
            if error.told:
                await self._noted(position, events[error.told - 1].position)
            raise
        return await self._noted(position, events[-1].position)

    async def _noted(self, before: int, now: int) -> int:
        if not await queries.advance_sink(self._db, self._sink.name, self._me, before, now, seconds=LEASE_SECONDS):
            raise _LostError
        return now
