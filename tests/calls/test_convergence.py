"""Webhooks in any order and any number come to one state; where some never came, one look at the provider brings it about."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greenroom.kit.database import Database
from tests.calls.ledger import Ledger, known, opened
from tests.calls.told import HOST, OVER, Stay, Story, Teller, batches, stories
from tests.postgres import TestDatabase

EXAMPLES = 60
CHECKED = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
GRACE = timedelta(minutes=5)


def in_database(database: TestDatabase, play: Callable[[Database], Awaitable[None]]) -> None:
    """Hypothesis knows no async tests."""

    async def played() -> None:
        async with Database(database.service_url, size=1, wait_seconds=5, statement_seconds=10) as db:
            await play(db)

    asyncio.run(played())


async def told_in_order(db: Database, teller: Teller) -> Ledger:
    """As a provider would tell it that is never late."""
    ledger = await opened(db, teller.scheduled_at)
    for arrival in teller.arrivals(teller.tellings(), sending=str(ledger.session)):
        await ledger.receive([arrival])
    return ledger


@CHECKED
@given(data=st.data(), story=stories(), says=st.booleans())
def test_any_order_and_any_number_of_webhooks_come_to_one_state(
    database: TestDatabase, data: st.DataObject, story: Story, says: bool
) -> None:
    teller = Teller(story, says_joined_at_the_end=says)
    numbers = list(range(len(teller.tellings())))
    again = data.draw(st.lists(st.sampled_from(numbers), max_size=5), label="sent again")
    order = data.draw(st.permutations(numbers + again), label="order")
    sizes = data.draw(st.lists(st.integers(1, 4), max_size=5), label="together")

    async def play(db: Database) -> None:
        first = await told_in_order(db, teller)
        second = await opened(db, teller.scheduled_at)
        arrivals = teller.arrivals(teller.tellings(), sending=str(second.session))
        for batch in batches([arrivals[number] for number in order], sizes):
            await second.receive(batch)
        assert await second.settled() == await first.settled()
        assert await second.stays() == await first.stays()

    in_database(database, play)


@CHECKED
@given(data=st.data(), story=stories())
def test_after_any_loss_one_look_at_the_provider_brings_the_same_about(
    database: TestDatabase, data: st.DataObject, story: Story
) -> None:
    teller = Teller(story)
    tellings = teller.tellings()
    kept = data.draw(st.lists(st.booleans(), min_size=len(tellings), max_size=len(tellings)), label="kept")

    async def play(db: Database) -> None:
        whole = await told_in_order(db, teller)
        holey = await opened(db, teller.scheduled_at)
        arrivals = teller.arrivals(tellings, sending=str(holey.session))
        for arrival, is_kept in zip(arrivals, kept, strict=True):
            if is_kept:
                await holey.receive([arrival])
        for ledger in (whole, holey):
            now = teller.at(OVER)
            await ledger.reconcile(teller.state(), teller.recordings(), asked_at=now, now=now)
        after, before = await holey.settled(), await whole.settled()
        if still_to_be_learned(story, kept):
            assert after["status"] == before["status"]
        assert after["recordings"] == before["recordings"] or story.recorded == "processing"
        assert after["recording_url"] == before["recording_url"]
        assert after["registered_count"] == before["registered_count"]
        stays = {stay.id: stay for stay in story.stays}
        for stay in await holey.stays():
            true = stays[stay.id]
            assert (stay.left_at is None) == (true.left is None)
            if not stay.is_estimated:
                assert stay.joined_at == known(teller.at(true.joined))
                assert true.left is None or stay.left_at in ends_of(teller, true)

    in_database(database, play)


def ends_of(teller: Teller, stay: Stay) -> set[str]:
    """When somebody left; who is not told of left with the last, which is known, too."""
    ends = [minute for minute in (stay.left, teller.story.ended) if minute is not None]
    return {known(teller.at(minute)) for minute in ends}


def still_to_be_learned(story: Story, kept: list[bool]) -> bool:
    """A host who came and went between two looks, and of whom no webhook told, is nobody's to know."""
    tellings = Teller(story).tellings()
    told = [one.facts.connections for one, is_kept in zip(tellings, kept, strict=True) if is_kept]
    hosts = [stay for stay in story.stays if stay.user == HOST]
    return all(stay.left is None or any(stay.id == one.id for facts in told for one in facts) for stay in hosts)


@pytest.mark.parametrize("is_told", [True, False])
async def test_the_session_ends_once_its_call_was_empty_for_a_while(db: Database, is_told: bool) -> None:
    teller = Teller(Story([Stay("a", HOST, 0, 30), Stay("b", "anna", 5, 40)], None))
    ledger = await opened(db, teller.scheduled_at)
    for arrival in teller.arrivals(teller.tellings(), sending=str(ledger.session)):
        if is_told or arrival.type == "joined":
            await ledger.receive([arrival])
    early, late = teller.at(44), teller.at(45)
    await ledger.reconcile(teller.state(), [], asked_at=early, now=early)
    assert (await ledger.settled())["status"] == "live"
    await ledger.reconcile(teller.state(), [], asked_at=late, now=late)
    assert (await ledger.settled())["status"] == "ended"


async def test_a_provider_that_cannot_say_ends_nothing(db: Database) -> None:
    teller = Teller(Story([Stay("a", HOST, 0, 30)], None))
    ledger = await told_in_order(db, teller)
    await ledger.unanswered(now=teller.at(120))
    assert (await ledger.settled())["status"] == "live"


async def test_a_sound_check_the_day_before_starts_nothing(db: Database) -> None:
    teller = Teller(Story([Stay("a", HOST, -1440, -1400)], None))
    assert (await (await told_in_order(db, teller)).settled())["status"] == "scheduled"


async def test_a_sound_check_that_goes_on_until_the_doors_open_starts_the_session_then(db: Database) -> None:
    teller = Teller(Story([Stay("a", HOST, -100, None)], None))
    ledger = await told_in_order(db, teller)
    await ledger.reconcile(teller.state(), [], asked_at=teller.at(-16), now=teller.at(-16))
    assert (await ledger.settled())["status"] == "scheduled"
    await ledger.reconcile(teller.state(), [], asked_at=teller.at(-15), now=teller.at(-15))
    settled = await ledger.settled()
    assert (settled["status"], settled["started_at"]) == ("live", known(teller.at(-15)))


async def test_a_sound_check_that_goes_on_is_known_of_by_its_end(db: Database) -> None:
    teller = Teller(Story([Stay("a", HOST, -100, -10)], None))
    assert (await (await told_in_order(db, teller)).settled())["started_at"] == known(teller.at(-15))


async def test_nobody_but_a_host_starts_a_session(db: Database) -> None:
    teller = Teller(Story([Stay("a", "anna", 0, None)], None))
    assert (await (await told_in_order(db, teller)).settled())["status"] == "scheduled"


async def test_who_left_while_the_provider_was_asked_is_not_thought_inside_for_good(db: Database) -> None:
    """An answer that was overtaken by a webhook gives way to it."""
    teller = Teller(Story([Stay("a", HOST, 0, 30)], None))
    ledger = await told_in_order(db, teller)
    inside = Teller(Story([Stay("a", HOST, 0, None)], None)).state()
    await ledger.reconcile(inside, [], asked_at=teller.at(29), now=teller.at(31))
    assert [stay.left_at for stay in await ledger.stays()] == [known(teller.at(30))]


async def test_who_was_thought_gone_and_is_seen_again_was_there_all_the_time(db: Database) -> None:
    teller = Teller(Story([Stay("a", HOST, 0, None)], None))
    ledger = await told_in_order(db, teller)
    await ledger.reconcile(None, [], asked_at=teller.at(10), now=teller.at(10))
    assert [stay.is_estimated for stay in await ledger.stays()] == [True]
    await ledger.reconcile(teller.state(), [], asked_at=teller.at(11), now=teller.at(11))
    assert [(stay.left_at, stay.is_estimated) for stay in await ledger.stays()] == [(None, False)]


async def test_a_recording_that_is_ready_and_nowhere_is_not_ready(db: Database) -> None:
    teller = Teller(Story([Stay("a", HOST, 0, 30)], "ready"), recording_url=None)
    assert (await (await told_in_order(db, teller)).settled())["recording_url"] is None


async def test_the_provider_is_asked_once_a_minute_and_when_the_grace_is_over(db: Database) -> None:
    going_on, emptied = Story([Stay("a", HOST, 0, None)], None), Story([Stay("a", HOST, 0, 30)], None)
    for story, asked, again in ((going_on, 10, 11.0), (emptied, 31, 32.0), (emptied, 34.5, 35.0)):
        teller = Teller(story)
        ledger = await told_in_order(db, teller)
        now = teller.scheduled_at + timedelta(minutes=asked)
        await ledger.reconcile(teller.state(), [], asked_at=now, now=now)
        assert await ledger.next_look() == teller.scheduled_at + timedelta(minutes=again)
