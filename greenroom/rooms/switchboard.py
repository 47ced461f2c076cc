"""The signalling of a process: who is in which room here, and what they are told. docs/decisions/0035.

A room's rows say who is in it; each process that serves it holds a copy, and tells its browsers what differs. A copy that
missed something finds that out by the room's version, within seconds. What one browser says to another goes directly where both
are here, and by the mail of the other's process where they are not.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from greenroom.inbox.service import Inbox
from greenroom.kit.database import Database
from greenroom.kit.errors import Unavailable
from greenroom.kit.gathering import Gathering
from greenroom.kit.ids import new_id
from greenroom.kit.telemetry import logger, places_of, room_peers
from greenroom.providers.protocol import ProviderEvent
from greenroom.rooms import queries
from greenroom.rooms.line import CODES, COME_AGAIN, Line, text_of
from greenroom.rooms.provider import NAME
from greenroom.rooms.queries import Change, Entering, KeptRoom, Left, Letter
from greenroom.rooms.schemas import (
    Gone,
    Hand,
    IceServer,
    Leave,
    Lower,
    Lowered,
    Mute,
    Muted,
    OutReason,
    PeerNews,
    Record,
    Relayed,
    Room,
    RoomNews,
    Said,
    Signal,
    State,
    Welcome,
)
from greenroom.rooms.telling import coming, leaving
from greenroom.rooms.tokens import RoomToken
from greenroom.rooms.view import changes, room_of, shown_to

LOOK_SECONDS = 0.1
ALIVE_SECONDS = 5.0
WHY_SECONDS = 1.0
AGAIN_SECONDS = 0.5
MAIL_AT_ONCE = 500
SECRET_OCTETS = 24
BY_DATABASE_UNAVAILABLE = "database unavailable"


class Limits(Struct, frozen=True, kw_only=True):
    """How many a room holds, and where browsers learn their addresses."""

    people: int
    viewers: int
    ice_servers: tuple[IceServer, ...]


class Present:
    """A room that somebody is in here."""

    def __init__(self, kept: KeptRoom) -> None:
        self.kept = kept
        self.lines: dict[UUID, Line] = {}


class Switchboard:
    """Every browser that is in a room by this process."""

    def __init__(self, db: Database, inbox: Inbox, limits: Limits, *, wait_seconds: float) -> None:
        self._db = db
        self._inbox = inbox
        self._limits = limits
        self._me: UUID = new_id()
        self._rooms: dict[UUID, Present] = {}
        self._letters: Gathering[Letter, None] = Gathering(self._carry, wait_seconds=wait_seconds)
        self._tasks: set[asyncio.Task[None]] = set()
        self._run(self._repeat(self._read_mail, LOOK_SECONDS))
        self._run(self._repeat(self._say_alive, ALIVE_SECONDS))

    async def close(self) -> None:
        """Let go: browsers come again, to another process."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for present in self._rooms.values():
            for line in present.lines.values():
                line.close(COME_AGAIN)

    async def enter(self, line: Line, token: RoomToken, *, resumed: str | None, replaced: str | None) -> None:
        """Let somebody in and tell them who is there, or why not. Raises Unavailable."""
        secret = secrets.token_urlsafe(SECRET_OCTETS)
        entering = Entering(
            call=token.call,
            id=new_id(),
            user=token.sub,
            role=token.role,
            secret_hash=_hash(secret),
            resumed=_hash(resumed) if resumed else None,
            replaced=_hash(replaced) if replaced else None,
            most_people=self._limits.people,
            most_viewers=self._limits.viewers,
        )
        entered = await queries.enter_any_brand(self._db, entering, self._me)
        match entered.how:
            case "entered" | "resumed":
                pass
            case "full" | "removed" | "not_joinable" as reason:
                line.put_out(reason)
                return
        if entered.room is None or entered.peer is None:
            raise AssertionError("who was let in is in a room")
        if entered.came is not None:
            self._note(coming(token.call, entered.came))
        if entered.gone is not None:
            self._replace(token.call, entered.gone)
        present = self._rooms.setdefault(token.call, Present(entered.room))
        self._apply(entered.room)
        kept = present.kept
        before = present.lines.get(entered.peer)
        if before is not None:
            before.put_out("replaced")
            room_peers.dec()
        line.call, line.peer = token.call, entered.peer
        line.role = next((one.role for one in kept.peers if one.id == entered.peer), line.role)
        present.lines[entered.peer] = line
        room_peers.inc()
        line.told = {one.id: one for one in shown_to(kept, entered.peer, line.role)}
        line.tell(
            text_of(
                Welcome(
                    you=entered.peer,
                    resume=resumed if resumed and entered.how == "resumed" else secret,
                    role=line.role,
                    room=self._room(kept),
                    peers=list(line.told.values()),
                    ice_servers=list(self._limits.ice_servers),
                )
            )
        )

    async def hear(self, line: Line, said: Said) -> None:
        """What a browser says. What it may not say, or says of somebody who has just left, is not heard."""
        present = self._of(line)
        if present is None or line.is_over:
            return
        match said:
            case Signal(to, data):
                if line.peer is not None and to in line.told:
                    self._tell(present, to, text_of(Relayed(line.peer, data)))
            case State(camera, microphone, screen):
                self._keep(line, Change(camera=camera, microphone=microphone, screen=screen, hand=line.news.hand))
            case Hand(raised):
                self._keep(line, msgspec.structs.replace(line.news, hand=raised))
            case Leave():
                await self._leave(present, line)
            case Record(on) if line.role == "host":
                line.recording = on
                self._keep(line, line.news)
            case Lower() | Mute() if line.role == "host":
                await self._obey(present, line, said)

    async def lose(self, line: Line) -> None:
        """Its connection is gone: it may come back for a while."""
        present = self._of(line)
        if present is None or line.peer is None:
            return
        del present.lines[line.peer]
        room_peers.dec()
        if not present.lines:
            del self._rooms[present.kept.call]
        try:
            await queries.lose(self._db, present.kept, line.peer, self._me)
        except Unavailable:  # it is missed when this process says next who is here
            logger().warning("peer_not_lost", reason=BY_DATABASE_UNAVAILABLE)

    def _replace(self, call: UUID, gone: Left) -> None:
        """A browser has given up an earlier stay for a new one: if that was here, it is told before it is missed."""
        for event in leaving(call, gone):
            self._note(event)
        present = self._rooms.get(call)
        lines = {} if present is None else present.lines
        for stay in gone.connections:
            line = lines.get(UUID(stay.id))
            if line is not None:
                line.put_out("replaced")

    def _of(self, line: Line) -> Present | None:
        """Its room, while it is this line that its peer has."""
        present = None if line.call is None else self._rooms.get(line.call)
        return present if present is not None and line.peer is not None and present.lines.get(line.peer) is line else None

    def _room(self, kept: KeptRoom) -> Room:
        return room_of(kept, most_people=self._limits.people, most_viewers=self._limits.viewers)

    def _apply(self, kept: KeptRoom) -> None:
        """The room as it is now; everybody here is told what that changes for them. What is older than what is known is not."""
        present = self._rooms.get(kept.call)
        if present is None or kept.version <= present.kept.version:
            return
        before, present.kept = self._room(present.kept), kept
        room = self._room(kept)
        inside = {one.id: one for one in kept.peers}
        for peer, line in present.lines.items():
            if peer not in inside:
                self._run(_close_soon(line))
                continue
            if inside[peer].process != self._me:
                line.put_out("replaced")
                continue
            line.role = inside[peer].role
            if room != before:
                line.tell(text_of(RoomNews(room)))
            now = {one.id: one for one in shown_to(kept, peer, line.role)}
            new, gone = changes(line.told, now)
            line.told = now
            for one in gone:
                line.tell(text_of(Gone(one)))
            for other in new:
                line.tell(text_of(PeerNews(other)))

    def _tell(self, present: Present, peer: UUID, text: str) -> None:
        """To a browser here, or to one that another process has."""
        there = present.lines.get(peer)
        if there is not None:
            there.tell(text)
        else:
            self._run(self._post(Letter(present.kept.brand, present.kept.call, peer, text)))

    async def _post(self, letter: Letter) -> None:
        """What is lost is said again by the browsers."""
        try:
            await self._letters.send(letter)
        except Unavailable:
            logger().warning("signal_lost", reason=BY_DATABASE_UNAVAILABLE)

    async def _carry(self, letters: Sequence[Letter]) -> Sequence[None]:
        await queries.send(self._db, letters)
        return [None] * len(letters)

    def _keep(self, line: Line, change: Change) -> None:
        """Keep what is new of somebody, as soon as can be: what comes meanwhile goes with the next."""
        line.news = change
        if not line.is_keeping:
            line.is_keeping = True
            self._run(self._keep_all(line))

    async def _keep_all(self, line: Line) -> None:
        try:
            while (line.news != Change() or line.recording is not None) and (present := self._of(line)) is not None:
                news, line.news = line.news, Change()
                recording, line.recording = line.recording, None
                try:
                    await self._keep_once(line, present.kept, news, recording)
                except Unavailable:
                    line.keep_again(news, recording)
                    await asyncio.sleep(AGAIN_SECONDS)
        finally:
            line.is_keeping = False

    async def _keep_once(self, line: Line, room: KeptRoom, news: Change, recording: bool | None) -> None:
        if line.peer is None:
            return
        if news != Change():
            self._apply_if(await queries.set_peer(self._db, room, line.peer, news, self._me))
        if recording is not None:
            self._apply_if(await queries.record(self._db, room, line.peer, self._me, on=recording))

    def _apply_if(self, kept: KeptRoom | None) -> None:
        if kept is not None:
            self._apply(kept)

    async def _leave(self, present: Present, line: Line) -> None:
        if line.peer is None:
            return
        try:
            kept, gone = await queries.leave(self._db, present.kept, line.peer, self._me)
        except Unavailable:  # it is missed soon
            line.close(COME_AGAIN)
            return
        for event in [] if gone is None else leaving(present.kept.call, gone):
            self._note(event)
        line.close(1000)
        self._apply_if(kept)

    async def _obey(self, present: Present, line: Line, said: "Lower | Mute") -> None:
        try:
            match said:
                case Mute(peer):
                    if peer in line.told:
                        self._tell(present, peer, text_of(Muted()))
                case Lower(peer):
                    kept = await queries.set_peer(self._db, present.kept, peer, Change(hand=False), self._me)
                    if kept is not None:
                        self._apply(kept)
                        self._tell(present, peer, text_of(Lowered()))
        except Unavailable:
            logger().warning("room_unchanged", reason=BY_DATABASE_UNAVAILABLE)

    async def _read_mail(self) -> None:
        """What other processes say, while anybody is here to whom it may be said."""
        if not self._rooms:
            return
        mail = await queries.take_mail_any_brand(self._db, self._me, most=MAIL_AT_ONCE)
        changed: dict[UUID, KeptRoom] = {}
        for one in mail:
            present = self._rooms.get(one.call)
            if present is None:
                continue
            if one.peer is None:
                changed[one.call] = present.kept
            else:
                _deliver(present, one.peer, one.body or "")
        for kept in changed.values():
            await self._look_up(kept)

    async def _look_up(self, kept: KeptRoom) -> None:
        found = await queries.get(self._db, kept.brand, kept.call)
        self._apply_if(found)

    async def _say_alive(self) -> None:
        """With whom it has here; and see whether a room has changed without a word."""
        here = [peer for present in self._rooms.values() for peer in present.lines]
        versions = await queries.alive_any_brand(self._db, self._me, list(self._rooms), here)
        for call, version in versions.items():
            present = self._rooms.get(call)
            if present is not None and version > present.kept.version:
                await self._look_up(present.kept)

    def _note(self, event: ProviderEvent) -> None:
        self._run(self._noted(event))

    async def _noted(self, event: ProviderEvent) -> None:
        """What is lost here is found when the provider is asked: it asks the rows of rooms."""
        try:
            await self._inbox.note(NAME, event)
        except Unavailable:
            logger().warning("room_event_lost", type=event.type, reason=BY_DATABASE_UNAVAILABLE)

    async def _repeat(self, chore: Callable[[], Awaitable[None]], seconds: float) -> None:
        while True:
            try:
                await chore()
            except Unavailable:
                logger().warning("rooms_postponed", reason=BY_DATABASE_UNAVAILABLE)
                await asyncio.sleep(AGAIN_SECONDS)
            except Exception as error:  # noqa: BLE001  # whatever it is, the next time may succeed
                logger().error("rooms_failed", error=places_of(error))
                await asyncio.sleep(AGAIN_SECONDS)
            await asyncio.sleep(seconds)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger().error("rooms_failed", error=places_of(error))


# As migrations/0019_rooms.sql writes it. What browsers say to each other is never read here.
_OUTS: Mapping[str, OutReason] = {f'{{"type":"out","reason":"{reason}"}}': reason for reason in CODES}


def _deliver(present: Present, peer: UUID, body: str) -> None:
    """What another process says to a browser here; that it is over for it is said, and done."""
    line = present.lines.get(peer)
    if line is not None and body in _OUTS:
        line.put_out(_OUTS[body])
    elif line is not None:
        line.tell(body)


async def _close_soon(line: Line) -> None:
    """Who is in the room no longer is told why by mail, which may come a moment later; else it comes again."""
    await asyncio.sleep(WHY_SECONDS)
    line.close(COME_AGAIN)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
