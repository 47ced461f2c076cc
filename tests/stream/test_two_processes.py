"""Two processes, a viewer on each: whoever dies or moves, both know in the end what the list says, and missed nothing."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.faults.processes import workers_of
from tests.faults.waiting import eventually
from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, Server, running_server
from tests.stream.following import Follower, Storm, followed, told_to
from tests.stream.stage import HOST
from tests.tenant import Tenant

ROUNDS = 20  # before, and after
FAN = "fan"
SETTLED_SECONDS = 15.0
FORGOTTEN_SECONDS = 20.0  # of a process that was killed: what it last said holds for 15 s, and is looked at every 2


@pytest.fixture
def two(scratch: TestDatabase, tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    """Two processes on a database of their own: nobody else relays what happens."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    with running_server(scratch, one) as first, running_server(scratch, other) as second:
        yield first, second


@asynccontextmanager
async def storm_at(servers: tuple[Server, ...], tenant: Tenant) -> AsyncIterator[Storm]:
    """A live session."""
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=servers[0].url, timeout=30) as http:
        session = await tenant.session(http)
        await tenant.step(http, session, "start")
    storm = Storm(servers, tenant, session)
    await storm.open()
    try:
        yield storm
    finally:
        await storm.close()


async def assert_nothing_missed(storm: Storm, followers: dict[str, Follower]) -> None:
    """Each knows what the list says to them, and has seen every question that was let through."""
    assert len(storm.approved) > ROUNDS
    for user, follower in followers.items():

        async def knows(user: str = user, follower: Follower = follower) -> bool:
            return bool(told_to(follower) == await storm.truth(user))

        with suppress(AssertionError):  # what is asserted below says more
            await eventually(knows, "what the list says is known", seconds=SETTLED_SECONDS)
        assert told_to(follower) == await storm.truth(user), user
        assert set(storm.approved) <= follower.seen, user


async def test_who_is_cut_off_goes_on_at_the_other_process(two: tuple[Server, Server], tenant: Tenant) -> None:
    one, other = two
    async with storm_at(two, tenant) as storm, followed(storm, {FAN: [one, other], HOST: [other, one]}) as followers:
        raging = asyncio.create_task(storm.rage(2 * ROUNDS))
        await storm.reaches(ROUNDS)
        followers[FAN].cut()
        await raging
        await assert_nothing_missed(storm, followers)
    assert followers[FAN].began == ["snapshot", "session"]  # the second did not begin anew
    assert followers[HOST].began == ["snapshot"]
    assert storm.failed == 0


async def test_they_may_come_and_go_between_the_processes_all_the_time(two: tuple[Server, Server], tenant: Tenant) -> None:
    one, other = two
    async with storm_at(two, tenant) as storm, followed(storm, {FAN: [one, other], HOST: [other, one]}) as followers:
        raging = asyncio.create_task(storm.rage(2 * ROUNDS))
        while not raging.done():
            await asyncio.sleep(0.3)
            for follower in followers.values():
                follower.cut()
        await raging
        await assert_nothing_missed(storm, followers)
    assert {*followers[FAN].began[1:], *followers[HOST].began[1:]} == {"session"}
    assert min(len(one.began) for one in followers.values()) > 3


async def test_a_process_that_is_killed_takes_nothing_with_it(two: tuple[Server, Server], tenant: Tenant) -> None:
    one, other = two
    async with storm_at(two, tenant) as storm, followed(storm, {FAN: [one, other], HOST: [other, one]}) as followers:
        raging = asyncio.create_task(storm.rage(2 * ROUNDS))
        await storm.reaches(ROUNDS)
        one.process.kill()
        await raging
        await assert_nothing_missed(storm, followers)
    assert followers[FAN].began == ["snapshot", "session"]
    assert followers[FAN].endings == ["cut"]


async def test_workers_that_are_killed_one_after_the_other_are_replaced_and_nothing_is_missed(
    scratch: TestDatabase, tenant: Tenant, tmp_path: Path
) -> None:
    with running_server(scratch, tmp_path, workers=2) as server:
        async with storm_at((server,), tenant) as storm, followed(storm, {FAN: [server], HOST: [server]}) as followers:
            raging = asyncio.create_task(storm.rage(2 * ROUNDS))
            first, second = workers_of(server.process.pid)
            await storm.reaches(ROUNDS // 2)
            os.kill(first, signal.SIGKILL)

            async def is_replaced() -> bool:
                return len(set(workers_of(server.process.pid)) - {first}) == 2

            await eventually(is_replaced, "another worker comes")
            os.kill(second, signal.SIGKILL)
            await raging
            await storm.rage(ROUNDS)
            await assert_nothing_missed(storm, followers)
    assert min(len(one.began) for one in followers.values()) > 1  # each was on a worker that was killed


async def test_a_deploy_moves_everybody_to_the_other_process(two: tuple[Server, Server], tenant: Tenant) -> None:
    one, other = two
    async with storm_at(two, tenant) as storm, followed(storm, {FAN: [one, other], HOST: [one, other]}) as followers:
        raging = asyncio.create_task(storm.rage(2 * ROUNDS))
        await storm.reaches(ROUNDS)
        stopped = await asyncio.to_thread(one.stop)
        for follower in followers.values():
            await follower.begun(connections=2)
        await raging
        await assert_nothing_missed(storm, followers)
        await eventually(watching(2, followers), "nobody is counted twice", seconds=5)
    assert stopped == 0
    assert [one.endings for one in followers.values()] == [["properly"], ["properly"]]
    assert [one.began for one in followers.values()] == [["snapshot", "session"]] * 2


async def test_those_who_watch_are_counted_over_both_and_those_of_a_killed_process_no_longer(
    two: tuple[Server, Server], tenant: Tenant
) -> None:
    one, other = two
    ways = {"a": [one], "b": [one], "c": [other], "d": [other], "e": [other]}
    async with storm_at(two, tenant) as storm, followed(storm, ways) as followers:
        await eventually(watching(5, followers), "everybody is told of five", seconds=10)
        one.process.kill()
        left = {name: followers[name] for name in ("c", "d", "e")}
        await eventually(watching(3, left), "those who are left are told of three", seconds=FORGOTTEN_SECONDS)


def watching(number: int, followers: dict[str, Follower]) -> Callable[[], Awaitable[bool]]:
    """Whether all of them know that so many watch."""

    async def told() -> bool:
        return {one.known.watching for one in followers.values()} == {number}

    return told
