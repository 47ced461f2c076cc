"""What surrounds every request: its id, HEAD, the histogram and the log line; and inside of it, every refusal's answer."""

import re
import time
from collections.abc import Callable
from http import HTTPStatus

from greenroom.kit.errors import GreenroomError, InternalError, NotFound, RateLimited
from greenroom.kit.http.answer import Answer
from greenroom.kit.http.asgi import App, Message, Receive, Scope, Send
from greenroom.kit.http.rate_limit import RateLimiter, key_of
from greenroom.kit.http.sockets import refuse
from greenroom.kit.ids import new_request_id
from greenroom.kit.recording_links import request_of
from greenroom.kit.telemetry import Traffic, logger, places_of, requests_limited

REQUEST_ID = b"x-request-id"
PATH_CHARACTERS = 2048  # no path of ours is longer
NO_ROUTE = "none"
WEBHOOKS = "/webhooks/"

_WELL_FORMED = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})


class Envelope:
    """The outermost application: names the request, and says afterwards how it went."""

    def __init__(self, app: App, *, traffic: Traffic) -> None:
        self._app = app
        self._traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, a WebSocket, or the server's lifespan."""
        if scope["type"] == "websocket":
            await self._open(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        if scope["method"] == "HEAD":  # GET without the body (RFC 9110, section 9.3.2), which the server drops by itself
            scope = {**scope, "method": "GET", "is_head": True}
        request_id = scope["request_id"] = _request_id_of(scope)
        request_of.set(scope)
        status = 0

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((REQUEST_ID, request_id.encode()))
            await send(message)

        self._traffic.under_way += 1
        try:
            await self._app(scope, receive, send_named)
        finally:
            self._traffic.under_way -= 1
            self._record(scope, request_id, status, time.perf_counter() - started)

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket: a line when it ends, and no histogram, for it lasts as long as its client likes."""
        started = time.perf_counter()
        request_id = scope["request_id"] = _request_id_of(scope)
        status = 0

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "websocket.accept":
                status = HTTPStatus.SWITCHING_PROTOCOLS
            elif message["type"] == "websocket.http.response.start":
                status = message["status"]
                message["headers"].append((REQUEST_ID, request_id.encode()))
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        finally:
            self._log(scope, request_id, "GET", status, time.perf_counter() - started)

    def _record(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        route = scope.get("path_template", NO_ROUTE)
        self._traffic.observe(route, scope["method"], status, seconds)
        if route not in _QUIET_ROUTES or status >= HTTPStatus.BAD_REQUEST:
            self._log(scope, request_id, scope["method"], status, seconds)

    def _log(self, scope: Scope, request_id: str, method: str, status: int, seconds: float) -> None:
        caller = scope.get("user")
        self._traffic.log(
            request_id=request_id,
            method=method,
            route=scope.get("path_template", NO_ROUTE),
            status=status,
            seconds=seconds,
            client_id=None if caller is None else caller.client,
            brand_id=None if caller is None else caller.brand,
        )


class Refusals:
    """Every error as an answer, also the one that nobody foresaw; and the limit per address. `answer_of`: in which form."""

    def __init__(
        self,
        app: App,
        *,
        limiter: RateLimiter,
        address_limit: int,
        webhook_limit: int,
        answer_of: Callable[[Scope, GreenroomError], Answer],
    ) -> None:
        self._app = app
        self._answer_of = answer_of
        self._limiter = limiter
        self._address_limit = address_limit
        self._webhook_limit = webhook_limit
        self._log = logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or say why not."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        try:
            self._admit(scope)
            await self._app(scope, receive, send)
        except GreenroomError as error:
            if scope["type"] == "websocket":
                await refuse(send, error)
                return
            await self._answer_of(scope, error)(scope, receive, send)
        except Exception as error:  # noqa: BLE001  # the last resort: whatever it is becomes a 500 and a log line
            self._log.error("request_failed", request_id=scope["request_id"], error=places_of(error))
            if scope["type"] == "websocket":
                await refuse(send, InternalError())
                return
            await self._answer_of(scope, InternalError())(scope, receive, send)

    def _admit(self, scope: Scope) -> None:
        client = scope.get("client")
        # A provider speaks for everybody in its calls, from a few addresses.
        is_webhook = scope["path"].startswith(WEBHOOKS)
        kind, limit = ("webhooks", self._webhook_limit) if is_webhook else ("address", self._address_limit)
        if limit and client:
            wait = self._limiter.take(key_of(kind, client[0]), limit=limit)
            if wait is not None:
                requests_limited.labels(kind).inc()
                raise RateLimited(retry_after_ms=wait)
        if len(scope["path"]) > PATH_CHARACTERS:
            raise NotFound


def _request_id_of(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == REQUEST_ID and _WELL_FORMED.fullmatch(value):
            return str(value, "ascii")
    return new_request_id()
