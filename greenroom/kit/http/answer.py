"""An answer: one body, encoded once; an ASGI application."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec

from greenroom.kit.errors import GreenroomError
from greenroom.kit.http.asgi import Receive, Scope, Send
from greenroom.kit.telemetry import logger, places_of

Headers = list[tuple[bytes, bytes]]

PRIVATE = (b"cache-control", b"private, no-cache")  # a caller's own view: kept by the caller alone, asked for anew
REPLAYED = (b"idempotency-replayed", b"true")
JSON_TYPE = (b"content-type", b"application/json")

_encode = msgspec.json.Encoder().encode


class Answer:
    """Status, headers and body, ready to send."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, body: bytes, *, status: int, headers: Headers) -> None:
        self.body = body
        self.status = status
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # ASGI
        """Send it (ASGI)."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


class StreamedAnswer(Answer):
    """An answer whose body is made while it is sent: of unknown length, and never whole in memory.

    What goes wrong after its first octet can only be told by cutting the connection before its end.
    """

    __slots__ = ("_chunks",)

    def __init__(self, chunks: AsyncIterator[bytes], *, headers: Headers, status: int = 200) -> None:
        super().__init__(b"", status=status, headers=headers)
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it (ASGI), as fast as the client reads, and no further once the client is gone."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        gone = asyncio.create_task(_gone(receive))
        try:
            async for chunk in self._chunks:
                if gone.done():
                    return
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except Exception as error:  # noqa: BLE001  # whatever it is, there is no status left to say it with
            logger().error("answer_cut_short", request_id=scope["request_id"], error=places_of(error))
            return
        finally:
            gone.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class PushedAnswer(Answer):
    """An answer that never ends by itself: its connection is given to a protocol that writes to it, and the request is over.

    A connection that waits for years then costs no task and no request, only itself. docs/decisions/0027.
    """

    __slots__ = ("_begin", "_to")

    def __init__(self, to: asyncio.Protocol, begin: Callable[[], Awaitable[None]], *, headers: Headers) -> None:
        super().__init__(b"", status=200, headers=headers)
        self._to = to
        self._begin = begin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # ASGI
        """Send the head (ASGI), give the connection away, and begin."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        if scope["connection"].hand_over(self._to):
            await self._begin()
        else:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    """Return when the client has hung up; what is left of its request comes first."""
    while (await receive())["type"] != "http.disconnect":
        pass


def length_of(body: bytes) -> tuple[bytes, bytes]:
    """The Content-Length header of a body."""
    return b"content-length", b"%d" % len(body)


def json_answer(body: Any, *, status: int = 200, headers: Headers | None = None) -> Answer:
    """A Struct as JSON."""
    encoded = _encode(body)
    return Answer(encoded, status=status, headers=[JSON_TYPE, length_of(encoded), *(headers or ())])


def bare_answer(status: int, headers: Headers) -> Answer:
    """An answer that has no body: 204 or 304."""
    return Answer(b"", status=status, headers=headers)


def error_answer(error: GreenroomError) -> Answer:
    """The error in the contract's form."""
    body = error.body()
    named = [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    return Answer(body, status=error.status, headers=[JSON_TYPE, length_of(body), *named])
