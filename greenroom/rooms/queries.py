"""The SQL of rooms: one round trip per operation. The functions are in migrations/0019_rooms.sql."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

import msgspec
from msgspec import Struct

from greenroom.kit.database import Database
from greenroom.kit.ids import BrandId, UserId
from greenroom.providers.protocol import CallRole, Connection, Span
from greenroom.sessions.schemas import Kind

MOST_DEVICES = 3  # of one person in a room

ENTER_ANY_BRAND = "select * from enter_room_any_brand_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"

SET_PEER = "select set_room_peer_v1($1, $2, $3, $4, $5, $6, $7, $8) as room"

RECORD = "select record_room_v1($1, $2, $3, $4, $5) as room"

LOSE = "select lose_room_peer_v1($1, $2, $3, $4)"

LEAVE = "select * from leave_room_as_v1($1, $2, $3, $4)"

ROOM = "select room_v1($1, $2) as room"

# To whichever process has the peer's connection, or had it last.
SEND = """
insert into room_mail (process_id, brand_id, call_id, peer_id, body)
select p.process_id, p.brand_id, p.call_id, p.id, a.body
from unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[]) with ordinality as a (brand_id, call_id, peer_id, body, place)
join room_peers p on p.brand_id = a.brand_id and p.call_id = a.call_id and p.id = a.peer_id
where p.left_at is null order by a.place
"""

# What follows is the program's own work, which crosses brands.

CLEAR_ANY_BRAND = "select clear_room_any_brand_v1($1, $2) as gone"

TAKE_MAIL_ANY_BRAND = "select brand_id, call_id, peer_id, body from take_room_mail_any_brand_v1($1, $2)"

ALIVE_ANY_BRAND = "select call_id, version from room_process_any_brand_v1($1, $2, $3)"

SWEEP_ANY_BRAND = "select call_id, gone from sweep_rooms_any_brand_v1($1, $2)"

STATE_ANY_BRAND = "select room_state_any_brand_v1($1) as state"

FORGET_ANY_BRAND = "select forget_room_processes_any_brand_v1($1)"


class KeptPeer(Struct, frozen=True):
    """Somebody who is in the room, and the process that has their connection."""

    id: UUID
    user: str
    role: CallRole
    process: UUID
    camera: bool
    microphone: bool
    screen: bool
    hand_raised_at: str | None


class KeptRoom(Struct, frozen=True):
    """A room as its rows say. `version` rises with every change."""

    brand: BrandId
    call: UUID
    version: int
    kind: Kind
    is_open: bool
    is_recorded: bool
    is_recording: bool
    is_closed: bool
    peers: list[KeptPeer]


class Came(Struct, frozen=True):
    """A stay that has begun, and the sitting that began with it."""

    id: str
    user: str
    span: str
    joined_at: str
    began_span: str | None


class Left(Struct, frozen=True):
    """Stays that have ended, and the sitting that ended with them."""

    connections: list[Connection]
    ended_span: str | None


class RoomState(Struct, frozen=True):
    """Who was there and who is; `span` is the sitting that goes on."""

    span: str | None
    connections: list[Connection]
    spans: list[Span]


class Entering(Struct, frozen=True, kw_only=True):
    """Somebody who wants in. `resumed`, `replaced`: the hash of the secret of a stay that was lost, or is given up for this."""

    call: UUID
    id: UUID
    user: UserId
    role: CallRole
    secret_hash: bytes
    resumed: bytes | None
    replaced: bytes | None
    most_people: int
    most_viewers: int


class Entered(Struct, frozen=True):
    """entered | resumed | not_joinable | removed | full."""

    how: str
    room: KeptRoom | None
    peer: UUID | None
    came: Came | None
    gone: Left | None


class Change(Struct, frozen=True, kw_only=True):
    """What is new of a peer; None: as it was."""

    camera: bool | None = None
    microphone: bool | None = None
    screen: bool | None = None
    hand: bool | None = None


class Mail(Struct, frozen=True):
    """For a peer of this process; without one, word that the room has changed."""

    brand: BrandId
    call: UUID
    peer: UUID | None
    body: str | None


class Letter(Struct, frozen=True):
    """What a peer that another process has is to be told."""

    brand: BrandId
    call: UUID
    peer: UUID
    body: str


_room_in = msgspec.json.Decoder(KeptRoom).decode
_came_in = msgspec.json.Decoder(Came).decode
_left_in = msgspec.json.Decoder(Left).decode
_state_in = msgspec.json.Decoder(RoomState).decode


async def enter_any_brand(db: Database, it: Entering, process: UUID) -> Entered:
    """Let somebody in. Raises Unavailable."""
    row = await db.row(
        ENTER_ANY_BRAND, it.call, it.id, it.user, it.role, it.secret_hash, process, it.resumed, it.replaced, it.most_people,
        it.most_viewers, MOST_DEVICES,
    )  # fmt: skip
    if row is None:
        raise AssertionError("a function of rooms always answers one row")
    return Entered(row["outcome"], _room(row["room"]), row["peer"], _came(row["came"]), _left(row["gone"]))


async def set_peer(db: Database, room: KeptRoom, peer: UUID, it: Change, process: UUID) -> KeptRoom | None:
    """The room with what is new; None where the peer has left. Raises Unavailable."""
    row = await db.row(SET_PEER, room.brand, room.call, peer, process, it.camera, it.microphone, it.screen, it.hand)
    return None if row is None else _room(row["room"])


async def record(db: Database, room: KeptRoom, peer: UUID, process: UUID, *, on: bool) -> KeptRoom | None:
    """The room, recorded by this peer, or by nobody any more. Raises Unavailable."""
    row = await db.row(RECORD, room.brand, room.call, peer, process, on)
    return None if row is None else _room(row["room"])


async def lose(db: Database, room: KeptRoom, peer: UUID, process: UUID) -> None:
    """Its connection broke, unless another process has it by now. Raises Unavailable."""
    await db.rows(LOSE, room.brand, room.call, peer, process)


async def leave(db: Database, room: KeptRoom, peer: UUID, process: UUID) -> tuple[KeptRoom | None, Left | None]:
    """Somebody has said that they leave. Raises Unavailable."""
    row = await db.row(LEAVE, room.brand, room.call, peer, process)
    return (None, None) if row is None else (_room(row["room"]), _left(row["gone"]))


async def get(db: Database, brand: BrandId, call: UUID) -> KeptRoom | None:
    """The room. Raises Unavailable."""
    row = await db.row(ROOM, brand, call)
    return None if row is None else _room(row["room"])


async def send(db: Database, letters: Sequence[Letter]) -> None:
    """Have other processes tell their peers. Raises Unavailable."""
    columns = zip(*((it.brand, it.call, it.peer, it.body) for it in letters), strict=True)
    await db.rows(SEND, *columns)


async def clear_any_brand(db: Database, call: UUID, user: UserId | None) -> Left | None:
    """Put somebody out, or everybody and for good. Raises Unavailable."""
    row = await db.row(CLEAR_ANY_BRAND, call, user)
    return None if row is None else _left(row["gone"])


async def take_mail_any_brand(db: Database, process: UUID, *, most: int) -> list[Mail]:
    """The process's mail, oldest first. Raises Unavailable."""
    return [Mail(*row) for row in await db.rows(TAKE_MAIL_ANY_BRAND, process, most)]


async def alive_any_brand(db: Database, process: UUID, calls: Collection[UUID], peers: Collection[UUID]) -> dict[UUID, int]:
    """Say that the process is alive, and whom it has; answers the versions of these rooms. Raises Unavailable."""
    return {row["call_id"]: row["version"] for row in await db.rows(ALIVE_ANY_BRAND, process, list(calls), list(peers))}


async def sweep_any_brand(db: Database, *, patience: timedelta, most: int) -> list[tuple[UUID, Left]]:
    """Who has been without a connection for so long has left. Raises Unavailable."""
    return [(row["call_id"], _left_in(row["gone"])) for row in await db.rows(SWEEP_ANY_BRAND, patience, most)]


async def state_any_brand(db: Database, call: UUID) -> RoomState | None:
    """Who was there and who is; None where nobody ever was. Raises Unavailable."""
    row = await db.row(STATE_ANY_BRAND, call)
    return None if row is None or row["state"] is None else _state_in(row["state"])


async def forget_any_brand(db: Database, *, age: timedelta) -> None:
    """Forget processes that are gone, and their mail. Raises Unavailable."""
    await db.rows(FORGET_ANY_BRAND, age)


def _room(text: str | None) -> KeptRoom | None:
    return None if text is None else _room_in(text)


def _came(text: str | None) -> Came | None:
    return None if text is None else _came_in(text)


def _left(text: str | None) -> Left | None:
    return None if text is None else _left_in(text)
