"""The worker processes of a server, one at a time: what they share is seen only when each has served (Linux)."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.server import Server

CAN_TELL_WORKERS = Path("/proc/self/task").exists()


def workers_of(server: Server) -> list[int]:
    """The process ids of the workers."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()]


@contextmanager
def only(server: Server, worker: int) -> Iterator[None]:
    """The other workers stand still meanwhile; not for long, or the server takes them for dead."""
    others = [pid for pid in workers_of(server) if pid != worker]
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)
