"""A session moved ten times while reminders fire and workers are killed: real processes, the database's own clock."""

import asyncio
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from tests.faults.waiting import eventually
from tests.invariants.test_check import broken_promises
from tests.server import environment_of
from tests.timers.retold import faults, happened, reminders
from tests.timers.stage import MINUTE, Stage, without

CHANCE = random.Random()  # noqa: S311  # no secret
PEOPLE = 300
# Twenty people at a time, so that a reminder takes fifteen transactions, each slow: there is something to be killed in.
SLOW_CHUNKS = "left_ integer := (select 20 from pg_sleep(0.05))"
MOVES = 10
LEASE_SECONDS = 2  # so that what a killed worker had claimed comes back while we watch
LAST = timedelta(seconds=15)  # before the last reminder, after the last move: time for the first
PLANNED_LONG_AGO = """
create function plan_long_ago() returns trigger language plpgsql as $$
begin
    new.planned_at := new.planned_at - interval '2 days';
    return new;
end $$;
create trigger long_ago before insert or update of planned_at on timers for each row execute function plan_long_ago()
"""


class Workers:
    """Processes of `greenroom worker`, of which some are killed."""

    def __init__(self, environment: Mapping[str, str], directory: Path) -> None:
        self._environment = environment
        self._directory = directory
        self._running: list[subprocess.Popen[bytes]] = []
        self.killed = 0

    async def start(self) -> None:
        """One more, which works by then."""
        log = self._directory / f"worker-{self.killed + len(self._running)}.log"
        with log.open("wb") as lines:
            process = subprocess.Popen(
                [sys.executable, "-m", "greenroom.cli", "worker"], env=self._environment, stdout=subprocess.PIPE, stderr=lines
            )
        self._running.append(process)
        assert process.stdout is not None
        said = await asyncio.to_thread(process.stdout.readline)
        assert said.startswith(b"Greenroom worker"), log.read_text()

    def kill(self) -> None:
        """The oldest, without a word."""
        process = self._running.pop(0)
        process.kill()
        self._bury(process)
        self.killed += 1

    def end(self) -> None:
        """All of them."""
        for process in self._running:
            process.kill()
            self._bury(process)

    def logs(self) -> str:
        """All that they ever wrote."""
        return "".join(log.read_text() for log in self._directory.glob("worker-*.log"))

    def _bury(self, process: "subprocess.Popen[bytes]") -> None:
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def workers_in(environment: Mapping[str, str], directory: Path) -> Iterator[Workers]:
    """None is left afterwards."""
    workers = Workers(environment, directory)
    try:
        yield workers
    finally:
        workers.end()


async def test_a_session_moved_ten_times_while_workers_are_killed_reminds_once_of_the_time_it_has(
    own_stage: Stage, tmp_path: Path
) -> None:
    stage = own_stage
    await without(stage.owner, "fire_timers_any_brand_v1", "left_    integer := p_people", SLOW_CHUNKS)
    await without(stage.owner, "claim_timers_any_brand_v1", "+ p_lease", f"+ interval '{LEASE_SECONDS} seconds'")
    await stage.owner.execute(PLANNED_LONG_AGO)  # so that a first reminder, which is due already, is sent
    await stage.brand_says(first_reminder=20, last_reminder=10)
    session = await stage.session(due_in(timedelta(seconds=3)), seats=PEOPLE)
    people = [f"person {number}" for number in range(PEOPLE + 10)]
    await stage.register(session, *people)

    with workers_in(environment_of(stage.database), tmp_path) as workers:
        await asyncio.gather(workers.start(), workers.start())
        for move in range(MOVES):
            await asyncio.sleep(CHANCE.uniform(0.2, 1.2))
            await stage.leave(session, people[7 * move])
            await stage.move(session, due_in(LAST if move == MOVES - 1 else timedelta(seconds=CHANCE.uniform(0.3, 1.5))))
            await asyncio.sleep(CHANCE.uniform(0.0, 0.5))
            workers.kill()
            await workers.start()
        await eventually(lambda: all_reminded(stage, session), "everybody is reminded of the last time", seconds=90)
        assert workers.killed == MOVES
        assert "timer_failed" not in workers.logs()

    events = await happened(stage.owner, stage.brand)
    assert faults(events) == []
    version = await stage.owner.fetchval("select version from sessions where id = $1", session)
    sent = reminders(events)
    seats = await seats_of(stage, session)
    for kind in ("first", "last"):
        assert sorted(one.registration for one in sent if (one.kind, one.version) == (kind, version)) == seats
    heard = Counter((one.kind, one.version) for one in sent)
    assert any(count < PEOPLE - MOVES for count in heard.values()), "no reminder was under way when the session was moved"
    assert await broken_promises(stage.database) == set()


def due_in(wait: timedelta) -> datetime:
    """The time of a session whose last reminder is due so soon."""
    return datetime.now(UTC) + 10 * MINUTE + wait


async def seats_of(stage: Stage, session: UUID) -> list[str]:
    rows = await stage.owner.fetch(
        "select id from registrations where brand_id = $1 and session_id = $2 and status = 'registered'", stage.brand, session
    )
    return sorted(str(row["id"]) for row in rows)


async def all_reminded(stage: Stage, session: UUID) -> bool:
    """Whether what is next for the session is neither reminder."""
    await asyncio.sleep(0.2)
    planned = await stage.planned(session)
    return planned is not None and planned[0] == "host_late"
