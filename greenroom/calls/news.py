"""What comes to pass with sessions, as their calls hear of it: by the relay, after the commit. No change waits for it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
from msgspec import Struct

from greenroom.calls import queries
from greenroom.calls.queries import Carriers, Noted
from greenroom.events.feed import ToldEvent
from greenroom.kit.database import Database

OPENING = frozenset({"live.session.doors_opened.v1", "live.session.started.v1"})
REMOVING = "live.registration.removed.v1"
OF_CONCERN = OPENING | {
    REMOVING,
    "live.session.updated.v1",
    "live.session.rescheduled.v1",
    "live.session.ended.v1",
    "live.session.cancelled.v1",
    "live.session.reinstated.v1",
}


class _Person(Struct, frozen=True):
    user_id: str


_person_in = msgspec.json.Decoder(_Person).decode


class SessionNews:
    """A sink (greenroom/events/sinks.py) that notes in the database which calls have something to do."""

    name = "calls"

    def __init__(self, db: Database, carriers: Carriers) -> None:
        self._db = db
        self._carriers = carriers

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["SessionNews"]:
        """There is nothing to connect to but our own database."""
        yield self

    async def publish(self, events: Sequence[ToldEvent]) -> None:
        """Note them, all at once. Raises Unavailable."""
        noted = [
            Noted(
                event.brand_id,
                event.session_id,
                event.name in OPENING,
                _person_in(event.payload).user_id if event.name == REMOVING else None,
            )
            for event in events
            if event.name in OF_CONCERN and event.session_id is not None
        ]
        if noted:
            await queries.note_any_brand(self._db, noted, self._carriers)
