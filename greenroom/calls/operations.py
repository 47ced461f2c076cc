"""What the operations of calls say of themselves in the OpenAPI document. Source: contract."""

from typing import Any

from greenroom.calls.schemas import (
    Call,
    CallCreate,
    CallToken,
    CallTokenRequest,
    CallWithLive,
    ChatToken,
    JoinRequest,
    JoinToken,
)
from greenroom.identity.scopes import READ_LIVE, WRITE_LIVE
from greenroom.kit.errors import (
    AtCapacity,
    Conflict,
    IdempotencyKeyPayloadMismatch,
    InvalidStatus,
    NotConfigured,
    NotFound,
    NotJoinable,
    PayloadTooLarge,
    ProviderFailed,
    ValidationFailed,
)
from greenroom.kit.http.operation import AnswerShape, Link, Operation, Parameter
from greenroom.sessions.operations import BRAND, ID, IDEMPOTENCY_KEY, REPLAYED

TAG = "calls"

CALL_ID = Parameter(
    name="id",
    location="path",
    description="The call's id, which of a session's call is the session's: a UUID in its canonical form. Else a 404.",
    schema={"type": "string"},
    example="0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11",
)
CALL_EXAMPLE: dict[str, Any] = {
    "id": "0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11",
    "host_user_id": "host_1",
    "title": "Ask the physiotherapist",
    "scheduled_at": "2026-12-01T17:00:00.000Z",
    "started_at": None,
    "ended_at": None,
    "stream_call_id": "0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11",
    "stream_call_type": "default",
    "recording_url": None,
    "recording_ready_at": None,
    "status": "scheduled",
    "created_at": "2026-11-23T09:00:00.000Z",
    "updated_at": "2026-11-23T09:00:00.000Z",
}
_OF_A_PROVIDER = (NotConfigured, ProviderFailed)
_INTO_A_SESSION = (ValidationFailed, NotFound, NotJoinable, AtCapacity, *_OF_A_PROVIDER)

JOIN = Operation(
    id="joinSession",
    at="POST /v1/sessions/{id}/join",
    summary="Join a live session (returns Stream Video token)",
    tag=TAG,
    scope=WRITE_LIVE,
    limit="writes",
    parameters=(ID, BRAND, IDEMPOTENCY_KEY),
    body=JoinRequest,
    body_example={"user_id": "participant_1"},
    answers={
        200: AnswerShape(
            description="Join token issued; made anew each time, and good for 10 minutes",
            schema=JoinToken,
            example={"token": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmVk", "call_id": CALL_EXAMPLE["id"]},
            links=(Link(parameter=CALL_ID, pointer="/call_id"),),
        )
    },
    raises=_INTO_A_SESSION,
)

CHAT_TOKEN = Operation(
    id="getChatToken",
    at="GET /v1/sessions/{id}/chat-token",
    summary="Stream Chat connection bundle for the session's channel",
    tag=TAG,
    scope=READ_LIVE,
    parameters=(ID, BRAND),
    answers={
        200: AnswerShape(
            description="Stream Chat connection bundle",
            schema=ChatToken,
            example={
                "api_key": "9dfjk3",
                "token": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmVk",
                "user_id": "participant_1",
                "channel_id": CALL_EXAMPLE["id"],
                "channel_type": "messaging",
                "expires_in": 3600,
            },
        )
    },
    raises=(NotFound, NotJoinable, *_OF_A_PROVIDER),
)

CREATE = Operation(
    id="createCall",
    at="POST /v1/live/calls",
    summary="Create a GetStream Video-backed call",
    tag=TAG,
    scope=WRITE_LIVE,
    limit="writes",
    parameters=(BRAND, IDEMPOTENCY_KEY),
    body=CallCreate,
    body_example={"host_user_id": "host_1", "title": "Ask the physiotherapist", "scheduled_at": "2026-12-01T17:00:00Z"},
    answers={
        201: AnswerShape(
            description="Call created",
            schema=Call,
            example=CALL_EXAMPLE,
            headers=REPLAYED,
            links=(Link(parameter=CALL_ID, pointer="/id"),),
        )
    },
    raises=(Conflict, IdempotencyKeyPayloadMismatch, *_OF_A_PROVIDER),
)

GET = Operation(
    id="getCall",
    at="GET /v1/live/calls/{id}",
    summary="Get call status (stored row plus best-effort live status from the provider)",
    tag=TAG,
    scope=READ_LIVE,
    parameters=(CALL_ID, BRAND),
    answers={
        200: AnswerShape(
            description="Call; `live` is null where the provider cannot say",
            schema=CallWithLive,
            example={**CALL_EXAMPLE, "live": {"is_live": False, "current_session_id": None, "ended_at": None}},
        )
    },
    raises=(NotFound,),
)

TOKEN = Operation(
    id="createCallToken",
    at="POST /v1/live/calls/{id}/token",
    summary="Mint a Stream user token scoped to this call",
    tag=TAG,
    scope=WRITE_LIVE,
    limit="writes",
    parameters=(CALL_ID, BRAND, IDEMPOTENCY_KEY),
    body=CallTokenRequest,
    body_example={"user_id": "participant_1", "ttl_seconds": 600},
    answers={
        200: AnswerShape(
            description="Token issued; made anew each time",
            schema=CallToken,
            example={
                "token": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmVk",
                "stream_call_id": CALL_EXAMPLE["id"],
                "stream_call_type": "default",
                "expires_in_seconds": 600,
            },
        )
    },
    raises=_INTO_A_SESSION,
)

END = Operation(
    id="endCall",
    at="POST /v1/live/calls/{id}/end",
    summary="End the Stream call and finalize the row",
    tag=TAG,
    scope=WRITE_LIVE,
    limit="writes",
    parameters=(CALL_ID, BRAND, IDEMPOTENCY_KEY),
    answers={
        200: AnswerShape(description="Call ended, now or before", schema=Call, example={**CALL_EXAMPLE, "status": "ended"})
    },
    raises=(ValidationFailed, NotFound, InvalidStatus, PayloadTooLarge, *_OF_A_PROVIDER),
)
