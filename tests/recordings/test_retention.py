"""Recordings that have been kept long enough: the file goes, and nothing leads to it any more."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.commands.command import greenroom
from tests.faults.waiting import eventually
from tests.postgres import TestDatabase
from tests.recordings.studio import PART, Studio, in_studio, running_studio
from tests.server import Server, environment_of
from tests.tenant import Tenant

AGE = "update room_recordings set settled_at = settled_at - $2::interval where id = $1"
DUE = "update chores set due_at = '-infinity' where name = 'expire_recordings'"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("retention")


@pytest.fixture(scope="module")
def week_server(database: TestDatabase, home: Path) -> Iterator[Server]:
    with running_studio(database, home, GREENROOM_RECORDING_DAYS="7") as server:
        yield server


@pytest.fixture
async def studio(week_server: Server, database: TestDatabase, tenant: Tenant) -> AsyncIterator[Studio]:
    async with in_studio(week_server, database, tenant) as standing:
        yield standing


async def passed(studio: Studio, recording: str, *, days: int) -> None:
    """So many days have passed since it was ready."""
    await studio.settled(recording)
    await studio.owner.execute(AGE, recording, timedelta(days=days))


async def test_after_its_days_it_is_gone_and_the_one_before_is_shown(
    studio: Studio, database: TestDatabase, home: Path, grey: bytes, white: bytes
) -> None:
    session = await studio.session()
    kept = await (await studio.recorder(session)).record(grey)
    await studio.until(session, "ready")
    old = await (await studio.recorder(session)).record(white)
    ready = {one["id"]: one["url"] for one in await studio.until(session, "ready", "ready")}
    assert old in str((await studio.seen(session))["recording_url"])
    await passed(studio, old, days=8)
    await studio.owner.execute(DUE)
    (left,) = await studio.until(session, "ready")
    assert left["id"] == kept
    assert kept in str((await studio.seen(session))["recording_url"])
    assert (await studio.watched(ready[old])).status_code == 404
    assert (await studio.watched(ready[kept])).status_code == 200
    assert not list(home.rglob(f"*{old}.webm"))
    await passed(studio, kept, days=8)
    await studio.owner.execute(DUE)
    found = await studio.until(session, "expired", "expired")
    assert [one["url"] for one in found] == [None, None]
    assert (await studio.seen(session))["recording_url"] is None
    said = await asyncio.to_thread(greenroom, "check", env=environment_of(database))
    assert said.status == 0, said.out + said.err


async def test_one_that_cannot_be_deleted_keeps_no_other(studio: Studio, home: Path, grey: bytes, white: bytes) -> None:
    session = await studio.session()
    stuck, old = [await (await studio.recorder(session)).record(one) for one in (grey, white)]
    await passed(studio, stuck, days=16)
    await passed(studio, old, days=8)
    (file,) = home.rglob(f"{stuck}.webm")
    file.unlink()
    (file / "no file but a directory").mkdir(parents=True)
    await studio.owner.execute(DUE)
    (left,) = await studio.until(session, "ready")
    assert left["id"] == stuck
    (file / "no file but a directory").rmdir()
    file.rmdir()
    await studio.owner.execute(DUE)
    await studio.until(session, "expired", "expired")


async def test_pieces_that_were_joined_are_deleted(studio: Studio, home: Path, white: bytes) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    await recorder.begin()

    def pieces() -> list[Path]:
        return [one for one in home.rglob(f"{recorder.id}/*/*") if one.is_file()]

    brought = await recorder.bring_all(white)
    assert len(pieces()) == brought > 0
    await recorder.finish({PART: brought})
    await studio.until(session, "ready")

    async def gone() -> bool:
        return not pieces()

    await eventually(gone, "no piece is left")
