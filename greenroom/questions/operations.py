"""What the operations of questions say of themselves in the OpenAPI document. Source: contract, /v1/sessions/{id}/questions."""

from typing import Any

from greenroom.identity.scopes import READ_LIVE, WRITE_LIVE
from greenroom.kit.errors import (
    AtCapacity,
    Conflict,
    IdempotencyKeyPayloadMismatch,
    InvalidStatus,
    NotFound,
    NotJoinable,
    PayloadTooLarge,
    ValidationFailed,
)
from greenroom.kit.http.operation import AnswerShape, Link, Operation, Parameter
from greenroom.questions.schemas import (
    ListedQuestion,
    Question,
    QuestionFilters,
    QuestionList,
    QuestionPatch,
    QuestionRequest,
    Vote,
)
from greenroom.sessions.operations import BRAND, ID, IDEMPOTENCY_KEY, NEXT, REPLAYED, SESSION_EXAMPLE

TAG = "questions"

QUESTION_ID = Parameter(
    name="question_id",
    location="path",
    description="The question's id: a UUID in its canonical form, in any case. Anything else is a 404.",
    schema={"type": "string"},
    example="0199c8a0-6e21-7b55-9d8f-1e7a3c0b2d44",
)

QUESTION_EXAMPLE: dict[str, Any] = {
    "id": QUESTION_ID.example,
    "session_id": SESSION_EXAMPLE["id"],
    "asker_user_id": "participant_1",
    "body": "How long should one rest between two sets?",
    "status": "pending",
    "vote_count": 0,
    "asked_at": "2026-12-01T17:05:00.000Z",
    "moderated_at": None,
    "moderator_user_id": None,
}
MODERATED_EXAMPLE: dict[str, Any] = {
    **QUESTION_EXAMPLE,
    "status": "approved",
    "moderated_at": "2026-12-01T17:05:20.000Z",
    "moderator_user_id": "host_1",
    "is_pinned": False,
    "has_voted": False,
}
LISTED_EXAMPLE: dict[str, Any] = {
    **MODERATED_EXAMPLE,
    "asker_user_id": "anonymous",
    "moderator_user_id": None,
    "vote_count": 12,
    "has_voted": True,
}
PINNED_EXAMPLE: dict[str, Any] = {**MODERATED_EXAMPLE, "is_pinned": True}
VOTE_EXAMPLE: dict[str, Any] = {"question_id": QUESTION_ID.example, "vote_count": 13, "has_voted": True}


def _question_at(pointer: str) -> tuple[Link, ...]:
    """What can be asked next of the question that stands there in an answer's body."""
    return Link(parameter=ID, pointer=f"{pointer}/session_id"), Link(parameter=QUESTION_ID, pointer=f"{pointer}/id")


def _listed(description: str, example: dict[str, Any], *, headers: dict[str, str] | None = None) -> dict[int, AnswerShape]:
    return {200: AnswerShape(description=description, schema=ListedQuestion, example=example, headers=headers or {})}


ASK = Operation(
    id="askQuestion",
    at="POST /v1/sessions/{id}/questions",
    summary="Submit a question to a live session",
    tag=TAG,
    scope=WRITE_LIVE,
    limit="writes",
    parameters=(ID, BRAND, IDEMPOTENCY_KEY),
    body=QuestionRequest,
    body_example={"body": QUESTION_EXAMPLE["body"]},
    answers={
        201: AnswerShape(
            description="Question submitted",
            schema=Question,
            example=QUESTION_EXAMPLE,
            headers=REPLAYED,
            links=_question_at(""),
        )
    },
    raises=(NotFound, Conflict, IdempotencyKeyPayloadMismatch, InvalidStatus, NotJoinable, AtCapacity),
)

LIST = Operation(
    id="listQuestions",
    at="GET /v1/sessions/{id}/questions",
    summary="The questions that one may see, and one's own vote in each",
    tag=TAG,
    scope=READ_LIVE,
    parameters=(ID, BRAND),
    query=QuestionFilters,
    answers={
        200: AnswerShape(
            description="A page of questions",
            schema=QuestionList,
            example={"questions": [LISTED_EXAMPLE], "next_cursor": None},
            headers=NEXT,
            links=_question_at("/questions/0"),
        )
    },
    raises=(NotFound,),
)

MODERATE = Operation(
    id="moderateQuestion",
    at="PATCH /v1/sessions/{id}/questions/{question_id}",
    summary="Let a question through, dismiss it, or call it answered; who asked may take back what is pending",
    tag=TAG,
    scope=WRITE_LIVE,
    limit="writes",
    parameters=(ID, QUESTION_ID, BRAND),
    body=QuestionPatch,
    body_example={"status": "approved"},
    answers=_listed("The question as it is now", MODERATED_EXAMPLE),
    raises=(NotFound, InvalidStatus),
)

VOTE = Operation(
    id="voteForQuestion",
    at="PUT /v1/sessions/{id}/questions/{question_id}/vote",
    summary="Give one's vote",
    tag=TAG,
    scope=WRITE_LIVE,
    limit="writes",
    parameters=(ID, QUESTION_ID, BRAND),
    answers={200: AnswerShape(description="The vote counts, now or since before", schema=Vote, example=VOTE_EXAMPLE)},
    raises=(NotFound, InvalidStatus, NotJoinable, AtCapacity),
)

TAKE_VOTE_BACK = Operation(
    id="takeVoteBack",
    at="DELETE /v1/sessions/{id}/questions/{question_id}/vote",
    summary="Take one's vote back",
    tag=TAG,
    scope=WRITE_LIVE,
    limit="writes",
    parameters=(ID, QUESTION_ID, BRAND),
    answers={
        200: AnswerShape(
            description="The vote counts no longer, or never did",
            schema=Vote,
            example={**VOTE_EXAMPLE, "vote_count": 12, "has_voted": False},
        )
    },
    raises=(NotFound, InvalidStatus, NotJoinable, AtCapacity),
)

PIN = Operation(
    id="pinQuestion",
    at="POST /v1/sessions/{id}/questions/{question_id}/pin",
    summary="Pin a question, in the place of any other",
    tag=TAG,
    scope=WRITE_LIVE,
    limit="writes",
    parameters=(ID, QUESTION_ID, BRAND, IDEMPOTENCY_KEY),
    answers=_listed("The pinned question", PINNED_EXAMPLE, headers=REPLAYED),
    raises=(ValidationFailed, NotFound, Conflict, IdempotencyKeyPayloadMismatch, PayloadTooLarge, InvalidStatus),
)

UNPIN = Operation(
    id="unpinQuestion",
    at="DELETE /v1/sessions/{id}/questions/{question_id}/pin",
    summary="Take a pinned question down",
    tag=TAG,
    scope=WRITE_LIVE,
    limit="writes",
    parameters=(ID, QUESTION_ID, BRAND),
    answers=_listed("The question, pinned no longer", MODERATED_EXAMPLE),
    raises=(NotFound, InvalidStatus),
)
