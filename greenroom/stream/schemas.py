"""The wire of the live stream: what each event's data says, and the ticket with which a browser opens it."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from greenroom.questions.schemas import IdField, Question
from greenroom.registrations.schemas import Registration
from greenroom.sessions.schemas import Kind, Status, WireTime

Watching = Annotated[int, Meta(ge=0, description="How many connections watch, in all processes, as of a few seconds ago.")]


class SessionState(Struct, frozen=True):
    """Event `session`: the session as everybody sees it."""

    id: IdField
    status: Status
    title: str
    kind: Kind
    scheduled_at: WireTime
    started_at: WireTime | None
    ended_at: WireTime | None
    max_participants: int
    registered_count: int


class Snapshot(Struct, frozen=True):
    """Event `snapshot`: all that one needs to begin with, or to begin anew: it takes the place of all that was told before.

    Questions are those with most votes, then those that were answered last; for moderators also those that wait longest.
    `has_more` says that the session has others, which the list of questions pages through.
    """

    session: SessionState
    questions: list[Question]
    has_more: bool
    pinned_question_id: str | None
    watching: Watching


class Me(Struct, frozen=True):
    """Event `me`: what concerns the person who watches alone. It takes the place of the one before."""

    user_id: str
    is_moderator: bool
    registration: Registration | None
    questions: Annotated[list[Question], Meta(description="One's own, in whatever status, the latest first; at most 20.")]


class QuestionChange(Struct, frozen=True):
    """Event `question`: one is to be shown, shown otherwise, or shown no longer; then `question` is null."""

    change: Literal["added", "changed", "removed"]
    question_id: IdField
    question: Question | None


class VoteCounts(Struct, frozen=True):
    """Event `votes`: counts that have changed, by the question's id."""

    counts: dict[str, int]


class Pin(Struct, frozen=True):
    """Event `pin`: the pinned question, or null."""

    question_id: IdField | None


class Presence(Struct, frozen=True):
    """Event `presence`: how many watch."""

    watching: Watching


class StreamTicket(Struct, frozen=True, kw_only=True):
    """With what a browser opens the stream, for it can send no token."""

    ticket: str
    url: Annotated[str, Meta(description="The stream's own, with the ticket in it: for EventSource.")]
    expires_at: WireTime
