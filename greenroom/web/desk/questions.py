"""The moderation queue: what waits, what was let through, what is done with."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, get_args
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET, Struct

from greenroom.kit.errors import InvalidStatus, ValidationFailed
from greenroom.kit.http.answer import Answer, bare_answer, json_answer
from greenroom.kit.ids import parse_id
from greenroom.kit.wire import PageLimit
from greenroom.questions import listing, service
from greenroom.questions.schemas import ListedQuestion, QuestionFilters, QuestionPatch, QuestionStatus, Sort
from greenroom.questions.service import Questions
from greenroom.sessions import service as sessions
from greenroom.sessions.service import Sessions
from greenroom.web.binding import does, shows
from greenroom.web.live import stream_cookie
from greenroom.web.texts import text
from greenroom.web.times import told_day
from greenroom.web.visit import Visit, refuse_unless_writing

SECTIONS: Final[tuple[QuestionStatus, ...]] = ("pending", "approved", "answered", "dismissed")
OUTCOMES: Final[Mapping[str, QuestionPatch]] = {
    status: QuestionPatch(status=status) for status in get_args(QuestionStatus) if status != "pending"
}
SAID: Final[Mapping[QuestionStatus, str]] = {
    "approved": "question_approved", "dismissed": "question_dismissed", "answered": "question_answered",
}  # fmt: skip
SHOWN: Final = PageLimit(50)  # of each section
NO_STORE: Final = (b"cache-control", b"private, no-store")


class Card(Struct, frozen=True):
    """A question, and when it was asked as the viewer reads it."""

    question: ListedQuestion
    asked: str


class Section(Struct, frozen=True):
    """Some of the questions of one status; `next_cursor` begins those that follow."""

    status: QuestionStatus
    cards: list[Card]
    next_cursor: str | None


class Shown(Struct, frozen=True):
    """What of the queue is looked at: one status from a place on, or of each the first."""

    status: QuestionStatus | None
    cursor: str | None

    @property
    def parameters(self) -> dict[str, str]:
        """As the page's address says it."""
        named = {"status": self.status, "cursor": self.cursor}
        return {name: value for name, value in named.items() if value is not None}

    @property
    def statuses(self) -> tuple[QuestionStatus, ...]:
        """Which sections there are."""
        return SECTIONS if self.status is None else (self.status,)


class Corrected(Struct, frozen=True):
    """An act that the question's status does not allow, and the question as it is."""

    error: str
    message: str
    question: ListedQuestion


@shows("/host/{id}/questions")
async def queue(visit: Visit, id: str) -> Answer:
    """The page."""
    return await _queue(visit, id, _shown_in(visit.parameter("status"), visit.parameter("cursor")))


@shows("/host/{id}/questions/more")
async def more(visit: Visit, id: str) -> Answer:
    """Those of a section that follow, for the page's module."""
    refuse_unless_writing(visit.caller)
    shown = _shown_in(visit.parameter("status") or "pending", visit.parameter("cursor"))
    return json_answer(await _section(visit, id, shown.statuses[0], shown.cursor), headers=[NO_STORE])


@shows("/host/{id}/questions/ticket")
async def ticket(visit: Visit, id: str) -> Answer:
    """A new ticket for the live stream, for the page's module when the page has stood for longer than a ticket lasts."""
    refuse_unless_writing(visit.caller)
    return bare_answer(204, [await stream_cookie(visit, visit.caller, id), NO_STORE])


@does("/host/{id}/questions/{question_id}/moderate")
async def moderate(visit: Visit, id: str, question_id: str) -> Answer:
    """Let a question through, dismiss it, or call it answered. Twice is once."""
    patch = OUTCOMES.get(visit.form.text("status"))
    if patch is None:
        raise ValidationFailed("status: expected approved, dismissed or answered.")
    try:
        there, request_id = visit.service("questions", Questions), visit.request.id
        question = await service.moderate(there, visit.caller, id, question_id, patch, request_id=request_id)
    except InvalidStatus as error:
        return await _mistaken(visit, id, question_id, error)
    following = parse_id(visit.form.text("next"))
    place = "queue" if following is None else f"question-{following}"
    return visit.done(_back(visit, question, place), said=SAID[question.status], body=question)


@does("/host/{id}/questions/{question_id}/pin")
async def pin(visit: Visit, id: str, question_id: str) -> Answer:
    """Pin a question in the place of any other."""
    return await _pinned(visit, id, question_id, pins=True)


@does("/host/{id}/questions/{question_id}/unpin")
async def unpin(visit: Visit, id: str, question_id: str) -> Answer:
    """Take it down."""
    return await _pinned(visit, id, question_id, pins=False)


async def _pinned(visit: Visit, id: str, question_id: str, *, pins: bool) -> Answer:
    """Once for one sending of the form: sent again, it takes no place from what was pinned since."""
    there, caller, key = visit.service("questions", Questions), visit.caller, visit.key()
    try:
        done = await service.pin(there, caller, id, question_id, pins=pins, request_id=visit.request.id, key=key)
    except InvalidStatus as error:
        return await _mistaken(visit, id, question_id, error)
    place = f"question-{done.question.id}"
    said = "question_pinned" if pins else "question_unpinned"
    return visit.done(_back(visit, done.question, place), said=said, body=done.question)


async def _mistaken(visit: Visit, id: str, question_id: str, error: InvalidStatus) -> Answer:
    """What is wrong, and how it is: the page again, or the question for our module."""
    if not visit.wants_json:
        return await _queue(visit, id, _shown_before(visit), problems=(error.text,), status=error.status)
    there, nothing = visit.service("questions", Questions), QuestionPatch(status=UNSET)
    question = await service.moderate(there, visit.caller, id, question_id, nothing, request_id=visit.request.id)
    return json_answer(Corrected(error.code, error.text, question), status=error.status, headers=[NO_STORE])


async def _queue(visit: Visit, id: str, shown: Shown, *, problems: tuple[str, ...] = (), status: int = HTTPStatus.OK) -> Answer:
    refuse_unless_writing(visit.caller)
    seen = await sessions.get(visit.service("sessions", Sessions), visit.caller, id)
    sections = [await _section(visit, id, one, shown.cursor) for one in shown.statuses]
    return visit.page(
        "desk_questions.html",
        status=status,
        headers=[await stream_cookie(visit, visit.caller, id)],
        session=seen.session,
        sections=sections,
        shown=shown,
        all_statuses=SECTIONS,
        pinned=next((card.question.id for one in sections for card in one.cards if card.question.is_pinned), ""),
        zone=visit.clock.zone_name(visit.clock.local(datetime.now(UTC))),
        problems=problems,
    )


async def _section(visit: Visit, id: str, status: QuestionStatus, cursor: str | None) -> Section:
    there, caller = visit.service("questions", Questions), visit.caller
    if status == "pending":
        page = await listing.waiting(there, caller, id, cursor=cursor, limit=SHOWN)
    else:
        sort: Sort = "top" if status == "approved" else "new"
        after = UNSET if cursor is None else cursor
        page = await listing.listed(there, caller, id, QuestionFilters(status=status, sort=sort, cursor=after, limit=SHOWN))
    return Section(status, [Card(one, _asked(visit, one)) for one in page.questions], page.next_cursor)


def _asked(visit: Visit, question: ListedQuestion) -> str:
    """When, by the viewer's clock, whose zone the page names once."""
    day, time = visit.clock.day(question.asked_at), visit.clock.told_time(question.asked_at)
    return time if day == visit.clock.day(datetime.now(UTC)) else text("live.queue_asked", day=told_day(day), time=time)


def _shown_in(status: str, cursor: str) -> Shown:
    """Raises ValidationFailed."""
    try:
        known = msgspec.convert(status or None, QuestionStatus | None)
    except msgspec.ValidationError:
        raise ValidationFailed("status: expected pending, approved, answered or dismissed.") from None
    return Shown(known, cursor if cursor and known else None)


def _shown_before(visit: Visit) -> Shown:
    """What was looked at when the form was sent."""
    return _shown_in(visit.form.text("only"), visit.form.text("cursor"))


def _back(visit: Visit, question: ListedQuestion, place: str) -> str:
    """The place in the list where the form stood."""
    shown = _shown_before(visit).parameters
    return f"/host/{question.session_id}/questions{f'?{urlencode(shown)}' if shown else ''}#{place}"


ROUTES = [queue, more, ticket, moderate, pin, unpin]
