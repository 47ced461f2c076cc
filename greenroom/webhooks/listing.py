"""Lists of webhook endpoints and of deliveries, in pages."""

import struct
from uuid import UUID

import msgspec
from msgspec import UnsetType

from greenroom.identity.caller import Caller
from greenroom.kit.wire import PageLimit, sent
from greenroom.webhooks import queries
from greenroom.webhooks.kept import as_delivery, as_endpoint
from greenroom.webhooks.schemas import DeliveryFilters, DeliveryState, EndpointFilters, WebhookDeliveryList, WebhookEndpointList
from greenroom.webhooks.service import Webhooks, brand_meant, id_in, no_endpoint

NUMBER = struct.Struct(">q")
LATEST = 2**63 - 1


async def endpoints(there: Webhooks, caller: Caller, filters: EndpointFilters) -> WebhookEndpointList:
    """A page of the brand's endpoints, in the order in which they were made. Raises ValidationFailed."""
    brand = brand_meant(caller)
    name = msgspec.json.encode(["webhook endpoints", brand]).decode()
    after = UUID(int=0)
    if not isinstance(filters.cursor, UnsetType):
        after = UUID(bytes=there.cursors.open(filters.cursor, of=name))
    limit = sent(filters.limit) or PageLimit.USUAL
    found = await queries.endpoints(there.db, brand, after=after, most=limit + 1)
    shown = found[:limit]
    return WebhookEndpointList(
        [as_endpoint(kept) for kept in shown],
        None if len(found) <= limit else there.cursors.seal(shown[-1].id.bytes, of=name),
    )


async def deliveries(there: Webhooks, caller: Caller, endpoint_id: str, filters: DeliveryFilters) -> WebhookDeliveryList:
    """A page of an endpoint's deliveries, the latest first. Raises ValidationFailed, NotFound."""
    brand, known_id = brand_meant(caller), id_in(endpoint_id)
    state: DeliveryState | None = sent(filters.state)
    name = msgspec.json.encode(["webhook deliveries", brand, known_id, state]).decode()
    before = LATEST
    if not isinstance(filters.cursor, UnsetType):
        (before,) = NUMBER.unpack(there.cursors.open(filters.cursor, of=name))
    limit = sent(filters.limit) or PageLimit.USUAL
    found = await queries.deliveries(there.db, brand, known_id, state=state, before=before, most=limit + 1)
    if found is None:
        raise no_endpoint()
    shown = found[:limit]
    return WebhookDeliveryList(
        [as_delivery(kept) for kept in shown],
        None if len(found) <= limit else there.cursors.seal(NUMBER.pack(shown[-1].number), of=name),
    )
