"""What hostile, broken and slow browsers do to the others: nothing."""

import asyncio
import json
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.faults.waiting import eventually
from tests.rooms.browser import PROTOCOL, Browser, opened
from tests.rooms.stage import HOST, RoomStage
from tests.server import Server


async def pair(stage: RoomStage) -> tuple[Browser, Browser]:
    session = await stage.session()
    host, anna = await stage.enters(session, HOST), await stage.enters(session, "anna")
    await host.knows(anna)
    await anna.knows(host)
    return host, anna


NONSENSE: list[str] = [
    "", "null", "[]", "{", '"signal"', "{}", '{"type":"nothing"}', '{"type":1}', '{"type":"signal"}',
    '{"type":"signal","to":"x","data":1}', '{"type":"state","camera":1,"microphone":true,"screen":true}',
    '{"type":"hand","raised":"yes"}', '{"type":"signal","to":01a226a0-f046-709b-aee0-92ae5e300ff3","data":}', "[" * 5_000,
    '{"type":"record"}', '{"type":"mute","peer":null}', "\0", '{"type":"hand","raised":1e999}',
]  # fmt: skip


@pytest.mark.parametrize("said", NONSENSE, ids=range(len(NONSENSE)))
async def test_what_is_no_message_ends_the_connection(stage: RoomStage, said: str) -> None:
    host, anna = await pair(stage)
    await anna.connection.send(said)
    assert await anna.closed() == 1007
    await host.say("hand", raised=True)
    await host.until(lambda it: it.code is None)


async def test_octets_end_the_connection(stage: RoomStage) -> None:
    _, anna = await pair(stage)
    await anna.connection.send(b"\x00\xff")
    assert await anna.closed() == 1003


TOO_BIG = {1009, 1006}  # what is still being sent may have the system reset the connection, before the code is read


@pytest.mark.parametrize(("octets", "codes"), [(64 * 1024, set()), (64 * 1024 + 1, {1009}), (5_000_000, TOO_BIG)])
async def test_a_message_of_64_kib_is_relayed_and_a_longer_one_ends_the_connection(
    stage: RoomStage, octets: int, codes: set[int]
) -> None:
    host, anna = await pair(stage)
    around = json.dumps({"type": "signal", "to": host.me, "data": ""})
    data = "x" * (octets - len(around))
    with suppress(ConnectionClosed):  # in the middle of it
        await anna.connection.send(around.replace('"data": ""', f'"data": "{data}"'))
    if codes:
        assert await anna.closed() in codes
    else:
        await host.signalled(by=anna, data=data)


async def test_one_message_in_many_frames_is_one_message_and_has_one_length(stage: RoomStage) -> None:
    host, anna = await pair(stage)
    around = json.dumps({"type": "signal", "to": host.me, "data": "in parts"})
    await anna.connection.send([around[:10], around[10:30], around[30:]])
    await host.signalled(by=anna, data="in parts")
    with suppress(ConnectionClosed):  # in the middle of it
        await anna.connection.send(["x" * 1_000] * 200)
    assert await anna.closed() in TOO_BIG


async def test_a_flood_is_cut_off_and_nobody_else_is(stage: RoomStage) -> None:
    host, anna = await pair(stage)

    async def flood() -> None:
        for _ in range(5_000):
            await anna.say("signal", to=host.me, data="x")

    flooding = asyncio.create_task(flood())
    assert await anna.closed() == 4429
    await asyncio.gather(flooding, return_exceptions=True)
    await host.knows()  # anna is gone, and who was flooded is there, and is told so
    assert host.code is None


async def test_octets_are_counted_too_and_who_is_flooded_is_not_cut_off(stage: RoomStage) -> None:
    session = await stage.session()
    host, anna = await stage.enters(session, HOST), await stage.enters(session, "anna")
    ben = await stage.enters(session, "ben")
    await host.knows(anna, ben)
    await ben.knows(host, anna)
    host.connection.transport.pause_reading()

    async def flood() -> None:
        for _ in range(60):
            await anna.say("signal", to=host.me, data="x" * 60_000)

    flooding = asyncio.create_task(flood())
    assert await anna.closed() == 4429
    await asyncio.gather(flooding, return_exceptions=True)
    host.connection.transport.resume_reading()
    await ben.say("signal", to=host.me, data="still there?")
    await host.signalled(by=ben, data="still there?")


async def test_a_browser_that_does_not_read_stalls_nobody(stage: RoomStage) -> None:
    session = await stage.session()
    host, anna = await stage.enters(session, HOST), await stage.enters(session, "anna")
    ben = await stage.enters(session, "ben")
    await host.knows(anna, ben)
    anna.connection.transport.pause_reading()
    for number in range(15):
        await host.say("signal", to=anna.me, data="x" * 60_000)
        await host.say("signal", to=ben.me, data=number)
        await ben.signalled(by=host, data=number)


async def test_a_message_of_endless_empty_frames_is_cut_off(stage: RoomStage) -> None:
    _, anna = await pair(stage)
    raw = anna.connection.transport
    raw.write(bytes([0x01, 0x80, 0, 0, 0, 0]))  # a text message begins (RFC 6455, section 5.2)
    raw.write(bytes([0x00, 0x80, 0, 0, 0, 0]) * 3_000)  # and goes on without an octet
    assert await anna.closed() == 1006


async def test_nesting_that_is_too_deep_for_us_breaks_nobody_elses_mail(stage: RoomStage, second: Server) -> None:
    session = await stage.session()
    host = await stage.enters(session, HOST)
    anna = await stage.enters(session, "anna", url=second.url)
    ben = await stage.enters(session, "ben", url=second.url)
    await host.knows(anna, ben)
    for depth in (200, 900, 960, 985, 990):
        await ben.say("hand", raised=True)
        deep = f'{{"type":"signal","to":"{host.me}","data":{"[" * depth}{"]" * depth}}}'
        if ben.code is None:
            with suppress(ConnectionClosed):
                await ben.connection.send(deep)
        await anna.say("signal", to=host.me, data=depth)
        await host.signalled(by=anna, data=depth)


async def test_one_person_comes_so_often_a_minute(stage: RoomStage) -> None:
    session = await stage.session()
    token = await stage.token(session, "anna")
    statuses = []
    for _ in range(70):
        try:
            browser = await opened(stage.url, session["id"], token)
        except InvalidStatus as refused:
            statuses.append(refused.response.status_code)
        else:
            stage.browsers.append(browser)
    assert set(statuses) == {429}
    assert len(statuses) == 10
    await stage.enters(session, HOST)


async def test_nobody_reaches_another_session(stage: RoomStage) -> None:
    host, anna = await pair(stage)
    other, stranger = await pair(stage)
    for act in (
        {"type": "signal", "to": anna.me, "data": "boo"},
        {"type": "mute", "peer": anna.me},
        {"type": "lower", "peer": anna.me},
    ):
        await stranger.say(**act)
        await other.say(**act)
    await anna.say("hand", raised=True)
    await host.until(lambda it: it.peers[anna.me]["hand_raised_at"] is not None)
    await other.say("lower", peer=anna.me)
    await other.say("signal", to=stranger.me, data="after")
    await stranger.signalled(by=other, data="after")
    await host.say("signal", to=anna.me, data="after")
    await anna.signalled(by=host, data="after")
    assert [one for one in anna.heard if one["type"] == "muted" or one.get("data") == "boo"] == []
    assert host.peers[anna.me]["hand_raised_at"] is not None


async def test_nobody_speaks_for_another(stage: RoomStage) -> None:
    host, anna = await pair(stage)
    forged: dict[str, Any] = {"type": "signal", "to": host.me, "data": "x", "from": str(uuid4())}
    await anna.connection.send(json.dumps(forged))
    await host.signalled(by=anna, data="x")


async def test_the_log_says_that_a_socket_was_open_and_of_nobody_who_it_was(stage: RoomStage, serving: Server) -> None:
    session = await stage.session()
    token = await stage.token(session, HOST)
    host = await stage.enters(session, HOST)
    await host.say("hand", raised=True)
    await host.say("leave")
    assert await host.closed() == 1000
    with pytest.raises(InvalidStatus) as raised:
        await opened(stage.url, session["id"], token + "x")
    refused = raised.value.response.headers["x-request-id"]

    async def is_logged() -> bool:
        return refused in serving.log_text()

    await eventually(is_logged, "the refusal is in the log")
    lines = [json.loads(line) for line in serving.log_text().splitlines() if "signal" in line]
    assert {(line["route"], line["status"]) for line in lines} >= {
        ("/v1/live/calls/{id}/signal", 101), ("/v1/live/calls/{id}/signal", 401),
    }  # fmt: skip
    for unsaid in (token, host.secret, "127.0.0.1:", "handshake"):
        assert unsaid not in serving.log_text().partition("Application startup complete")[2]


async def test_a_page_of_another_site_may_connect_with_a_token_and_with_nothing_else(stage: RoomStage) -> None:
    """The token is the proof: no cookie opens it."""
    session = await stage.session()
    token = await stage.token(session, HOST)
    address = f"{stage.url.replace('http', 'ws', 1)}/v1/live/calls/{session['id']}/signal"
    headers = {"Origin": "https://elsewhere.example", "Cookie": "greenroom=x"}
    async with connect(
        address,
        subprotocols=[PROTOCOL, token],  # type: ignore[list-item]
        additional_headers=headers,
        proxy=None,
    ) as connection:
        assert json.loads(await connection.recv())["type"] == "welcome"
        assert connection.subprotocol == PROTOCOL  # the token is not sent back
