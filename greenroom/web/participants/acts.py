"""What who takes part does on the page of a session."""

from http import HTTPStatus

from msgspec import Struct

from greenroom.calls import service as calls
from greenroom.calls.schemas import JoinRequest
from greenroom.calls.service import Calls
from greenroom.kit.errors import GreenroomError, InternalError, RateLimited, Unauthenticated, Unavailable, ValidationFailed
from greenroom.kit.http.answer import Answer
from greenroom.questions import service as questions
from greenroom.questions.schemas import BODY_CHARACTERS, QuestionPatch, QuestionRequest
from greenroom.questions.service import Questions
from greenroom.registrations import service as registrations
from greenroom.registrations.kept import as_registration
from greenroom.registrations.service import Registrations
from greenroom.web.binding import does
from greenroom.web.once import done_once
from greenroom.web.participants.session import Typed, page_of
from greenroom.web.texts import text
from greenroom.web.visit import Visit

# What the page itself can say nothing about: the whole answer is another.
ELSEWHERE = (InternalError, RateLimited, Unauthenticated, Unavailable)


class WayIn(Struct, frozen=True):
    """Where somebody who was let in goes."""

    url: str


@does("/s/{id}/register")
async def register(visit: Visit, id: str) -> Answer:
    """A seat, else a place in line. Twice is once."""
    try:
        there = visit.service("registrations", Registrations)
        made = await registrations.register_caller(there, visit.caller, id, request_id=visit.request.id, key=None)
    except GreenroomError as error:
        return await _refused(visit, id, error)
    said = "waiting" if made.registration.status == "waitlist" else "registered"
    return visit.done(f"/s/{id}", said=said, body=as_registration(made.registration))


@does("/s/{id}/cancel")
async def cancel(visit: Visit, id: str) -> Answer:
    """Give up the seat, or the place in line. Twice is once."""
    try:
        there = visit.service("registrations", Registrations)
        left = await registrations.cancel(there, visit.caller, id, request_id=visit.request.id)
    except GreenroomError as error:
        return await _refused(visit, id, error)
    return visit.done(f"/s/{id}", said="given_up", body=left)


@does("/s/{id}/ask")
async def ask(visit: Visit, id: str) -> Answer:
    """Ask a question, once for one sending of the form."""
    body = visit.form.line("body")
    try:
        wanted = _question(body)
        key = visit.key()
        there = visit.service("questions", Questions)
        asked = await done_once(lambda: questions.ask(there, visit.caller, id, wanted, request_id=visit.request.id, key=key))
    except GreenroomError as error:
        return await _refused(visit, id, error, question=visit.form.text("body"))
    said = "asked" if asked.question.status == "pending" else "asked_at_once"
    return visit.done(f"/s/{id}", said=said, body=asked.question)


@does("/s/{id}/questions/{question_id}/vote")
async def vote(visit: Visit, id: str, question_id: str) -> Answer:
    """Give one's vote (`wants` is yes), or take it back. Twice is once."""
    wants = visit.form.text("wants") == "yes"
    try:
        counted = await questions.vote(visit.service("questions", Questions), visit.caller, id, question_id, wants=wants)
    except GreenroomError as error:
        return await _refused(visit, id, error)
    return visit.done(f"/s/{id}#question-{counted.question_id}", body=counted)


@does("/s/{id}/questions/{question_id}/withdraw")
async def withdraw(visit: Visit, id: str, question_id: str) -> Answer:
    """Take back one's own question, while it waits."""
    patch = QuestionPatch(status="dismissed")
    try:
        there = visit.service("questions", Questions)
        taken = await questions.moderate(there, visit.caller, id, question_id, patch, request_id=visit.request.id)
    except GreenroomError as error:
        return await _refused(visit, id, error)
    return visit.done(f"/s/{id}", said="withdrawn", body=taken)


@does("/s/{id}/join")
async def join(visit: Visit, id: str) -> Answer:
    """Be let in: a seat is taken where there was none. The way in is the one that the operator has named, else the room."""
    caller = visit.caller
    try:
        wanted = JoinRequest(user_id=caller.user)
        token = await calls.join(visit.service("calls", Calls), caller, id, wanted, request_id=visit.request.id)
    except GreenroomError as error:
        return await _refused(visit, id, error)
    url = (visit.there.join_url or "/s/{session_id}/room").replace("{session_id}", token.call_id)
    return visit.done("", body=WayIn(url)) if visit.wants_json else visit.page("joined.html", url=url, session_id=id)


def _question(body: str) -> QuestionRequest:
    """What was typed, as the API would take it. Raises ValidationFailed."""
    if not 1 <= len(body) <= BODY_CHARACTERS or "\0" in body:
        raise ValidationFailed(text("session.question_is", most=BODY_CHARACTERS))
    return QuestionRequest(body=body)


async def _refused(visit: Visit, id: str, error: GreenroomError, *, question: str = "") -> Answer:
    """The page again, with what is wrong and with what was typed; a module of ours is told the error alone."""
    is_gone = error.status == HTTPStatus.NOT_FOUND and not question
    if visit.wants_json or is_gone or isinstance(error, ELSEWHERE):
        raise error
    return await page_of(visit, id, Typed((error.text,), question), status=error.status)


ROUTES = [register, cancel, ask, vote, withdraw, join]
