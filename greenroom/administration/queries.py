"""The SQL of the administration: one round trip per operation. Its function is in migrations/0002_session_details.sql."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from greenroom.identity.caller import Caller
from greenroom.kit.database import Database, Row
from greenroom.kit.ids import BrandId, RequestId, SessionId
from greenroom.sessions.kept import Kept
from greenroom.sessions.schemas import Kind, Status

UPDATE = """
select * from administer_session_v2($1, $2, $3, $4, $5, $6, $7, $8::text::timestamptz, $9, $10, $11, $12, $13, $14, $15,
    $16, $17, $18, $19, $20, $21, $22)
"""

# A status stands in the statement itself, so that the planner knows how many there are of it.
OF_STATUS: dict[Status | None, str] = {
    None: "true",
    "scheduled": "s.status = 'scheduled'",
    "live": "s.status = 'live'",
    "ended": "s.status = 'ended'",
    "cancelled": "s.status = 'cancelled'",
}


class AdminKept(Struct, frozen=True):
    """A session with what only administrators see."""

    kept: Kept
    description: str | None
    co_host_ids: list[str]
    cover_image_url: str | None
    tags: list[str]


class AdminOutcome(Struct, frozen=True):
    """How a change went; `session` is there when it went well."""

    how: str
    session: AdminKept | None


class AdminListing(Struct, frozen=True, kw_only=True):
    """Sessions to list from the one created last, those before an id; None lets all pass."""

    brand: BrandId | None
    before_id: UUID
    status: Status | None
    kind: Kind | None
    rows: int


class AdminEdit(Struct, frozen=True, kw_only=True):
    """A change by an administrator; None is a field that was not sent, `clears` names those sent as null."""

    id: SessionId
    brand: BrandId
    expected_versions: list[int] | None
    status: Status | None
    title: str | None
    description: str | None
    community_slug: str | None
    scheduled_at: datetime | None
    max_participants: int | None
    duration_minutes: int | None
    co_host_ids: list[str] | None
    cover_image_url: str | None
    tags: list[str] | None
    kind: Kind | None
    category: str | None
    metadata: str | None
    merges_metadata: bool
    clears: list[str]
    by: Caller
    request_id: RequestId
    event_ids: list[UUID]


async def update(db: Database, it: AdminEdit) -> AdminOutcome:
    """updated | unchanged | not_found | stale | invalid_status | metadata_too_large."""
    row = await db.row(
        UPDATE, it.brand, it.id, it.expected_versions, it.status, it.title, it.description, it.community_slug,
        None if it.scheduled_at is None else it.scheduled_at.isoformat(), it.max_participants, it.duration_minutes,
        it.co_host_ids, it.cover_image_url, it.tags, it.kind, it.category, it.metadata, it.merges_metadata, it.clears,
        it.by.user, it.by.client, it.request_id, it.event_ids,
    )  # fmt: skip
    if row is None:
        raise AssertionError("a session function always answers one row")
    return AdminOutcome(row["outcome"], None if row["id"] is None else _kept(row))


async def page(db: Database, it: AdminListing) -> list[AdminKept]:
    """The brand's sessions that are wanted, the last created first."""
    return [_kept(row) for row in await db.rows(_page("$4", it), it.before_id, it.kind, it.rows, it.brand)]


async def page_any_brand(db: Database, it: AdminListing) -> list[AdminKept]:
    """The sessions of all brands that are wanted, the last created first."""
    sql = f"""select s.* from brands_any_brand_v1() b (brand_id)
cross join lateral ({_page("b.brand_id", it)}) s order by s.id desc limit $3"""  # noqa: S608  # texts of ours
    return [_kept(row) for row in await db.rows(sql, it.before_id, it.kind, it.rows)]


def _page(brand: str, it: AdminListing) -> str:
    return f"""
select 'found' as outcome, s.id, s.brand_id, s.host_id, s.title, s.kind, s.category, s.status, s.scheduled_at,
    s.started_at, s.ended_at, s.duration_minutes, s.max_participants, s.registered_count, s.stream_call_id,
    s.recording_url, s.metadata, s.version, s.revision, s.created_at, s.updated_at, false as is_registered,
    s.description, s.co_host_ids, s.cover_image_url, s.tags
from sessions s
where s.brand_id = {brand} and s.id < $1 and ($2::text is null or s.kind = $2) and {OF_STATUS[it.status]}
order by s.id desc limit $3"""  # noqa: S608  # texts of ours; what a caller sent goes as an argument


def _kept(row: Row) -> AdminKept:
    _, *columns, description, co_host_ids, cover_image_url, tags = row
    return AdminKept(Kept(*columns), description, co_host_ids, cover_image_url, tags)
