"""A WebM file that is written frame by frame, and can be seeked in: its length is known, and where its key frames are.

Source: RFC 9559. What is known only at the end (length, size, where the cues are) has its place at the beginning and is written
there last.
"""

import struct
from collections.abc import Sequence
from typing import IO, Final

from msgspec import Struct

from greenroom.recordings import webm
from greenroom.recordings.webm import AUDIO_TRACK, VIDEO_TRACK, Frame, Track

CLUSTER_MS: Final = 5_000
CLUSTER_OCTETS: Final = 4 * 1024 * 1024
CUE_MS: Final = 1_000  # between two places to seek to, at least
APPLICATION: Final = b"Greenroom"

_SEEK_HEAD: Final = 0x114D9B74
_SEEK: Final = 0x4DBB
_SEEK_ID: Final = 0x53AB
_SEEK_POSITION: Final = 0x53AC
_DURATION: Final = 0x4489
_MUXING_APP: Final = 0x4D80
_WRITING_APP: Final = 0x5741
_CUES: Final = 0x1C53BB6B
_CUE_POINT: Final = 0xBB
_CUE_TIME: Final = 0xB3
_CUE_TRACK_POSITIONS: Final = 0xB7
_CUE_TRACK: Final = 0xF7
_CUE_CLUSTER_POSITION: Final = 0xF1
_FLAG_LACING: Final = 0x9C

_HEADER: Final[Sequence[tuple[int, bytes]]] = (
    (0x4286, b"\x01"), (0x42F7, b"\x01"), (0x42F2, b"\x04"), (0x42F3, b"\x08"), (0x4282, b"webm"),
    (0x4287, b"\x04"), (0x4285, b"\x02"),
)  # fmt: skip


class _Cue(Struct, frozen=True):
    at: int
    place: int


class WebmFile:
    """The file, open for writing and seekable."""

    def __init__(self, file: IO[bytes], tracks: Sequence[Track]) -> None:
        self._file = file
        self._cued = VIDEO_TRACK if any(one.kind == VIDEO_TRACK for one in tracks) else AUDIO_TRACK
        self._cues: list[_Cue] = []
        self._cluster: list[bytes] = []
        self._cluster_at = 0
        self._cluster_octets = 0
        file.write(_element(webm.EBML, b"".join(_element(*one) for one in _HEADER)))
        file.write(_name(webm.SEGMENT) + _size8(0))
        self._begin = file.tell()
        self._info = b"".join((
            _element(webm.TIMESTAMP_SCALE, _integer(webm.NANOSECONDS)),
            _element(_MUXING_APP, APPLICATION),
            _element(_WRITING_APP, APPLICATION),
        ))  # fmt: skip
        self._tracks = _element(webm.TRACKS, b"".join(_entry(one) for one in tracks))
        file.write(self._head(0, 0))

    def add(self, frame: Frame) -> None:
        """The next frame; none is earlier than the one before by half a minute."""
        begins = frame.is_key and frame.kind == self._cued
        since = frame.at - self._cluster_at
        is_full = since >= CLUSTER_MS or self._cluster_octets >= CLUSTER_OCTETS or since < -CLUSTER_MS
        if not self._cluster or (begins and (frame.kind == VIDEO_TRACK or is_full)) or is_full:
            self._flush()
            self._cluster_at = frame.at
        if begins and (not self._cues or frame.at - self._cues[-1].at >= CUE_MS):
            self._cues.append(_Cue(frame.at, self._file.tell() - self._begin))
        relative = (frame.at - self._cluster_at).to_bytes(2, "big", signed=True)
        flags = b"\x80" if frame.is_key else b"\x00"
        block = _element(webm.SIMPLE_BLOCK, _vint(frame.kind) + relative + flags + frame.octets)
        self._cluster.append(block)
        self._cluster_octets += len(block)

    def finish(self, length: int) -> None:
        """That was all, of so many milliseconds."""
        self._flush()
        cues = self._file.tell() - self._begin
        self._file.write(_element(_CUES, b"".join(self._cue(one) for one in self._cues)))
        end = self._file.tell()
        self._file.seek(self._begin - 8)
        self._file.write(_size8(end - self._begin))
        self._file.write(self._head(length, cues))
        self._file.seek(end)
        self._file.flush()

    def _head(self, length: int, cues: int) -> bytes:
        """As long at the end as it was at the beginning."""
        info = _element(webm.INFO, self._info + _element(_DURATION, struct.pack(">d", length)))
        there = len(_seek_head(0, 0, 0))
        return _seek_head(there, there + len(info), cues) + info + self._tracks

    def _flush(self) -> None:
        if self._cluster:
            at = _element(webm.TIMESTAMP, _integer(self._cluster_at))
            self._file.write(_element(webm.CLUSTER, at + b"".join(self._cluster)))
        self._cluster, self._cluster_octets = [], 0

    def _cue(self, cue: _Cue) -> bytes:
        where = _element(_CUE_TRACK, _integer(self._cued)) + _element(_CUE_CLUSTER_POSITION, _integer(cue.place))
        return _element(_CUE_POINT, _element(_CUE_TIME, _integer(cue.at)) + _element(_CUE_TRACK_POSITIONS, where))


def _seek_head(info: int, tracks: int, cues: int) -> bytes:
    places = ((webm.INFO, info), (webm.TRACKS, tracks), (_CUES, cues))
    return _element(
        _SEEK_HEAD,
        b"".join(
            _element(_SEEK, _element(_SEEK_ID, _name(name)) + _element(_SEEK_POSITION, place.to_bytes(8, "big")))
            for name, place in places
        ),
    )


def _entry(track: Track) -> bytes:
    """What a player has to know, and nothing else of what a browser has sent."""
    said = [
        _element(webm.TRACK_NUMBER, _integer(track.kind)),
        _element(webm.TRACK_UID, _integer(track.kind)),
        _element(webm.TRACK_TYPE, _integer(track.kind)),
        _element(_FLAG_LACING, b"\x00"),
        _element(webm.CODEC_ID, track.codec.encode()),
    ]
    if track.private:
        said.append(_element(webm.CODEC_PRIVATE, track.private))
    if track.kind == VIDEO_TRACK:
        size = _element(webm.PIXEL_WIDTH, _integer(track.width)) + _element(webm.PIXEL_HEIGHT, _integer(track.height))
        said.append(_element(webm.VIDEO, size))
    else:
        said += [_element(webm.CODEC_DELAY, _integer(track.delay)), _element(webm.SEEK_PRE_ROLL, _integer(track.pre_roll))]
        rate = _element(webm.SAMPLING_FREQUENCY, struct.pack(">d", track.frequency))
        said.append(_element(webm.AUDIO, rate + _element(webm.CHANNELS, _integer(track.channels))))
    return _element(webm.TRACK_ENTRY, b"".join(said))


def _element(name: int, body: bytes) -> bytes:
    return _name(name) + _vint(len(body)) + body


def _name(name: int) -> bytes:
    return name.to_bytes((name.bit_length() + 7) // 8, "big")


def _integer(value: int) -> bytes:
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")


def _vint(value: int) -> bytes:
    """In as few octets as there may be: all ones is no size (RFC 8794, section 6)."""
    length = next(octets for octets in range(1, 9) if value < (1 << 7 * octets) - 1)
    return (value | 1 << 7 * length).to_bytes(length, "big")


def _size8(value: int) -> bytes:
    return (value | 1 << 56).to_bytes(8, "big")
