"""What keeps the embedded PostgreSQL running: a lease, held by a process for as long as it needs the database."""

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from greenroom.kit.embedded.errors import EmbeddedError
from greenroom.kit.embedded.layout import OWNER, SERVICE, Layout
from greenroom.kit.embedded.locks import FileLock, is_held

_START_SECONDS = 30.0
_STOP_SECONDS = 35.0
_POLL_SECONDS = 0.005
# How often a lease looks whether its supervisor is alive, and at most how long it waits between attempts to replace it.
_WATCH_SECONDS = 0.5
_LONGEST_WATCH_SECONDS = 8.0


class Lease:
    """PostgreSQL runs on a data directory as long as any process holds one of these; killed processes hold none.

    Child processes need none of their own: their parent's covers them. A lease does not depend on an event loop: it may be
    taken in one `asyncio.run` and closed in another.
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
        """Make and start PostgreSQL if it does not run; returns when it accepts connections. EmbeddedError if it cannot."""
        layout = Layout(data_dir)
        layout.make()
        with contextlib.ExitStack() as undo:
            try:
                users = FileLock(layout.users_lock)
                undo.callback(users.close)
                async with asyncio.timeout(start_seconds):
                    await _until(users.try_shared)
                    await _ready(layout)
            except TimeoutError:
                raise EmbeddedError(f"PostgreSQL was not ready within {start_seconds:g} s: see {layout.log}") from None
            except OSError as error:
                raise EmbeddedError(f"PostgreSQL cannot be started in {data_dir}: {error}") from None
            lease = cls(layout, users)
            undo.pop_all()
            return lease

    async def close(self) -> None:
        """Let go. The last one returns when PostgreSQL has stopped: a container ends with its first process."""
        self._closed.set()
        await asyncio.to_thread(self._watcher.join)
        self._users.release()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                await _until(lambda: not is_held(self._layout.supervisor_lock) or self._others_use_it())
        self._users.close()

    async def __aenter__(self) -> Self:
        """`async with await Lease.take(data_dir) as lease`."""
        return self

    async def __aexit__(self, *_raised: object) -> None:
        """As `close`."""
        await self.close()

    def _others_use_it(self) -> bool:
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
    """Wait until PostgreSQL accepts connections; start a supervisor if there is none. EmbeddedError as it says it."""
    supervisor: subprocess.Popen[bytes] | None = None
    try:
        while not is_held(layout.ready_lock):
            if supervisor is None and not is_held(layout.supervisor_lock):
                supervisor = _spawn_supervisor(layout, subprocess.PIPE)
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
    """Look again and again: a flock can be waited for only by blocking."""
    while not condition():  # noqa: ASYNC110  another process makes it true, and tells nobody
        await asyncio.sleep(_POLL_SECONDS)
