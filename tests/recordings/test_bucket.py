"""Recordings in a bucket: kept, played and deleted there, and what happens while it misbehaves."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from greenroom.recordings.service import MOST_OF_ONE
from tests.commands.command import started
from tests.faults.waiting import eventually
from tests.postgres import TestDatabase
from tests.recordings.bucket import Bucket, running_bucket
from tests.recordings.films import seen
from tests.recordings.studio import PART, Studio, in_studio, running_studio
from tests.server import Server, environment_of
from tests.tenant import Tenant
from tests.wire import assert_refused

UNLEASE = "update room_recordings set leased_until = '-infinity', due_at = '-infinity' where id = $1"


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    with running_bucket() as running:
        yield running


@pytest.fixture(scope="module")
def bucket_server(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory, bucket: Bucket) -> Iterator[Server]:
    """It serves, and leaves the joining to workers."""
    settings = {"GREENROOM_BACKGROUND": "off", **bucket.settings}
    with running_studio(database, tmp_path_factory.mktemp("bucket"), **settings) as server:
        yield server


@pytest.fixture
async def studio(bucket_server: Server, database: TestDatabase, tenant: Tenant, bucket: Bucket) -> AsyncIterator[Studio]:
    bucket.behave()
    async with in_studio(bucket_server, database, tenant) as standing:
        yield standing
    bucket.behave()


@pytest.fixture
def worker_environment(database: TestDatabase, bucket: Bucket, tmp_path: Path) -> dict[str, str]:
    return environment_of(database, {"GREENROOM_DATA_DIR": str(tmp_path), **bucket.settings})


@pytest.fixture
def worker(worker_environment: dict[str, str], tmp_path: Path) -> "Iterator[subprocess.Popen[str]]":
    """A process that joins."""
    with started("worker", env=worker_environment, log=tmp_path / "worker.log") as process:
        yield process


def joining_children_of(parent: int) -> list[int]:
    """The processes that it has begun to join with; there is one at least."""
    listed = [path for path in Path("/proc").glob("[0-9]*") if b"greenroom.recordings.joining" in _read(path / "cmdline")]
    found = [int(path.name) for path in listed if b"PPid:\t%d\n" % parent in _read(path / "status")]
    assert found
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended meanwhile
        return b""


async def test_it_is_kept_and_played_there_and_its_pieces_go(
    studio: Studio, bucket: Bucket, white: bytes, worker: "subprocess.Popen[str]"
) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    await recorder.begin()
    left = f"of/greenroom/pieces/{recorder.id}/{PART}/99-of-no-row"  # by a process that was killed then
    bucket.put(left, b"left over")
    assert left in bucket.names()
    brought = await recorder.bring_all(white)
    await recorder.finish({PART: brought})
    recording = recorder.id
    assert worker.poll() is None
    (ready,) = await studio.until(session, "ready")
    whole = await studio.watched(ready["url"])
    assert len(seen(whole.content).pictures) == 30
    part = await studio.watched(ready["url"], range="bytes=1000-1999")
    assert (part.status_code, part.content) == (206, whole.content[1000:2000])

    async def only_the_whole() -> bool:
        return [name for name in bucket.names() if recording in name] == [f"of/greenroom/files/{recording}.webm"]

    await eventually(only_the_whole, "the pieces are deleted")


@pytest.mark.parametrize("mood", ["failing", "gone"])
async def test_a_piece_that_the_store_does_not_take_is_brought_again(studio: Studio, bucket: Bucket, mood: str) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    await recorder.begin()
    bucket.behave("failing" if mood == "failing" else "gone", only=recorder.id)
    refused = await recorder.visitor.http.put(
        f"{recorder.path}/{recorder.id}/parts/1/pieces/0", timeout=90, content=b"x", headers=recorder.headers_of(b"x")
    )
    assert_refused(refused, "unavailable")
    assert refused.headers["retry-after"]
    bucket.behave()
    assert (await recorder.bring(b"x", 0, part=1)).status_code == 204


async def test_no_recording_fills_the_memory_of_a_process(studio: Studio, bucket: Bucket) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    await recorder.begin()
    bucket.behave("silent", only=recorder.id)
    bringing = [asyncio.create_task(recorder.bring(b"x", number)) for number in range(MOST_OF_ONE + 1)]
    done, _ = await asyncio.wait(bringing, return_when=asyncio.FIRST_COMPLETED)
    assert_refused(done.pop().result(), "unavailable", names="Many pieces")
    bucket.behave()
    await asyncio.gather(*bringing, return_exceptions=True)
    for number in range(MOST_OF_ONE + 1):
        assert (await recorder.bring(b"x", number)).status_code == 204


async def test_a_process_that_is_killed_while_it_joins_loses_nothing(
    studio: Studio, bucket: Bucket, white: bytes, worker_environment: dict[str, str], tmp_path: Path
) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    recording = await recorder.record(white)
    bucket.behave("silent", only=f"pieces/{recording}")
    with started("worker", env=worker_environment, log=tmp_path / "killed.log") as killed:
        assert await asyncio.to_thread(bucket.met.wait, 60)  # it reads a piece, and has begun to join
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    assert [one["state"] for one in await studio.recordings(session)] == ["processing"]
    bucket.behave()
    await studio.owner.execute(UNLEASE, recording)  # its lease would end by itself, some time later
    with started("worker", env=worker_environment, log=tmp_path / "next.log"):
        (ready,) = await studio.until(session, "ready")
    assert len(seen((await studio.watched(ready["url"])).content).pictures) == 30


async def test_a_child_that_is_killed_is_no_failure_of_the_recording(
    studio: Studio, bucket: Bucket, white: bytes, worker_environment: dict[str, str], tmp_path: Path
) -> None:
    session = await studio.session()
    recording = await (await studio.recorder(session)).record(white)
    bucket.behave("silent", only=f"pieces/{recording}")
    with started("worker", env=worker_environment, log=tmp_path / "worker.log") as parent:
        assert await asyncio.to_thread(bucket.met.wait, 60)
        for child in joining_children_of(parent.pid):
            os.kill(child, signal.SIGKILL)
        bucket.behave()
        await studio.until(session, "ready")
    counted = "select failures from room_recordings where id = $1 and missing = 0"
    assert await studio.owner.fetchval(counted, recording) == 0


async def test_a_piece_that_comes_while_it_is_joined_is_in_the_film(
    studio: Studio, bucket: Bucket, grey: bytes, worker_environment: dict[str, str], tmp_path: Path
) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    await recorder.begin()
    half = len(grey) // 2
    assert (await recorder.bring(grey[:half], 0)).status_code == 204
    assert (await recorder.finish({PART: 1})).status_code == 204
    bucket.behave("silent", only=f"pieces/{recorder.id}/{PART}/0")
    with started("worker", env=worker_environment, log=tmp_path / "worker.log"):
        assert await asyncio.to_thread(bucket.met.wait, 60)  # it has read which pieces there are
        assert (await recorder.bring(grey[half:], 1)).status_code == 204
        bucket.behave()
        (ready,) = await studio.until(session, "ready")
    assert len(seen((await studio.watched(ready["url"])).content).pictures) == 40


async def test_a_store_that_is_away_while_it_is_joined_is_asked_again(
    studio: Studio, bucket: Bucket, white: bytes, worker_environment: dict[str, str], tmp_path: Path
) -> None:
    session = await studio.session()
    recording = await (await studio.recorder(session)).record(white)
    bucket.behave("failing", only=f"files/{recording}")
    with started("worker", env=worker_environment, log=tmp_path / "worker.log"):

        async def was_put_off() -> bool:
            return bool(await studio.owner.fetchval("select put_off > 0 from room_recordings where id = $1", recording))

        await eventually(was_put_off, "the library has given up, and it is joined another time", seconds=120)
        bucket.behave()
        (ready,) = await studio.until(session, "ready")
    assert len(seen((await studio.watched(ready["url"])).content).pictures) == 30


async def test_a_recording_cannot_be_watched_while_the_store_is_away(
    studio: Studio, bucket: Bucket, white: bytes, worker: "subprocess.Popen[str]"
) -> None:
    session = await studio.session()
    await (await studio.recorder(session)).record(white)
    (ready,) = await studio.until(session, "ready")
    assert worker.poll() is None
    bucket.behave("failing")
    async with studio.nobody() as nobody:
        refused = await nobody.get(ready["url"], timeout=90)
    assert_refused(refused, "unavailable")
    bucket.behave()
    assert (await studio.watched(ready["url"])).status_code == 200
