"""The feed: each reader at their own pace, what is recent read once for all."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from greenroom.events import feed as feed_module
from greenroom.events import queries
from greenroom.events.feed import Feed
from greenroom.events.queries import ToldEvent
from greenroom.kit.database import Database
from tests.events.outbox import opened, tell, write
from tests.postgres import TestDatabase

EVENTS = 30


@pytest.fixture
async def relayed(scratch: TestDatabase) -> AsyncIterator[Database]:
    async with opened(scratch) as db:
        yield db


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """From where the database was read; pages are small, and little is kept at hand."""
    noted: list[int] = []
    genuine = queries.after_any_brand

    async def noting(db: Database, position: int, *, most: int) -> list[ToldEvent]:
        noted.append(position)
        return await genuine(db, position, most=most)

    monkeypatch.setattr(queries, "after_any_brand", noting)
    monkeypatch.setattr(feed_module, "PAGE", 10)
    return noted


async def filled(scratch: TestDatabase, db: Database, count: int = EVENTS) -> None:
    owner = await asyncpg.connect(scratch.owner_url)
    for _ in range(count):
        await write(owner)
    await owner.close()
    await tell(db)


async def read_all(feed: Feed, upto: int, after: int = 0) -> list[int]:
    heard: list[int] = []
    position = after
    while position < upto:
        page = await feed.after(position)
        heard += [event.position for event in page]
        position = page[-1].position
    return heard


async def test_who_asks_at_one_time_shares_the_reading(scratch: TestDatabase, relayed: Database, reads: list[int]) -> None:
    await filled(scratch, relayed)
    feed = Feed(relayed)
    feed.advance(EVENTS)
    heard = await asyncio.gather(*(read_all(feed, EVENTS) for _ in range(20)))
    assert heard == [list(range(1, EVENTS + 1))] * 20
    assert reads == [0, 10, 20]


async def test_who_comes_late_reads_what_is_at_hand(scratch: TestDatabase, relayed: Database, reads: list[int]) -> None:
    await filled(scratch, relayed)
    feed = Feed(relayed)
    feed.advance(EVENTS)
    await read_all(feed, EVENTS)
    reads.clear()
    assert await read_all(feed, EVENTS, after=5) == list(range(6, EVENTS + 1))
    assert reads == []


async def test_who_reads_of_long_ago_reads_for_themselves_and_disturbs_nobody(
    scratch: TestDatabase, relayed: Database, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "RECENT", 10)
    await filled(scratch, relayed)
    feed = Feed(relayed)
    feed.advance(EVENTS)
    assert await read_all(feed, EVENTS) == list(range(1, EVENTS + 1))
    reads.clear()
    assert await read_all(feed, 20) == list(range(1, 21))
    assert reads == [0, 10]
    reads.clear()
    assert await read_all(feed, EVENTS, after=20) == list(range(21, EVENTS + 1))
    assert reads == []


async def test_nothing_is_read_while_nobody_asks(scratch: TestDatabase, relayed: Database, reads: list[int]) -> None:
    await filled(scratch, relayed)
    feed = Feed(relayed)
    feed.advance(EVENTS)
    assert await feed.reached() == EVENTS
    assert reads == []


@pytest.mark.usefixtures("reads")
async def test_after_a_gap_that_nobody_read_the_recent_ones_have_none(scratch: TestDatabase, relayed: Database) -> None:
    await filled(scratch, relayed)
    feed = Feed(relayed)
    feed.advance(EVENTS)
    await feed.after(0)
    assert await read_all(feed, EVENTS, after=20) == list(range(21, EVENTS + 1))
    assert await read_all(feed, EVENTS, after=10) == list(range(11, EVENTS + 1))
    assert await read_all(feed, EVENTS) == list(range(1, EVENTS + 1))


async def test_who_waits_is_woken_by_the_next_event_alone(scratch: TestDatabase, relayed: Database) -> None:
    await filled(scratch, relayed, 2)
    feed = Feed(relayed)
    feed.advance(1)
    waiting = asyncio.create_task(feed_after(feed, 1))
    for known in (1, 0, 1):
        feed.advance(known)
        await asyncio.sleep(0)
    assert not waiting.done()
    feed.advance(2)
    assert [event.position for event in await asyncio.wait_for(waiting, 5)] == [2]


async def test_one_who_gives_up_leaves_the_others_waiting(scratch: TestDatabase, relayed: Database) -> None:
    await filled(scratch, relayed, 1)
    feed = Feed(relayed)
    impatient, patient = (asyncio.create_task(feed_after(feed, 0)) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    feed.advance(1)
    assert [event.position for event in await asyncio.wait_for(patient, 5)] == [1]


async def test_what_was_forgotten_is_passed_over(scratch: TestDatabase, relayed: Database) -> None:
    await filled(scratch, relayed)
    await relayed.rows("delete from events where position <= 12")
    feed = Feed(relayed)
    feed.advance(EVENTS)
    assert (await feed.after(0))[0].position == 13


async def test_where_all_was_forgotten_a_reader_waits_for_what_comes(
    scratch: TestDatabase, relayed: Database, reads: list[int]
) -> None:
    await filled(scratch, relayed)
    await relayed.rows("delete from events")
    feed = Feed(relayed)
    feed.advance(EVENTS)
    waiting: asyncio.Task[Any] = asyncio.create_task(feed_after(feed, 0))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    assert len(reads) == 1
    await filled(scratch, relayed, 1)
    feed.advance(EVENTS + 1)
    assert [event.position for event in await asyncio.wait_for(waiting, 5)] == [EVENTS + 1]


async def feed_after(feed: Feed, position: int) -> list[ToldEvent]:
    return list(await feed.after(position))
