"""What a JetStream stream holds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import nats
from msgspec import Struct
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from tests.faults.waiting import eventually

STREAM = "GREENROOM"
AT_ONCE = 500
ARRIVE_SECONDS = 90.0


class Message(Struct, frozen=True):
    """One message of the stream."""

    subject: str
    id: str
    position: int
    body: dict[str, Any]

    @property
    def session(self) -> str:
        """Which session it tells of."""
        return str(self.body["payload"]["session_id"])


@asynccontextmanager
async def streams_of(url: str) -> AsyncIterator[JetStreamContext]:
    """A client of one's own."""
    client = await nats.connect(url)
    try:
        yield client.jetstream(timeout=10)
    finally:
        await client.close()


async def stored(url: str) -> int:
    """How many messages there are; none where there is no stream."""
    async with streams_of(url) as streams:
        try:
            return (await streams.stream_info(STREAM)).state.messages
        except NotFoundError:
            return 0


async def messages(url: str) -> list[Message]:
    """All of them, in the stream's order."""
    found: list[Message] = []
    async with streams_of(url) as streams:
        count = (await streams.stream_info(STREAM)).state.messages
        from_the_first = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
        reader = await streams.pull_subscribe(">", stream=STREAM, config=from_the_first)
        while len(found) < count:
            for message in await reader.fetch(min(AT_ONCE, count - len(found)), timeout=10):
                headers = message.headers or {}
                body = msgspec.json.decode(message.data)
                found.append(Message(message.subject, headers["Nats-Msg-Id"], int(headers["Greenroom-Position"]), body))
                await message.ack()
    return found


async def arrived(url: str, count: int) -> list[Message]:
    """All messages, as soon as there are so many."""

    async def are_there() -> bool:
        return await stored(url) >= count

    await eventually(are_there, f"{count} messages are in the stream", seconds=ARRIVE_SECONDS)
    return await messages(url)
