"""What is kept of a call, by the functions that the service calls; without HTTP and without a provider."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import Struct

from greenroom.calls import queries as calls
from greenroom.calls.queries import Due, LookedAfter
from greenroom.identity.caller import Caller
from greenroom.inbox import queries as inbox
from greenroom.inbox.queries import Arrival
from greenroom.kit.database import Database
from greenroom.kit.ids import BrandId, ClientId, SessionId, UserId, new_id, new_request_id
from greenroom.providers.protocol import CallState, Recording
from greenroom.sessions import queries as sessions
from greenroom.sessions.queries import Creation
from tests.calls.told import HOST

SETTLED = """
select s.status, s.started_at, s.recording_url, s.registered_count, c.started_at as call_started_at,
    (select array_agg(row(p.id, p.started_at, p.ended_at)::text order by p.id) from call_spans p
     where p.brand_id = c.brand_id and p.call_id = c.id) as spans,
    (select array_agg(row(r.id, r.state, r.url)::text order by r.id) from shown_recordings_v1(c) r) as recordings
from calls c join sessions s on s.brand_id = c.brand_id and s.id = c.session_id
where c.brand_id = $1 and c.id = $2
"""

STAYS = "select id, user_id, joined_at, left_at, is_estimated from stays_v1($1, $2) order by id"

_encode = msgspec.json.Encoder().encode


class KnownStay(Struct, frozen=True):
    """A stay as it is known. Times are the database's text."""

    id: str
    user: str
    joined_at: str
    left_at: str | None
    is_estimated: bool


class Ledger:
    """One session and its call, which the provider has."""

    def __init__(self, db: Database, brand: BrandId, session: SessionId, scheduled_at: datetime) -> None:
        self.db = db
        self.brand = brand
        self.session = session
        self.scheduled_at = scheduled_at

    async def receive(self, arrivals: Sequence[Arrival]) -> list[str]:
        """Webhooks that come together."""
        return await inbox.receive_any_brand(self.db, "getstream", self.session, arrivals, request_id=new_request_id())

    async def reconcile(
        self, state: CallState | None, recordings: Sequence[Recording], *, asked_at: datetime, now: datetime
    ) -> None:
        """What the keeper does with the provider's answer."""
        facts = None if state is None else msgspec.structs.replace(state.facts, recordings=list(recordings))
        done = LookedAfter(
            asked_at=asked_at,
            span=state.span if state is not None and state.is_live else None,
            inside=[] if state is None else state.inside,
            facts="{}" if facts is None else _encode(facts).decode(),
        )
        await calls.looked_after(self.db, self.due(), done, request_id=new_request_id(), now=now)

    async def unanswered(self, *, now: datetime) -> None:
        """The provider could not say anything."""
        await calls.looked_after(self.db, self.due(), LookedAfter(failed=True), request_id=new_request_id(), now=now)

    async def next_look(self) -> datetime:
        """When the call is looked after next."""
        row = await self.db.row("select due_at from calls where brand_id = $1 and id = $2", self.brand, self.session)
        assert row is not None
        return datetime.fromisoformat(row["due_at"])

    async def settled(self) -> dict[str, Any]:
        """What is concluded from all that is known."""
        row = await self.db.row(SETTLED, self.brand, self.session)
        assert row is not None
        return dict(row)

    async def stays(self) -> list[KnownStay]:
        """Who was there."""
        return [KnownStay(*row) for row in await self.db.rows(STAYS, self.brand, self.session)]

    def due(self) -> Due:
        """As it was claimed, while its doors are open."""
        return Due(
            brand=self.brand, id=self.session, provider="getstream", records=True, phase="open", is_made=True, told_title=None,
            told_starts_at=None, title="", starts_at=None, host=UserId(HOST), is_end_told=False, removals=[],
            awaits_recording=False, is_sessions=True,
        )  # fmt: skip


async def opened(db: Database, scheduled_at: datetime) -> Ledger:
    """A session of a brand of its own, whose call is made."""
    brand = BrandId(f"brand-{uuid4().hex[:12]}")
    session = SessionId(new_id())
    caller = Caller(user=UserId(HOST), client=ClientId("test"), brand=brand, scopes=frozenset())
    creation = Creation(
        id=session, brand=brand, host=HOST, title="Ask", kind="live", scheduled_at=scheduled_at, max_participants=10,
        metadata="{}", by=caller, request_id=new_request_id(), event_id=new_id(), key=None,
    )  # fmt: skip
    await sessions.create(db, creation)
    carriers = calls.Carriers("getstream", '{"getstream": "default"}', records=True)
    await calls.note_any_brand(db, [calls.Noted(brand, session, opens=True, removed=None)], carriers)
    claim = await calls.claim(db, brand, session, lease=timedelta(seconds=5))
    assert claim.planned is not None
    await calls.made(db, brand, claim.planned, is_made=True)
    return Ledger(db, brand, session, scheduled_at)


def known(instant: datetime) -> str:
    """As the database writes it."""
    return instant.strftime("%Y-%m-%d %H:%M:%S+00")
