"""The SQL of the inbox: a provider's events name their call alone, whosever it is."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from greenroom.kit.database import Database
from greenroom.kit.ids import RequestId

RECEIVE_ANY_BRAND = "select * from receive_events_any_brand_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"

FORGET_ANY_BRAND = "select forget_inbox_any_brand_v1($1, $2) as gone"


class Arrival(Struct, frozen=True, kw_only=True, gc=False):
    """A webhook that was verified, what it lets us know, and what the world is told of it, each as JSON."""

    event_id: str
    body_hash: bytes
    type: str
    occurred_at: datetime
    body: bytes
    facts: str
    tells: str
    outbox_id: UUID


async def receive_any_brand(
    db: Database, provider: str, call: UUID | None, arrivals: Sequence[Arrival], *, request_id: RequestId
) -> list[str]:
    """new | known | unknown_call, for each."""
    columns = zip(
        *(
            (it.event_id, it.body_hash, it.type, it.occurred_at.isoformat(), it.body, it.facts, it.tells, it.outbox_id)
            for it in arrivals
        ),
        strict=True,
    )
    rows = await db.rows(RECEIVE_ANY_BRAND, provider, call, *columns, request_id)
    return [row["outcome"] for row in sorted(rows, key=lambda row: int(row["place"]))]


async def forget_any_brand(db: Database, *, most: int, age: timedelta) -> int:
    """Forget up to so many that are older; answers how many."""
    row = await db.row(FORGET_ANY_BRAND, most, age)
    return 0 if row is None else int(row["gone"])
