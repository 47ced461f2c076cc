"""The fake itself: what goes wrong with webhooks when it is told so."""

import gzip
import json
import socket
import subprocess
import sys

import httpx
import pytest

from greenroom.kit.ids import UserId
from greenroom.providers.getstream import GetStream
from greenroom.providers.livekit import LiveKit
from greenroom.providers.protocol import CallPlan
from tests.providers.conftest import made_livekit
from tests.providers.fake_provider import FakeServer, running_fake
from tests.providers.receiver import Receiver

JOINED = "call.session_participant_joined"
NEVER_SERVING = """
import asyncio, runpy, time
asyncio.run = lambda serving: (serving.close(), time.sleep(60))
runpy.run_module("tests.providers.fake", run_name="__main__")
"""


@pytest.fixture
async def made(getstream: GetStream, call: str) -> str:
    """A call that is not recorded: its first webhooks are of the session, and of who joins."""
    await getstream.ensure_call(CallPlan(id=call, title="x", starts_at=None, host=UserId("host"), records=False))
    return call


def users(receiver: Receiver) -> list[str]:
    told = [json.loads(came.body) for came in receiver.received]
    return [event["participant"]["user"]["id"] for event in told if event["type"] == JOINED]


def join_all(fake: FakeServer, call: str, many: int = 6) -> list[str]:
    for number in range(many):
        fake.getstream.join(call, f"user-{number}")
    return [f"user-{number}" for number in range(many)]


def test_webhooks_come_in_order(fake: FakeServer, receiver: Receiver, made: str) -> None:
    joined = join_all(fake, made)
    fake.settle()
    assert users(receiver) == joined


def test_webhooks_are_lost(fake: FakeServer, receiver: Receiver, made: str) -> None:
    fake.rule_webhooks(lose=1.0)
    join_all(fake, made)
    fake.settle()
    assert receiver.received == []


def test_webhooks_are_doubled(fake: FakeServer, receiver: Receiver, made: str) -> None:
    fake.rule_webhooks(duplicate=1.0)
    joined = join_all(fake, made)
    fake.settle()
    assert users(receiver) == [user for user in joined for _ in range(2)]
    assert len({came.headers["x-webhook-id"] for came in receiver.received}) == len(joined) + 1


@pytest.mark.parametrize("order", ["given", "reverse"])
def test_webhooks_that_are_held_come_in_the_order_that_is_asked_for(
    fake: FakeServer, receiver: Receiver, made: str, order: str
) -> None:
    fake.rule_webhooks(hold=True)
    joined = join_all(fake, made)
    fake.settle()
    assert receiver.received == []
    assert fake.flush(order) == len(joined) + 1  # type: ignore[arg-type]
    fake.settle()
    assert users(receiver) == (joined if order == "given" else joined[::-1])


def test_webhooks_come_in_any_order_and_the_same_with_the_same_seed(fake: FakeServer, receiver: Receiver, made: str) -> None:
    fake.getstream.join(made, "first")  # so that both rounds hold the same number
    fake.settle()
    orders = []
    for _ in range(2):
        receiver.forget()
        fake.rule_webhooks(hold=True, seed=7)
        joined = join_all(fake, made)
        fake.flush("random")
        fake.settle()
        orders.append(users(receiver))
    assert orders[0] == orders[1] != joined
    assert sorted(orders[0]) == joined


def test_a_webhook_that_is_not_taken_is_sent_again(fake: FakeServer, receiver: Receiver, made: str) -> None:
    receiver.answers.extend([503, 500])
    fake.getstream.join(made, "user-1")
    fake.settle()
    assert sorted(came.headers["x-webhook-attempt"] for came in receiver.received) == ["1", "1", "2", "2"]
    assert {tuple(webhook["statuses"]) for webhook in fake.webhooks()[-2:]} == {(503, 200), (500, 200)}


def test_webhooks_are_compressed_after_they_were_signed(
    fake: FakeServer, receiver: Receiver, getstream: GetStream, made: str
) -> None:
    fake.rule_webhooks(gzip=True)
    fake.getstream.join(made, "user-1")
    fake.settle()
    for came in receiver.received:
        assert came.headers["content-encoding"] == "gzip"
        assert getstream.event_in(gzip.decompress(came.body), came.headers).call == made


def test_webhooks_are_signed_with_the_secrets_of_before(
    fake: FakeServer, receiver: Receiver, getstream: GetStream, livekit: LiveKit, made: str
) -> None:
    fake.getstream.config(signs_with_older=True)
    fake.getstream.join(made, "user-1")
    fake.livekit.join(made, "user-1")
    fake.settle()
    fake.getstream.config(signs_with_older=False)
    for came in receiver.received:
        provider = getstream if came.path == "/getstream" else livekit
        assert provider.event_in(came.body, came.headers).call == made


async def test_it_ends_with_whoever_started_it(call: str) -> None:
    with running_fake() as fake:
        livekit = made_livekit(fake.url)
        assert await livekit.state_of(call) is None
    await livekit.close()
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(fake.url)


def test_a_session_may_end_with_the_last_who_leaves(fake: FakeServer, made: str) -> None:
    fake.getstream.config(ends_when_empty=True)
    fake.getstream.leave(fake.getstream.join(made, "user-1"))
    fake.getstream.config(ends_when_empty=False)
    assert fake.getstream.calls()[made]["spans"][0]["ended"]


def test_it_listens_before_it_says_where() -> None:
    with subprocess.Popen([sys.executable, "-c", NEVER_SERVING], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline().rpartition(":")[2])
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        finally:
            process.kill()
