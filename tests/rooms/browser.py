"""A browser as the signalling sees it: what it says, and what it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.tenant import Json

PROTOCOL = "greenroom.room.v1"
PATIENCE_SECONDS = 30.0


class Browser:
    """One connection. `heard` is all that it was told, `peers` whom it knows, as a page would."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.heard: list[Json] = []
        self.peers: dict[str, Json] = {}
        self.room: Json = {}
        self.me = ""
        self.secret = ""
        self.code: int | None = None
        self._changed = asyncio.Condition()
        self._listening = asyncio.create_task(self._listen())

    async def say(self, type: str, **said: Any) -> None:
        """A message of the protocol."""
        await self.connection.send(json.dumps({"type": type, **said}))

    async def until(self, is_true: Callable[[Self], bool]) -> Self:
        """Wait until this is true of what it was told."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
                await self._changed.wait_for(lambda: is_true(self))
        except TimeoutError:
            raise AssertionError(f"that did not happen; heard: {self.heard}, closed: {self.code}") from None
        return self

    async def welcomed(self) -> Self:
        """It was let in."""
        return await self.until(lambda it: bool(it.me))

    async def knows(self, *others: "Browser") -> Self:
        """It knows of exactly these."""
        wanted = {one.me for one in others}
        return await self.until(lambda it: set(it.peers) == wanted)

    async def signalled(self, *, by: "Browser", data: Any) -> Self:
        """It was told this by another."""
        return await self.until(lambda it: {"type": "signal", "from": by.me, "data": data} in it.heard)

    async def closed(self) -> int:
        """With what code."""
        await self.until(lambda it: it.code is not None)
        assert self.code is not None
        return self.code

    async def put_out(self) -> str:
        """Why it is over for it."""
        await self.closed()
        return next((str(one["reason"]) for one in self.heard if one["type"] == "out"), "")

    def cut(self) -> None:
        """The network is gone, and nobody was told."""
        self.connection.transport.abort()

    async def close(self) -> None:
        """Go without a word."""
        await self.connection.close()
        await self._listening

    async def _listen(self) -> None:
        try:
            async for text in self.connection:
                with suppress(RecursionError):  # Python's own reader; browsers' read on
                    self._take(json.loads(text))
                await self._tell()
        except ConnectionClosed:
            pass
        self.code = self.connection.close_code or 1006
        await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _take(self, told: Json) -> None:
        self.heard.append(told)
        match told["type"]:
            case "welcome":
                self.me, self.secret, self.room = told["you"], told["resume"], told["room"]
                self.peers = {one["id"]: one for one in told["peers"]}
            case "room":
                self.room = told["room"]
            case "peer":
                self.peers[told["peer"]["id"]] = told["peer"]
            case "gone":
                del self.peers[told["peer"]]


async def opened(url: str, call: str, token: str, *offered: str) -> Browser:
    """The connection, whatever comes of it. Raises InvalidStatus where the handshake is refused."""
    address = f"{url.replace('http', 'ws', 1)}/v1/live/calls/{call}/signal"
    connection = await connect(address, subprotocols=[PROTOCOL, token, *offered], max_size=None, proxy=None)  # type: ignore[list-item]
    return Browser(connection)


@asynccontextmanager
async def all_closed() -> AsyncIterator[list[Browser]]:
    """Those that are in the list are closed afterwards."""
    those: list[Browser] = []
    try:
        yield those
    finally:
        await asyncio.gather(*(one.close() for one in those))
