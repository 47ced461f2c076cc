"""WebM for tests: made by PyAV as a browser's recorder makes it, and looked at by PyAV, which is another's code than ours."""

import array
import io
import math
from fractions import Fraction
from typing import Literal

import av
from msgspec import Struct

RATE = 48_000
SAMPLES = 960  # 20 ms
FRAMES = 10  # a second


Codec = Literal["libvpx", "libvpx-vp9"]


class Seen(Struct, frozen=True):
    """What a film is like. Times are in seconds."""

    duration: float
    pictures: list[float]
    sounds: list[float]
    hues: list[int]
    loudness: float


def film(*, seconds: float, hue: int = 90, size: tuple[int, int] = (160, 90), codec: str = "libvpx") -> bytes:
    """A film of one grey, with a tone of 440 Hz; as it is streamed, without a length and without places to seek to."""
    out = io.BytesIO()
    with av.open(out, "w", format="webm", options={"live": "1", "cluster_time_limit": "1000"}) as container:
        video = container.add_stream(codec, rate=FRAMES, options={"g": str(FRAMES), "deadline": "realtime", "cpu-used": "8"})
        audio = container.add_stream("libopus", rate=RATE)
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        video.time_base = Fraction(1, FRAMES)
        audio.layout = "mono"
        for place in range(round(seconds * FRAMES)):
            container.mux(video.encode(_picture(place, hue, size)))
            for part in range(50 // FRAMES):
                container.mux(audio.encode(_sound((place * 50 // FRAMES + part) * SAMPLES)))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return out.getvalue()


def _picture(place: int, hue: int, size: tuple[int, int]) -> av.VideoFrame:
    frame = av.VideoFrame(*size, "yuv420p")
    for plane, value in zip(frame.planes, (hue, 128, 128), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    frame.pts, frame.time_base = place, Fraction(1, FRAMES)
    return frame


def _sound(begin: int) -> av.AudioFrame:
    wave = array.array("h", (int(13_000 * math.sin((begin + place) * 2 * math.pi * 440 / RATE)) for place in range(SAMPLES)))
    frame = av.AudioFrame("s16", "mono", SAMPLES)
    frame.planes[0].update(wave.tobytes())
    frame.pts, frame.sample_rate, frame.time_base = begin, RATE, Fraction(1, RATE)
    return frame


def seen(octets: bytes) -> Seen:
    """Play it: every picture and every sound is decoded."""
    pictures: list[float] = []
    sounds: list[float] = []
    hues: list[int] = []
    loudness = 0.0
    with av.open(io.BytesIO(octets), "r") as container:
        duration = (container.duration or 0) / 1_000_000
        for frame in container.decode():
            if isinstance(frame, av.VideoFrame):
                picture = bytes(frame.planes[0])
                pictures.append(float(frame.time or 0))
                hues.append(picture[frame.planes[0].line_size * (frame.height // 2) + frame.width // 2])
            elif isinstance(frame, av.AudioFrame):
                sounds.append(float(frame.time or 0))
                heard = array.array("f", bytes(frame.planes[0])[: frame.samples * 4])
                loudness = max(loudness, *(abs(one) for one in heard))
    return Seen(duration, pictures, sounds, hues, loudness)


def seeks_to(octets: bytes, second: float) -> float:
    """Where one lands who seeks: at the key frame before."""
    with av.open(io.BytesIO(octets), "r") as container:
        container.seek(int(second * 1_000_000))
        return next(float(frame.time or 0) for frame in container.decode(video=0))
