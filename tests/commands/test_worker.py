"""greenroom worker: tells events and fires timers in processes of its own, as many as one likes."""

import asyncio
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.commands.command import Environment, greenroom, started
from tests.events.nats_server import NatsServer, running_nats
from tests.events.streams import arrived
from tests.events.telling import write_many
from tests.faults.waiting import eventually
from tests.postgres import Cluster, Owner, TestDatabase, fresh_database
from tests.server import AUTHORITIES, environment_of, running_server
from tests.tenant import Tenant

STOP_SECONDS = 15.0
FIRST_LINE = "Greenroom worker: telling events, firing timers. Stop with Ctrl-C.\n"


@pytest.fixture
def env(scratch: TestDatabase) -> Environment:
    return environment_of(scratch)


@pytest.fixture
def owner(registrar: Owner) -> Owner:
    return registrar


@pytest.fixture
def worker(env: Environment, tmp_path: Path) -> "Iterator[subprocess.Popen[str]]":
    """One that runs."""
    with started("worker", env=env, log=tmp_path / "log") as process:
        assert first_line_of(process) == FIRST_LINE
        yield process


def first_line_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


async def all_are_told(owner: Owner, count: int) -> None:
    """Return when so many events have their positions, and none waits."""

    async def are_told() -> bool:
        return bool(await owner.fetchval("select count(*) = $1 and not exists (select from outbox) from events", count))

    await eventually(are_told, f"{count} events are told")


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_it_says_one_line_and_stops_well(worker: "subprocess.Popen[str]", tmp_path: Path, sign: signal.Signals) -> None:
    worker.send_signal(sign)
    assert worker.wait(STOP_SECONDS) == 0
    assert worker.stdout is not None
    assert (worker.stdout.read(), (tmp_path / "log").read_text()) == ("", "")


@pytest.mark.usefixtures("worker")
async def test_it_tells_events(scratch: TestDatabase, owner: Owner) -> None:
    await write_many(scratch, 30)
    await all_are_told(owner, 30)


async def test_it_tells_what_happens_at_a_serve_that_tells_nothing(
    scratch: TestDatabase, owner: Owner, env: Environment, tmp_path: Path, tenant: Tenant
) -> None:
    with running_server(scratch, tmp_path, settings={"GREENROOM_BACKGROUND": "off"}) as server:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url, timeout=30) as http:
            session = await tenant.session(http)
            await asyncio.sleep(1)
            assert await owner.fetchval("select count(*) from events") == 0
            with started("worker", env=env, log=tmp_path / "log"):
                await all_are_told(owner, 1)
    assert str(await owner.fetchval("select session_id from events")) == session["id"]


async def test_several_share_the_work(scratch: TestDatabase, owner: Owner, env: Environment, tmp_path: Path) -> None:
    with running_nats() as nats_server, ExitStack() as all_of_them:
        told = {**env, "GREENROOM_NATS_URL": nats_server.url}
        workers = [all_of_them.enter_context(started("worker", env=told, log=tmp_path / f"log{n}")) for n in range(3)]
        assert [first_line_of(worker) for worker in workers] == [FIRST_LINE] * 3
        for _ in range(10):
            await write_many(scratch, 50)
        await all_are_told(owner, 500)
        heard = await arrived(nats_server.url, 500)
        for worker in workers:
            worker.terminate()
        assert [worker.wait(STOP_SECONDS) for worker in workers] == [0, 0, 0]
    assert [one.position for one in heard] == list(range(1, 501))
    assert "".join((tmp_path / f"log{n}").read_text() for n in range(3)) == ""


async def test_what_it_told_before_it_stopped_is_not_told_again_by_the_next(
    scratch: TestDatabase, env: Environment, tmp_path: Path
) -> None:
    with running_nats() as nats_server:
        told = {**env, "GREENROOM_NATS_URL": nats_server.url}
        for number in (1, 2, 3):
            await write_many(scratch, 10)
            with started("worker", env=told, log=tmp_path / f"log{number}"):
                heard = await arrived(nats_server.url, 10 * number)
    assert [one.position for one in heard] == list(range(1, 31))


@pytest.fixture(params=["absent", "standing still"])
def trouble(request: pytest.FixtureRequest) -> Iterator[NatsServer]:
    """A NATS that cannot be told anything."""
    with running_nats() as found:
        if request.param == "absent":
            found.kill()
        else:
            found.pause()
        yield found


async def test_it_stops_though_its_nats_cannot_be_told_anything(
    scratch: TestDatabase, owner: Owner, env: Environment, tmp_path: Path, trouble: NatsServer
) -> None:
    await write_many(scratch, 100)
    with started("worker", env={**env, "GREENROOM_NATS_URL": trouble.url}, log=tmp_path / "log") as process:
        await all_are_told(owner, 100)
        process.terminate()
        assert process.wait(STOP_SECONDS) == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


async def test_it_stops_in_the_middle_of_telling(scratch: TestDatabase, owner: Owner, env: Environment, tmp_path: Path) -> None:
    with running_nats() as nats_server:
        await write_many(scratch, 20_000)
        told = {**env, "GREENROOM_NATS_URL": nats_server.url}
        with started("worker", env=told, log=tmp_path / "log") as process:

            async def has_begun() -> bool:
                return bool(await owner.fetchval("select position > 0 from sinks where name = 'nats'"))

            await eventually(has_begun, "it tells")
            process.terminate()
            assert process.wait(STOP_SECONDS) == 0
        assert await owner.fetchval("select held_until <= clock_timestamp() from sinks where name = 'nats'")
    assert (tmp_path / "log").read_text() == ""


async def test_it_does_not_start_on_a_database_that_lacks_migrations(cluster: Cluster) -> None:
    empty = await fresh_database(cluster, migrated=False)
    assert "greenroom migrate" in greenroom("worker", env=environment_of(empty)).only_line()


async def test_with_migrate_it_applies_them_first(cluster: Cluster, tmp_path: Path) -> None:
    empty = await fresh_database(cluster, migrated=False)
    with started("worker", "--migrate", env=environment_of(empty), log=tmp_path / "log") as process:
        assert first_line_of(process) == FIRST_LINE


def test_a_database_that_cannot_be_reached_is_told_in_a_line(env: Environment) -> None:
    line = greenroom(
        "worker", env={**env, "GREENROOM_DATABASE_URL": "postgresql://greenroom@127.0.0.1:1/greenroom"}
    ).only_line()
    assert "The database cannot be reached" in line
