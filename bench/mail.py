"""Mail: a session of ten thousand is moved: how long until everybody is told, that nobody is twice, and how much memory."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bench import contenders, tools
from bench.contenders import Running, running, stop
from bench.database import BenchDatabase, empty_database
from bench.drop_load import FRESHEN, REST
from bench.line import Line, request
from bench.tools import BenchError

LONGEST_SECONDS = 600.0
LOOK_SECONDS = 0.5
NEW_TIMES = ("2027-03-02T09:00:00Z", "2027-03-03T09:00:00Z")

OPEN = """
insert into sessions (brand_id, id, host_id, title, kind, scheduled_at, max_participants, registered_count, next_position,
                      next_admission, created_at, updated_at)
select 'acme', '{id}', 'host_1', 'Everybody comes', 'live', '2027-03-01T09:00:00Z', {people}, {people},
    {people} + 1, {people} + 1, now_, now_
from date_trunc('milliseconds', now()) now_
"""
REGISTERED = """
insert into registrations (brand_id, id, session_id, user_id, role, status, position, capacity_at_admission, admission,
                           registered_at, registered_by)
select 'acme', uuidv7(), '{id}', 'person_' || n, 'participant', 'registered', n, {people}, n, now(), 'person_' || n
from generate_series(1, {people}) n
"""
REACHED = """
insert into contacts (brand_id, user_id, id, email, time_zone, updated_at)
select 'acme', 'person_' || n, uuidv7(), 'person_' || n || '@example.com',
    (array['Europe/Berlin', 'America/New_York', 'Asia/Tokyo', null])[n % 4 + 1], now()
from generate_series(1, {people}) n on conflict do nothing
"""
WAITING = "select count(*) as waiting from messages where state = 'pending'"


class Mail(Struct, frozen=True, kw_only=True):
    """Each move: seconds from the request to the last mail, mails, whom they reached, the most for one person; processor
    milliseconds of a mail, in Greenroom's process; and that process's MB, before, and every half second."""

    people: int
    seconds: list[float]
    came: list[int]
    distinct: list[int]
    most: list[int]
    cpu_ms: list[float]
    resident_before: float
    resident: list[float]


class Came(Struct, frozen=True):
    """What the letterbox has: mails, people, the most for one, and when the last came."""

    total: int
    people: int
    most: int
    last: float


def measure_mail(*, people: int, pool: int, directory: Path) -> Mail:
    """On a database of its own. Raises BenchError."""
    session = uuid4()
    with empty_database() as database, _letterbox() as port:
        named = {"id": session, "people": people}
        database.execute(*FRESHEN[:2], *(it.format(**named) for it in (OPEN, REGISTERED, REACHED)), *REST)
        database.execute("vacuum analyze contacts")
        contender = contenders.greenroom(database, background=True)
        settings = {
            "GREENROOM_SMTP_URL": f"smtp://127.0.0.1:{port}",
            "GREENROOM_MAIL_FROM": "sessions@example.com",
            "GREENROOM_PUBLIC_URL": "https://live.example.com",
            "GREENROOM_JOIN_URL": "https://app.example.com/live/{session_id}",
        }
        contender = replace(contender, environ={**contender.environ, **settings})
        with running(contender, pool=pool, log=directory / "mail.log") as server:
            found = Mail(
                people=people, seconds=[], came=[], distinct=[], most=[], cpu_ms=[], resident_before=server.resident_mb(),
                resident=[],
            )  # fmt: skip
            for number, new_time in enumerate(NEW_TIMES, start=1):
                _move(database, server, session, new_time, port=port, found=found, wanted=people * number)
    return found


def _move(
    database: BenchDatabase, server: Running, session: UUID, new_time: str, *, port: int, found: Mail, wanted: int
) -> None:
    before, cpu = _came(port), server.cpu_seconds()
    begun = time.time()
    with closing(Line(server)) as line:
        body = msgspec.json.encode({"scheduled_at": new_time}).decode()
        line.ask(request("PATCH", f"/v1/sessions/{session}", server.contender.token, body))
    deadline = time.monotonic() + LONGEST_SECONDS
    while (came := _came(port)).total < wanted or int(database.row(WAITING)[0]):
        if time.monotonic() > deadline:
            raise BenchError(f"{came.total - before.total} of {found.people} mails came in {LONGEST_SECONDS:.0f} s")
        found.resident.append(server.resident_mb())
        time.sleep(LOOK_SECONDS)
    found.seconds.append(came.last - begun)
    found.came.append(came.total - before.total)
    found.distinct.append(came.people)
    found.most.append(came.most - before.most)
    found.cpu_ms.append((server.cpu_seconds() - cpu) / found.people * 1000)
    print(f"{found.came[-1]:,} mails in {found.seconds[-1]:.1f} s", file=sys.stderr, flush=True)


@contextmanager
def _letterbox() -> Iterator[int]:
    """Its port."""
    command = [sys.executable, "-m", "bench.letterbox"]
    process = subprocess.Popen(command, cwd=tools.REPOSITORY, stdout=subprocess.PIPE)
    try:
        if process.stdout is None:
            raise AssertionError("the letterbox says its port")
        yield int(process.stdout.readline())
    finally:
        stop(process)


def _came(port: int) -> Came:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection, connection.makefile("rwb") as lines:
        lines.readline()
        lines.write(b"XSTATE\r\n")
        lines.flush()
        total, people, most, last = lines.readline().split()[1:]
    return Came(int(total), int(people), int(most), float(last))
