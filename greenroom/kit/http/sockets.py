"""WebSockets (RFC 6455): uvicorn's, of which one that does not read can be cut off, and refusals before the handshake."""

import asyncio
import logging
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from greenroom.kit.errors import GreenroomError
from greenroom.kit.http.asgi import Scope, Send

# The envelope says the same without addresses, and what goes wrong; uvicorn takes a refusal for a fault of ours.
_quiet = logging.getLogger("greenroom.sockets")
_quiet.setLevel(logging.CRITICAL)

MOST_UNTAKEN = 256 * 1024  # octets that wait to be taken by a client, which may be answers to its pings
MOST_FRAMES = 1_000  # of one message
CLOSING_SECONDS = 5.0  # for a client to take the last of it

ABORT = "abort"  # in the scope: cuts the connection, whatever waits to be read


class AbortableSocket(WebSocketsSansIOProtocol):
    """Closing waits until what was written is taken, and so for ever for who takes nothing."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.logger = self.conn.logger = _quiet

    def data_received(self, data: bytes) -> None:
        """What it makes us hold is bounded: pongs, and frames without an octet, are no messages that somebody counts."""
        super().data_received(data)
        if self.transport.get_write_buffer_size() > MOST_UNTAKEN or len(self.frames) > MOST_FRAMES:
            self.transport.abort()

    def keepalive_timeout(self) -> None:
        """Nobody answers: nobody takes what is left to be sent, either."""
        super().keepalive_timeout()
        self.loop.call_later(CLOSING_SECONDS, self.transport.abort)

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        """The application has ended, and with it whatever is not taken soon."""
        super().on_task_complete(task)
        self.loop.call_later(CLOSING_SECONDS, self.transport.abort)

    def handle_connect(self, event: Request) -> None:
        """The application begins after this, with a way to cut the connection."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            scope: Any = self.scope
            scope[ABORT] = self.transport.abort


async def refuse(send: Send, error: GreenroomError) -> None:
    """Answer the handshake with an error in the contract's form: no WebSocket is opened."""
    body = error.body()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        *((name.lower().encode(), value.encode()) for name, value in error.headers.items()),
    ]
    await send({"type": "websocket.http.response.start", "status": error.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


def subprotocols_of(scope: Scope) -> list[str]:
    """What the client offers (RFC 6455, section 1.9)."""
    return [str(one) for one in scope["subprotocols"]]
