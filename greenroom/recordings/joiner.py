"""Joins recordings whose pieces are all there, tells the inbox what came of it, and deletes what is not needed any more.

Any number of processes may. Who claims a recording has it for a lease, and renews that while it is joined; one that is killed
leaves everything as it was, and the recording is joined again, by whoever is next. Each step can be done twice.
"""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import IO, Final, Literal

from greenroom.inbox.service import Inbox
from greenroom.kit.database import Database
from greenroom.kit.errors import Unavailable
from greenroom.kit.recording_links import name_of
from greenroom.kit.telemetry import logger, places_of, recordings_joined
from greenroom.providers.protocol import Recording
from greenroom.recordings import queries
from greenroom.recordings.joining import NOT_NOW, told
from greenroom.recordings.queries import BEFORE_ALL, Due, KeptPiece
from greenroom.recordings.service import MOST_OCTETS, file_name, piece_name, pieces_name, tell
from greenroom.recordings.store import Store

LOOK_SECONDS: Final = 1.0
AFTER_FAILURE_SECONDS: Final = 5.0
LEASE: Final = timedelta(minutes=2)
RENEW_SECONDS: Final = 30.0
STOP_SECONDS: Final = 5.0
AHEAD: Final = 4  # pieces that are read while others are joined
EXPIRED_AT_ONCE: Final = 100
ATTEMPTS: Final = 5
ENDED_BY_OTHERS: Final = frozenset({NOT_NOW, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP})
PATIENCE: Final = 20  # times that pieces may be missing in the store; then it is joined without them


class PiecesMissingError(Exception):
    """The store has not what it had: perhaps it is another's, and somebody who has the right one joins."""


class JoiningFailedError(Exception):
    """The process that joins has failed: what it read made it use more than it may."""


class JoiningPostponedError(Exception):
    """The process that joins was ended, or the machine has no room for the file: what it read is not to blame."""


class NoRoomError(JoiningPostponedError):
    """It was not begun: others write to that disk, too, and a database that finds it full stops."""


class Joiner:
    """Joins in this process, one recording at a time. `directory`: where the file grows, if it is there."""

    def __init__(self, db: Database, store: Store, inbox: Inbox, *, wait: timedelta, directory: Path) -> None:
        self._db = db
        self._store = store
        self._inbox = inbox
        self._wait = wait
        self._directory = directory

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                pause = 0.0 if await self.do_one() else LOOK_SECONDS
            except Unavailable:
                logger().warning("recordings_postponed", reason="database unavailable")
                pause = AFTER_FAILURE_SECONDS
            except Exception as error:  # noqa: BLE001  # whatever it is, the lease ends and it is done again
                logger().error("recordings_failed", error=places_of(error))
                pause = AFTER_FAILURE_SECONDS
            await asyncio.sleep(pause)

    async def do_one(self) -> bool:
        """Do what is due of one recording; answers whether there was one. Raises Unavailable."""
        for due in await queries.claim_any_brand(self._db, most=1, lease=LEASE, wait=self._wait):
            renewing = asyncio.create_task(self._renew(due))
            try:
                await (self._join(due) if due.act == "join" else self._sweep(due))
            except (Unavailable, JoiningFailedError, JoiningPostponedError, PiecesMissingError, OSError) as error:
                recordings_joined.labels("postponed").inc()
                logger().warning("recording_postponed", recording_id=str(due.id), reason=type(error).__name__)
                is_failure, is_missing = isinstance(error, JoiningFailedError), isinstance(error, PiecesMissingError)
                await queries.put_off(self._db, due, is_failure=is_failure, is_missing=is_missing)
            finally:
                renewing.cancel()
            return True
        return False

    async def _renew(self, due: Due) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            with suppress(Unavailable):
                await queries.renew(self._db, due, lease=LEASE)

    async def _join(self, due: Due) -> None:
        """All that is there now; where more comes meanwhile nothing is said of it, and it is joined once more."""
        pieces = await queries.pieces(self._db, due.brand, due.id)
        octets = sum(one.octets for one in pieces)
        directory = self._directory if self._directory.is_dir() else Path(tempfile.gettempdir())
        await self._store.clear(file_name(due.id))
        if pieces and not await self._store.has_room(octets, through=directory):
            raise NoRoomError
        with tempfile.TemporaryFile(dir=directory) as file:
            length = await self._length_of(due, pieces, file) if pieces else 0
            if length and await queries.is_all(self._db, due, octets=octets):
                await self._store.put_file(file_name(due.id), file)
        state: Literal["ready", "failed"] = "ready" if length else "failed"
        if pieces and await queries.is_all(self._db, due, octets=octets):  # of one without a piece nobody has heard
            await tell(self._inbox, due.call, _told_of(due, state))
        is_settled = await queries.settle(self._db, due, state, octets=octets)
        recordings_joined.labels(state if is_settled else "postponed").inc()
        said = "recording_joined" if is_settled else "recording_not_settled"
        logger().info(said, recording_id=str(due.id), brand_id=due.brand, pieces=len(pieces), ms=length)

    async def _length_of(self, due: Due, pieces: Sequence[KeptPiece], file: IO[bytes]) -> int:
        """As `joined`; what makes the process fail again and again cannot be used."""
        try:
            return await joined(self._store, due, pieces, file)
        except JoiningFailedError:
            if due.failures < ATTEMPTS:
                raise
            return 0

    async def _sweep(self, due: Due) -> None:
        for piece in await queries.pieces(self._db, due.brand, due.id):
            await self._store.delete(_name_of(due, piece))
        await self._store.clear(pieces_name(due.id))
        with suppress(Unavailable):  # who lets nobody list a bucket lets it keep that
            await self._store.delete_below(pieces_name(due.id))
        await self._store.clear(file_name(due.id))
        await queries.swept(self._db, due)


async def expire(db: Database, store: Store, *, age: timedelta) -> None:
    """Delete recordings that have been ready for longer: the file first, for what is shown no more would not be found again.

    What the store does not delete now keeps no other from being deleted; it is tried again the next time.
    """
    after = BEFORE_ALL
    while old := await queries.old_any_brand(db, age=age, after=after, most=EXPIRED_AT_ONCE):
        for one in old:
            with suppress(Unavailable):  # which has been written down
                await store.delete(file_name(one.id))
                await queries.expire(db, one)
        after = old[-1]


async def joined(store: Store, due: Due, pieces: Sequence[KeptPiece], file: IO[bytes]) -> int:
    """All pieces as one film, in the file; answers its length in milliseconds, 0 where none can be used.

    Raises JoiningFailedError, JoiningPostponedError, PiecesMissingError, Unavailable.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "greenroom.recordings.joining", str(file.fileno()), str(MOST_OCTETS),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        pass_fds=(file.fileno(),), env={"PYTHONPATH": os.pathsep.join(one for one in sys.path if one)},  # and no secret
    )  # fmt: skip
    try:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("both are pipes")
        with suppress(ConnectionError):  # it says by its status why
            async for octets in _told(store, due, pieces):
                if process.stdin.is_closing():
                    break
                process.stdin.write(octets)
                await process.stdin.drain()
            process.stdin.close()
        said = await process.stdout.read()
        refuse_unless_joined(await process.wait())
        return int(said)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def refuse_unless_joined(status: int) -> None:
    """What the process that joins has ended with. Raises JoiningFailedError, JoiningPostponedError."""
    if status in ENDED_BY_OTHERS:
        raise JoiningPostponedError
    if status:
        raise JoiningFailedError


async def _told(store: Store, due: Due, pieces: Sequence[KeptPiece]) -> AsyncIterator[bytes]:
    """Part by part, piece by piece, as the process that joins reads it."""
    for _, of_part in groupby(pieces, key=lambda one: one.part):
        yield told("part")
        expected = 0
        for piece in of_part:
            if piece.number != expected:
                yield told("gap")
            octets = await store.read(_name_of(due, piece))
            if octets is not None:
                yield told("data", octets)
                expected = piece.number + 1
            elif due.missing < PATIENCE:
                raise PiecesMissingError
    yield told("end")


def _told_of(due: Due, state: Literal["ready", "failed"]) -> Recording:
    times = (datetime.fromisoformat(due.started_at), datetime.fromisoformat(due.ended_at))
    url = name_of(due.id) if state == "ready" else None
    return Recording(id=str(due.id), state=state, url=url, started_at=times[0], ended_at=times[1])


def _name_of(due: Due, piece: KeptPiece) -> str:
    return piece_name(due.id, piece.part, piece.number, piece.sha256)
