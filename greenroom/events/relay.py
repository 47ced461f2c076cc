"""The relay: gives each committed event its position, and lets this process's readers know.

Any number of processes run it; which of them does the work is decided anew each time. It looks rather than listens: NOTIFY in
a request's transaction would take a lock of the whole cluster at its commit. docs/decisions/0022.
"""

import asyncio

from greenroom.events import queries
from greenroom.events.feed import Feed
from greenroom.kit.database import Database
from greenroom.kit.errors import Unavailable
from greenroom.kit.telemetry import logger, places_of

LOOK_SECONDS = 0.04
AFTER_FAILURE_SECONDS = 1.0
AT_ONCE = 2_000  # events in one transaction


async def relay(db: Database, feed: Feed) -> None:
    """Run until cancelled."""
    while True:
        pause = await _looked(db, feed)
        await asyncio.sleep(pause)


async def _looked(db: Database, feed: Feed) -> float:
    """Tell what there is to tell; answers for how many seconds to sleep."""
    try:
        look = await queries.relay_any_brand(db, most=AT_ONCE)
    except Unavailable:
        logger().warning("relay_postponed", reason="database unavailable")
        return AFTER_FAILURE_SECONDS
    except Exception as error:  # noqa: BLE001  # whatever it is, the next look may succeed, and nothing is lost meanwhile
        logger().error("relay_failed", error=places_of(error))
        return AFTER_FAILURE_SECONDS
    feed.advance(look.reached)
    return 0.0 if look.told == AT_ONCE else LOOK_SECONDS
