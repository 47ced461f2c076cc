"""Which processor cores do what, where it matters that a server has just one."""

import os
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager

from msgspec import Struct


class Cores(Struct, frozen=True):
    """Those of the server, and those of its clients; the same where there is one."""

    servers: frozenset[int]
    others: frozenset[int]


def apart() -> Cores:
    """The first for the server, the rest for its clients."""
    first, *rest = sorted(os.sched_getaffinity(0))
    return Cores(frozenset({first}), frozenset(rest or {first}))


@contextmanager
def on_cores(cores: AbstractSet[int]) -> Iterator[None]:
    """What is started in the block runs on these cores, and so does what it starts."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
