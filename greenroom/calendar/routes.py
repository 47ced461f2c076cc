"""HTTP of calendars: read the request, call the service, write the answer."""

from http import HTTPStatus
from typing import cast

from greenroom.calendar import operations, service
from greenroom.calendar.operations import CALENDAR
from greenroom.calendar.service import Calendars
from greenroom.identity.request import CallerRequest
from greenroom.kit.http.answer import PRIVATE, Answer, Headers, StreamedAnswer, bare_answer, json_answer, length_of
from greenroom.kit.http.entity_tag import held_in
from greenroom.kit.http.routing import performs

NO_STORE = (b"cache-control", b"no-store")


@performs(operations.GET)
async def get_session_calendar(request: CallerRequest, id: str) -> Answer:
    """The event of the caller's registration, else of the session; who waits in line has a tentative one, and what was
    given up or called off is cancelled. 304 where the caller has that already.
    """
    held = held_in(request.list_header(b"if-none-match"))
    dated = await service.own(_calendars(request), request.caller, id)
    if held.includes(dated.tag):
        return bare_answer(HTTPStatus.NOT_MODIFIED, _state(dated.tag))
    headers = [*_of_a_file("session.ics"), *_state(dated.tag), length_of(dated.octets)]
    return Answer(dated.octets, status=HTTPStatus.OK, headers=headers)


@performs(operations.SUBSCRIBE)
async def create_calendar_feed(request: CallerRequest) -> Answer:
    """A link that needs no token, good until it is revoked or another is made. It is made anew for every request,
    whatever its key.
    """
    await request.idempotency_key(brand=request.caller.brand)
    made = await service.subscribe(_calendars(request), request.caller, request_id=request.id, address=request.address)
    return json_answer(made, status=HTTPStatus.CREATED, headers=[NO_STORE])


@performs(operations.REVOKE)
async def revoke_calendar_feed(request: CallerRequest) -> Answer:
    """Who has subscribed by the link gets no more. Twice is once."""
    await service.revoke(_calendars(request), request.caller, request_id=request.id)
    return bare_answer(HTTPStatus.NO_CONTENT, [NO_STORE])


@performs(operations.FEED)
async def get_calendar_feed(request: CallerRequest) -> Answer:
    """The sessions of 30 days ago and later that the person is registered for, waits for, or hosts; 500 at most, those to
    come first. 304 where the calendar program has that already.
    """
    ticket = service.ticket_in(request.query)
    feed = await service.feed(_calendars(request), ticket, held_in(request.list_header(b"if-none-match")))
    if feed.entries is None:
        return bare_answer(HTTPStatus.NOT_MODIFIED, _state(feed.tag))
    return StreamedAnswer(feed.pieces(), headers=[*_of_a_file("calendar.ics"), *_state(feed.tag)])


def _of_a_file(name: str) -> Headers:
    return [
        (b"content-type", f"{CALENDAR}; charset=utf-8".encode()),
        (b"content-disposition", f'attachment; filename="{name}"'.encode()),
    ]


def _state(tag: str) -> Headers:
    return [(b"etag", tag.encode()), PRIVATE]


def _calendars(request: CallerRequest) -> Calendars:
    return cast("Calendars", request.scope["state"]["calendars"])


ROUTES = [get_session_calendar, create_calendar_feed, revoke_calendar_feed, get_calendar_feed]
