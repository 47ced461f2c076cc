"""The drop itself: many people, few seats, several processes; and then whether everybody's answer was true."""

import os
import subprocess
import time
from contextlib import closing
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct

from bench import tools
from bench.contenders import Contender, Running, greenroom, running
from bench.database import BenchDatabase
from bench.drop_load import left_behind
from bench.line import Line, request
from bench.load import output_of
from bench.people import person, write_tokens
from bench.tools import BenchError

CONNECTIONS = 500
LONGEST_SECONDS = 300

CREATION = {
    "host_id": "host_1",
    "brand_id": "acme",
    "title": "The drop",
    "scheduled_at": "2027-03-01T09:00:00Z",
}
# Seats go to those who came first, and the line is the order in which the others came.
OUT_OF_PLACE = """
select count(*) from registrations
where session_id = $1 and (status = 'registered') <> (position <= $2) or status not in ('registered', 'waitlist')
"""
WHO_HAS_PLACE = "select user_id from registrations where session_id = $1 and position = $2"


class Rush(Struct, frozen=True, kw_only=True):
    """How it went: what was asked for, what the answers said, what is in the database, and how long it took."""

    people: int
    seats: int
    workers: int
    seconds: float
    said_registered: int
    said_waitlist: int
    registered: int
    first_in_line: int
    last_in_line: int
    has_gap: bool
    drained_seconds: float
    check: str

    @property
    def is_clean(self) -> bool:
        """Whether `greenroom check` found every promise kept."""
        return not self.check


class Said(Struct, frozen=True):
    """What wrk's script says."""

    answered: int
    seats: int
    line: int
    refused: int


def measure_rush(
    database: BenchDatabase, directory: Path, *, people: int, seats: int, workers: int, pool: int, background: bool = False
) -> Rush:
    """On a database that has nothing but our tables, so that all that is in it can be checked. Raises BenchError."""
    contender = greenroom(database, workers=workers, background=background)
    tokens = write_tokens(contender, directory / "rush.tokens", people=people)
    with running(contender, pool=pool, log=directory / "rush.log") as server:
        session = _created(server, seats=seats)
        begun = time.perf_counter()
        said = _rushed(server, session, tokens, people=people)
        seconds = time.perf_counter() - begun
        drained = _drained(database) if background else 0.0
        left = left_behind(database, session)
        out_of_place = int(database.row(OUT_OF_PLACE, session, seats)[0])
        names = [str(database.row(WHO_HAS_PLACE, session, place)[0]) for place in (seats + 1, people)]
        first, last = (_place_in_line(server, session, token) for token in _tokens_of(names, tokens, people=people))
    if said.refused:
        raise BenchError(f"of {people} people {said.refused} were refused; such a run measures nothing")
    return Rush(
        people=people,
        seats=seats,
        workers=workers,
        seconds=seconds,
        said_registered=said.seats,
        said_waitlist=said.line,
        registered=left.seats,
        first_in_line=first,
        last_in_line=last,
        has_gap=not left.is_whole(seats=seats) or left.rows != people or out_of_place > 0,
        drained_seconds=drained,
        check=broken_promises(contender),
    )


def _created(server: Running, *, seats: int) -> UUID:
    with closing(Line(server)) as line:
        body = msgspec.json.encode({**CREATION, "max_participants": seats}).decode()
        return UUID(msgspec.json.decode(line.ask(request("POST", "/v1/sessions", server.contender.token, body)))["id"])


def _rushed(server: Running, session: UUID, tokens: Path, *, people: int) -> Said:
    """wrk, until everybody has an answer; it ends itself then. Raises BenchError."""
    command = [tools.wrk(), "-t1", f"-c{min(CONNECTIONS, people)}", f"-d{LONGEST_SECONDS}s", "--timeout", "30s"]
    asked = f"POST /v1/sessions/{session}/registrations"
    command += ["-s", str(tools.CROWD_SCRIPT), server.address, "--", str(tokens), "0", str(people), asked, "rush"]
    said = output_of(command, seconds=LONGEST_SECONDS)
    line = next((line for line in said.splitlines() if line.startswith("RUSH ")), None)
    if line is None:
        raise BenchError(f"not everybody was answered within {LONGEST_SECONDS} seconds:\n{said}")
    return msgspec.json.decode(line.removeprefix("RUSH "), type=Said)


def _drained(database: BenchDatabase) -> float:
    """Seconds until every event has its position. Raises BenchError."""
    begun = time.perf_counter()
    while int(database.row("select count(*) from outbox")[0]):
        if time.perf_counter() - begun > LONGEST_SECONDS:
            raise BenchError(f"events still wait {LONGEST_SECONDS} seconds after the last registration")
        time.sleep(0.05)
    return time.perf_counter() - begun


def _tokens_of(names: list[str], tokens: Path, *, people: int) -> list[str]:
    numbers = {person(number): number for number in range(people)}
    with tokens.open() as lines:
        known = lines.read().splitlines()
    return [known[numbers[name]] for name in names]


def _place_in_line(server: Running, session: UUID, token: str) -> int:
    """What Greenroom tells the person about it. Raises BenchError."""
    with closing(Line(server)) as line:
        own = msgspec.json.decode(line.ask(request("GET", f"/v1/sessions/{session}/registrations/me", token)))
    return int(own["waitlist_position"] or 0)


def broken_promises(contender: Contender) -> str:
    """What `greenroom check` finds; nothing when all is well."""
    command = [contender.command[0], "-m", "greenroom.cli", "check"]
    environ = {**os.environ, **contender.environ}
    done = subprocess.run(command, cwd=contender.directory, env=environ, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    return "; ".join(line.strip() for line in f"{done.stdout}{done.stderr}".splitlines() if not line.startswith("ok"))
