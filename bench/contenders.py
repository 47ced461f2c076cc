"""Who is measured: ours and the two peers, each started as one process on the same PostgreSQL."""

import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import jwt
from msgspec import Struct
from msgspec.structs import replace

from bench import tools
from bench.database import BenchDatabase
from bench.seed import LISTED_BRAND
from bench.tools import BenchError
from greenroom.identity.tokens import Signer, new_grant
from greenroom.kit.ids import BrandId, ClientId, UserId

BRAND, USER, CLIENT, SCOPE = "acme", "host_1", "bench", "read:live write:live"
START_SECONDS = 60.0
STOP_SECONDS = 15.0
# A limit that counts every request and refuses none: two thousand times what anybody reaches in a minute.
LIMIT = "10000000"
TICKS = os.sysconf("SC_CLK_TCK")


class Sign(Protocol):
    """Makes tokens as the contender's clients bring them."""

    def __call__(self, *, user: str = USER, brand: str = BRAND, scope: str = SCOPE) -> str:
        """A token that is good for a day."""


class Contender(Struct, frozen=True, kw_only=True):
    """A server that can be started. `{port}` in the command stands for the port."""

    name: str
    title: str
    command: tuple[str, ...]
    directory: Path
    environ: dict[str, str]
    pool_variable: str
    ready_path: str
    token: str
    lists_token: str
    sign: Sign


class Running(Struct, frozen=True):
    """A server that answers."""

    contender: Contender
    process: "subprocess.Popen[bytes]"
    port: int

    @property
    def address(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    def cpu_seconds(self) -> float:
        """Processor time that its process has used, in user and kernel mode."""
        return sum(self._ticks()) / TICKS

    def kernel_seconds(self) -> float:
        """What of it was used in kernel mode."""
        return self._ticks()[1] / TICKS

    def resident_mb(self) -> float:
        """Its process's resident memory, in millions of bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(kib) * 1024 / 1e6

    def _ticks(self) -> tuple[int, int]:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]), int(fields[12])


def greenroom(database: BenchDatabase, *, workers: int = 1, background: bool = False) -> Contender:
    """Ours. The background, which no peer has, is measured by itself."""
    environ = {
        "GREENROOM_BACKGROUND": "on" if background else "off",
        "GREENROOM_DATABASE_URL": database.service_url,
        "GREENROOM_DATABASE_OWNER_URL": database.owner_url,
        "GREENROOM_SECRET_KEYS": secrets.token_hex(32),
        **{f"GREENROOM_RATE_LIMIT_{kind}": LIMIT for kind in ("READS", "WRITES", "ADMIN", "ADDRESS")},
    }
    serve = (sys.executable, "-m", "greenroom.cli", "serve", "--port", "{port}", "--workers", str(workers))
    return Contender(
        name="greenroom",
        title="Greenroom",
        command=serve,
        directory=tools.REPOSITORY,
        environ=environ,
        pool_variable="GREENROOM_POOL_SIZE",
        ready_path="/readyz",
        token=_minted(environ, "--brand", BRAND, "--scope", SCOPE),
        lists_token=_minted(environ, "--brand", LISTED_BRAND, "--scope", SCOPE),
        sign=partial(_signed_as_ours, Signer([environ["GREENROOM_SECRET_KEYS"]])),
    )


def hono(database: BenchDatabase) -> Contender:
    """Peer (a)."""
    environ, sign = _for_peers(database)
    tools.install_hono()
    return Contender(
        name="hono",
        title="Hono, zod, postgres.js",
        # A young generation that holds more than the requests under way: fewer collections, and none that promotes them.
        command=(str(tools.node()), "--max-semi-space-size=32", "server.js"),
        directory=tools.HONO,
        environ={**environ, "NODE_ENV": "production"},
        pool_variable="POOL_SIZE",
        ready_path="/healthz",
        token=sign(),
        lists_token=sign(brand=LISTED_BRAND),
        sign=sign,
    )


def adding_hono(database: BenchDatabase) -> Contender:
    """Peer (a), which adds one to a question's votes and does not count them."""
    counting = hono(database)
    return replace(
        counting, name="adding", title=f"{counting.title}, adding", environ={**counting.environ, "ADDS_VOTES": "true"}
    )


def fastapi(database: BenchDatabase) -> Contender:
    """Peer (b)."""
    environ, sign = _for_peers(database)
    return Contender(
        name="fastapi",
        title="FastAPI, SQLAlchemy",
        command=(str(tools.python_of_peers()), "-m", "app.main"),
        directory=tools.FASTAPI,
        environ=environ,
        pool_variable="POOL_SIZE",
        ready_path="/healthz",
        token=sign(),
        lists_token=sign(brand=LISTED_BRAND),
        sign=sign,
    )


def sse() -> Contender:
    """The peer of the live stream: it looks at no token, and keeps what it is told in memory."""
    return Contender(
        name="sse",
        title="Starlette, sse-starlette",
        command=(str(tools.python_of_peers()), "-m", "app.main"),
        directory=tools.SSE,
        environ={"HOST": "127.0.0.1"},
        pool_variable="POOL_SIZE",
        ready_path="/healthz",
        token="",
        lists_token="",
        sign=_unsigned,
    )


def operators_token(contender: Contender) -> str:
    """A token of Greenroom's that is confined to no brand."""
    return _minted(contender.environ, "--scope", "admin:*")


@contextmanager
def running(contender: Contender, *, pool: int, log: Path) -> Iterator[Running]:
    """The contender, up and answering, until the block ends. Raises BenchError."""
    port = free_port()
    environ = {**os.environ, **contender.environ, contender.pool_variable: str(pool), "PORT": str(port), "LOG_FILE": str(log)}
    with log.open("ab") as lines:
        process = subprocess.Popen(
            [part.format(port=port) for part in contender.command],
            cwd=contender.directory,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=lines,
            stderr=lines,
        )
        try:
            await_answer(process, port, contender.ready_path, what=contender.title, log=log)
            yield Running(contender, process, port)
        finally:
            stop(process)


def await_answer(process: "subprocess.Popen[bytes]", port: int, path: str, *, what: str, log: Path) -> None:
    """Return with the first 200. Raises BenchError when the process ends first, or after a minute."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if _answers(port, path):
            return
        time.sleep(0.002)
    tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
    raise BenchError(f"{what} did not start:\n{tail}")


def stop(process: "subprocess.Popen[bytes]") -> None:
    """SIGTERM, and SIGKILL for one that does not hear."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def free_port() -> int:
    """One that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _minted(environ: dict[str, str], *claims: str) -> str:
    command = [sys.executable, "-m", "greenroom.cli", "token", "--user", USER, "--client", CLIENT, *claims]
    done = subprocess.run(
        command, cwd=tools.REPOSITORY, env={**os.environ, **environ}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BenchError(f"greenroom token failed: {done.stderr.strip()}")
    return done.stdout.strip()


def _signed_as_ours(signer: Signer, *, user: str = USER, brand: str = BRAND, scope: str = SCOPE) -> str:
    grant = new_grant(user=UserId(user), brand=BrandId(brand), scope=scope, client=ClientId(CLIENT), lifetime=timedelta(days=1))
    return signer.sign(grant)


def _unsigned(*, user: str = USER, brand: str = BRAND, scope: str = SCOPE) -> str:  # noqa: ARG001  # as Sign is called
    return ""


def _for_peers(database: BenchDatabase) -> tuple[dict[str, str], Sign]:
    """The environment of a peer, and what makes tokens like ours that its key has signed."""
    key = secrets.token_bytes(32)
    environ = {
        "HOST": "127.0.0.1",
        "PG_SOCKET": f"{database.socket_directory}/.s.PGSQL.5432",
        "PG_USER": database.user,
        "PG_PASSWORD": database.password,
        "PG_DATABASE": database.name,
        "TOKEN_KEY_HEX": key.hex(),
        **{f"RATE_LIMIT_{kind}": LIMIT for kind in ("READS", "WRITES", "ADDRESS")},
    }
    return environ, partial(_signed, key)


def _signed(key: bytes, *, user: str = USER, brand: str = BRAND, scope: str = SCOPE) -> str:
    now = int(time.time())
    claims = {
        "iss": "greenroom",
        "jti": str(uuid4()),
        "sub": user,
        "client_id": CLIENT,
        "brand": brand,
        "scope": scope,
        "iat": now,
        "exp": now + 86_400,
    }
    return jwt.encode(claims, key, algorithm="HS256", headers={"kid": "bench"})
