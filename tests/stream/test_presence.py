"""How many watch, as those who watch are told."""

import asyncio
from contextlib import AsyncExitStack

import httpx

from tests.server import Server
from tests.stream.stage import Stage, staged
from tests.tenant import Tenant


async def watchers_of(http: httpx.AsyncClient) -> float:
    """What the server says to the operator's machines."""
    page = (await http.get("/metrics")).text
    return sum(float(line.split()[-1]) for line in page.splitlines() if line.startswith("greenroom_stream_watchers "))


async def test_who_comes_and_who_goes_is_told(hurried_stage: Stage) -> None:
    stage = hurried_stage
    async with stage.watching("ann") as ann:
        await ann.begun()
        assert ann.known.watching == 1
        async with stage.watching("bob") as bob:
            await bob.begun()
            await ann.until(lambda: ann.known.watching == 2, "two watch")
            await bob.until(lambda: bob.known.watching == 2, "two watch")
        await ann.until(lambda: ann.known.watching == 1, "one watches")


async def test_one_who_comes_as_another_goes_knows_how_many_watch(hurried_stage: Stage) -> None:
    stage = hurried_stage
    async with stage.watching("ann") as ann:
        await ann.begun()
        async with stage.watching("bob") as bob:
            await bob.begun()
            await ann.until(lambda: ann.known.watching == 2, "two watch")
        async with stage.watching("bob") as bob:
            await bob.begun()
            await bob.until(lambda: bob.known.watching == 2, "two watch", seconds=3)
            await ann.until(lambda: ann.known.watching == 2, "two watch", seconds=3)


async def test_many_who_come_are_all_counted(hurried_stage: Stage) -> None:
    async with AsyncExitStack() as all_of_them:
        listeners = [await all_of_them.enter_async_context(hurried_stage.watching(f"p{number}")) for number in range(30)]
        for one in listeners:
            await one.until(lambda one=one: one.known.watching == 30, "thirty watch")  # type: ignore[misc]


async def test_a_client_that_is_gone_is_forgotten(server: Server, http: httpx.AsyncClient, tenant: Tenant) -> None:
    stage = await staged(server, http, tenant)
    before = await watchers_of(http)
    async with stage.watching("ann") as ann, stage.watching("bob") as bob:
        await ann.begun()
        await bob.begun()
        await asyncio.sleep(1.2)
        assert await watchers_of(http) == before + 2
        bob.close()
        await ann.until(lambda: 1 in [one["watching"] for one in ann.named("presence")][-1:], "one watches")
    await asyncio.sleep(1.2)
    assert await watchers_of(http) == before


async def test_no_frame_is_told_while_nothing_changes(hurried_stage: Stage) -> None:
    async with hurried_stage.watching("ann") as ann:
        await ann.begun()
        await asyncio.sleep(0.8)
        ann.forget()
        await asyncio.sleep(1.0)
        assert ann.names == []
