"""HTTP of webhooks that come in: no token, but a signature over the body."""

from typing import cast

from greenroom.inbox import operations
from greenroom.inbox.schemas import Received
from greenroom.inbox.service import BODY_OCTETS, Inbox
from greenroom.kit.http.answer import Answer, json_answer
from greenroom.kit.http.request import ApiRequest
from greenroom.kit.http.routing import performs
from greenroom.providers.registry import WebhookSource


@performs(operations.STREAM_WEBHOOK)
async def receive_stream_webhook(request: ApiRequest) -> Answer:
    """GetStream tells. Source: contract, POST /webhooks/stream."""
    return await _received(request, "getstream")


@performs(operations.LIVEKIT_WEBHOOK)
async def receive_livekit_webhook(request: ApiRequest) -> Answer:
    """LiveKit tells."""
    return await _received(request, "livekit")


async def _received(request: ApiRequest, source: WebhookSource) -> Answer:
    body = await request.bounded_body(BODY_OCTETS)
    headers = {str(name, "latin-1"): str(value, "latin-1") for name, value in request.scope["headers"]}
    inbox = cast("Inbox", request.scope["state"]["inbox"])
    await inbox.receive(source, body, headers)
    return json_answer(Received(received=True))


ROUTES = [receive_stream_webhook, receive_livekit_webhook]
