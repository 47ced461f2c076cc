"""What rooms tell the inbox: who came and who left, as any provider of video tells it. docs/decisions/0025."""

from datetime import datetime
from uuid import UUID

from greenroom.providers.protocol import Connection, Facts, ProviderEvent, Span
from greenroom.rooms.queries import Came, Left


def coming(call: UUID, came: Came) -> ProviderEvent:
    """Somebody came, perhaps as the first of a sitting."""
    joined_at = datetime.fromisoformat(came.joined_at)
    spans = [] if came.began_span is None else [Span(id=came.began_span, started_at=joined_at)]
    stay = Connection(id=came.id, user=came.user, span=came.span, joined_at=joined_at)
    facts = Facts(spans=spans, connections=[stay])
    return _event(f"{came.id}:joined", "room.participant_joined", call, joined_at, facts)


def leaving(call: UUID, left: Left) -> list[ProviderEvent]:
    """Those who left, the last of whom may have ended a sitting."""
    events = []
    for number, stay in enumerate(left.connections, start=1):
        left_at = stay.left_at
        if left_at is None:
            raise AssertionError("a stay that has ended has an end")
        ends = left.ended_span is not None and number == len(left.connections)
        spans = [Span(id=left.ended_span or "", ended_at=left_at)] if ends else []
        facts = Facts(spans=spans, connections=[stay])
        events.append(_event(f"{stay.id}:left", "room.participant_left", call, left_at, facts))
    return events


def _event(id: str, type: str, call: UUID, occurred_at: datetime, facts: Facts) -> ProviderEvent:
    return ProviderEvent(id=id, type=type, call=str(call), occurred_at=occurred_at, facts=facts)
