"""A connection that takes nothing: what waits for it is bounded, and it is cut."""

import asyncio
from typing import Any

import pytest
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from greenroom.kit.http.rate_limit import RateLimiter
from greenroom.kit.http.sockets import ABORT, MOST_FRAMES, MOST_UNTAKEN, AbortableSocket
from greenroom.rooms import routes
from greenroom.rooms.line import MOST_OCTETS, MOST_WAITING, TOO_SLOW, Line
from greenroom.rooms.routes import Signalling
from greenroom.rooms.schemas import PROTOCOL
from greenroom.rooms.tokens import RoomTokens
from tests.rooms.test_admission import written
from tests.server import SECRET_KEY

CALL = "01a226a0-f046-709b-aee0-92ae5e300ff3"


def test_so_much_waits_for_a_browser_and_no_more() -> None:
    for text, many in (("x", MOST_WAITING), ("x" * 65_536, MOST_OCTETS // 65_536)):
        line = Line("speaker")
        for _ in range(many):
            line.tell(text)
        assert line.code is None
        line.tell(text)
        assert line.code == TOO_SLOW


async def test_what_is_said_is_said_before_it_is_closed_and_the_first_code_holds() -> None:
    line, said = Line("speaker"), []

    async def send(message: Any) -> None:
        said.append(message)

    line.tell("one")
    line.put_out("ended")
    line.close(1012)
    line.tell("two")
    await line.write(send)
    assert [one.get("text") for one in said] == ["one", '{"type":"out","reason":"ended"}', None]
    assert said[-1]["code"] == 4410


class Slow:
    """A switchboard that tells who comes more than they take."""

    def __init__(self) -> None:
        self.lost: list[Line] = []

    async def enter(self, line: Line, *_: object, **__: object) -> None:
        for _number in range(MOST_WAITING + 2):
            line.tell("x")

    async def lose(self, line: Line) -> None:
        self.lost.append(line)


async def test_who_takes_nothing_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "CLOSING_SECONDS", 0.1)
    cut = asyncio.Event()
    switchboard = Slow()
    scope = {
        "type": "websocket",
        "path_params": {"id": CALL},
        "subprotocols": [PROTOCOL, written(CALL)],
        "state": {"switchboard": switchboard},
        ABORT: cut.set,
    }

    async def receive() -> Any:
        if opened:
            await asyncio.Event().wait()
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        opened.append(message)
        if message["type"] != "websocket.accept":
            await asyncio.Event().wait()

    opened: list[Any] = []
    await asyncio.wait_for(Signalling(RoomTokens([SECRET_KEY]), RateLimiter())(scope, receive, send), 30)
    assert cut.is_set()
    assert [line.code for line in switchboard.lost] == [TOO_SLOW]


class Pipe:
    """A transport whose client has so many octets still to take."""

    def __init__(self, untaken: int) -> None:
        self.untaken = untaken
        self.is_cut = False

    def get_write_buffer_size(self) -> int:
        return self.untaken

    def abort(self) -> None:
        self.is_cut = True


@pytest.mark.parametrize(("untaken", "frames", "is_cut"), [
    (MOST_UNTAKEN, MOST_FRAMES, False), (MOST_UNTAKEN + 1, 0, True), (0, MOST_FRAMES + 1, True),
])  # fmt: skip
def test_who_takes_no_pongs_or_says_frames_without_end_is_cut(
    monkeypatch: pytest.MonkeyPatch, untaken: int, frames: int, is_cut: bool
) -> None:
    monkeypatch.setattr(WebSocketsSansIOProtocol, "data_received", lambda _, data: None)  # noqa: ARG005  # its signature
    socket: Any = AbortableSocket.__new__(AbortableSocket)
    socket.transport, socket.frames = Pipe(untaken), [b""] * frames
    socket.data_received(b"")
    assert socket.transport.is_cut is is_cut
