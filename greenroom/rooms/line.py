"""A browser's connection to the signalling: what it is still to be told, and what it was told of the others."""

import asyncio
from collections import deque
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from greenroom.kit.http.asgi import Send
from greenroom.providers.protocol import CallRole
from greenroom.rooms.queries import Change
from greenroom.rooms.schemas import Out, OutReason, Peer

MOST_WAITING = 1_000  # messages that a browser has not read yet
MOST_OCTETS = 4 * 1024 * 1024  # of them
CLOSING_SECONDS = 5.0

COME_AGAIN: Final = 1012
NOT_THE_PROTOCOL: Final = 1007
TOO_SLOW: Final = 4408
TOO_MUCH: Final = 4429
CODES: Final[dict[OutReason, int]] = {"removed": 4403, "not_joinable": 4404, "replaced": 4409, "ended": 4410, "full": 4413}

_encode = msgspec.json.Encoder().encode


def text_of(message: Struct) -> str:
    """The message as it goes over the wire."""
    return _encode(message).decode()


class Line:
    """One connection. `peer` and `call` are said once it was let in."""

    def __init__(self, role: CallRole) -> None:
        self.role = role
        self.call: UUID | None = None
        self.peer: UUID | None = None
        self.told: dict[UUID, Peer] = {}  # of whom it knows, as it was told last
        self.news = Change()  # of itself, not yet kept
        self.recording: bool | None = None  # whether the room is to be recorded, not yet kept
        self.is_keeping = False
        self.code: int | None = None  # with which it is closed, once it is told what waits
        self._waiting: deque[str] = deque()
        self._octets = 0
        self._woken = asyncio.Event()
        self.over = asyncio.Event()

    def keep_again(self, news: Change, recording: bool | None) -> None:
        """It could not be kept: what was said since is the later word."""
        since = {name: value for name, value in msgspec.structs.asdict(self.news).items() if value is not None}
        self.news = msgspec.structs.replace(news, **since)
        if self.recording is None:
            self.recording = recording

    @property
    def is_over(self) -> bool:
        """Whether it is being closed."""
        return self.code is not None

    def tell(self, text: str) -> None:
        """Say it soon. Who does not read is cut off: nobody waits for them."""
        if self.is_over:
            return
        self._waiting.append(text)
        self._octets += len(text)
        if len(self._waiting) > MOST_WAITING or self._octets > MOST_OCTETS:
            self._waiting.clear()
            self.close(TOO_SLOW)
        self._woken.set()

    def put_out(self, reason: OutReason) -> None:
        """Say why, and close."""
        self.tell(text_of(Out(reason)))
        self.close(CODES[reason])

    def close(self, code: int) -> None:
        """Close it, once what waits has been said."""
        if self.code is None:
            self.code = code
        self.over.set()
        self._woken.set()

    async def write(self, send: Send) -> None:
        """Say what there is to say until it is closed."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._waiting:
                text = self._waiting.popleft()
                self._octets -= len(text)
                await send({"type": "websocket.send", "text": text})
            if self.code is not None:
                await send({"type": "websocket.close", "code": self.code})
                return
