"""What comes while others are on their way goes together in the next round trip. A lonely one goes at once.

Reads stay exact: one joins only a round trip that has not begun, so what it is told was true after it asked. Writes keep
their order: those that come first are done first, and those that share a round trip commit together.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from greenroom.kit.errors import Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")

LARGEST_TRIP = 64


class Gathering(Generic[Item, Result]):
    """Turns single items into few round trips; `carry` answers the results of its items, in their order."""

    def __init__(
        self, carry: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], *, trips: int, wait_seconds: float
    ) -> None:
        self._carry = carry
        self._free = trips
        self._wait = wait_seconds
        self._clock = asyncio.get_running_loop().time
        self._waiting: list[tuple[Item, asyncio.Future[Result], float]] = []
        self._under_way: set[asyncio.Task[None]] = set()

    async def send(self, item: Item) -> Result:
        """The item's result. Raises what `carry` raises, Unavailable when no trip set out in time."""
        if self._free > 0 and not self._waiting:
            self._free -= 1
            try:
                return (await self._carry([item]))[0]
            finally:
                self._free += 1
                self._set_out()
        turn: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, turn, self._clock() + self._wait))
        return await turn

    def _set_out(self) -> None:
        """Begin the next round trip with those who wait; who has waited too long is told so."""
        now = self._clock()
        while self._free > 0 and self._waiting:
            first, self._waiting = self._waiting[:LARGEST_TRIP], self._waiting[LARGEST_TRIP:]
            together: list[tuple[Item, asyncio.Future[Result]]] = []
            for item, turn, deadline in first:
                if turn.done():
                    continue
                if now > deadline:
                    turn.set_exception(Unavailable("The database is too slow just now; try again."))
                else:
                    together.append((item, turn))
            if together:
                self._free -= 1
                trip = asyncio.get_running_loop().create_task(self._travel(together))
                self._under_way.add(trip)
                trip.add_done_callback(self._under_way.discard)

    async def _travel(self, together: "list[tuple[Item, asyncio.Future[Result]]]") -> None:
        try:
            results = await self._carry([item for item, _ in together])
        except BaseException as error:
            for _, turn in together:
                if not turn.done():
                    turn.set_exception(error if isinstance(error, Exception) else Unavailable())
            if not isinstance(error, Exception):
                raise
        else:
            for (_, turn), result in zip(together, results, strict=True):
                if not turn.done():
                    turn.set_result(result)
        finally:
            self._free += 1
            self._set_out()
