"""What surrounds every request: its id, the limit per address, HEAD, the log line, the histogram, the last resort."""

import re
import time
from typing import Any

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from greenroom.kit.errors import GreenroomError, InternalError, NotFound, RateLimited
from greenroom.kit.http.answer import error_answer
from greenroom.kit.http.rate_limit import RateLimiter, key_of
from greenroom.kit.ids import new_id
from greenroom.kit.telemetry import logger, places_of, request_seconds, requests_limited, requests_under_way

REQUEST_ID = b"x-request-id"
PATH_CHARACTERS = 2048  # no path of ours is longer; the router remembers the paths it has seen

_WELL_FORMED = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})


class Envelope:
    """The outermost application; `app` is everything else."""

    def __init__(self, app: ASGIApp, *, limiter: RateLimiter, address_limit: int) -> None:
        self._app = app
        self._limiter = limiter
        self._address_limit = address_limit
        self._log = logger()
        self._histograms: dict[tuple[str, str, int], Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the server's lifespan."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id_of(scope)
        scope["request_id"] = request_id
        status = 0

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (REQUEST_ID, request_id.encode())]
            await send(message)

        scope = _as_get(scope)
        requests_under_way.inc()
        try:
            self._admit(scope)
            await self._app(scope, receive, send_named)
        except GreenroomError as error:
            await error_answer(error)(scope, receive, send_named)
        except Exception as error:
            self._log.error("request_failed", request_id=request_id, error=places_of(error))
            if status == 0:
                await error_answer(InternalError())(scope, receive, send_named)
        finally:
            requests_under_way.dec()
            self._record(scope, request_id, status, time.perf_counter() - started)

    def _admit(self, scope: Scope) -> None:
        client = scope.get("client")
        if self._address_limit and client:
            wait = self._limiter.take(key_of("address", client[0]), limit=self._address_limit)
            if wait is not None:
                requests_limited.labels("address").inc()
                raise RateLimited(retry_after_ms=wait)
        if len(scope["path"]) > PATH_CHARACTERS:
            raise NotFound

    def _record(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        route = scope.get("path_template") or "none"
        method = scope["method"]
        known = (route, method, status)
        histogram = self._histograms.get(known)
        if histogram is None:
            histogram = self._histograms[known] = request_seconds.labels(route, method, str(status))
        histogram.observe(seconds)
        if route in _QUIET_ROUTES and status < 400:
            return
        caller = scope.get("user")
        self._log.info(
            "request",
            request_id=request_id,
            method=method,
            route=route,
            status=status,
            duration_ms=round(seconds * 1000, 2),
            client_id=caller.client if caller else None,
            brand_id=caller.brand if caller else None,
        )


def _request_id_of(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == REQUEST_ID and _WELL_FORMED.fullmatch(value):
            return str(value, "ascii")
    return str(new_id())


def _as_get(scope: Scope) -> Scope:
    """HEAD is GET without the body (RFC 9110, section 9.3.2), which the server drops by itself."""
    return scope if scope["method"] != "HEAD" else {**scope, "method": "GET"}
