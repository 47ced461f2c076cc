"""What surrounds every request: its id, the limit per address, the log line, the histogram, the last resort.

A plain ASGI middleware: Starlette's BaseHTTPMiddleware costs a task and a stream per request.
"""

import re
import time
import traceback
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import Refusal, internal
from app.limits import Limiter
from app.telemetry import log, observe

_WELL_FORMED = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


class Surroundings:
    """The outermost application; `app` is everything else."""

    def __init__(self, app: ASGIApp, *, addresses: Limiter) -> None:
        self._app = app
        self._addresses = addresses

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
                message["headers"].append((b"x-request-id", request_id.encode()))
            await send(message)

        try:
            self._addresses.take(scope["client"][0])
            await self._app(scope, receive, send_named)
        except Refusal as refusal:
            await refusal.answer()(scope, receive, send_named)
        except Exception:  # noqa: BLE001  # the last resort
            log(event="request_failed", request_id=request_id, error=traceback.format_exc())
            if status == 0:
                await internal().answer()(scope, receive, send_named)
        finally:
            seconds = time.perf_counter() - started
            route = scope.get("route")
            path = route.path if route is not None else "none"
            observe(f"{scope['method']} {path}", status, seconds)
            caller = scope.get("caller")
            log(
                event="request",
                request_id=request_id,
                method=scope["method"],
                route=path,
                status=status,
                duration_ms=round(seconds * 1000, 2),
                client_id=caller and caller.client,
                brand_id=caller and caller.brand,
            )


def _request_id_of(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _WELL_FORMED.fullmatch(value):
            return str(value, "ascii")
    return str(uuid4())
