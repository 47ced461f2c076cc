"""What a lane costs somebody who is alone in it: a registration through it and one past it, in this process, in turns."""

import time
from collections.abc import Awaitable, Callable
from statistics import median
from uuid import UUID

import uvloop
from msgspec import Struct

from bench.contenders import BRAND, CLIENT
from bench.database import BenchDatabase
from bench.drop_load import fresh_session
from greenroom.identity.caller import Caller
from greenroom.identity.scopes import scopes_in
from greenroom.kit.database import Database
from greenroom.kit.ids import BrandId, ClientId, RequestId, SessionId, UserId, new_id
from greenroom.kit.pagination import Cursors
from greenroom.registrations import queries
from greenroom.registrations.links import Tickets
from greenroom.registrations.queries import Outcome, Registering
from greenroom.registrations.service import Registrations

KEYS = ("a key that only the benchmark knows about",)
WARM_UP = 50

Way = Callable[[Registering], Awaitable[Outcome]]


class Lonely(Struct, frozen=True):
    """Median milliseconds of one registration, one of each round: by a plain call, and through the lane."""

    plain: list[float]
    lane: list[float]


def measure_lonely(database: BenchDatabase, *, rounds: int, requests: int) -> Lonely:
    """Raises BenchError."""
    return uvloop.run(_measure(database.service_url, fresh_session(database), rounds=rounds, requests=requests))


async def _measure(url: str, session_id: UUID, *, rounds: int, requests: int) -> Lonely:
    db = Database(url, size=1, wait_seconds=5, statement_seconds=5)
    there = Registrations(db, Cursors(KEYS), Tickets(KEYS), public_url=None)
    brand, session = BrandId(BRAND), SessionId(session_id)

    async def plainly(somebody: Registering) -> Outcome:
        return (await queries.register(db, brand, session, [somebody]))[0]

    async def through_the_lane(somebody: Registering) -> Outcome:
        return await there.lanes.send((brand, session), somebody)

    found = Lonely([], [])
    try:
        await _in_turns(plainly, through_the_lane, times=WARM_UP)
        for _ in range(rounds):
            plain, lane = await _in_turns(plainly, through_the_lane, times=requests)
            found.plain.append(plain)
            found.lane.append(lane)
    finally:
        await db.close()
    return found


async def _in_turns(one: Way, other: Way, *, times: int) -> tuple[float, float]:
    """The medians of both, in milliseconds. Each goes first as often as the other."""
    spent: dict[Way, list[float]] = {one: [], other: []}
    for number in range(times):
        for way in (one, other) if number % 2 else (other, one):
            somebody = _somebody()
            begun = time.perf_counter()
            outcome = await way(somebody)
            spent[way].append((time.perf_counter() - begun) * 1000)
            if outcome.how != "created":
                raise AssertionError(f"a registration was {outcome.how}")
    return median(spent[one]), median(spent[other])


def _somebody() -> Registering:
    known_id = new_id()
    user = UserId(f"person_{known_id}")
    caller = Caller(user=user, client=ClientId(CLIENT), brand=BrandId(BRAND), scopes=scopes_in("read:live write:live"))
    return Registering(
        id=known_id,
        user=user,
        guest_email=None,
        role="participant",
        waits=True,
        needs=None,
        by=caller,
        request_id=RequestId(str(known_id)),
        event_id=new_id(),
        key=None,
    )
