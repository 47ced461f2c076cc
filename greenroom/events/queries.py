"""The SQL of events that were told. The functions are in migrations/0007 and 0015; what is here is of every brand."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from msgspec import Struct

from greenroom.kit.database import Database
from greenroom.kit.ids import BrandId, SessionId

RELAY_ANY_BRAND = "select told, reached from relay_events_any_brand_v1($1)"

FORGET_ANY_BRAND = "select forget_events_any_brand_v2($1, $2) as gone"

KEPT_ANY_BRAND = "select position as reached, forgotten_position as forgotten from relay"

AFTER_ANY_BRAND = """
select position, id, name, brand_id, session_id, occurred_at, payload from events
where position > $1 order by position limit $2
"""

# By position: of some thousands each is looked at, which happens once when a process begins to follow a session.
OF_SESSION = """
select position, id, name, brand_id, session_id, occurred_at, payload from events
where position > $3 and position <= $4 and brand_id = $1 and (session_id = $2 or session_id is null) order by position limit $5
"""

# A way out that is new begins with all that is kept.
HOLD_SINK = """
insert into sinks (name, position, holder, held_until)
values ($1, (select forgotten_position from relay), $2, clock_timestamp() + $3)
on conflict (name) do update set holder = excluded.holder, held_until = excluded.held_until
where sinks.holder = excluded.holder or sinks.held_until < clock_timestamp()
returning position
"""

ADVANCE_SINK = """
update sinks set position = $4, held_until = clock_timestamp() + $5
where name = $1 and holder = $2 and position = $3 returning position
"""

FAIL_SINK = """
update sinks set failures = failures + 1, last_failure = clock_timestamp(), held_until = least(held_until, clock_timestamp())
where name = $1 and holder = $2
"""

RELEASE_SINK = "update sinks set held_until = least(held_until, clock_timestamp()) where name = $1 and holder = $2"

REWIND_SINK = """
update sinks set position = $2, holder = null, held_until = least(held_until, clock_timestamp()) where name = $1
returning position
"""

MOST_COUNTED = 100_000

MEASURE_ANY_BRAND = """
select (select count(*) from (select from outbox limit $1) o) as waiting,
    (select extract(epoch from clock_timestamp() - o.occurred_at)::float8 from outbox o order by o.sequence limit 1) as oldest
"""

MEASURE_SINKS_ANY_BRAND = """
select s.name, r.position - s.position as lag, s.failures,
    (select extract(epoch from clock_timestamp() - e.told_at)::float8 from events e where e.position > s.position
     order by e.position limit 1) as oldest
from sinks s cross join relay r
"""


class ToldEvent(Struct, frozen=True, gc=False):
    """An event with its position, which is everybody's cursor. `occurred_at` is the database's text, `payload` its JSON."""

    position: int
    id: UUID
    name: str
    brand_id: str
    session_id: UUID | None
    occurred_at: str
    payload: str


class Look(Struct, frozen=True):
    """What a look at the outbox brought: how many events got a position (None: somebody else does that), and the last one."""

    told: int | None
    reached: int


class Kept(Struct, frozen=True):
    """The last position that was given, and the last whose event was forgotten."""

    reached: int
    forgotten: int


class SinkState(Struct, frozen=True):
    """How far behind a way out is, in events and in seconds, and how often it failed."""

    name: str
    lag: int
    failures: int
    oldest: float


class OutboxState(Struct, frozen=True):
    """How many events wait for their position, and for how long the oldest has, in seconds."""

    waiting: int
    oldest: float


async def relay_any_brand(db: Database, *, most: int) -> Look:
    """Give positions to up to so many events. Raises Unavailable."""
    row = await db.row(RELAY_ANY_BRAND, most)
    if row is None:
        raise AssertionError("the relay always answers one row")
    return Look(row["told"], row["reached"])


async def forget_any_brand(db: Database, *, most: int, age: timedelta) -> int:
    """Forget up to so many events that were told longer ago; answers how many. Raises Unavailable."""
    row = await db.row(FORGET_ANY_BRAND, most, age)
    return 0 if row is None else int(row["gone"])


async def kept_any_brand(db: Database) -> Kept:
    """From where to where events are kept. Raises Unavailable."""
    row = await db.row(KEPT_ANY_BRAND)
    return Kept(0, 0) if row is None else Kept(row["reached"], row["forgotten"])


async def after_any_brand(db: Database, position: int, *, most: int) -> list[ToldEvent]:
    """The next events after a position, in order. Raises Unavailable."""
    return [ToldEvent(*row) for row in await db.rows(AFTER_ANY_BRAND, position, most)]


async def of_session(db: Database, brand: BrandId, session: SessionId, *, after: int, to: int, most: int) -> list[ToldEvent]:
    """A session's events, and those of its brand that are of no session, between two positions. Raises Unavailable."""
    return [ToldEvent(*row) for row in await db.rows(OF_SESSION, brand, session, after, to, most)]


async def hold_sink(db: Database, name: str, holder: UUID, *, seconds: float) -> int | None:
    """The position after which to tell on, for as long; None while another process tells. Raises Unavailable."""
    row = await db.row(HOLD_SINK, name, holder, timedelta(seconds=seconds))
    return None if row is None else int(row["position"])


async def advance_sink(db: Database, name: str, holder: UUID, before: int, now: int, *, seconds: float) -> bool:
    """Note how far it has come; False when it is no longer ours, or was told to begin elsewhere. Raises Unavailable."""
    return await db.row(ADVANCE_SINK, name, holder, before, now, timedelta(seconds=seconds)) is not None


async def fail_sink(db: Database, name: str, holder: UUID) -> None:
    """Count a failure, and let another process try. Raises Unavailable."""
    await db.rows(FAIL_SINK, name, holder)


async def release_sink(db: Database, name: str, holder: UUID) -> None:
    """Let another process go on. Raises Unavailable."""
    await db.rows(RELEASE_SINK, name, holder)


async def rewind_sink(db: Database, name: str, position: int) -> bool:
    """Let it tell again what follows the position; False for a name that is not known. Raises Unavailable."""
    return await db.row(REWIND_SINK, name, position) is not None


async def measure_any_brand(db: Database) -> OutboxState:
    """What waits; of very many only so much is counted. Raises Unavailable."""
    row = await db.row(MEASURE_ANY_BRAND, MOST_COUNTED)
    return OutboxState(0, 0.0) if row is None else OutboxState(row["waiting"], row["oldest"] or 0.0)


async def measure_sinks_any_brand(db: Database) -> Sequence[SinkState]:
    """Every way out. Raises Unavailable."""
    rows = await db.rows(MEASURE_SINKS_ANY_BRAND)
    return [SinkState(row["name"], row["lag"], row["failures"], row["oldest"] or 0.0) for row in rows]
