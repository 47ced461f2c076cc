"""A real NATS for the tests, that they may also kill: it comes back on the same port with what it had stored."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("nats-server")
START_SECONDS = 90.0
ANY_PORT = -1


class NatsServer:
    """One `nats-server` in a temporary directory."""

    def __init__(self, home: Path, *options: str) -> None:
        self._home = home
        self._options = options
        self._port = ANY_PORT
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What a client connects with, unless a password is asked for."""
        return f"nats://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Run it, until it answers."""
        deadline = time.monotonic() + START_SECONDS
        while not self._has_started(deadline):
            if time.monotonic() > deadline:
                raise AssertionError("NATS did not start")

    def kill(self) -> None:
        """SIGKILL: nothing is said, and nothing put in order."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to stop."""
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """It stands still: what is sent to it stays in the system's buffers."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """It runs again."""
        self._signal(signal.SIGCONT)

    def _has_started(self, deadline: float) -> bool:
        """Whether it has; a port that somebody took meanwhile may be free the next time."""
        for left in self._home.glob("*.ports"):
            left.unlink()
        where = ("-a", "127.0.0.1", "-p", str(self._port), "--ports_file_dir", str(self._home))
        command = [str(PROGRAM), *where, *self._options]
        process = self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while process.poll() is None and time.monotonic() < deadline:
            for ports in self._home.glob("*.ports"):
                if told := ports.read_text():
                    self._port = int(json.loads(told)["nats"][0].rpartition(":")[2])
                    return True
            time.sleep(0.02)
        return False

    def _signal(self, sign: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(sign)

    def _end(self, sign: signal.Signals) -> None:
        self._signal(signal.SIGCONT)
        self._signal(sign)
        if self._process is not None:
            self._process.wait(START_SECONDS)


@contextmanager
def running_nats(*options: str, keeps_streams: bool = True) -> Iterator[NatsServer]:
    """A NATS that is gone afterwards, whatever happened."""
    home = Path(tempfile.mkdtemp(prefix="greenroom-nats-"))
    streams = ("-js", "-sd", str(home / "store")) if keeps_streams else ()
    found = NatsServer(home, *streams, *options)
    try:
        found.start()
        yield found
    finally:
        found.kill()
        shutil.rmtree(home, ignore_errors=True)
