"""Processor time of one request inside the worker, without HTTP's own: `python -m bench.in_process`, half a minute.

The least of several rounds: what others do on the machine can only add to it. Decisions quote it before and after a change.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import uvloop

from bench.database import bench_database
from bench.lists import LIST, UPCOMING
from bench.seed import LISTED_BRAND, SESSIONS
from greenroom.app import build
from greenroom.identity.tokens import Signer, new_grant
from greenroom.kit.http.asgi import App
from greenroom.kit.http.rate_limit import RateLimiter
from greenroom.kit.ids import BrandId, ClientId, UserId
from greenroom.kit.telemetry import Traffic
from greenroom.settings import Settings

KEY = "a key that only the benchmark knows about"
ROUNDS, REQUESTS = 8, 800
CONCURRENT = (1, 16, 64)
PLENTY = 10_000_000

Request = Callable[[int], Awaitable[None]]


def main() -> None:
    """Print a line per method and number of concurrent requests."""
    with bench_database() as database:
        settings = Settings(
            database_url=database.service_url,
            secret_keys=(KEY,),
            rate_limit_reads=PLENTY,
            rate_limit_writes=PLENTY,
            rate_limit_address=PLENTY,
        )
        uvloop.run(_measure(settings))


async def _measure(settings: Settings) -> None:
    with Path(os.devnull).open("wb") as nowhere:  # noqa: ASYNC230  # before anything else runs
        app = build(settings, limiter=RateLimiter(), traffic=Traffic(logs=True, out=nowhere))
        state: dict[str, Any] = {}
        inbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        outbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        await inbox.put({"type": "lifespan.startup"})
        life = asyncio.create_task(_live(app, state, inbox, outbox))
        await outbox.get()
        for method in ("GET", "PATCH", "LIST"):
            for concurrent in CONCURRENT:
                spent = [await _round(_request(app, state, method), concurrent) for _ in range(ROUNDS)]
                print(f"{method:6} {concurrent:3} at once  {min(spent) * 1e6:6.0f} µs of processor time each")
        await inbox.put({"type": "lifespan.shutdown"})
        await life


async def _live(app: App, state: dict[str, Any], inbox: "asyncio.Queue[Any]", outbox: "asyncio.Queue[Any]") -> None:
    await app({"type": "lifespan", "asgi": {}, "state": state}, inbox.get, outbox.put)


async def _round(request: Request, concurrent: int) -> float:
    """Seconds of processor time per request."""
    numbers = iter(range(REQUESTS))

    async def client() -> None:
        for number in numbers:
            await request(number)

    before = time.process_time()
    await asyncio.gather(*(client() for _ in range(concurrent)))
    return (time.process_time() - before) / REQUESTS


def _request(app: App, state: dict[str, Any], method: str) -> Request:
    grant = new_grant(
        user=UserId("host_1"),
        brand=BrandId(LISTED_BRAND if method == "LIST" else "acme"),
        scope="read:live write:live",
        client=ClientId("bench"),
        lifetime=timedelta(hours=1),
    )
    headers = [
        (b"host", b"localhost"),
        (b"authorization", f"Bearer {Signer([KEY]).sign(grant)}".encode()),
        (b"content-type", b"application/json"),
    ]

    query = urlencode(UPCOMING).encode() if method == "LIST" else b""

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start" and message["status"] != 200:  # noqa: PLR2004
            raise AssertionError(f"answered {message['status']}")

    async def request(number: int) -> None:
        body = f'{{"title": "T{time.time_ns()}"}}'.encode() if method == "PATCH" else b""
        path = LIST if method == "LIST" else f"/v1/sessions/00000000-0000-7000-8000-{number % SESSIONS + 1:012}"

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        verb = "PATCH" if method == "PATCH" else "GET"
        scope = {"type": "http", "method": verb, "path": path, "root_path": "", "query_string": query}
        await app({**scope, "headers": headers, "client": ("127.0.0.1", 1), "state": state}, receive, send)

    return request


if __name__ == "__main__":
    main()
