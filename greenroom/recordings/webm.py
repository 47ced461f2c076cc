"""WebM as browsers record it, read as a stream: the tracks, then frame after frame. Pure; believes nothing that it reads.

Of Matroska (RFC 9559) and EBML (RFC 8794) what a browser's recorder writes. A segment and its clusters may be of unknown size
(RFC 9559, section 25.2), as all that is streamed: so none of their sizes is looked at, and what they hold is read one by one.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

MOST_HEADER: Final = 64 * 1024
MOST_FRAME: Final = 8 * 1024 * 1024
MOST_SKIPPED: Final = 1024 * 1024

EBML: Final = 0x1A45DFA3
SEGMENT: Final = 0x18538067
INFO: Final = 0x1549A966
TIMESTAMP_SCALE: Final = 0x2AD7B1
TRACKS: Final = 0x1654AE6B
TRACK_ENTRY: Final = 0xAE
TRACK_NUMBER: Final = 0xD7
TRACK_UID: Final = 0x73C5
TRACK_TYPE: Final = 0x83
CODEC_ID: Final = 0x86
CODEC_PRIVATE: Final = 0x63A2
CODEC_DELAY: Final = 0x56AA
SEEK_PRE_ROLL: Final = 0x56BB
VIDEO: Final = 0xE0
PIXEL_WIDTH: Final = 0xB0
PIXEL_HEIGHT: Final = 0xBA
AUDIO: Final = 0xE1
SAMPLING_FREQUENCY: Final = 0xB5
CHANNELS: Final = 0x9F
CLUSTER: Final = 0x1F43B675
TIMESTAMP: Final = 0xE7
SIMPLE_BLOCK: Final = 0xA3
BLOCK_GROUP: Final = 0xA0
BLOCK: Final = 0xA1
REFERENCE_BLOCK: Final = 0xFB

CLUSTER_BEGINS: Final = CLUSTER.to_bytes(4, "big")
UNKNOWN: Final = -1  # the size of what is streamed
NANOSECONDS: Final = 1_000_000  # of a millisecond

VIDEO_TRACK: Final = 1
AUDIO_TRACK: Final = 2
CODECS: Final = {VIDEO_TRACK: frozenset({"V_VP8", "V_VP9", "V_AV1"}), AUDIO_TRACK: frozenset({"A_OPUS"})}

Take = Callable[[], bytes]  # the next octets; none at the end


class DamagedError(Exception):
    """What comes is no WebM, or not the WebM that browsers record."""


class Track(Struct, frozen=True, kw_only=True):
    """What a player has to know of a track. `kind`: VIDEO_TRACK or AUDIO_TRACK."""

    kind: int
    codec: str
    private: bytes = b""
    delay: int = 0
    pre_roll: int = 0
    width: int = 0
    height: int = 0
    frequency: float = 8000.0
    channels: int = 1

    def continues(self, other: "Track") -> bool:
        """Whether its frames may follow the other's: a player is told of the codec once."""
        ours = (self.kind, self.codec, self.private, self.frequency, self.channels)
        return ours == (other.kind, other.codec, other.private, other.frequency, other.channels)


class Frame(Struct, frozen=True):
    """A picture, or some sound; at a time in milliseconds."""

    kind: int
    at: int
    is_key: bool
    octets: bytes


class _Octets:
    """What comes, read piece by piece; as much in memory as the largest frame."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._held = bytearray()

    def has(self, count: int) -> bool:
        while len(self._held) < count:
            more = self._take()
            if not more:
                return False
            self._held += more
        return True

    def read(self, count: int) -> bytes:
        if not self.has(count):
            raise EOFError
        found = bytes(self._held[:count])
        del self._held[:count]
        return found

    def skip(self, count: int) -> None:
        while count:
            if not self.has(1):
                raise EOFError
            gone = min(count, len(self._held))
            del self._held[:gone]
            count -= gone

    def forget(self) -> None:
        self._held.clear()

    def find(self, mark: bytes) -> None:
        """Pass over everything before the mark. Raises EOFError where there is none."""
        while True:
            there = self._held.find(mark)
            if there >= 0:
                del self._held[:there]
                return
            del self._held[: max(0, len(self._held) - len(mark) + 1)]
            if not self.has(len(self._held) + 1):
                raise EOFError


class Reader:
    """One stream. `tracks` are known once `begin` has returned."""

    def __init__(self, take: Take) -> None:
        self._octets = _Octets(take)
        self._scale = NANOSECONDS
        self._kinds: dict[int, int] = {}
        self._cluster_at = 0
        self.tracks: dict[int, Track] = {}

    def begin(self) -> None:
        """Read up to the first cluster. Raises DamagedError, EOFError."""
        name, size = self._element()
        if name != EBML:
            raise DamagedError
        self._octets.skip(_bounded(size, MOST_HEADER))
        while True:
            name, size = self._element()
            if name == CLUSTER:
                if not self.tracks:
                    raise DamagedError
                return
            if name == INFO:
                self._info(self._octets.read(_bounded(size, MOST_HEADER)))
            elif name == TRACKS:
                self._kinds, self.tracks = tracks_in(self._octets.read(_bounded(size, MOST_HEADER)))
            elif name != SEGMENT:
                self._octets.skip(_bounded(size, MOST_SKIPPED))

    def forget(self) -> None:
        """Octets are missing here: what is held of before is half of something."""
        self._octets.forget()

    def resume(self) -> None:
        """Go on at the next cluster. Raises DamagedError where what was found is none, EOFError where there is no more."""
        self._octets.find(CLUSTER_BEGINS)
        self._element()
        self._cluster_at = 0

    def frames(self) -> Iterator[Frame]:
        """Frame after frame. Raises DamagedError; ends where the octets do."""
        while True:
            try:
                name, size = self._element()
                frame = self._frame(name, size)
            except EOFError:
                return
            if frame is not None:
                yield frame

    def _frame(self, name: int, size: int) -> Frame | None:
        if name == CLUSTER:
            self._cluster_at = 0
        elif name == TIMESTAMP:
            self._cluster_at = _integer(self._octets.read(_bounded(size, 8)))
        elif name == SIMPLE_BLOCK:
            block = self._octets.read(_bounded(size, MOST_FRAME))
            return self._block(block, is_key=None)
        elif name == BLOCK_GROUP:
            children = dict(elements_in(self._octets.read(_bounded(size, MOST_FRAME))))
            if BLOCK in children:
                return self._block(children[BLOCK], is_key=REFERENCE_BLOCK not in children)
        else:
            self._octets.skip(_bounded(size, MOST_SKIPPED))
        return None

    def _block(self, block: bytes, *, is_key: bool | None) -> Frame | None:
        number, width = _vint(block, 0)
        if len(block) <= width + 3:
            raise DamagedError
        relative = int.from_bytes(block[width : width + 2], "big", signed=True)
        flags = block[width + 2]
        if flags & 0x06:  # several frames in one, which no browser's recorder writes
            raise DamagedError
        kind = self._kinds.get(number)
        if kind is None:
            return None
        at = (self._cluster_at + relative) * self._scale // NANOSECONDS
        is_key = bool(flags & 0x80) if is_key is None else is_key
        return Frame(kind, max(0, at), is_key or kind == AUDIO_TRACK, block[width + 3 :])

    def _info(self, body: bytes) -> None:
        scale = _integer(dict(elements_in(body)).get(TIMESTAMP_SCALE, b"\x0f\x42\x40"))
        if not 1000 <= scale <= 1_000_000_000:  # noqa: PLR2004  # from a microsecond to a second
            raise DamagedError
        self._scale = scale

    def _element(self) -> tuple[int, int]:
        """An element's name and size. A name keeps its length's mark, a size does not (RFC 8794, section 4)."""
        first = self._octets.read(1)
        length = _length_of(first[0])
        if length > 4:  # noqa: PLR2004  # RFC 8794, section 5
            raise DamagedError
        name = int.from_bytes(first + self._octets.read(length - 1), "big")
        first = self._octets.read(1)
        length = _length_of(first[0])
        all_ones = (1 << 7 * length) - 1
        size = int.from_bytes(first + self._octets.read(length - 1), "big") & all_ones
        return name, UNKNOWN if size == all_ones else size


def tracks_in(body: bytes) -> tuple[dict[int, int], dict[int, Track]]:
    """The first track of each kind that we know: kinds by their numbers, tracks by their kinds. Raises DamagedError."""
    kinds: dict[int, int] = {}
    tracks: dict[int, Track] = {}
    for name, entry in elements_in(body):
        if name != TRACK_ENTRY:
            continue
        said = dict(elements_in(entry))
        number, track = _integer(said.get(TRACK_NUMBER, b"")), _track(said)
        if track is not None and track.kind not in tracks and number not in kinds:
            kinds[number] = track.kind
            tracks[track.kind] = track
    return kinds, tracks


def elements_in(body: bytes) -> Iterator[tuple[int, bytes]]:
    """What an element holds. Raises DamagedError."""
    place = 0
    while place < len(body):
        length = _length_of(body[place])
        name = int.from_bytes(body[place : place + length], "big")
        size, width = _vint(body, place + length)
        place += length + width
        if size > len(body) - place:
            raise DamagedError
        yield name, body[place : place + size]
        place += size


def _track(said: dict[int, bytes]) -> Track | None:
    kind = _integer(said.get(TRACK_TYPE, b""))
    codec = said.get(CODEC_ID, b"").rstrip(b"\0").decode("ascii", "replace")
    if codec not in CODECS.get(kind, ()):
        return None
    picture, sound = dict(elements_in(said.get(VIDEO, b""))), dict(elements_in(said.get(AUDIO, b"")))
    return Track(
        kind=kind,
        codec=codec,
        private=said.get(CODEC_PRIVATE, b""),
        delay=_integer(said.get(CODEC_DELAY, b"")),
        pre_roll=_integer(said.get(SEEK_PRE_ROLL, b"")),
        width=_integer(picture.get(PIXEL_WIDTH, b"")),
        height=_integer(picture.get(PIXEL_HEIGHT, b"")),
        frequency=_float(sound.get(SAMPLING_FREQUENCY, b"")) or 8000.0,
        channels=_integer(sound.get(CHANNELS, b"\x01")),
    )


def _bounded(size: int, most: int) -> int:
    if size > most or size == UNKNOWN:
        raise DamagedError
    return size


def _vint(body: bytes, place: int) -> tuple[int, int]:
    """A number of variable length (RFC 8794, section 4), and of how many octets it is."""
    if place >= len(body):
        raise DamagedError
    length = _length_of(body[place])
    if place + length > len(body):
        raise DamagedError
    return int.from_bytes(body[place : place + length], "big") & ((1 << 7 * length) - 1), length


def _length_of(first: int) -> int:
    length = 9 - first.bit_length()
    if length > 8:  # noqa: PLR2004  # the octet is zero
        raise DamagedError
    return length


def _integer(octets: bytes) -> int:
    if len(octets) > 8:  # noqa: PLR2004
        raise DamagedError
    return int.from_bytes(octets, "big")


def _float(octets: bytes) -> float:
    if len(octets) not in {4, 8}:
        return 0.0
    found = float(struct.unpack(">f" if len(octets) == 4 else ">d", octets)[0])  # noqa: PLR2004
    return found if 1 <= found <= 1_000_000 else 0.0  # noqa: PLR2004  # a rate of samples; not a number either
