"""How many pieces of recordings a process has in its memory at once."""

import asyncio
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from greenroom.kit.errors import Unavailable
from greenroom.recordings import service
from greenroom.recordings.service import Turns


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "TURN_SECONDS", 0.05)


async def test_one_recording_takes_only_some_of_the_places() -> None:
    turns, one, other = Turns(most=4, most_of_one=2), uuid4(), uuid4()
    async with AsyncExitStack() as taken:
        for recording in (one, one):
            await taken.enter_async_context(turns.take(recording))
        with pytest.raises(Unavailable, match="Many pieces"):
            await taken.enter_async_context(turns.take(one))
        for recording in (other, other):
            await taken.enter_async_context(turns.take(recording))
        with pytest.raises(Unavailable, match="Many pieces"):
            await taken.enter_async_context(turns.take(uuid4()))
    async with AsyncExitStack() as taken:  # who was refused holds none
        for recording in (one, one, other, other):
            await taken.enter_async_context(turns.take(recording))


async def test_who_waits_has_the_place_that_becomes_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "TURN_SECONDS", 30)
    turns, one, is_taken = Turns(most=1), uuid4(), asyncio.Event()

    async def wait() -> None:
        async with turns.take(one):
            is_taken.set()

    async with turns.take(uuid4()):
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0.01)
        assert not is_taken.is_set()
    await waiting
