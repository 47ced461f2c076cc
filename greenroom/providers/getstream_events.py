"""What GetStream's webhooks say of a call, read out of their JSON: names, pictures and whatever else they carry stay behind.

The package has classes for them, which refuse an event that lacks one field, and times in RFC 3339, as webhooks write them.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from greenroom.providers import user_ids
from greenroom.providers.instants import of_wire
from greenroom.providers.protocol import BadWebhookError, Connection, Facts, Recording, Span

JsonObject = dict[str, Any]

_decode = msgspec.json.Decoder().decode


def event_of(body: bytes) -> JsonObject:
    """The event's JSON object, with a `type`. Raises BadWebhookError."""
    try:
        told = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadWebhookError("The webhook is no JSON.") from None
    if not isinstance(told, dict) or not _text(told, "type"):
        raise BadWebhookError("The webhook is no event with a type.")
    return told


def call_of(event: JsonObject) -> str | None:
    """Which call it concerns: the id in `<type>:<id>`."""
    return _text(event, "call_cid").partition(":")[2] or None


def facts_of(event: JsonObject, occurred_at: datetime) -> Facts:
    """What is known from now on. Nothing, for an event of a type that says nothing here."""
    read = _READERS.get(event["type"])
    return Facts() if read is None else read(event, occurred_at)


def recording_id(span: str, filename: str) -> str:
    """How a finished recording is called here: GetStream gives it a file's name within a session."""
    return f"{span}/{filename}"


def _span_started(event: JsonObject, occurred_at: datetime) -> Facts:
    span = _text(event, "session_id")
    started_at = of_wire(_session_in(event, span).get("started_at")) or occurred_at
    return Facts(spans=[Span(id=span, started_at=started_at)] if span else [])


def _span_ended(event: JsonObject, occurred_at: datetime) -> Facts:
    """The end of a session; of a call, which names the session in the call alone."""
    call = _object(event, "call")
    span = _text(event, "session_id") or _text(_object(call, "session"), "id") or _text(call, "current_session_id")
    session = _session_in(event, span)
    ended_at = of_wire(session.get("ended_at")) or occurred_at
    return Facts(spans=[Span(id=span, started_at=of_wire(session.get("started_at")), ended_at=ended_at)] if span else [])


def _joined(event: JsonObject, occurred_at: datetime) -> Facts:
    return _connection(event, joined_at=_joined_at(event) or occurred_at, left_at=None)


def _left(event: JsonObject, occurred_at: datetime) -> Facts:
    stayed = event.get("duration_seconds")
    joined_at = _joined_at(event)
    if joined_at is None and isinstance(stayed, int) and 0 < stayed < timedelta(days=365).total_seconds():
        joined_at = occurred_at - timedelta(seconds=stayed)
    return _connection(event, joined_at=joined_at, left_at=occurred_at)


def _connection(event: JsonObject, *, joined_at: datetime | None, left_at: datetime | None) -> Facts:
    participant = _object(event, "participant")
    connection, user = _text(participant, "user_session_id"), _text(_object(participant, "user"), "id")
    if not connection or not user:
        return Facts()
    span = _text(event, "session_id") or None
    stay = Connection(id=connection, user=user_ids.decode(user), span=span, joined_at=joined_at, left_at=left_at)
    return Facts(connections=[stay])


def _recording_started(event: JsonObject, occurred_at: datetime) -> Facts:
    egress = _text(event, "egress_id")
    return Facts(recordings=[Recording(id=egress, state="processing", started_at=occurred_at)] if egress else [])


def _recording_stopped(event: JsonObject, occurred_at: datetime) -> Facts:
    egress = _text(event, "egress_id")
    return Facts(recordings=[Recording(id=egress, state="processing", ended_at=occurred_at)] if egress else [])


def _recording_failed(event: JsonObject, _occurred_at: datetime) -> Facts:
    egress = _text(event, "egress_id")
    return Facts(recordings=[Recording(id=egress, state="failed")] if egress else [])


def _recording_ready(event: JsonObject, _occurred_at: datetime) -> Facts:
    """The file; and that what was announced as an egress is of its span, which no earlier event could tell."""
    told = _object(event, "call_recording")
    span, filename = _text(told, "session_id"), _text(told, "filename")
    if not span or not filename:
        return Facts()
    ready = Recording(
        id=recording_id(span, filename),
        state="ready",
        span=span,
        url=_text(told, "url") or None,
        started_at=of_wire(told.get("start_time")),
        ended_at=of_wire(told.get("end_time")),
    )
    egress = _text(event, "egress_id")
    return Facts(recordings=[ready, *([Recording(id=egress, state="processing", span=span)] if egress else [])])


_READERS: dict[str, Callable[[JsonObject, datetime], Facts]] = {
    "call.session_started": _span_started,
    "call.session_ended": _span_ended,
    "call.ended": _span_ended,
    "call.session_participant_joined": _joined,
    "call.session_participant_left": _left,
    "call.recording_started": _recording_started,
    "call.recording_stopped": _recording_stopped,
    "call.recording_failed": _recording_failed,
    "call.recording_ready": _recording_ready,
}


def _joined_at(event: JsonObject) -> datetime | None:
    return of_wire(_object(event, "participant").get("joined_at"))


def _session_in(event: JsonObject, span: str) -> JsonObject:
    """The session as the event's call has it; not one that began since."""
    session = _object(_object(event, "call"), "session")
    return session if _text(session, "id") == span else {}


def _object(told: JsonObject, name: str) -> JsonObject:
    value = told.get(name)
    return value if isinstance(value, dict) else {}


def _text(told: JsonObject, name: str) -> str:
    value = told.get(name)
    return value if isinstance(value, str) else ""
