"""The WebSocket of a call's signalling: a token opens it, what comes is bounded. docs/room-signalling.md."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, cast

import msgspec
from starlette.routing import WebSocketRoute
from uvicorn.protocols.utils import ClientDisconnected

from greenroom.kit.errors import InvalidToken, RateLimited, Unauthenticated, Unavailable
from greenroom.kit.http.asgi import Receive, Scope, Send
from greenroom.kit.http.rate_limit import RateLimiter, key_of
from greenroom.kit.http.sockets import ABORT, subprotocols_of
from greenroom.kit.ids import parse_id
from greenroom.kit.telemetry import logger, places_of, requests_limited
from greenroom.rooms.line import CLOSING_SECONDS, NOT_THE_PROTOCOL, TOO_MUCH, Line
from greenroom.rooms.schemas import PROTOCOL, Said
from greenroom.rooms.switchboard import Switchboard
from greenroom.rooms.tokens import RoomToken, RoomTokens

PATH = "/v1/live/calls/{id}/signal"
RESUME = "resume."
REPLACE = "replace."
TRY_AGAIN_LATER = 1013
NO_TEXT = 1003
# Who comes into a full room describes itself to each, with candidates.
MESSAGES = (600.0, 60.0)  # at once, and a second
OCTETS = (1024.0 * 1024, 128.0 * 1024)
ENTRIES = 60  # of one person into one call, a minute

_said_in = msgspec.json.Decoder(Said).decode


class Allowance:
    """How much may be said: so much at once, and from then on so much a second."""

    def __init__(self, amount: tuple[float, float], clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._per_second = amount
        self._clock = clock
        self._left = self._most
        self._at = clock()

    def take(self, amount: float) -> bool:
        """Whether so much more is within it."""
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._at) * self._per_second) - amount
        self._at = now
        return self._left >= 0


class Signalling:
    """The endpoint (ASGI)."""

    def __init__(self, tokens: RoomTokens, limiter: RateLimiter) -> None:
        self._tokens = tokens
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One browser, until its connection ends. Raises Unauthenticated, InvalidToken, RateLimited before that."""
        scope["path_template"] = PATH
        offered = subprotocols_of(scope)
        token = self._token_in(offered, scope["path_params"]["id"])
        wait = self._limiter.take(key_of("room", str(token.call), token.sub), limit=ENTRIES)
        if wait is not None:
            requests_limited.labels("room").inc()
            raise RateLimited(retry_after_ms=wait)
        await receive()  # the handshake's own
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
        line = Line(token.role)
        switchboard = cast("Switchboard", scope["state"]["switchboard"])
        writing = asyncio.create_task(_written(line, send))
        reading = asyncio.create_task(_read(line, receive, switchboard))
        over = asyncio.create_task(line.over.wait())
        try:
            await _enter(switchboard, line, token, offered)
            await asyncio.wait({reading, writing, over}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await switchboard.lose(line)
            if line.is_over:  # what waits is said, to who reads it
                await asyncio.wait({writing}, timeout=CLOSING_SECONDS)
                if not writing.done():
                    scope[ABORT]()
            for task in (reading, writing, over):
                task.cancel()
            await asyncio.gather(reading, writing, over, return_exceptions=True)

    def _token_in(self, offered: Sequence[str], call: str) -> RoomToken:
        """Raises Unauthenticated, InvalidToken."""
        if len(offered) < 2 or offered[0] != PROTOCOL:  # noqa: PLR2004  # the protocol and the token
            raise Unauthenticated
        token = self._tokens.read(offered[1])
        if token.call != parse_id(call):
            raise InvalidToken
        return token


async def _enter(switchboard: Switchboard, line: Line, token: RoomToken, offered: Sequence[str]) -> None:
    try:
        await switchboard.enter(line, token, resumed=_after(RESUME, offered), replaced=_after(REPLACE, offered))
    except Unavailable:
        line.close(TRY_AGAIN_LATER)


async def _written(line: Line, send: Send) -> None:
    with suppress(ClientDisconnected):
        await line.write(send)


async def _read(line: Line, receive: Receive, switchboard: Switchboard) -> None:
    """Until the connection is gone. What cannot be read ends it."""
    messages, octets = Allowance(MESSAGES), Allowance(OCTETS)
    while True:
        message: Any = await receive()
        if message["type"] == "websocket.disconnect":
            return
        if line.is_over:
            continue
        text = message.get("text")
        if text is None:
            line.close(NO_TEXT)
        elif not (messages.take(1) and octets.take(len(text))):
            line.close(TOO_MUCH)
        else:
            try:
                said = _said_in(text)
            except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
                line.close(NOT_THE_PROTOCOL)
                continue
            try:
                await switchboard.hear(line, said)
            except Exception as error:  # noqa: BLE001  # whatever it is, it ends this connection alone
                logger().error("signal_failed", error=places_of(error))
                line.close(NOT_THE_PROTOCOL)


def _after(prefix: str, offered: Sequence[str]) -> str | None:
    """The secret that is offered with this prefix."""
    return next((one.removeprefix(prefix) for one in offered[2:] if one.startswith(prefix)), None)


def signalling(tokens: RoomTokens, limiter: RateLimiter) -> WebSocketRoute:
    """Where it is found."""
    return WebSocketRoute(PATH, cast("Any", Signalling(tokens, limiter)))
