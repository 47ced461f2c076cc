"""What the operations of sessions say of themselves in the OpenAPI document. Source: contract, /v1/sessions."""

from typing import Any

from greenroom.identity.scopes import READ_LIVE, WRITE_LIVE
from greenroom.kit.errors import (
    Conflict,
    IdempotencyKeyPayloadMismatch,
    InvalidStatus,
    NotFound,
    PayloadTooLarge,
    PreconditionFailed,
    ValidationFailed,
)
from greenroom.kit.http.body import JSON, MERGE_PATCH
from greenroom.kit.http.entity_tag import TAGS_SCHEMA
from greenroom.kit.http.operation import AnswerShape, Link, Operation, Parameter
from greenroom.sessions.schemas import (
    NAME_CHARACTERS,
    CoHosts,
    Session,
    SessionCreate,
    SessionFilters,
    SessionList,
    SessionPatch,
)

TAG = "sessions"

ID = Parameter(
    name="id",
    location="path",
    description="The session's id: a UUID in its canonical form, in any case. Anything else is a 404.",
    schema={"type": "string"},
    example="0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11",
)
BRAND = Parameter(
    name="X-Brand-Id",
    location="header",
    description="The token's own brand, or for admin:* the brand to act in.",
    schema={"type": "string", "minLength": 1, "maxLength": 200},
)
IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    location="header",
    description="Repeats of this request within 24 hours get the first one's answer, with Idempotency-Replayed: true.",
    schema={"type": "string", "minLength": 1, "maxLength": 128},
)
IF_MATCH = Parameter(
    name="If-Match",
    location="header",
    description="An ETag of this session: the change is made only if nobody has edited it since.",
    schema=TAGS_SCHEMA,
    example='"3.0.12.1"',
)
IF_NONE_MATCH = Parameter(
    name="If-None-Match",
    location="header",
    description="ETags that the caller holds: 304 when one is still right.",
    schema=TAGS_SCHEMA,
    example='"3.0.12.1"',
)

TAGGED = {"ETag": 'Strong: "version.revision.registered_count.is_registered"; If-Match compares the version alone.'}
REPLAYED = {"Idempotency-Replayed": "true where this answer was given before to the same Idempotency-Key."}

SESSION_EXAMPLE: dict[str, Any] = {
    "id": "0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11",
    "host_id": "host_1",
    "brand_id": "acme",
    "title": "Ask the physiotherapist",
    "kind": "live",
    "category": None,
    "scheduled_at": "2026-12-01T17:00:00.000Z",
    "started_at": None,
    "ended_at": None,
    "status": "scheduled",
    "stream_call_id": None,
    "max_participants": 500,
    "duration_minutes": None,
    "recording_url": None,
    "metadata": {"room": "blue"},
    "created_at": "2026-11-23T09:00:00.000Z",
    "updated_at": "2026-11-23T09:30:00.000Z",
    "registered_count": 12,
    "is_registered": True,
}

USER_ID = Parameter(
    name="user_id",
    location="path",
    description="Who: an id as tokens carry it, percent-encoded.",
    schema={"type": "string", "minLength": 1, "maxLength": NAME_CHARACTERS},
    example="host_2",
)
NEXT = {"Link": 'rel="next": this request with the next page\'s cursor (RFC 8288). Absent on the last page.'}


def _session(description: str, *, headers: dict[str, str] | None = None) -> AnswerShape:
    return AnswerShape(
        description=description,
        schema=Session,
        example=SESSION_EXAMPLE,
        headers={**TAGGED, **(headers or {})},
        links=(Link(parameter=ID, pointer="/id"),),
    )


CREATE = Operation(
    id="createSession",
    at="POST /v1/sessions",
    summary="Create a live session",
    tag=TAG,
    scope=WRITE_LIVE,
    limit="writes",
    parameters=(BRAND, IDEMPOTENCY_KEY),
    body=SessionCreate,
    body_example={
        "host_id": "host_1",
        "brand_id": "acme",
        "title": "Ask the physiotherapist",
        "scheduled_at": "2026-12-01T17:00:00Z",
        "max_participants": 500,
    },
    answers={201: _session("Session created", headers={**REPLAYED, "Location": "The session's own path."})},
    raises=(Conflict, IdempotencyKeyPayloadMismatch),
)

GET = Operation(
    id="getSession",
    at="GET /v1/sessions/{id}",
    summary="Get a live session",
    tag=TAG,
    scope=READ_LIVE,
    parameters=(ID, BRAND, IF_NONE_MATCH),
    answers={
        200: _session("Session"),
        304: AnswerShape(description="The caller's copy is still right.", headers=TAGGED),
    },
    raises=(ValidationFailed, NotFound),
)

LIST = Operation(
    id="listSessions",
    at="GET /v1/live/sessions",
    summary="List live sessions",
    tag=TAG,
    scope=READ_LIVE,
    parameters=(BRAND,),
    query=SessionFilters,
    answers={
        200: AnswerShape(
            description="Live sessions",
            schema=SessionList,
            example={"sessions": [SESSION_EXAMPLE], "next_cursor": None},
            headers=NEXT,
            links=(Link(parameter=ID, pointer="/sessions/0/id"),),
        )
    },
)

UPDATE = Operation(
    id="updateSession",
    at="PATCH /v1/sessions/{id}",
    summary="Update a live session",
    tag=TAG,
    scope=WRITE_LIVE,
    limit="writes",
    parameters=(ID, BRAND, IF_MATCH),
    body=SessionPatch,
    accepts=(JSON, MERGE_PATCH),
    body_example={"scheduled_at": "2026-12-01T18:00:00Z", "max_participants": 600, "metadata": {"room": "green"}},
    answers={200: _session("Session updated")},
    raises=(NotFound, InvalidStatus, PreconditionFailed),
)


def _step(verb: str, *, summary: str, done: str) -> Operation:
    return Operation(
        id=f"{verb}Session",
        at=f"POST /v1/sessions/{{id}}/{verb}",
        summary=summary,
        tag=TAG,
        scope=WRITE_LIVE,
        limit="writes",
        parameters=(ID, BRAND, IDEMPOTENCY_KEY),
        answers={200: _session(done, headers=REPLAYED)},
        raises=(ValidationFailed, NotFound, InvalidStatus, Conflict, IdempotencyKeyPayloadMismatch, PayloadTooLarge),
    )


START = _step("start", summary="Start a scheduled session", done="Session live")
END = _step("end", summary="End a live session", done="Session ended")
CANCEL = _step("cancel", summary="Cancel a scheduled session", done="Session cancelled")


def _co_host(verb: str, method: str, *, summary: str, done: str) -> Operation:
    return Operation(
        id=f"{verb}CoHost",
        at=f"{method} /v1/sessions/{{id}}/co-hosts/{{user_id}}",
        summary=summary,
        tag=TAG,
        scope=WRITE_LIVE,
        limit="writes",
        parameters=(ID, USER_ID, BRAND),
        answers={
            200: AnswerShape(
                description=done,
                schema=CoHosts,
                example={"session_id": SESSION_EXAMPLE["id"], "co_host_ids": ["host_2"]},
            )
        },
        raises=(ValidationFailed, NotFound, InvalidStatus),
    )


ADD_CO_HOST = _co_host("add", "PUT", summary="Let somebody co-host a session", done="A co-host of the session")
REMOVE_CO_HOST = _co_host("remove", "DELETE", summary="Let somebody co-host a session no longer", done="No co-host of it")
