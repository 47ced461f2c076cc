"""kill -9 in the middle of a storm, more than fifty times: 24 workers, 24 databases that are started again, 3 of our own."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.commands.command import Running, embedded_environment, greenroom, serving
from tests.faults.aftermath import assert_promises_kept
from tests.faults.processes import kill, processes, workers_of
from tests.faults.registering import kept_of
from tests.faults.storm import PEOPLE, SEATS, Fault, Storm, storm
from tests.faults.waiting import eventually
from tests.postgres import Cluster, TestDatabase
from tests.server import AUTHORITIES, PLENTY, SECRET_KEY, Server
from tests.tenant import Tenant

STORMS = 24
EMBEDDED_KILLS = 3
RESTARTS = 3
REPLACED_SECONDS = 20.0
ALL_AT_ONCE = httpx.Limits(max_connections=None)


@pytest.fixture
async def client(pair: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=pair.url, timeout=30, limits=ALL_AT_ONCE) as opened:
        yield opened


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A directory that the user `nobody` reaches, as whom PostgreSQL runs when these tests run as root."""
    parent = Path(tempfile.mkdtemp(prefix="greenroom-data-"))
    parent.chmod(0o755)
    yield parent / "data"
    shutil.rmtree(parent)


@pytest.fixture
def environment(data_dir: Path) -> dict[str, str]:
    return {
        **embedded_environment(data_dir),
        "GREENROOM_SECRET_KEYS": SECRET_KEY,
        "GREENROOM_RATE_LIMIT_WRITES": PLENTY,
        "GREENROOM_RATE_LIMIT_ADDRESS": PLENTY,
    }


@pytest.fixture
def alone(environment: dict[str, str], data_dir: Path, tmp_path: Path) -> Iterator[Running]:
    """A server with the PostgreSQL that it brings, of which nothing is left afterwards."""
    with serving(env=environment, log=tmp_path / "log") as running:
        yield running
    asyncio.run(eventually(lambda: is_gone(data_dir), "its PostgreSQL is gone"))


async def is_gone(data_dir: Path) -> bool:
    return not any(str(data_dir) in one.command for one in processes())


async def struck(client: httpx.AsyncClient, tenant: Tenant, database: TestDatabase, *faults: Fault) -> bool:
    """A storm in which these happen. Everybody who was told is there, once, as told. Whether it happened in time."""
    one = await storm(client, tenant)
    was_in_time = await one.struck_by(*faults)
    kept = await kept_of(database, one.session)
    assert sorted(row.user for row in kept) == sorted(one.people)
    assert_as_told(one, {row.user: row.id for row in kept})
    assert [row.status for row in kept] == ["registered"] * SEATS + ["waitlist"] * (PEOPLE - SEATS)
    return was_in_time


def assert_as_told(one: Storm, there: dict[str, str]) -> None:
    """The registrations that are there are those that people were told of."""
    assert {person: answer["id"] for person, answer in one.told.items()} == there


@pytest.mark.timeout(300)
async def test_of_storms_in_which_a_worker_and_the_database_are_killed_nothing_is_lost_and_nothing_twice(
    pair: Server, client: httpx.AsyncClient, tenant: Tenant, mortal_database: TestDatabase, mortal: Cluster
) -> None:
    async def two_workers() -> bool:
        return len(workers_of(pair.process.pid)) == 2

    async def kill_worker() -> None:
        kill(workers_of(pair.process.pid)[0])

    async def kill_database() -> None:
        await asyncio.to_thread(mortal.kill)
        await asyncio.to_thread(mortal.start)

    in_time = 0
    for number in range(STORMS):
        faults = [kill_worker, kill_database] if number % 2 else [kill_database, kill_worker]
        in_time += await struck(client, tenant, mortal_database, *faults)
        await eventually(two_workers, "two workers again", seconds=REPLACED_SECONDS)
    assert in_time > STORMS / 2
    await assert_promises_kept(mortal_database)


async def test_of_storms_in_which_the_database_is_restarted_nothing_is_lost_and_nothing_twice(
    client: httpx.AsyncClient, tenant: Tenant, mortal_database: TestDatabase, mortal: Cluster
) -> None:
    async def restart_it() -> None:
        await asyncio.to_thread(mortal.stop)
        await asyncio.to_thread(mortal.start)

    in_time = sum([await struck(client, tenant, mortal_database, restart_it) for _ in range(RESTARTS)])
    assert in_time > 0
    await assert_promises_kept(mortal_database)


async def test_the_database_that_is_its_own_comes_back_without_a_hand_and_nothing_is_lost(
    alone: Running, tenant: Tenant, environment: dict[str, str], data_dir: Path
) -> None:
    async def kill_it() -> None:
        [pid_file] = data_dir.rglob("postmaster.pid")
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)

    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=alone.url, timeout=30, limits=ALL_AT_ONCE) as client:
        for _ in range(EMBEDDED_KILLS):
            one = await storm(client, tenant)
            assert await one.struck_by(kill_it)
            listed = await client.get(
                f"/v1/admin/sessions/{one.session['id']}/registrations", headers=tenant.bearer(scope="admin:live")
            )
            rows = listed.json()["registrations"]
            assert (len(rows), sum(row["status"] == "registered" for row in rows)) == (PEOPLE, SEATS)
            assert_as_told(one, {row["user_id"]: row["id"] for row in rows})
    said = await asyncio.to_thread(greenroom, "check", env=environment)
    assert said.status == 0, said
