"""The live stream of a process: follows what is told, and tells it to who watches, some times a second and in few octets."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from uuid import UUID

from greenroom.events import service as events
from greenroom.events.feed import ToldEvent
from greenroom.kit.database import Database
from greenroom.kit.errors import NotFound, Unavailable
from greenroom.kit.ids import BrandId, SessionId, UserId, new_id
from greenroom.kit.telemetry import logger, places_of, stream_watchers
from greenroom.stream import queries
from greenroom.stream.channel import Channel
from greenroom.stream.frames import (
    AUDIENCES,
    Audience,
    changes_of,
    chunk_of,
    frame_of,
    me_event,
    presence_event,
    session_event,
    snapshot_of,
)
from greenroom.stream.greetings import Greetings, found, now_of
from greenroom.stream.news import Window, news_of, together
from greenroom.stream.queries import Person, Standing, State
from greenroom.stream.watchers import COMMENT, PATIENCE, Pass, Watcher

LOOK_SECONDS = 0.1
FRAME_SECONDS = 0.26  # between the frames of a session: four a second at most
AFTER_FAILURE_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
TEND_SECONDS = 1.0
CHECK_SECONDS = 60.0
CHECKED_TOGETHER = 32
PRESENCE_SECONDS = 2.0
EMPTY_SECONDS = 30.0  # for which a session is followed on that nobody watches: who lost the connection comes back
AT_ONCE = 100  # connections that are written to before others have their turn

NOBODYS: Mapping[Watcher, bytes] = {}

Recheck = Callable[[Pass, BrandId, UserId], Awaitable[Pass | None]]


class Engine:
    """Everybody who watches in this process.

    `recheck` says with what somebody is let in now, None: not at all; it raises Unavailable where it cannot tell.
    `seconds`: the longest that a connection may last.
    """

    def __init__(self, db: Database, recheck: Recheck, *, seconds: int, wait_seconds: float) -> None:
        self._db = db
        self._recheck = recheck
        self._seconds = seconds
        self._me: UUID = new_id()
        self._loop = asyncio.get_running_loop()
        self._channels: dict[SessionId, Channel] = {}
        self._position: int | None = None  # up to here everything was noted; None while nothing is followed
        self._wanted = asyncio.Event()
        self._has_said = False
        self._greetings = Greetings(db, wait_seconds=wait_seconds)
        self._tasks: set[asyncio.Task[None]] = set()
        for chore, seconds_between in (
            (self._tend, TEND_SECONDS),
            (self._check, TEND_SECONDS),
            (self._say_watching, PRESENCE_SECONDS),
            (self._beat, HEARTBEAT_SECONDS),
        ):
            self._run(self._repeat(chore, seconds_between))
        self._run(self._follow())

    async def close(self) -> None:
        """End every connection: their clients come again, to another process."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for channel in self._channels.values():
            for watcher in {*channel, *channel.arriving}:
                watcher.end()
        try:
            await queries.forget_watching_any_brand(self._db, self._me, but=())
        except Unavailable:
            logger().warning("watching_not_forgotten", reason="database unavailable")

    async def watcher(self, person: Person, way_in: Pass, *, seconds: float | None) -> Watcher:
        """Somebody who may watch, for so many seconds at most, and is told nothing yet. Raises NotFound, Unavailable."""
        standing = await self._greetings.standing(person)
        if standing is None:
            raise NotFound("There is no such session.")
        channel = await self._channel(person, standing)
        now = self._loop.time()
        lasts = self._seconds * random.uniform(0.9, 1.0)  # noqa: S311  # so that they do not all come again at once
        watcher = Watcher(
            channel,
            person.user,
            way_in,
            is_moderator=way_in.manages or standing.hosts.include(person.user),
            ends_at=now + (lasts if seconds is None else min(seconds, lasts)),
        )
        watcher.checked_at = now - random.uniform(0, CHECK_SECONDS / 6)  # noqa: S311  # nor be looked at all at once
        return watcher

    async def begin(self, watcher: Watcher, resumed: int | None = None, *, before: bytes = b"") -> None:
        """Tell it what is first, and from then on what everybody is told."""
        channel = watcher.channel
        channel.behind.discard(watcher)
        channel.arriving.add(watcher)
        try:
            first, me = await self._greeting(watcher, resumed)
        except Exception as error:  # noqa: BLE001  # whatever it is: there is no status left to say it with, and it may come again
            if not isinstance(error, Unavailable):
                logger().error("stream_not_begun", error=places_of(error))
            watcher.end()
            return
        finally:
            channel.arriving.discard(watcher)
        if watcher.transport is not None:
            watcher.behind_since, watcher.written_at = None, self._loop.time()
            watcher.transport.write(chunk_of(before + first + me))
            channel.join(watcher)

    async def _greeting(self, watcher: Watcher, resumed: int | None) -> tuple[bytes, bytes]:
        """What it is told first, and of oneself, true at the channel's position; what is so no longer is looked up again."""
        channel = watcher.channel
        person = Person(channel.brand, channel.session, watcher.user)
        standing = None
        while True:
            if standing is None or watcher.is_stale:
                watcher.is_stale = False
                standing = await self._greetings.standing(person)
                if standing is None:
                    raise NotFound
            position = channel.position
            is_moderator = watcher.way_in.manages or standing.hosts.include(watcher.user)
            first = await self._greetings.first(channel, "moderators" if is_moderator else "everybody", resumed)
            if position == channel.position and not watcher.is_stale:
                watcher.is_moderator = is_moderator
                return first, frame_of([me_event(person, standing, is_moderator=is_moderator)], position=position)

    async def _channel(self, person: Person, standing: Standing) -> Channel:
        if self._position is None:
            reached = await events.reached(self._db)
            if self._position is None:
                self._position = reached
        self._wanted.set()
        channel = self._channels.get(person.session)
        if channel is None:
            channel = Channel(
                person.brand, person.session, position=self._position, hosts=standing.hosts, firsts=self._greetings.of
            )
            self._channels[person.session] = channel
        channel.empty_since = None
        return channel

    async def _follow(self) -> None:
        """Note what is told of sessions that somebody watches here; look only while there are any."""
        while True:
            await self._wanted.wait()
            try:
                await self._look()
            except Unavailable:
                logger().warning("stream_postponed", reason="database unavailable")
                await asyncio.sleep(AFTER_FAILURE_SECONDS)
            except Exception as error:  # noqa: BLE001  # whatever it is, the next look may succeed, and nothing is lost meanwhile
                logger().error("stream_failed", error=places_of(error))
                await asyncio.sleep(AFTER_FAILURE_SECONDS)
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        reached = await events.reached(self._db)
        while self._position is not None and self._position < reached:
            page = await events.after(self._db, self._position)
            for event in page:
                self._note(event)
            self._position = page[-1].position if page else reached

    def _note(self, event: ToldEvent) -> None:
        if event.session_id is not None:
            channel = self._channels.get(SessionId(event.session_id))
            concerned = [] if channel is None else [channel]
        else:
            concerned = [channel for channel in self._channels.values() if channel.brand == event.brand_id]
        news = news_of(event) if concerned else None
        if news is not None:
            for channel in concerned:
                channel.note(news)
                self._schedule(channel)

    def _schedule(self, channel: Channel, *, wait: float = 0.0) -> None:
        """Tell it soon; while it is being told, what comes is told the next time."""
        if channel.is_scheduled or channel.is_flushing:
            return
        channel.is_scheduled = True
        at = max(self._loop.time() + wait, channel.told_at + FRAME_SECONDS)
        self._loop.call_at(at, lambda: self._run(self._flush(channel)))

    async def _flush(self, channel: Channel) -> None:
        channel.is_scheduled, channel.is_flushing = False, True
        news, channel.pending = channel.pending, []
        wait = 0.0
        try:
            await self._tell(channel, together(news, position=channel.position))
        except Exception as error:  # noqa: BLE001  # whatever it is, it is tried again, and nothing is lost meanwhile
            channel.pending = [*news, *channel.pending]
            wait = AFTER_FAILURE_SECONDS
            if isinstance(error, Unavailable):
                logger().warning("frame_postponed", reason="database unavailable")
            else:
                logger().error("frame_failed", error=places_of(error))
        finally:
            channel.is_flushing = False
        if channel.pending:
            self._schedule(channel, wait=wait)

    async def _tell(self, channel: Channel, window: Window) -> None:
        """Look up what is true now, and write it: to each audience the same octets, to who is concerned alone some more."""
        people = [Person(channel.brand, channel.session, UserId(user)) for user in window.users if channel.of_user(user)]
        for watcher in channel.arriving:
            watcher.is_stale = watcher.is_stale or watcher.user in window.users
        standings = await queries.of_people(self._db, people) if people else []
        state = await now_of(self._db, channel, window)
        whole = found(await queries.whole(self._db, channel.brand, channel.session)) if window.renews else None
        # From here to the copy of the audiences nothing else runs: who joins is in the copy, or was told this already.
        channel.advance(max(window.position, channel.position))
        channel.told_at = self._loop.time()
        if window.renews or state.hosts != channel.hosts:
            self._judge(channel, state)
        shared = self._shared(channel, window, state)
        if whole is not None:
            for audience in AUDIENCES:
                snapshot = snapshot_of(audience, channel.session, whole, watching=channel.watching)
                shared[audience] = frame_of([snapshot], position=channel.position)
        own = {
            watcher: frame_of([me_event(person, standing, is_moderator=watcher.is_moderator)], position=channel.position)
            for person, standing in zip(people, standings, strict=True)
            if standing is not None
            for watcher in channel.of_user(person.user)
        }
        told = {audience: list(channel.audiences[audience]) for audience in AUDIENCES}
        for audience, watchers in told.items():
            await self._write(audience, watchers, shared.get(audience, b""), own)

    def _shared(self, channel: Channel, window: Window, state: State) -> dict[Audience, bytes]:
        """The frame of each audience that is told something."""
        around = [session_event(channel.session, state.session)] if window.session else []
        after = [presence_event(channel.watching)] if channel.watching != channel.told_watching else []
        channel.told_watching = channel.watching
        told = {audience: [*around, *changes_of(audience, window, state), *after] for audience in AUDIENCES}
        return {audience: frame_of(those, position=channel.position) for audience, those in told.items() if those}

    async def _write(
        self, audience: Audience, watchers: Iterable[Watcher], shared: bytes, own: Mapping[Watcher, bytes] = NOBODYS
    ) -> None:
        """To each the same octets, to who is concerned alone some more; nothing to who has left the audience meanwhile."""
        now, chunk = self._loop.time(), chunk_of(shared) if shared else b""
        is_for_moderators = audience == "moderators"
        for number, watcher in enumerate(watchers, start=1):
            said = chunk_of(shared + own[watcher]) if own and watcher in own else chunk
            if said and watcher.is_moderator == is_for_moderators:
                watcher.write(said, now=now)
            if not number % AT_ONCE:
                await asyncio.sleep(0)

    def _judge(self, channel: Channel, state: State) -> None:
        """Who has become a moderator, or is none any more, begins anew."""
        channel.hosts = state.hosts
        for watcher in channel.arriving:
            watcher.is_stale = True
        for watcher in list(channel):
            is_moderator = watcher.way_in.manages or channel.hosts.include(watcher.user)
            if is_moderator != watcher.is_moderator:
                channel.leave(watcher)
                watcher.is_moderator = is_moderator  # what is being written to its audience is no longer for it
                if watcher not in channel.arriving:
                    self._run(self.begin(watcher))

    async def _tend(self) -> None:
        """Who was too slow gets a snapshot, or is cut off; who has been here for too long is sent away."""
        now = self._loop.time()
        for channel in list(self._channels.values()):
            for watcher in list(channel.behind):
                if watcher.is_ready:
                    self._run(self.begin(watcher))
                elif now - (watcher.behind_since or now) > PATIENCE:
                    watcher.drop()
            for watcher in [one for one in channel if one.ends_at <= now]:
                watcher.end()
            self._forget_if_empty(channel, now)
        stream_watchers.set(sum(map(len, self._channels.values())))

    async def _check(self) -> None:
        """Who came in a while ago is looked at again: whether they would be let in, and as what."""
        for channel in list(self._channels.values()):
            now = self._loop.time()
            due = [watcher for watcher in channel if now - watcher.checked_at > CHECK_SECONDS]
            for first in range(0, len(due), CHECKED_TOGETHER):
                await asyncio.gather(*(self._check_one(watcher, now) for watcher in due[first : first + CHECKED_TOGETHER]))
            if due:
                self._judge(channel, found(await queries.now(self._db, channel.brand, channel.session, ())))

    async def _check_one(self, watcher: Watcher, now: float) -> None:
        try:
            way_in = await self._recheck(watcher.way_in, watcher.channel.brand, watcher.user)
        except Unavailable:  # asked again the next time; an identity server that is away for long is no pass
            if now - watcher.checked_at > 2 * CHECK_SECONDS:
                watcher.end()
            return
        if way_in is None:
            watcher.end()
        else:
            watcher.way_in, watcher.checked_at = way_in, now

    def _forget_if_empty(self, channel: Channel, now: float) -> None:
        if len(channel):
            channel.empty_since = None
        elif channel.empty_since is None:
            channel.empty_since = now
        elif now - channel.empty_since > EMPTY_SECONDS and not channel.is_flushing:
            del self._channels[channel.session]
            if not self._channels:
                self._wanted.clear()
                self._position = None

    async def _say_watching(self) -> None:
        """Say how many watch here, hear how many do elsewhere, and tell those who watch."""
        counts = {(channel.brand, channel.session): len(channel) for channel in self._channels.values()}
        if not counts and not self._has_said:
            return
        elsewhere = await queries.say_watching_any_brand(self._db, self._me, counts)
        await queries.forget_watching_any_brand(self._db, self._me, but=[session for _, session in counts])
        self._has_said = bool(counts)
        for channel in self._channels.values():
            channel.watching_elsewhere = elsewhere.get(channel.session, 0)
            if channel.watching != channel.told_watching:
                self._schedule(channel)

    async def _beat(self) -> None:
        """Something small now and then, so that nothing on the way takes the connection for dead."""
        for channel in list(self._channels.values()):
            for audience in AUDIENCES:
                await self._write(audience, [one for one in channel.audiences[audience] if one.is_ready], COMMENT)

    async def _repeat(self, chore: Callable[[], Awaitable[None]], seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await chore()
            except Unavailable:
                logger().warning("stream_chore_postponed", reason="database unavailable")
            except Exception as error:  # noqa: BLE001  # a chore that fails once must not end the others
                logger().error("stream_chore_failed", error=places_of(error))

    def _run(self, work: "Awaitable[None]") -> None:
        task = self._loop.create_task(_awaited(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _awaited(work: "Awaitable[None]") -> None:
    await work
