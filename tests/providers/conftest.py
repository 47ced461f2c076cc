"""The fake providers, and Greenroom's adapters to them."""

from collections.abc import AsyncIterator, Callable, Iterator
from uuid import uuid4

import pytest

from greenroom.providers.getstream import GetStream
from greenroom.providers.livekit import LiveKit
from tests.providers.fake.credentials import GETSTREAM_KEY, GETSTREAM_SECRETS, LIVEKIT_KEYS, LIVEKIT_SECRETS
from tests.providers.fake_provider import FakeServer, People, running_fake
from tests.providers.receiver import Receiver, running_receiver

SECONDS = 1.0


@pytest.fixture(scope="session")
def running() -> Iterator[FakeServer]:
    with running_fake() as fake:
        yield fake


@pytest.fixture(scope="session")
def receiving() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture
def fake(running: FakeServer) -> Iterator[FakeServer]:
    yield running
    running.behave()
    running.send_webhooks_to()


@pytest.fixture
def receiver(receiving: Receiver, fake: FakeServer) -> Receiver:
    """Takes the webhooks of this test."""
    fake.settle()
    receiving.forget()
    fake.send_webhooks_to(getstream=f"{receiving.url}/getstream", livekit=f"{receiving.url}/livekit")
    return receiving


def made_getstream(url: str, *, seconds: float = SECONDS) -> GetStream:
    return GetStream(api_key=GETSTREAM_KEY, api_secrets=GETSTREAM_SECRETS, base_url=url, call_type="default", seconds=seconds)


def made_livekit(url: str, *, seconds: float = SECONDS) -> LiveKit:
    where = url.replace("http", "ws", 1)
    return LiveKit(url=where, api_keys=LIVEKIT_KEYS, api_secrets=LIVEKIT_SECRETS, seconds=seconds)


@pytest.fixture
async def getstream(fake: FakeServer) -> AsyncIterator[GetStream]:
    made = made_getstream(fake.url)
    yield made
    await made.close()


@pytest.fixture
async def livekit(fake: FakeServer) -> AsyncIterator[LiveKit]:
    made = made_livekit(fake.url)
    yield made
    await made.close()


@pytest.fixture(params=["getstream", "livekit"])
def either(request: pytest.FixtureRequest) -> str:
    """A test that asks for it runs with both."""
    return str(request.param)


@pytest.fixture
def video(either: str, getstream: GetStream, livekit: LiveKit) -> GetStream | LiveKit:
    return getstream if either == "getstream" else livekit


@pytest.fixture
def people(either: str, fake: FakeServer) -> People:
    return fake.getstream if either == "getstream" else fake.livekit


@pytest.fixture
def counted(either: str, fake: FakeServer) -> Callable[[], int]:
    """How often it was asked for a call's state."""
    return lambda: fake.requests("getstream.get_call" if either == "getstream" else "livekit.ListRooms")


@pytest.fixture
def call() -> str:
    return str(uuid4())
