"""Joins the parts of a recording into one file. Run as `python -m greenroom.recordings.joining FILE-DESCRIPTOR MOST-OCTETS`.

In a process of its own, which is given little: what it reads came from browsers. It reads from its standard input what `told`
writes, and answers on its standard output how long the file is, in milliseconds; 0 where nothing could be used.
"""

import errno
import os
import resource
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Final, Literal

from msgspec import Struct, structs

from greenroom.recordings.webm import AUDIO_TRACK, VIDEO_TRACK, DamagedError, Frame, Reader, Track
from greenroom.recordings.webm_file import WebmFile

MEMORY_OCTETS: Final = 1024**3  # of addresses; some tens of MiB are used
CPU_SECONDS: Final = 1800
MOST_JUMP: Final = 10_000  # milliseconds of silence: more than that is a gap
USUAL_FRAME: Final = 33
NOT_NOW: Final = 75  # the status for what is the machine's fault, such as a full disk: sysexits.h calls it EX_TEMPFAIL
LONGEST_FRAME: Final = 1000

Kind = Literal["part", "data", "gap", "end"]
KINDS: Final[tuple[Kind, ...]] = ("part", "data", "gap", "end")

_HEAD: Final = struct.Struct(">BI")


class Told(Struct, frozen=True):
    """What is read: a part begins, its octets, some of them are missing here, and the end."""

    kind: Kind
    octets: bytes = b""


def told(kind: Kind, octets: bytes = b"") -> bytes:
    """It, for the process that joins."""
    return _HEAD.pack(KINDS.index(kind), len(octets)) + octets


class Input:
    """What comes in, one part after another."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._next: Told | None = None

    @property
    def next(self) -> Told:
        """What comes next. Raises EOFError where whoever writes is gone."""
        if self._next is None:
            kind, length = _HEAD.unpack(_all_of(self._file, _HEAD.size))
            self._next = Told(KINDS[kind], _all_of(self._file, length))
        return self._next

    def pass_on(self) -> None:
        """It was read."""
        self._next = None

    def take(self) -> bytes:
        """The part's next octets; none at its end, and where some are missing."""
        while self.next.kind == "data":
            octets = self.next.octets
            self.pass_on()
            if octets:
                return octets
        return b""

    def parts(self) -> Iterator[None]:
        """Each part, whatever was read of the one before."""
        while self.next.kind != "end":
            is_new = self.next.kind == "part"
            self.pass_on()
            if is_new:
                yield


class Joined:
    """The file as it grows. Its times go on where the stretch before has ended, whatever a browser's clock has said."""

    def __init__(self, file: IO[bytes]) -> None:
        self._out = file
        self._file: WebmFile | None = None
        self._tracks: dict[int, Track] = {}
        self._length = 0
        self._offset: int | None = None
        self._last: dict[int, int] = {}
        self._frame = USUAL_FRAME
        self._waits_for_key = False

    def takes(self, tracks: dict[int, Track]) -> bool:
        """Whether a stream of these tracks can be joined on; the first says what they are."""
        if self._file is None:
            self._tracks = {kind: tracks[kind] for kind in (VIDEO_TRACK, AUDIO_TRACK) if kind in tracks}
            self._file = WebmFile(self._out, list(self._tracks.values()))
        return all(kind in tracks and tracks[kind].continues(track) for kind, track in self._tracks.items())

    def cut(self) -> None:
        """Something is missing: what follows goes on here, from its next key frame."""
        self._offset = None
        self._waits_for_key = VIDEO_TRACK in self._tracks

    def add(self, frame: Frame) -> None:
        """The next frame of the stretch."""
        if self._file is None or frame.kind not in self._tracks:
            return
        if self._offset is not None and abs(frame.at + self._offset - self._length) > MOST_JUMP:
            self.cut()
        if self._waits_for_key:
            if frame.kind != VIDEO_TRACK or not frame.is_key:
                return
            self._waits_for_key = False
        if self._offset is None:
            self._offset = self._length - frame.at
        at = max(frame.at + self._offset, self._last.get(frame.kind, 0), 0)
        if frame.kind == VIDEO_TRACK and frame.kind in self._last:
            self._frame = min(LONGEST_FRAME, max(1, at - self._last[frame.kind]))
        self._last[frame.kind] = at
        self._length = max(self._length, at + (self._frame if frame.kind == VIDEO_TRACK else 0))
        self._file.add(structs.replace(frame, at=at))

    def finish(self) -> int:
        """How long it is, in milliseconds; 0 where there is nothing."""
        if self._file is None or not self._last:
            return 0
        length = max(self._length, *(at + 1 for at in self._last.values()))
        self._file.finish(length)
        return length


def join(file_in: IO[bytes], file_out: IO[bytes]) -> int:
    """All parts that can be used, one after another; answers how long they are, in milliseconds. Raises EOFError."""
    come = Input(file_in)
    joined = Joined(file_out)
    for _ in come.parts():
        with suppress(DamagedError, EOFError):  # what cannot be understood is left out; what was before it is good
            _join_part(come, joined)
    return joined.finish()


def _join_part(come: Input, joined: Joined) -> None:
    reader = Reader(come.take)
    reader.begin()
    if not joined.takes(reader.tracks):
        raise DamagedError
    while True:
        joined.cut()
        with suppress(DamagedError):
            for frame in reader.frames():
                joined.add(frame)
            if not _passes_gap(come, reader):
                return
        if not _resumes(come, reader):
            return


def _resumes(come: Input, reader: Reader) -> bool:
    """Go on at the part's next cluster, past whatever is damaged or missing before that; False at the part's end."""
    while True:
        try:
            reader.resume()
        except DamagedError:  # it only looked like a cluster
            continue
        except EOFError:
            if not _passes_gap(come, reader):
                return False
        else:
            return True


def _passes_gap(come: Input, reader: Reader) -> bool:
    """Pass over a gap, if there is one."""
    if come.next.kind != "gap":
        return False
    come.pass_on()
    reader.forget()
    return True


def _all_of(file: IO[bytes], count: int) -> bytes:
    octets = file.read(count)
    if len(octets) < count:
        raise EOFError
    return octets


def main() -> None:
    """Join what is told on the standard input into the open file that is named by its descriptor."""
    descriptor, most_octets = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_octets, most_octets))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 60))  # at the second one cannot tell who ended it
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_OCTETS, MEMORY_OCTETS))
    os.nice(10)  # requests first
    try:
        with os.fdopen(descriptor, "r+b") as file:
            length = join(sys.stdin.buffer, file)
    except OSError as error:
        if error.errno == errno.EFBIG:  # more than it may have
            raise
        sys.exit(NOT_NOW)
    print(length, flush=True)


if __name__ == "__main__":
    main()
