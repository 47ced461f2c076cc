"""A real server for the tests: `greenroom serve` in a process of its own."""

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.postgres import TestDatabase

SECRET_KEY = "a key that only the tests of Greenroom know"  # noqa: S105
START_SECONDS = 90.0
AUTHORITIES = ssl.create_default_context()  # reading them takes 60 ms, and nearly every test makes a client
PLENTY = "1000000"


class Server:
    """A running `greenroom serve`."""

    def __init__(self, process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self.log = log

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; answers its exit status."""
        self.process.send_signal(sign)
        return self.process.wait(START_SECONDS)

    def log_text(self) -> str:
        """Everything it has logged."""
        return self.log.read_text()


def environment_of(database: TestDatabase, settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a command on this database; nothing of the developer's own settings reaches it."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GREENROOM_", "PROMETHEUS_"))}
    return {
        **inherited,
        "GREENROOM_DATABASE_URL": database.service_url,
        "GREENROOM_DATABASE_OWNER_URL": database.owner_url,
        "GREENROOM_DATA_DIR": str(database.files),  # recordings: all servers of a database join what they find in it
        "GREENROOM_SECRET_KEYS": SECRET_KEY,
        "GREENROOM_VIDEO_PROVIDER": "none",  # who needs rooms says so: else each session that opens would have one
        "GREENROOM_WEBHOOK_ALLOWED": "127.0.0.1",  # where the endpoints of tests are: none is looked for elsewhere
        "GREENROOM_RATE_LIMIT_READS": PLENTY,
        "GREENROOM_RATE_LIMIT_WRITES": PLENTY,
        "GREENROOM_RATE_LIMIT_ADDRESS": PLENTY,
        **(settings or {}),
    }


@contextmanager
def running_server(
    database: TestDatabase,
    directory: Path,
    *,
    settings: Mapping[str, str] | None = None,
    workers: int = 1,
    source: Path | None = None,
    program: Sequence[str] = ("-m", "greenroom.cli"),
) -> Iterator[Server]:
    """`greenroom serve` on a free port, stopped afterwards whatever happened; `source` is a tree with other code to run.

    `program`: what Python runs as `greenroom`.
    """
    log = directory / "server.log"
    command = [sys.executable, *program, "serve", "--port", "0", "--workers", str(workers)]
    with log.open("wb") as lines:
        environment = environment_of(database, settings)
        process = subprocess.Popen(command, env=environment, cwd=source, stdout=subprocess.PIPE, stderr=lines)
    try:
        yield Server(process, _await_ready(process, log), log)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _await_ready(process: "subprocess.Popen[bytes]", log: Path) -> str:
    if process.stdout is None:
        raise AssertionError("the server's output is read here")
    first_line = process.stdout.readline().decode()
    if not first_line.startswith("Greenroom: http"):
        process.wait(START_SECONDS)
        raise AssertionError(f"the server did not start: {first_line}{log.read_text()}")
    url = first_line.split()[1]
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz", verify=AUTHORITIES).status_code == httpx.codes.OK:
                return url
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"the server was not ready: {log.read_text()}")
