"""A million timers due over a day: how late they fire at that pace, and when ten thousand fall due at one moment."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from os import environ
from pathlib import Path

from msgspec import Struct

from bench import contenders, tools
from bench.contenders import TICKS, stop
from bench.database import BenchDatabase, empty_database
from bench.drop_load import FRESHEN
from bench.tools import BenchError

DAY = 86_400
START_SECONDS = 30.0

# Sessions whose doors open at some moment of the day, which has just begun.
SESSIONS = """
insert into sessions (brand_id, id, host_id, title, kind, scheduled_at, max_participants, created_at, updated_at)
select 'brand_' || n % 1000, uuidv7(), 'host_' || n % 10000, 'Office hours', 'office_hours',
    now() + (random() * {day} + 5) * interval '1 second' + interval '15 minutes', 20, now(), now()
from generate_series(1, {timers}) n
"""
PLANNED = """
insert into timers (brand_id, subject_id, subject_version, planned_at, kind, due_at, fired)
select s.brand_id, s.id, 1, now(), 'doors_open', s.scheduled_at - interval '15 minutes', '{first_reminder,last_reminder}'
from sessions s
"""
BURST = """
update sessions s set scheduled_at = due.at + interval '15 minutes' from (
    select ctid, date_trunc('milliseconds', now()) + interval '10 seconds' as at from sessions
    where scheduled_at > now() + interval '1 hour' limit {burst}) due
where s.ctid = due.ctid
"""
LATE = """
select percentile_cont(array[0.5, 0.99]) within group (order by extract(epoch from e.occurred_at - due) * 1000) as late,
    count(*) as fired
from all_events_any_brand_v1() e, lateral (select (e.payload ->> 'scheduled_at')::timestamptz - interval '15 minutes' as due) d
where e.name = 'live.session.doors_opened.v1' and e.occurred_at >= $1
"""
OF_ONE_MOMENT = """
select count(*) as fired, extract(epoch from max(e.occurred_at) - d.due) as seconds
from all_events_any_brand_v1() e, lateral (select (e.payload ->> 'scheduled_at')::timestamptz - interval '15 minutes' as due) d
where e.name = 'live.session.doors_opened.v1' group by d.due order by 1 desc limit 1
"""
BACKENDS = "select pid from pg_stat_activity where datname = current_database() and application_name = 'greenroom'"


class Day(Struct, frozen=True, kw_only=True):
    """Milliseconds that timers were late, and how many fired; of PostgreSQL's processor time, how much of one core was the
    worker's; and the same for those of one moment."""

    timers: int
    seconds: float
    fired: int
    median_ms: float
    p99_ms: float
    database_core: float
    worker_core: float
    burst: int
    burst_seconds: float
    burst_cpu_us: float


def measure_day(*, timers: int, seconds: float, burst: int, directory: Path) -> Day:
    """On a database of its own. Raises BenchError."""
    with empty_database() as database:
        _say(f"{timers:,} sessions with timers ...")
        database.execute(*FRESHEN[:2], SESSIONS.format(day=DAY, timers=timers), PLANNED, "vacuum analyze", "checkpoint")
        with _worker(database, directory / "worker.log") as process:
            time.sleep(6)
            begun = database.row("select clock_timestamp()")[0]
            cpu = _cpu(database, process.pid)
            time.sleep(seconds)
            spent = [after - before for before, after in zip(cpu, _cpu(database, process.pid), strict=True)]
            of_day = database.row(LATE, begun)
            _say(f"{burst:,} at one moment ...")
            cpu = _cpu(database, process.pid)
            database.execute(BURST.format(burst=burst))
            burst_seconds = _until_told(database, burst)
            of_burst = _cpu(database, process.pid)[0] - cpu[0]
    return Day(
        timers=timers,
        seconds=seconds,
        fired=int(of_day["fired"]),
        median_ms=float(of_day["late"][0]),
        p99_ms=float(of_day["late"][1]),
        database_core=spent[0] / seconds,
        worker_core=spent[1] / seconds,
        burst=burst,
        burst_seconds=burst_seconds,
        burst_cpu_us=of_burst / burst * 1e6,
    )


@contextmanager
def _worker(database: BenchDatabase, log: Path) -> "Iterator[subprocess.Popen[bytes]]":
    contender = contenders.greenroom(database)
    command = [sys.executable, "-m", "greenroom.cli", "worker"]
    with log.open("wb") as lines:
        process = subprocess.Popen(
            command, cwd=tools.REPOSITORY, env={**environ, **contender.environ}, stdout=subprocess.PIPE, stderr=lines
        )
        try:
            if process.stdout is None or not process.stdout.readline():
                raise BenchError(f"the worker did not start: {log.read_text()}")
            yield process
        finally:
            stop(process)


def _cpu(database: BenchDatabase, worker: int) -> tuple[float, float]:
    """Seconds of processor time: of the worker's backends in PostgreSQL, and of the worker itself."""
    backends = [int(row["pid"]) for row in database.rows(BACKENDS)]
    return sum(map(_seconds, backends)), _seconds(worker)


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _until_told(database: BenchDatabase, burst: int) -> float:
    """Seconds from the moment at which they all fell due to the last one's event. Raises BenchError."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for row in database.rows(OF_ONE_MOMENT):
            if int(row["fired"]) >= burst:
                return float(row["seconds"])
        time.sleep(0.5)
    raise BenchError(f"{burst} timers of one moment had not fired after two minutes")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
