"""NATS that is killed, absent, mute or standing still; workers that are killed or stand still: nothing lost, order kept."""

import asyncio
import random
import re
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

import httpx
import msgspec
import pytest

from greenroom.events import jetstream as jetstream_module
from greenroom.events.queries import ToldEvent
from greenroom.events.sinks import SinkError
from greenroom.kit.ids import new_id
from tests.commands.command import started
from tests.events.crowd import assert_all_is_told_in_order, crowd, told_further
from tests.events.nats_server import NatsServer, running_nats
from tests.events.streams import arrived
from tests.events.telling import Ear, jetstream, telling, write_many
from tests.faults.processes import kill
from tests.faults.waiting import eventually
from tests.postgres import Owner, TestDatabase
from tests.server import AUTHORITIES, Server, environment_of, running_server
from tests.tenant import Tenant

KILLS = 4
OUTAGE_SECONDS = 0.3
NOBODY_LISTENS = "nats://127.0.0.1:1"
PASSWORD = "nobody-may-read-this"  # noqa: S105
LEASE_RUNS_OUT = "update sinks set held_until = clock_timestamp() - interval '1 s' where name = 'nats'"
HOLDER = "select holder from sinks where name = 'nats'"
STOP_SECONDS = 20.0
A_LOT = 20_000  # octets in each of 500 events: more than the system's buffers take


@pytest.fixture
async def mute() -> AsyncIterator[str]:
    """What accepts every connection and never says a word."""
    held: list[asyncio.StreamWriter] = []
    serving = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    yield f"nats://127.0.0.1:{serving.sockets[0].getsockname()[1]}"
    serving.close()
    for writer in held:
        writer.transport.abort()


@contextmanager
def worker(database: TestDatabase, url: str, log: Path) -> "Iterator[Popen[str]]":
    """A `greenroom worker` that tells this NATS."""
    with started("worker", env=environment_of(database, {"GREENROOM_NATS_URL": url}), log=log) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Greenroom worker")
        yield process


async def test_a_nats_that_is_killed_again_and_again_has_everything_in_order(
    scratch: TestDatabase, registrar: Owner, nats_server: NatsServer
) -> None:
    async with telling(scratch, jetstream(nats_server.url)):
        async with crowd(scratch):
            for _ in range(KILLS):
                await told_further(registrar, 500)
                await asyncio.sleep(random.random() / 10)  # noqa: S311  # a moment nobody has chosen
                nats_server.kill()
                await asyncio.sleep(OUTAGE_SECONDS)
                nats_server.start()
        await assert_all_is_told_in_order(registrar, nats_server.url, at_least=500 * KILLS)


async def test_when_a_worker_is_killed_another_goes_on_and_nothing_is_lost(
    scratch: TestDatabase, registrar: Owner, nats_server: NatsServer, tmp_path: Path
) -> None:
    with worker(scratch, nats_server.url, tmp_path / "first") as first:
        async with crowd(scratch):
            await told_further(registrar, 500)
            with worker(scratch, nats_server.url, tmp_path / "second"):
                holder = await registrar.fetchval(HOLDER)
                await told_further(registrar, 500)
                kill(first.pid)
                nats_server.kill()
                nats_server.start()
                await registrar.execute(LEASE_RUNS_OUT)
                await told_further(registrar, 500)
                assert await registrar.fetchval(HOLDER) != holder
        with worker(scratch, nats_server.url, tmp_path / "third"):
            await registrar.execute(LEASE_RUNS_OUT)
            await assert_all_is_told_in_order(registrar, nats_server.url, at_least=1500)


async def test_a_worker_that_stood_still_while_another_told_spoils_nothing(
    scratch: TestDatabase, registrar: Owner, nats_server: NatsServer, tmp_path: Path
) -> None:
    with worker(scratch, nats_server.url, tmp_path / "first") as first, stands_still_never(first):
        async with crowd(scratch):
            await told_further(registrar, 500)
            with worker(scratch, nats_server.url, tmp_path / "second"):
                holder = await registrar.fetchval(HOLDER)
                first.send_signal(signal.SIGSTOP)
                await registrar.execute(LEASE_RUNS_OUT)
                await told_further(registrar, 300)
                assert await registrar.fetchval(HOLDER) != holder
                first.send_signal(signal.SIGCONT)
                await told_further(registrar, 600)
        await assert_all_is_told_in_order(registrar, nats_server.url, at_least=1400)


@contextmanager
def stands_still_never(process: "Popen[str]") -> Iterator[None]:
    """Whatever happens, it runs at the end, so that it can be asked to stop."""
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("kind", ["absent", "mute"])
async def test_a_nats_that_cannot_be_told_delays_no_other_sink(
    scratch: TestDatabase, mute: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jetstream_module, "CONNECT_SECONDS", 1)
    ear = Ear()
    async with telling(scratch, jetstream(mute if kind == "mute" else NOBODY_LISTENS), ear):
        for number in range(1, 11):
            await write_many(scratch, 100)
            await ear.has_heard(100 * number)
    assert ear.positions == list(range(1, 1001))


async def test_a_nats_that_comes_later_is_told_everything(scratch: TestDatabase) -> None:
    with running_nats() as late:
        late.kill()
        await write_many(scratch, 100)
        async with telling(scratch, jetstream(late.url)):
            await asyncio.sleep(1)
            late.start()
            heard = await arrived(late.url, 100)
    assert [one.position for one in heard] == list(range(1, 101))


async def test_a_nats_that_stands_still_is_left_soon_and_told_again_when_it_goes_on(
    scratch: TestDatabase, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jetstream_module, "ACK_SECONDS", 1.0)
    await write_many(scratch, 500)
    async with telling(scratch, jetstream(nats_server.url)):
        await arrived(nats_server.url, 500)
        nats_server.pause()
        await write_many(scratch, 1500)
        await asyncio.sleep(2)
        nats_server.go_on()
        heard = await arrived(nats_server.url, 2000)
    assert [one.position for one in heard] == list(range(1, 2001))


async def test_a_connection_that_takes_nothing_more_is_given_up(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jetstream_module, "ACK_SECONDS", 1.0)
    payload = msgspec.json.encode({"text": "x" * A_LOT}).decode()
    events = [ToldEvent(n, new_id(), "live.a.b.v1", "acme", None, "2027-03-01 17:00:00+00", payload) for n in range(1, 501)]
    async with asyncio.timeout(STOP_SECONDS):
        async with jetstream(nats_server.url).connected() as publisher:
            nats_server.pause()
            with pytest.raises(SinkError, match="TimeoutError"):
                await publisher.publish(events)


@pytest.fixture(params=["absent", "mute"])
def unheard(request: pytest.FixtureRequest, scratch: TestDatabase, mute: str, tmp_path: Path) -> Iterator[Server]:
    """A `serve` whose NATS cannot be told anything."""
    url = mute if request.param == "mute" else NOBODY_LISTENS
    with running_server(scratch, tmp_path, settings={"GREENROOM_NATS_URL": url}) as running:
        yield running


async def gauge(http: httpx.AsyncClient, name: str) -> float:
    """What /metrics says; -1 where it does not."""
    found = re.search(rf"^greenroom_{re.escape(name)} (\S+)$", (await http.get("/metrics")).text, re.MULTILINE)
    return -1.0 if found is None else float(found[1])


async def shows(http: httpx.AsyncClient, name: str, as_wanted: Callable[[float], bool]) -> None:
    """Return when /metrics shows it."""

    async def does() -> bool:
        return as_wanted(await gauge(http, name))

    await eventually(does, f"greenroom_{name}, which is {await gauge(http, name)}")


async def test_requests_go_on_and_the_metrics_show_a_sink_that_is_down(unheard: Server, tenant: Tenant) -> None:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=unheard.url, timeout=30) as http:
        for _ in range(5):
            await tenant.session(http)
        await shows(http, 'sink_lag{sink="nats"}', lambda lag: lag == 5)
        await shows(http, 'sink_failures{sink="nats"}', lambda failures: failures >= 1)
        await shows(http, 'sink_oldest_seconds{sink="nats"}', lambda seconds: 0 < seconds < 120)
        assert await gauge(http, "outbox_waiting") == 0


async def test_the_metrics_show_what_waits_for_its_position(
    scratch: TestDatabase, registrar: Owner, tmp_path: Path, tenant: Tenant
) -> None:
    with running_server(scratch, tmp_path) as server:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url, timeout=30) as http:
            async with registrar.transaction():
                await registrar.execute("select from relay for update")
                await tenant.session(http)
                await shows(http, "outbox_waiting", lambda count: count == 1)
                await shows(http, "outbox_oldest_seconds", lambda seconds: 0 < seconds < 120)
            await shows(http, "outbox_waiting", lambda count: count == 0)
            await shows(http, "outbox_oldest_seconds", lambda seconds: seconds == 0)


async def test_the_metrics_show_that_a_sink_has_told_everything(
    scratch: TestDatabase, nats_server: NatsServer, tmp_path: Path, tenant: Tenant
) -> None:
    with running_server(scratch, tmp_path, settings={"GREENROOM_NATS_URL": nats_server.url}) as server:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url, timeout=30) as http:
            await tenant.session(http)
            await arrived(nats_server.url, 1)
            for name in ("lag", "oldest_seconds", "failures"):
                await shows(http, f'sink_{name}{{sink="nats"}}', lambda number: number == 0)


async def test_a_serve_whose_nats_cannot_be_told_stops_when_it_is_asked(unheard: Server) -> None:
    await asyncio.sleep(0.5)
    assert unheard.stop() == 0
    assert "Traceback" not in unheard.log_text()


async def test_the_log_says_in_a_line_why_and_no_password(scratch: TestDatabase, tmp_path: Path) -> None:
    log = tmp_path / "log"
    await write_many(scratch, 1)
    with running_nats("--user", "somebody", "--pass", PASSWORD) as locked:
        wrong = locked.url.replace("nats://", f"nats://somebody:{PASSWORD}-or-not@")
        with worker(scratch, wrong, log):

            async def is_said() -> bool:
                return "sink_failed" in log.read_text()

            await eventually(is_said, "the log says it")
    lines = [msgspec.json.decode(line) for line in log.read_text().splitlines()]
    [event] = {line["event"] for line in lines}
    assert event == "sink_failed"
    assert {line["reason"] for line in lines} == {"NATS cannot be reached: Authorization Violation"}
    assert PASSWORD not in log.read_text()
