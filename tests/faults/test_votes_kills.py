"""kill -9 in the middle of a storm of votes: of a worker, of the database, of both."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

import httpx
import pytest

from tests.faults.aftermath import assert_promises_kept
from tests.faults.processes import kill, workers_of
from tests.faults.storm import Fault, Storm
from tests.faults.voting import kept_votes, question, take_back, vote
from tests.faults.waiting import eventually
from tests.postgres import Cluster, TestDatabase
from tests.server import AUTHORITIES, Server
from tests.tenant import Tenant

PEOPLE = 120
REPLACED_SECONDS = 20.0
ALL_AT_ONCE = httpx.Limits(max_connections=None)
FAULTS = [["worker"], ["database"], ["database", "worker"]]


@pytest.fixture
async def client(pair: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=pair.url, timeout=30, limits=ALL_AT_ONCE) as opened:
        yield opened


def stays(person: str) -> bool:
    """Every tenth takes the vote back."""
    return int(person.rpartition(" ")[2]) % 10 > 0


def strikes_on(pair: Server, mortal: Cluster) -> dict[str, Fault]:
    """What may happen to them, by name."""

    async def worker() -> None:
        kill(workers_of(pair.process.pid)[0])

    async def database() -> None:
        await asyncio.to_thread(mortal.kill)
        await asyncio.to_thread(mortal.start)

    return {"worker": worker, "database": database}


@pytest.fixture
async def strikes(pair: Server, mortal: Cluster, mortal_database: TestDatabase) -> AsyncIterator[dict[str, Fault]]:
    """What may happen, by name. Afterwards there are two workers again, and `greenroom check` finds nothing."""
    yield strikes_on(pair, mortal)

    async def two_workers() -> bool:
        return len(workers_of(pair.process.pid)) == 2

    await eventually(two_workers, "two workers again", seconds=REPLACED_SECONDS)
    await assert_promises_kept(mortal_database)


@pytest.mark.parametrize("faults", FAULTS, ids=" and ".join)
async def test_after_a_kill_in_a_storm_the_votes_are_those_of_the_people_who_were_told_so(
    client: httpx.AsyncClient, tenant: Tenant, mortal_database: TestDatabase, strikes: dict[str, Fault], faults: list[str]
) -> None:
    asked = await question(client, tenant)

    async def press(person: str) -> httpx.Response:
        """The vote, and taking it back where it does not stay; again from the beginning when either is not answered."""
        voted = await vote(client, tenant, asked, person)
        return voted if stays(person) or not voted.is_success else await take_back(client, tenant, asked, person)

    storm = Storm({"id": asked["session_id"]}, press, done=HTTPStatus.OK, people=PEOPLE)
    was_in_time = await storm.struck_by(*(strikes[fault] for fault in faults))
    kept = await kept_votes(mortal_database, asked)
    assert (was_in_time, len(storm.told)) == (True, PEOPLE)
    assert kept.voters == sorted(filter(stays, storm.people))
    assert (kept.count, kept.told[-1]) == (len(kept.voters), len(kept.voters))
