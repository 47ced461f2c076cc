"""What LiveKit says of a call, in webhooks and in answers: rooms, participants and egresses as facts.

A room's sid is a span: there is a new one after everybody left. A room begins when it is made, and not when somebody comes,
so that when a span started is left to its connections.
"""

from datetime import datetime

from livekit.protocol.egress import EgressInfo, EgressStatus
from livekit.protocol.models import ParticipantInfo, Room
from livekit.protocol.webhook import WebhookEvent

from greenroom.providers.instants import of_milliseconds, of_nanoseconds, of_seconds
from greenroom.providers.protocol import Connection, Facts, Recording, RecordingState, Span

PEOPLE = frozenset({ParticipantInfo.Kind.STANDARD, ParticipantInfo.Kind.SIP})  # the others record, or are programs
GONE = frozenset({"participant_left", "participant_connection_aborted"})


def call_of(event: WebhookEvent) -> str | None:
    """Which call it concerns: a room is named as the call."""
    return event.room.name or event.egress_info.room_name or None


def facts_of(event: WebhookEvent, occurred_at: datetime) -> Facts:
    """What is known from now on. Nothing, for an event of a type that says nothing here."""
    match event.event:
        case "room_started":
            return Facts(spans=[Span(id=event.room.sid)] if event.room.sid else [])
        case "room_finished":
            return Facts(spans=[Span(id=event.room.sid, ended_at=occurred_at)] if event.room.sid else [])
        case "participant_joined" | "participant_left" | "participant_connection_aborted":
            left_at = occurred_at if event.event in GONE else None
            return Facts(connections=connections_of([event.participant], event.room, left_at=left_at))
        case "egress_started" | "egress_updated" | "egress_ended":
            return Facts(recordings=[recording_of(event.egress_info)] if event.egress_info.egress_id else [])
        case _:
            return Facts()


def connections_of(participants: list[ParticipantInfo], room: Room, *, left_at: datetime | None = None) -> list[Connection]:
    """The people's connections."""
    return [
        Connection(id=one.sid, user=one.identity, span=room.sid or None, joined_at=_joined_at(one), left_at=left_at)
        for one in participants
        if one.kind in PEOPLE and one.sid and one.identity
    ]


def recording_of(egress: EgressInfo) -> Recording:
    """An egress: of a file, since we ask for no other."""
    files = list(egress.file_results) or ([egress.file] if egress.HasField("file") else [])
    return Recording(
        id=egress.egress_id,
        state=_state_of(egress, has_file=bool(files)),
        span=egress.room_id or None,
        url=(files[0].location or None) if files else None,
        started_at=of_nanoseconds(egress.started_at),
        ended_at=of_nanoseconds(egress.ended_at),
    )


def _state_of(egress: EgressInfo, *, has_file: bool) -> RecordingState:
    if egress.status in {EgressStatus.EGRESS_STARTING, EgressStatus.EGRESS_ACTIVE, EgressStatus.EGRESS_ENDING}:
        return "processing"
    # An egress that ran into a limit has ended before the call, and has what it recorded until then.
    whole = egress.status in {EgressStatus.EGRESS_COMPLETE, EgressStatus.EGRESS_LIMIT_REACHED}
    return "ready" if whole and has_file else "failed"


def _joined_at(participant: ParticipantInfo) -> datetime | None:
    return of_milliseconds(participant.joined_at_ms) or of_seconds(participant.joined_at)
