"""What the webhooks that come in say of themselves in the OpenAPI document. Source: contract, /webhooks/stream."""

from greenroom.inbox.schemas import ProviderWebhook, Received
from greenroom.kit.errors import InvalidSignature
from greenroom.kit.http.body import JSON
from greenroom.kit.http.operation import AnswerShape, Operation, Parameter
from greenroom.sessions.operations import SESSION_EXAMPLE

LIVEKIT_JSON = "application/webhook+json"

SIGNATURE = Parameter(
    name="X-Signature",
    location="header",
    description="HMAC-SHA256 of the decompressed body by the app's secret, in hexadecimal.",
    schema={"type": "string"},
)
WEBHOOK_ID = Parameter(
    name="X-Webhook-Id",
    location="header",
    description="The event's id, the same when it is sent again.",
    schema={"type": "string"},
)
AUTHORIZATION = Parameter(
    name="Authorization",
    location="header",
    description="LiveKit's JSON Web Token, whose sha256 is that of the body.",
    schema={"type": "string"},
)


def _webhook(name: str, path: str, *, summary: str, parameters: tuple[Parameter, ...], accepts: tuple[str, ...]) -> Operation:
    return Operation(
        id=name,
        at=f"POST {path}",
        summary=summary,
        tag="webhooks",
        parameters=parameters,
        body=ProviderWebhook,
        accepts=accepts,
        body_example={"type": "call.session_started", "call_cid": f"default:{SESSION_EXAMPLE['id']}"},
        answers={200: AnswerShape(description="Webhook accepted", schema=Received, example={"received": True})},
        raises=(InvalidSignature,),
    )


STREAM_WEBHOOK = _webhook(
    "receiveStreamWebhook",
    "/webhooks/stream",
    summary="Receive GetStream Video lifecycle webhooks (call.session_started, call.session_ended, call.recording_ready)",
    parameters=(SIGNATURE, WEBHOOK_ID),
    accepts=(JSON,),
)
LIVEKIT_WEBHOOK = _webhook(
    "receiveLiveKitWebhook",
    "/webhooks/livekit",
    summary="Receive LiveKit's webhooks (room, participants, egress)",
    parameters=(AUTHORIZATION,),
    accepts=(LIVEKIT_JSON, JSON),
)
