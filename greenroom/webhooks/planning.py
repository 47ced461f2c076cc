"""A sink (greenroom/events/sinks.py) that plans deliveries; and all of webhooks that runs beside requests."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from greenroom.events.feed import Feed, ToldEvent
from greenroom.events.sinks import Driver
from greenroom.kit.database import Database
from greenroom.kit.errors import Unavailable
from greenroom.kit.telemetry import logger, places_of
from greenroom.webhooks import queries
from greenroom.webhooks.sender import Sender

LOOK_SECONDS = 1.0
PLANNED_AT_ONCE = 2_000  # deliveries in one transaction
EVENTS_AT_ONCE = 50  # of a brand with a thousand endpoints they take 25 transactions, and some seconds


class Plans:
    """Plans the deliveries of told events, and wakes this process's sender; others look by themselves."""

    name = "webhooks"

    def __init__(self, db: Database, wake: Callable[[], None]) -> None:
        self._db = db
        self._wake = wake

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["Plans"]:
        """There is nothing to connect to but our own database."""
        yield self

    async def publish(self, events: Sequence[ToldEvent]) -> None:
        """Plan them all, in their order. Raises Unavailable."""
        position, until = events[0].position - 1, events[-1].position
        while position < until:
            planned, position = await queries.plan_any_brand(self._db, position, until, most=PLANNED_AT_ONCE)
            if planned:
                self._wake()


async def run(db: Database, feed: Feed, make: Callable[[], Sender]) -> None:
    """Plan and send, while anybody has an endpoint; until cancelled."""
    tasks: list[asyncio.Task[None]] = []
    try:
        while True:
            is_wanted = await _is_wanted(db)
            if is_wanted and not tasks:
                sender = make()
                running = (Driver(Plans(db, sender.wake), feed, db, most=EVENTS_AT_ONCE).run(), sender.run())
                tasks = [asyncio.create_task(one) for one in running]
            elif is_wanted is False and tasks:
                await _stop(tasks)
                tasks = []
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await _stop(tasks)


async def _is_wanted(db: Database) -> bool | None:
    """None where it cannot be told."""
    try:
        return await queries.begin_any_brand(db)
    except Unavailable:
        return None
    except Exception as error:  # noqa: BLE001  # whatever it is, the next look may succeed
        logger().error("webhooks_failed", error=places_of(error))
        return None


async def _stop(tasks: Sequence["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
