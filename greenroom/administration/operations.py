"""What the operations of the administration say of themselves in the OpenAPI document. Source: contract, /v1/admin."""

from typing import Any

from greenroom.administration.schemas import AdminFilters, AdminSession, AdminSessionList, AdminSessionPatch
from greenroom.identity.scopes import ADMIN_LIVE
from greenroom.kit.errors import InvalidStatus, NotFound, PreconditionFailed
from greenroom.kit.http.body import JSON, MERGE_PATCH
from greenroom.kit.http.operation import AnswerShape, Operation
from greenroom.sessions.operations import BRAND, ID, IF_MATCH, NEXT, SESSION_EXAMPLE, TAGGED

TAG = "administration"

ADMIN_SESSION_EXAMPLE: dict[str, Any] = {
    **{name: value for name, value in SESSION_EXAMPLE.items() if name != "is_registered"},
    "description": "Bring your questions about knees.",
    "co_host_ids": ["host_2"],
    "cover_image_url": "https://images.example.com/knee.jpg",
    "tags": ["knee", "recovery"],
}

LIST = Operation(
    id="listAdminSessions",
    at="GET /v1/admin/sessions",
    summary="List all sessions (admin)",
    tag=TAG,
    scope=ADMIN_LIVE,
    limit="admin",
    parameters=(BRAND,),
    query=AdminFilters,
    answers={
        200: AnswerShape(
            description="Sessions list", schema=AdminSessionList, example={"sessions": [ADMIN_SESSION_EXAMPLE]}, headers=NEXT
        )
    },
)

UPDATE = Operation(
    id="updateAdminSession",
    at="PATCH /v1/admin/sessions/{id}",
    summary="Update or reschedule a session (admin)",
    tag=TAG,
    scope=ADMIN_LIVE,
    limit="admin",
    parameters=(ID, BRAND, IF_MATCH),
    body=AdminSessionPatch,
    accepts=(JSON, MERGE_PATCH),
    body_example={"status": "scheduled", "scheduled_at": "2026-12-08T17:00:00Z", "tags": ["knee", "recovery"]},
    answers={
        200: AnswerShape(description="Session updated", schema=AdminSession, example=ADMIN_SESSION_EXAMPLE, headers=TAGGED)
    },
    raises=(NotFound, InvalidStatus, PreconditionFailed),
)
