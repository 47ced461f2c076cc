"""Running the application: the socket, the workers, and what they share on this machine."""

import os
import resource
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

METRICS_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own name for it
SHARED_DIRECTORY = "GREENROOM_SHARED_DIRECTORY"  # from the parent to its workers; not a setting
BACKLOG = 4096
KEEP_ALIVE_SECONDS = (
    75  # of an idle connection: longer than proxies and clients keep theirs, or they use one that is just closed
)
MESSAGE_OCTETS = 64 * 1024  # of a WebSocket: a longer one ends it with 1009
LAST_PORT = 65_535


class ServingError(Exception):
    """Why the server cannot start: one line that says what to do."""


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises ServingError: the port is in use, is not ours to take, or the host is not known."""
    if not 0 <= port <= LAST_PORT:  # the system's own look-up would take it modulo 65536
        raise ServingError(f"--port: expected 0 to {LAST_PORT}.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError as error:
        raise ServingError(
            f"Cannot listen on {host} port {port}: {error.strerror}. Choose another with --port, or stop who holds it."
        ) from error
    return bound


def address_of(bound: socket.socket) -> str:
    """The URL under which the socket answers."""
    host, port = bound.getsockname()[:2]
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104  # compared, not bound
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def allow_many_connections() -> None:
    """As many open files as the system lets us have: a connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextmanager
def shared_directory() -> Iterator[Path]:
    """A private directory for what workers count together: rate limits and metrics. Gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="greenroom-"))
    os.environ[SHARED_DIRECTORY] = str(directory)
    os.environ[METRICS_DIRECTORY] = str(directory)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def stop_on_sigterm() -> None:
    """Turn SIGTERM into SystemExit, so that what was opened is closed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


class StopRequest:
    """Notes a signal that comes before the server listens for signals: raised in its event loop, it would be lost."""

    def __init__(self) -> None:
        self.noted = False
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, self._note)

    def _note(self, *_: object) -> None:
        self.noted = True


def run(bound: socket.socket, *, workers: int, shutdown_seconds: int, proxies: tuple[str, ...]) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are finished first.

    One worker runs in this process; several are children that are replaced when they die.
    """
    asked = StopRequest()
    import uvicorn  # noqa: PLC0415  # after shared_directory(): the metrics library reads its directory at import

    from greenroom.kit.http.workers import PromptServer, Workers  # noqa: PLC0415

    config = uvicorn.Config(
        "greenroom.app:create_app",
        factory=True,
        workers=workers,
        http="greenroom.kit.http.protocol:PatientProtocol",
        ws="greenroom.kit.http.sockets:AbortableSocket",
        ws_max_size=MESSAGE_OCTETS,
        ws_per_message_deflate=False,  # what is said is short, and a compressed message may unfold to any size
        loop="uvloop",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=shutdown_seconds,
        backlog=BACKLOG,
    )
    if workers == 1:
        PromptServer(config, asked).run(sockets=[bound])
        return
    workers_of_ours = Workers(config, sockets=[bound])
    if not asked.noted:
        workers_of_ours.run()
