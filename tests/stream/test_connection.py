"""A connection that watches: kept alive, looked at again, ended in good order, and forgotten when it is gone."""

import asyncio
import signal
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import httpx
import pytest

from greenroom.identity.tokens import Signer, new_grant
from greenroom.kit.ids import ClientId, UserId
from tests.postgres import Owner, TestDatabase
from tests.server import AUTHORITIES, SECRET_KEY, Server, running_server
from tests.stream.hurry import hurried_server
from tests.stream.listening import listening, stream_of
from tests.stream.stage import Stage, staged
from tests.tenant import Tenant

NOTED = """
insert into tokens (id, brand_id, user_id, client_id, scope, issued_at, expires_at, revoked_at)
values ($1, $2, $3, 'test', 'read:live write:live', now(), now() + interval '1 hour', now())
"""


def bearer_of(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_comments_keep_it_alive(hurried_stage: Stage) -> None:
    async with hurried_stage.watching("ann") as ann:
        await ann.begun()
        began = ann.comments
        await ann.until(lambda: ann.comments >= began + 3, "three comments", seconds=3)
        await hurried_stage.edit(title="Still here")
        await ann.until(lambda: ann.known.session["title"] == "Still here", "the title")


async def test_a_token_that_expires_ends_it(hurried_stage: Stage) -> None:
    stage = hurried_stage
    token = stage.tenant.token("ann", lifetime=timedelta(seconds=3), issued=datetime.now(UTC) - timedelta(seconds=1))
    async with listening(stage.server.port, stream_of(stage.session), bearer_of(token)) as ann, stage.watching("bob") as bob:
        await bob.begun()
        began = time.monotonic()
        assert await ann.ends(seconds=5) == "properly"
        assert time.monotonic() - began < 4
        assert bob.ending is None


async def test_a_token_that_is_revoked_ends_it_and_so_does_its_ticket(
    hurried_stage: Stage, hurried_database: TestDatabase
) -> None:
    stage = hurried_stage
    grant = new_grant(
        user=UserId("ann"), brand=stage.tenant.brand, scope="read:live", client=ClientId("test"), lifetime=timedelta(hours=1),
        now=datetime.now(UTC),
    )  # fmt: skip
    headers = bearer_of(Signer([SECRET_KEY]).sign(grant))
    given = (await stage.http.post(f"{stage.path}/stream-ticket", headers=headers)).json()
    by_ticket = f"{stream_of(stage.session)}?ticket={given['ticket']}"
    async with (
        listening(stage.server.port, stream_of(stage.session), headers) as first,
        listening(stage.server.port, by_ticket) as second,
        stage.watching("bob") as bob,
    ):
        for one in (first, second, bob):
            await one.begun()
        owner: Owner = await asyncpg.connect(hurried_database.owner_url)
        await owner.execute(NOTED, UUID(str(grant.id)), stage.tenant.brand, "ann")
        await owner.close()
        assert [await first.ends(seconds=4), await second.ends(seconds=4)] == ["properly", "properly"]
        assert bob.ending is None
    assert (await stage.http.get(by_ticket, timeout=3)).status_code == 401
    assert (await stage.http.get(stream_of(stage.session), headers=headers, timeout=3)).status_code == 401


async def test_after_the_longest_time_it_ends_and_its_id_resumes(
    hurried_database: TestDatabase, tenant: Tenant, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("short")
    with hurried_server(hurried_database, directory, longest=2.0, TEND_SECONDS=0.2) as server:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url, timeout=30) as http:
            stage = await staged(server, http, tenant)
            async with stage.watching("ann") as ann:
                await ann.begun()
                began = time.monotonic()
                assert await ann.ends(seconds=5) == "properly"
                assert 1.5 < time.monotonic() - began < 3
            async with stage.watching("ann", last_id=ann.last_id) as again:
                await again.begun()
                assert "snapshot" not in again.names


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
async def test_a_server_that_is_asked_to_stop_ends_its_streams_at_once(
    database: TestDatabase, tenant: Tenant, tmp_path_factory: pytest.TempPathFactory, sign: signal.Signals
) -> None:
    with running_server(database, tmp_path_factory.mktemp("stopping")) as server:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url, timeout=30) as http:
            stage = await staged(server, http, tenant)
            async with stage.watching("ann") as ann, stage.watching("bob") as bob, stage.watching("host_1") as host:
                for one in (ann, bob, host):
                    await one.begun()
                server.process.send_signal(sign)
                assert [await one.ends(seconds=5) for one in (ann, bob, host)] == ["properly"] * 3
                assert await asyncio.to_thread(server.process.wait, 10) in {0, -sign}
    assert "error" not in [
        line.split('"level":"')[1].split('"')[0] for line in server.log_text().splitlines() if '"level"' in line
    ]


async def test_one_who_does_not_read_does_not_hold_a_stop_up(
    database: TestDatabase, tenant: Tenant, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running_server(database, tmp_path_factory.mktemp("stopping")) as server:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url, timeout=30) as http:
            stage = await staged(server, http, tenant)
            async with stage.watching("ann", receives=2048) as ann:
                await ann.begun()
                ann.rest()
                for number in range(25):
                    await stage.edit(title="x" * 9_000 + str(number))
                    await asyncio.sleep(0.05)
                server.process.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(server.process.wait, 8) == 0


async def test_a_second_request_on_its_connection_does_no_harm(stage: Stage) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.server.port)
    head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "x", **stage.tenant.bearer("ann")}.items())
    writer.write(f"GET {stream_of(stage.session)} HTTP/1.1\r\n{head}\r\n".encode())
    begun = await asyncio.wait_for(reader.readuntil(b"event: me\n"), 5)
    assert begun.startswith(b"HTTP/1.1 200 OK")
    writer.write(f"GET {stage.path} HTTP/1.1\r\n{head}\r\n".encode() * 50)
    await stage.edit(title="Another")
    heard = await asyncio.wait_for(reader.readuntil(b'"title":"Another"'), 5)
    assert b"HTTP/1.1" not in heard
    writer.close()
    assert (await stage.http.get(stage.path, headers=stage.tenant.bearer("ann"))).status_code == 200


async def test_a_request_that_was_sent_together_with_it_is_answered(stage: Stage) -> None:
    """Then the stream ends at once: it cannot be told apart from the answer that comes behind it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.server.port)
    head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "x", **stage.tenant.bearer("ann")}.items())
    both = f"GET {stream_of(stage.session)} HTTP/1.1\r\n{head}\r\nGET {stage.path} HTTP/1.1\r\n{head}Connection: close\r\n\r\n"
    writer.write(both.encode())
    answered = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert answered.count(b"HTTP/1.1 200 OK") == 2
    assert b'"title":"Ask the physiotherapist"' in answered


async def test_a_connection_that_was_used_before_can_watch(stage: Stage) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.server.port)
    head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "x", **stage.tenant.bearer("ann")}.items())
    for _ in range(2):
        writer.write(f"GET {stage.path} HTTP/1.1\r\n{head}\r\n".encode())
        await asyncio.wait_for(reader.readuntil(b'"title"'), 5)
    writer.write(f"GET {stream_of(stage.session)} HTTP/1.1\r\n{head}\r\n".encode())
    await asyncio.wait_for(reader.readuntil(b"event: me\n"), 5)
    await asyncio.sleep(6)  # longer than a connection is kept for another request
    await stage.edit(title="Another")
    await asyncio.wait_for(reader.readuntil(b'"title":"Another"'), 5)
    writer.close()


async def test_clients_that_come_and_go_leave_nothing_behind(server: Server, stage: Stage) -> None:
    async def come_and_go(number: int) -> None:
        async with stage.watching(f"p{number}") as one:
            if number % 3:
                await one.begun()

    for _ in range(5):
        await asyncio.gather(*(come_and_go(number) for number in range(20)))
    async with stage.watching("ann") as ann:
        await ann.begun()
        await asyncio.sleep(2.5)
        await stage.edit(title="Later")
        await ann.until(lambda: ann.known.session["title"] == "Later", "the title")
        assert ann.known.watching == 1
    assert "stream_failed" not in server.log_text()
    assert "frame_failed" not in server.log_text()
    assert "stream_not_begun" not in server.log_text()
