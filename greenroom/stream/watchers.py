"""Connections that watch, each of one person: as little of each as can be, for there are thousands."""

import asyncio
from typing import TYPE_CHECKING, cast
from uuid import UUID

from msgspec import Struct

from greenroom.kit.ids import UserId
from greenroom.stream.frames import Audience

if TYPE_CHECKING:
    from greenroom.stream.channel import Channel

LAST_CHUNK = b"0\r\n\r\n"
COMMENT = b":\n\n"
TAKEN_SECONDS = 0.2  # for which a frame may wait to be taken: less than there is between two
PATIENCE = 30.0  # seconds, with a client that does not read


class Pass(Struct, frozen=True, gc=False):
    """With what somebody came in, to be looked at again: a token, or a ticket that was made for the holder of one."""

    token: str | None
    token_id: UUID | None
    manages: bool


class Watcher(asyncio.Protocol):
    """A connection. What is written to it is whole chunks, or nothing: who does not read gets a snapshot later."""

    __slots__ = (
        "behind_since",
        "channel",
        "checked_at",
        "ends_at",
        "is_moderator",
        "is_stale",
        "transport",
        "user",
        "way_in",
        "written_at",
    )

    def __init__(self, channel: "Channel", user: UserId, way_in: Pass, *, is_moderator: bool, ends_at: float) -> None:
        self.channel = channel
        self.user = user
        self.way_in = way_in
        self.is_moderator = is_moderator
        self.is_stale = False  # while it begins: what it is about to be told is no longer true
        self.ends_at = ends_at
        self.checked_at = 0.0
        self.behind_since: float | None = None
        self.transport: asyncio.Transport | None = None
        self.written_at = 0.0  # since when something may wait to be taken

    @property
    def audience(self) -> Audience:
        """Whose frames it gets."""
        return "moderators" if self.is_moderator else "everybody"

    @property
    def is_ready(self) -> bool:
        """Whether all that was written to it has been taken."""
        return self.transport is not None and not self.transport.get_write_buffer_size()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is ours."""
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # however it came about
        """The client has gone, or was sent away."""
        self.transport = None
        self.channel.leave(self)

    def write(self, chunk: bytes, *, now: float) -> None:
        """Write a chunk; a client that has not taken the last one is left behind, and nothing more waits for it here.

        What was written in this very moment is only given to the kernel when the event loop comes to it.
        """
        if self.transport is None or self.behind_since is not None:
            return
        if not self.transport.get_write_buffer_size():
            self.written_at = now
        elif now - self.written_at > TAKEN_SECONDS:
            self.behind_since = now
            self.channel.behind.add(self)
            return
        self.transport.write(chunk)

    def end(self) -> None:
        """End the answer, so that the client comes again; one that does not read would not come to the end, and is cut off."""
        if self.transport is None:
            return
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.write(LAST_CHUNK)
            self.transport.close()

    def drop(self) -> None:
        """Cut off who does not read."""
        if self.transport is not None:
            self.transport.abort()
