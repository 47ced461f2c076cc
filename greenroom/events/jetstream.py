"""The way out to NATS JetStream: the subject is the event's name, the message's id that of the event.

Publishes are pipelined, and none can overtake another: each but the first says which message must stand before it
(Nats-Expected-Last-Msg-Id), so that where one was not stored, none of the later ones is. After a failure the connection is
closed, and with it all that was in flight; a new one begins with the first that was not acknowledged. JetStream drops what
it has already, by the message's id. docs/decisions/0022.

A stream that takes no `comms.>` keeps no `live.>` waiting: those events are passed over. What is `live.` never is.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nats.errors
import nats.js.errors
from nats.aio.client import Client, RawCredentials
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, PubAck, StorageType, StreamConfig

from greenroom.events.envelope import enveloped
from greenroom.events.queries import ToldEvent
from greenroom.events.sinks import SinkError
from greenroom.kit.telemetry import logger

SUBJECTS = ("live.>", "comms.>")
NEVER_PASSED_OVER = "live."
CONNECT_SECONDS = 5  # with the stream; each of the two is well within the lease
UPDATE_SECONDS = 2.0  # of these: who may not change a stream is not answered
ACK_SECONDS = 8.0
CLOSE_SECONDS = 1.0
DUPLICATES_SECONDS = 600.0
MOST_IN_FLIGHT = 10_000

MESSAGE_ID = "Nats-Msg-Id"
EXPECTED_BEFORE = "Nats-Expected-Last-Msg-Id"
POSITION = "Greenroom-Position"

CREDENTIALS = ("BEGIN NATS USER JWT", "BEGIN USER NKEY SEED")


class JetStream:
    """The sink."""

    name = "nats"

    def __init__(self, url: str, *, stream: str, credentials: Path | None, keeps: timedelta) -> None:
        self._url = url
        self._stream = stream
        self._credentials = credentials
        self._keeps = keeps

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["_Pipeline"]:
        """A connection, and the stream, which is made when it is missing. Raises SinkError."""
        client = Client()
        pipeline = _Pipeline(self._stream)
        try:
            await self._connect(client, pipeline)
            yield pipeline
        finally:
            if client.is_connecting or client.is_connected:
                with suppress(OSError, TimeoutError):  # a peer that reads nothing would have us wait to say goodbye
                    async with asyncio.timeout(CLOSE_SECONDS):
                        await client.close()

    async def _connect(self, client: Client, pipeline: "_Pipeline") -> None:
        credentials = None if self._credentials is None else _credentials_in(self._credentials)
        user, password = _named_in(self._url)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await client.connect(
                    self._url,
                    name="greenroom",
                    user=user,
                    password=password,
                    user_credentials=credentials,
                    connect_timeout=CONNECT_SECONDS,
                    allow_reconnect=False,  # a connection that comes back by itself would send what it held, out of order
                    max_reconnect_attempts=1,  # without these two it would try to connect for two minutes
                    reconnect_time_wait=0,
                    pending_size=0,  # a publish never waits for the socket: there, the client ignores that it is cancelled
                    error_cb=pipeline.complain,
                    closed_cb=pipeline.close,
                )
                takes = await self._ensured_stream(client, pipeline)
        except nats.js.errors.Error as error:
            raise SinkError(f"The stream {self._stream} cannot be had: {_described(error)}") from error
        except nats.errors.NoServersError as error:
            raise SinkError(f"NATS cannot be reached: {_described(pipeline.complaint or error)}") from error
        except (OSError, TimeoutError, nats.errors.Error) as error:
            raise SinkError(f"NATS cannot be reached: {_described(error)}") from error
        pipeline.open(client, takes)

    async def _ensured_stream(self, client: Client, pipeline: "_Pipeline") -> Sequence[str]:
        """The subjects that it takes."""
        manager = client.jetstream(timeout=CONNECT_SECONDS)
        try:
            known = (await manager.stream_info(self._stream)).config
        except nats.js.errors.NotFoundError:
            await manager.add_stream(
                StreamConfig(
                    name=self._stream,
                    subjects=list(SUBJECTS),
                    storage=StorageType.FILE,
                    discard=DiscardPolicy.OLD,
                    max_age=self._keeps.total_seconds(),
                    duplicate_window=DUPLICATES_SECONDS,
                )
            )
            return SUBJECTS
        if known.subjects == [SUBJECTS[0]]:  # as 0.1.0 and its successors made it
            return await self._updated(client, known, pipeline)
        return known.subjects or ()

    async def _updated(self, client: Client, known: StreamConfig, pipeline: "_Pipeline") -> Sequence[str]:
        """The subjects that it takes: all of ours, unless another stream has some of them, or we may not change it."""
        try:
            await client.jetstream(timeout=UPDATE_SECONDS).update_stream(known, subjects=list(SUBJECTS))
        except (nats.js.errors.Error, nats.errors.TimeoutError) as error:
            logger().warning("events_stream_not_updated", stream=self._stream, reason=_described(pipeline.complaint or error))
            return known.subjects or ()
        return SUBJECTS


class _Pipeline:
    """A connection's publishes."""

    def __init__(self, stream: str) -> None:
        self.complaint: Exception | None = None
        self._stream = stream
        self._context: JetStreamContext | None = None
        self._takes: Sequence[str] = ()
        self._in_flight: list[asyncio.Future[PubAck]] = []
        self._before: str | None = None
        self._closed = False

    def open(self, client: Client, takes: Sequence[str]) -> None:
        """Publishes may begin, to a stream that takes these subjects."""
        self._takes = takes
        self._context = client.jetstream(timeout=ACK_SECONDS, publish_async_max_pending=MOST_IN_FLIGHT)

    async def complain(self, error: Exception) -> None:
        """What is wrong with the connection, or was refused: nats-py 2.16 itself leaves such a publish waiting (its #985)."""
        self.complaint = error
        self._give_up(error)

    async def close(self) -> None:
        """The connection is gone: nobody will acknowledge what is in flight."""
        self._closed = True
        self._give_up(nats.errors.ConnectionClosedError())

    def _give_up(self, error: Exception) -> None:
        """Acknowledgements come in order: what has none now is what the error is about, or comes after it."""
        for acknowledged in self._in_flight:
            if not acknowledged.done():
                acknowledged.set_exception(error)

    async def publish(self, events: Sequence[ToldEvent]) -> None:
        """See Publisher. What is passed over counts as told."""
        places = [place for place, event in enumerate(events) if self._is_for_it(event)]
        acknowledgements = 0
        try:
            async with asyncio.timeout(ACK_SECONDS):
                for place in places:
                    self._in_flight.append(await self._sent(events[place]))
                for acknowledged in self._in_flight:
                    await acknowledged
                    acknowledgements += 1
        except (OSError, TimeoutError, nats.errors.Error) as error:
            told = places[acknowledgements]
            raise SinkError(f"NATS did not take an event: {_described(error)}", told=told) from error
        finally:
            for acknowledged in self._in_flight:
                acknowledged.cancel()
            self._in_flight = []
        if passed_over := Counter(event.name for event in events if not self._is_for_it(event)):
            logger().warning("events_passed_over", stream=self._stream, events=dict(passed_over))

    def _is_for_it(self, event: ToldEvent) -> bool:
        return event.name.startswith(NEVER_PASSED_OVER) or any(_matches(event.name, subject) for subject in self._takes)

    async def _sent(self, event: ToldEvent) -> "asyncio.Future[PubAck]":
        if self._context is None or self._closed:
            raise nats.errors.ConnectionClosedError
        message_id = str(event.id)
        headers = {MESSAGE_ID: message_id, POSITION: str(event.position)}
        if self._before is not None:
            headers[EXPECTED_BEFORE] = self._before
        self._before = message_id
        return await self._context.publish_async(event.name, enveloped(event), stream=self._stream, headers=headers)


def _matches(name: str, subject: str) -> bool:
    """Whether a subject with NATS's wildcards takes a name."""
    names, wanted = name.split("."), subject.split(".")
    if wanted[-1] == ">":
        wanted.pop()
        if len(names) <= len(wanted):
            return False
    elif len(names) != len(wanted):
        return False
    return all(want in {"*", has} for has, want in zip(names, wanted, strict=False))


def _named_in(url: str) -> tuple[str, str] | tuple[None, None]:
    """The user and password that the URL spells (RFC 3986, section 2.1), which nats-py takes as they stand."""
    with suppress(ValueError):  # no URL, of which nats-py says so
        parts = urlsplit(url)
        if parts.username is not None and parts.password is not None:
            return unquote(parts.username), unquote(parts.password)
    return None, None


def _credentials_in(file: Path) -> RawCredentials:
    """What the file holds. Raises SinkError where nats-py would look for it without end."""
    try:
        held = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise SinkError(f"The NATS credentials cannot be read: {type(error).__name__}") from error
    if not all(part in held for part in CREDENTIALS):
        raise SinkError("The file of NATS credentials holds none")
    return RawCredentials(held)


def _described(error: BaseException) -> str:
    """The server's own words for what it refuses, which name no secret; the kind of anything else."""
    if isinstance(error, nats.js.errors.APIError) and error.description:
        return f"{error.description} ({error.err_code})"
    if isinstance(error, nats.js.errors.ServiceUnavailableError):
        return "JetStream is not enabled there"
    if isinstance(error, nats.js.errors.NoStreamResponseError):
        return "no stream takes its subject"
    if type(error) is nats.errors.Error:
        return str(error).removeprefix("nats: ").strip("'")
    return type(error).__name__
