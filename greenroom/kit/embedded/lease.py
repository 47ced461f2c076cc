"""What keeps the embedded PostgreSQL running: a lease, held by a process for as long as it needs the database."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from greenroom.kit.embedded.errors import EmbeddedError
from greenroom.kit.embedded.layout import OWNER, SERVICE, Layout
from greenroom.kit.embedded.locks import FileLock, is_held

_START_SECONDS = 30.0
_STOP_SECONDS = 35.0
_ATTEMPTS = 3
_POLL_SECONDS = 0.005
_LOG_BYTES = 10_000_000
# How often a lease looks whether its supervisor is alive, and at most how long it waits between attempts to replace it.
_WATCH_SECONDS = 0.5
_LONGEST_WATCH_SECONDS = 8.0


class Lease:
    """PostgreSQL runs on a data directory as long as any process holds one of these; killed processes hold none.

    Child processes need none of their own: their parent's covers them. The lease does not depend on an event loop: it may be taken in one
    `asyncio.run` and closed in another.
    """

    def __init__(self, layout: Layout, users: FileLock) -> None:
        """Use `take`."""
        self.service_url = layout.url(SERVICE)
        """For the service: may connect, owns nothing."""
        self.owner_url = layout.url(OWNER)
        """For migrations: owns the database."""
        self._layout, self._users = layout, users
        self._closed = threading.Event()
        # A thread, because a lease outlives event loops and a busy one must not delay a rescue.
        self._watcher = threading.Thread(target=self._watch, name="embedded-postgres", daemon=True)
        self._watcher.start()

    @classmethod
    async def take(cls, data_dir: Path, *, start_seconds: float = _START_SECONDS) -> Self:
        """Make and start PostgreSQL where it is not running yet; returns when it accepts connections. EmbeddedError when it cannot."""
        layout = Layout(data_dir)
        layout.make()
        users = FileLock(layout.users_lock)
        try:
            async with asyncio.timeout(start_seconds):
                await _until(users.try_shared)
                await _ready(layout)
            return cls(layout, users)
        except TimeoutError:
            users.close()
            raise EmbeddedError(f"PostgreSQL was not ready within {start_seconds:g} s: see {layout.log}") from None
        except BaseException:
            users.close()
            raise

    async def close(self) -> None:
        """Let go. The last one returns when PostgreSQL has stopped: a container ends with its first process."""
        self._closed.set()
        await asyncio.to_thread(self._watcher.join)
        self._users.release()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                await _until(lambda: not is_held(self._layout.supervisor_lock) or self._is_used_by_others())
        self._users.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    def _is_used_by_others(self) -> bool:
        if self._users.try_exclusive():
            self._users.release()
            return False
        # Taken by other users, or by the supervisor that is stopping PostgreSQL?
        return not is_held(self._layout.users_lock)

    def _watch(self) -> None:
        pause = _WATCH_SECONDS
        while not self._closed.wait(pause):
            # Why it fails is in the log; it is tried again as long as somebody needs it.
            with contextlib.suppress(OSError):
                if is_held(self._layout.supervisor_lock):
                    pause = _WATCH_SECONDS
                else:
                    pause = min(2 * pause, _LONGEST_WATCH_SECONDS)
                    _spawn_supervisor(self._layout, subprocess.DEVNULL).wait()


async def _ready(layout: Layout) -> None:
    """Wait until PostgreSQL accepts connections; start a supervisor where there is none. EmbeddedError with what it says when it gives up."""
    supervisor, attempts = None, 0
    try:
        while not is_held(layout.ready_lock):
            if supervisor is None and not is_held(layout.supervisor_lock):
                if attempts == _ATTEMPTS:
                    raise EmbeddedError(f"the supervisor of PostgreSQL ended {attempts} times without a word: see {layout.log}")
                supervisor, attempts = _spawn_supervisor(layout, subprocess.PIPE), attempts + 1
            if supervisor and (said := _said(supervisor)) is not None:
                _bury(supervisor)
                supervisor = None
                if said:
                    raise EmbeddedError(said)
            await asyncio.sleep(_POLL_SECONDS)
    finally:
        if supervisor:
            _bury(supervisor)


def _said(supervisor: "subprocess.Popen[bytes]") -> str | None:
    """Its last word; empty when it closed its output without one, None while it may still speak."""
    output: bytes | None = supervisor.stdout.read(4096) if supervisor.stdout else b""
    return None if output is None else output.decode(errors="replace")


def _bury(supervisor: "subprocess.Popen[bytes]") -> None:
    """It went on in a child of its own at once, so that this waits for next to nothing."""
    if supervisor.stdout:
        supervisor.stdout.close()
    supervisor.wait()


def _spawn_supervisor(layout: Layout, stdout: int) -> "subprocess.Popen[bytes]":
    """A process of its own session that needs neither this one nor its directory, and finds the same greenroom."""
    log = os.open(layout.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        if os.fstat(log).st_size > _LOG_BYTES:
            # Kept in place, since a server that is still ending writes to it.
            shutil.copyfile(layout.log, layout.log.with_suffix(".log.1"))
            os.ftruncate(log, 0)
        paths = [str(Path(__file__).parents[3]), *filter(None, [os.environ.get("PYTHONPATH")])]
        supervisor = subprocess.Popen(
            # -P: neither the working directory nor a script's may put modules in front of ours.
            [sys.executable, "-P", "-m", "greenroom.kit.embedded.supervisor", str(layout.data_dir)],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=log,
            cwd="/",
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=True,
            bufsize=0,
        )
    finally:
        os.close(log)
    if supervisor.stdout:
        os.set_blocking(supervisor.stdout.fileno(), False)
    return supervisor


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(_POLL_SECONDS)
