"""What LiveKit alone does: rooms that come and go, and participants who are no people."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from greenroom.kit.ids import UserId
from greenroom.providers.livekit import LiveKit
from greenroom.providers.protocol import CallPlan, ProviderError
from tests.providers.fake.credentials import LIVEKIT_KEYS
from tests.providers.fake_provider import FakeServer


def plan(call: str, *, records: bool = False) -> CallPlan:
    starts_at = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    return CallPlan(id=call, title="Office hours", starts_at=starts_at, host=UserId("host"), records=records)


def asked(fake: FakeServer, call: str) -> Any:
    return fake.livekit.calls()[call]["asked"]


async def test_a_room_knows_the_title_and_the_time(livekit: LiveKit, fake: FakeServer, call: str) -> None:
    await livekit.ensure_call(plan(call))
    metadata = msgspec.json.decode(asked(fake, call)["metadata"])
    assert metadata == {"title": "Office hours", "starts_at": "2030-01-02T03:04:05Z"}


async def test_a_recording_is_a_file_named_as_the_call(livekit: LiveKit, fake: FakeServer, call: str) -> None:
    await livekit.ensure_call(plan(call, records=True))
    room = asked(fake, call)["egress"]["room"]
    assert room == {"roomName": call, "fileOutputs": [{"filepath": f"greenroom/{call}-{{time}}"}]}


async def test_a_room_that_is_there_is_not_made_again(livekit: LiveKit, fake: FakeServer, call: str) -> None:
    before = fake.requests("livekit.CreateRoom")
    for _ in range(2):
        await livekit.ensure_call(plan(call, records=True))
    assert fake.requests("livekit.CreateRoom") == before + 1


@pytest.mark.parametrize("kind", ["EGRESS", "INGRESS", "AGENT"])
async def test_who_is_no_person_is_not_inside(livekit: LiveKit, fake: FakeServer, call: str, kind: str) -> None:
    fake.livekit.join(call, "a program", kind=kind)
    state = await livekit.state_of(call)
    assert state is not None
    assert (state.is_live, state.inside) == (False, [])


async def test_who_telephones_is_inside(livekit: LiveKit, fake: FakeServer, call: str) -> None:
    connection = fake.livekit.join(call, "+49", kind="SIP")
    state = await livekit.state_of(call)
    assert state is not None
    assert state.inside == [connection]


async def test_a_room_of_which_everybody_left_is_forgotten(livekit: LiveKit, fake: FakeServer, call: str) -> None:
    await livekit.ensure_call(plan(call))
    fake.livekit.end_span(call)
    assert await livekit.state_of(call) is None
    await livekit.ensure_call(plan(call))
    assert await livekit.state_of(call) is not None


async def test_a_secret_that_is_not_livekits_is_refused(fake: FakeServer, call: str) -> None:
    secrets = ["somebody else's, of 32 characters or more"]
    stranger = LiveKit(url=fake.url, api_keys=LIVEKIT_KEYS[:1], api_secrets=secrets, seconds=1)
    with pytest.raises(ProviderError, match="status 401"):
        await stranger.state_of(call)
    await stranger.close()


async def test_what_was_never_asked_has_nothing_to_close(livekit: LiveKit) -> None:
    await livekit.close()
