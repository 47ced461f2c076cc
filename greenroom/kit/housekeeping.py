"""What every worker does beside requests."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Awaitable, Callable, Mapping

from greenroom.kit import queries
from greenroom.kit.database import Database
from greenroom.kit.errors import Unavailable
from greenroom.kit.telemetry import logger, places_of

PARENT_CHECK_SECONDS = 1.0


async def repeat(chore: Callable[[], Awaitable[None]], *, seconds: float) -> None:
    """Do it now and every so many seconds; a database that is away now may be back the next time."""
    while True:
        try:
            await chore()
        except Unavailable:
            logger().warning("chore_postponed", reason="database unavailable")
        except Exception as error:  # noqa: BLE001  # a chore that fails once must not end the others
            logger().error("chore_failed", error=places_of(error))
        await asyncio.sleep(seconds)


async def do_chores(db: Database, chores: Mapping[str, Callable[[], Awaitable[None]]]) -> None:
    """Do what is due now and then, once among all processes; what a newer release has beside is left to it."""
    while (name := await queries.claim_chore(db, chores)) is not None:
        await chores[name]()


async def prune(db: Database) -> None:
    """Forget idempotency keys past their 24 hours, a thousand at a time."""
    while await queries.prune_idempotency_keys_any_brand(db):
        pass


async def stop_without_parent() -> None:
    """End this worker in good order when the `serve` that started it is gone, also when it went before we looked."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    while os.getppid() == parent.pid:  # noqa: ASYNC110  # the kernel tells by no event that a parent is gone
        await asyncio.sleep(PARENT_CHECK_SECONDS)
    signal.raise_signal(signal.SIGTERM)
