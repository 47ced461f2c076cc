"""Operations on told events: following them, telling a sink again, forgetting them, measuring how far they have come."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from greenroom.events import queries
from greenroom.events.feed import PAGE, Feed
from greenroom.events.queries import ToldEvent
from greenroom.kit.database import Database
from greenroom.kit.ids import BrandId, SessionId
from greenroom.kit.telemetry import outbox_oldest, outbox_waiting, sink_failures, sink_lag, sink_oldest

FORGOTTEN_AT_ONCE = 5_000


class ReplayError(Exception):
    """Why a sink cannot be told again: one line that says what could be asked instead."""


async def follow(feed: Feed, *, after: int | None) -> AsyncIterator[ToldEvent]:
    """Events after a position, or from now on, as they come; never ends. Raises Unavailable."""
    position = await feed.reached() if after is None else after
    while True:
        for event in await feed.after(position):
            yield event
            position = event.position


async def reached(db: Database) -> int:
    """The last position that was given. Raises Unavailable."""
    return (await queries.kept_any_brand(db)).reached


async def after(db: Database, position: int) -> Sequence[ToldEvent]:
    """The next events after a position, in order; what was forgotten is passed over. Raises Unavailable."""
    return await queries.after_any_brand(db, position, most=PAGE)


async def of_session(
    db: Database, brand: BrandId, session: SessionId, *, after: int, to: int, most: int
) -> list[ToldEvent] | None:
    """A session's events, and its brand's own, after a position and up to another; the first of them where they are many.

    None where some may be forgotten. Raises Unavailable.
    """
    if after < (await queries.kept_any_brand(db)).forgotten:
        return None
    return await queries.of_session(db, brand, session, after=after, to=to, most=most)


async def replay(db: Database, *, sink: str, first: int) -> int:
    """Let a sink tell again from a position on; answers the last position there is. Raises ReplayError, Unavailable."""
    kept = await queries.kept_any_brand(db)
    if not kept.forgotten < first <= kept.reached:
        if kept.forgotten == kept.reached:
            raise ReplayError("No event is kept that could be told again.")
        raise ReplayError(f"--from: expected a position from {kept.forgotten + 1} to {kept.reached}; no other event is kept.")
    if not await queries.rewind_sink(db, sink, first - 1):
        raise ReplayError(f'There is no sink "{sink}" that has told anything yet.')
    return kept.reached


async def forget(db: Database, *, age: timedelta) -> None:
    """Forget what was told longer ago, by every sink that is in use, some thousands at a time. Raises Unavailable."""
    while await queries.forget_any_brand(db, most=FORGOTTEN_AT_ONCE, age=age) == FORGOTTEN_AT_ONCE:
        pass


async def measure(db: Database) -> None:
    """Show in the metrics how far events have come. Raises Unavailable."""
    outbox = await queries.measure_any_brand(db)
    outbox_waiting.set(outbox.waiting)
    outbox_oldest.set(outbox.oldest)
    for sink in await queries.measure_sinks_any_brand(db):
        sink_lag.labels(sink.name).set(sink.lag)
        sink_oldest.labels(sink.name).set(sink.oldest)
        sink_failures.labels(sink.name).set(sink.failures)
