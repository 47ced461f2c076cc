"""Endpoints and deliveries as their rows say, and as the wire shows them."""

from typing import cast
from uuid import UUID

from msgspec import Struct

from greenroom.kit.clock import wire_text
from greenroom.webhooks.schemas import (
    DeliveryError,
    DeliveryState,
    DisabledReason,
    EndpointStatus,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEndpointWithSecret,
)


class KeptEndpoint(Struct, frozen=True, gc=False):
    """An endpoint as its row says. Times are the database's text, the secret is encrypted."""

    id: UUID
    url: str
    description: str | None
    events: list[str]
    status: EndpointStatus
    disabled_reason: DisabledReason | None
    failing_since: str | None
    previous_secret_until: str | None
    created_at: str
    updated_at: str
    secret: str


class KeptDelivery(Struct, frozen=True, gc=False):
    """A delivery as its row says. Times are the database's text."""

    id: UUID
    number: int
    endpoint_id: UUID
    event_id: UUID
    name: str
    session_id: UUID | None
    position: int | None
    state: DeliveryState
    attempts: int
    next_at: str | None
    last_attempt_at: str | None
    last_status: int | None
    last_error: str | None
    last_ms: int | None
    delivered_at: str | None
    created_at: str


def as_endpoint(kept: KeptEndpoint) -> WebhookEndpoint:
    """The row as the wire shows it."""
    return WebhookEndpoint(*_shown(kept))


def with_secret(kept: KeptEndpoint, secret: str) -> WebhookEndpointWithSecret:
    """The same, with its secret."""
    return WebhookEndpointWithSecret(*_shown(kept), secret)


def as_delivery(kept: KeptDelivery) -> WebhookDelivery:
    """The row as the wire shows it."""
    return WebhookDelivery(
        id=str(kept.id),
        endpoint_id=str(kept.endpoint_id),
        event_id=str(kept.event_id),
        type=kept.name,
        session_id=None if kept.session_id is None else str(kept.session_id),
        sequence=kept.position or 0,
        state=kept.state,
        attempts=kept.attempts,
        next_attempt_at=_time(kept.next_at),
        last_attempt_at=_time(kept.last_attempt_at),
        last_status=kept.last_status,
        last_error=cast("DeliveryError | None", kept.last_error),
        last_duration_ms=kept.last_ms,
        delivered_at=_time(kept.delivered_at),
        created_at=wire_text(kept.created_at),
    )


def _shown(
    kept: KeptEndpoint,
) -> tuple[str, str, str | None, list[str], EndpointStatus, DisabledReason | None, str | None, str | None, str, str]:
    return (
        str(kept.id),
        kept.url,
        kept.description,
        kept.events,
        kept.status,
        kept.disabled_reason,
        _time(kept.failing_since),
        _time(kept.previous_secret_until),
        wire_text(kept.created_at),
        wire_text(kept.updated_at),
    )


def _time(stored: str | None) -> str | None:
    return None if stored is None else wire_text(stored)
