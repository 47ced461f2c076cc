"""The connection: uvicorn's, with its errors in the contract's form, one system call per answer, and bounded patience."""

import asyncio
import time
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from greenroom.kit.errors import ValidationFailed


class Corked:
    """A transport that sends what is written in one turn of the loop in one system call: an answer's head and body."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._call_soon = loop.call_soon
        self._held: list[bytes] = []

    @property
    def uncorked(self) -> asyncio.Transport:
        """The transport itself, once what is held has been sent."""
        self.flush()
        return self._transport

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transport's own."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Hold it until the turn ends."""
        if not self._held:
            self._call_soon(self.flush)
        self._held.append(data)

    def flush(self) -> None:
        """Send what is held."""
        if self._held:
            held, self._held = self._held, []
            self._transport.write(b"".join(held))

    def close(self) -> None:
        """Send what is held, then close."""
        self.flush()
        self._transport.close()


class PatientProtocol(HttpToolsProtocol):
    """Cuts off a client whose request takes longer to arrive than `request_seconds`.

    One timer per connection, not per request: it looks whether a request has been awaited too long, and sleeps again.
    """

    request_seconds: ClassVar[float] = 30.0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._awaited_since: float | None = None
        self._watch: asyncio.TimerHandle | None = None

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of a request. An answer may ask for the connection itself, see hand_over()."""
        super().on_message_begin()
        self._awaited_since = time.monotonic()
        self.scope["connection"] = self  # type: ignore[typeddict-unknown-key]  # of ours, and nobody else's

    def hand_over(self, to: asyncio.Protocol) -> bool:
        """Give the connection away in the middle of an answer, which ends for us, as uvicorn does for WebSockets.

        False where that cannot be: the client is gone, wants no body, or has sent another request already.
        """
        cycle = self.cycle
        if self.pipeline or cycle.disconnected or cycle.scope["method"] == "HEAD":
            return False
        del self.scope["connection"]  # type: ignore[typeddict-item]  # else only the garbage collector would find us
        cycle.disconnected = True  # for uvicorn: then an answer that does not end is no fault
        self.connections.discard(self)
        if self._watch is not None:
            self._watch.cancel()
        transport = cast("Corked", self.transport).uncorked
        self.flow.resume_reading()
        transport.set_protocol(to)
        to.connection_made(transport)
        return True

    def handle_websocket_upgrade(self) -> None:
        """Give the connection to a WebSocket: whose request has come is not waited for."""
        if self._watch is not None:
            self._watch.cancel()
        self.scope.pop("connection", None)  # type: ignore[typeddict-item]  # else only the garbage collector would find us
        self.transport = cast("Corked", self.transport).uncorked
        super().handle_websocket_upgrade()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn itself
        """Begin to wait for the first request."""
        super().connection_made(cast("asyncio.Transport", Corked(transport, self.loop)))
        self._awaited_since = time.monotonic()
        self._look_again_in(self.request_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for."""
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def on_message_complete(self) -> None:
        """The request is here: how long its answer takes is our affair."""
        self._awaited_since = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's words, for which we have our own
        """What came is no HTTP."""
        body = ValidationFailed("The request is not HTTP that can be read.").body()
        self.transport.write(
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(body), body)
        )
        self.transport.close()

    def _look_again_in(self, seconds: float) -> None:
        self._watch = self.loop.call_later(seconds, self._look)

    def _look(self) -> None:
        waited = 0.0 if self._awaited_since is None else time.monotonic() - self._awaited_since
        if waited >= self.request_seconds:
            self.transport.close()
        else:
            self._look_again_in(self.request_seconds - waited)
