"""HTTP of sessions: read the request, call the service, write the answer."""

from http import HTTPStatus
from typing import cast

from greenroom.identity.request import CallerRequest
from greenroom.kit.http.answer import PRIVATE, REPLAYED, Answer, bare_answer, json_answer
from greenroom.kit.http.body import JSON, MERGE_PATCH, BodyReader
from greenroom.kit.http.entity_tag import entity_tag, held_in, versions_in
from greenroom.kit.http.path import refuse_unless_sent
from greenroom.kit.http.query import QueryReader, next_links
from greenroom.kit.http.routing import performs
from greenroom.sessions import operations, service
from greenroom.sessions.schemas import SessionCreate, SessionFilters, SessionPatch
from greenroom.sessions.service import Seen, Sessions, Step

SESSION_FILTERS = QueryReader(SessionFilters)
SESSION_CREATE = BodyReader(SessionCreate)
SESSION_PATCH = BodyReader(SessionPatch, accepts=(JSON, MERGE_PATCH))


@performs(operations.CREATE)
async def create_session(request: CallerRequest) -> Answer:
    """Schedule a session. Source: contract, POST /v1/sessions."""
    wanted = await request.read(SESSION_CREATE)
    key = await request.idempotency_key(brand=wanted.brand_id)
    created = await service.create(_sessions(request), request.caller, wanted, request_id=request.id, key=key)
    return _answer(created, status=HTTPStatus.CREATED)


@performs(operations.GET)
async def get_session(request: CallerRequest, id: str) -> Answer:
    """One session, as the caller sees it; 304 where the caller has that already (RFC 9110, section 13.1.2)."""
    held = held_in(request.list_header(b"if-none-match"))
    found = await service.get(_sessions(request), request.caller, id)
    if held.includes(tag_of(found)):
        return bare_answer(304, [(b"etag", tag_of(found).encode()), PRIVATE])
    return _answer(found)


@performs(operations.LIST)
async def list_sessions(request: CallerRequest) -> Answer:
    """Sessions by time, a page at a time. Source: contract, GET /v1/live/sessions."""
    page = await service.listed(_sessions(request), request.caller, SESSION_FILTERS.read(request.query))
    return json_answer(page, headers=[PRIVATE, *next_links(request.path, request.query, page.next_cursor)])


@performs(operations.UPDATE)
async def update_session(request: CallerRequest, id: str) -> Answer:
    """Change what the session's status allows to change. Source: contract, PATCH /v1/sessions/{id}."""
    changes = await request.read(SESSION_PATCH)
    updated = await service.update(
        _sessions(request),
        request.caller,
        id,
        changes,
        merges=request.media_type == MERGE_PATCH,
        expected=versions_in(request.list_header(b"if-match")),
        request_id=request.id,
    )
    return _answer(updated)


@performs(operations.START)
async def start_session(request: CallerRequest, id: str) -> Answer:
    """The host opens the session, at any time."""
    return await _move(request, id, "start")


@performs(operations.END)
async def end_session(request: CallerRequest, id: str) -> Answer:
    """The host ends a live session; that is final."""
    return await _move(request, id, "end")


@performs(operations.CANCEL)
async def cancel_session(request: CallerRequest, id: str) -> Answer:
    """The host calls off a session that has not begun."""
    return await _move(request, id, "cancel")


@performs(operations.ADD_CO_HOST)
async def add_co_host(request: CallerRequest, id: str, user_id: str) -> Answer:
    """The host lets somebody do what hosts do, except this."""
    return await _change_co_host(request, id, user_id, is_co_host=True)


@performs(operations.REMOVE_CO_HOST)
async def remove_co_host(request: CallerRequest, id: str, user_id: str) -> Answer:
    """The host takes that back."""
    return await _change_co_host(request, id, user_id, is_co_host=False)


async def _change_co_host(request: CallerRequest, id: str, user_id: str, *, is_co_host: bool) -> Answer:
    refuse_unless_sent(request, user_id)
    changed = await service.change_co_host(
        request.db, request.caller, id, user_id, is_co_host=is_co_host, request_id=request.id
    )
    return json_answer(changed, headers=[PRIVATE])


async def _move(request: CallerRequest, id: str, step: Step) -> Answer:
    key = await request.idempotency_key(brand=request.caller.brand)
    return _answer(await service.move(_sessions(request), request.caller, id, step, request_id=request.id, key=key))


def tag_of(found: Seen) -> str:
    """The entity tag of what the caller sees."""
    return entity_tag(
        version=found.version,
        revision=found.revision,
        count=found.session.registered_count,
        registered=found.session.is_registered,
        until=found.until,
    )


def _sessions(request: CallerRequest) -> Sessions:
    return cast("Sessions", request.scope["state"]["sessions"])


def _answer(found: Seen, *, status: int = 200) -> Answer:
    headers = [(b"etag", tag_of(found).encode()), PRIVATE]
    if status == HTTPStatus.CREATED:
        headers.append((b"location", f"/v1/sessions/{found.session.id}".encode()))
    if found.replayed:
        headers.append(REPLAYED)
    return json_answer(found.session, status=status, headers=headers)


ROUTES = [  # the hot path first
    get_session,
    update_session,
    list_sessions,
    create_session,
    start_session,
    end_session,
    cancel_session,
    add_co_host,
    remove_co_host,
]
