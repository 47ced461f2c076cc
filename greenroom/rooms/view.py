"""Who is shown whom in a room, and what has changed for somebody: pure decisions over a room's rows."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from greenroom.providers.protocol import CallRole
from greenroom.rooms.queries import KeptPeer, KeptRoom
from greenroom.rooms.schemas import Peer, Room


def room_of(kept: KeptRoom, *, most_people: int, most_viewers: int) -> Room:
    """The room as its browsers are told of it."""
    return Room(
        kind=kept.kind,
        is_open=kept.is_open,
        is_recorded=kept.is_recorded,
        is_recording=kept.is_recording,
        most=most_viewers if kept.kind == "live" else most_people,
    )


def shown_to(kept: KeptRoom, peer: UUID, role: CallRole) -> Iterator[Peer]:
    """The others that this one connects to. Nobody while it waits in the lobby; in a `live`, no viewer is shown to a viewer."""
    if not (kept.is_open or role == "host"):
        return
    for one in kept.peers:
        if one.id != peer and (kept.kind == "office_hours" or "host" in {one.role, role}):
            yield _peer_of(one)


def changes(told: Mapping[UUID, Peer], now: Mapping[UUID, Peer]) -> tuple[list[Peer], list[UUID]]:
    """Those who are new or other than was told, and those who are gone."""
    return [one for peer, one in now.items() if told.get(peer) != one], [peer for peer in told if peer not in now]


def _peer_of(kept: KeptPeer) -> Peer:
    return Peer(
        id=kept.id,
        user=kept.user,
        role=kept.role,
        camera=kept.camera,
        microphone=kept.microphone,
        screen=kept.screen,
        hand_raised_at=kept.hand_raised_at,
    )
