"""The SQL of recordings. The functions called here are in migrations/0020_room_recordings.sql."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

from msgspec import Struct

from greenroom.identity.caller import Caller
from greenroom.kit.database import Database
from greenroom.kit.ids import BrandId, SessionId

BEGIN = "select begin_room_recording_v1($1, $2, $3, $4, $5, $6, $7) as how"

MAY_KEEP = """
select may_keep_piece_v1(r, $2, $4, $5, $6, $7, $8, $9, $10, $11) as how
from (select) one left join room_recordings r on r.brand_id = $1 and r.id = $3
"""

KEEP = "select keep_piece_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) as how"

FINISH = "select finish_room_recording_v1($1, $2, $3, $4, $5, $6::text::jsonb, $7) as how"

CLAIM_ANY_BRAND = "select * from claim_room_recordings_any_brand_v1($1, $2, $3)"

PIECES = """
select p.part, p.number, p.octets, p.sha256 from room_pieces p
where p.brand_id = $1 and p.recording_id = $2 order by p.part, p.number
"""

RENEW = "update room_recordings set leased_until = clock_timestamp() + $3 where brand_id = $1 and id = $2 and lease = $4"

PUT_OFF = """
update room_recordings set leased_until = '-infinity', put_off = put_off + 1,
    failures = failures + $3::boolean::int, missing = missing + $4::boolean::int,
    due_at = clock_timestamp() + least(interval '10 minutes', interval '2 seconds' * 2 ^ least(put_off, 9))
where brand_id = $1 and id = $2 and lease = $5
"""

SETTLE = "select settle_room_recording_v1($1, $2, $3, $4, $5) as is_settled"

IS_ALL = "select true from room_recordings r where r.brand_id = $1 and r.id = $2 and r.lease = $3 and r.octets = $4"

FORGET_PIECES = "delete from room_pieces where brand_id = $1 and recording_id = $2"

SWEPT = """
update room_recordings set due_at = 'infinity', leased_until = '-infinity', put_off = 0
where brand_id = $1 and id = $2 and lease = $3
"""

OLD_ANY_BRAND = """
select r.brand_id, r.id, r.settled_at from room_recordings r
where r.state = 'ready' and r.settled_at < clock_timestamp() - $1::interval
    and (r.settled_at, r.brand_id, r.id) > ($2::text::timestamptz, $3, $4::uuid)
order by r.settled_at, r.brand_id, r.id limit $5
"""

EXPIRE = "select expire_room_recording_v1($1, $2) as was"

Act = Literal["join", "sweep"]


class Beginning(Struct, frozen=True, kw_only=True):
    """A recording that a host begins."""

    id: UUID
    session: SessionId
    brand: BrandId
    by: Caller
    most: int
    wait: timedelta


class Piece(Struct, frozen=True, kw_only=True):
    """A piece that a browser brings."""

    recording: UUID
    session: SessionId
    brand: BrandId
    by: Caller
    part: int
    number: int
    octets: int
    sha256: bytes
    most_octets: int
    most_pieces: int
    wait: timedelta


class Finish(Struct, frozen=True, kw_only=True):
    """The browser is done: `parts` is JSON, and says how many pieces each part has."""

    recording: UUID
    session: SessionId
    brand: BrandId
    by: Caller
    parts: str
    wait: timedelta


class KeptPiece(Struct, frozen=True):
    """A piece that the store has."""

    part: int
    number: int
    octets: int
    sha256: bytes


class Due(Struct, frozen=True):
    """A recording that has something to do. Times are the database's text.

    `lease` names this claim. `failures`: how often it was the recording's own fault that it was not joined;
    `missing`: how often pieces were not there.
    """

    brand: BrandId
    id: UUID
    call: UUID
    act: Act
    started_at: str
    ended_at: str
    failures: int
    missing: int
    lease: int


class Old(Struct, frozen=True):
    """A recording that has been ready since then. The time is the database's text."""

    brand: BrandId
    id: UUID
    settled_at: str


BEFORE_ALL: Final = Old(BrandId(""), UUID(int=0), "-infinity")


async def begin(db: Database, it: Beginning) -> str:
    """begun | not_found | forbidden | not_configured | not_recorded | invalid_status | too_many."""
    return await _how(db, BEGIN, it.brand, it.session, it.id, it.by.user, it.by.manages, it.most, it.wait)


async def may_keep(db: Database, it: Piece) -> str:
    """may | known | other | closed | too_much | forbidden | not_found."""
    return await _how(db, MAY_KEEP, *_said_of(it))


async def keep(db: Database, it: Piece) -> str:
    """first | kept, and whatever may_keep says but `may`."""
    return await _how(db, KEEP, *_said_of(it), it.wait)


def _said_of(it: Piece) -> Sequence[object]:
    whose = (it.brand, it.session, it.recording, it.by.user, it.by.manages)
    return [*whose, it.part, it.number, it.octets, it.sha256, it.most_octets, it.most_pieces]


async def finish(db: Database, it: Finish) -> str:
    """finished | closed | forbidden | not_found."""
    return await _how(db, FINISH, it.brand, it.session, it.recording, it.by.user, it.by.manages, it.parts, it.wait)


async def claim_any_brand(db: Database, *, most: int, lease: timedelta, wait: timedelta) -> list[Due]:
    """Recordings to do something with, which nobody else does it with during the lease."""
    rows = await db.rows(CLAIM_ANY_BRAND, most, lease, wait)
    return [Due(*row) for row in rows]


async def pieces(db: Database, brand: BrandId, recording: UUID) -> list[KeptPiece]:
    """All of them, in their order."""
    return [KeptPiece(*row) for row in await db.rows(PIECES, brand, recording)]


async def renew(db: Database, due: Due, *, lease: timedelta) -> None:
    """It takes longer."""
    await db.row(RENEW, due.brand, due.id, lease, due.lease)


async def put_off(db: Database, due: Due, *, is_failure: bool, is_missing: bool) -> None:
    """It did not work now: it is tried again, each time later, at most ten minutes later."""
    await db.row(PUT_OFF, due.brand, due.id, is_failure, is_missing, due.lease)


async def is_all(db: Database, due: Due, *, octets: int) -> bool:
    """Whether its pieces have so many octets still, and the lease is ours: each has one at least, and none is taken back."""
    return await db.row(IS_ALL, due.brand, due.id, due.lease, octets) is not None


async def settle(db: Database, due: Due, state: Literal["ready", "failed"], *, octets: int) -> bool:
    """What came of joining so many octets; answers whether that was all of them, and ours to say. If not it is due again."""
    row = await db.row(SETTLE, due.brand, due.id, due.lease, state, octets)
    return row is not None and bool(row["is_settled"])


async def swept(db: Database, due: Due) -> None:
    """Its pieces are gone: there is nothing left to do."""
    await db.row(FORGET_PIECES, due.brand, due.id)
    await db.row(SWEPT, due.brand, due.id, due.lease)


async def old_any_brand(db: Database, *, age: timedelta, after: Old, most: int) -> Sequence[Old]:
    """Recordings that have been ready for longer: the oldest first, and those that come after that one."""
    return [Old(*row) for row in await db.rows(OLD_ANY_BRAND, age, after.settled_at, after.brand, after.id, most)]


async def expire(db: Database, one: Old) -> None:
    """Nothing shows the recording any more."""
    await db.row(EXPIRE, one.brand, one.id)


async def _how(db: Database, sql: str, *arguments: object) -> str:
    row = await db.row(sql, *arguments)
    if row is None:
        raise AssertionError("a function of recordings always answers one row")
    return str(row["how"])
