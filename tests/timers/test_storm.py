"""Everybody at once: timers fire while sessions are moved, started and called off, people come and go, and brands speak."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from structlog.testing import capture_logs

from greenroom.kit.database import Database
from greenroom.kit.ids import new_id
from greenroom.sessions.queries import UPDATE
from greenroom.timers.service import Timers
from tests.invariants.test_check import broken_promises
from tests.postgres import TestDatabase
from tests.timers.retold import Happened, faults, happened, reminders
from tests.timers.stage import BRAND_SETTINGS, HOST, LEAVE, MINUTE, MOVE, STEPS, Stage, without

CHANCE = random.Random()  # noqa: S311  # no secret
SECONDS = 8.0
SESSIONS = 24
MANY = 12  # that one transaction moves
WORKERS = 3
SOON = timedelta(seconds=3)

LONG_AGO = """
create function plan_long_ago() returns trigger language plpgsql as $$
begin
    new.planned_at := new.planned_at - interval '2 days';
    return new;
end $$;
create trigger long_ago before insert or update of planned_at on timers for each row execute function plan_long_ago()
"""


class Storm:
    """Several who change the same sessions, each with a connection of their own, and workers between them."""

    def __init__(self, stage: Stage, sessions: list[UUID]) -> None:
        self._stage = stage
        self._sessions = sessions
        self._until = time.monotonic() + SECONDS
        self.done = 0
        self.refused: list[str] = []

    async def blow(self) -> list[dict[str, object]]:
        """Until it is over; answers what the workers logged."""
        acts = [
            self._move_many,
            self._move_many,
            self._register,
            self._register,
            self._leave,
            self._step,
            self._speak,
            self._say,
        ]
        with capture_logs() as lines:
            async with AsyncExitStack() as stack:
                firing = [asyncio.create_task(Timers(await stack.enter_async_context(pool(self._stage))).run())
                          for _ in range(WORKERS)]  # fmt: skip
                doing = [self._repeat(act, await stack.enter_async_context(connection(self._stage.database))) for act in acts]
                await asyncio.gather(*doing)
                for one in firing:
                    one.cancel()
                await asyncio.gather(*firing, return_exceptions=True)
        return [dict(line) for line in lines]

    async def _repeat(self, act: Callable[[Stage], Awaitable[object]], one: Stage) -> None:
        while time.monotonic() < self._until:
            try:
                await act(one)
            except AssertionError:
                continue  # the session is not what the act wanted
            except asyncpg.PostgresError as error:
                self.refused.append(repr(error))
            self.done += 1
            await asyncio.sleep(0)

    def _soon(self) -> datetime:
        return datetime.now(UTC) + 10 * MINUTE + CHANCE.uniform(-1, 1) * SOON

    async def _move_many(self, one: Stage) -> None:
        some = CHANCE.sample(self._sessions, MANY)
        same = (None, None, self._soon().isoformat(), None, None, None, False, HOST, False, "test", "r")
        rows = [(one.brand, session, *same, new_id(), new_id()) for session in some]
        await one.owner.fetch(UPDATE, False, *zip(*rows, strict=True))
        await asyncio.sleep(CHANCE.uniform(0, 0.2))

    async def _register(self, one: Stage) -> None:
        await one.register(CHANCE.choice(self._sessions), *{f"person {CHANCE.randrange(200)}" for _ in range(10)})

    async def _leave(self, one: Stage) -> None:
        await one.owner.fetchval(
            LEAVE, one.brand, CHANCE.choice(self._sessions), f"person {CHANCE.randrange(200)}", new_id()
        )  # fmt: skip

    async def _step(self, one: Stage) -> None:
        session = CHANCE.choice(self._sessions)
        if CHANCE.random() < 0.3:
            await one.owner.fetchval(MOVE, one.brand, session, *STEPS["start"], HOST, new_id())
            await one.says(session, overrun=0)
        elif CHANCE.random() < 0.5:
            await one.owner.fetchval(MOVE, one.brand, session, *STEPS["cancel"], HOST, new_id())
        else:
            await one.administer(session, status="scheduled", at=self._soon())
        await asyncio.sleep(0.1)

    async def _speak(self, one: Stage) -> None:
        said = f'{{"first_reminder_minutes": {CHANCE.randrange(11, 40)}, "doors_open_minutes": {CHANCE.randrange(9, 12)}}}'
        await one.owner.fetchval(BRAND_SETTINGS, one.brand, new_id(), said, new_id())
        await asyncio.sleep(0.05)

    async def _say(self, one: Stage) -> None:
        await one.says(CHANCE.choice(self._sessions), last_reminder=CHANCE.choice([9, 10, None]))


@asynccontextmanager
async def pool(stage: Stage) -> AsyncIterator[Database]:
    """A worker's own."""
    async with Database(stage.database.service_url, size=2, wait_seconds=10, statement_seconds=20) as db:
        yield db


@asynccontextmanager
async def connection(database: TestDatabase) -> AsyncIterator[Stage]:
    """Somebody's own."""
    opened = await asyncpg.connect(database.service_url)
    try:
        async with Database(database.service_url, size=1, wait_seconds=10, statement_seconds=20) as db:
            yield Stage(db, opened, database, datetime.now(UTC), "acme")
    finally:
        await opened.close()


async def test_a_storm_of_changes_deadlocks_nobody_and_reminds_nobody_wrongly(own_stage: Stage) -> None:
    stage = own_stage
    await without(stage.owner, "fire_timers_any_brand_v1", "left_    integer := p_people", "left_ integer := 15")
    await stage.owner.execute(LONG_AGO)  # so that a first reminder, which is due already, is sent
    sessions = [await stage.session(datetime.now(UTC) + 10 * MINUTE + SOON, seats=CHANCE.choice([5, 30, 100]))
                for _ in range(SESSIONS)]  # fmt: skip
    for session in sessions:
        await stage.register(session, *(f"person {number}" for number in range(40)))
    storm = Storm(stage, sessions)
    lines = await storm.blow()

    assert storm.refused == []
    assert [line for line in lines if line["event"] in {"timer_failed", "timers_failed", "timers_postponed"}] == []
    events = await happened(stage.owner, stage.brand)
    assert faults(events) == []
    assert await broken_promises(stage.database) == set()
    assert storm.done > 50
    assert reminders(events), "no storm"
    assert await stage.owner.fetchval(
        "select count(*) from sessions s full join timers t on t.brand_id = s.brand_id and t.subject_id = s.id"
        " and t.kind <> 'brand_settings' where (s.status in ('scheduled', 'live')) <> (t.subject_id is not null)"
    ) == 0  # fmt: skip


@pytest.mark.parametrize(("events", "fault"), [
    ([("created", 1, "A"), ("reminder", 1, "A")], ""),
    ([("created", 1, "A"), ("rescheduled", 2, "B"), ("reminder", 1, "A")], "reminded of"),
    ([("created", 1, "A"), ("rescheduled", 2, "B"), ("reminder", 2, "A")], "reminded of"),
    ([("created", 1, "A"), ("cancelled", 2, ""), ("reminder", 1, "A")], "reminded of"),
    ([("created", 1, "A"), ("reminder", 1, "A"), ("reminder", 1, "A")], "2 times"),
    ([("created", 1, "A"), ("reminder", 1, "A"), ("rescheduled", 2, "B"), ("reminder", 2, "B")], ""),
    ([("created", 1, "A"), ("left", 1, ""), ("reminder", 1, "A")], "no seat"),
])  # fmt: skip
def test_a_wrong_reminder_is_seen(events: list[tuple[str, int, str]], fault: str) -> None:
    """What judges the storm is judged itself."""
    found = faults([told_as(UUID(int=1), *event) for event in [("seat", 1, ""), *events]])
    assert bool(found) == bool(fault)
    assert all(fault in one for one in found)


def told_as(session: UUID, what: str, version: int, at: str) -> Happened:
    of_registration = {"registration_id": "r"}
    match what:
        case "seat":
            return Happened(session, "live.registration.created.v1", version, of_registration)
        case "left":
            return Happened(session, "live.registration.cancelled.v1", version, of_registration)
        case "reminder":
            said = {**of_registration, "reminder": "first", "session_version": version, "scheduled_at": at}
            return Happened(session, "live.registration.reminder_due.v1", version, said)
        case "rescheduled":
            return Happened(session, "live.session.rescheduled.v1", version, {"new_scheduled_at": at})
        case _:
            return Happened(session, f"live.session.{what}.v1", version, {"scheduled_at": at})
