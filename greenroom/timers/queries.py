"""The SQL of timers. The functions are in migrations/0008_timers.sql; the program's own work crosses brands."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from greenroom.kit.database import Database
from greenroom.kit.ids import RequestId

CLAIM_ANY_BRAND = "select brand_id, subject_id, late from claim_timers_any_brand_v1($1, $2, $3)"

FIRE_ANY_BRAND = "select brand_id, subject_id, kind, outcome, late from fire_timers_any_brand_v1($1, $2, $3, $4, $5)"

RELEASE_ANY_BRAND = "select release_timers_any_brand_v1($1, $2, $3, $4)"

# A look at what is due and nobody has claimed: the rest of the index is the future.
OVERDUE_ANY_BRAND = """
select extract(epoch from clock_timestamp() - min(greatest(t.due_at, t.planned_at)))::float8 as oldest
from timers t where t.due_at <= clock_timestamp()
"""


class Claim(Struct, frozen=True):
    """A timer that is ours for a while, and how long ago it was due."""

    brand_id: str
    subject_id: UUID
    late: timedelta


class Fired(Struct, frozen=True):
    """What became of a timer. `kind` and `late` are of what was next when its session was looked at."""

    brand_id: str
    subject_id: UUID
    kind: str | None
    outcome: str
    late: timedelta | None


async def claim_any_brand(db: Database, *, most: int, lease: timedelta, now: datetime | None) -> list[Claim]:
    """Up to so many timers that are due, those that waited longest first. Raises Unavailable."""
    return [Claim(*row) for row in await db.rows(CLAIM_ANY_BRAND, most, lease, now)]


async def fire_any_brand(
    db: Database, claimed: Sequence[Claim], *, people: int, request_id: RequestId, now: datetime | None
) -> list[Fired]:
    """fired | continued | moved | dropped | busy | gone, of each; a reminder is told to so many people at most."""
    rows = await db.rows(FIRE_ANY_BRAND, *_columns(claimed), people, request_id, now)
    return [Fired(*row) for row in rows]


async def release_any_brand(db: Database, timers: Sequence[Claim | Fired], *, wait: timedelta, now: datetime | None) -> None:
    """Others may claim them after a while. Raises Unavailable."""
    await db.rows(RELEASE_ANY_BRAND, *_columns(timers), wait, now)


async def overdue_any_brand(db: Database) -> float:
    """For how many seconds the oldest timer that is due has been. Raises Unavailable."""
    row = await db.row(OVERDUE_ANY_BRAND)
    return 0.0 if row is None else float(row["oldest"] or 0.0)


def _columns(timers: Sequence[Claim | Fired]) -> tuple[list[str], list[UUID]]:
    return [one.brand_id for one in timers], [one.subject_id for one in timers]
