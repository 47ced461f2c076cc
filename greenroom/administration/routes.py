"""HTTP of the administration: read the request, call the service, write the answer."""

from typing import cast

from greenroom.administration import operations, service
from greenroom.administration.schemas import AdminFilters, AdminSessionList, AdminSessionPatch
from greenroom.administration.service import Administration
from greenroom.identity.request import CallerRequest
from greenroom.kit.http.answer import PRIVATE, Answer, json_answer
from greenroom.kit.http.body import JSON, MERGE_PATCH, BodyReader
from greenroom.kit.http.entity_tag import entity_tag, versions_in
from greenroom.kit.http.query import QueryReader, next_links
from greenroom.kit.http.routing import performs

ADMIN_FILTERS = QueryReader(AdminFilters)
ADMIN_SESSION_PATCH = BodyReader(AdminSessionPatch, accepts=(JSON, MERGE_PATCH))


@performs(operations.LIST)
async def list_sessions(request: CallerRequest) -> Answer:
    """Every session, the last created first, a page at a time. Source: contract, GET /v1/admin/sessions."""
    page = await service.listed(_administration(request), request.caller, ADMIN_FILTERS.read(request.query))
    links = next_links(request.path, request.query, page.next_cursor)
    return json_answer(AdminSessionList(sessions=page.sessions), headers=[PRIVATE, *links])


@performs(operations.UPDATE)
async def update_session(request: CallerRequest, id: str) -> Answer:
    """Change, move, cancel or reinstate a session: what may change is judged by the status that results.

    Source: contract, PATCH /v1/admin/sessions/{id}.
    """
    changes = await request.read(ADMIN_SESSION_PATCH)
    updated = await service.update(
        _administration(request),
        request.caller,
        id,
        changes,
        merges=request.media_type == MERGE_PATCH,
        expected=versions_in(request.list_header(b"if-match")),
        request_id=request.id,
    )
    tag = entity_tag(
        version=updated.version,
        revision=updated.revision,
        count=updated.session.registered_count,
        registered=updated.is_registered,
        until=updated.until,
    )
    return json_answer(updated.session, headers=[(b"etag", tag.encode()), PRIVATE])


def _administration(request: CallerRequest) -> Administration:
    return cast("Administration", request.scope["state"]["administration"])


ROUTES = [list_sessions, update_session]
