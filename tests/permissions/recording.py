"""The application in this process, with every statement that a request sends to the database written down."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any

import httpx
import pytest
from msgspec import Struct

from greenroom.app import build
from greenroom.kit.database import Database
from greenroom.kit.http.asgi import Receive, Scope, Send
from greenroom.kit.http.rate_limit import RateLimiter
from greenroom.kit.telemetry import Traffic
from greenroom.settings import Settings
from tests.postgres import TestDatabase
from tests.server import SECRET_KEY


class Statement(Struct, frozen=True):
    """What was sent to the database."""

    sql: str
    arguments: tuple[Any, ...]


# Of what is done within `recorded`; the application's chores have another context, and are not written down.
_written: ContextVar[list[Statement] | None] = ContextVar("written", default=None)


@contextmanager
def recorded() -> Iterator[list[Statement]]:
    """The statements of the requests made within."""
    written: list[Statement] = []
    token = _written.set(written)
    try:
        yield written
    finally:
        _written.reset(token)


@asynccontextmanager
async def requests_recorded(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application on this database, from its start to its end."""
    for name in ("row", "rows"):
        monkeypatch.setattr(Database, name, _writing(getattr(Database, name)))
    settings = Settings(database_url=database.service_url, secret_keys=(SECRET_KEY,), rate_limit_address=0, rate_limit_admin=0)
    app = build(settings, limiter=RateLimiter(), traffic=Traffic(logs=False, out=io.BytesIO()))
    state: dict[str, Any] = {}
    inbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    outbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    inbox.put_nowait({"type": "lifespan.startup"})
    life = asyncio.ensure_future(app({"type": "lifespan", "asgi": {}, "state": state}, inbox.get, outbox.put))
    await outbox.get()

    async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": state}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(with_state), base_url="http://greenroom.test") as http:
        yield http
    inbox.put_nowait({"type": "lifespan.shutdown"})
    await life


def _writing(method: Any) -> Any:
    async def written(self: Database, sql: str, *arguments: Any) -> Any:
        if (statements := _written.get()) is not None:
            statements.append(Statement(sql, arguments))
        return await method(self, sql, *arguments)

    return written
