"""Reads and writes that share round trips."""

import asyncio
from collections.abc import Sequence

import pytest

from greenroom.kit.errors import Unavailable
from greenroom.kit.gathering import LARGEST_TRIP, Gathering


class Ferry:
    """Carries numbers, each tenfold; leaves when it is told to."""

    def __init__(self) -> None:
        self.trips: list[list[int]] = []
        self.may_land = asyncio.Event()
        self.sinks = False

    async def carry(self, items: Sequence[int]) -> Sequence[int]:
        """One round trip."""
        self.trips.append(list(items))
        await self.may_land.wait()
        if self.sinks:
            raise Unavailable
        return [item * 10 for item in items]


async def sent(gathering: "Gathering[int, int]", *items: int) -> list["asyncio.Task[int]"]:
    tasks = [asyncio.create_task(gathering.send(item)) for item in items]
    await asyncio.sleep(0)
    return tasks


async def test_a_lonely_one_goes_at_once() -> None:
    ferry = Ferry()
    ferry.may_land.set()
    gathering = Gathering(ferry.carry, wait_seconds=1)
    assert await gathering.send(7) == 70
    assert ferry.trips == [[7]]


async def test_those_that_come_meanwhile_go_together_in_their_order() -> None:
    ferry = Ferry()
    tasks = await sent(Gathering(ferry.carry, wait_seconds=1), 1, 2, 3, 4)
    assert ferry.trips == [[1]]
    ferry.may_land.set()
    assert await asyncio.gather(*tasks) == [10, 20, 30, 40]
    assert ferry.trips == [[1], [2, 3, 4]]


async def test_no_one_joins_a_trip_that_has_begun() -> None:
    ferry = Ferry()
    gathering = Gathering(ferry.carry, wait_seconds=1)
    tasks = await sent(gathering, 1)
    tasks += await sent(gathering, 2)
    assert ferry.trips == [[1]]
    ferry.may_land.set()
    await asyncio.gather(*tasks)


async def test_a_trip_has_a_largest_size() -> None:
    ferry = Ferry()
    tasks = await sent(Gathering(ferry.carry, wait_seconds=1), *range(LARGEST_TRIP + 2))
    ferry.may_land.set()
    await asyncio.gather(*tasks)
    assert [len(trip) for trip in ferry.trips] == [1, LARGEST_TRIP, 1]


async def test_everyone_on_a_trip_that_fails_is_told_and_the_next_goes_on() -> None:
    ferry = Ferry()
    ferry.sinks = True
    gathering = Gathering(ferry.carry, wait_seconds=1)
    tasks = await sent(gathering, 1, 2, 3)
    ferry.may_land.set()
    failed = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(error) for error in failed] == [Unavailable] * 3
    ferry.sinks = False
    assert await gathering.send(4) == 40


async def test_one_who_gave_up_is_not_carried() -> None:
    ferry = Ferry()
    tasks = await sent(Gathering(ferry.carry, wait_seconds=1), 1, 2, 3)
    tasks[1].cancel()
    await asyncio.sleep(0)
    ferry.may_land.set()
    assert [await tasks[0], await tasks[2]] == [10, 30]
    assert ferry.trips == [[1], [3]]


async def test_one_who_waited_too_long_is_told_so() -> None:
    ferry = Ferry()
    tasks = await sent(Gathering(ferry.carry, wait_seconds=0.01), 1, 2)
    await asyncio.sleep(0.05)
    ferry.may_land.set()
    assert await tasks[0] == 10
    with pytest.raises(Unavailable):
        await tasks[1]
    assert ferry.trips == [[1]]
