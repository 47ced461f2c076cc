"""How many were inside at which time: what the picture of a session's attendance is made of."""

from itertools import pairwise

import pytest

from greenroom.attendance import listing
from greenroom.attendance.listing import MOST_STEPS, Crowd
from greenroom.attendance.service import Attendance
from greenroom.identity.caller import Caller
from greenroom.identity.scopes import scopes_in
from greenroom.kit.errors import Forbidden, NotFound
from greenroom.kit.ids import BrandId, ClientId, UserId
from greenroom.kit.pagination import Cursors
from tests.attendance.stage import Stage
from tests.server import SECRET_KEY


async def crowd_of(it: Stage, user: str = "host_1", *, scope: str = "read:live write:live", brand: str | None = None) -> Crowd:
    caller = Caller(
        user=UserId(user), client=ClientId("test"), brand=BrandId(brand or it.there.tenant.brand), scopes=scopes_in(scope)
    )
    return await listing.crowd(Attendance(it.db, Cursors([SECRET_KEY])), caller, it.there.session["id"])


async def steps_of(it: Stage) -> list[tuple[float, int, int]]:
    """The minute of each, the most in it, and how many after it."""
    return [((step.at - it.begins_at).total_seconds() / 60, step.most, step.inside) for step in (await crowd_of(it)).steps]


async def test_everybody_who_comes_or_leaves_is_a_step(it: Stage) -> None:
    await it.hosted(it.stay("anna", 5, 60), it.stay("ben", 10, 20))
    assert await steps_of(it) == [(0, 1, 1), (5, 2, 2), (10, 3, 3), (20, 3, 2), (60, 2, 0)]


async def test_two_devices_of_one_person_count_once(it: Stage) -> None:
    await it.hosted(it.stay("anna", 5, 20), it.stay("anna", 10, 40))
    assert await steps_of(it) == [(0, 1, 1), (5, 2, 2), (40, 2, 1), (60, 1, 0)]


async def test_who_comes_back_is_two_stays(it: Stage) -> None:
    await it.hosted(it.stay("anna", 5, 20), it.stay("anna", 30, 40))
    assert await steps_of(it) == [(0, 1, 1), (5, 2, 2), (20, 2, 1), (30, 2, 2), (40, 2, 1), (60, 1, 0)]


async def test_who_leaves_in_the_instant_in_which_another_comes_is_there_with_them(it: Stage) -> None:
    await it.hosted(it.stay("anna", 5, 20), it.stay("ben", 20, 40))
    assert await steps_of(it) == [(0, 1, 1), (5, 2, 2), (20, 3, 2), (40, 2, 1), (60, 1, 0)]


async def test_who_is_still_inside_has_not_left(it: Stage) -> None:
    await it.begin()
    await it.tell(it.stay("host_1", 0, None), it.stay("anna", 5, 10), it.stay("anna", 20, None))
    assert await steps_of(it) == [(0, 1, 1), (5, 2, 2), (10, 2, 1), (20, 2, 2)]


async def test_a_sound_check_before_the_doors_open_does_not_count(it: Stage) -> None:
    await it.hosted(it.stay("anna", -60, -30), it.stay("ben", -60, 10))
    assert await steps_of(it) == [(-15, 1, 1), (0, 2, 2), (10, 2, 1), (60, 1, 0)]


async def test_nobody_is_no_step_and_the_call_is_there(it: Stage) -> None:
    assert await crowd_of(it) == Crowd(has_call=True, steps=[])


async def test_a_large_crowd_has_five_hundred_steps_and_the_same_peak(it: Stage) -> None:
    comes, leaves = [3 * one for one in range(600)], [1801 + 2 * one for one in range(600)]  # in seconds
    await it.hosted(*(it.stay(f"user_{one}", comes[one] / 60, leaves[one] / 60) for one in range(600)))
    steps = [(round(minute * 60), most, inside) for minute, most, inside in await steps_of(it)]
    assert MOST_STEPS / 2 < len(steps) <= MOST_STEPS
    assert max(most for _, most, _ in steps) == (await it.read())["totals"]["peak"]
    assert steps[-1] == (3600, 1, 0)
    for (before, _, was), (at, most, inside) in pairwise(steps):
        assert before < at
        assert most >= max(was, inside) >= 0
        there = sum(come <= at for come in comes) - sum(leave <= at for leave in leaves)
        assert inside == there + (at < 3600)


async def test_who_may_not_see_it_is_told_so(it: Stage) -> None:
    await it.hosted(it.stay("anna", 5, 20))
    with pytest.raises(Forbidden):
        await crowd_of(it, "anna")
    assert (await crowd_of(it, "somebody", scope="manage:live")).steps
    with pytest.raises(NotFound):
        await crowd_of(it, brand="another-brand", scope="manage:live")
