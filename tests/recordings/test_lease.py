"""Who has a recording: the last that claimed it, and nobody before."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from greenroom.kit.database import Database
from greenroom.recordings import queries
from greenroom.recordings.queries import Due
from tests.postgres import Owner, TestDatabase

LEASE, WAIT = timedelta(minutes=2), timedelta(minutes=10)
CALL = """
insert into calls (brand_id, id, provider, call_type, host_user_id, title, records, created_at, updated_at)
values ('acme', $1, 'builtin', 'default', 'host_1', 'Title', true, now(), now())
"""
FINISHED = """
insert into room_recordings (brand_id, id, call_id, user_id, state, parts, started_at, changed_at, ended_at, due_at, put_off)
values ('acme', $2, $1, 'host_1', 'finished', '{}', now(), now(), now(), now() - $3::interval, $4)
"""
RUNS_OUT = "update room_recordings set leased_until = now()"
STATE = "select state, lease, put_off, leased_until > now() as is_leased from room_recordings where id = $1"


@pytest.fixture
async def db(scratch: TestDatabase) -> AsyncIterator[Database]:
    async with Database(scratch.service_url, size=2, wait_seconds=5, statement_seconds=10) as opened:
        yield opened


async def finished(owner: Owner, *, since: int = 1, put_off: int = 0) -> UUID:
    """A recording without a piece, due since so many minutes."""
    call, recording = uuid4(), uuid4()
    await owner.execute(CALL, call)
    await owner.execute(FINISHED, call, recording, timedelta(minutes=since), put_off)
    return recording


async def claimed(db: Database) -> Due:
    (due,) = await queries.claim_any_brand(db, most=1, lease=LEASE, wait=WAIT)
    return due


async def test_who_has_it_no_longer_changes_nothing(db: Database, registrar: Owner) -> None:
    recording = await finished(registrar)
    before = await claimed(db)
    await registrar.execute(RUNS_OUT)
    now = await claimed(db)
    state = await registrar.fetchrow(STATE, recording)
    assert not await queries.is_all(db, before, octets=0)
    assert not await queries.settle(db, before, "failed", octets=0)
    await queries.put_off(db, before, is_failure=True, is_missing=True)
    await queries.swept(db, before)
    assert await registrar.fetchrow(STATE, recording) == state
    await registrar.execute(RUNS_OUT)
    await queries.renew(db, before, lease=LEASE)
    assert dict(await registrar.fetchrow(STATE, recording) or {})["is_leased"] is False
    await queries.renew(db, now, lease=LEASE)
    assert dict(await registrar.fetchrow(STATE, recording) or {})["is_leased"] is True
    assert await queries.is_all(db, now, octets=0)
    assert await queries.settle(db, now, "ready", octets=0)


async def test_what_was_put_off_often_waits_for_what_was_not(db: Database, registrar: Owner) -> None:
    often = await finished(registrar, since=60, put_off=3)
    first, second = await finished(registrar, since=9), await finished(registrar, since=5)
    assert [(await claimed(db)).id for _ in range(3)] == [first, second, often]
