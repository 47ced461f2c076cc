"""How an identity server is asked: within bounds, and with nothing told in the log."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from greenroom.identity.server import CONNECTIONS, IdentityServer
from greenroom.kit.errors import Unavailable
from greenroom.kit.telemetry import metrics_page
from tests.identity.remote import (
    MISBEHAVIOUR,
    PATIENT_SECONDS,
    SECONDS,
    Clock,
    FakeServer,
    fake_server,
    http,
    introspected,
    saying,
)

SECRET = "sentinel-secret-5b1f"  # noqa: S105
TOKEN = "sentinel-token-91c2"  # noqa: S105


@pytest.fixture
async def fake() -> AsyncIterator[FakeServer]:
    async with fake_server() as running:
        yield running


@pytest.fixture
async def server() -> AsyncIterator[IdentityServer]:
    asking = IdentityServer("introspection", seconds=PATIENT_SECONDS)
    yield asking
    await asking.close()


@pytest.fixture
async def hasty() -> AsyncIterator[IdentityServer]:
    asking = IdentityServer("introspection", seconds=SECONDS)
    yield asking
    await asking.close()


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    structlog.reset_defaults()
    with capture_logs() as lines:
        yield lines


async def test_no_more_connections_than_that(fake: FakeServer, server: IdentityServer) -> None:
    at_once, most = 0, 0

    async def answer(_path: str, _body: bytes) -> bytes:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.02)
        at_once -= 1
        return http(b"{}")

    fake.answer = answer
    await asyncio.gather(*(server.get(fake.url, most_octets=100) for _ in range(CONNECTIONS * 3)))
    assert most == CONNECTIONS


async def test_the_wait_for_a_connection_counts(fake: FakeServer, hasty: IdentityServer) -> None:
    fake.answer = saying({}, wait=SECONDS * 0.7)
    started = time.monotonic()
    told = await asyncio.gather(*(hasty.get(fake.url, most_octets=100) for _ in range(CONNECTIONS * 3)), return_exceptions=True)
    assert time.monotonic() - started < PATIENT_SECONDS
    assert sum(isinstance(answer, Unavailable) for answer in told) >= CONNECTIONS * 2
    fake.answer = saying({"still": "usable"})
    hasty.seconds = PATIENT_SECONDS
    assert await hasty.get(fake.url, most_octets=100) == {"still": "usable"}


async def test_drops_that_never_end_are_cut_off(hasty: IdentityServer) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        try:
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(SECONDS / 10)
        except ConnectionError:
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(drip, "127.0.0.1", 0)
    started = time.monotonic()
    async with listening:
        with pytest.raises(Unavailable):
            await hasty.get(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", most_octets=10_000)
    assert time.monotonic() - started < PATIENT_SECONDS


async def test_a_connection_that_was_closed_under_us_is_no_outage(server: IdentityServer) -> None:
    connections = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        if connections > 1:
            writer.write(http(b'{"second": true}'))
        writer.close()

    listening = await asyncio.start_server(once, "127.0.0.1", 0)
    async with listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        assert await server.get(url, most_octets=100) == {"second": True}


@pytest.mark.parametrize("kind", MISBEHAVIOUR)
async def test_no_line_tells_a_token_a_secret_or_an_address(fake: FakeServer, logged: list[Any], kind: str) -> None:
    fake.answer = MISBEHAVIOUR[kind]
    async with introspected(
        f"{fake.url}/?query={SECRET}", Clock(1000), credentials=("greenroom", SECRET), seconds=SECONDS
    ) as tokens:
        with pytest.raises(Unavailable):
            await tokens.caller(TOKEN)
    [line] = logged
    assert line["event"] == "identity_server_failed"
    assert line["source"] == "introspection"
    assert not [word for word in (SECRET, TOKEN, fake.url, "127.0.0.1") if word in str(line)]


async def test_an_outage_is_one_line_a_second(logged: list[Any], server: IdentityServer) -> None:
    for _ in range(20):
        with pytest.raises(Unavailable):
            await server.get("http://127.0.0.1:1", most_octets=100)
    assert len(logged) == 1


async def test_every_question_is_counted_by_its_outcome(fake: FakeServer) -> None:
    asking = IdentityServer("test", seconds=SECONDS)
    fake.answer = saying({})
    await asking.get(fake.url, most_octets=100)
    for kind in ("500", "a page", "slow"):
        fake.answer = MISBEHAVIOUR[kind]
        with pytest.raises(Unavailable):
            await asking.get(fake.url, most_octets=100)
    await asking.close()
    page = metrics_page().decode()
    for outcome in ("answered", "refused", "nonsense", "timeout"):
        assert f'greenroom_identity_call_duration_seconds_count{{outcome="{outcome}",source="test"}} 1.0' in page


async def test_no_cookie_is_kept(fake: FakeServer, server: IdentityServer) -> None:
    async def answer(_path: str, _body: bytes) -> bytes:
        return http(b"{}", headers="Set-Cookie: session=1; Path=/\r\n")

    fake.answer = answer
    for _ in range(2):
        await server.get(fake.url, most_octets=100)
    assert b"cookie" not in fake.requests[1].lower()


async def test_no_proxy_of_the_environment_is_used(fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    asking = IdentityServer("introspection", seconds=PATIENT_SECONDS)
    fake.answer = saying({"direct": True})
    assert await asking.get(fake.url, most_octets=100) == {"direct": True}
    await asking.close()
