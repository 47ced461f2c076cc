"""Requests that are due at moments of their own, over many connections: a client that is thin, and knows when each was due.

wrk cannot do that: it sends as soon as it was answered. A latency here counts from when the request was due, so that one that
had to wait for its connection has waited.
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import Sequence
from typing import cast

import uvloop
from msgspec import Struct

from bench.contenders import Running
from bench.tools import BenchError

LONGEST_SECONDS = 60.0
SOON_SECONDS = 0.2  # until the first is due: every connection is open then

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class Answered(Struct, frozen=True):
    """The statuses and latencies in milliseconds, in the order of the requests. Of the client: how late it was in sending, at
    p99, and how much of a core it took.
    """

    statuses: list[int]
    milliseconds: list[float]
    seconds: float
    late_ms: float
    client_core: float

    @property
    def per_second(self) -> float:
        """Answers, from when the first was due to the last."""
        return len(self.statuses) / self.seconds

    def at(self, share: float) -> float:
        """The latency that this share of all answers did not pass."""
        return sorted(self.milliseconds)[min(len(self.milliseconds) - 1, int(share * len(self.milliseconds)))]

    def count(self, *statuses: int) -> int:
        """How many were answered so."""
        return sum(status in statuses for status in self.statuses)


def arrive(server: Running, requests: Sequence[bytes], *, connections: int, seconds: float) -> Answered:
    """Send them evenly over so many seconds, each over the next connection in turn; with 0 seconds each connection sends its
    next request when it was answered. Raises BenchError unless each was answered.
    """
    return uvloop.run(_arrive(server, requests, connections=connections, seconds=seconds))


class _Wire(asyncio.Protocol):
    """One connection, and what is to be sent over it, each with the moment at which it is due; None is at once."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ahead: deque[tuple[int, bytes, float | None]] = deque()
        self._received = b""
        self._asked_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.answers: dict[int, tuple[int, float]] = {}
        self.late: list[float] = []
        self.done: asyncio.Future[None] = loop.create_future()

    def add(self, number: int, octets: bytes, due: float | None) -> None:
        """One more."""
        self._ahead.append((number, octets, due))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods alone

    def begin(self, at: float) -> None:
        """The first request waits for its moment, or for this one."""
        self._plan(self._ahead[0][2] or at)

    def data_received(self, data: bytes) -> None:
        """A part of an answer."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r\n")
        if not found or length is None or len(body) < int(length[1]):
            return
        number, _, _ = self._ahead.popleft()
        self.answers[number] = (int(head[9:12]), (self._loop.time() - self._asked_at) * 1000)
        self._received = b""
        if not self._ahead:
            self.done.set_result(None)
        elif (due := self._ahead[0][2]) is None or due <= self._loop.time():
            self._send()
        else:
            self._plan(due)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed; too early when there is something to send."""
        if not self.done.done():
            self.done.set_exception(exc or ConnectionResetError("the server hung up"))

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def _plan(self, at: float) -> None:
        self._loop.call_at(at, self._send_planned, at)

    def _send_planned(self, at: float) -> None:
        self.late.append(self._loop.time() - at)
        self._send()

    def _send(self) -> None:
        _, octets, due = self._ahead[0]
        self._asked_at = due or self._loop.time()
        if self._transport is not None:  # it was opened before anything is due
            self._transport.write(octets)


async def _arrive(server: Running, requests: Sequence[bytes], *, connections: int, seconds: float) -> Answered:
    loop = asyncio.get_running_loop()
    wires = [(await loop.create_connection(lambda: _Wire(loop), "127.0.0.1", server.port))[1] for _ in range(connections)]
    begins_at = loop.time() + SOON_SECONDS
    for number, octets in enumerate(requests):
        due = begins_at + number * seconds / len(requests) if seconds else None
        wires[number % connections].add(number, octets, due)
    for wire in wires:
        wire.begin(begins_at)
    cpu = time.process_time()
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            await asyncio.gather(*(wire.done for wire in wires))
    except (OSError, TimeoutError) as error:
        raise BenchError(f"{server.contender.title}: not everybody was answered: {error or 'too slow'}") from error
    spent = loop.time() - begins_at
    for wire in wires:
        wire.close()
    answers = {number: answer for wire in wires for number, answer in wire.answers.items()}
    late = sorted(moment for wire in wires for moment in wire.late)
    return Answered(
        statuses=[answers[number][0] for number in range(len(requests))],
        milliseconds=[answers[number][1] for number in range(len(requests))],
        seconds=spent,
        late_ms=late[int(0.99 * len(late))] * 1000,
        client_core=(time.process_time() - cpu) / spent,
    )
