"""Many at once for few seats, in two processes."""

import asyncio
from collections import Counter

import httpx

from tests.concurrency.hall import Hall, people, word_of, words
from tests.concurrency.history import at_once, shown

SEATS, FANS = 5, 60
WIDE_SEATS, WIDE_FANS = 3, 12
ROUNDS, WIDE_ROUNDS = 10, 3
STORM_CAPACITIES = [3, 12, 2, 20, 8, 25, 4]
WIDE_CAPACITIES = [6, 2, 8, 3]


async def rushed(hall: Hall, seats: int, fans: int) -> tuple[list[str], list[str]]:
    """What as many are answered who want a seat or a place in line; and what is wrong then."""
    session = await hall.filled(capacity=seats)
    answers = await at_once(*(hall.register(session, fan) for fan in people(fans)))
    said = dict(zip(people(fans), answers, strict=True))
    return words(answers), await hall.faults(session) + await hall.untrue(session, said)


async def snatched(hall: Hall, seats: int, fans: int) -> tuple[list[str], list[str]]:
    """What as many are answered who want a seat or nothing; and what is wrong then."""
    session = await hall.filled(capacity=seats)
    answers = await at_once(*(hall.take_seat(session, fan) for fan in people(fans)))
    said = dict(zip(people(fans), answers, strict=True))
    return words(answers), await hall.faults(session) + await hall.untrue(session, said)


async def stormed(hall: Hall, capacities: list[int], fans: int) -> list[str]:
    """Every rule that was broken while people came in and the host changed the number of seats up and down."""
    session = await hall.filled(capacity=4)
    edits: list[httpx.Response] = []

    async def host() -> None:
        for capacity in capacities:
            edits.append(await hall.enlarge(session, capacity))  # noqa: PERF401  # one after the other

    async def some(names: list[str]) -> list[str]:
        """One after the other, so that the storm lasts as long as the host's changes do."""
        return [word_of(await hall.register(session, name)) for name in names]

    crowds = 6
    said = await asyncio.gather(host(), *(some(people(fans // crowds, f"crowd_{crowd}")) for crowd in range(crowds)))
    answers = Counter(word for words in said if words for word in words)
    assert answers.total() == fans
    assert set(answers) <= {"registered", "waitlist"}
    assert {edit.status_code for edit in edits} == {200}
    return await hall.faults(session, edits)


async def lowered(hall: Hall) -> list[str]:
    """Every rule that was broken while the host took the free seats away and two came for them."""
    session = await hall.filled("ann", "bob", capacity=6)
    edit, *_ = await at_once(hall.enlarge(session, 2), hall.register(session, "cid"), hall.register(session, "dee"))
    return await hall.faults(session, [edit])


async def test_of_many_at_once_as_many_sit_as_there_are_seats(hall: Hall) -> None:
    answers, faults = await rushed(hall, SEATS, FANS)
    assert (answers, faults) == (["registered"] * SEATS + ["waitlist"] * (FANS - SEATS), [])


async def test_of_many_at_once_as_many_sit_as_there_are_seats_in_a_wide_window(wide_hall: Hall) -> None:
    answers, faults = await rushed(wide_hall, WIDE_SEATS, WIDE_FANS)
    assert (answers, faults) == (["registered"] * WIDE_SEATS + ["waitlist"] * (WIDE_FANS - WIDE_SEATS), [])


async def test_without_the_lock_more_sit_than_there_are_seats(unlocked_hall: Hall) -> None:
    def oversold(end: tuple[list[str], list[str]]) -> bool:
        answers, faults = end
        return answers.count("registered") > WIDE_SEATS and any(f"of {WIDE_SEATS}" in fault for fault in faults)

    assert await shown(lambda: rushed(unlocked_hall, WIDE_SEATS, WIDE_FANS), oversold)
    assert any("no admission above the capacity" in finding for finding in await unlocked_hall.broken())


async def test_of_many_who_would_not_wait_the_others_are_told_that_it_is_full(hall: Hall) -> None:
    assert await snatched(hall, SEATS, FANS) == (["201"] * SEATS + ["at_capacity"] * (FANS - SEATS), [])


async def test_of_many_who_would_not_wait_the_others_are_told_in_a_wide_window(wide_hall: Hall) -> None:
    answers, faults = await snatched(wide_hall, WIDE_SEATS, WIDE_FANS)
    assert (answers, faults) == (["201"] * WIDE_SEATS + ["at_capacity"] * (WIDE_FANS - WIDE_SEATS), [])


async def test_without_the_lock_more_than_there_are_seats_get_one_at_once(unlocked_hall: Hall) -> None:
    assert await shown(lambda: snatched(unlocked_hall, WIDE_SEATS, WIDE_FANS), lambda end: end[0].count("201") > WIDE_SEATS)


async def test_the_places_in_line_are_one_to_the_last(hall: Hall) -> None:
    session = await hall.filled(capacity=SEATS)
    await at_once(*(hall.register(session, fan) for fan in people(FANS)))
    line = await hall.there(session, "waitlist")
    assert [await hall.place(session, fan) for fan in line] == list(range(1, FANS - SEATS + 1))


async def test_no_seat_is_sold_beyond_the_capacity_of_that_moment(hall: Hall) -> None:
    assert await stormed(hall, STORM_CAPACITIES, 120) == []


async def test_no_seat_is_sold_beyond_the_capacity_of_that_moment_in_a_wide_window(wide_hall: Hall) -> None:
    assert await stormed(wide_hall, WIDE_CAPACITIES, 18) == []


async def test_without_the_lock_the_storm_is_not_survived(unlocked_hall: Hall) -> None:
    assert await shown(lambda: stormed(unlocked_hall, WIDE_CAPACITIES, 18), bool)


async def test_a_seat_that_is_being_taken_away_is_not_sold(hall: Hall) -> None:
    assert [fault for _ in range(ROUNDS) for fault in await lowered(hall)] == []


async def test_a_seat_that_is_being_taken_away_is_not_sold_in_a_wide_window(wide_hall: Hall) -> None:
    assert [fault for _ in range(WIDE_ROUNDS) for fault in await lowered(wide_hall)] == []


async def test_without_the_lock_a_seat_is_sold_that_was_taken_away(unlocked_hall: Hall) -> None:
    assert await shown(lambda: lowered(unlocked_hall), lambda faults: any("got seat 3 of 2" in fault for fault in faults))
