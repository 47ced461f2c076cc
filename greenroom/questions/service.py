"""The operations of questions: pure decisions around one call of queries."""

from collections.abc import Hashable, Sequence
from uuid import UUID

from msgspec import Struct

from greenroom.identity.caller import Caller
from greenroom.kit.database import Database
from greenroom.kit.errors import AtCapacity, Forbidden, InvalidStatus, NotFound, NotJoinable
from greenroom.kit.idempotency import IdempotencyKey
from greenroom.kit.ids import BrandId, RequestId, SessionId, new_id, parse_id
from greenroom.kit.lane import Lanes
from greenroom.kit.pagination import Cursors
from greenroom.kit.wire import sent
from greenroom.questions import queries
from greenroom.questions.kept import KeptQuestion, Viewer, as_listed, as_question
from greenroom.questions.queries import Act, Asking, Counted, Outcome, Voting
from greenroom.questions.schemas import ListedQuestion, Question, QuestionPatch, QuestionRequest, Vote
from greenroom.session_settings.service import MOST_OPEN_QUESTIONS
from greenroom.sessions.service import brand_of, known_id_in, refuse_unless_done

HotRow = tuple[BrandId, SessionId]


class Asked(Struct, frozen=True):
    """A question, and whether the answer is one that was given before."""

    question: Question
    replayed: bool


class Shown(Struct, frozen=True):
    """A question as the list shows it, and whether the answer is one that was given before."""

    question: ListedQuestion
    replayed: bool


class Questions:
    """Questions for all requests of a process: the votes of one session share transactions."""

    def __init__(self, db: Database, cursors: Cursors) -> None:
        self.db = db
        self.cursors = cursors
        self.lanes: Lanes[HotRow, Voting, Counted] = Lanes(self._carry, kind=type, claims=_vote_of)

    async def _carry(self, row: HotRow, them: Sequence[Voting]) -> Sequence[Counted]:
        """One transaction; asked again, it does nothing twice: see vote_v1."""
        return await queries.vote(self.db, *row, new_id(), them)


async def ask(
    there: Questions,
    caller: Caller,
    session_id: str,
    wanted: QuestionRequest,
    *,
    request_id: RequestId,
    key: IdempotencyKey | None,
) -> Asked:
    """Ask a question, which moderators see first where the session is moderated.

    Raises NotFound, Forbidden, InvalidStatus, NotJoinable, AtCapacity, Conflict, IdempotencyKeyPayloadMismatch.
    """
    known_id = known_id_in(session_id)
    asking = Asking(
        id=new_id(),
        session=known_id,
        brand=await brand_of(there.db, caller, known_id),
        body=wanted.body,
        most=MOST_OPEN_QUESTIONS,
        by=caller,
        request_id=request_id,
        event_id=new_id(),
        key=key,
    )
    outcome = await queries.ask(there.db, asking)
    return Asked(as_question(question_in(outcome), _oneself(caller, outcome)), outcome.how == "replayed")


async def moderate(
    there: Questions, caller: Caller, session_id: str, question_id: str, patch: QuestionPatch, *, request_id: RequestId
) -> ListedQuestion:
    """Let a question through, dismiss it or call it answered; the asker may take back what is still pending.

    Raises NotFound, Forbidden, InvalidStatus.
    """
    act = await _act(there, caller, session_id, question_id, request_id=request_id)
    outcome = await queries.moderate(there.db, act, sent(patch.status))
    return as_listed(question_in(outcome), _oneself(caller, outcome))


async def pin(
    there: Questions,
    caller: Caller,
    session_id: str,
    question_id: str,
    *,
    pins: bool,
    request_id: RequestId,
    key: IdempotencyKey | None = None,
) -> Shown:
    """Pin a question in the place of any other, or take it down. Twice is once.

    Raises NotFound, Forbidden, InvalidStatus, Conflict, IdempotencyKeyPayloadMismatch.
    """
    act = await _act(there, caller, session_id, question_id, request_id=request_id)
    outcome = await queries.pin(there.db, act, pins=pins, key=key)
    return Shown(as_listed(question_in(outcome), _oneself(caller, outcome)), outcome.how == "replayed")


async def vote(there: Questions, caller: Caller, session_id: str, question_id: str, *, wants: bool) -> Vote:
    """Give the caller's one vote, or take it back. Twice is once.

    Raises NotFound, Forbidden, InvalidStatus, NotJoinable, AtCapacity, Unavailable.
    """
    known_id, question = known_id_in(session_id), _question_id_in(question_id)
    row = (await brand_of(there.db, caller, known_id), known_id)
    voting = Voting(question=question, user=caller.user, manages=caller.manages, wants=wants)
    counted = await there.lanes.send(row, voting)
    refuse_unless_may(counted.how)
    if counted.votes is None:
        raise AssertionError(f"{counted.how} comes with a count")
    return Vote(str(question), counted.votes, wants)


def question_in(outcome: Outcome) -> KeptQuestion:
    """The question, or the error that the outcome is."""
    refuse_unless_may(outcome.how)
    if outcome.question is None:
        raise AssertionError(f"{outcome.how} comes with a question")
    return outcome.question


def refuse_unless_may(how: str) -> None:
    """Raises the error that the outcome is, for one that is no success."""
    match how:
        case "no_question":
            raise NotFound("There is no such question.")
        case "not_moderator":
            raise Forbidden(
                "Only the session's host, a co-host or manage:live may do this; who asked may dismiss what is pending."
            )
        case "barred":
            raise Forbidden("A host has removed you from this session.")
        case "question_status":
            raise InvalidStatus("The question's status does not allow this.")
        case "no_seat":
            raise NotJoinable("You have no seat, and the session has not begun.")
        case "at_capacity":
            raise AtCapacity
        case "too_many":
            raise AtCapacity("You have as many open questions as one person may have in this session.")
    refuse_unless_done(how)


async def _act(there: Questions, caller: Caller, session_id: str, question_id: str, *, request_id: RequestId) -> Act:
    known_id, question = known_id_in(session_id), _question_id_in(question_id)
    return Act(
        session=known_id,
        brand=await brand_of(there.db, caller, known_id),
        question=question,
        by=caller,
        request_id=request_id,
        event_id=new_id(),
        unpinned_event_id=new_id(),
    )


def _oneself(caller: Caller, outcome: Outcome) -> Viewer:
    """A moderator, or who asked the question: neither is kept from seeing who did."""
    return Viewer(caller.user, outcome.is_moderator, hides_askers=True)


def _question_id_in(text: str) -> UUID:
    """The id; for a text that can be no question's, one that no question has, so that the session is looked at first."""
    return parse_id(text) or UUID(int=0)


def _vote_of(voting: Voting) -> tuple[Hashable, ...]:
    """One person's votes on one question are given and taken back one after another."""
    return ((voting.user, voting.question),)
