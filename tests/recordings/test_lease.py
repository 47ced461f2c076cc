"""Who has a recording: the last that claimed it, and nobody before."""

import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest

from greenroom.inbox.service import Inbox
from greenroom.kit.database import Database
from greenroom.providers.registry import Providers, ProviderSettings
from greenroom.recordings import queries
from greenroom.recordings.joiner import Joiner
from greenroom.recordings.queries import Due
from greenroom.recordings.service import piece_name
from greenroom.recordings.store import Store
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
IDLE = """
insert into room_recordings (brand_id, id, call_id, user_id, state, started_at, changed_at, due_at)
select 'acme', gen_random_uuid(), $1, 'host_1', 'recording', now(), now(), now() - interval '1 hour'
from generate_series(1, 150)
"""
WAITING = """
select count(*) from room_recordings
where state = 'recording' and due_at between now() + $1 - interval '1 minute' and now() + $1
"""
RUNS_OUT = "update room_recordings set leased_until = now()"
PIECE = (
    "insert into room_pieces (brand_id, recording_id, part, number, octets, sha256) values ('acme', $1, 1, 0, 1, sha256('x'))"
)
PUT_OFF = "select state, put_off, failures from room_recordings where id = $1 and leased_until < now()"
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


async def test_what_was_put_off_waits_only_so_long(db: Database, registrar: Owner) -> None:
    new, often = await finished(registrar), await finished(registrar, since=180, put_off=9)
    assert [(await claimed(db)).id for _ in range(2)] == [often, new]


async def test_recordings_whose_session_goes_on_keep_no_other_waiting(db: Database, registrar: Owner) -> None:
    call = uuid4()
    await registrar.execute(CALL, call)
    await registrar.execute(IDLE, call)
    put_off = await finished(registrar, put_off=1)
    found = [due for _ in range(2) for due in await queries.claim_any_brand(db, most=1, lease=LEASE, wait=WAIT)]
    assert [one.id for one in found] == [put_off]
    assert await registrar.fetchval(WAITING, WAIT) == 150


async def test_what_would_fill_the_disk_is_put_off(
    db: Database, registrar: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, store = await finished(registrar), Store(tmp_path)
    await registrar.execute(PIECE, recording)
    await store.put(piece_name(recording, 1, 0, sha256(b"x").digest()), b"x")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=1000, free=50))
    joiner = Joiner(db, store, Inbox(db, Providers(ProviderSettings(seconds=1))), wait=WAIT, directory=tmp_path)
    assert await joiner.do_one()
    assert tuple(await registrar.fetchrow(PUT_OFF, recording) or ()) == ("finished", 1, 0)
