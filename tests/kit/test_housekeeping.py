"""What the program does now and then: each chore once among all processes; a failure ends nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import asyncpg
import pytest
from structlog.testing import capture_logs

from greenroom.events import service as events
from greenroom.kit import housekeeping, queries
from greenroom.kit.database import Database
from greenroom.kit.errors import Unavailable
from tests.postgres import Owner, TestDatabase

KEYS = """
insert into idempotency_keys (brand_id, scope, body_hash, answer, created_at)
select 'brand_' || n % 3, sha256(int4send(n) || int4send($2)), '', '{}', clock_timestamp() - $3::interval
from generate_series(1, $1) n
"""
TOLD = """
insert into events (position, sequence, id, name, brand_id, occurred_at, payload, told_at)
select n, n, gen_random_uuid(), 'live.brand.updated.v1', 'acme', now(), '{}',
    clock_timestamp() - case when n <= 3 then interval '8 days' else interval '6 days' end
from generate_series(1, 5) n
"""
Chore = Callable[[], Awaitable[None]]


@pytest.fixture
async def db(scratch: TestDatabase) -> AsyncIterator[Database]:
    async with Database(scratch.service_url, size=4, wait_seconds=5, statement_seconds=10) as opened:
        yield opened


@pytest.fixture
def owner(registrar: Owner) -> Owner:
    return registrar


def counting(done: list[str], *names: str) -> dict[str, Chore]:
    """Chores that say that they were done."""

    def chore(name: str) -> Chore:
        async def do() -> None:
            done.append(name)
            await asyncio.sleep(0)

        return do

    return {name: chore(name) for name in names}


async def keys(owner: Owner) -> int:
    return int(await owner.fetchval("select count(*) from idempotency_keys"))


async def test_every_chore_is_done_at_first_and_then_after_its_interval(db: Database, owner: Owner) -> None:
    done: list[str] = []
    chores = counting(done, "prune_idempotency_keys", "prune_events")
    await housekeeping.do_chores(db, chores)
    await housekeeping.do_chores(db, chores)
    assert sorted(done) == ["prune_events", "prune_idempotency_keys"]
    await owner.execute("update chores set due_at = clock_timestamp() where name = 'prune_events'")
    await housekeeping.do_chores(db, chores)
    assert sorted(done) == ["prune_events", "prune_events", "prune_idempotency_keys"]
    left = await owner.fetchval("select min(due_at - clock_timestamp()) from chores where name = any ($1)", list(chores))
    assert timedelta(seconds=30) < left <= timedelta(minutes=1)


async def test_a_chore_is_done_once_among_many_processes(db: Database) -> None:
    done: list[str] = []
    chores = counting(done, "prune_idempotency_keys", "prune_events")
    await asyncio.gather(*(housekeeping.do_chores(db, chores) for _ in range(8)))
    assert sorted(done) == ["prune_events", "prune_idempotency_keys"]


async def test_a_chore_of_a_newer_release_is_passed_over(db: Database, owner: Owner) -> None:
    await owner.execute("insert into chores (name, every) values ('water_the_flowers', '1 minute')")
    done: list[str] = []
    await housekeeping.do_chores(db, counting(done, "prune_events"))
    assert done == ["prune_events"]


async def test_a_chore_that_fails_keeps_no_other_and_comes_again(db: Database, owner: Owner) -> None:
    done: list[str] = []

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError("no")

    chores = {**counting(done, "prune_events"), "prune_idempotency_keys": fails}
    await owner.execute("update chores set due_at = '2000-01-01' where name = 'prune_events'")  # after the one that fails
    with capture_logs() as lines:
        repeating = asyncio.create_task(
            housekeeping.repeat(lambda: housekeeping.do_chores(db, chores), seconds=0.01)
        )  # fmt: skip
        async with asyncio.timeout(20):
            while not done:  # noqa: ASYNC110  # what it waits for is done in the database
                await asyncio.sleep(0.01)
        repeating.cancel()
        await asyncio.gather(repeating, return_exceptions=True)
    assert done == ["prune_events"]
    assert [line["event"] for line in lines] == ["chore_failed"]
    assert await owner.fetchval("select due_at > clock_timestamp() from chores where name = 'prune_idempotency_keys'")


async def test_chores_wait_for_a_database_that_is_away() -> None:
    tried = 0

    async def away() -> None:
        nonlocal tried
        tried += 1
        await asyncio.sleep(0)
        raise Unavailable

    with capture_logs() as lines:
        repeating = asyncio.create_task(housekeeping.repeat(away, seconds=0))
        async with asyncio.timeout(20):
            while tried < 3:  # noqa: ASYNC110  # the chore itself counts
                await asyncio.sleep(0)
        repeating.cancel()
        await asyncio.gather(repeating, return_exceptions=True)
    assert {line["event"] for line in lines} == {"chore_postponed"}


async def test_keys_are_forgotten_after_their_24_hours_and_not_before(db: Database, owner: Owner) -> None:
    await owner.execute(KEYS, 5, 1, timedelta(hours=24, seconds=1))
    await owner.execute(KEYS, 7, 2, timedelta(hours=23, minutes=59))
    await housekeeping.prune(db)
    assert await keys(owner) == 7


async def test_more_keys_than_one_statement_takes_are_all_forgotten(db: Database, owner: Owner) -> None:
    await owner.execute(KEYS, 2500, 1, timedelta(days=2))
    assert await queries.prune_idempotency_keys_any_brand(db) == 1000
    await housekeeping.prune(db)
    assert await keys(owner) == 0


async def test_a_key_that_somebody_holds_is_left_for_the_next_time(db: Database, owner: Owner, scratch: TestDatabase) -> None:
    await owner.execute(KEYS, 5, 1, timedelta(days=2))
    holder = await asyncpg.connect(scratch.owner_url)
    try:
        await holder.execute("begin; select from idempotency_keys limit 1 for update")
        async with asyncio.timeout(20):
            await housekeeping.prune(db)
        assert await keys(owner) == 1
        await holder.execute("commit")
    finally:
        await holder.close()
    await housekeeping.prune(db)
    assert await keys(owner) == 0


async def test_told_events_are_forgotten_after_their_days(db: Database, owner: Owner) -> None:
    await owner.execute(TOLD)
    await events.forget(db, age=timedelta(days=7))
    assert [row["position"] for row in await owner.fetch("select position from events order by position")] == [4, 5]
