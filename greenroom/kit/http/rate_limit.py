"""Limits per minute, counted together by all workers of one `greenroom serve`.

No library counts across processes without a server of its own, so this is ours: a table in shared memory. A window
of a minute opens with a key's first request. Two workers that count the same key in the same microsecond may count
one of the two; a limit is off by that at most, and no request waits for a lock. Hosts count apart.
"""

import hashlib
import mmap
import struct
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

WINDOW_MS = 60_000
SLOTS = 1 << 16
PROBES = 8

_slot = struct.Struct("<QQ")  # the key's hash; the window's start in ms << 24 | count
TABLE_OCTETS = SLOTS * _slot.size
_COUNT_BITS = 24
_COUNT_MASK = (1 << _COUNT_BITS) - 1


def monotonic_ms() -> int:
    """Milliseconds of a clock that all processes of one machine share and that never jumps."""
    return time.monotonic_ns() // 1_000_000


@lru_cache(maxsize=4096)
def key_of(*parts: str) -> int:
    """64 bits that stand for the parts: chance meetings only, also where a caller chooses its parts."""
    digest = hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1


class RateLimiter:
    """Counts in a file that every worker maps; without a file, in this process alone."""

    def __init__(self, file: Path | None = None, *, clock: Callable[[], int] = monotonic_ms) -> None:
        self._clock = clock
        if file is None:
            self._table = mmap.mmap(-1, TABLE_OCTETS)
        else:
            with file.open("a+b") as handle:
                handle.truncate(TABLE_OCTETS)
                self._table = mmap.mmap(handle.fileno(), TABLE_OCTETS)

    def take(self, key: int, *, limit: int) -> int | None:
        """Count one request. None: it is within the limit; else the milliseconds until the window ends."""
        now = self._clock()
        offset, packed = self._slot_of(key, now)
        start, count = packed >> _COUNT_BITS, packed & _COUNT_MASK
        if not packed or now - start >= WINDOW_MS:
            start, count = now, 0
        if count >= limit:
            return start + WINDOW_MS - now
        _slot.pack_into(self._table, offset, key, start << _COUNT_BITS | min(count + 1, _COUNT_MASK))
        return None

    def _slot_of(self, key: int, now: int) -> tuple[int, int]:
        """Where the key is counted and what was: its own slot, else a free or expired one, else that of the oldest window."""
        oldest_offset, oldest_start = 0, None
        for probe in range(PROBES):
            offset = (key + probe) % SLOTS * _slot.size
            stored, packed = _slot.unpack_from(self._table, offset)
            if stored == key:
                return offset, packed
            start = packed >> _COUNT_BITS if stored else 0
            if now - start >= WINDOW_MS:
                start = 0
            if oldest_start is None or start < oldest_start:
                oldest_offset, oldest_start = offset, start
            if not stored:  # a slot that was never taken: the key would have taken it
                break
        return oldest_offset, 0
