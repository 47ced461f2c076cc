"""A data directory seen from outside, and the processes that use it."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg

from greenroom.kit.embedded.layout import Layout
from greenroom.kit.embedded.locks import is_held

_REPOSITORY = Path(__file__).parents[3]


class User:
    """Another process that holds a lease, or is about to."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        """Start it, without waiting for PostgreSQL."""
        command = [sys.executable, "-m", "tests.kit.embedded.user", str(data_dir), *options]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_REPOSITORY, start_new_session=True
        )
        self._said: dict[str, str] | None = None

    @property
    def said(self) -> dict[str, str]:
        """What it printed: its URLs or its error. Waits for it."""
        if self._said is None:
            assert self.process.stdout
            line = self.process.stdout.readline()
            assert line, "the user ended without a word"
            self._said = json.loads(line)
        return self._said

    @property
    def service_url(self) -> str:
        """Where its lease says the service connects."""
        return self.said["service_url"]

    @property
    def owner_url(self) -> str:
        """Where its lease says migrations connect."""
        return self.said["owner_url"]

    def kill(self) -> None:
        """kill -9, and what it forked with it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self._bury()

    def leave(self) -> None:
        """Give the lease back and end."""
        self._bury()

    def _bury(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.wait(45)
        self.process.stdout.close()


class Site:
    """A data directory, seen from outside."""

    def __init__(self, data_dir: Path) -> None:
        """Nothing is made or started yet."""
        self.data_dir = data_dir
        self.layout = Layout(data_dir)
        self._users: list[User] = []

    def user(self, *options: str) -> User:
        """One more process that takes a lease."""
        self._users.append(User(self.data_dir, *options))
        return self._users[-1]

    def postmaster(self) -> int:
        """The process id of the server; it must be running."""
        pid = int((self.layout.data / "postmaster.pid").read_text().splitlines()[0])
        assert pid in self.postmasters()
        return pid

    def postmasters(self) -> list[int]:
        """The process ids of all servers on this directory."""
        return self._processes(f"postgres -D {self.layout.data} ")

    def supervisors(self) -> list[int]:
        """The process ids of all supervisors of this directory."""
        return self._processes(f"-m greenroom.kit.embedded.supervisor {self.data_dir}")

    def everything(self) -> list[int]:
        """All of those, and tools that are building the files."""
        return [*self.supervisors(), *self._processes(f"-D {self.layout.server}/")]

    def is_at_rest(self) -> bool:
        """Nobody supervises and not one process of PostgreSQL is left."""
        locks = (self.layout.supervisor_lock, self.layout.cluster_lock)
        return not any(is_held(lock) for lock in locks if lock.exists())

    def end(self) -> None:
        """Kill what a failed test may have left."""
        for user in self._users:
            user.kill()
        with contextlib.suppress(AssertionError):
            eventually(self.is_at_rest)
        for pid in self.everything():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @staticmethod
    def _processes(part: str) -> list[int]:
        listed = subprocess.run(["ps", "-eww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
        return [int(line.split(None, 1)[0]) for line in listed.splitlines() if part in f"{line} "]


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for it, but not for ever."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


async def value(url: str, query: str, *arguments: object, patience: float = 20.0) -> object:
    """The answer to a query, asked again while the server is coming back."""
    deadline = time.monotonic() + patience
    while True:
        try:
            connection = await asyncpg.connect(url)
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)
            continue
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()
