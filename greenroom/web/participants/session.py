"""A session as who takes part sees it."""

from datetime import UTC, datetime
from typing import Final

from msgspec import UNSET, Struct

from greenroom.calendar import service as calendar
from greenroom.calendar.service import Calendars
from greenroom.kit.http.answer import Answer, bare_answer, json_answer, length_of
from greenroom.kit.wire import PageLimit
from greenroom.questions import listing
from greenroom.questions.schemas import ListedQuestion, QuestionFilters
from greenroom.questions.service import Questions
from greenroom.web.binding import shows
from greenroom.web.live import stream_cookie
from greenroom.web.participants.standing import known_of, now_of
from greenroom.web.participants.titles import headline
from greenroom.web.visit import Visit

NO_STORE: Final = (b"cache-control", b"private, no-store")
SHOWN: Final = PageLimit(PageLimit.LARGEST)
OVER: Final = frozenset({"answered"})
OWN: Final = frozenset({"pending", "dismissed"})


class Asked(Struct, frozen=True):
    """A session's questions for one viewer, in the order of the page."""

    own: list[ListedQuestion]
    listed: list[ListedQuestion]
    has_more: bool


class Typed(Struct, frozen=True):
    """What was typed into a form that is shown again, and what is wrong with it."""

    problems: tuple[str, ...] = ()
    question: str = ""


@shows("/s/{id}")
async def session_page(visit: Visit, id: str) -> Answer:
    """The page."""
    return await page_of(visit, id, Typed())


@shows("/s/{id}/now")
async def session_now(visit: Visit, id: str) -> Answer:
    """What has changed on it, for its module."""
    known = await known_of(visit, id)
    return json_answer(now_of(known, visit.clock, at=datetime.now(UTC)), headers=[NO_STORE])


@shows("/s/{id}/ticket")
async def session_ticket(visit: Visit, id: str) -> Answer:
    """Another ticket for the live stream, for a page that has stood for longer than one is good."""
    return bare_answer(204, [await stream_cookie(visit, visit.viewer, id), NO_STORE])


@shows("/s/{id}/calendar.ics")
async def session_calendar(visit: Visit, id: str) -> Answer:
    """The viewer's entry, for a calendar."""
    dated = await calendar.own(visit.service("calendars", Calendars), visit.caller, id)
    headers = [
        (b"content-type", b"text/calendar; charset=utf-8"),
        (b"content-disposition", b'attachment; filename="session.ics"'),
        NO_STORE,
        length_of(dated.octets),
    ]
    return Answer(dated.octets, status=200, headers=headers)


async def page_of(visit: Visit, id: str, typed: Typed, *, status: int = 200) -> Answer:
    """The page of this moment, with what was typed. Raises NotFound, Unauthenticated."""
    known = await known_of(visit, id)
    asked = await asked_in(visit, id)
    return visit.page(
        "session.html",
        status=status,
        headers=[await stream_cookie(visit, known.viewer, id)],
        session=known.session,
        known=known,
        now=now_of(known, visit.clock, at=datetime.now(UTC)),
        asked=asked,
        typed=typed,
        headline=headline,
    )


async def asked_in(visit: Visit, id: str) -> Asked:
    """Pinned first, then by votes, then those that were answered; apart from them what nobody else may see yet."""
    viewer = visit.viewer
    page = await listing.listed(
        visit.service("questions", Questions), viewer, id, QuestionFilters(status=UNSET, sort="top", cursor=UNSET, limit=SHOWN)
    )
    own = [one for one in page.questions if one.status in OWN and one.asker_user_id == viewer.user]
    listed = [one for one in page.questions if one.status not in OWN]
    listed.sort(key=lambda one: (not one.is_pinned, one.status in OVER, -one.vote_count, one.asked_at))
    return Asked(own, listed, page.next_cursor is not None)


ROUTES = [session_page, session_now, session_ticket, session_calendar]
