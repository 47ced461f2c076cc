"""Memory of a worker: after a warm-up, after 100,000 requests of all kinds, and after as many again."""

from pathlib import Path

from msgspec import Struct

from bench.contenders import Contender, running
from bench.load import Load

CONNECTIONS = 32
CHUNK_SECONDS = 5.0


class Memory(Struct, frozen=True):
    """Resident MB at three times, and how many requests were between them."""

    warm: float
    once: float
    twice: float
    requests: int


def resident(contender: Contender, load: Load, *, requests: int, pool: int, log: Path) -> Memory:
    """A third each of PATCH, GET and POST. Raises BenchError."""
    with running(contender, pool=pool, log=log) as server:

        def drive(wanted: int) -> float:
            done = 0
            while done < wanted:
                done += load.drive(server, "mixed", connections=CONNECTIONS, seconds=CHUNK_SECONDS).requests
            return server.resident_mb()

        return Memory(warm=drive(1), once=drive(requests), twice=drive(requests), requests=requests)
