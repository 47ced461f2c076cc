"""One piece of work per key at a time: who asks while it is under way is told its result."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Result = TypeVar("Result")


class SingleFlight(Generic[Key, Result]):
    """Work that is under way. One who gives up waiting takes nothing from the others."""

    def __init__(self) -> None:
        self._flights: dict[Key, asyncio.Task[Result]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def __contains__(self, key: Key) -> bool:
        return key in self._flights

    def begin(self, key: Key, work: Callable[[], Awaitable[Result]]) -> "asyncio.Task[Result]":
        """The work under way for this key, begun now if there is none."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(_awaited(work))
            flight.add_done_callback(lambda done: self._land(key, done))
        return flight

    async def result(self, key: Key, work: Callable[[], Awaitable[Result]]) -> Result:
        """What the work answers. Raises what it raises."""
        return await asyncio.shield(self.begin(key, work))

    async def close(self) -> None:
        """Give up everything that is under way."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def _land(self, key: Key, done: "asyncio.Task[Result]") -> None:
        del self._flights[key]
        if not done.cancelled():
            done.exception()  # nobody may be left to hear of it, which is no fault


async def _awaited(work: Callable[[], Awaitable[Result]]) -> Result:
    return await work()
