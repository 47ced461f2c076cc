"""An event as it is told: to the world outside, and with its position to an operator."""

import msgspec
from msgspec import Struct

from greenroom.events.queries import ToldEvent
from greenroom.kit.clock import wire_text
from greenroom.kit.recording_links import told_in

_encode = msgspec.json.Encoder().encode


class Envelope(Struct, frozen=True, gc=False):
    """As everybody is told. Source: DESIGN section 5."""

    id: str
    name: str
    occurred_at: str
    brand_id: str
    payload: msgspec.Raw


class Line(Envelope, frozen=True, gc=False):
    """As the command line shows it."""

    position: int


def enveloped(event: ToldEvent) -> bytes:
    """The event's JSON."""
    return _encode(Envelope(*_fields(event)))


def as_line(event: ToldEvent) -> str:
    """The event's JSON with its position."""
    return _encode(Line(*_fields(event), event.position)).decode()


def _fields(event: ToldEvent) -> tuple[str, str, str, str, msgspec.Raw]:
    return (
        str(event.id),
        event.name,
        wire_text(event.occurred_at),
        event.brand_id,
        msgspec.Raw(told_in(event.name, event.payload).encode()),
    )
