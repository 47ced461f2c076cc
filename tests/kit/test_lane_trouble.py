"""Changes of one row that share transactions: lost answers, bad items, callers who are gone, too little time."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from greenroom.kit.errors import Unavailable
from greenroom.kit.lane import NOT_BEGUN, Lanes
from tests.kit.cart import PATIENCE_SECONDS, UNDER_WAY, Cart, Kind, Parcel, Sent, lanes_of, outcomes_of, sent, set_out, there

SHORT_SECONDS = 0.3  # an answer's time where a test waits for its end
LONGER_SECONDS = 1.6  # where it must do something before that
ANN = ("ann",)


async def test_one_whose_time_is_over_before_the_batch_sets_out_is_told_that_nothing_was_done() -> None:
    loads: list[list[str]] = []

    async def carry(_row: str, parcels: Sequence[Parcel]) -> Sequence[str]:
        loads.append([parcel.name for parcel in parcels])
        await asyncio.sleep(0)
        time.sleep(SHORT_SECONDS)  # noqa: ASYNC251  # a process that is too busy to look at the clock
        return there(*loads[-1])

    lanes = Lanes(carry, kind=lambda _: "in", claims=lambda _: (), answer_seconds=SHORT_SECONDS)
    tasks = await sent(lanes, "a", "b")
    await asyncio.wait(tasks)
    with pytest.raises(Unavailable, match=NOT_BEGUN):
        await tasks[1]
    assert loads == [["a"]]


async def test_one_who_was_told_that_it_is_too_late_no_longer_fills_the_line() -> None:
    cart = Cart()
    lanes = lanes_of(cart, answer_seconds=LONGER_SECONDS, most_waiting=3)
    tasks = await sent(lanes, "a", Parcel("b", claims=ANN), Parcel("c", claims=ANN))
    await asyncio.sleep(LONGER_SECONDS / 2)
    tasks += await sent(lanes, "d")
    cart.may_arrive(1)
    await set_out(cart, "b", "d")
    tasks += await sent(lanes, "e", "f")
    await asyncio.wait([tasks[2]])
    tasks += await sent(lanes, "g")
    cart.may_arrive()
    assert await outcomes_of(tasks[3:]) == there("d", "e", "f", "g")


async def test_a_lonely_one_that_takes_too_long_is_told_that_it_may_have_been_done() -> None:
    cart = Cart()
    with pytest.raises(Unavailable, match=Unavailable.message):
        await lanes_of(cart, answer_seconds=SHORT_SECONDS).send("row", Parcel("a"))


async def test_who_is_on_the_way_too_long_is_told_that_it_may_have_been_done() -> None:
    cart = Cart()
    tasks = await sent(lanes_of(cart, answer_seconds=SHORT_SECONDS), "a", "b")
    cart.may_arrive(1)
    with pytest.raises(Unavailable, match=Unavailable.message):
        await tasks[1]
    assert cart.loads == [["a"], ["b"]]


async def test_each_is_told_in_its_own_time_though_the_batch_goes_on_for_those_who_came_later() -> None:
    cart = Cart()
    lanes = lanes_of(cart, answer_seconds=LONGER_SECONDS)
    tasks = await sent(lanes, "a", Parcel("on the way", claims=ANN), Parcel("in line", claims=ANN))
    await asyncio.sleep(LONGER_SECONDS / 2)
    tasks += await sent(lanes, "late")
    cart.may_arrive(1)
    await set_out(cart, "on the way", "late")
    with pytest.raises(Unavailable, match=Unavailable.message):
        await tasks[1]
    with pytest.raises(Unavailable, match=NOT_BEGUN):
        await tasks[2]
    cart.may_arrive()
    assert await outcomes_of(tasks[3:]) == there("late")


async def test_one_who_hung_up_in_line_is_not_carried() -> None:
    cart = Cart()
    tasks = await sent(lanes_of(cart), "a", "b", "c")
    tasks[1].cancel()
    await asyncio.sleep(0)
    cart.may_arrive()
    assert await outcomes_of([tasks[0], tasks[2]]) == there("a", "c")
    assert cart.loads == [["a"], ["c"]]


async def test_one_who_hangs_up_on_the_way_harms_nobody() -> None:
    cart = Cart()
    tasks = await sent(lanes_of(cart), "a", "b", "c", "d")
    cart.may_arrive(1)
    await set_out(cart, "b", "c", "d")
    tasks[2].cancel()
    cart.may_arrive()
    assert await outcomes_of(tasks) == [*there("a", "b"), "CancelledError", *there("d")]


async def test_a_lonely_one_who_hangs_up_lets_the_next_set_out() -> None:
    cart = Cart()
    tasks = await sent(lanes_of(cart), "a", "b")
    tasks[0].cancel()
    cart.may_arrive()
    assert await outcomes_of(tasks) == ["CancelledError", *there("b")]


async def test_when_all_who_wait_have_hung_up_the_row_is_free_again() -> None:
    cart = Cart()
    lanes = lanes_of(cart)
    tasks = await sent(lanes, "a", "b", "c")
    for task in tasks[1:]:
        task.cancel()
    cart.may_arrive()
    await outcomes_of(tasks)
    await lanes.send("row", Parcel("d"))
    assert cart.tasks[-1] is asyncio.current_task()


async def test_of_a_batch_that_is_refused_only_the_bad_one_is() -> None:
    cart = Cart()
    cart.refuses["c"] = ValueError("a bad one")
    tasks = await sent(lanes_of(cart), "a", "b", "c", "d")
    cart.may_arrive()
    assert await outcomes_of(tasks) == [*there("a", "b"), "ValueError", *there("d")]
    assert cart.loads == [["a"], ["b", "c", "d"], ["b"], ["c"], ["d"]]


async def test_who_hung_up_is_not_carried_when_the_batch_is_taken_apart() -> None:
    cart = Cart()
    cart.refuses["b"] = ValueError("a bad one")
    tasks = await sent(lanes_of(cart), "a", "b", "c", "d")
    cart.may_arrive(1)
    await set_out(cart, "b", "c", "d")
    tasks[2].cancel()
    cart.may_arrive()
    await outcomes_of(tasks)
    assert cart.loads == [["a"], ["b", "c", "d"], ["b"], ["d"]]


async def test_after_a_batch_that_was_refused_the_next_goes_on() -> None:
    cart = Cart()
    cart.refuses["a"] = cart.refuses["b"] = ValueError("a bad one")
    tasks = await sent(lanes_of(cart, largest=1), "a", "b", "c")
    cart.may_arrive()
    assert await outcomes_of(tasks) == ["ValueError", "ValueError", *there("c")]


@pytest.mark.parametrize("lost", [1, 3])
async def test_what_nobody_knows_of_is_asked_again_with_the_same_items(lost: int) -> None:
    cart = Cart()
    cart.loses = lost
    tasks = await sent(lanes_of(cart), "a", "b", "c")
    cart.may_arrive()
    assert await outcomes_of(tasks) == there("a", "b", "c")
    assert cart.loads == [["a"]] * (lost + 1) + [["b", "c"]]


async def test_a_batch_of_which_nobody_knows_is_asked_again_whole() -> None:
    cart = Cart()
    tasks = await sent(lanes_of(cart), "a", "b", "c")
    cart.may_arrive(1)
    await set_out(cart, "b", "c")
    cart.loses = 1
    cart.may_arrive()
    assert await outcomes_of(tasks) == there("a", "b", "c")
    assert cart.loads == [["a"], ["b", "c"], ["b", "c"]]


async def test_what_is_not_repeatable_is_not_asked_again_and_the_next_goes_on() -> None:
    cart = Cart()
    cart.loses = 2
    lanes = Lanes(cart.carry, kind=lambda _: "in", claims=lambda _: (), is_repeatable=False)
    tasks = await sent(lanes, "a", "b", "c")
    cart.may_arrive()
    lost = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in lost] == [Unavailable] * 3
    assert cart.loads == [["a"], ["b", "c"]]
    assert await lanes.send("row", Parcel("d")) == there("d")[0]


async def test_what_nobody_ever_knows_of_is_a_503_at_the_end_of_its_time() -> None:
    cart = Cart()
    cart.loses = 1_000
    tasks = await sent(lanes_of(cart, answer_seconds=SHORT_SECONDS), "a")
    cart.may_arrive()
    assert await outcomes_of(tasks) == ["Unavailable"]
    assert len(cart.loads) > 2


async def test_who_comes_while_others_are_asked_for_again_does_not_join_them() -> None:
    cart = Cart()
    cart.loses = 2
    lanes = lanes_of(cart)
    tasks = await sent(lanes, "a")
    cart.may_arrive()
    tasks += await sent(lanes, "b")
    assert await outcomes_of(tasks) == there("a", "b")
    assert cart.loads == [["a"], ["a"], ["a"], ["b"]]


async def test_what_somebody_else_is_at_is_a_result_like_any_other() -> None:
    cart = Cart()
    cart.others_at_it = 1
    tasks = await sent(lanes_of(cart), "a", "b")
    cart.may_arrive()
    assert await outcomes_of(tasks) == [UNDER_WAY, *there("b")]


async def test_after_a_lost_answer_what_is_still_under_way_is_asked_again() -> None:
    cart = Cart()
    cart.loses, cart.others_at_it = 1, 2
    tasks = await sent(lanes_of(cart), "a")
    cart.may_arrive()
    assert await outcomes_of(tasks) == there("a")
    assert cart.loads == [["a"]] * 4


async def test_a_batch_that_comes_back_with_too_few_results_gives_nobody_anothers() -> None:
    cart = Cart()
    cart.forgets = True
    tasks = await sent(lanes_of(cart), "a", "b", "c")
    cart.may_arrive()
    assert await outcomes_of(tasks) == there("a", "b", "c")
    assert cart.loads == [["a"], ["b", "c"], ["b"], ["c"]]


async def test_one_whose_claims_cannot_be_told_fails_alone_and_blocks_nobody() -> None:
    cart = Cart()

    def claims_of(parcel: Parcel) -> tuple[str, ...]:
        if parcel.name == "bad":
            raise ValueError("nobody knows whose this is")
        return ()

    lanes = Lanes(cart.carry, kind=lambda _: "in", claims=claims_of)
    tasks = await sent(lanes, "a", "b", "bad", "c")
    cart.may_arrive()
    assert await outcomes_of(tasks) == [*there("a", "b"), "ValueError", *there("c")]
    assert await outcomes_of(await sent(lanes, "d", "e")) == there("d", "e")


async def test_a_batch_that_is_torn_down_tells_those_who_were_in_it_and_frees_the_row() -> None:
    cart = Cart()
    lanes = lanes_of(cart)
    tasks = await sent(lanes, "a", "b", "c")
    cart.may_arrive(1)
    await set_out(cart, "b", "c")
    batch = cart.tasks[1]
    assert batch is not None
    batch.cancel()
    assert await outcomes_of(tasks[1:]) == ["Unavailable"] * 2
    cart.may_arrive()
    assert await outcomes_of(await sent(lanes, "d", "e")) == there("d", "e")


async def test_a_storm_with_hang_ups_losses_and_refusals_answers_everybody_once() -> None:
    done: dict[str, int] = {}
    trips = 0

    async def carry(_row: str, parcels: Sequence[Parcel]) -> Sequence[str]:
        nonlocal trips
        trips += 1
        await asyncio.sleep(0.0002)
        if trips % 5 == 0:
            raise Unavailable
        if any(parcel.name.endswith("7") for parcel in parcels):
            raise ValueError("a bad one")
        for parcel in parcels:
            done.setdefault(parcel.name, len(done))
        if trips % 7 == 0:
            raise Unavailable  # done, and nobody hears of it
        return [f"{parcel.name} is there" for parcel in parcels]

    lanes: Lanes[str, Parcel, str] = Lanes(
        carry, kind=lambda parcel: parcel.kind, claims=lambda parcel: parcel.claims, answer_seconds=PATIENCE_SECONDS, largest=8
    )
    tasks: dict[str, Sent] = {}
    for number in range(300):
        kind: Kind = "out" if number % 11 == 0 else "in"
        tasks[str(number)] = asyncio.create_task(lanes.send("row", Parcel(str(number), kind, (f"person {number % 40}",))))
        if number % 13 == 0:
            await asyncio.sleep(0.001)
            tasks[str(number)].cancel()
    outcomes = dict(zip(tasks, await outcomes_of(list(tasks.values())), strict=True))
    bad = {name for name in outcomes if name.endswith("7")}
    hung_up = {name for name in outcomes if int(name) % 13 == 0}
    assert {name: outcomes[name] for name in outcomes if name not in bad | hung_up} == {
        name: f"{name} is there" for name in outcomes if name not in bad | hung_up
    }
    assert {outcomes[name] for name in bad - hung_up} == {"ValueError"}
    for person in range(40):
        theirs = [name for name in tasks if int(name) % 40 == person and name in done]
        assert theirs == sorted(theirs, key=lambda name: done[name])
