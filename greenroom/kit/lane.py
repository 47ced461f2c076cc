"""Group commit for hot rows: what comes for a row while a batch of it is on its way goes together in the next one.

A row that many change at once is a queue in any case: its lock is held over each commit. A lane makes the queue here, where
many can share one transaction: per row and process one batch is in flight, the next forms meanwhile, each caller awaits an
outcome of its own. First in, first out within a process; between processes the row's lock decides. docs/decisions/0018.

Votes, walk-ins and whatever else makes a row hot may use it. What `carry` must be:
- one transaction, which takes the row's lock first;
- repeatable, or said not to be: asked again with the same items it does nothing twice, and answers each as the first time. That
  is how the truth is found when the connection is lost while a COMMIT is under way: the new connection waits for the row's
  lock, which the old one may still hold, and looks up what was done, by ids that were made beforehand.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from contextvars import copy_context
from typing import Generic, TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from greenroom.kit.errors import Unavailable
from greenroom.kit.telemetry import logger, places_of

Row = TypeVar("Row", bound=Hashable)
Item = TypeVar("Item")
Result = TypeVar("Result")

ANSWER_SECONDS = 5.0
LARGEST_BATCH = 128
MOST_WAITING = 10_000  # for one row in one process
LOOK_SECONDS = 0.25

CROWDED = "Too many are waiting for this just now, and nothing was done; try again."
NOT_BEGUN = "The service is too slow just now, and nothing was done; try again."


class Turn(Generic[Item, Result]):
    """An item, what it must not share a batch with, who awaits its outcome, and until when."""

    __slots__ = ("claims", "deadline", "item", "kind", "outcome")

    def __init__(
        self, item: Item, kind: Hashable, claims: Collection[Hashable], outcome: "asyncio.Future[Result]", deadline: float
    ) -> None:
        self.item = item
        self.kind = kind
        self.claims = claims
        self.outcome = outcome
        self.deadline = deadline

    def fail(self, error: Exception) -> None:
        """Tell who awaits it, unless that was done."""
        if not self.outcome.done():
            self.outcome.set_exception(error)


class Lanes(Generic[Row, Item, Result]):
    """A lane for each row that is being changed just now.

    `kind` of an item: a batch holds one kind, because one statement carries it. `claims` are what no two items of a batch may
    share, such as a person or an idempotency key: the later one waits for the next batch, and so do those that share with it.
    Where `carry` is not repeatable, a lost answer is a 503 that says that the change may have been made.
    `under_way` of a result: somebody is at this very thing just now. After a lost answer that may be the item itself, in the
    old connection, so it is then asked again.
    """

    def __init__(
        self,
        carry: Callable[[Row, Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        kind: Callable[[Item], Hashable],
        claims: Callable[[Item], Collection[Hashable]],
        under_way: Callable[[Result], bool] = lambda _: False,
        is_repeatable: bool = True,
        answer_seconds: float = ANSWER_SECONDS,
        largest: int = LARGEST_BATCH,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._carry = carry
        self._kind = kind
        self._claims = claims
        self._under_way = under_way
        self._is_repeatable = is_repeatable
        self._patience = answer_seconds
        self._largest = largest
        self._most = most_waiting
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()  # a batch is no caller's own: it carries nobody's trace on
        self._waiting: dict[Row, deque[Turn[Item, Result]]] = {}  # a row that is there has a batch in flight
        self._in_flight: dict[Row, Sequence[Turn[Item, Result]]] = {}  # without a lonely one, whose own task watches the time
        self._tasks: set[asyncio.Task[None]] = set()
        self._watch: asyncio.TimerHandle | None = None

    async def send(self, row: Row, item: Item) -> Result:
        """The item's outcome. Raises what `carry` raises of it, Unavailable when there is no room or no answer in time."""
        deadline = self._loop.time() + self._patience
        waiting = self._waiting.get(row)
        if waiting is None:
            self._waiting[row] = deque()
            try:
                return (await self._certainly(row, [item], deadline))[0]
            finally:
                self._set_out(row)
        if len(waiting) >= self._most:
            raise Unavailable(CROWDED)
        # An item of which this cannot be said fails here, alone, and not where a batch is made up.
        kind, claims = self._kind(item), frozenset(self._claims(item))
        turn: Turn[Item, Result] = Turn(item, kind, claims, self._loop.create_future(), deadline)
        waiting.append(turn)
        if self._watch is None:
            self._watch = self._loop.call_later(LOOK_SECONDS, self._look, context=self._context)
        return await turn.outcome

    def _set_out(self, row: Row) -> None:
        """Begin the next batch with those who wait, if anybody does."""
        together = self._next_together(self._waiting[row])
        if not together:
            del self._waiting[row]
            return
        self._in_flight[row] = together
        task = self._loop.create_task(self._travel(row, together), context=self._context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _next_together(self, waiting: "deque[Turn[Item, Result]]") -> "list[Turn[Item, Result]]":
        """The longest run of one kind in which nothing is claimed twice. Who gave up or is too late is left behind.

        Those who are put back keep their places. The search ends, too, when they are as many as a batch may hold: else somebody
        who asks ten thousand times would have them all looked at for each of his.
        """
        together: list[Turn[Item, Result]] = []
        later: list[Turn[Item, Result]] = []
        claimed: set[Hashable] = set()
        now = self._loop.time()
        while waiting and max(len(together), len(later)) < self._largest:
            turn = waiting.popleft()
            if turn.deadline <= now:  # to begin it now would be to cut a connection in the middle of its statement
                turn.fail(Unavailable(NOT_BEGUN))
            if turn.outcome.done():
                continue
            if together and turn.kind != together[0].kind:
                waiting.appendleft(turn)
                break
            (together if claimed.isdisjoint(turn.claims) else later).append(turn)
            claimed.update(turn.claims)
        waiting.extendleft(reversed(later))
        return together

    async def _travel(self, row: Row, together: "Sequence[Turn[Item, Result]]") -> None:
        try:
            await self._settle(row, together)
        finally:
            for turn in together:
                if not turn.outcome.done():  # nothing is known of them
                    turn.fail(Unavailable())
            del self._in_flight[row]
            self._set_out(row)

    async def _settle(self, row: Row, together: "Sequence[Turn[Item, Result]]") -> None:
        """Each its outcome. Where the batch as a whole is refused, each is carried by itself, and only the bad one refused."""
        try:
            results = await self._certainly(row, [turn.item for turn in together], together[-1].deadline)
        except Unavailable as error:
            for turn in together:
                turn.fail(error)
        except Exception as error:  # noqa: BLE001  # whatever it is concerns one item of the batch, and no neighbour
            if len(together) > 1:
                logger().warning("batch_taken_apart", items=len(together), error=places_of(error))
                for turn in together:
                    if not turn.outcome.done() and turn.deadline > self._loop.time():
                        await self._settle(row, [turn])
            else:
                together[0].fail(error)
        else:
            for turn, result in zip(together, results, strict=True):
                if not turn.outcome.done():
                    turn.outcome.set_result(result)

    async def _certainly(self, row: Row, items: Sequence[Item], deadline: float) -> Sequence[Result]:
        """What became of the items; asked again while nobody knows, until the deadline. Raises Unavailable."""
        try:
            async with asyncio.timeout_at(deadline):
                try:
                    return await self._asked(row, items)
                except Unavailable:
                    if not self._is_repeatable:
                        raise
                    return await self._asked_again(row, items)
        except TimeoutError as error:
            raise Unavailable from error

    async def _asked_again(self, row: Row, items: Sequence[Item]) -> Sequence[Result]:
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(Unavailable), wait=wait_random_exponential(multiplier=0.05, max=0.5), reraise=True
        ):
            with attempt:
                results = await self._asked(row, items)
                if not any(map(self._under_way, results)):
                    return results
                raise Unavailable
        raise Unavailable

    async def _asked(self, row: Row, items: Sequence[Item]) -> Sequence[Result]:
        results = await self._carry(row, items)
        if len(results) != len(items):  # whose would each be?
            raise AssertionError(f"{len(items)} items were carried, and {len(results)} results came back")
        return results

    def _look(self) -> None:
        """Who has waited too long is told so: those in line that nothing was done, those in flight that it may have been."""
        now = self._loop.time()
        for waiting in self._waiting.values():
            while waiting and waiting[0].deadline <= now:  # they stand in the order in which they came
                waiting.popleft().fail(Unavailable(NOT_BEGUN))
        for together in self._in_flight.values():
            for turn in together:
                if turn.deadline <= now:
                    turn.fail(Unavailable())
        self._watch = self._loop.call_later(LOOK_SECONDS, self._look, context=self._context) if self._waiting else None
