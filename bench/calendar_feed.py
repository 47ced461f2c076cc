"""What a feed of 500 entries takes: `python -m bench.calendar_feed`, a few seconds; `--quick` for one round.

Usual entries, and the longest that a session may have (10,000 characters of four octets in title and description each).
Medians of rounds: microseconds for an entry, octets of it, and the longest that anybody else in the process waits for a turn.
"""

import asyncio
import statistics
import sys
import time
from itertools import pairwise
from uuid import UUID

import msgspec

from greenroom.calendar.kept import KeptEntry, Publisher
from greenroom.calendar.queries import MOST_ENTRIES
from greenroom.calendar.service import Feed

ROUNDS = 7
PUBLISHER = Publisher("noreply@live.example.com", "https://live.example.com")
USUAL = KeptEntry(
    UUID(int=1), "Ask the physiotherapist", "Bring a chair, a towel, and your questions.", "2027-03-01 17:00:00+00", 45,
    "scheduled", 2, "2026-11-28 09:30:15.123+00", UUID(int=2), "registered", 1, "2026-11-28 09:30:16+00", None,
)  # fmt: skip
LONGEST = msgspec.structs.replace(USUAL, title="\U0001f600" * 10_000, description="\U0001f600" * 10_000)


def main() -> None:
    """Print a line per kind of entry."""
    rounds = 1 if "--quick" in sys.argv else ROUNDS
    print(f"{'':8}{'µs':>10}{'octets':>10}{'waits, ms':>12}   medians of {rounds} rounds of {MOST_ENTRIES} entries")
    for name, kept in (("usual", USUAL), ("longest", LONGEST)):
        made = [asyncio.run(_round(kept)) for _ in range(rounds)]
        each, octets, waits = (statistics.median(column) for column in zip(*made, strict=True))
        print(f"{name:8}{each * 1e6:10.0f}{octets:10.0f}{waits * 1e3:12.1f}")


async def _round(kept: KeptEntry) -> tuple[float, float, float]:
    """Seconds and octets for an entry, and the longest time between two turns of somebody else."""
    turns: list[float] = []
    other = asyncio.create_task(_beside(turns))
    begun = time.perf_counter()
    octets = 0
    async for piece in Feed('"tag"', PUBLISHER, [kept] * MOST_ENTRIES).pieces():
        octets += len(piece)
    took = time.perf_counter() - begun
    other.cancel()
    waits = max(later - earlier for earlier, later in pairwise(turns))
    return took / MOST_ENTRIES, octets / MOST_ENTRIES, waits


async def _beside(turns: list[float]) -> None:
    while True:
        turns.append(time.perf_counter())
        await asyncio.sleep(0)


if __name__ == "__main__":
    main()
