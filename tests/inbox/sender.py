"""Signs and sends webhooks by hand, rightly and wrongly."""

import base64
import gzip
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import jwt

from tests.providers.fake.credentials import GETSTREAM_SECRETS, LIVEKIT_KEYS, LIVEKIT_SECRETS

STREAM, LIVEKIT = "/webhooks/stream", "/webhooks/livekit"


class Sender:
    """Sends what it is told to."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def stream(
        self,
        body: bytes,
        *,
        signature: str | None = None,
        secret: str = GETSTREAM_SECRETS[0],
        event_id: str | None = None,
        squeezed: bool = False,
    ) -> httpx.Response:
        """As GetStream: the signature is that of what is squeezed, not of how it looks then."""
        headers = {
            "Content-Type": "application/json",
            "X-Signature": signed(body, secret) if signature is None else signature,
            "X-Webhook-Id": event_id or uuid4().hex,
        }
        if squeezed:
            headers["Content-Encoding"] = "gzip"
        return await self._http.post(STREAM, content=gzip.compress(body) if squeezed else body, headers=headers)

    async def livekit(self, body: bytes, *, token: str | None = None, headers: dict[str, str] | None = None) -> httpx.Response:
        """As LiveKit."""
        named = {"Content-Type": "application/webhook+json", "Authorization": livekit_token(body) if token is None else token}
        return await self._http.post(LIVEKIT, content=body, headers=headers if headers is not None else named)

    async def post(self, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """Just so."""
        return await self._http.post(path, content=body, headers=headers)


def signed(body: bytes, secret: str = GETSTREAM_SECRETS[0]) -> str:
    """GetStream's signature."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def livekit_token(
    body: bytes, *, key: str = LIVEKIT_KEYS[0], secret: str = LIVEKIT_SECRETS[0], lifetime: timedelta = timedelta(minutes=5)
) -> str:
    """LiveKit's token for a body."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    now = datetime.now(UTC)
    return jwt.encode({"iss": key, "nbf": now - timedelta(seconds=5), "exp": now + lifetime, "sha256": digest}, secret, "HS256")


def joined(call: str, *, user: str = "anna", connection: str | None = None, **more: Any) -> bytes:
    """Somebody is in the call."""
    now = datetime.now(UTC).isoformat()
    return json.dumps(
        {
            "type": "call.session_participant_joined",
            "call_cid": f"default:{call}",
            "session_id": f"span-of-{call}",
            "created_at": now,
            "participant": {
                "user": {"id": user, "name": "Anna Person", "image": "https://people.example/anna.png"},
                "user_session_id": connection or uuid4().hex,
                "joined_at": now,
                "role": "user",
            },
            **more,
        }
    ).encode()
