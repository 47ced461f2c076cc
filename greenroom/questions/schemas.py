"""The wire of questions. Source: contract, /v1/sessions/{id}/questions."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from greenroom.sessions.schemas import Cursor, Limit, WireTime, said

QuestionStatus = Literal["pending", "approved", "dismissed", "answered"]
Sort = Literal["top", "new"]

BODY_CHARACTERS = 400  # code points
ANONYMOUS = "anonymous"

Body = Annotated[
    str,
    Meta(min_length=1, max_length=BODY_CHARACTERS, description=f"a string of 1 to {BODY_CHARACTERS} characters without NUL"),
]
IdField = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
StatusField = Annotated[QuestionStatus, Meta(description="pending, approved, dismissed or answered")]
SortField = Annotated[Sort, Meta(description="top or new")]
Votes = Annotated[int, Meta(ge=0)]
Asker = Annotated[str, Meta(description=f"`{ANONYMOUS}` where the session hides who asks from other participants.")]
Moderator = Annotated[str | None, Meta(description="Who moderated it last; null also for who does not moderate.")]


class QuestionRequest(Struct, frozen=True, kw_only=True):
    """What to ask."""

    body: Body


class QuestionPatch(Struct, frozen=True, kw_only=True):
    """What becomes of a question. A field that is absent stays as it is."""

    status: StatusField | UnsetType = UNSET


class Question(Struct, frozen=True, gc=False):
    """A question as one person sees it."""

    id: IdField
    session_id: IdField
    asker_user_id: Asker
    body: str
    status: QuestionStatus
    vote_count: Votes
    asked_at: WireTime
    moderated_at: WireTime | None
    moderator_user_id: Moderator


class ListedQuestion(Question, frozen=True, gc=False):
    """A question with what the list adds: whether it is the pinned one, and the caller's own vote."""

    is_pinned: bool
    has_voted: bool


class QuestionList(Struct, frozen=True):
    """A page of a session's questions; `next_cursor` begins the next one, and is null on the last."""

    questions: list[ListedQuestion]
    next_cursor: str | None


class Vote(Struct, frozen=True, gc=False):
    """A question's votes after the caller's own was given or taken back."""

    question_id: IdField
    vote_count: Votes
    has_voted: bool


class QuestionFilters(Struct, frozen=True, kw_only=True):
    """Which questions to list, and in which order."""

    status: Annotated[StatusField, said("Of this status; for the session's moderators alone.")] | UnsetType = UNSET
    sort: (
        Annotated[SortField, said("top (when absent): most votes first, of equals those asked first. new: asked last first.")]
        | UnsetType
    ) = UNSET
    cursor: (
        Annotated[Cursor, said("The next_cursor of the page before; status and sort must be those of that page.")] | UnsetType
    ) = UNSET
    limit: (
        Annotated[Limit, said("How many questions a page may have: 20 when absent, 100 when larger than that.")] | UnsetType
    ) = UNSET
