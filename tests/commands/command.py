"""`greenroom ...` as the process that an operator starts."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

GREENROOM = (sys.executable, "-m", "greenroom.cli")
PATIENCE_SECONDS = 120.0
STOP_SECONDS = 40.0

Environment = Mapping[str, str]


class Said(Struct, frozen=True):
    """What a command that has ended said."""

    status: int
    out: str
    err: str

    def only_line(self) -> str:
        """Its one line on standard error; it failed, said nothing else, and showed no traceback."""
        assert (self.status, self.out) == (1, ""), self
        [line] = self.err.splitlines()
        assert line.startswith("greenroom: "), line
        return line


def greenroom(*arguments: str, env: Environment) -> Said:
    """Run it to its end."""
    done = subprocess.run(
        [*GREENROOM, *arguments], env=env, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    return Said(done.returncode, done.stdout, done.stderr)


class Running:
    """A `greenroom serve` that has said where it listens."""

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self.process = process
        self.url = url

    def stop(self) -> int:
        """Ask it to stop; answers its exit status."""
        self.process.terminate()
        return self.process.wait(STOP_SECONDS)


@contextmanager
def serving(*arguments: str, env: Environment, log: Path) -> Iterator[Running]:
    """`greenroom serve` on a free port, stopped afterwards whatever happened."""
    with started("serve", "--port", "0", *arguments, env=env, log=log) as process:
        yield Running(process, url_of(process, log))


@contextmanager
def started(*arguments: str, env: Environment, log: Path) -> Iterator["subprocess.Popen[str]"]:
    """A command that runs on, stopped afterwards whatever happened; its errors are in the log."""
    with log.open("w") as lines:
        process = subprocess.Popen(
            [*GREENROOM, *arguments], env=env, stdout=subprocess.PIPE, stderr=lines, text=True
        )  # fmt: skip
    watchdog = threading.Timer(PATIENCE_SECONDS, process.terminate)
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        _end(process)
        if process.stdout is not None:
            process.stdout.close()


def url_of(process: "subprocess.Popen[str]", log: Path) -> str:
    """Where it listens, which is the first that it says."""
    assert process.stdout is not None
    first_line = process.stdout.readline()
    assert first_line.startswith("Greenroom: http"), first_line + log.read_text()
    return first_line.split()[1]


def free_port() -> int:
    """A port that nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def embedded_environment(data_dir: Path) -> dict[str, str]:
    """The environment of a command with the embedded database in this directory, and with nothing else set."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GREENROOM_", "PROMETHEUS_"))}
    return {**inherited, "GREENROOM_DATA_DIR": str(data_dir)}


def _end(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
