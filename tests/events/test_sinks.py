"""A sink's driver: one at a time, from where it has come, and nobody waits for anybody."""

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from greenroom.events import service, sinks
from greenroom.events.feed import Feed
from greenroom.events.queries import ToldEvent
from greenroom.events.relay import relay
from greenroom.kit.ids import new_id
from tests.events.outbox import opened
from tests.events.telling import Ear, telling, write_many
from tests.faults.waiting import eventually
from tests.postgres import Owner, TestDatabase

TAKE = "update sinks set holder = $1, held_until = clock_timestamp() + interval '1 hour'"
HELD = """
insert into sinks (name, position, holder, held_until)
values ('ear', 0, gen_random_uuid(), clock_timestamp() + $1 * interval '1 s') returning held_until
"""
IS_FREE = "select held_until <= clock_timestamp() from sinks where name = $1"
FAILURES = "select failures from sinks where name = $1"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases are looked at more often."""
    monkeypatch.setattr(sinks, "RENEW_SECONDS", 0.2)


async def told_again(ear: Ear, position: int) -> int:
    """Where in what it has heard this one is for the second time."""

    async def is_told_again() -> bool:
        return ear.positions.count(position) == 2

    await eventually(is_told_again, f"{position} is told again")
    return ear.positions.index(position, ear.positions.index(position) + 1)


async def test_a_new_sink_hears_everything_that_is_kept_in_order(scratch: TestDatabase) -> None:
    ear = Ear()
    await write_many(scratch, 1200)
    async with telling(scratch, ear):
        await ear.has_heard(1200)
    assert ear.positions == list(range(1, 1201))


async def test_a_sink_is_told_no_more_at_once_than_it_can_take(scratch: TestDatabase) -> None:
    at_once: list[int] = []

    class Counting(Ear):
        async def publish(self, events: Sequence[ToldEvent]) -> None:
            at_once.append(len(events))
            await super().publish(events)

    ear = Counting()
    await write_many(scratch, 120)
    async with opened(scratch) as db:
        feed = Feed(db)
        tasks = [asyncio.create_task(relay(db, feed)), asyncio.create_task(sinks.Driver(ear, feed, db, most=50).run())]
        await ear.has_heard(120)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert ear.positions == list(range(1, 121))
    assert max(at_once) <= 50


async def noted(registrar: Owner, position: int) -> None:
    """Return when the database knows that the ear has heard so far."""

    async def is_noted() -> bool:
        return bool(await registrar.fetchval("select position = $1 from sinks where name = 'ear'", position))

    await eventually(is_noted, f"{position} is noted")


async def test_a_sink_goes_on_from_where_it_was(scratch: TestDatabase, registrar: Owner) -> None:
    await write_many(scratch, 10)
    first, second = Ear(), Ear()
    async with telling(scratch, first):
        await noted(registrar, 10)
    await write_many(scratch, 10)
    async with telling(scratch, second):
        await second.has_heard(20)
    assert second.positions == list(range(11, 21))


async def test_who_stops_leaves_the_sink_to_the_next_at_once(scratch: TestDatabase, registrar: Owner) -> None:
    ear = Ear()
    await write_many(scratch, 1)
    async with telling(scratch, ear):
        await ear.has_heard(1)
        assert not await registrar.fetchval(IS_FREE, "ear")
    assert await registrar.fetchval(IS_FREE, "ear")


@pytest.mark.usefixtures("impatient")
async def test_of_two_drivers_one_tells(scratch: TestDatabase) -> None:
    pair = [Ear(), Ear()]
    async with telling(scratch, pair[0]), telling(scratch, pair[1]):
        for number in range(1, 11):
            await write_many(scratch, 10)

            async def all_are_heard(upto: int = 10 * number) -> bool:
                return sum(len(ear.heard) for ear in pair) >= upto

            await eventually(all_are_heard, "somebody hears it")
    assert sorted(len(ear.heard) for ear in pair) == [0, 100]


@pytest.mark.usefixtures("impatient")
async def test_a_lease_is_taken_over_when_it_has_run_out_and_not_before(scratch: TestDatabase, registrar: Owner) -> None:
    ear = Ear()
    await write_many(scratch, 3)
    until = await registrar.fetchval(HELD, 3)
    async with telling(scratch, ear):
        await ear.has_heard(3)
    assert await registrar.fetchval("select clock_timestamp() >= $1", until)


@pytest.mark.usefixtures("impatient")
async def test_who_has_lost_the_lease_stops(scratch: TestDatabase, registrar: Owner) -> None:
    ear, witness = Ear(), Ear("witness")
    await write_many(scratch, 10)
    async with telling(scratch, ear, witness):
        await noted(registrar, 10)
        await registrar.execute(TAKE + " where name = 'ear'", new_id())
        await ear.has_lost_its_driver()
        await write_many(scratch, 10)
        await witness.has_heard(20)
        await asyncio.sleep(0.5)
    assert ear.positions == list(range(1, 11))
    assert await registrar.fetchval("select position from sinks where name = 'ear'") == 10


@pytest.mark.usefixtures("impatient")
async def test_a_replay_tells_again_what_is_asked_for_and_goes_on(scratch: TestDatabase) -> None:
    ear = Ear()
    await write_many(scratch, 10)
    async with telling(scratch, ear) as db:
        await ear.has_heard(10)
        assert await service.replay(db, sink="ear", first=4) == 10
        await write_many(scratch, 5)
        again = await told_again(ear, 4)
        await ear.has_heard_after(again, 15)
    assert ear.positions[again:] == list(range(4, 16))
    assert [event.id for event in ear.heard[again : again + 7]] == [event.id for event in ear.heard[3:10]]


async def test_a_replay_in_the_middle_of_telling_leaves_nothing_out(scratch: TestDatabase) -> None:
    ear = Ear()
    await write_many(scratch, 5000)
    async with telling(scratch, ear) as db:
        await ear.has_heard(100)
        await service.replay(db, sink="ear", first=50)
        again = await told_again(ear, 50)
        await ear.has_heard_after(again, 5000)
    assert ear.positions[again:] == list(range(50, 5001))


async def test_after_a_failure_it_goes_on_with_the_first_that_was_not_heard(scratch: TestDatabase, registrar: Owner) -> None:
    ear = Ear()
    ear.deaf_from = 7
    await write_many(scratch, 20)
    async with telling(scratch, ear):
        await ear.has_heard(20)
    assert (ear.positions, ear.connections) == (list(range(1, 21)), 2)
    assert await registrar.fetchval(FAILURES, "ear") == 1


async def test_a_sink_that_is_down_delays_only_itself(scratch: TestDatabase, registrar: Owner) -> None:
    down, ear = Ear("down"), Ear()
    down.is_down = True
    async with telling(scratch, down, ear):
        for number in range(1, 6):
            await write_many(scratch, 100)
            await ear.has_heard(100 * number)
        assert down.heard == []
        down.is_down = False
        await down.has_heard(500)
    assert down.positions == ear.positions == list(range(1, 501))
    assert await registrar.fetchval(FAILURES, "down") >= 1
    assert await registrar.fetchval(FAILURES, "ear") == 0


async def test_a_sink_with_a_fault_of_its_own_is_asked_again(scratch: TestDatabase) -> None:
    broken, ear = Ear("broken"), Ear()
    broken.fault = RuntimeError("what nobody has thought of")
    await write_many(scratch, 10)
    with capture_logs() as lines:
        async with telling(scratch, broken, ear):
            await ear.has_heard(10)

            async def is_said() -> bool:
                return any(line["event"] == "sink_failed" and line["sink"] == "broken" for line in lines)

            await eventually(is_said, "the log says it")
            broken.fault = None
            await broken.has_heard(10)
    assert "nobody has thought of" not in str(lines)


async def test_a_database_that_takes_no_writes_for_a_while_ends_no_driver(scratch: TestDatabase, registrar: Owner) -> None:
    ear = Ear()
    await write_many(scratch, 10)
    async with telling(scratch, ear):
        await ear.has_heard(10)
        await registrar.execute(
            "revoke update on sinks from greenroom"
        )  # as a standby refuses: with an error that is no outage
        await write_many(scratch, 10)
        await ear.has_lost_its_driver()
        await registrar.execute("grant update on sinks to greenroom")
        await write_many(scratch, 10)
        await ear.has_heard(30)
    assert sorted(set(ear.positions)) == list(range(1, 31))


async def test_a_failure_is_one_line_that_says_why(scratch: TestDatabase) -> None:
    ear = Ear()
    ear.deaf_from = 1
    await write_many(scratch, 3)
    with capture_logs() as lines:
        async with telling(scratch, ear):
            await ear.has_heard(3)
    assert lines == [{"event": "sink_failed", "log_level": "warning", "sink": "ear", "reason": "it does not hear this one"}]


async def test_a_sink_that_nobody_knows_cannot_be_told_again(scratch: TestDatabase) -> None:
    await write_many(scratch, 3)
    ear = Ear()
    async with telling(scratch, ear):
        await ear.has_heard(3)
    async with opened(scratch) as db:
        with pytest.raises(service.ReplayError, match='no sink "nose"'):
            await service.replay(db, sink="nose", first=1)
