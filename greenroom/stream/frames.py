"""Frames: what is written to many connections at once, encoded once. Server-Sent Events (HTML standard, section 9.2). Pure."""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from greenroom.kit.clock import wire_text
from greenroom.kit.ids import SessionId
from greenroom.questions.kept import KeptQuestion, Viewer, as_question
from greenroom.registrations.schemas import Registration
from greenroom.stream.news import SEEN_BY_ALL, Window
from greenroom.stream.queries import SHOWN_OF_EACH, KeptState, Person, Standing, State
from greenroom.stream.schemas import Me, Pin, Presence, QuestionChange, SessionState, Snapshot, VoteCounts

Audience = Literal["everybody", "moderators"]
AUDIENCES: tuple[Audience, ...] = ("everybody", "moderators")

_encode = msgspec.json.Encoder().encode  # control characters are escaped: no line ends within the data


def event_of(name: str, data: Struct) -> bytes:
    """An event without its last, empty line."""
    return b"event: %b\ndata: %b\n" % (name.encode(), _encode(data))


def frame_of(events: Sequence[bytes], *, position: int) -> bytes:
    """Events for one write. The last alone names the position: who got half of them asks for all of them again."""
    return b"\n".join(events) + b"id: %d\n\n" % position


def chunk_of(octets: bytes) -> bytes:
    """A chunk of a body whose length nobody knows (RFC 9112, section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(octets), octets)


def may_see(audience: Audience, question: KeptQuestion) -> bool:
    """Whether all of an audience may see it now."""
    return audience == "moderators" or question.status in SEEN_BY_ALL


def snapshot_of(audience: Audience, session: SessionId, state: State, *, watching: int) -> bytes:
    """The event `snapshot`."""
    viewer = _viewer(audience, state)
    shown, has_more = [], False
    for status in ("approved", "answered", "pending"):
        of_status = [one for one in state.questions if one.status == status and may_see(audience, one)]
        has_more = has_more or len(of_status) > SHOWN_OF_EACH
        shown += of_status[:SHOWN_OF_EACH]
    pinned = state.session.pinned_question_id
    return event_of(
        "snapshot",
        Snapshot(
            session=session_state(session, state.session),
            questions=[as_question(one, viewer) for one in shown],
            has_more=has_more,
            pinned_question_id=None if pinned is None else str(pinned),
            watching=watching,
        ),
    )


def changes_of(audience: Audience, window: Window, state: State) -> Iterator[bytes]:
    """The events `question`, `votes` and `pin` of what has changed, as it is now and as the audience may see it."""
    viewer = _viewer(audience, state)
    known = {str(one.id): one for one in state.questions if may_see(audience, one)}
    new = window.asked if audience == "moderators" else window.appeared
    for name, one in known.items():
        if name in window.questions:
            change: Literal["added", "changed"] = "added" if name in new else "changed"
            yield event_of("question", QuestionChange(change, name, as_question(one, viewer)))
    for name in sorted(window.vanished - known.keys()):
        yield event_of("question", QuestionChange("removed", name, None))
    counts = {name: known[name].vote_count for name in sorted(window.voted_on - window.questions) if name in known}
    if counts:
        yield event_of("votes", VoteCounts(counts))
    if window.pin or window.vanished:
        pinned = state.session.pinned_question_id
        yield event_of("pin", Pin(None if pinned is None else str(pinned)))


def session_event(session: SessionId, kept: KeptState) -> bytes:
    """The event `session`."""
    return event_of("session", session_state(session, kept))


def presence_event(watching: int) -> bytes:
    """The event `presence`."""
    return event_of("presence", Presence(watching))


def me_event(person: Person, standing: Standing, *, is_moderator: bool) -> bytes:
    """The event `me`."""
    viewer = Viewer(person.user, is_moderator, hides_askers=True)
    seat = standing.seat
    registration = (
        None
        if seat is None
        else Registration(
            str(seat.id),
            str(person.session),
            person.user,
            seat.status,
            wire_text(seat.registered_at),
            None if seat.cancelled_at is None else wire_text(seat.cancelled_at),
        )
    )
    return event_of("me", Me(person.user, is_moderator, registration, [as_question(one, viewer) for one in standing.questions]))


def session_state(session: SessionId, kept: KeptState) -> SessionState:
    """The session as everybody sees it."""
    return SessionState(
        id=str(session),
        status=kept.status,
        title=kept.title,
        kind=kept.kind,
        scheduled_at=wire_text(kept.scheduled_at),
        started_at=None if kept.started_at is None else wire_text(kept.started_at),
        ended_at=None if kept.ended_at is None else wire_text(kept.ended_at),
        max_participants=kept.max_participants,
        registered_count=kept.registered_count,
    )


def _viewer(audience: Audience, state: State) -> Viewer:
    return Viewer(None, audience == "moderators", state.session.hides_askers)
