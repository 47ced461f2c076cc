"""The load: wrk against a server, checked for what it left in the database."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from bench import tools
from bench.contenders import Running
from bench.database import BenchDatabase, Traces
from bench.lists import UPCOMING, cursors_of
from bench.seed import SESSIONS
from bench.tools import BenchError

Mode = Literal["patch", "get", "list", "mixed", "storm", "votes"]

_EXTRA_SECONDS = 60.0


class Spent(Struct, frozen=True):
    """What wrk's script says."""

    requests: int
    microseconds: int
    refused: int
    broken: int
    p50: int
    p99: int
    max: int


class Run(Struct, frozen=True, kw_only=True):
    """One measured run. Times in milliseconds; `cpu_us` is the server's processor time per request."""

    per_second: float
    requests: int
    p50: float
    p99: float
    cpu_us: float


class Load:
    """Runs on one database. Every run sends values that none has sent before, so that each request changes something."""

    def __init__(self, database: BenchDatabase) -> None:
        self._database = database
        self._runs = 0

    def measure(self, server: Running, mode: Mode, *, connections: int, warm_up: float, seconds: float) -> Run:
        """Warm up, measure, and check that the work was really done. Raises BenchError."""
        self._database.freshen()
        before = self._database.traces()
        warm = self.drive(server, mode, connections=connections, seconds=warm_up)
        cpu = server.cpu_seconds()
        spent = self.drive(server, mode, connections=connections, seconds=seconds)
        cpu = server.cpu_seconds() - cpu
        if mode != "mixed":
            asked = warm.requests + spent.requests if mode == "patch" else 0
            checked(server.contender.title, before, self._database.settled(), asked=asked, unseen=2 * connections)
        return Run(
            per_second=spent.requests / (spent.microseconds / 1e6),
            requests=spent.requests,
            p50=spent.p50 / 1000,
            p99=spent.p99 / 1000,
            cpu_us=cpu / spent.requests * 1e6,
        )

    def drive(self, server: Running, mode: Mode, *, connections: int, seconds: float) -> Spent:
        """wrk, from one thread. Raises BenchError unless every answer was a success."""
        self._runs += 1
        token = server.contender.lists_token if mode == "list" else server.contender.token
        cursors = cursors_of(server, token, UPCOMING) if mode == "list" else []
        arguments = [mode, token, str(SESSIONS), str(self._runs), ",".join(cursors)]
        return driven(server, tools.LOAD_SCRIPT, arguments, what=mode, connections=connections, seconds=seconds)


def driven(server: Running, script: Path, arguments: Sequence[str], *, what: str, connections: int, seconds: float) -> Spent:
    """wrk, from one thread, with a script. Raises BenchError unless every answer was a success."""
    whole = max(1, round(seconds))
    command = [tools.wrk(), "-t1", f"-c{connections}", f"-d{whole}s", "--timeout", "10s", "-s", str(script), server.address]
    said = output_of([*command, "--", *arguments], seconds=whole)
    line = next((line for line in said.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise BenchError(f"wrk said no result:\n{said}")
    spent = msgspec.json.decode(line.removeprefix("RESULT "), type=Spent)
    if spent.refused or spent.broken or not spent.requests:
        raise BenchError(
            f"{server.contender.title}, {what}, {connections} connections: of {spent.requests} answers {spent.refused} "
            f"were not a success, and {spent.broken} connections broke; such a run measures nothing"
        )
    return spent


def checked(what: str, before: Traces, after: Traces, *, asked: int, unseen: int) -> None:
    """Raises BenchError unless each change asked for was made once, with its audit row and its events.

    `unseen` bounds the answers that were under way when the load generator stopped counting.
    """
    made = after.versions - before.versions
    complete = made == after.audited == after.updated and after.rescheduled == after.audited_rescheduled
    if not complete or not asked <= made <= asked + unseen:
        raise BenchError(f"{what}: {asked} changes were answered, and the database says {made} versions, {after}")


def output_of(command: Sequence[str], *, seconds: float) -> str:
    """What wrk prints. Raises BenchError."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + _EXTRA_SECONDS)
    if done.returncode != 0:
        raise BenchError(f"{command[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
