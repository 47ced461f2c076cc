"""The wire of webhook endpoints and their deliveries."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from greenroom.sessions.schemas import Cursor, Limit, WireTime, said
from greenroom.webhooks.targets import CHARACTERS, EXPECTED, URL_PATTERN

EndpointStatus = Literal["enabled", "disabled"]
DisabledReason = Literal["requested", "failing", "gone"]
DeliveryState = Literal["pending", "delivered", "failed"]
DeliveryError = Literal[
    "status",
    "redirect",
    "gone",
    "timeout",
    "address_refused",
    "host_not_found",
    "connection_refused",
    "connection_lost",
    "tls",
    "secret_unreadable",
    "event_forgotten",
    "endpoint_disabled",
    "given_up",
]

DESCRIPTION_CHARACTERS = 500
MOST_SUBSCRIPTIONS = 50
EVERYTHING = ["*"]
SUBSCRIPTION_PATTERN = r"^(\*|(live|comms)\.([a-z_]+\.)?|(live|comms)\.[a-z_]+\.[a-z_]+\.(v[0-9]+)?)$"
EVENTS_EXPECTED = (
    f"1 to {MOST_SUBSCRIPTIONS} of: an event's name, a prefix of names that ends in a dot such as live.session., "
    "or * for every event"
)

Url = Annotated[
    str,
    Meta(min_length=1, max_length=CHARACTERS, pattern=URL_PATTERN, description=EXPECTED, extra_json_schema={"format": "uri"}),
]
Description = Annotated[
    str, Meta(max_length=DESCRIPTION_CHARACTERS, description=f"a string of at most {DESCRIPTION_CHARACTERS} characters or null")
]
Subscription = Annotated[str, Meta(max_length=200, pattern=SUBSCRIPTION_PATTERN)]
Subscriptions = Annotated[list[Subscription], Meta(min_length=1, max_length=MOST_SUBSCRIPTIONS, description=EVENTS_EXPECTED)]
StatusField = Annotated[EndpointStatus, Meta(description="enabled or disabled")]
StateField = Annotated[DeliveryState, Meta(description="pending, delivered or failed")]
IdField = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]


class WebhookEndpointRequest(Struct, frozen=True, kw_only=True):
    """An endpoint to tell events to."""

    url: Url
    description: Description | None = None
    events: Annotated[Subscriptions, Meta(extra_json_schema={"default": EVERYTHING})] = field(default_factory=EVERYTHING.copy)


class WebhookEndpointPatch(Struct, frozen=True, kw_only=True):
    """What to change. A field that is absent stays as it is."""

    url: Url | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    events: Subscriptions | UnsetType = UNSET
    status: StatusField | UnsetType = UNSET


class WebhookEndpoint(Struct, frozen=True, gc=False):
    """An endpoint."""

    id: IdField
    url: str
    description: str | None
    events: list[str]
    status: EndpointStatus
    disabled_reason: Annotated[
        DisabledReason | None,
        Meta(description="Somebody asked for it; it has failed for five days; or it answered 410."),
    ]
    failing_since: Annotated[WireTime | None, Meta(description="When it first failed after its last success.")]
    previous_secret_until: Annotated[WireTime | None, Meta(description="Until when the secret before signs as well.")]
    created_at: WireTime
    updated_at: WireTime


class WebhookEndpointWithSecret(WebhookEndpoint, frozen=True, gc=False):
    """An endpoint and its secret, which no other answer shows."""

    secret: Annotated[str, Meta(description="`whsec_` and 32 octets in base64 (Standard Webhooks).")]


class WebhookEndpointList(Struct, frozen=True):
    """A page of a brand's endpoints; `next_cursor` begins the next one, and is null on the last."""

    webhook_endpoints: list[WebhookEndpoint]
    next_cursor: str | None


class WebhookDelivery(Struct, frozen=True, gc=False):
    """An event for an endpoint, and what has come of it."""

    id: IdField
    endpoint_id: IdField
    event_id: Annotated[IdField, Meta(description="The `webhook-id` of every attempt.")]
    type: str
    session_id: IdField | None
    sequence: Annotated[int, Meta(ge=0, description="It rises with the events of a session; 0 for a test.")]
    state: DeliveryState
    attempts: Annotated[int, Meta(ge=0)]
    next_attempt_at: WireTime | None
    last_attempt_at: WireTime | None
    last_status: Annotated[int | None, Meta(description="The status of the last answer; null where there was none.")]
    last_error: Annotated[DeliveryError | None, Meta(description="Why the last attempt failed.")]
    last_duration_ms: int | None
    delivered_at: WireTime | None
    created_at: WireTime


class WebhookDeliveryList(Struct, frozen=True):
    """A page of an endpoint's deliveries, the latest first; `next_cursor` begins the next one, and is null on the last."""

    deliveries: list[WebhookDelivery]
    next_cursor: str | None


class EndpointFilters(Struct, frozen=True, kw_only=True):
    """Which endpoints to list."""

    cursor: Annotated[Cursor, said("The next_cursor of the page before.")] | UnsetType = UNSET
    limit: (
        Annotated[Limit, said("How many endpoints a page may have: 20 when absent, 100 when larger than that.")] | UnsetType
    ) = UNSET


class DeliveryFilters(Struct, frozen=True, kw_only=True):
    """Which deliveries to list."""

    state: Annotated[StateField, said("In this state.")] | UnsetType = UNSET
    cursor: Annotated[Cursor, said("The next_cursor of the page before; state must be that of that page.")] | UnsetType = UNSET
    limit: (
        Annotated[Limit, said("How many deliveries a page may have: 20 when absent, 100 when larger than that.")] | UnsetType
    ) = UNSET
