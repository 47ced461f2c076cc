"""Sessions in a database where no timer fires by itself, changed by the functions that the service calls; and a moved clock."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct
from msgspec.structs import replace
from structlog.testing import capture_logs

from greenroom.kit.database import Database
from greenroom.kit.ids import new_id
from greenroom.timers.service import Timers
from tests.administration.admins import Told, told
from tests.postgres import Owner, TestDatabase

BRAND = "acme"
HOST = "host_1"
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
MOMENT = timedelta(milliseconds=1)
FIRED = (  # what a timer may tell
    "live.session.doors_opened.v1", "live.session.host_late.v1", "live.registration.reminder_due.v1",
    "live.session.ended.v1", "live.session.cancelled.v1",
)  # fmt: skip
ROUNDS = 100  # more are no progress

CREATE = """
select outcome from create_session_v1($1, $2, $3, 'Ask us', 'live', $4::timestamptz, $5, '{}', $3, 'test', 'r', $6,
    null, null, null)
"""
UPDATE = """
select (answer).outcome from update_sessions_v1(true, array[$1], array[$2::uuid], array[null::text], array[null::text],
    array[$3::text], array[$4::integer], array[null::text], array[null::jsonb], array[false], array[$5], array[false],
    array['test'], array['r'], array[$6::uuid], array[$7::uuid])
"""
ADMINISTER = """
select (administer_session_v2($1, $2, null, $3, null, null, null, $4::timestamptz, null, $5, null, null, null, null, null, null,
    false, '{}', 'admin_1', 'test', 'r', array[$6::uuid, $7::uuid, $8::uuid])).outcome
"""
MOVE = "select (move_session_v2($1, $2, $3, $4, $5, $6, false, 'test', 'r', $7, null, null, null)).outcome"
SETTINGS = "select outcome from change_session_settings_v1($1, $2, $3::jsonb, $4, false, 'test', 'r', $5)"
BRAND_SETTINGS = "select outcome from change_brand_settings_v1($1, $2, $3::jsonb, 'admin_1', 'test', 'r', $4)"
REGISTER = """
select status from register_v1($1, $2, $3::uuid[], $4::text[], $5::text[], $6::text[], $7::boolean[], $8::text[], $4::text[],
    $7::boolean[], $9::text[], $9::text[], $10::uuid[], $11::bytea[], $12::bigint[], $11::bytea[])
"""
LEAVE = "select outcome from cancel_registrations_v1($1, $2, array[$3], array['test'], array['r'], array[$4::uuid])"
EVENTS = """
select name, payload::text from all_events_any_brand_v1() where brand_id = $1 and session_id = $2 order by sequence
"""
STATUS = "select status from sessions where brand_id = $1 and id = $2"
TIMER = "select kind, due_at from timers where brand_id = $1 and subject_id = $2"

STEPS = {
    "start": ("scheduled", "live", "started"),
    "end": ("live", "ended", "ended"),
    "cancel": ("scheduled", "cancelled", "cancelled"),
}


class Stage(Struct, frozen=True):
    """A brand, and whoever changes its sessions; `db` is as the workers have it."""

    db: Database
    owner: Owner
    database: TestDatabase
    now: datetime
    brand: str

    def of(self, brand: str) -> "Stage":
        """Another brand in the same place."""
        return replace(self, brand=brand)

    async def session(self, at: datetime, *, seats: int = 100, known_id: UUID | None = None) -> UUID:
        """A session that is to begin then."""
        made = known_id or new_id()
        assert await self.owner.fetchval(CREATE, self.brand, made, HOST, at, seats, new_id()) == "created"
        return made

    async def move(self, session: UUID, at: datetime) -> None:
        """PATCH scheduled_at."""
        done = await self.owner.fetchval(UPDATE, self.brand, session, at.isoformat(), None, HOST, new_id(), new_id())
        assert done == "updated"

    async def enlarge(self, session: UUID, seats: int) -> None:
        """PATCH max_participants."""
        assert await self.owner.fetchval(UPDATE, self.brand, session, None, seats, HOST, new_id(), new_id()) == "updated"

    async def administer(
        self, session: UUID, *, status: str | None = None, at: datetime | None = None, duration: int | None = None
    ) -> None:
        """PATCH as an administrator."""
        ids = [new_id() for _ in range(3)]
        assert await self.owner.fetchval(ADMINISTER, self.brand, session, status, at, duration, *ids) == "updated"

    async def step(self, session: UUID, verb: str) -> None:
        """Start, end, cancel."""
        assert await self.owner.fetchval(MOVE, self.brand, session, *STEPS[verb], HOST, new_id()) == "moved"

    async def says(self, session: UUID, **minutes: int | None) -> None:
        """The session's own settings."""
        named = {f"{name}_minutes": value for name, value in minutes.items()}
        done = await self.owner.fetchval(SETTINGS, self.brand, session, json.dumps(named), HOST, new_id())
        assert done == "changed"

    async def brand_says(self, **minutes: int | None) -> None:
        """The brand's settings."""
        named = {f"{name}_minutes": value for name, value in minutes.items()}
        assert await self.owner.fetchval(BRAND_SETTINGS, self.brand, new_id(), json.dumps(named), new_id()) == "changed"

    async def register(self, session: UUID, *users: str) -> list[str]:
        """What each got, a seat or a place in line."""
        many = len(users)
        ids = [[new_id() for _ in users] for _ in range(2)]
        none: list[None] = [None] * many
        rows = await self.owner.fetch(
            REGISTER, self.brand, session, ids[0], list(users), none, ["participant"] * many, [True] * many, none,
            ["test"] * many, ids[1], none, none,
        )  # fmt: skip
        return [row["status"] for row in rows]

    async def leave(self, session: UUID, user: str) -> None:
        """Give up the seat."""
        assert await self.owner.fetchval(LEAVE, self.brand, session, user, new_id()) == "left"

    async def planned(self, session: UUID) -> tuple[str, datetime] | None:
        """What is next for the session, and when."""
        row = await self.owner.fetchrow(TIMER, self.brand, session)
        return None if row is None else (row["kind"], row["due_at"])

    async def fire(self, at: datetime | None = None, *, rounds: int = ROUNDS) -> list[dict[str, Any]]:
        """Let a worker whose clock stands still, or else is the database's, fire all that is due; answers what it logged."""
        timers = Timers(self.db, clock=lambda: at)
        with capture_logs() as lines:
            for _ in range(rounds):
                if not await timers.fire_due():
                    return [dict(line) for line in lines]
        assert rounds != ROUNDS, "there is always more that is due"
        return [dict(line) for line in lines]

    async def told(self, session: UUID) -> list[Told]:
        """What timers may have told of the session, in order; each has the payload that the catalogue says."""
        rows = await self.owner.fetch(EVENTS, self.brand, session)
        return [told(*row) for row in rows if row["name"] in FIRED]

    async def names(self, session: UUID) -> list[str]:
        """What of it: `first` and `last` are reminders."""
        return [str(one.payload.get("reminder") or one.name.split(".")[2]) for one in await self.told(session)]

    async def reminded(self, session: UUID, reminder: str) -> list[str]:
        """Who was reminded, in order."""
        return [one.payload["user_id"] for one in await self.told(session) if one.payload.get("reminder") == reminder]

    async def status(self, session: UUID) -> str:
        """The session's."""
        return str(await self.owner.fetchval(STATUS, self.brand, session))


@asynccontextmanager
async def staged(database: TestDatabase, *, brand: str = BRAND) -> AsyncIterator[Stage]:
    """A stage on which nothing is planned yet."""
    owner = await asyncpg.connect(database.owner_url)
    try:
        await owner.execute("delete from timers")
        async with Database(database.service_url, size=4, wait_seconds=5, statement_seconds=30) as db:
            yield Stage(db, owner, database, datetime.now(UTC).replace(microsecond=0), brand)
    finally:
        await owner.close()


def dropped(lines: Sequence[dict[str, Any]]) -> list[str]:
    """The kinds that the log says were too late."""
    return [line["kind"] for line in lines if line["event"] == "timer_dropped"]


async def without(owner: Owner, function: str, what: str, instead: str) -> None:
    """Change a function's text: a guard is off, in this database alone."""
    text = await owner.fetchval("select pg_get_functiondef($1::regproc)", function)
    assert what in text, f"{function} does not say: {what}"
    await owner.execute(text.replace(what, instead))
