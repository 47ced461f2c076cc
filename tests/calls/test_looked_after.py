"""What becomes of a call when something else comes to pass while it is looked after."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec
import pytest

from greenroom.calls import queries as calls
from greenroom.calls.queries import Carriers, LookedAfter, Noted
from greenroom.kit.database import Database
from greenroom.kit.ids import UserId, new_request_id
from greenroom.providers.protocol import CallState, Connection, Facts, Recording, Span
from tests.calls.ledger import Ledger, opened
from tests.calls.told import HOST
from tests.postgres import Owner, TestDatabase

NOW = datetime.now(UTC).replace(microsecond=0)
CARRIERS = Carriers("getstream", '{"getstream": "default"}', records=True)
REMOVED = """
insert into registrations (brand_id, id, session_id, user_id, role, status, position, registered_at, cancelled_at, removed_at,
                           registered_by)
values ($1, gen_random_uuid(), $2, $3, 'participant', 'cancelled', 1, now(), now(), now(), 'host_1')
"""


@pytest.fixture
async def it(db: Database) -> Ledger:
    """A session that begins now, and its call."""
    return await opened(db, NOW)


@pytest.fixture
async def other(database: TestDatabase) -> AsyncIterator[Owner]:
    """A second connection of the owner's."""
    connection = await asyncpg.connect(database.owner_url)
    yield connection
    await connection.close()


def inside(*people: str, since: datetime = NOW, span: str = "span-1") -> CallState:
    """What the provider answers while these are in the call."""
    connections = [Connection(id=f"{span}-{user}", user=user, span=span, joined_at=since) for user in people]
    facts = Facts(spans=[Span(id=span)], connections=connections)  # LiveKit tells no beginning
    return CallState(is_live=bool(people), span=span, ended_at=None, facts=facts, inside=[one.id for one in connections])


async def looked_after(it: Ledger, *, phase: str = "open", now: datetime = NOW, **done: object) -> None:
    due = msgspec.structs.replace(it.due(), phase=phase)
    await calls.looked_after(it.db, due, LookedAfter(**done), request_id=new_request_id(), now=now)  # type: ignore[arg-type]


async def removed(owner: Owner, it: Ledger, user: str) -> None:
    """A host removes somebody, and the call is told."""
    await owner.execute(REMOVED, it.brand, it.session, user)
    await calls.note_any_brand(it.db, [Noted(it.brand, it.session, opens=False, removed=UserId(user))], CARRIERS)


async def pending(owner: Owner, it: Ledger) -> list[str]:
    """Who is still to be put out."""
    rows = await owner.fetch("select user_id from call_removals where call_id = $1 and told_at is null", it.session)
    return [row["user_id"] for row in rows]


async def claimed(it: Ledger, owner: Owner) -> calls.Due:
    """The call, as it is looked after now."""
    await owner.execute("update calls set due_at = now(), leased_until = '-infinity' where id = $1", it.session)
    for _ in range(100):
        for due in await calls.claim_due_any_brand(it.db, most=50, lease=timedelta(minutes=2), now=None):
            if due.id == it.session:
                return due
    raise AssertionError("it was not due")


async def test_a_session_that_is_called_off_meanwhile_is_seen_to_at_once(it: Ledger, owner: Owner) -> None:
    await owner.execute("update sessions set status = 'cancelled' where id = $1", it.session)
    await looked_after(it, phase="open", asked_at=NOW, facts="{}")
    assert await it.next_look() <= NOW
    await looked_after(it, phase="called_off", asked_at=NOW, facts="{}")
    row = await owner.fetchrow("select due_at = 'infinity' as is_done from calls where id = $1", it.session)
    assert row is not None
    assert row["is_done"]


async def test_it_is_not_ended_while_the_provider_shows_somebody_who_is_thought_gone(it: Ledger) -> None:
    await it.reconcile(inside(HOST), [], asked_at=NOW, now=NOW)
    gone = Facts(connections=[Connection(id=f"span-1-{HOST}", user=HOST, left_at=NOW + timedelta(minutes=1))])
    await looked_after(it, now=NOW + timedelta(minutes=1), facts=msgspec.json.encode(gone).decode())
    late = NOW + timedelta(minutes=30)
    await it.reconcile(inside(HOST), [], asked_at=late, now=late)
    assert (await it.settled())["status"] == "live"
    assert await it.next_look() == late + timedelta(minutes=1)
    await it.reconcile(None, [], asked_at=late, now=late)
    assert (await it.settled())["status"] == "ended"


async def test_a_room_that_is_gone_has_ended_though_nobody_told_when_it_began(it: Ledger, owner: Owner) -> None:
    await it.reconcile(inside("anna"), [], asked_at=NOW, now=NOW)
    await it.reconcile(None, [], asked_at=NOW + timedelta(minutes=1), now=NOW + timedelta(minutes=1))
    ended = await owner.fetchval("select estimated_end_at is not null from call_spans where call_id = $1", it.session)
    assert ended
    await it.reconcile(inside("anna"), [], asked_at=NOW + timedelta(minutes=2), now=NOW + timedelta(minutes=2))
    assert await owner.fetchval("select estimated_end_at is null from call_spans where call_id = $1", it.session)


@pytest.mark.parametrize(
    "change",
    [
        "update registrations set allowed_at = now() where session_id = $1",
        "update sessions set co_host_ids = '{anna}' where id = $1",
    ],
)
async def test_who_may_come_in_again_is_not_put_out(it: Ledger, owner: Owner, change: str) -> None:
    await removed(owner, it, "anna")
    assert (await claimed(it, owner)).removals == ["anna"]
    await owner.execute(change, it.session)
    assert (await claimed(it, owner)).removals == []
    await it.reconcile(inside(HOST, "anna"), [], asked_at=NOW, now=NOW)
    assert await pending(owner, it) == []


async def test_a_call_that_is_not_made_is_not_looked_at_for_who_was_removed(it: Ledger, owner: Owner) -> None:
    await owner.execute("update calls set made_at = null where id = $1", it.session)
    await owner.execute("update sessions set scheduled_at = now() + interval '5 days' where id = $1", it.session)
    await removed(owner, it, "anna")
    await looked_after(it, phase="planned")
    assert await it.next_look() > NOW + timedelta(days=4)
    assert await pending(owner, it) == ["anna"]


async def test_a_call_that_is_made_after_its_end_is_ended(it: Ledger, owner: Owner) -> None:
    await owner.execute("update calls set made_at = null where id = $1", it.session)
    await owner.execute("update sessions set status = 'ended', started_at = now(), ended_at = now() where id = $1", it.session)
    await looked_after(it, phase="over")
    claim = await calls.claim(it.db, it.brand, it.session, lease=timedelta(seconds=5))
    assert claim.planned is not None
    await calls.made(it.db, it.brand, claim.planned, is_made=True)
    assert await it.next_look() <= datetime.now(UTC) + timedelta(minutes=1)
    due = await claimed(it, owner)
    assert (due.phase, due.is_made, due.is_end_told) == ("over", True, False)


async def test_a_recording_of_the_last_sitting_is_looked_for_though_an_earlier_one_is_there(it: Ledger, owner: Owner) -> None:
    sound_check, session = NOW - timedelta(hours=1), NOW
    early = Recording(id="early", state="ready", span="span-1", url="https://recordings.example/early")
    late = Recording(id="late", state="ready", span="span-2", url="https://recordings.example/late", ended_at=NOW)
    await it.reconcile(inside(HOST, since=sound_check), [early], asked_at=sound_check, now=sound_check)
    await it.reconcile(inside(HOST, since=session, span="span-2"), [], asked_at=session, now=session)
    await owner.execute(
        "update sessions set status = 'ended', ended_at = started_at + interval '1 minute' where id = $1", it.session
    )
    over = NOW + timedelta(minutes=2)
    await it.reconcile(None, [], asked_at=over, now=over)
    assert (await claimed(it, owner)).awaits_recording
    await it.reconcile(inside(), [late], asked_at=over, now=over)
    assert not (await claimed(it, owner)).awaits_recording
    assert (await it.settled())["recording_url"] == late.url


async def test_a_removal_and_a_webhook_that_shows_the_removed_inside_wait_for_each_other_in_one_order(
    it: Ledger, owner: Owner, other: Owner
) -> None:
    await owner.execute(REMOVED, it.brand, it.session, "anna")
    noted = [Noted(it.brand, it.session, opens=False, removed=UserId("anna"))]
    async with other.transaction():
        await other.execute("select from calls where id = $1 for no key update", it.session)  # as whoever settles has it
        noting = asyncio.ensure_future(calls.note_any_brand(it.db, noted, CARRIERS))
        await asyncio.sleep(0.2)
        await other.execute(
            "insert into call_removals (brand_id, call_id, user_id, wanted_at) values ($1, $2, 'anna', now())",
            it.brand,
            it.session,
        )
        assert not noting.done()
    await noting
    assert await pending(owner, it) == ["anna"]
