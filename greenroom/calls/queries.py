"""The SQL of calls: one round trip per operation. The functions are in migrations/0010_calls.sql, 0011 and 0012."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from greenroom.calls.schemas import CallStatus
from greenroom.identity.caller import Caller
from greenroom.kit.database import Database
from greenroom.kit.idempotency import IdempotencyKey
from greenroom.kit.ids import BrandId, RequestId, SessionId, UserId
from greenroom.sessions.schemas import Kind, Status

Phase = Literal["planned", "open", "over", "called_off"]

JOIN = "select * from join_session_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"

CLAIM = "select outcome, planned from claim_call_v1($1, $2, $3)"

MADE = "select call_made_v1($1, $2, $3, $4, $5::text::timestamptz)"

CREATE = """
select * from create_call_v1($1, $2, $3, $4, $5, $6, $7::text::timestamptz, $8, $9, $10, $11, $12, $13, $14, $15)
"""

END = "select * from end_call_v1($1, $2, $3, $4, $5, $6, $7)"

GET = """
select a.* from calls c cross join lateral call_answer_v1('found', c) a where c.brand_id = $1 and c.id = $2
"""

BRAND_OF_ANY_BRAND = "select brand_id from calls where id = $1"

# Who carries the brand's calls, if it says so; and what has become of the key, if there is one.
BEFORE_CREATION = """
select b.settings ->> 'video_provider' as provider, k.state
from (select 1 as one) nothing left join brand_settings b on b.brand_id = $1
left join lateral claim_idempotency_key_v1($1, $2, $3, $4) k on $2::bytea is not null
"""

# Whether somebody may chat, and whether the channel is there.
CHAT_SEAT = """
select s.title, s.host_id, s.status, $3 = s.host_id or $3 = any (s.co_host_ids) as is_host,
    exists (select from registrations r where r.brand_id = $1 and r.user_id = $3 and r.session_id = $2
            and r.status = 'registered' offset 0) as has_seat,
    exists (select from chat_channels h where h.brand_id = $1 and h.session_id = $2) as is_made
from sessions s where s.brand_id = $1 and s.id = $2
"""

CHANNEL_MADE = """
insert into chat_channels (brand_id, session_id, made_at) values ($1, $2, clock_timestamp()) on conflict do nothing
"""

# What follows is the program's own work, which crosses brands.

NOTE_ANY_BRAND = "select note_calls_any_brand_v1($1, $2, $3, $4, $5, $6, $7)"

CLAIM_DUE_ANY_BRAND = "select * from claim_calls_any_brand_v1($1, $2, $3)"

LOOKED_AFTER = """
select looked_after_call_v1($1, $2, $3, $4, $5::text::timestamptz, $6, $7, $8::text::timestamptz, $9, $10, $11, $12, $13, $14)
"""


class Carriers(Struct, frozen=True):
    """Who carries calls where nobody says otherwise, the type of calls of each that can, as JSON; whether they are recorded."""

    default: str
    call_types: str
    records: bool


class Joining(Struct, frozen=True, kw_only=True, gc=False):
    """Somebody who wants in. `may`: the caller is that person, or may act for others."""

    id: UUID
    user: UserId
    may: bool
    by: Caller
    request_id: RequestId
    event_id: UUID


class Joined(Struct, frozen=True, gc=False):
    """How it went, what kind of session it is, and who carries its call."""

    how: str
    kind: Kind | None
    provider: str | None


class Planned(Struct, frozen=True, kw_only=True):
    """A call as it is to be made."""

    id: UUID
    provider: str
    records: bool
    title: str
    starts_at: datetime | None
    host: UserId


class Claim(Struct, frozen=True):
    """made | ours | others | not_found."""

    how: str
    planned: Planned | None


class CallCreation(Struct, frozen=True, kw_only=True):
    """A call of its own, which the provider has."""

    id: UUID
    brand: BrandId
    provider: str
    call_type: str
    host: UserId
    title: str
    scheduled_at: datetime | None
    metadata: str
    records: bool
    by: Caller
    request_id: RequestId
    key: IdempotencyKey | None


class KeptCall(Struct, frozen=True, gc=False):
    """A call as its row says, or its session's. Times are the database's text."""

    id: UUID
    session_id: UUID | None
    provider: str
    host_user_id: str
    co_host_ids: list[str]
    title: str
    scheduled_at: str | None
    started_at: str | None
    ended_at: str | None
    is_made: bool
    call_type: str
    recording_url: str | None
    recording_ready_at: str | None
    status: CallStatus
    created_at: str
    updated_at: str
    is_closed: bool


class Outcome(Struct, frozen=True):
    """How it went; `call` is there when there is one."""

    how: str
    call: KeptCall | None


class ChatSeat(Struct, frozen=True):
    """What a person is to a session's chat."""

    title: str
    host: UserId
    status: Status
    is_host: bool
    has_seat: bool
    is_made: bool


class Noted(Struct, frozen=True, gc=False):
    """Something came to pass with a session: it may be that its call is to be made, or that somebody is to be put out."""

    brand: str
    session: UUID
    opens: bool
    removed: str | None


class Due(Struct, frozen=True, gc=False):
    """A call that is ours to look after for a while. Times are the database's text."""

    brand: BrandId
    id: UUID
    provider: str
    records: bool
    phase: Phase
    is_made: bool
    told_title: str | None
    told_starts_at: str | None
    title: str
    starts_at: str | None
    host: UserId
    is_end_told: bool
    removals: list[str]
    awaits_recording: bool
    is_sessions: bool

    @property
    def is_news(self) -> bool:
        """The provider was told another title or time."""
        return (self.title, self.starts_at) != (self.told_title, self.told_starts_at)


class LookedAfter(Struct, kw_only=True):
    """What came of it: what the provider was told, and what it answered when it was asked."""

    told: bool = False
    end_told: bool = False
    removed: list[str] = []
    asked_at: datetime | None = None
    span: str | None = None
    inside: list[str] = []
    facts: str | None = None
    failed: bool = False


async def join(db: Database, brand: BrandId, session: SessionId, carriers: Carriers, them: Sequence[Joining]) -> list[Joined]:
    """host | participant | call_needed | not_found | not_manager | barred | not_joinable | too_early | no_seat | at_capacity
    | not_configured, for each."""
    columns = zip(*((it.id, it.user, it.may, it.by.user, it.by.client, it.request_id, it.event_id) for it in them), strict=True)
    rows = await db.rows(JOIN, brand, session, carriers.default, carriers.call_types, carriers.records, *columns)
    return [Joined(*tuple(row)[1:]) for row in sorted(rows, key=lambda row: int(row[0]))]


async def claim(db: Database, brand: BrandId, call: UUID, *, lease: timedelta) -> Claim:
    """Who is to make the call at the provider."""
    row = _one(await db.row(CLAIM, brand, call, lease))
    return Claim(row[0], None if row[1] is None else msgspec.json.decode(row[1], type=Planned))


async def made(db: Database, brand: BrandId, planned: Planned, *, is_made: bool) -> None:
    """The provider has it, or did not take it."""
    starts_at = None if planned.starts_at is None else planned.starts_at.isoformat()
    await db.rows(MADE, brand, planned.id, is_made, planned.title, starts_at)


async def create(db: Database, it: CallCreation) -> Outcome:
    """created | replayed | key_in_progress | key_mismatch | metadata_too_large."""
    key = (None, None, None) if it.key is None else (it.key.scope, it.key.lock, it.key.body_hash)
    return _outcome(
        await db.row(
            CREATE, it.brand, it.id, it.provider, it.call_type, it.host, it.title,
            None if it.scheduled_at is None else it.scheduled_at.isoformat(), it.metadata, it.records,
            it.by.user, it.by.client, it.request_id, *key,
        )
    )  # fmt: skip


async def end(db: Database, brand: BrandId, call: UUID, by: Caller, *, request_id: RequestId, event_id: UUID) -> Outcome:
    """ended | unchanged | invalid_status | not_found | forbidden."""
    return _outcome(await db.row(END, brand, call, by.user, by.manages, by.client, request_id, event_id))


async def get(db: Database, brand: BrandId, call: UUID) -> KeptCall | None:
    """The call; None when there is none."""
    row = await db.row(GET, brand, call)
    return None if row is None else _outcome(row).call


async def brand_of_any_brand(db: Database, call: UUID) -> BrandId | None:
    """Whose call it is."""
    row = await db.row(BRAND_OF_ANY_BRAND, call)
    return None if row is None else BrandId(row["brand_id"])


async def before_creation(db: Database, brand: BrandId, key: IdempotencyKey | None) -> tuple[str | None, bool]:
    """Who carries the brand's calls, if it says so; and whether nothing has come of the key yet."""
    claimed = (None, None, None) if key is None else (key.scope, key.lock, key.body_hash)
    row = _one(await db.row(BEFORE_CREATION, brand, *claimed))
    return row["provider"], row["state"] in {None, "fresh"}


async def chat_seat(db: Database, brand: BrandId, session: SessionId, user: UserId) -> ChatSeat | None:
    """What the person is to the session's chat; None when there is no such session."""
    row = await db.row(CHAT_SEAT, brand, session, user)
    return None if row is None else ChatSeat(row["title"], row["host_id"], row["status"], *tuple(row)[3:])


async def channel_made(db: Database, brand: BrandId, session: SessionId) -> None:
    """The provider has the channel."""
    await db.rows(CHANNEL_MADE, brand, session)


async def note_any_brand(db: Database, noted: Sequence[Noted], carriers: Carriers) -> None:
    """Plan calls, and have them looked after at once. Raises Unavailable."""
    columns = zip(*((it.brand, it.session, it.opens, it.removed) for it in noted), strict=True)
    await db.rows(NOTE_ANY_BRAND, *columns, carriers.default, carriers.call_types, carriers.records)


async def claim_due_any_brand(db: Database, *, most: int, lease: timedelta, now: datetime | None) -> list[Due]:
    """Up to so many calls whose time has come, those that waited longest first. Raises Unavailable."""
    return [Due(*row) for row in await db.rows(CLAIM_DUE_ANY_BRAND, most, lease, _text(now))]


async def looked_after(db: Database, due: Due, it: LookedAfter, *, request_id: RequestId, now: datetime | None) -> None:
    """Keep what came of it, draw the conclusions, and plan the next time. Raises Unavailable."""
    told = (due.title, due.starts_at) if it.told else (None, None)
    await db.rows(
        LOOKED_AFTER, due.brand, due.id, due.phase, *told, it.end_told, it.removed, _text(it.asked_at), it.span, it.inside,
        it.facts, it.failed, request_id, _text(now),
    )  # fmt: skip


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _outcome(row: Any) -> Outcome:
    how, *columns = _one(row)
    return Outcome(how, None if columns[0] is None else KeptCall(*columns))


def _one(row: Any) -> Any:
    if row is None:
        raise AssertionError("a function of calls always answers one row")
    return row
