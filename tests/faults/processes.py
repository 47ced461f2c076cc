"""The processes behind a server."""

import os
import signal
import subprocess
from pathlib import Path

from msgspec import Struct


class Process(Struct, frozen=True):
    """What the system says of one."""

    pid: int
    parent: int
    command: str


def processes() -> list[Process]:
    """Every process of this machine that has not ended."""
    return [found for entry in Path("/proc").glob("[0-9]*") if (found := _described(entry))] or _by_ps()


def workers_of(pid: int) -> list[int]:
    """The worker processes of a `serve`, the oldest first."""
    return sorted(one.pid for one in processes() if one.parent == pid and "spawn_main" in one.command)


def is_alive(pid: int) -> bool:
    """Whether it still runs; one that has ended and is not yet buried does not."""
    return any(one.pid == pid for one in processes())


def kill(pid: int) -> None:
    """End it without a word."""
    os.kill(pid, signal.SIGKILL)


def _described(entry: Path) -> Process | None:
    try:
        state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
        command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return None
    return None if state == "Z" else Process(int(entry.name), int(parent), command)


def _by_ps() -> list[Process]:
    listed = subprocess.run(
        ["ps", "-axww", "-o", "pid=,ppid=,stat=,command="],  # where a system without /proc has it
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    rows = [line.split(None, 3) for line in listed.stdout.splitlines()]
    return [Process(int(row[0]), int(row[1]), row[3]) for row in rows if len(row) == 4 and "Z" not in row[2]]
