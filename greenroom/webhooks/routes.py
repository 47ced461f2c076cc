"""HTTP of webhook endpoints: read the request, call the service, write the answer."""

from http import HTTPStatus
from typing import cast

from greenroom.identity.request import CallerRequest
from greenroom.kit.http.answer import PRIVATE, REPLAYED, Answer, bare_answer, json_answer
from greenroom.kit.http.body import BodyReader
from greenroom.kit.http.query import QueryReader, next_links
from greenroom.kit.http.routing import performs
from greenroom.webhooks import listing, operations, service
from greenroom.webhooks.schemas import DeliveryFilters, EndpointFilters, WebhookEndpointPatch, WebhookEndpointRequest
from greenroom.webhooks.service import Webhooks

ENDPOINT_REQUEST = BodyReader(WebhookEndpointRequest)
ENDPOINT_PATCH = BodyReader(WebhookEndpointPatch)
ENDPOINT_FILTERS = QueryReader(EndpointFilters)
DELIVERY_FILTERS = QueryReader(DeliveryFilters)
NOT_STORED = (b"cache-control", b"no-store")  # an answer with a secret


@performs(operations.CREATE)
async def create_webhook_endpoint(request: CallerRequest) -> Answer:
    """Tell it what happens from now on. The secret is in no other answer; a repeat by the same key shows it again."""
    wanted = await request.read(ENDPOINT_REQUEST)
    key = await request.idempotency_key(brand=request.caller.brand)
    done = await service.create(_webhooks(request), request.caller, wanted, request_id=request.id, key=key)
    headers = [NOT_STORED, REPLAYED] if done.replayed else [NOT_STORED]
    return json_answer(done.endpoint, status=HTTPStatus.CREATED, headers=headers)


@performs(operations.LIST)
async def list_webhook_endpoints(request: CallerRequest) -> Answer:
    """In the order in which they were made."""
    page = await listing.endpoints(_webhooks(request), request.caller, ENDPOINT_FILTERS.read(request.query))
    return json_answer(page, headers=[PRIVATE, *next_links(request.path, request.query, page.next_cursor)])


@performs(operations.GET)
async def get_webhook_endpoint(request: CallerRequest, endpoint_id: str) -> Answer:
    """All of it but its secret."""
    return json_answer(await service.endpoint(_webhooks(request), request.caller, endpoint_id), headers=[PRIVATE])


@performs(operations.CHANGE)
async def update_webhook_endpoint(request: CallerRequest, endpoint_id: str) -> Answer:
    """What is enabled again is told what happens from then on; what was pending when it was disabled has failed."""
    patch = await request.read(ENDPOINT_PATCH)
    changed = await service.change(_webhooks(request), request.caller, endpoint_id, patch, request_id=request.id)
    return json_answer(changed, headers=[PRIVATE])


@performs(operations.DELETE)
async def delete_webhook_endpoint(request: CallerRequest, endpoint_id: str) -> Answer:
    """What is on its way at this moment may still arrive."""
    await service.delete(_webhooks(request), request.caller, endpoint_id, request_id=request.id)
    return bare_answer(HTTPStatus.NO_CONTENT, [])


@performs(operations.ROTATE)
async def rotate_webhook_secret(request: CallerRequest, endpoint_id: str) -> Answer:
    """For 24 hours each request is signed with both. A repeat by the same key shows the present secret, and rotates nothing."""
    key = await request.idempotency_key(brand=request.caller.brand)
    done = await service.rotate(_webhooks(request), request.caller, endpoint_id, request_id=request.id, key=key)
    return json_answer(done.endpoint, headers=[NOT_STORED, REPLAYED] if done.replayed else [NOT_STORED])


@performs(operations.TEST)
async def test_webhook_endpoint(request: CallerRequest, endpoint_id: str) -> Answer:
    """`greenroom.test.v1`, whatever it subscribes to. The list of deliveries shows what came of it."""
    key = await request.idempotency_key(brand=request.caller.brand)
    done = await service.test(_webhooks(request), request.caller, endpoint_id, key=key)
    return _accepted(done)


@performs(operations.LIST_DELIVERIES)
async def list_webhook_deliveries(request: CallerRequest, endpoint_id: str) -> Answer:
    """The latest first. They are kept for as long as events are."""
    filters = DELIVERY_FILTERS.read(request.query)
    page = await listing.deliveries(_webhooks(request), request.caller, endpoint_id, filters)
    return json_answer(page, headers=[PRIVATE, *next_links(request.path, request.query, page.next_cursor)])


@performs(operations.REDELIVER)
async def redeliver_webhook(request: CallerRequest, endpoint_id: str, delivery_id: str) -> Answer:
    """Whatever came of it so far, with all attempts from the first on."""
    key = await request.idempotency_key(brand=request.caller.brand)
    done = await service.redeliver(_webhooks(request), request.caller, endpoint_id, delivery_id, key=key)
    return _accepted(done)


def _accepted(done: service.Planned) -> Answer:
    headers = [PRIVATE, REPLAYED] if done.replayed else [PRIVATE]
    return json_answer(done.delivery, status=HTTPStatus.ACCEPTED, headers=headers)


def _webhooks(request: CallerRequest) -> Webhooks:
    return cast("Webhooks", request.scope["state"]["webhooks"])


ROUTES = [
    create_webhook_endpoint,
    list_webhook_endpoints,
    get_webhook_endpoint,
    update_webhook_endpoint,
    delete_webhook_endpoint,
    rotate_webhook_secret,
    test_webhook_endpoint,
    list_webhook_deliveries,
    redeliver_webhook,
]
