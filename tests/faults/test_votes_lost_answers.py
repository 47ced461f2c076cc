"""Votes whose connection is cut while nobody knows whether they were counted: the voter is told what is true."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from tests.faults.aftermath import assert_promises_kept, assert_unavailable
from tests.faults.voting import KeptVotes, kept_votes, moderate, question, take_back, vote
from tests.faults.waiting import eventually, held_row
from tests.faults.wire import Fate, Wire, wire_to
from tests.postgres import TestDatabase
from tests.tenant import Tenant

CUTS: list[list[Fate]] = [["before"], ["after"], ["after", "before"], ["before", "after"]]
PEOPLE = [f"person {number:02}" for number in range(30)]


@pytest.fixture(scope="module")
def module_wire(database: TestDatabase) -> Iterator[Wire]:
    with wire_to(database, word="vote_v1") as running:
        yield running


async def is_held(wire: Wire) -> None:
    """Return when the statement waits."""

    async def held() -> bool:
        return wire.held > 0

    await eventually(held, "the vote is asked again")


@pytest.mark.parametrize("cuts", CUTS, ids=", ".join)
async def test_who_votes_is_told_so_and_counts_once(
    client: httpx.AsyncClient, tenant: Tenant, wire: Wire, database: TestDatabase, cuts: list[Fate]
) -> None:
    asked = await question(client, tenant)
    wire.fates += cuts
    response = await vote(client, tenant, asked)
    assert (response.status_code, wire.fates) == (200, [])
    assert response.json() == {"question_id": asked["id"], "vote_count": 1, "has_voted": True}
    assert await kept_votes(database, asked) == KeptVotes(1, ["ann"], [1])


@pytest.mark.parametrize("cuts", CUTS, ids=", ".join)
async def test_who_takes_a_vote_back_is_told_so_and_it_counts_no_longer(
    client: httpx.AsyncClient, tenant: Tenant, wire: Wire, database: TestDatabase, cuts: list[Fate]
) -> None:
    asked = await question(client, tenant)
    await vote(client, tenant, asked, "bob")
    await vote(client, tenant, asked)
    wire.fates += cuts
    response = await take_back(client, tenant, asked)
    assert (response.status_code, wire.fates) == (200, [])
    assert response.json() == {"question_id": asked["id"], "vote_count": 1, "has_voted": False}
    assert await kept_votes(database, asked) == KeptVotes(1, ["bob"], [1, 2, 1])


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_of_a_whole_batch_everybody_counts_once_and_it_is_told_once(
    client: httpx.AsyncClient, tenant: Tenant, wire: Wire, database: TestDatabase, cut: Fate
) -> None:
    asked = await question(client, tenant)
    wire.fates += ["passes", cut]
    async with held_row(database, {"id": asked["session_id"]}) as row:
        voting = [asyncio.create_task(vote(client, tenant, asked, PEOPLE[0]))]
        await row.awaited()
        voting += [asyncio.create_task(vote(client, tenant, asked, person)) for person in PEOPLE[1:]]
        await asyncio.sleep(0.5)  # time to come in line; who is late goes with the next
    answers = await asyncio.gather(*voting)
    assert {(answer.status_code, answer.json()["has_voted"]) for answer in answers} == {(200, True)}
    kept = await kept_votes(database, asked)
    assert (kept.count, kept.voters, kept.told[-1], wire.fates) == (len(PEOPLE), PEOPLE, len(PEOPLE), [])
    assert kept.told == sorted(set(kept.told))
    await assert_promises_kept(database)


async def test_a_vote_that_never_came_is_refused_when_the_question_is_dismissed_meanwhile(
    client: httpx.AsyncClient, tenant: Tenant, wire: Wire, database: TestDatabase
) -> None:
    asked = await question(client, tenant)
    wire.fates += ["before", "held"]
    voting = asyncio.create_task(vote(client, tenant, asked))
    await is_held(wire)
    assert (await moderate(client, tenant, asked, "dismissed")).is_success
    wire.go()
    assert (await voting).status_code == 404
    assert await kept_votes(database, asked) == KeptVotes(0, [], [])


async def test_a_vote_that_was_counted_is_told_so_though_the_question_is_answered_meanwhile(
    client: httpx.AsyncClient, tenant: Tenant, wire: Wire, database: TestDatabase
) -> None:
    asked = await question(client, tenant)
    wire.fates += ["after", "held"]
    voting = asyncio.create_task(vote(client, tenant, asked))
    await is_held(wire)
    assert (await moderate(client, tenant, asked, "answered")).is_success
    wire.go()
    assert (await voting).status_code == 200
    assert await kept_votes(database, asked) == KeptVotes(1, ["ann"], [1])


async def test_while_the_database_stays_away_it_is_a_503_and_nothing_is_counted(
    client: httpx.AsyncClient, tenant: Tenant, wire: Wire, database: TestDatabase
) -> None:
    asked = await question(client, tenant)
    wire.close()
    for response in await asyncio.gather(*(vote(client, tenant, asked, person) for person in PEOPLE)):
        assert_unavailable(response)
    assert await kept_votes(database, asked) == KeptVotes(0, [], [])
