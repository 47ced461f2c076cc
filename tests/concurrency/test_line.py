"""Those who wait, while others leave and more seats are made: in two processes."""

from functools import partial
from typing import Literal

import httpx
import pytest

from tests.concurrency.arena import Arena, replace_functions
from tests.concurrency.hall import Hall, people, word_of
from tests.concurrency.history import at_once, shown, until_wrong
from tests.concurrency.seats_arena import SeatFunctions

ROUNDS, WIDE_ROUNDS = 10, 3

Step = Literal["start", "cancel", "end"]


async def left_while_one_came(hall: Hall) -> list[str]:
    """What is wrong when one has left the only seat while another came."""
    session = await hall.filled("ann")
    left, came = await at_once(hall.leave(session, "ann"), hall.register(session, "bob"))
    assert (word_of(left), came.status_code) == ("cancelled", 201)
    wrong = await hall.faults(session) + await hall.untrue(session, {"bob": came})
    return wrong if await hall.there(session, "registered") == ["bob"] else ["the seat is empty", *wrong]


async def left_together(hall: Hall) -> tuple[list[str], list[str]]:
    """Who sits when two have left at once and three waited; and what is wrong then."""
    session = await hall.filled("ann", "bob", line=["cid", "dee", "eve"])
    answers = await at_once(hall.leave(session, "ann"), hall.leave(session, "bob"))
    assert [word_of(answer) for answer in answers] == ["cancelled", "cancelled"]
    return await hall.there(session, "registered"), await hall.faults(session)


async def left_while_it_grew(hall: Hall) -> list[str]:
    """What is wrong when one with a seat and the first in line have left while two seats were added."""
    session = await hall.filled("ann", "bob", line=["cid", "dee", "eve", "fay", "guy"])
    grown, *left = await at_once(hall.enlarge(session, 4), hall.leave(session, "cid"), hall.leave(session, "ann"))
    refused = [word for word in map(word_of, (grown, *left)) if word == "internal_error"]
    seated = await hall.there(session, "registered")
    wrong = [] if seated == ["bob", "dee", "eve", "fay"] else [f"{seated} sit"]
    return refused + wrong + await hall.faults(session, [grown])


async def came_at_the_step(hall: Hall, step: Step) -> list[str]:
    """What is wrong when people came at the moment of the step, and one with a seat left."""
    session = await hall.filled("ann", capacity=4) if step == "end" else await hall.filled("ann", line=["bob"])
    if step == "end":
        assert (await hall.step(session, "start")).status_code == httpx.codes.OK
    stepped, _, *came = await at_once(
        hall.step(session, step), hall.leave(session, "ann"), *(hall.register(session, fan) for fan in people(4))
    )
    assert stepped.status_code == httpx.codes.OK, stepped.text
    assert {word_of(answer) for answer in came} <= {"registered", "waitlist", "at_capacity", "invalid_status"}
    return await hall.faults(session) + await hall.untrue(session, dict(zip(people(4), came, strict=True)))


async def test_who_comes_while_another_leaves_gets_the_seat(hall: Hall) -> None:
    assert await until_wrong(ROUNDS, lambda: left_while_one_came(hall)) == []


async def test_who_comes_while_another_leaves_gets_the_seat_in_a_wide_window(wide_hall: Hall) -> None:
    assert await until_wrong(WIDE_ROUNDS, lambda: left_while_one_came(wide_hall)) == []


async def test_without_the_lock_a_freed_seat_stays_empty_and_somebody_waits(unlocked_hall: Hall) -> None:
    assert await shown(lambda: left_while_one_came(unlocked_hall), lambda wrong: "the seat is empty" in wrong)
    assert any("nobody waits while a seat is free" in finding for finding in await unlocked_hall.broken())


async def test_when_two_leave_at_once_two_move_up(hall: Hall) -> None:
    assert [await left_together(hall) for _ in range(ROUNDS)] == [(["cid", "dee"], [])] * ROUNDS


async def test_when_two_leave_at_once_two_move_up_in_a_wide_window(wide_hall: Hall) -> None:
    assert [await left_together(wide_hall) for _ in range(WIDE_ROUNDS)] == [(["cid", "dee"], [])] * WIDE_ROUNDS


async def test_without_the_lock_one_moves_up_twice_and_the_count_drifts(unlocked_hall: Hall) -> None:
    def moved_twice(end: tuple[list[str], list[str]]) -> bool:
        seated, faults = end
        return seated == ["cid"] and any("cid was promoted from" in fault for fault in faults)

    assert await shown(lambda: left_together(unlocked_hall), moved_twice)
    assert any("registered_count is the number" in finding for finding in await unlocked_hall.broken())


async def test_leaving_while_it_grows_seats_everybody_that_can_be(hall: Hall) -> None:
    assert await until_wrong(ROUNDS, lambda: left_while_it_grew(hall)) == []


async def test_leaving_while_it_grows_seats_everybody_that_can_be_in_a_wide_window(wide_hall: Hall) -> None:
    assert await until_wrong(WIDE_ROUNDS, lambda: left_while_it_grew(wide_hall)) == []


async def test_without_the_lock_leaving_while_it_grows_goes_wrong(unlocked_hall: Hall) -> None:
    assert await shown(lambda: left_while_it_grew(unlocked_hall), bool)


async def test_with_the_session_locked_last_leaving_and_growing_wait_for_each_other(
    hall: Hall, arena: Arena, seat_functions: SeatFunctions
) -> None:
    await replace_functions(arena.database, [seat_functions.session_locked_last()])
    assert await shown(lambda: left_while_it_grew(hall), lambda wrong: "internal_error" in wrong)
    assert any("DeadlockDetectedError" in server.log_text() for server in arena.servers)


@pytest.mark.parametrize("step", ["start", "cancel", "end"])
async def test_who_comes_at_the_moment_of_a_step_comes_before_or_after_it(hall: Hall, step: Step) -> None:
    assert await until_wrong(ROUNDS, lambda: came_at_the_step(hall, step)) == []


@pytest.mark.parametrize("step", ["start", "cancel", "end"])
async def test_who_comes_at_the_moment_of_a_step_comes_before_or_after_it_in_a_wide_window(wide_hall: Hall, step: Step) -> None:
    assert await until_wrong(WIDE_ROUNDS, lambda: came_at_the_step(wide_hall, step)) == []


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        ("start", "stood in line when live"),
        ("start", "was promoted when live"),
        ("cancel", "when cancelled"),
        ("end", "got a seat when ended"),
    ],
)
async def test_without_the_lock_a_step_is_not_the_last_word(unlocked_hall: Hall, step: Step, fault: str) -> None:
    race = partial(came_at_the_step, unlocked_hall, step)
    assert await shown(race, lambda wrong: any(fault in found for found in wrong))
