"""A question as its row says, and that row as each who may see it is shown it."""

from uuid import UUID

from msgspec import Struct

from greenroom.kit.clock import wire_text
from greenroom.questions.schemas import ANONYMOUS, ListedQuestion, Question, QuestionStatus


class KeptQuestion(Struct, frozen=True, gc=False):
    """A question as its row says, and as the caller stands to it. Times are the database's text."""

    id: UUID
    session_id: UUID
    asker_user_id: str
    body: str
    status: QuestionStatus
    vote_count: int
    position: int
    asked_at: str
    moderated_at: str | None
    moderator_user_id: str | None
    is_pinned: bool
    has_voted: bool


class Viewer(Struct, frozen=True):
    """Who looks: a moderator sees all of a question, a participant who asked it only where the session shows that.

    `user` is None for everybody at once, of whom nobody is the one who asked.
    """

    user: str | None
    is_moderator: bool
    hides_askers: bool


def as_question(kept: KeptQuestion, viewer: Viewer) -> Question:
    """The row as the contract shows it."""
    return Question(*_shown(kept, viewer))


def as_listed(kept: KeptQuestion, viewer: Viewer) -> ListedQuestion:
    """The row as the list shows it."""
    return ListedQuestion(*_shown(kept, viewer), kept.is_pinned, kept.has_voted)


def _shown(kept: KeptQuestion, viewer: Viewer) -> tuple[str, str, str, str, QuestionStatus, int, str, str | None, str | None]:
    hidden = viewer.hides_askers and not viewer.is_moderator and viewer.user != kept.asker_user_id
    return (
        str(kept.id),
        str(kept.session_id),
        ANONYMOUS if hidden else kept.asker_user_id,
        kept.body,
        kept.status,
        kept.vote_count,
        wire_text(kept.asked_at),
        None if kept.moderated_at is None else wire_text(kept.moderated_at),
        kept.moderator_user_id if viewer.is_moderator else None,
    )
