"""The SQL of sessions: one round trip per operation. The functions called here are in migrations/0001_sessions.sql."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from msgspec import Struct

from greenroom.identity.caller import Caller
from greenroom.kit.database import Database, Row
from greenroom.kit.idempotency import IdempotencyKey
from greenroom.kit.ids import BrandId, RequestId, SessionId, UserId
from greenroom.sessions.schemas import Kind, Status

# Many sessions, each for one caller, in the order asked for. `offset 0` keeps each a search by key, however few rows the
# planner believes there are.
GET = """
select s.* from unnest($1::text[], $2::uuid[], $3::text[]) with ordinality as asked (brand_id, id, user_id, place)
left join lateral (
    select 'found' as outcome, s.id, s.brand_id, s.host_id, s.title, s.kind, s.category, s.status, s.scheduled_at,
        s.started_at, s.ended_at, s.duration_minutes, s.max_participants, s.registered_count, s.stream_call_id,
        s.recording_url, s.metadata, s.version, s.revision, s.created_at, s.updated_at,
        exists (select from registrations r where r.brand_id = asked.brand_id and r.session_id = asked.id
                and r.user_id = asked.user_id and r.status = 'registered') as is_registered
    from sessions s where s.brand_id = asked.brand_id and s.id = asked.id offset 0
) s on true order by asked.place
"""

BRAND_OF_ANY_BRAND = "select brand_id from sessions where id = $1"

COUNT = "select count(*) as sessions from sessions where brand_id = $1"

# Times go as text: the driver takes the first instant of year 1 for -infinity.
CREATE = "select * from create_session_v1($1, $2, $3, $4, $5, $6::text::timestamptz, $7, $8, $9, $10, $11, $12, $13, $14, $15)"

# Many changes in the order asked for and in one transaction; lists of versions travel as text, since arrays do not nest.
UPDATE = """
select u.* from unnest($2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::text[], $9::jsonb[],
    $10::boolean[], $11::text[], $12::boolean[], $13::text[], $14::text[], $15::uuid[], $16::uuid[]) with ordinality
    as e (brand_id, id, versions, title, scheduled_at, max_participants, kind, metadata,
          merges, user_id, manages, client_id, request_id, updated_event_id, rescheduled_event_id, place)
cross join lateral update_session_v1($1, e.brand_id, e.id, e.versions::integer[], e.title, e.scheduled_at::timestamptz,
    e.max_participants, e.kind, e.metadata, e.merges, e.user_id, e.manages, e.client_id, e.request_id,
    e.updated_event_id, e.rescheduled_event_id) u
order by e.place
"""

MOVE = "select * from move_session_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"


class Kept(Struct, frozen=True):
    """A session as its row says, and as the caller stands to it. Times are in UTC, metadata is JSON text."""

    id: UUID
    brand_id: str
    host_id: str
    title: str
    kind: Kind
    category: str | None
    status: Status
    scheduled_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    duration_minutes: int | None
    max_participants: int
    registered_count: int
    stream_call_id: str | None
    recording_url: str | None
    metadata: str
    version: int
    revision: int
    created_at: datetime
    updated_at: datetime
    is_registered: bool


class Outcome(Struct, frozen=True):
    """How a change went; `session` is there when it went well."""

    how: str
    session: Kept | None


class Creation(Struct, frozen=True, kw_only=True):
    """A session to insert."""

    id: SessionId
    brand: BrandId
    host: str
    title: str
    kind: Kind
    scheduled_at: datetime
    max_participants: int
    metadata: str
    by: Caller
    request_id: RequestId
    event_id: UUID
    key: IdempotencyKey | None


class Edit(Struct, frozen=True, kw_only=True):
    """A change of a session's fields; None is a field that was not sent."""

    id: SessionId
    brand: BrandId
    expected_versions: list[int] | None
    title: str | None
    scheduled_at: datetime | None
    max_participants: int | None
    kind: Kind | None
    metadata: str | None
    merges_metadata: bool
    by: Caller
    request_id: RequestId
    updated_event_id: UUID
    rescheduled_event_id: UUID


class Move(Struct, frozen=True, kw_only=True):
    """A step of a session's life."""

    id: SessionId
    brand: BrandId
    from_status: Status
    to_status: Status
    event: Literal["started", "ended", "cancelled"]
    by: Caller
    request_id: RequestId
    event_id: UUID
    key: IdempotencyKey | None


class Asked(NamedTuple):
    """A session, and who asks."""

    brand: BrandId
    id: SessionId
    user: UserId


async def get(db: Database, asked: Sequence[Asked]) -> list[Kept | None]:
    """The sessions as their callers stand to them, in the order asked for; None for one that is not there."""
    brands, ids, users = zip(*asked, strict=True)
    return [None if row[0] is None else _kept(row) for row in await db.rows(GET, brands, ids, users)]


async def brand_of_any_brand(db: Database, session_id: SessionId) -> BrandId | None:
    """The brand that the session belongs to."""
    row = await db.row(BRAND_OF_ANY_BRAND, session_id)
    return None if row is None else BrandId(row["brand_id"])


async def count(db: Database, brand: BrandId) -> int:
    """How many sessions the brand has."""
    row = await db.row(COUNT, brand)
    return 0 if row is None else int(row["sessions"])


async def create(db: Database, it: Creation) -> Outcome:
    """created | replayed | key_in_progress | key_mismatch | metadata_too_large."""
    return _outcome(
        await db.row(
            CREATE, it.brand, it.id, it.host, it.title, it.kind, it.scheduled_at.isoformat(), it.max_participants, it.metadata,
            it.by.user, it.by.client, it.request_id, it.event_id, *_of(it.key),
        )
    )  # fmt: skip


async def update(db: Database, edits: Sequence[Edit], *, waits: bool) -> list[Outcome]:
    """updated | unchanged | not_found | forbidden | stale | invalid_status | metadata_too_large | busy, for each."""
    columns = zip(*(_edit_row(edit) for edit in edits), strict=True)
    return [_outcome(row) for row in await db.rows(UPDATE, waits, *columns)]


def _edit_row(it: Edit) -> tuple[object, ...]:
    return (
        it.brand, it.id, None if it.expected_versions is None else f"{{{','.join(map(str, it.expected_versions))}}}",
        it.title, None if it.scheduled_at is None else it.scheduled_at.isoformat(), it.max_participants, it.kind,
        it.metadata, it.merges_metadata, it.by.user, it.by.manages, it.by.client, it.request_id,
        it.updated_event_id, it.rescheduled_event_id,
    )  # fmt: skip


async def move(db: Database, it: Move) -> Outcome:
    """moved | unchanged | not_found | forbidden | invalid_status | replayed | key_in_progress | key_mismatch."""
    return _outcome(
        await db.row(
            MOVE, it.brand, it.id, it.from_status, it.to_status, it.event,
            it.by.user, it.by.manages, it.by.client, it.request_id, it.event_id, *_of(it.key),
        )
    )  # fmt: skip


def _of(key: IdempotencyKey | None) -> tuple[bytes | None, int | None, bytes | None]:
    return (None, None, None) if key is None else (key.scope, key.lock, key.body_hash)


def _kept(row: Row) -> Kept:
    _, *columns = row
    return Kept(*columns)


def _outcome(row: Row | None) -> Outcome:
    if row is None:
        raise AssertionError("a session function always answers one row")
    how, *columns = row
    return Outcome(how, None if columns[0] is None else Kept(*columns))
