"""Reads that come while others are on their way go together in the next round trip.

An answer is never stale: a read joins only a round trip that has not begun, so what it is told was true after it asked.
A lonely read goes at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Key = TypeVar("Key")
Found = TypeVar("Found")

LARGEST_GATHERING = 64


class Gathering(Generic[Key, Found]):
    """Turns single reads into few; `fetch` answers the founds of its keys, in their order."""

    def __init__(self, fetch: Callable[[Sequence[Key]], Awaitable[Sequence[Found]]], *, at_once: int) -> None:
        self._fetch = fetch
        self._free = at_once
        self._waiting: list[tuple[Key, asyncio.Future[Found]]] = []
        self._trips: set[asyncio.Task[None]] = set()

    async def read(self, key: Key) -> Found:
        """What `fetch` finds for the key. Raises what `fetch` raises."""
        if self._free > 0 and not self._waiting:
            self._free -= 1
            try:
                return (await self._fetch([key]))[0]
            finally:
                self._free += 1
                self._set_out()
        turn: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, turn))
        return await turn

    def _set_out(self) -> None:
        """Send the next round trip with those who wait."""
        while self._free > 0 and self._waiting:
            together, self._waiting = self._waiting[:LARGEST_GATHERING], self._waiting[LARGEST_GATHERING:]
            self._free -= 1
            trip = asyncio.get_running_loop().create_task(self._travel(together))
            self._trips.add(trip)
            trip.add_done_callback(self._trips.discard)

    async def _travel(self, together: "list[tuple[Key, asyncio.Future[Found]]]") -> None:
        try:
            founds = await self._fetch([key for key, _ in together])
        except BaseException as error:  # noqa: BLE001  # each who waits is told
            for _, turn in together:
                if not turn.done():
                    turn.set_exception(error if isinstance(error, Exception) else asyncio.CancelledError())
        else:
            for (_, turn), found in zip(together, founds, strict=True):
                if not turn.done():
                    turn.set_result(found)
        finally:
            self._free += 1
            self._set_out()
