"""A cart for the tests of lanes: it carries parcels, and arrives when it is told to."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from greenroom.kit.errors import Unavailable
from greenroom.kit.lane import Lanes

PATIENCE_SECONDS = 30.0
PLENTY = 1_000
UNDER_WAY = "somebody is at it"

Kind = Literal["in", "out"]
Sent = asyncio.Task[str]


class Parcel(Struct, frozen=True):
    """What is carried. Two with the same claim never go together."""

    name: str
    kind: Kind = "in"
    claims: tuple[str, ...] = ()


class Cart:
    """Sets out at once."""

    def __init__(self) -> None:
        self.loads: list[list[str]] = []  # what was carried together, trip by trip
        self.tasks: list[asyncio.Task[object] | None] = []
        self.refuses: dict[str, Exception] = {}
        self.loses = 0  # of so many trips nobody hears
        self.forgets = False  # all results but the first
        self.others_at_it = 0  # so often somebody else is doing this just now
        self._arrivals: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(0))

    def may_arrive(self, trips: int = PLENTY, *, row: str = "row") -> None:
        """So many trips more."""
        for _ in range(trips):
            self._arrivals[row].release()

    async def carry(self, row: str, parcels: Sequence[Parcel]) -> Sequence[str]:
        """One transaction."""
        names = [parcel.name for parcel in parcels]
        self.loads.append(names)
        self.tasks.append(asyncio.current_task())
        await self._arrivals[row].acquire()
        for name in names:
            if name in self.refuses:
                raise self.refuses[name]
        if self.loses:
            self.loses -= 1
            raise Unavailable
        if self.others_at_it:
            self.others_at_it -= 1
            return [UNDER_WAY for _ in names]
        return there(*names[: 1 if self.forgets else None])


def lanes_of(
    cart: Cart, *, answer_seconds: float = PATIENCE_SECONDS, largest: int = 100, most_waiting: int = 100
) -> Lanes[str, Parcel, str]:
    """Lanes in which it goes."""
    return Lanes(
        cart.carry,
        kind=lambda parcel: parcel.kind,
        claims=lambda parcel: parcel.claims,
        under_way=lambda result: result == UNDER_WAY,
        answer_seconds=answer_seconds,
        largest=largest,
        most_waiting=most_waiting,
    )


async def sent(lanes: Lanes[str, Parcel, str], *parcels: Parcel | str, row: str = "row") -> list[Sent]:
    """One after the other; each is on its way or in line when this returns."""
    wanted = [Parcel(parcel) if isinstance(parcel, str) else parcel for parcel in parcels]
    tasks = [asyncio.create_task(lanes.send(row, parcel)) for parcel in wanted]
    await asyncio.sleep(0)
    return tasks


async def set_out(cart: Cart, *parcels: str) -> None:
    """Return when these are on their way."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while cart.loads[-1] != list(parcels):  # noqa: ASYNC110  # nobody else tells of it
            await asyncio.sleep(0)


async def outcomes_of(tasks: Sequence[Sent]) -> list[str]:
    """What each was answered, an error by its name."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        done = await asyncio.gather(*tasks, return_exceptions=True)
    return [one if isinstance(one, str) else type(one).__name__ for one in done]


def there(*names: str) -> list[str]:
    """The answers of those who were carried."""
    return [f"{name} is there" for name in names]
