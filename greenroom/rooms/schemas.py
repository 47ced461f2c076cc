"""The wire of the signalling: what a browser says, and what it is told. docs/room-signalling.md."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from greenroom.providers.protocol import CallRole
from greenroom.sessions.schemas import Kind

PROTOCOL = "greenroom.room.v1"

OutReason = Literal["removed", "ended", "full", "replaced", "not_joinable"]


class IceServer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A STUN or TURN server, as browsers take it (RTCIceServer)."""

    urls: Annotated[list[Annotated[str, Meta(pattern="^(stuns?|turns?):[^\\s]{1,300}$")]], Meta(min_length=1, max_length=10)]
    username: str | UnsetType = UNSET
    credential: str | UnsetType = UNSET


class Peer(Struct, frozen=True):
    """One browser in the room."""

    id: UUID
    user: str
    role: CallRole
    camera: bool
    microphone: bool
    screen: bool
    hand_raised_at: str | None


class Room(Struct, frozen=True):
    """The room. `is_open`: a host has come; before that everybody else waits. `most`: people, or the viewers of a `live`."""

    kind: Kind
    is_open: bool
    is_recorded: bool
    is_recording: bool
    most: int


class Welcome(Struct, frozen=True, tag="welcome"):
    """What who comes is told first. `resume` is a secret of this browser's, with which it goes on after a lost connection."""

    you: UUID
    resume: str
    role: CallRole
    room: Room
    peers: list[Peer]
    ice_servers: list[IceServer]


class RoomNews(Struct, frozen=True, tag="room"):
    """The room has changed."""

    room: Room


class PeerNews(Struct, frozen=True, tag="peer"):
    """Somebody has come, or has changed."""

    peer: Peer


class Gone(Struct, frozen=True, tag="gone"):
    """Somebody has left."""

    peer: UUID


class Relayed(Struct, frozen=True, tag="signal", rename={"sender": "from"}):
    """What another browser says to this one."""

    sender: UUID
    data: Raw


class Muted(Struct, frozen=True, tag="muted"):
    """A host has muted this browser."""


class Lowered(Struct, frozen=True, tag="lowered"):
    """A host has taken this browser's hand down: it is called."""


class Out(Struct, frozen=True, tag="out"):
    """It is over for this browser, and why."""

    reason: OutReason


class Signal(Struct, frozen=True, tag="signal"):
    """For another browser, as it is: a description, a candidate."""

    to: UUID
    data: Raw


class State(Struct, frozen=True, tag="state"):
    """What this browser sends."""

    camera: bool
    microphone: bool
    screen: bool


class Hand(Struct, frozen=True, tag="hand"):
    """Somebody wants to speak, or does so no longer."""

    raised: bool


class Leave(Struct, frozen=True, tag="leave"):
    """Somebody leaves, and will not come back as the same."""


class Lower(Struct, frozen=True, tag="lower"):
    """A host calls somebody."""

    peer: UUID


class Mute(Struct, frozen=True, tag="mute"):
    """A host mutes somebody."""

    peer: UUID


class Record(Struct, frozen=True, tag="record"):
    """A host's browser records, or does so no longer."""

    on: bool


Said = Signal | State | Hand | Leave | Lower | Mute | Record
