"""What the operations of webhook endpoints say of themselves in the OpenAPI document."""

from typing import Any

from greenroom.identity.scopes import MANAGE_LIVE
from greenroom.kit.errors import (
    AtCapacity,
    Conflict,
    IdempotencyKeyPayloadMismatch,
    InvalidStatus,
    NotConfigured,
    NotFound,
    PayloadTooLarge,
    ValidationFailed,
)
from greenroom.kit.http.operation import AnswerShape, Link, Operation, Parameter
from greenroom.sessions.operations import BRAND, IDEMPOTENCY_KEY, NEXT, REPLAYED, SESSION_EXAMPLE
from greenroom.webhooks.schemas import (
    DeliveryFilters,
    EndpointFilters,
    WebhookDelivery,
    WebhookDeliveryList,
    WebhookEndpoint,
    WebhookEndpointList,
    WebhookEndpointPatch,
    WebhookEndpointRequest,
    WebhookEndpointWithSecret,
)

TAG = "webhooks"

ENDPOINT_ID = Parameter(
    name="endpoint_id",
    location="path",
    description="The endpoint's id: a UUID in its canonical form, in any case. Anything else is a 404.",
    schema={"type": "string"},
    example="0199c8a0-7c11-7d10-8e5b-5b0f4de0a9c3",
)
DELIVERY_ID = Parameter(
    name="delivery_id",
    location="path",
    description="The delivery's id: a UUID in its canonical form, in any case. Anything else is a 404.",
    schema={"type": "string"},
    example="0199c8a0-8f3a-7f42-9b1c-2f6f0a1f7b52",
)
ENDPOINT_EXAMPLE: dict[str, Any] = {
    "id": ENDPOINT_ID.example,
    "url": "https://app.example.com/hooks/greenroom",
    "description": "What the app shows",
    "events": ["live.session.", "live.recording.ready.v1"],
    "status": "enabled",
    "disabled_reason": None,
    "failing_since": None,
    "previous_secret_until": None,
    "created_at": "2026-12-01T09:00:00.000Z",
    "updated_at": "2026-12-01T09:00:00.000Z",
}
WITH_SECRET_EXAMPLE: dict[str, Any] = {**ENDPOINT_EXAMPLE, "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDg2Fy3O0cV9Q="}
DELIVERY_EXAMPLE: dict[str, Any] = {
    "id": DELIVERY_ID.example,
    "endpoint_id": ENDPOINT_ID.example,
    "event_id": "0199c8a0-8f2e-7a61-a3c5-70a6e1a6c0d4",
    "type": "live.session.started.v1",
    "session_id": SESSION_EXAMPLE["id"],
    "sequence": 4711,
    "state": "delivered",
    "attempts": 2,
    "next_attempt_at": None,
    "last_attempt_at": "2026-12-01T17:00:05.412Z",
    "last_status": 204,
    "last_error": None,
    "last_duration_ms": 38,
    "delivered_at": "2026-12-01T17:00:05.450Z",
    "created_at": "2026-12-01T17:00:00.071Z",
}
PLANNED_EXAMPLE: dict[str, Any] = {
    **DELIVERY_EXAMPLE,
    "state": "pending",
    "attempts": 0,
    "next_attempt_at": "2026-12-02T08:00:00.000Z",
    "delivered_at": None,
}
TEST_EXAMPLE: dict[str, Any] = {
    **PLANNED_EXAMPLE,
    "type": "greenroom.test.v1",
    "session_id": None,
    "sequence": 0,
    "last_attempt_at": None,
    "last_status": None,
    "last_duration_ms": None,
}
OF_A_KEY = (Conflict, IdempotencyKeyPayloadMismatch)
OF_A_POST = (ValidationFailed, NotFound, *OF_A_KEY, PayloadTooLarge)


def _endpoint_at(pointer: str) -> tuple[Link, ...]:
    return (Link(parameter=ENDPOINT_ID, pointer=f"{pointer}/id"),)


def _delivery_at(pointer: str) -> tuple[Link, ...]:
    return (
        Link(parameter=ENDPOINT_ID, pointer=f"{pointer}/endpoint_id"),
        Link(parameter=DELIVERY_ID, pointer=f"{pointer}/id"),
    )


CREATE = Operation(
    id="createWebhookEndpoint",
    at="POST /v1/webhook-endpoints",
    summary="Have events told to an endpoint",
    tag=TAG,
    scope=MANAGE_LIVE,
    limit="writes",
    parameters=(BRAND, IDEMPOTENCY_KEY),
    body=WebhookEndpointRequest,
    body_example={name: ENDPOINT_EXAMPLE[name] for name in ("url", "description", "events")},
    answers={
        201: AnswerShape(
            description="The endpoint, with its secret",
            schema=WebhookEndpointWithSecret,
            example=WITH_SECRET_EXAMPLE,
            headers=REPLAYED,
            links=_endpoint_at(""),
        )
    },
    raises=(NotFound, *OF_A_KEY, AtCapacity, NotConfigured),
)

LIST = Operation(
    id="listWebhookEndpoints",
    at="GET /v1/webhook-endpoints",
    summary="The brand's endpoints",
    tag=TAG,
    scope=MANAGE_LIVE,
    parameters=(BRAND,),
    query=EndpointFilters,
    answers={
        200: AnswerShape(
            description="A page of endpoints",
            schema=WebhookEndpointList,
            example={"webhook_endpoints": [ENDPOINT_EXAMPLE], "next_cursor": None},
            headers=NEXT,
            links=_endpoint_at("/webhook_endpoints/0"),
        )
    },
)

GET = Operation(
    id="getWebhookEndpoint",
    at="GET /v1/webhook-endpoints/{endpoint_id}",
    summary="An endpoint",
    tag=TAG,
    scope=MANAGE_LIVE,
    parameters=(ENDPOINT_ID, BRAND),
    answers={200: AnswerShape(description="The endpoint", schema=WebhookEndpoint, example=ENDPOINT_EXAMPLE)},
    raises=(ValidationFailed, NotFound),
)

CHANGE = Operation(
    id="updateWebhookEndpoint",
    at="PATCH /v1/webhook-endpoints/{endpoint_id}",
    summary="Change an endpoint, disable it, or enable it again",
    tag=TAG,
    scope=MANAGE_LIVE,
    limit="writes",
    parameters=(ENDPOINT_ID, BRAND),
    body=WebhookEndpointPatch,
    body_example={"events": ["*"], "status": "enabled"},
    answers={
        200: AnswerShape(
            description="The endpoint as it is now", schema=WebhookEndpoint, example={**ENDPOINT_EXAMPLE, "events": ["*"]}
        )
    },
    raises=(NotFound,),
)

DELETE = Operation(
    id="deleteWebhookEndpoint",
    at="DELETE /v1/webhook-endpoints/{endpoint_id}",
    summary="Tell an endpoint nothing more, and forget it with its deliveries",
    tag=TAG,
    scope=MANAGE_LIVE,
    limit="writes",
    parameters=(ENDPOINT_ID, BRAND),
    answers={204: AnswerShape(description="The endpoint is gone")},
    raises=(ValidationFailed, NotFound),
)

ROTATE = Operation(
    id="rotateWebhookSecret",
    at="POST /v1/webhook-endpoints/{endpoint_id}/rotate-secret",
    summary="Give an endpoint a new secret; the one before signs as well for 24 hours",
    tag=TAG,
    scope=MANAGE_LIVE,
    limit="writes",
    parameters=(ENDPOINT_ID, BRAND, IDEMPOTENCY_KEY),
    answers={
        200: AnswerShape(
            description="The endpoint, with its new secret",
            schema=WebhookEndpointWithSecret,
            example={**WITH_SECRET_EXAMPLE, "previous_secret_until": "2026-12-02T09:00:00.000Z"},
            headers=REPLAYED,
        )
    },
    raises=(*OF_A_POST, NotConfigured),
)

TEST = Operation(
    id="testWebhookEndpoint",
    at="POST /v1/webhook-endpoints/{endpoint_id}/test",
    summary="Send an endpoint an event that says nothing",
    tag=TAG,
    scope=MANAGE_LIVE,
    limit="writes",
    parameters=(ENDPOINT_ID, BRAND, IDEMPOTENCY_KEY),
    answers={
        202: AnswerShape(
            description="It will be sent at once",
            schema=WebhookDelivery,
            example=TEST_EXAMPLE,
            headers=REPLAYED,
            links=_delivery_at(""),
        )
    },
    raises=(*OF_A_POST, InvalidStatus),
)

LIST_DELIVERIES = Operation(
    id="listWebhookDeliveries",
    at="GET /v1/webhook-endpoints/{endpoint_id}/deliveries",
    summary="What was delivered to an endpoint, what failed, and what is still to come",
    tag=TAG,
    scope=MANAGE_LIVE,
    parameters=(ENDPOINT_ID, BRAND),
    query=DeliveryFilters,
    answers={
        200: AnswerShape(
            description="A page of deliveries",
            schema=WebhookDeliveryList,
            example={"deliveries": [DELIVERY_EXAMPLE], "next_cursor": None},
            headers=NEXT,
            links=_delivery_at("/deliveries/0"),
        )
    },
    raises=(NotFound,),
)

REDELIVER = Operation(
    id="redeliverWebhook",
    at="POST /v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/redeliver",
    summary="Deliver an event again, by the same webhook-id",
    tag=TAG,
    scope=MANAGE_LIVE,
    limit="writes",
    parameters=(ENDPOINT_ID, DELIVERY_ID, BRAND, IDEMPOTENCY_KEY),
    answers={
        202: AnswerShape(
            description="It will be sent at once", schema=WebhookDelivery, example=PLANNED_EXAMPLE, headers=REPLAYED
        )
    },
    raises=(*OF_A_POST, InvalidStatus),
)
