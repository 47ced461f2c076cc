"""What a host's browser does with its recording: it begins one, brings pieces, and says when that was all.

A piece is taken once it is whole and the store has it; only then does it count, and only then may the browser forget it.
"""

import asyncio
import hashlib
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID
from weakref import WeakValueDictionary

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from greenroom.identity.caller import Caller
from greenroom.inbox.service import Inbox
from greenroom.kit.database import Database
from greenroom.kit.errors import (
    Forbidden,
    InvalidStatus,
    NotConfigured,
    NotFound,
    PayloadTooLarge,
    Unavailable,
    ValidationFailed,
)
from greenroom.kit.ids import SessionId, new_id, parse_id
from greenroom.providers.protocol import Facts, ProviderEvent, Recording, RecordingState
from greenroom.recordings import queries
from greenroom.recordings.queries import Beginning, Finish, Piece
from greenroom.recordings.store import Store
from greenroom.sessions.service import brand_of, known_id_in

PROVIDER: Final = "builtin"
PIECE_OCTETS: Final = 1024 * 1024
MOST_OCTETS: Final = 24 * 1024**3  # of a recording: a day and a half as our own module records
MOST_OF_A_CALL: Final = 12
MOST_PARTS: Final = 1000
MOST_PIECES: Final = 50_000  # of a recording: two days as our own module records
LATEST_PART: Final = 2**53
MOST_AT_ONCE: Final = 128  # pieces, in a process
MOST_OF_ONE: Final = 4  # of these, of one recording: its browser brings one after another
TURN_SECONDS: Final = 5.0
OTHER_DIGEST: Final = "Content-Digest: expected sha-256 of the body."

_DIGEST: Final = "sha-256=:"
_encode = msgspec.json.Encoder().encode


class Turns:
    """Places for the pieces that a process has in its memory: so many, and so many of one recording."""

    def __init__(self, *, most: int = MOST_AT_ONCE, most_of_one: int = MOST_OF_ONE) -> None:
        self._all = asyncio.Semaphore(most)
        self._most_of_one = most_of_one
        self._of: WeakValueDictionary[UUID, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def take(self, recording: UUID) -> AsyncIterator[None]:
        """One of them. Raises Unavailable where none becomes free in time."""
        of_it = self._of.setdefault(recording, asyncio.Semaphore(self._most_of_one))
        async with AsyncExitStack() as taken:
            try:
                async with asyncio.timeout(TURN_SECONDS):
                    await taken.enter_async_context(of_it)
                    await taken.enter_async_context(self._all)
            except TimeoutError:
                raise Unavailable("Many pieces of recordings come just now; bring it again.", retry_after_seconds=5) from None
            yield


class Recordings(Struct, frozen=True):
    """Recordings for all requests of a process. `wait`: for how long a browser that was cut off may come back."""

    db: Database
    store: Store
    inbox: Inbox
    wait: timedelta
    turns: Turns = field(default_factory=Turns)


class Begun(Struct, frozen=True):
    """A recording that has begun, by its name."""

    id: str


class Place(Struct, frozen=True):
    """Where a piece belongs, as a path says it."""

    session: str
    recording: str
    part: str
    number: str


class Said(Struct, frozen=True):
    """What headers say of a piece: Content-Length, and Content-Digest (RFC 9530) with sha-256."""

    length: str | None
    digest: str | None


async def begin(there: Recordings, caller: Caller, session_id: str) -> Begun:
    """A host records, with this browser.

    Raises NotFound, Forbidden, InvalidStatus, NotConfigured, ValidationFailed, Unavailable.
    """
    await there.store.refuse_when_full()
    known_id = known_id_in(session_id)
    beginning = Beginning(
        id=new_id(),
        session=known_id,
        brand=await brand_of(there.db, caller, known_id),
        by=caller,
        most=MOST_OF_A_CALL,
        wait=there.wait,
    )
    match how := await queries.begin(there.db, beginning):
        case "forbidden":
            raise Forbidden("Only the session's host, a co-host or manage:live may do this.")
        case "not_configured":
            raise NotConfigured
        case "not_recorded":
            raise InvalidStatus("This session is not recorded.")
        case "too_many":
            raise ValidationFailed(f"A session has at most {MOST_OF_A_CALL} recordings.")
    _refuse_unless_done(how)
    return Begun(str(beginning.id))


async def keep(there: Recordings, caller: Caller, place: Place, said: Said, read: Callable[[], Awaitable[bytes]]) -> None:
    """Take a piece: it is read once it is known to be wanted. Twice is once.

    Raises NotFound, Forbidden, InvalidStatus, ValidationFailed, PayloadTooLarge, Unavailable.
    """
    announced = await _piece_of(there, caller, place, said)
    _refuse_unless_done(await queries.may_keep(there.db, announced))
    await there.store.refuse_when_full()
    async with there.turns.take(announced.recording):
        octets = await read()
        if not octets:
            raise ValidationFailed("A piece has at least one octet.")
        if hashlib.sha256(octets).digest() != announced.sha256:
            raise ValidationFailed(OTHER_DIGEST)
        how = await _kept(there, replace(announced, octets=len(octets)), octets)
    _refuse_unless_done(how)
    if how == "first":
        now = datetime.now(UTC)
        await tell(there.inbox, announced.session, Recording(id=str(announced.recording), state="processing", started_at=now))


async def finish(there: Recordings, caller: Caller, session_id: str, recording_id: str, parts: str) -> None:
    """That was all: `parts` says how many pieces each part has, as `1764406800000:12 1764407000000:3`. Twice is once.

    Raises NotFound, Forbidden, InvalidStatus, ValidationFailed.
    """
    known_id = known_id_in(session_id)
    finishing = Finish(
        recording=_recording_in(recording_id),
        session=known_id,
        brand=await brand_of(there.db, caller, known_id),
        by=caller,
        parts=_encode(parts_in(parts)).decode(),
        wait=there.wait,
    )
    _refuse_unless_done(await queries.finish(there.db, finishing))


async def tell(inbox: Inbox, call: SessionId | UUID, recording: Recording) -> None:
    """What is known of a recording, to the inbox: as any provider tells it, and any number of times."""
    state: RecordingState = recording.state
    event = ProviderEvent(
        id=f"recording {recording.id} {state}",
        type=f"recording.{state}",
        call=str(call),
        occurred_at=datetime.now(UTC),
        facts=Facts(recordings=[recording]),
    )
    await inbox.note(PROVIDER, event)


def piece_name(recording: UUID, part: int, number: int, sha256: bytes) -> str:
    """Where the store has a piece: also by what it holds, so that two that differ never overwrite each other."""
    return f"{pieces_name(recording)}/{part}/{number}-{sha256.hex()[:32]}"


def pieces_name(recording: UUID) -> str:
    """What all names of its pieces begin with."""
    return f"pieces/{recording}"


def file_name(recording: UUID | str) -> str:
    """Where the store has the whole."""
    return f"files/{recording}.webm"


def parts_in(text: str) -> Mapping[str, int]:
    """How many pieces each part has. Raises ValidationFailed."""
    parts: dict[str, int] = {}
    for one in text.split():
        part, _, pieces = one.partition(":")
        parts[str(_number_in(part, most=LATEST_PART))] = _number_in(pieces, most=MOST_PIECES)
    if not parts or len(parts) > MOST_PARTS:
        raise ValidationFailed(f"parts: expected 1 to {MOST_PARTS} parts, each with the number of its pieces.")
    return parts


async def _kept(there: Recordings, piece: Piece, octets: bytes) -> str:
    how = await queries.may_keep(there.db, piece)
    if how == "may":
        name = piece_name(piece.recording, piece.part, piece.number, piece.sha256)
        await there.store.put(name, octets)
        how = await queries.keep(there.db, piece)
        if how not in {"first", "kept", "known"}:  # no row names it, and none will: as it was refused, so will its like be
            await there.store.delete(name)
    return how


async def _piece_of(there: Recordings, caller: Caller, place: Place, said: Said) -> Piece:
    """As the headers say it; who does not say a length brings one octet at least."""
    known_id = known_id_in(place.session)
    brand = await brand_of(there.db, caller, known_id)
    sha256 = _sha256_in(said.digest)
    if sha256 is None:
        raise ValidationFailed(OTHER_DIGEST)
    length = said.length or ""
    return Piece(
        recording=_recording_in(place.recording),
        session=known_id,
        brand=brand,
        by=caller,
        part=_number_in(place.part, most=LATEST_PART),
        number=_number_in(place.number, most=MOST_PIECES - 1),
        octets=min(int(length[:19]), MOST_OCTETS) if length.isascii() and length.isdecimal() else 1,
        sha256=sha256,
        most_octets=MOST_OCTETS,
        most_pieces=MOST_PIECES,
        wait=there.wait,
    )


def _sha256_in(digest: str | None) -> bytes | None:
    """Of the header's members the one we can check (RFC 9530, section 2)."""
    for one in (digest or "").split(","):
        member = one.strip()
        if member.startswith(_DIGEST) and member.endswith(":"):
            with suppress(ValueError):
                found = b64decode(member.removeprefix(_DIGEST)[:-1], validate=True)
                return found if len(found) == hashlib.sha256().digest_size else None
    return None


def _recording_in(text: str) -> UUID:
    known = parse_id(text)
    if known is None:
        raise NotFound("There is no such recording.")
    return known


def _number_in(text: str, *, most: int) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(most)) or int(text) > most:
        raise ValidationFailed(f"expected an integer from 0 to {most}.")
    return int(text)


def _refuse_unless_done(how: str) -> None:
    match how:
        case "not_found":
            raise NotFound("There is no such recording.")
        case "forbidden":
            raise Forbidden("A recording is brought by the host who has begun it, while they host the session.")
        case "invalid_status":
            raise InvalidStatus
        case "closed":
            raise InvalidStatus("The recording is finished: its pieces have been joined.")
        case "other":
            raise ValidationFailed("Another piece has this number.")
        case "too_much":
            raise PayloadTooLarge(f"A recording has at most {MOST_OCTETS // 1024**3} GiB, and {MOST_PIECES} pieces.")
