"""What GetStream alone does: chat, calls that are over, and calls with very many people."""

import pytest

from greenroom.kit.ids import UserId
from greenroom.providers.getstream import GetStream
from greenroom.providers.protocol import CallPlan, ProviderError
from tests.providers.fake.credentials import GETSTREAM_KEY
from tests.providers.fake_provider import FakeServer

HOST = UserId("host:1")


def plan(call: str) -> CallPlan:
    return CallPlan(id=call, title="Office hours", starts_at=None, host=HOST, records=False)


async def test_a_channel_is_made_and_may_be_made_again(getstream: GetStream, fake: FakeServer, call: str) -> None:
    before = fake.requests("getstream.get_or_create_channel")
    for _ in range(2):
        await getstream.ensure_channel(call, title="𝄞" * 10_000, host=HOST)
    assert fake.requests("getstream.get_or_create_channel") == before + 2
    assert (getstream.api_key, getstream.channel_type) == (GETSTREAM_KEY, "livestream")


async def test_the_host_makes_the_call(getstream: GetStream, fake: FakeServer, call: str) -> None:
    await getstream.ensure_call(plan(call))
    assert fake.getstream.calls()[call]["asked"] == {
        "created_by": {"id": getstream.chat_user(HOST)},
        "custom": {"title": "Office hours"},
        "settings_override": {"recording": {"mode": "disabled"}},
    }


async def test_a_call_that_is_over_says_since_when(getstream: GetStream, fake: FakeServer, call: str) -> None:
    await getstream.ensure_call(plan(call))
    fake.getstream.join(call, "user-1")
    fake.getstream.end(call)
    state = await getstream.state_of(call)
    assert state is not None
    assert (state.is_live, state.inside) == (False, [])
    assert state.ended_at is not None
    assert state.facts.spans[0].ended_at == state.ended_at


async def test_a_refusal_to_end_what_goes_on_is_an_error(getstream: GetStream, fake: FakeServer, call: str) -> None:
    await getstream.ensure_call(plan(call))
    fake.misbehave("fail", operation="end_call", status=403)
    with pytest.raises(ProviderError, match="status 403"):
        await getstream.end_call(call)


async def test_whoever_is_not_told_with_the_call_is_asked_for(getstream: GetStream, fake: FakeServer, call: str) -> None:
    await getstream.ensure_call(plan(call))
    inside = [fake.getstream.join(call, f"user-{number}") for number in range(5)]
    fake.getstream.config(tells_at_most=2)
    state = await getstream.state_of(call)
    fake.getstream.config(tells_at_most=250)
    assert state is not None
    assert sorted(state.inside) == sorted(inside)


async def test_a_secret_that_is_not_getstreams_is_refused(fake: FakeServer, call: str) -> None:
    stranger = GetStream(
        api_key=GETSTREAM_KEY,
        api_secrets=["somebody else's, of 32 characters"],
        base_url=fake.url,
        call_type="default",
        seconds=1,
    )
    with pytest.raises(ProviderError, match="status 401"):
        await stranger.state_of(call)
    await stranger.close()
