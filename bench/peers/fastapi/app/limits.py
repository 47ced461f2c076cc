"""Requests a minute, counted in this process: a window opens with a key's first request."""

import time
from collections.abc import Hashable

from app.errors import rate_limited

WINDOW_SECONDS = 60.0
SWEEP_AT = 100_000


class Limiter:
    """Counts per key; a limit of 0 is off."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._windows: dict[Hashable, list[float]] = {}

    def take(self, key: Hashable) -> None:
        """Count one request. Raises Refusal beyond the limit."""
        if not self._limit:
            return
        now = time.monotonic()
        window = self._windows.get(key)
        if window is None or now - window[0] >= WINDOW_SECONDS:
            if len(self._windows) >= SWEEP_AT:
                self._sweep(now)
            self._windows[key] = [now, 1]
        elif window[1] >= self._limit:
            raise rate_limited(int((window[0] + WINDOW_SECONDS - now) * 1000) + 1)
        else:
            window[1] += 1

    def _sweep(self, now: float) -> None:
        self._windows = {key: window for key, window in self._windows.items() if now - window[0] < WINDOW_SECONDS}
