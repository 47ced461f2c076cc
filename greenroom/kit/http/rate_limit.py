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
_probed = struct.Struct(f"<{2 * PROBES}Q")  # all the slots that a key may have, read at once
TABLE_OCTETS = (SLOTS + PROBES) * _slot.size  # the last ones need not begin again at the front
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
        offset, packed = self._slot_of(key)
        start, count = packed >> _COUNT_BITS, packed & _COUNT_MASK
        if not packed or now - start >= WINDOW_MS:
            start, count = now, 0
        if count >= limit:
            return start + WINDOW_MS - now
        _slot.pack_into(self._table, offset, key, start << _COUNT_BITS | min(count + 1, _COUNT_MASK))
        return None

    def _slot_of(self, key: int) -> tuple[int, int]:
        """Where the key is counted and what was: its own slot, else a free or expired one, else that of the oldest window."""
        first = key % SLOTS * _slot.size
        probed = _probed.unpack_from(self._table, first)
        keys, windows = probed[::2], probed[1::2]
        if key in keys:
            place = keys.index(key)
            return first + place * _slot.size, windows[place]
        # Where a slot was never taken, the key would have taken it; else the oldest window's, which an expired one is, too.
        place = keys.index(0) if 0 in keys else windows.index(min(windows))
        return first + place * _slot.size, 0
