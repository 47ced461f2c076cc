"""The part of GetStream's API that is asked."""

import gzip
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import jwt
import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.providers.fake import getstream_wire as wire
from tests.providers.fake.credentials import GETSTREAM_KEY, GETSTREAM_SECRETS
from tests.providers.fake.troubles import Bad, Troubles
from tests.providers.fake.webhooks import Post, Webhook
from tests.providers.fake.world import Call, Happening, NotThereError, World, now

NOT_FOUND, INPUT, NO_KEY, NO_TOKEN, FORBIDDEN, LIMITED, INTERNAL = 16, 4, 2, 5, 17, 9, -1

NOTHING_SAID: dict[str, Any] = {"messages": [], "pinned_messages": [], "threads": []}

Handler = Callable[[Request, dict[str, Any]], Awaitable[dict[str, Any]]]


class RefusedError(Exception):
    """An answer that is none."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class GetStreamApi:
    """GetStream's server."""

    def __init__(self, post: Post, troubles: Troubles) -> None:
        self.world = World(self._tell, prefixes=("", "", ""))
        self.channels: dict[str, dict[str, Any]] = {}
        self.secrets: tuple[str, ...] = GETSTREAM_SECRETS
        self.tells_at_most = 250  # of who is inside, in a call
        self._post = post
        self._troubles = troubles

    def routes(self) -> list[Route]:
        """Where it is asked."""
        call = "/api/v2/video/call/{type}/{id}"
        return [
            self._route("POST", call, "get_or_create_call", self._get_or_create),
            self._route("GET", call, "get_call", self._get),
            self._route("PATCH", call, "update_call", self._update),
            self._route("POST", f"{call}/mark_ended", "end_call", self._end),
            self._route("POST", f"{call}/kick", "kick_user", self._kick),
            self._route("POST", f"{call}/participants", "query_call_participants", self._participants),
            self._route("GET", f"{call}/recordings", "list_recordings", self._recordings),
            self._route("POST", "/api/v2/chat/channels/{type}/{id}/query", "get_or_create_channel", self._channel),
        ]

    def _route(self, method: str, path: str, operation: str, handler: Handler) -> Route:
        async def endpoint(request: Request) -> Response:
            bad = await self._troubles.met_by("getstream", operation)
            if bad is not None:
                return _badly(bad)
            try:
                self._check(request)
                body = await request.body()
                answer = await handler(request, msgspec.json.decode(body) if body else {})
            except RefusedError as refused:
                return _error(refused.status, refused.code, str(refused))
            except NotThereError as missing:
                return _error(404, NOT_FOUND, f"{operation} failed with error: {missing}")
            return JSONResponse(wire.in_nanoseconds({"duration": "1.23ms", **answer}))

        return Route(path, endpoint, methods=[method])

    def _check(self, request: Request) -> None:
        """The key, and a server's token: one that names a user may not do what is asked here."""
        if request.query_params.get("api_key") != GETSTREAM_KEY:
            raise RefusedError(401, NO_KEY, "api_key not valid")
        if request.headers.get("stream-auth-type") != "jwt":
            raise RefusedError(401, NO_TOKEN, "stream-auth-type missing or invalid")
        for secret in self.secrets:
            try:
                claims = jwt.decode(request.headers.get("authorization", ""), secret, algorithms=["HS256"])
            except jwt.InvalidTokenError:
                continue
            if "user_id" in claims:
                raise RefusedError(403, FORBIDDEN, "not allowed for users")
            return
        raise RefusedError(401, NO_TOKEN, "signature is not valid")

    def _found(self, request: Request) -> Call:
        found = self.world.call(request.path_params["id"])
        if found.type != request.path_params["type"]:
            raise NotThereError(f"no call of the type {request.path_params['type']}")
        return found

    def _described(self, found: Call, **more: Any) -> dict[str, Any]:
        told = wire.call(found, at_most=self.tells_at_most)
        return {"call": told, "members": [], "own_capabilities": [], **more}

    async def _get_or_create(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        call, data = request.path_params["id"], body.get("data") or {}
        created = call not in self.world.calls
        if created:
            if not (data.get("created_by") or {}).get("id"):
                raise RefusedError(400, INPUT, "either data.created_by or data.created_by_id must be provided")
            mode = ((data.get("settings_override") or {}).get("recording") or {}).get("mode", "available")
            if mode not in {"available", "disabled", "auto-on"}:
                raise RefusedError(400, INPUT, "data.settings_override.recording.mode is invalid")
            self.world.calls[call] = Call(request.path_params["type"], call, records=mode == "auto-on", asked=data)
        return self._described(self._found(request), created=created)

    async def _get(self, request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        return self._described(self._found(request))

    async def _update(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        found = self._found(request)
        found.asked = found.asked | body
        found.updated_at = now()
        return self._described(found)

    async def _end(self, request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        found = self._found(request)
        if found.ended_at is not None:
            raise RefusedError(400, INPUT, "the call has ended already")
        self.world.end(found)
        return {}

    async def _kick(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        found = self._found(request)
        if not body.get("user_id"):
            raise RefusedError(400, INPUT, "user_id is a required field")
        if body.get("block"):
            found.blocked.add(body["user_id"])
        self.world.put_out(found, body["user_id"])
        return {}

    async def _participants(self, request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        found = self._found(request)
        inside = found.open_sitting.inside if found.open_sitting else []
        told = [wire.participant(stay) for stay in inside[: int(request.query_params.get("limit", 25))]]
        return self._described(found, participants=told, total_participants=len(inside))

    async def _recordings(self, request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        return {"recordings": [wire.recording(tape) for tape in self._found(request).tapes if tape.state == "ready"]}

    async def _channel(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        kind, channel = request.path_params["type"], request.path_params["id"]
        data = body.get("data") or {}
        cid = f"{kind}:{channel}"
        if cid not in self.channels and not (data.get("created_by") or {}).get("id"):
            raise RefusedError(400, INPUT, "either data.created_by or data.created_by_id must be provided")
        kept = self.channels.setdefault(
            cid,
            {
                "cid": cid,
                "id": channel,
                "type": kind,
                **data,
                "created_at": now(),
                "updated_at": now(),
                "disabled": False,
                "frozen": False,
            },
        )
        return {
            "channel": {**kept, "created_by": wire.user(kept["created_by"]["id"], "Hedda Host")},
            "members": [],
            **NOTHING_SAID,
        }

    def _tell(self, happening: Happening, found: Call, about: Any) -> None:
        event = wire.event(happening, found, about, at_most=self.tells_at_most)
        body = msgspec.json.encode(wire.in_text(event))
        signature = hmac.new(self.secrets[0].encode(), body, hashlib.sha256).hexdigest()
        webhook, compressed = str(uuid4()), self._post.rules.gzip

        def headers(attempt: int) -> dict[str, str]:
            return {
                "content-type": "application/json",
                "x-signature": signature,
                "x-webhook-id": webhook,
                "x-webhook-attempt": str(attempt),
                "x-api-key": GETSTREAM_KEY,
                **({"content-encoding": "gzip"} if compressed else {}),
            }

        sent = gzip.compress(body) if compressed else body
        self._post.send(Webhook("getstream", webhook, event["type"], sent, headers))


def _badly(bad: Bad) -> Response:
    if bad.status < 400:
        return Response("<html>It works!</html>", media_type="text/html")
    if bad.status == 429:
        answer = _error(429, LIMITED, "Too many requests")
        if bad.retry_after is not None:
            answer.headers["Retry-After"] = bad.retry_after
        return answer
    return _error(bad.status, INTERNAL, "it fails for Hedda Host, as ordered")


def _error(status: int, code: int, message: str) -> Response:
    told = {"code": code, "message": message, "StatusCode": status, "duration": "0.00ms", "more_info": "", "details": []}
    return JSONResponse(told, status)
