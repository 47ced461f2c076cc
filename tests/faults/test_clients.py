"""Clients that hang up, that take for ever, and that do not speak HTTP."""

import asyncio
import json
import resource
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from tests.faults.aftermath import assert_promises_kept, requests_of_changes
from tests.faults.waiting import HeldRow, eventually, held_row
from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Json, Tenant

REQUEST_SECONDS = 2.0
SLOW = 1000
SLOW_PAUSE_SECONDS = 0.5
HANG_UPS = 20
POOL_SIZE = 2
SETTINGS = {
    "GREENROOM_REQUEST_SECONDS": str(REQUEST_SECONDS),
    "GREENROOM_POOL_SIZE": str(POOL_SIZE),
    "GREENROOM_STATEMENT_SECONDS": "30",
}
GARBAGE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03garbage as of TLS\r\n\r\n",
    b"hello\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nno colon here\r\n\r\n",
    b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
    b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"\0" * 100,
]
SLOWLY = {
    "its head": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "its body": b"PATCH /v1/sessions/x HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n{",
    "nothing at all": b"",
}

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture(scope="module")
def guarded(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with little patience and few connections to its database."""
    with running_server(database, tmp_path_factory.mktemp("guarded"), settings=SETTINGS) as running:
        yield running


@pytest.fixture
async def client(guarded: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=guarded.url, timeout=30) as opened:
        yield opened


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many open files as a thousand connections need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = SLOW + 500
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@asynccontextmanager
async def connections(server: Server, number: int) -> AsyncIterator[list[Connection]]:
    """So many connections, closed afterwards."""
    opened: list[Connection] = []
    try:
        while len(opened) < number:
            batch = min(100, number - len(opened))
            opened += await asyncio.gather(
                *(asyncio.open_connection("127.0.0.1", server.port) for _ in range(batch))
            )  # fmt: skip
        yield opened
    finally:
        for _, writer in opened:
            writer.transport.abort()


async def drip(connection: Connection, beginning: bytes) -> float:
    """Send a byte now and then until the server has had enough; answers after how many seconds that was."""
    reader, writer = connection
    began = time.monotonic()
    with suppress(ConnectionError):
        writer.write(beginning)
        ended = asyncio.create_task(reader.read())
        while not ended.done():
            if beginning:
                writer.write(b"x")
            await asyncio.wait([ended], timeout=SLOW_PAUSE_SECONDS)
        await ended
    return time.monotonic() - began


async def say(server: Server, words: bytes) -> httpx.Response:
    """What the server answers to these octets before it closes the connection."""
    async with connections(server, 1) as [(reader, writer)]:
        writer.write(words)
        async with asyncio.timeout(10):
            answer = await reader.read()
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return httpx.Response(int(status.split()[1]), headers=headers, content=body)


async def hang_up_while(server: Server, tenant: Tenant, session: Json, row: HeldRow, name: str) -> None:
    """PATCH the session, and be gone when the request stands before the row."""
    body = json.dumps({"title": name}).encode()
    headers = {**tenant.bearer(X_Request_Id=name), "Host": "x", "Content-Type": "application/json"}
    lines = "".join(f"{header}: {value}\r\n" for header, value in headers.items())
    head = f"PATCH /v1/sessions/{session['id']} HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    async with connections(server, 1) as [(_, writer)]:
        writer.write(head.encode() + body)
        await row.awaited()


async def test_a_change_whose_client_hangs_up_is_made_once(
    guarded: Server, client: httpx.AsyncClient, tenant: Tenant, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    async with held_row(database, session) as row:
        await hang_up_while(guarded, tenant, session, row, "gone")

    async def made() -> list[str]:
        return await requests_of_changes(database, session)

    await eventually(made, "the change is made")
    assert await made() == ["gone"]


async def test_twenty_who_hang_up_leave_every_connection_of_the_pool_usable(
    guarded: Server, client: httpx.AsyncClient, tenant: Tenant, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    for number in range(HANG_UPS):
        async with held_row(database, session) as row:
            await hang_up_while(guarded, tenant, session, row, f"gone-{number}")
    reads = [client.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer()) for _ in range(HANG_UPS)]
    assert [response.status_code for response in await asyncio.gather(*reads)] == [200] * HANG_UPS
    await assert_promises_kept(database)


async def test_who_hangs_up_in_the_middle_of_a_body_changes_nothing(
    guarded: Server, client: httpx.AsyncClient, tenant: Tenant
) -> None:
    session = await tenant.session(client)
    head = (
        f"PATCH /v1/sessions/{session['id']} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tenant.token()}\r\n"
        'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"title": "Half"'
    )
    async with connections(guarded, 1) as [(_, writer)]:
        writer.write(head.encode())
        await writer.drain()
    read = await client.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())
    assert read.json() == session


@pytest.mark.usefixtures("many_files")
async def test_a_thousand_slow_clients_keep_nobody_else_waiting(
    guarded: Server, client: httpx.AsyncClient, tenant: Tenant
) -> None:
    session = await tenant.session(client)
    async with connections(guarded, SLOW) as slow:
        dripping = [asyncio.create_task(drip(connection, SLOWLY["its head"])) for connection in slow]
        await asyncio.sleep(0.2)
        began = time.monotonic()
        response = await tenant.patch(client, session, {"title": "Quick"})
        seconds = time.monotonic() - began
        for task in dripping:
            task.cancel()
        await asyncio.gather(*dripping, return_exceptions=True)
    assert response.status_code == 200
    assert seconds < 2


@pytest.mark.usefixtures("many_files")
async def test_a_thousand_slow_clients_are_all_cut_off(guarded: Server) -> None:
    async with connections(guarded, SLOW) as slow, asyncio.timeout(REQUEST_SECONDS + 20):
        patience = await asyncio.gather(*(drip(connection, SLOWLY["its head"]) for connection in slow))
    assert len(patience) == SLOW


@pytest.mark.parametrize("what", SLOWLY)
async def test_who_takes_too_long_to_send_is_cut_off_and_not_before(guarded: Server, what: str) -> None:
    async with connections(guarded, 1) as [slow], asyncio.timeout(REQUEST_SECONDS + 10):
        assert await drip(slow, SLOWLY[what]) > REQUEST_SECONDS * 0.8


async def test_who_takes_too_long_with_a_second_request_is_cut_off(guarded: Server) -> None:
    async with connections(guarded, 1) as [(reader, writer)], asyncio.timeout(REQUEST_SECONDS * 2 + 10):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in await reader.readline()
        await drip((reader, writer), SLOWLY["its head"])


async def test_an_idle_connection_is_kept_for_longer_than_clients_keep_theirs(guarded: Server) -> None:
    async with connections(guarded, 1) as [(reader, writer)]:
        for pause in (6.0, 0.0):  # httpx and uvicorn alike would give it up after 5
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK")
            length = next(line for line in head.decode().lower().split("\r\n") if line.startswith("content-length"))
            await reader.readexactly(int(length.partition(":")[2]))
            await asyncio.sleep(pause)


async def test_a_request_that_waits_longer_than_clients_may_take_is_not_cut_off(
    client: httpx.AsyncClient, tenant: Tenant, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    async with held_row(database, session):
        under_way = asyncio.create_task(tenant.patch(client, session, {"title": "Patient"}))
        await asyncio.sleep(REQUEST_SECONDS * 1.5)
    assert (await under_way).status_code == 200


@pytest.mark.parametrize("words", GARBAGE)
async def test_what_is_no_http_is_answered_400_in_the_contracts_form(guarded: Server, words: bytes) -> None:
    response = await say(guarded, words)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/json"
    assert (response.json().keys(), response.json()["error"]) == ({"error", "message"}, "validation_error")


async def test_who_speaks_no_http_leaves_the_server_serving(guarded: Server, client: httpx.AsyncClient) -> None:
    for words in GARBAGE:
        await say(guarded, words)
    assert (await client.get("/readyz")).status_code == 200
