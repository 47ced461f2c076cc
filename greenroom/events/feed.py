"""Told events, for everybody in this process who wants them: the live stream, projections, ways out. Read once for all."""

import asyncio
from collections import deque
from collections.abc import Sequence
from itertools import islice

from greenroom.events import queries
from greenroom.events.queries import ToldEvent
from greenroom.kit.database import Database

__all__ = ["Feed", "ToldEvent"]

PAGE = 500
RECENT = 10_000  # events that are kept at hand, a few hundred octets each


class Feed:
    """Events by their position. Whoever reads keeps a position of their own: a slow reader makes nobody wait.

    Nothing is read while nobody asks.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._reached: int | None = None
        self._moved: asyncio.Future[None] | None = None
        self._recent: deque[ToldEvent] = deque(maxlen=RECENT)  # without a gap
        self._turn = asyncio.Lock()

    def advance(self, position: int) -> None:
        """Events up to this position can be read: wake who waits for one. Positions before the last are no news."""
        if self._reached is not None and position <= self._reached:
            return
        self._reached = position
        if self._moved is not None:
            self._moved.set_result(None)
            self._moved = None

    async def reached(self) -> int:
        """The last position there is; whoever reads after it hears what is told from now on."""
        while self._reached is None:
            await self._news()
        return self._reached

    async def after(self, position: int) -> Sequence[ToldEvent]:
        """The next events after a position, in order: at least one, at most a page. Raises Unavailable.

        What was forgotten is passed over: then the first of them is not the next position.
        """
        while True:
            while self._reached is None or self._reached <= position:
                await self._news()
            reached = self._reached
            if found := self._at_hand(position):
                return found
            async with self._turn:
                if found := self._at_hand(position):
                    return found
                page = await queries.after_any_brand(self._db, position, most=PAGE)
                if page:
                    self._keep(page)
                    return page
            position = reached

    async def _news(self) -> None:
        if self._moved is None:
            self._moved = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._moved)

    def _at_hand(self, position: int) -> list[ToldEvent]:
        """Positions are dense: where the next one stands is a difference."""
        if not self._recent or not self._recent[0].position <= position + 1 <= self._recent[-1].position:
            return []
        begin = position + 1 - self._recent[0].position
        return list(islice(self._recent, begin, begin + PAGE))

    def _keep(self, page: Sequence[ToldEvent]) -> None:
        """The latest stay at hand; who reads of long ago reads for themselves."""
        if self._recent and page[0].position <= self._recent[-1].position:
            return
        if self._recent and page[0].position != self._recent[-1].position + 1:
            self._recent.clear()
        self._recent.extend(page)
