"""The line moves: into what was freed or added, in the order in which people came, while the session is scheduled."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.administration.admins import administer, administered
from tests.postgres import Owner
from tests.registrations.people import Room, answered, events_of, room, seats_of
from tests.tenant import Json, Tenant
from tests.wire import assert_refused, id_of


async def full(http: httpx.AsyncClient, tenant: Tenant, *, seats: int = 1, waiting: str = "") -> Room:
    """A session whose seats are taken by seat_1, seat_2 and so on, and those who wait, a letter each."""
    there = await room(http, tenant, seats=seats)
    await there.enter(*(f"seat_{number}" for number in range(1, seats + 1)), *waiting)
    return there


async def resize(there: Room, seats: int) -> Json:
    return answered(await there.patch(max_participants=seats), 200)


async def line_of(owner: Owner, there: Room) -> str:
    """Those who wait, first to last."""
    rows = await owner.fetch(
        "select user_id from registrations where session_id = $1 and status = 'waitlist' order by position",
        id_of(there.session),
    )
    return "".join(row["user_id"] for row in rows)


async def promoted(owner: Owner, there: Room) -> str:
    """Those who moved up, in the order in which they did."""
    rows = await owner.fetch(
        "select user_id from registrations where session_id = $1 and promoted_at is not null order by admission",
        id_of(there.session),
    )
    return "".join(row["user_id"] for row in rows)


async def enlarge_unnoticed(owner: Owner, there: Room, seats: int) -> None:
    """As a process of the release before this one does, which knows of no line."""
    await owner.execute("update sessions set max_participants = $2 where id = $1", id_of(there.session), seats)


async def test_raising_capacity_promotes_the_first_in_line(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await full(http, tenant, waiting="abc")
    await resize(there, 2)
    assert await there.standing("a", "b", "c") == [("registered", None), ("waitlist", 1), ("waitlist", 2)]
    assert await seats_of(owner, there) == (2, 2)


async def test_raising_capacity_promotes_as_many_as_there_are_seats(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await full(http, tenant, waiting="abcde")
    await resize(there, 4)
    assert (await promoted(owner, there), await line_of(owner, there)) == ("abc", "de")
    assert await seats_of(owner, there) == (4, 2)


async def test_raising_capacity_beyond_the_line_leaves_free_seats(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await full(http, tenant, waiting="ab")
    await resize(there, 10)
    assert await seats_of(owner, there) == (3, 0)
    assert answered(await there.register("z"), 201)["status"] == "registered"


async def test_the_line_moves_by_who_came_first_and_not_by_name(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await full(http, tenant, waiting="zamb")
    await resize(there, 3)
    assert await promoted(owner, there) == "za"


async def test_the_answer_counts_those_who_moved_up(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await full(http, tenant, waiting="abc")
    response = await there.patch(max_participants=3)
    assert (answered(response, 200)["registered_count"], response.headers["etag"]) == (3, '"2.0.3.0"')
    assert (await there.read()).json() == response.json()


async def test_a_host_who_moves_up_sees_it_in_the_answer(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await full(http, tenant)
    await there.enter("host_1")
    response = await there.patch(max_participants=2)
    assert answered(response, 200)["is_registered"] is True
    assert response.headers["etag"] == '"2.0.2.1"'


async def test_who_moved_up_keeps_when_they_came(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await full(http, tenant)
    [waiting] = await there.enter("a")
    await resize(there, 2)
    own = answered(await there.own("a"), 200)
    assert (own["id"], own["registered_at"]) == (waiting["id"], waiting["registered_at"])
    assert own["promoted_at"] >= own["registered_at"]
    row = await owner.fetchrow("select * from registrations where id = $1", UUID(waiting["id"]))
    assert row is not None
    assert (row["position"], row["capacity_at_admission"], row["admission"]) == (2, 2, 2)


async def test_raising_capacity_together_with_other_fields_promotes_too(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await full(http, tenant, waiting="a")
    changed = answered(await there.patch(max_participants=2, title="Larger"), 200)
    assert (changed["title"], changed["registered_count"]) == ("Larger", 2)
    assert await line_of(owner, there) == ""


async def test_a_refused_raise_promotes_nobody(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await full(http, tenant, waiting="a")
    stale = await tenant.patch(http, there.session, {"max_participants": 2}, If_Match='"9.0.0.0"')
    assert_refused(stale, "precondition_failed")
    assert_refused(await there.patch("stranger", max_participants=2), "forbidden")
    assert await seats_of(owner, there) == (1, 1)


async def test_lowering_capacity_evicts_nobody(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await full(http, tenant, seats=3, waiting="a")
    changed = await resize(there, 1)
    assert (changed["max_participants"], changed["registered_count"]) == (1, 3)
    assert await seats_of(owner, there) == (3, 1)


async def test_lowering_capacity_closes_the_door(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await full(http, tenant, seats=3)
    await there.leave("seat_1")
    await resize(there, 1)
    [late] = await there.enter("late")
    assert late["status"] == "waitlist"


async def test_a_seat_above_the_lowered_capacity_is_given_to_nobody(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await full(http, tenant, seats=3, waiting="ab")
    await resize(there, 1)
    await there.leave("seat_1")
    await there.leave("seat_2")
    assert await seats_of(owner, there) == (1, 2)
    await there.leave("seat_3")
    assert (await promoted(owner, there), await line_of(owner, there)) == ("a", "b")


async def test_raising_capacity_to_less_than_the_seats_taken_promotes_nobody(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await full(http, tenant, seats=4, waiting="a")
    await resize(there, 1)
    for seats in (2, 4):
        await resize(there, seats)
        assert await line_of(owner, there) == "a"
    await resize(there, 5)
    assert await promoted(owner, there) == "a"


async def test_a_cancellation_promotes_the_first_in_line(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await full(http, tenant, seats=2, waiting="abc")
    await there.leave("seat_2")
    assert (await promoted(owner, there), await line_of(owner, there)) == ("a", "bc")
    assert await seats_of(owner, there) == (2, 2)


async def test_who_moved_up_may_leave_and_the_next_moves_up(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await full(http, tenant, waiting="abc")
    for user in ("seat_1", "a", "b"):
        await there.leave(user)
    assert await there.standing("a", "b", "c") == [("cancelled", None), ("cancelled", None), ("registered", None)]
    assert await promoted(owner, there) == "abc"


async def test_leaving_the_line_promotes_nobody(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await full(http, tenant, waiting="abc")
    await there.leave("a")
    assert (await promoted(owner, there), await line_of(owner, there)) == ("", "bc")
    assert await seats_of(owner, there) == (1, 2)


async def test_who_gave_up_a_seat_does_not_get_it_back_before_the_line(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await full(http, tenant, waiting="a")
    await there.leave("seat_1")
    [back] = await there.enter("seat_1")
    assert (back["status"], await promoted(owner, there)) == ("waitlist", "a")


async def test_a_removal_promotes_the_first_in_line(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=1)
    [seat, *_] = await there.enter("seat_1", *"abc")
    answered(await there.remove(seat), 200)
    assert (await promoted(owner, there), await line_of(owner, there)) == ("a", "bc")
    assert await seats_of(owner, there) == (1, 2)


async def test_a_removal_from_the_line_promotes_nobody(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=1)
    waiting = (await there.enter("seat_1", *"abc"))[2]
    answered(await there.remove(waiting), 200)
    assert (await promoted(owner, there), await line_of(owner, there)) == ("", "ac")
    assert await seats_of(owner, there) == (1, 2)


async def test_while_live_nobody_moves_up(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=2)
    [_, seat_2, *_] = await there.enter("seat_1", "seat_2", "a")
    await there.step("start")
    await there.leave("seat_1")
    await there.remove(seat_2)
    assert (await resize(there, 5))["registered_count"] == 0
    answered(await administer(http, tenant, there.session, {"max_participants": 6}), 200)
    assert (await promoted(owner, there), await line_of(owner, there)) == ("", "a")
    assert await seats_of(owner, there) == (0, 1)


async def test_while_live_a_free_seat_is_the_next_comers(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await full(http, tenant, waiting="a")
    await there.step("start")
    await there.leave("seat_1")
    assert answered(await there.register("late"), 201)["status"] == "registered"


async def test_an_administrator_who_raises_capacity_promotes(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await full(http, tenant, waiting="abc")
    response = await administer(http, tenant, there.session, {"max_participants": 3})
    assert (answered(response, 200)["max_participants"], response.headers["etag"]) == (3, '"2.0.3.0"')
    assert (await promoted(owner, there), await line_of(owner, there)) == ("ab", "c")


async def test_reinstating_promotes_into_the_free_seats(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await full(http, tenant, seats=3, waiting="abc")
    await there.step("cancel")
    await there.leave("seat_1")
    await there.leave("seat_3")
    assert await seats_of(owner, there) == (1, 3)
    response = await administer(http, tenant, there.session, {"status": "scheduled"})
    assert (answered(response, 200)["status"], response.headers["etag"]) == ("scheduled", '"3.0.3.0"')
    assert (await promoted(owner, there), await line_of(owner, there)) == ("ab", "c")


async def test_reinstating_a_larger_session_promotes_into_what_was_added(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await full(http, tenant, waiting="ab")
    await there.step("cancel")
    await administered(http, tenant, there.session, {"status": "scheduled", "max_participants": 2})
    assert (await promoted(owner, there), await line_of(owner, there)) == ("a", "b")


async def test_reinstating_a_full_session_promotes_nobody(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await full(http, tenant, waiting="a")
    await there.step("cancel")
    await administered(http, tenant, there.session, {"status": "scheduled"})
    assert await seats_of(owner, there) == (1, 1)


async def test_an_administrator_who_cancels_promotes_nobody(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await full(http, tenant, waiting="a")
    await enlarge_unnoticed(owner, there, 5)
    response = await administer(http, tenant, there.session, {"status": "cancelled"})
    assert (answered(response, 200)["status"], response.headers["etag"]) == ("cancelled", '"2.0.1.0"')
    assert await seats_of(owner, there) == (1, 1)


async def test_whoever_waits_beside_a_free_seat_goes_before_who_comes(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await full(http, tenant, waiting="ab")
    await enlarge_unnoticed(owner, there, 3)
    [late] = await there.enter("late")
    assert (await promoted(owner, there), late["status"]) == ("ab", "waitlist")
    assert await seats_of(owner, there) == (3, 1)


async def test_each_who_moves_up_is_told_of_once(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await full(http, tenant)
    waiting = await there.enter("a", "b", "c")
    await resize(there, 3)
    told = [await events_of(owner, registration) for registration in waiting]
    assert [[name for name, _ in events] for events in told] == [
        ["live.registration.waitlisted.v1", "live.registration.promoted.v1"],
        ["live.registration.waitlisted.v1", "live.registration.promoted.v1"],
        ["live.registration.waitlisted.v1"],
    ]


async def test_promotions_are_told_in_the_order_of_the_line(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await full(http, tenant, waiting="zyxabc")
    await resize(there, 7)
    rows = await owner.fetch(
        "select payload->>'user_id' as user_id from all_events_any_brand_v1()"
        " where session_id = $1 and name = 'live.registration.promoted.v1' order by sequence", id_of(there.session),
    )  # fmt: skip
    assert "".join(row["user_id"] for row in rows) == "zyxabc"


@pytest.mark.parametrize("body", [{}, {"max_participants": 1}, {"title": "Ask the physiotherapist"}, {"title": "New"}])
async def test_a_change_of_anything_else_promotes_nobody(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, body: dict[str, Any]
) -> None:
    there = await full(http, tenant, waiting="a")
    answered(await there.patch(**body), 200)
    assert await seats_of(owner, there) == (1, 1)
