"""When a delivery is tried again."""

import random
from collections.abc import Callable
from typing import Final

# Seconds after the attempt before, of which the first is made at once: eight attempts over some 28 hours.
WAITS: tuple[float, ...] = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 10 * 3600)
JITTER: Final = 0.2  # up to a fifth longer, so that those who failed together do not come back together
LONGEST_ASKED: Final = 10 * 3600.0


def wait_after(attempts: int, *, asked: float | None = None, chance: Callable[[], float] = random.random) -> float | None:
    """Seconds from an attempt, of which there have been so many with it, to the next; None after the last.

    `asked`: what the endpoint asked for by Retry-After, in seconds: a minimum, up to 10 hours.
    """
    if attempts > len(WAITS):
        return None
    planned = WAITS[attempts - 1] * (1 + JITTER * chance())
    return planned if asked is None else max(planned, min(asked, LONGEST_ASKED))
