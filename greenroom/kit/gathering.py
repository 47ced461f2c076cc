"""What comes while others are on their way goes together in the next round trip. A lonely one goes at once.

Reads stay exact: one joins only a round trip that has not begun, so what it is told was true after it asked. Writes keep
their order: those that come first are done first, and those that share a round trip commit together. One trip at a time:
two would each carry half, which was slower (docs/decisions/0011).
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
        self,
        carry: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        wait_seconds: float,
        largest: int = LARGEST_TRIP,
    ) -> None:
        self._carry = carry
        self._largest = largest
        self._wait = wait_seconds
        self._clock = asyncio.get_running_loop().time
        self._waiting: list[tuple[Item, asyncio.Future[Result], float]] = []
        self._is_under_way = False
        self._trip: asyncio.Task[None] | None = None

    async def send(self, item: Item) -> Result:
        """The item's result. Raises what `carry` raises, Unavailable when no trip set out in time."""
        if not self._is_under_way:
            self._is_under_way = True
            try:
                return (await self._carry([item]))[0]
            finally:
                self._set_out()
        turn: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, turn, self._clock() + self._wait))
        return await turn

    def _set_out(self) -> None:
        """Begin the next round trip with those who wait, if anybody does."""
        together = self._next_together()
        self._is_under_way = bool(together)
        if together:
            self._trip = asyncio.get_running_loop().create_task(self._travel(together))

    def _next_together(self) -> "list[tuple[Item, asyncio.Future[Result]]]":
        """Who goes next. One who gave up is left behind; one who has waited too long is told so."""
        now = self._clock()
        together: list[tuple[Item, asyncio.Future[Result]]] = []
        while self._waiting and not together:
            first, self._waiting = self._waiting[: self._largest], self._waiting[self._largest :]
            for item, turn, deadline in first:
                if turn.done():
                    continue
                if now > deadline:
                    turn.set_exception(Unavailable("The database is too slow just now; try again."))
                else:
                    together.append((item, turn))
        return together

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
            self._set_out()
