"""Positions: dense, behind every open transaction, in each session's own order, from any number of processes."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from uuid import uuid4

import asyncpg
import pytest

from greenroom.events import queries
from greenroom.events.feed import Feed
from greenroom.events.relay import relay
from greenroom.kit.database import Database
from tests.events.outbox import opened, sequences, tell, told, without, write
from tests.postgres import Owner, TestDatabase

SETTLED = "o.xid < pg_snapshot_xmin(pg_current_snapshot())"
WAITS = "f.sequence < coalesce((select min(u.sequence) from first u where not u.is_settled), 9223372036854775807)"


@pytest.fixture
async def relayed(scratch: TestDatabase) -> AsyncIterator[Database]:
    async with opened(scratch) as db:
        yield db


@pytest.fixture
def owner(registrar: Owner) -> Owner:
    return registrar


@pytest.fixture
async def other(scratch: TestDatabase) -> AsyncIterator[Owner]:
    connection = await asyncpg.connect(scratch.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
async def third(scratch: TestDatabase) -> AsyncIterator[Owner]:
    connection = await asyncpg.connect(scratch.owner_url)
    yield connection
    await connection.close()


async def test_an_event_gets_the_next_position_and_leaves_the_outbox(relayed: Database, owner: Owner) -> None:
    written = [await write(owner) for _ in range(3)]
    assert await tell(relayed) == 3
    assert [event.position for event in await told(relayed)] == [1, 2, 3]
    assert await sequences(owner) == written
    assert await owner.fetchval("select count(*) from outbox") == 0
    await write(owner)
    assert await tell(relayed) == 1
    assert [event.position for event in await told(relayed)] == [1, 2, 3, 4]


async def test_an_open_transaction_is_not_stepped_over(relayed: Database, owner: Owner, other: Owner) -> None:
    held = owner.transaction()
    await held.start()
    first = await write(owner)
    second = await write(other)
    assert await tell(relayed) == 0
    await held.commit()
    assert await tell(relayed) == 2
    assert await sequences(owner) == [first, second]


async def test_with_the_guard_off_an_open_transaction_is_stepped_over(relayed: Database, owner: Owner, other: Owner) -> None:
    await without(owner, SETTLED, "true")
    held = owner.transaction()
    await held.start()
    first = await write(owner)
    second = await write(other)
    assert await tell(relayed) == 1
    await held.commit()
    assert await tell(relayed) == 1
    assert await sequences(owner) == [second, first]


async def _crossed(relayed: Database, owner: Owner, other: Owner, third: Owner) -> tuple[list[int], list[int]]:
    """A session's two events whose transactions took their numbers in the other order, told while a third is open between
    them; answers them as they were written and as they were told."""
    session = uuid4()
    early = owner.transaction()
    await early.start()
    await write(owner)  # of another session: the transaction has its number from here
    between = third.transaction()
    await between.start()
    await write(third)
    written = [await write(other, session)]
    written.append(await write(owner, session))
    await early.commit()
    await tell(relayed)
    await between.commit()
    await tell(relayed)
    return written, [sequence for sequence in await sequences(owner) if sequence in written]


async def test_a_transaction_that_took_its_number_elsewhere_does_not_overtake(
    relayed: Database, owner: Owner, other: Owner, third: Owner
) -> None:
    written, heard = await _crossed(relayed, owner, other, third)
    assert heard == written


async def test_with_the_guard_off_it_overtakes(relayed: Database, owner: Owner, other: Owner, third: Owner) -> None:
    await without(owner, WAITS, "f.is_settled")
    written, heard = await _crossed(relayed, owner, other, third)
    assert heard == written[::-1]


async def test_what_a_dump_brought_along_from_a_cluster_of_higher_numbers_is_told(relayed: Database, owner: Owner) -> None:
    restored = await write(owner)
    await owner.execute("update outbox set xid = (pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1000000)::text::xid8")
    ours = await write(owner)
    assert await tell(relayed) == 2
    assert await sequences(owner) == [restored, ours]


async def test_many_relays_and_writers_make_one_dense_order(scratch: TestDatabase, relayed: Database, owner: Owner) -> None:
    sessions = [uuid4() for _ in range(5)]

    async def keep_writing(number: int) -> None:
        connection = await asyncpg.connect(scratch.owner_url)
        for turn in range(60):
            async with connection.transaction():
                for session in sorted({sessions[number % 5], sessions[turn % 5]}):
                    await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", str(session))
                    await write(connection, session)
        await connection.close()

    async with opened(scratch) as more:
        feeds = [Feed(relayed), Feed(more), Feed(relayed), Feed(more)]
        relays = [asyncio.create_task(relay(db, feed)) for db, feed in zip((relayed, more, relayed, more), feeds, strict=True)]
        await asyncio.gather(*(keep_writing(number) for number in range(6)))
        total = await owner.fetchval("select count(*) from all_events_any_brand_v1()")
        async with asyncio.timeout(30):
            for feed in feeds:
                await feed.after(total - 1)
        for one in relays:
            one.cancel()
        await asyncio.gather(*relays, return_exceptions=True)
    events = await owner.fetch("select position, session_id, sequence from events order by position")
    assert [event["position"] for event in events] == list(range(1, total + 1))
    for session in sessions:
        of_session = [event["sequence"] for event in events if event["session_id"] == session]
        assert of_session == sorted(of_session)


async def test_one_at_a_time_gives_positions_and_the_others_do_not_wait(relayed: Database, owner: Owner, other: Owner) -> None:
    await write(other)
    held = owner.transaction()
    await held.start()
    await owner.execute("select from relay for update")
    async with asyncio.timeout(5):
        look = await queries.relay_any_brand(relayed, most=10)
    assert look == queries.Look(None, 0)
    await held.rollback()
    assert await tell(relayed) == 1


async def test_what_was_not_committed_was_not_told(relayed: Database, owner: Owner, other: Owner) -> None:
    await write(other)
    cut_short = owner.transaction()
    await cut_short.start()
    await owner.fetch("select * from relay_events_any_brand_v1(10)")
    await cut_short.rollback()
    assert await told(relayed) == []
    assert await tell(relayed) == 1


async def test_more_than_one_look_takes_come_in_order(relayed: Database, owner: Owner) -> None:
    written = [await write(owner) for _ in range(7)]
    for expected in (3, 3, 1, 0):
        assert (await queries.relay_any_brand(relayed, most=3)).told == expected
    assert await sequences(owner) == written


async def test_looking_in_vain_spends_no_transaction_numbers(relayed: Database, owner: Owner) -> None:
    next_number = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
    await write(owner)
    await tell(relayed)
    before = await owner.fetchval(next_number)
    for _ in range(50):
        await tell(relayed)
    assert await owner.fetchval(next_number) - before < 25  # others of this cluster spend some, too


async def test_a_reader_hears_of_a_commit_soon(relayed: Database, owner: Owner) -> None:
    feed = Feed(relayed)
    telling = asyncio.create_task(relay(relayed, feed))
    position = await feed.reached()
    try:
        for _ in range(3):
            written = await write(owner)
            async with asyncio.timeout(5):
                (event,) = await feed.after(position)
            position = event.position
            assert await owner.fetchval("select sequence from events where position = $1", position) == written
    finally:
        telling.cancel()


async def test_positions_go_on_where_they_were_after_everything_is_forgotten(relayed: Database, owner: Owner) -> None:
    for _ in range(3):
        await write(owner)
    await tell(relayed)
    await owner.execute("update events set told_at = now() - interval '8 days'")
    assert await owner.fetchval("select forget_events_any_brand_v2(100, '7 days')") == 3
    await write(owner)
    await tell(relayed)
    assert [event.position for event in await told(relayed)] == [4]
    assert (await queries.kept_any_brand(relayed)) == queries.Kept(reached=4, forgotten=3)


async def test_what_a_sink_in_use_has_not_told_is_not_forgotten(relayed: Database, owner: Owner) -> None:
    for _ in range(5):
        await write(owner)
    await tell(relayed)
    await owner.execute("update events set told_at = now() - interval '8 days'")
    await owner.execute(
        "insert into sinks (name, position, held_until) values ('slow', 2, now()), ('gone', 1, now() - interval '8 days')"
    )
    assert await owner.fetchval("select forget_events_any_brand_v2(100, '7 days')") == 2
    assert [event.position for event in await told(relayed)] == [3, 4, 5]


async def test_only_what_is_old_enough_is_forgotten_and_without_a_gap(relayed: Database, owner: Owner) -> None:
    for _ in range(6):
        await write(owner)
    await tell(relayed)
    await owner.execute("update events set told_at = now() - interval '8 days' where position in (1, 2, 4)")
    assert await owner.fetchval("select forget_events_any_brand_v2(100, '7 days')") == 2
    assert [event.position for event in await told(relayed)] == [3, 4, 5, 6]
    assert await owner.fetchval("select forgotten_until <= (select min(occurred_at) from events) from relay")


async def test_an_events_fields_survive_the_way(relayed: Database, owner: Owner) -> None:
    await owner.execute(
        "insert into outbox (id, name, brand_id, occurred_at, payload) values (gen_random_uuid(), 'live.brand.updated.v1',"
        """ 'acme', '2027-01-01T00:00:00.125Z', '{"text": "ä\\u2028", "number": 1e2}')"""
    )
    before = await owner.fetchrow(
        "select id, name, brand_id, session_id, session_version, occurred_at, payload::text from outbox"
    )
    await tell(relayed)
    after = await owner.fetchrow(
        "select id, name, brand_id, session_id, session_version, occurred_at, payload::text from events"
    )
    assert after == before


async def test_told_at_never_runs_ahead_of_the_positions(relayed: Database, owner: Owner) -> None:
    for _ in range(5):
        await write(owner)
    await tell(relayed)
    times = [row["told_at"] for row in await owner.fetch("select told_at from events order by position")]
    assert all(earlier <= later for earlier, later in pairwise(times))
