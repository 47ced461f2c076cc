"""A stage (tests/timers/stage.py) with its mail: each step of the way is taken when the test says so."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from greenroom.events import queries as events
from greenroom.kit.database import Database
from greenroom.kit.ids import new_id
from greenroom.notifications import queries
from greenroom.notifications.composing import Letterhead
from greenroom.notifications.mailing import Mailing
from greenroom.notifications.planning import Planning
from greenroom.notifications.smtp import server_at
from greenroom.notifications.unsubscribing import Unsubscribing
from greenroom.registrations.links import Tickets
from tests.faults.waiting import eventually
from tests.notifications.post import Post
from tests.postgres import TestDatabase
from tests.server import SECRET_KEY
from tests.timers.stage import BRAND, Stage, staged

PUBLIC_URL = "https://live.example.com"
SENDER = "sessions@live.example.com"
ROUNDS = 200  # more are no progress

CONTACT = """
select outcome from keep_contact_v1($1, $2, $3, $4, $5, false, true, 'admin_1', 'test', 'r')
"""
GUEST = """
select id from register_v1($1, $2, array[$3::uuid], array['guest:' || $3::text], array[$4::text], array['guest'], array[true],
    array[null::text], array['host_1'], array[false], array['test'], array['r'], array[$5::uuid], array[null::bytea],
    array[null::bigint], array[null::bytea])
"""
MESSAGES = """
select m.kind, m.state, m.why from messages m where m.brand_id = $1 and m.session_id = $2
order by m.position, m.created_at, m.kind
"""
REQUESTS = """
select name, payload::text from all_events_any_brand_v1() where brand_id = $1 and name like 'comms.%' order by sequence
"""


def letterhead(*, join_url: str | None = "https://app.example.com/live/{session_id}") -> Letterhead:
    """Of an installation that says all there is to say."""
    return Letterhead(
        sender=SENDER,
        public_url=PUBLIC_URL,
        join_url=join_url,
        tickets=Tickets([SECRET_KEY]),
        unsubscribing=Unsubscribing([SECRET_KEY], public_url=PUBLIC_URL),
    )


class Office:
    """What people are told of a stage's sessions. `clock` is the mailing's; None is the database's."""

    def __init__(self, stage: Stage, post: Post | None) -> None:
        self.stage = stage
        self.post = post
        self.now: datetime | None = None
        self.mailing = self.another_mailing()
        self.position = 0

    def another_mailing(self, db: Database | None = None) -> Mailing:
        """As in another process."""
        server = None if self.post is None else server_at(self.post.url)
        return Mailing(db or self.stage.db, letterhead(), server, clock=lambda: self.now)

    async def contact(self, user: str, email: str | None = None, zone: str | None = None) -> str:
        """Where somebody is reached; answers the address."""
        address = email or f"{user}@example.com"
        await self.stage.owner.fetchval(CONTACT, self.stage.brand, user, new_id(), address, zone)
        return address

    async def session(self, *users: str, at: datetime | None = None, seats: int = 100, tell: bool = True) -> UUID:
        """A session in two days for which these people have registered and, unless said otherwise, been told so."""
        session = await self.stage.session(at or self.stage.now + timedelta(days=2), seats=seats)
        for user in users:
            await self.contact(user)
        if users:
            await self.stage.register(session, *users)
        if tell:
            await self.deliver()
            if self.post is not None:
                self.post.taken.clear()
        return session

    async def guest(self, session: UUID, address: str) -> UUID:
        """A guest's registration."""
        known: UUID = await self.stage.owner.fetchval(GUEST, self.stage.brand, session, new_id(), address, new_id())
        return known

    async def plan(self) -> None:
        """Let the sink hear what happened, and write down who is told."""
        await self.plan_only()
        while await queries.write_any_brand(self.stage.db, most=500) is not None:
            pass

    async def plan_only(self) -> None:
        """Let the sink hear what happened; what is for everybody of a session is written down later.

        An event waits for transactions of the whole cluster that began to write before it, also in another database.
        """

        async def all_are_told() -> bool:
            await events.relay_any_brand(self.stage.db, most=2000)
            return bool(await self.stage.owner.fetchval("select not exists (select from outbox)"))

        await eventually(all_are_told, "every event is told")
        planning = Planning(self.stage.db)
        while told := await events.after_any_brand(self.stage.db, self.position, most=500):
            await planning.publish(told)
            self.position = told[-1].position

    async def send(self) -> None:
        """Send what is due."""
        for _ in range(ROUNDS):
            if not await self.mailing.send_due():
                return
        raise AssertionError("there is always more that is due")

    async def deliver(self) -> None:
        """Both."""
        await self.plan()
        await self.send()

    async def remind(self, now: datetime) -> None:
        """It is then: what timers tell is written down, and due."""
        self.now = now
        await self.stage.fire(now)
        await self.plan()
        await self.stage.owner.execute("update messages set due_at = $1, created_at = $1 where state = 'pending'", now)

    async def due_again(self) -> None:
        """The pause is over, for all that waits, and who held it is no more."""
        await self.stage.owner.execute(
            "update messages set due_at = clock_timestamp(), leased_until = '-infinity' where state = 'pending'"
        )

    async def messages(self, session: UUID) -> list[tuple[str, str, str | None]]:
        """Kind, state and why, in the order of what happened."""
        return [tuple(row) for row in await self.stage.owner.fetch(MESSAGES, self.stage.brand, session)]

    async def told(self) -> list[tuple[str, dict[str, Any]]]:
        """The events of messages."""
        rows = await self.stage.owner.fetch(REQUESTS, self.stage.brand)
        return [(row["name"], json.loads(row["payload"])) for row in rows]


@asynccontextmanager
async def opened_office(database: TestDatabase, post: Post | None, *, brand: str = BRAND) -> AsyncIterator[Office]:
    """An office, which says goodbye to its mail server."""
    async with staged(database, brand=brand) as stage:
        office = Office(stage, post)
        yield office
        await office.mailing.close()


def kinds(messages: Sequence[tuple[str, str, str | None]], state: str) -> list[str]:
    """Of those in a state."""
    return [kind for kind, its_state, _ in messages if its_state == state]
