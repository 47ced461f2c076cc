"""The SQL of sessions: one round trip per operation. The functions called here are in migrations/."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Literal, NamedTuple
from uuid import UUID

from msgspec import Struct

from greenroom.identity.caller import Caller
from greenroom.kit.database import Database, Row
from greenroom.kit.idempotency import IdempotencyKey
from greenroom.kit.ids import BrandId, RequestId, SessionId, UserId
from greenroom.sessions.kept import Kept
from greenroom.sessions.schemas import Kind, Status

# What Kept holds, in its order; who asks adds is_registered.
COLUMNS = """s.id, s.brand_id, s.host_id, s.title, s.kind, s.category, s.status, s.scheduled_at,
        s.started_at, s.ended_at, s.duration_minutes, s.max_participants, s.registered_count, s.stream_call_id,
        s.recording_url, s.metadata, s.version, s.revision, s.created_at, s.updated_at"""

# Of the caller $1, one search by key per session: `offset 0` keeps the planner from reading all that the caller registered for.
IS_REGISTERED = """exists (select from registrations r where r.brand_id = s.brand_id and r.session_id = s.id
            and r.user_id = $1 and r.status = 'registered' offset 0) as is_registered"""

# Many sessions, each for one caller, in the order asked for. `offset 0` keeps each a search by key, however few rows the
# planner believes there are.
GET = f"""
select s.* from unnest($1::text[], $2::uuid[], $3::text[]) with ordinality as asked (brand_id, id, user_id, place)
left join lateral (
    select 'found' as outcome, {COLUMNS},
        exists (select from registrations r where r.brand_id = asked.brand_id and r.session_id = asked.id
                and r.user_id = asked.user_id and r.status = 'registered') as is_registered
    from sessions s where s.brand_id = asked.brand_id and s.id = asked.id offset 0
) s on true order by asked.place
"""  # noqa: S608  # a constant of ours

# A status stands in the statement itself, so that the planner knows how many there are of it.
OF_STATUS: dict[Status, str] = {
    "scheduled": " and s.status = 'scheduled'",
    "live": " and s.status = 'live'",
    "ended": " and s.status = 'ended'",
    "cancelled": " and s.status = 'cancelled'",
}

BRAND_OF_ANY_BRAND = "select brand_id from sessions where id = $1"

MAY_CHANGE = """
select $3 or s.host_id = $4 or $4 = any (s.co_host_ids) as may from sessions s where s.brand_id = $1 and s.id = $2
"""

COUNT = "select count(*) as sessions from sessions where brand_id = $1"

# Times go as text: the driver takes the first instant of year 1 for -infinity.
CREATE = "select * from create_session_v1($1, $2, $3, $4, $5, $6::text::timestamptz, $7, $8, $9, $10, $11, $12, $13, $14, $15)"

# Many changes of different sessions in one transaction; lists of versions travel as text, since arrays do not nest.
UPDATE = """
select u.place, (u.answer).* from update_sessions_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) u
"""

CHANGE_CO_HOST = "select * from change_co_host_v1($1, $2, $3, $4, $5, $6, $7, $8, $9)"

MOVE = "select * from move_session_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"


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


class CoHostChange(Struct, frozen=True, kw_only=True):
    """Somebody becomes a co-host of a session, or is none from now on."""

    id: SessionId
    brand: BrandId
    co_host: UserId
    is_co_host: bool
    by: Caller
    request_id: RequestId
    event_id: UUID


class CoHostOutcome(Struct, frozen=True):
    """How it went, and the co-hosts as they are now."""

    how: str
    co_host_ids: list[str]


class Listing(Struct, frozen=True, kw_only=True):
    """Sessions to list by their time, those after a position and before an instant; None lets all pass."""

    brand: BrandId | None
    user: UserId
    after: datetime | None
    after_id: UUID
    before: datetime | None
    statuses: tuple[Status, ...]
    host: str | None
    community: str | None
    category: str | None
    kind: Kind | None
    rows: int


class Asked(NamedTuple):
    """A session, and who asks."""

    brand: BrandId
    id: SessionId
    user: UserId


async def get(db: Database, asked: Sequence[Asked]) -> list[Kept | None]:
    """The sessions as their callers stand to them, in the order asked for; None for one that is not there."""
    brands, ids, users = zip(*asked, strict=True)
    return [None if row[0] is None else _kept(row) for row in await db.rows(GET, brands, ids, users)]


async def page(db: Database, it: Listing) -> list[Kept]:
    """The brand's first sessions that are wanted, by time and id."""
    narrowed, values = _narrowed(it)
    sql = _page(f"${len(values) + 6}", f"{COLUMNS}, {IS_REGISTERED}", narrowed)
    rows = await db.rows(sql, *_bounds(it), *values, it.brand)
    return [Kept(*row) for row in rows]


async def pages(db: Database, listings: Sequence[Listing]) -> list[list[Kept]]:
    """What `page` answers to each, in the order asked for; those of one shape share a round trip."""
    by_shape: dict[object, list[int]] = {}
    for place, it in enumerate(listings):
        by_shape.setdefault((it.statuses, it.rows, *_sent(it)), []).append(place)
    found: list[list[Kept]] = [[] for _ in listings]

    async def fetch(places: list[int]) -> None:
        same = [listings[place] for place in places]
        for place, kept in zip(
            places, await _pages_alike(db, same) if len(same) > 1 else [await page(db, same[0])], strict=True
        ):
            found[place] = kept

    await asyncio.gather(*(fetch(places) for places in by_shape.values()))
    return found


async def _pages_alike(db: Database, listings: Sequence[Listing]) -> list[list[Kept]]:
    """Of lists of one shape."""
    first = listings[0]
    narrowed = "".join([*(OF_STATUS[it] for it in first.statuses), *(f" and s.{name} = q.{name}" for name in _sent(first))])
    sql = f"""
select q.place, s.* from unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::text[]) with ordinality
    as q (user_id, after, after_id, before, brand_id, host_id, community_slug, category, kind, place)
cross join lateral (
    select {COLUMNS},
        exists (select from registrations r where r.brand_id = s.brand_id and r.session_id = s.id
                and r.user_id = q.user_id and r.status = 'registered' offset 0) as is_registered
    from sessions s
    where s.brand_id = q.brand_id and (s.scheduled_at, s.id) > (q.after::timestamptz, q.after_id)
        and s.scheduled_at < q.before::timestamptz{narrowed}
    order by s.scheduled_at, s.id limit $5
) s order by q.place, s.scheduled_at, s.id"""  # noqa: S608  # texts of ours; what a caller sent goes as an argument
    wanted = [(it.brand, it.host, it.community, it.category, it.kind) for it in listings]
    users, after, after_id, before, _ = zip(*map(_bounds, listings), strict=True)
    found: list[list[Kept]] = [[] for _ in listings]
    for row in await db.rows(sql, users, after, after_id, before, first.rows, *zip(*wanted, strict=True)):
        found[row[0] - 1].append(Kept(*row[1:]))
    return found


async def page_any_brand(db: Database, it: Listing) -> list[Kept]:
    """The first sessions of all brands that are wanted, by time and id."""
    narrowed, values = _narrowed(it)
    places = _page("b.brand_id", "s.brand_id, s.scheduled_at, s.id", narrowed)  # which the index has; rows only of those shown
    sql = f"""
select {COLUMNS}, {IS_REGISTERED}
from (select p.* from brands_any_brand_v1() b (brand_id)
      cross join lateral ({places}) p order by p.scheduled_at, p.id limit $5) page
cross join lateral (select * from sessions s where s.brand_id = page.brand_id and s.id = page.id offset 0) s
order by s.scheduled_at, s.id"""  # noqa: S608  # texts of ours
    return [Kept(*row) for row in await db.rows(sql, *_bounds(it), *values)]


def _page(brand: str, columns: str, narrowed: str) -> str:
    return f"""
select {columns}
from sessions s
where s.brand_id = {brand} and (s.scheduled_at, s.id) > ($2::text::timestamptz, $3::uuid)
    and s.scheduled_at < $4::text::timestamptz{narrowed}
order by s.scheduled_at, s.id limit $5"""  # noqa: S608  # texts of ours; what a caller sent goes as an argument


def _bounds(it: Listing) -> tuple[object, ...]:
    after = "-infinity" if it.after is None else it.after.isoformat()
    return it.user, after, it.after_id, "infinity" if it.before is None else it.before.isoformat(), it.rows


def _narrowed(it: Listing) -> tuple[str, list[str]]:
    """The conditions beside the bounds, whose arguments begin at $6, and those arguments."""
    sent = _sent(it)
    conditions = [OF_STATUS[status] for status in it.statuses]
    conditions += [f" and s.{column} = ${place}" for place, column in enumerate(sent, start=6)]
    return "".join(conditions), list(sent.values())


def _sent(it: Listing) -> dict[str, str]:
    """The columns that must hold a value, and the value."""
    wanted = {"host_id": it.host, "community_slug": it.community, "category": it.category, "kind": it.kind}
    return {column: value for column, value in wanted.items() if value is not None}


async def brand_of_any_brand(db: Database, session_id: SessionId) -> BrandId | None:
    """The brand that the session belongs to."""
    row = await db.row(BRAND_OF_ANY_BRAND, session_id)
    return None if row is None else BrandId(row["brand_id"])


async def may_change(db: Database, brand: BrandId, session_id: SessionId, by: Caller) -> bool | None:
    """Whether somebody hosts the session, co-hosts it, or manages; None when there is no such session."""
    row = await db.row(MAY_CHANGE, brand, session_id, by.manages, by.user)
    return None if row is None else bool(row["may"])


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
    """updated | unchanged | not_found | forbidden | stale | invalid_status | metadata_too_large | busy, for each.

    No two of the same session; with `waits` a single one.
    """
    columns = zip(*(_edit_row(edit) for edit in edits), strict=True)
    answers = sorted(await db.rows(UPDATE, waits, *columns), key=itemgetter(0))
    return [_outcome(answer) for _, *answer in answers]


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


async def change_co_host(db: Database, it: CoHostChange) -> CoHostOutcome:
    """changed | unchanged | not_found | forbidden | invalid_status | is_host | too_many."""
    row = await db.row(
        CHANGE_CO_HOST, it.brand, it.id, it.co_host, it.is_co_host,
        it.by.user, it.by.manages, it.by.client, it.request_id, it.event_id,
    )  # fmt: skip
    if row is None:
        raise AssertionError("a session function always answers one row")
    return CoHostOutcome(row["outcome"], row["co_host_ids"] or [])


def _of(key: IdempotencyKey | None) -> tuple[bytes | None, int | None, bytes | None]:
    return (None, None, None) if key is None else (key.scope, key.lock, key.body_hash)


def _kept(row: Row) -> Kept:
    _, *columns = row
    return Kept(*columns)


def _outcome(row: Iterable[Any] | None) -> Outcome:
    if row is None:
        raise AssertionError("a session function always answers one row")
    how, *columns = row
    return Outcome(how, None if columns[0] is None else Kept(*columns))
