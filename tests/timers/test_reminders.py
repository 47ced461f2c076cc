"""Who is reminded: everybody with a seat at that moment, once; however many they are, and whoever is killed meanwhile."""

import asyncio
from datetime import timedelta

import pytest

from greenroom.kit.errors import Unavailable
from greenroom.timers import service
from tests.faults.waiting import eventually, held_before_commit, waiting_backends
from tests.timers.stage import DAY, MINUTE, Stage, dropped

BEGIN = 10 * DAY
CHUNK = 10


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few are reminded in one transaction."""
    monkeypatch.setattr(service, "PEOPLE_AT_ONCE", CHUNK)


def people(first: int, last: int) -> list[str]:
    return [f"person {number}" for number in range(first, last)]


async def test_who_waits_and_who_left_is_not_reminded(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN, seats=3)
    assert await stage.register(session, "a", "b", "c", "d", "e") == ["registered"] * 3 + ["waitlist"] * 2
    await stage.leave(session, "e")
    await stage.says(session, last_reminder=0)
    await stage.fire(stage.now + BEGIN - DAY)
    assert await stage.reminded(session, "first") == ["a", "b", "c"]


async def test_who_left_and_came_back_is_reminded_once_by_the_registration_that_holds(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, "a")
    await stage.leave(session, "a")
    await stage.register(session, "a")
    await stage.fire(stage.now + BEGIN - DAY)
    held = await stage.owner.fetchval("select id from registrations where session_id = $1 and status = 'registered'", session)
    assert [one.payload["registration_id"] for one in await stage.told(session)] == [str(held)]


async def test_who_moved_into_a_seat_is_reminded(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN, seats=1)
    await stage.register(session, "a", "b")
    await stage.leave(session, "a")
    await stage.fire(stage.now + BEGIN - DAY)
    assert await stage.reminded(session, "first") == ["b"]


async def test_who_registers_after_the_first_reminder_hears_the_last(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, "a")
    await stage.fire(stage.now + BEGIN - DAY)
    await stage.register(session, "b")
    await stage.fire(stage.now + BEGIN - 10 * MINUTE)
    assert (await stage.reminded(session, "first"), await stage.reminded(session, "last")) == (["a"], ["a", "b"])


@pytest.mark.parametrize(("begin", "names"), [
    (DAY - MINUTE, ["doors_opened", "last"]), (9 * MINUTE, ["doors_opened"]), (-MINUTE, ["doors_opened", "host_late"]),
])  # fmt: skip
async def test_a_reminder_whose_time_was_past_when_the_session_was_planned_is_not_sent(
    stage: Stage, begin: timedelta, names: list[str]
) -> None:
    session = await stage.session(stage.now + begin)
    await stage.register(session, "a")
    lines = await stage.fire(stage.now + max(begin - MINUTE, 6 * MINUTE))
    assert (await stage.names(session), dropped(lines)) == (names, [])


@pytest.mark.parametrize("minutes", [{"first_reminder": 0}, {"last_reminder": 0}, {"first_reminder": 0, "last_reminder": 0}])
@pytest.mark.parametrize("by", ["session", "brand"])
async def test_no_minutes_are_never(stage: Stage, minutes: dict[str, int | None], by: str) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, "a")
    await (stage.says(session, **minutes) if by == "session" else stage.brand_says(**minutes))
    for before in (DAY, 10 * MINUTE, 0 * MINUTE):
        assert dropped(await stage.fire(stage.now + BEGIN - before)) == []
    wanted = [name for name in ("first", "last") if f"{name}_reminder" not in minutes]
    assert [name for name in await stage.names(session) if name != "doors_opened"] == wanted


async def test_two_reminders_of_one_time_are_one(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, "a")
    await stage.says(session, first_reminder=60, last_reminder=60)
    await stage.fire(stage.now + BEGIN - 60 * MINUTE)
    assert await stage.names(session) == ["last"]


async def test_the_last_reminder_may_come_before_the_first(stage: Stage) -> None:
    """Nobody would want it so, and nothing breaks."""
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, "a")
    await stage.says(session, first_reminder=20, last_reminder=60)
    for before in (60, 20):
        await stage.fire(stage.now + BEGIN - before * MINUTE)
    assert await stage.names(session) == ["last", "first"]


@pytest.mark.usefixtures("few_at_once")
@pytest.mark.parametrize("many", [CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 4])
async def test_more_people_than_one_transaction_takes_are_all_reminded(stage: Stage, many: int) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, *people(0, many))
    await stage.fire(stage.now + BEGIN - DAY, rounds=1)
    assert await stage.reminded(session, "first") == people(0, min(many, CHUNK))
    await stage.fire(stage.now + BEGIN - DAY)
    assert await stage.reminded(session, "first") == people(0, many)


@pytest.mark.usefixtures("few_at_once")
async def test_one_transaction_takes_no_more_people_however_many_sessions_come_at_once(stage: Stage) -> None:
    """A hundred full sessions at the same hour would be a hundred thousand rows, and longer than a statement may take."""
    sessions = [await stage.session(stage.now + BEGIN) for _ in range(5)]
    for session in sessions:
        await stage.register(session, *people(0, 6))
    counts = []
    for _ in range(3):
        await stage.fire(stage.now + BEGIN - DAY, rounds=1)
        counts.append(sum([len(await stage.reminded(session, "first")) for session in sessions]))
    assert counts == [10, 20, 30]
    await stage.fire(stage.now + BEGIN - DAY)
    assert [await stage.reminded(session, "first") for session in sessions] == [people(0, 6)] * 5


@pytest.mark.usefixtures("few_at_once")
async def test_who_comes_goes_and_moves_up_between_two_chunks(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN, seats=25)
    await stage.register(session, *people(0, 27))
    await stage.fire(stage.now + BEGIN - DAY, rounds=1)
    await stage.leave(session, "person 3")  # has heard, and makes room for the first in line
    await stage.leave(session, "person 15")  # has not, and makes room for the next
    await stage.enlarge(session, 30)
    await stage.register(session, "late", "person 3")
    await stage.fire(stage.now + BEGIN - DAY)
    heard = await stage.reminded(session, "first")
    assert heard == [*people(0, 15), *people(16, 27), "late", "person 3"]
    ids = [one.payload["registration_id"] for one in await stage.told(session)]
    assert len(ids) == len(set(ids))


@pytest.mark.usefixtures("few_at_once")
async def test_a_session_moved_between_two_chunks_is_told_of_the_new_time_alone(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, *people(0, 25))
    await stage.fire(stage.now + BEGIN - DAY, rounds=1)
    await stage.move(session, stage.now + BEGIN + DAY)
    await stage.fire(stage.now + BEGIN - DAY + MINUTE)
    assert len(await stage.reminded(session, "first")) == CHUNK
    await stage.fire(stage.now + BEGIN)
    assert await stage.reminded(session, "first") == [*people(0, CHUNK), *people(0, 25)]


@pytest.mark.usefixtures("few_at_once")
@pytest.mark.parametrize("there_and_back", [
    [{"first_reminder": 0}, {"first_reminder": None}],
    [{"doors_open": 10080}],
    [{"last_reminder": 10080}, {"last_reminder": None}],
    [{"first_reminder": 1439}, {"first_reminder": 1440}],
])  # fmt: skip
async def test_nobody_hears_twice_though_settings_change_between_two_chunks(
    stage: Stage, there_and_back: list[dict[str, int | None]]
) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, *people(0, 25))
    await stage.fire(stage.now + BEGIN - DAY, rounds=1)
    for minutes in there_and_back:
        await stage.says(session, **minutes)
        await stage.fire(stage.now + BEGIN - DAY, rounds=1)
    await stage.fire(stage.now + BEGIN - DAY)
    assert await stage.reminded(session, "first") == people(0, 25)
    await stage.fire(stage.now + BEGIN - 10 * MINUTE)
    assert await stage.reminded(session, "last") == people(0, 25)


@pytest.mark.usefixtures("few_at_once")
async def test_a_reminder_that_is_too_late_for_the_rest_is_dropped_for_them(stage: Stage) -> None:
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, *people(0, 25))
    await stage.fire(stage.now + BEGIN - DAY, rounds=1)
    lines = await stage.fire(stage.now + BEGIN - 10 * MINUTE)
    assert dropped(lines) == ["first_reminder"]
    assert await stage.reminded(session, "first") == people(0, CHUNK)
    assert await stage.reminded(session, "last") == people(0, 25)


@pytest.mark.usefixtures("few_at_once")
async def test_a_worker_killed_in_the_middle_of_a_chunk_leaves_no_half_of_it(stage: Stage) -> None:
    """Its connection is cut while it writes: what it had told before stands, what it was telling is told by the next."""
    session = await stage.session(stage.now + BEGIN)
    await stage.register(session, *people(0, 25))
    await stage.fire(stage.now + BEGIN - DAY, rounds=1)
    async with held_before_commit(stage.database) as holder:
        under_way = asyncio.create_task(stage.fire(stage.now + BEGIN - DAY, rounds=1))
        await eventually(lambda: waiting_backends(holder), "the worker writes")
        for pid in await waiting_backends(holder):
            await holder.execute("select pg_terminate_backend($1)", pid)
        with pytest.raises(Unavailable):
            await under_way
    assert await stage.reminded(session, "first") == people(0, CHUNK)
    await stage.fire(stage.now + BEGIN - DAY)  # its lease holds
    assert await stage.reminded(session, "first") == people(0, CHUNK)
    await stage.fire(stage.now + BEGIN - DAY + service.LEASE)
    assert await stage.reminded(session, "first") == people(0, 25)
