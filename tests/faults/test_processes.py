"""Servers that are stopped in good order, and servers that are killed."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.faults.aftermath import assert_promises_kept, requests_of_changes
from tests.faults.processes import is_alive, kill, workers_of
from tests.faults.waiting import eventually, held_row
from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, Server, environment_of, running_server
from tests.tenant import Tenant

PATIENT = {"GREENROOM_STATEMENT_SECONDS": "60"}  # no request is to be told 503 because this machine is busy
EACH_ITS_OWN = httpx.Limits(max_keepalive_connections=0)  # a new connection for each request
REPLACED_SECONDS = 15.0
GONE_SECONDS = 8.0
ORPHAN_SECONDS = 2.5
UNTIL_READY = "for i in $(seq 300); do grep -q ^Greenroom: $0 && break; sleep 0.1; done"


@pytest.fixture(params=[1, 2], ids=["one worker", "two workers"])
def stoppable(request: pytest.FixtureRequest, database: TestDatabase, tmp_path: Path) -> Iterator[Server]:
    """A server that the test may stop."""
    with running_server(database, tmp_path, settings=PATIENT, workers=request.param) as running:
        yield running


@pytest.fixture
def pair(database: TestDatabase, tmp_path: Path) -> Iterator[Server]:
    """A server of two workers that the test may kill; none is left afterwards."""
    settings = {**PATIENT, "TMPDIR": str(tmp_path)}  # a killed server cannot remove what its workers shared
    with running_server(database, tmp_path, settings=settings, workers=2) as running:
        workers = workers_of(running.process.pid)
        try:
            yield running
        finally:
            for worker in {*workers, *workers_of(running.process.pid)}:
                if is_alive(worker) and running.process.poll() is not None:
                    kill(worker)


@pytest.fixture
async def client(stoppable: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=stoppable.url, timeout=30) as opened:
        yield opened


async def status_of(process: "subprocess.Popen[bytes]") -> int:
    """Its exit status, when it has ended."""
    return await asyncio.to_thread(process.wait, 30)


async def refuses(server: Server) -> bool:
    """Whether nothing takes a new connection there."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    except OSError:
        return True
    writer.close()
    return False


async def test_a_request_under_way_is_answered_though_the_server_is_asked_to_stop(
    stoppable: Server, client: httpx.AsyncClient, tenant: Tenant, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    async with held_row(database, session) as row:
        under_way = asyncio.create_task(tenant.patch(client, session, {"title": "In time"}))
        await row.awaited()
        stoppable.process.terminate()
        await asyncio.sleep(1)
    assert (await under_way).status_code == 200


async def test_a_server_that_is_asked_to_stop_ends_with_status_0(
    stoppable: Server, client: httpx.AsyncClient, tenant: Tenant, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    async with held_row(database, session) as row:
        under_way = asyncio.create_task(tenant.patch(client, session, {"title": "In time"}))
        await row.awaited()
        stoppable.process.terminate()
    await under_way
    assert await status_of(stoppable.process) == 0


async def test_a_server_that_is_asked_to_stop_takes_no_new_connection_while_a_request_is_under_way(
    stoppable: Server, client: httpx.AsyncClient, tenant: Tenant, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    async with held_row(database, session) as row:
        under_way = asyncio.create_task(tenant.patch(client, session, {"title": "In time"}))
        await row.awaited()
        stoppable.process.terminate()
        await eventually(lambda: refuses(stoppable), "new connections are refused", seconds=20)
        assert not under_way.done()
    await under_way


async def test_a_worker_that_is_killed_is_replaced(pair: Server) -> None:
    before = workers_of(pair.process.pid)
    kill(before[0])

    async def replaced() -> bool:
        now = workers_of(pair.process.pid)
        return len(now) == 2 and before[0] not in now

    await eventually(replaced, "two workers again", seconds=REPLACED_SECONDS)


async def test_the_service_goes_on_while_a_worker_is_replaced(pair: Server) -> None:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=pair.url, timeout=30, limits=EACH_ITS_OWN) as client:
        kill(workers_of(pair.process.pid)[0])
        assert [(await client.get("/readyz")).status_code for _ in range(20)] == [200] * 20


async def test_what_a_killed_worker_had_acknowledged_is_there(pair: Server, tenant: Tenant, database: TestDatabase) -> None:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=pair.url, timeout=30, limits=EACH_ITS_OWN) as client:
        session = await tenant.session(client)
        acknowledged: set[str] = set()

        async def write(writer: int) -> None:
            for number in range(40):
                name = f"{writer}-{number}"
                try:
                    response = await tenant.patch(client, session, {"title": name}, X_Request_Id=name)
                except httpx.TransportError:
                    continue
                assert response.status_code == 200
                acknowledged.add(name)

        writers = [asyncio.create_task(write(writer)) for writer in range(4)]
        for worker in workers_of(pair.process.pid):
            await asyncio.sleep(0.1)
            kill(worker)
        await asyncio.gather(*writers)
    made = await requests_of_changes(database, session)
    assert acknowledged <= set(made)
    await assert_promises_kept(database)


async def test_a_request_of_a_killed_worker_is_not_made_by_half(pair: Server, tenant: Tenant, database: TestDatabase) -> None:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=pair.url, timeout=30) as client:
        session = await tenant.session(client)
        async with held_row(database, session) as row:
            under_way = asyncio.create_task(
                tenant.patch(client, session, {"title": "Whole"}, X_Request_Id="the-one")
            )  # fmt: skip
            await row.awaited()
            for worker in workers_of(pair.process.pid):
                kill(worker)
            with pytest.raises(httpx.TransportError):
                await under_way
    assert await requests_of_changes(database, session) in ([], ["the-one"])


async def test_workers_whose_parent_is_killed_end_by_themselves(pair: Server) -> None:
    workers = workers_of(pair.process.pid)
    kill(pair.process.pid)

    async def gone() -> bool:
        return not any(is_alive(worker) for worker in workers)

    await eventually(gone, "no worker is left", seconds=GONE_SECONDS)


async def test_a_server_outlives_the_shell_that_started_it(database: TestDatabase, tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    line = f'"{sys.executable}" -m greenroom.cli serve --port 0 >"{log}" 2>&1 & echo $!; {UNTIL_READY}'
    shell = await asyncio.create_subprocess_exec(
        "sh", "-c", line, str(log), env=environment_of(database), stdout=asyncio.subprocess.PIPE
    )  # fmt: skip
    said, _ = await shell.communicate()
    server = int(said)
    try:
        assert "Greenroom: http" in log.read_text()
        await asyncio.sleep(ORPHAN_SECONDS)
        assert is_alive(server)
    finally:
        if is_alive(server):
            kill(server)


async def test_the_port_of_a_killed_server_is_free_soon(pair: Server) -> None:
    kill(pair.process.pid)
    await asyncio.to_thread(pair.process.wait)

    async def free() -> bool:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", pair.port))
                probe.listen()
            except OSError:
                return False
        return True

    await eventually(free, "the port is free", seconds=GONE_SECONDS)
