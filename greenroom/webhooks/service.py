"""The operations of webhook endpoints: pure decisions around one call of queries."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from msgspec import UNSET, Struct

from greenroom.events.catalogue import EVENTS
from greenroom.identity.caller import Caller
from greenroom.kit.database import Database
from greenroom.kit.errors import AtCapacity, InvalidStatus, NotConfigured, NotFound, ValidationFailed
from greenroom.kit.idempotency import IdempotencyKey, refuse_unless_usable
from greenroom.kit.ids import BrandId, RequestId, new_id, parse_id
from greenroom.kit.pagination import Cursors
from greenroom.kit.telemetry import webhook_endpoints_failing
from greenroom.kit.wire import sent
from greenroom.webhooks import queries
from greenroom.webhooks.addresses import Reach
from greenroom.webhooks.kept import KeptEndpoint, as_delivery, as_endpoint, with_secret
from greenroom.webhooks.queries import Change, Queued
from greenroom.webhooks.schemas import (
    EVENTS_EXPECTED,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEndpointPatch,
    WebhookEndpointRequest,
    WebhookEndpointWithSecret,
)
from greenroom.webhooks.signing import SecretBox, new_secret
from greenroom.webhooks.targets import refuse_unless_target

MOST_ENDPOINTS: Final = 1_000  # of a brand
OVERLAP = timedelta(hours=24)  # in which the secret before signs as well
TEST_NAME: Final = "greenroom.test.v1"
PATIENCE: Final = timedelta(days=3)  # with a delivery: its attempts take some 28 hours, where none has to wait for another
AT_ONCE = 5_000

_NAMES = frozenset(event.name for event in EVENTS)


class Shown(Struct, frozen=True):
    """An endpoint with its secret, and whether the answer is one that was given before."""

    endpoint: WebhookEndpointWithSecret
    replayed: bool


class Planned(Struct, frozen=True):
    """A delivery that is on its way, and whether the answer is one that was given before."""

    delivery: WebhookDelivery
    replayed: bool


class Webhooks(Struct, frozen=True):
    """What the operations need of a process."""

    db: Database
    cursors: Cursors
    box: SecretBox
    reach: Reach


async def create(
    there: Webhooks, caller: Caller, wanted: WebhookEndpointRequest, *, request_id: RequestId, key: IdempotencyKey | None
) -> Shown:
    """Make an endpoint, which is told what happens from now on.

    Raises ValidationFailed, AtCapacity, NotFound (it was made by this key, and deleted since), Conflict,
    IdempotencyKeyPayloadMismatch.
    """
    brand = brand_meant(caller)
    refuse_unless_target(wanted.url, there.reach)
    outcome = await queries.create(
        there.db, brand, caller, id=new_id(), url=wanted.url, description=wanted.description,
        events=subscriptions_in(wanted.events), secret=there.box.close(new_secret()), most=MOST_ENDPOINTS,
        request_id=request_id, key=key,
    )  # fmt: skip
    return _with_secret(there, outcome)


async def endpoint(there: Webhooks, caller: Caller, endpoint_id: str) -> WebhookEndpoint:
    """An endpoint. Raises ValidationFailed, NotFound."""
    return as_endpoint(_found(await queries.endpoint(there.db, brand_meant(caller), id_in(endpoint_id))))


async def change(
    there: Webhooks, caller: Caller, endpoint_id: str, patch: WebhookEndpointPatch, *, request_id: RequestId
) -> WebhookEndpoint:
    """Change an endpoint. Raises ValidationFailed, NotFound."""
    brand = brand_meant(caller)
    if patch.url is not UNSET:
        refuse_unless_target(str(patch.url), there.reach)
    events = sent(patch.events)
    it = Change(
        url=sent(patch.url),
        has_description=patch.description is not UNSET,
        description=sent(patch.description),
        events=None if events is None else subscriptions_in(events),
        status=sent(patch.status),
    )
    outcome = await queries.change(there.db, brand, id_in(endpoint_id), caller, it, request_id=request_id)
    return as_endpoint(_found(outcome.endpoint))


async def delete(there: Webhooks, caller: Caller, endpoint_id: str, *, request_id: RequestId) -> None:
    """Delete an endpoint, and all its deliveries. Raises ValidationFailed, NotFound."""
    brand = brand_meant(caller)
    if await queries.delete(there.db, brand, id_in(endpoint_id), caller, request_id=request_id) == "not_found":
        raise no_endpoint()


async def rotate(
    there: Webhooks, caller: Caller, endpoint_id: str, *, request_id: RequestId, key: IdempotencyKey | None
) -> Shown:
    """Give an endpoint a new secret; the one before signs as well for 24 hours.

    Raises ValidationFailed, NotFound, Conflict, IdempotencyKeyPayloadMismatch.
    """
    outcome = await queries.rotate(
        there.db, brand_meant(caller), id_in(endpoint_id), caller, secret=there.box.close(new_secret()), overlap=OVERLAP,
        request_id=request_id, key=key,
    )  # fmt: skip
    return _with_secret(there, outcome)


async def test(there: Webhooks, caller: Caller, endpoint_id: str, *, key: IdempotencyKey | None) -> Planned:
    """Send an event that says nothing. Raises ValidationFailed, NotFound, InvalidStatus, Conflict, ..."""
    queued = await queries.test(
        there.db, brand_meant(caller), id_in(endpoint_id), delivery=new_id(), event_id=new_id(), name=TEST_NAME, key=key
    )
    return planned_by(queued)


async def redeliver(
    there: Webhooks, caller: Caller, endpoint_id: str, delivery_id: str, *, key: IdempotencyKey | None
) -> Planned:
    """Deliver it again, with all attempts. Raises ValidationFailed, NotFound, InvalidStatus, Conflict, ..."""
    brand = brand_meant(caller)
    return planned_by(await queries.redeliver(there.db, brand, id_in(endpoint_id), id_in(delivery_id), key=key))


async def forget(db: Database, *, age: timedelta) -> None:
    """Forget deliveries that are over and older, and what is left of endpoints that are; give up what is pending for too long.
    Raises Unavailable.
    """
    while await queries.sweep_any_brand(db, most=AT_ONCE, patience=PATIENCE) >= AT_ONCE:
        pass
    while await queries.forget_any_brand(db, most=AT_ONCE, age=age) == AT_ONCE:
        pass


async def measure(db: Database) -> None:
    """Show in the metrics how many endpoints fail. Raises Unavailable."""
    webhook_endpoints_failing.set(await queries.failing_any_brand(db))


def subscriptions_in(events: Sequence[str]) -> list[str]:
    """What an endpoint subscribes to, each once. Raises ValidationFailed for what no event is called."""
    for one in events:
        is_known = any(name.startswith(one) for name in _NAMES) if one.endswith(".") else one == "*" or one in _NAMES
        if not is_known:
            raise ValidationFailed(f"events: expected {EVENTS_EXPECTED}.")
    return list(dict.fromkeys(events))


def planned_by(queued: Queued) -> Planned:
    """The delivery, or the error that the outcome is."""
    refuse_unless_usable(queued.how)
    match queued.how:
        case "not_found":
            raise no_endpoint()
        case "no_delivery":
            raise NotFound("There is no such delivery.")
        case "disabled":
            raise InvalidStatus("The endpoint is disabled: enable it first.")
        case "forgotten":
            raise InvalidStatus("The event of this delivery is no longer kept.")
    if queued.delivery is None:
        raise AssertionError(f"{queued.how} comes with a delivery")
    return Planned(as_delivery(queued.delivery), queued.how == "replayed")


def brand_meant(caller: Caller) -> BrandId:
    """The brand whose endpoints are meant. Raises ValidationFailed where the caller has named none."""
    if caller.brand is None:
        raise ValidationFailed("X-Brand-Id: expected the brand whose webhook endpoints are meant.")
    return caller.brand


def id_in(text: str) -> UUID:
    """The id; for a text that can be none, one that nothing has."""
    return parse_id(text) or UUID(int=0)


def no_endpoint() -> NotFound:
    """What is said of an endpoint that is not there, or is another brand's."""
    return NotFound("There is no such webhook endpoint.")


def _found(kept: KeptEndpoint | None) -> KeptEndpoint:
    if kept is None:
        raise no_endpoint()
    return kept


def _with_secret(there: Webhooks, outcome: queries.Outcome) -> Shown:
    """The endpoint with its secret, also for a repeat: only the database keeps it, encrypted."""
    refuse_unless_usable(outcome.how)
    if outcome.how == "at_capacity":
        raise AtCapacity(f"The brand has {MOST_ENDPOINTS:,} webhook endpoints, as many as it may have.")
    kept = _found(outcome.endpoint)
    secret = there.box.open(kept.secret)
    if secret is None:
        raise NotConfigured("The secret was encrypted with a key that is no longer among the secret keys; rotate it.")
    return Shown(with_secret(kept, secret), outcome.how == "replayed")
