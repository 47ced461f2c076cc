"""Changes of one row that share transactions: who goes with whom, and in which order."""

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar

import pytest

from greenroom.kit.errors import Unavailable
from greenroom.kit.lane import CROWDED, LOOK_SECONDS, Lanes
from tests.kit.cart import PLENTY, Cart, Parcel, lanes_of, outcomes_of, sent, set_out, there

SHORT_SECONDS = 0.3  # an answer's time where a test waits for its end
ANN = ("ann",)


def state_of(lanes: Lanes[str, Parcel, str]) -> str:
    """All that it holds."""
    return str(sorted((name, value) for name, value in vars(lanes).items()))


async def test_a_lonely_one_goes_at_once_in_the_task_that_sent_it() -> None:
    cart = Cart()
    cart.may_arrive()
    assert await lanes_of(cart).send("row", Parcel("a")) == "a is there"
    assert cart.tasks == [asyncio.current_task()]


async def test_those_that_come_meanwhile_go_together_in_their_order() -> None:
    cart = Cart()
    tasks = await sent(lanes_of(cart), "a", "b", "c", "d")
    assert cart.loads == [["a"]]
    cart.may_arrive()
    assert await outcomes_of(tasks) == there("a", "b", "c", "d")
    assert cart.loads == [["a"], ["b", "c", "d"]]


async def test_nobody_joins_a_batch_that_is_on_its_way() -> None:
    cart = Cart()
    lanes = lanes_of(cart)
    tasks = await sent(lanes, "a", "b")
    cart.may_arrive(1)
    await set_out(cart, "b")
    tasks += await sent(lanes, "c")
    cart.may_arrive()
    await outcomes_of(tasks)
    assert cart.loads == [["a"], ["b"], ["c"]]


async def test_rows_do_not_wait_for_each_other() -> None:
    cart = Cart()
    lanes = lanes_of(cart)
    stuck = await sent(lanes, "a", "b", row="busy")
    free = await sent(lanes, "c", "d", row="free")
    cart.may_arrive(row="free")
    assert await outcomes_of(free) == there("c", "d")
    assert not any(task.done() for task in stuck)
    cart.may_arrive(row="busy")
    await outcomes_of(stuck)


async def test_a_batch_has_a_largest_size() -> None:
    cart = Cart()
    tasks = await sent(lanes_of(cart, largest=3), *"abcdefgh")
    cart.may_arrive()
    assert await outcomes_of(tasks) == there(*"abcdefgh")
    assert cart.loads == [["a"], ["b", "c", "d"], ["e", "f", "g"], ["h"]]


async def test_nothing_is_claimed_twice_in_a_batch() -> None:
    cart = Cart()
    tasks = await sent(lanes_of(cart), "a", Parcel("b", claims=ANN), Parcel("c", claims=ANN), Parcel("d", claims=("bob",)))
    cart.may_arrive()
    assert await outcomes_of(tasks) == there("a", "b", "c", "d")
    assert cart.loads == [["a"], ["b", "d"], ["c"]]


async def test_who_was_put_back_is_passed_by_nobody_with_whom_he_shares_a_claim() -> None:
    cart = Cart()
    tasks = await sent(
        lanes_of(cart),
        "a",
        Parcel("b", claims=("ann", "key 1")),
        Parcel("c", claims=("bob", "key 1")),  # waits for b
        Parcel("d", claims=("bob", "key 2")),  # and therefore waits for c
        Parcel("e", claims=("eve",)),
    )
    cart.may_arrive()
    await outcomes_of(tasks)
    assert cart.loads == [["a"], ["b", "e"], ["c"], ["d"]]


async def test_those_who_were_put_back_go_before_those_who_came_later() -> None:
    cart = Cart()
    tasks = await sent(lanes_of(cart, largest=2), "a", Parcel("b", claims=ANN), Parcel("c", claims=ANN), "d", "e", "f")
    cart.may_arrive()
    await outcomes_of(tasks)
    assert cart.loads == [["a"], ["b", "d"], ["c", "e"], ["f"]]


async def test_one_who_asks_very_often_is_not_looked_at_whole_for_each_batch() -> None:
    cart = Cart()
    again = [Parcel(f"again {number}", claims=ANN) for number in range(4)]
    tasks = await sent(lanes_of(cart, largest=3), "a", *again, "z")
    cart.may_arrive()
    assert await outcomes_of(tasks) == there("a", *(parcel.name for parcel in again), "z")
    assert cart.loads[1] == ["again 0"]


async def test_a_batch_holds_one_kind_and_nobody_passes_the_other() -> None:
    cart = Cart()
    tasks = await sent(lanes_of(cart), "a", "b", Parcel("c", "out"), Parcel("d", "out"), "e")
    cart.may_arrive()
    assert await outcomes_of(tasks) == there("a", "b", "c", "d", "e")
    assert cart.loads == [["a"], ["b"], ["c", "d"], ["e"]]


async def test_in_before_out_stays_in_before_out_when_the_first_was_put_back() -> None:
    cart = Cart()
    tasks = await sent(lanes_of(cart), "a", Parcel("b", claims=ANN), Parcel("c", claims=ANN), Parcel("d", "out", claims=ANN))
    cart.may_arrive()
    await outcomes_of(tasks)
    assert cart.loads == [["a"], ["b"], ["c"], ["d"]]


async def test_who_finds_the_line_full_is_told_that_nothing_was_done() -> None:
    cart = Cart()
    lanes = lanes_of(cart, most_waiting=2)
    tasks = await sent(lanes, "a", "b", "c")
    with pytest.raises(Unavailable) as refused:
        await lanes.send("row", Parcel("d"))
    assert (refused.value.text, refused.value.status, refused.value.headers) == (CROWDED, 503, {"Retry-After": "1"})
    cart.may_arrive()
    assert await outcomes_of(tasks) == there("a", "b", "c")
    assert cart.loads == [["a"], ["b", "c"]]


async def test_a_full_line_of_one_row_leaves_room_in_the_others() -> None:
    cart = Cart()
    lanes = lanes_of(cart, most_waiting=1)
    full = await sent(lanes, "a", "b", row="full")
    other = await sent(lanes, "c", "d", row="other")
    cart.may_arrive(row="other")
    assert await outcomes_of(other) == there("c", "d")
    cart.may_arrive(row="full")
    await outcomes_of(full)


async def test_a_batch_is_carried_in_nobodys_own_context() -> None:
    trace: ContextVar[str] = ContextVar("trace", default="nobody's")
    seen: list[str] = []
    cart = Cart()

    async def carry(row: str, parcels: Sequence[Parcel]) -> Sequence[str]:
        seen.append(trace.get())
        return await cart.carry(row, parcels)

    lanes = Lanes(carry, kind=lambda _: "in", claims=lambda _: ())
    trace.set("the first one's")
    tasks = await sent(lanes, "a", "b")
    cart.may_arrive()
    await outcomes_of(tasks)
    assert seen == ["the first one's", "nobody's"]


async def test_of_an_idle_row_nothing_is_kept() -> None:
    cart = Cart()
    lanes = lanes_of(cart, answer_seconds=SHORT_SECONDS)
    fresh = state_of(lanes)
    for row in ("one", "two", "stuck"):
        tasks = await sent(lanes, "a", "b", "c", row=row)
        cart.may_arrive(0 if row == "stuck" else PLENTY, row=row)
        await outcomes_of(tasks)
    assert ["b", "c"] in cart.loads
    assert state_of(lanes) != fresh  # it still looks at the clock
    await asyncio.sleep(LOOK_SECONDS * 2)
    assert state_of(lanes) == fresh
