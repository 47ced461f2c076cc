"""A NATS server with JetStream, of one run."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from socket import create_connection

from bench import tools
from bench.contenders import free_port, stop
from bench.tools import BenchError

START_SECONDS = 15.0


@contextmanager
def broker() -> Iterator[str]:
    """Its URL. Raises BenchError."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="greenroom-bench-nats-", dir="/var/tmp") as directory:  # made for us alone
        command = [str(tools.nats_server()), "-js", "-sd", directory, "-a", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _await(process, port)
            yield f"nats://127.0.0.1:{port}"
        finally:
            stop(process)


def _await(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise BenchError("nats-server did not start")
