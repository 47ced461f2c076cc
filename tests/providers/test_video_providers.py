"""What both providers of video do, asked over HTTP through their packages."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from greenroom.kit.ids import UserId
from greenroom.providers.getstream import GetStream
from greenroom.providers.livekit import LiveKit
from greenroom.providers.protocol import CallPlan, ProviderError
from tests.providers.conftest import SECONDS, made_getstream, made_livekit
from tests.providers.fake_provider import FakeServer, People

Video = GetStream | LiveKit
HOST = UserId("Zoë:host")
STARTS_AT = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def plan(call: str, *, title: str = "Office hours", records: bool = False, starts_at: datetime | None = STARTS_AT) -> CallPlan:
    return CallPlan(id=call, title=title, starts_at=starts_at, host=HOST, records=records)


async def test_a_call_is_made_once(video: Video, people: People, call: str) -> None:
    for _ in range(2):
        await video.ensure_call(plan(call))
    assert people.calls()[call]["records"] is False


async def test_a_call_is_recorded_when_it_shall_be(video: Video, people: People, call: str) -> None:
    for _ in range(2):
        await video.ensure_call(plan(call, records=True, starts_at=None))
    people.join(call, "user-1")
    assert len(people.calls()[call]["recordings"]) == 1


async def test_nobody_knows_of_a_call_that_was_not_made(video: Video, call: str) -> None:
    assert await video.state_of(call) is None
    assert await video.recordings_of(call) == []


async def test_what_is_not_there_is_over_already(video: Video, call: str) -> None:
    await video.end_call(call)
    await video.remove(call, HOST)
    await video.update_call(plan(call))


async def test_a_call_in_which_nobody_is_is_not_live(video: Video, call: str) -> None:
    await video.ensure_call(plan(call))
    state = await video.state_of(call)
    assert state is not None
    assert (state.is_live, state.inside) == (False, [])


async def test_who_is_inside(video: Video, people: People, call: str) -> None:
    await video.ensure_call(plan(call))
    first, gone = people.join(call, "user-1"), people.join(call, "user-2")
    people.leave(gone)
    state = await video.state_of(call)
    assert state is not None
    assert (state.is_live, state.inside, state.ended_at) == (True, [first], None)
    [connection] = state.facts.connections
    assert (connection.id, connection.user, connection.span) == (first, "user-1", state.span)
    assert connection.joined_at is not None
    assert abs((connection.joined_at - datetime.now(UTC)).total_seconds()) < 60


async def test_somebody_is_put_out_and_may_come_back(video: Video, people: People, call: str) -> None:
    await video.ensure_call(plan(call))
    people.join(call, video.chat_user(HOST) if isinstance(video, GetStream) else HOST)
    stays = people.join(call, "user-1")
    await video.remove(call, HOST)
    await video.remove(call, HOST)
    state = await video.state_of(call)
    assert state is not None
    assert state.inside == [stays]
    people.join(call, "user-2")


async def test_a_call_is_ended_once(video: Video, people: People, call: str) -> None:
    await video.ensure_call(plan(call))
    people.join(call, "user-1")
    await video.end_call(call)
    await video.end_call(call)
    assert people.calls()[call]["inside"] == []
    state = await video.state_of(call)
    assert state is None or not state.is_live


async def test_the_title_and_the_time_are_told(video: Video, people: People, call: str) -> None:
    await video.ensure_call(plan(call))
    await video.update_call(plan(call, title="Another title"))
    assert "Another title" in str(people.calls()[call]["asked"])


async def test_a_recording_that_can_be_had(video: Video, people: People, call: str) -> None:
    await video.ensure_call(plan(call, records=True))
    people.join(call, "user-1")
    people.end_span(call)
    [told] = people.calls()[call]["recordings"]
    people.finish(told["id"])
    [recording] = await video.recordings_of(call)
    assert (recording.state, recording.span) == ("ready", told["span"])
    assert (recording.url or "").startswith("https://recordings.example/")
    assert recording.started_at is not None
    assert recording.ended_at is not None


async def test_a_long_title_is_taken(video: Video, call: str) -> None:
    await video.ensure_call(plan(call, title="𝄞" * 10_000))


@pytest.mark.parametrize("kind", ["fail", "limit", "cut"])
async def test_what_passes_is_not_noticed(video: Video, fake: FakeServer, call: str, kind: str) -> None:
    fake.misbehave(kind, times=2)  # type: ignore[arg-type]
    await video.ensure_call(plan(call))


async def test_one_slow_answer_is_not_noticed(video: Video, fake: FakeServer, call: str) -> None:
    fake.misbehave("slow", times=1, seconds=SECONDS * 5)
    await video.ensure_call(plan(call))


@pytest.mark.parametrize("trouble", [
    ("fail", {"status": 500}, 3), ("fail", {"status": 503}, 3), ("fail", {"status": 400}, 1), ("fail", {"status": 401}, 1),
    ("fail", {"status": 403}, 1), ("garbage", {}, 1), ("cut", {}, 3), ("limit", {}, 3),
])  # fmt: skip
async def test_what_stays_is_an_error_without_a_word_of_the_provider(
    video: Video, fake: FakeServer, counted: Callable[[], int], call: str, trouble: tuple[str, dict[str, int], int]
) -> None:
    kind, how, times = trouble
    fake.misbehave(kind, **how)  # type: ignore[arg-type]
    before = counted()
    with pytest.raises(ProviderError) as failed:
        await video.state_of(call)
    assert counted() - before == times
    assert "Hedda" not in str(failed.value)
    assert call not in str(failed.value)
    assert len(str(failed.value).splitlines()) == 1


async def test_no_answer_is_an_error_in_time(either: str, fake: FakeServer, call: str) -> None:
    video = (made_getstream if either == "getstream" else made_livekit)(fake.url, seconds=0.3)
    fake.misbehave("slow", seconds=3)
    began = time.perf_counter()
    with pytest.raises(ProviderError, match="no answer"):
        await video.state_of(call)
    assert time.perf_counter() - began < 0.3 * 3 + 0.5
    await video.close()


async def test_a_provider_that_is_down_is_left_alone(
    video: Video, fake: FakeServer, counted: Callable[[], int], call: str
) -> None:
    fake.misbehave("fail", status=500)
    for _ in range(4):
        with pytest.raises(ProviderError):
            await video.state_of(call)
    before = counted()
    with pytest.raises(ProviderError, match="not asked"):
        await video.state_of(call)
    assert counted() == before


async def test_nobody_listens(either: str, call: str) -> None:
    video = (made_getstream if either == "getstream" else made_livekit)("http://127.0.0.1:9")
    with pytest.raises(ProviderError, match="not reached"):
        await video.state_of(call)
    await video.close()


async def test_closing_twice_is_no_error(video: Video, call: str) -> None:
    await video.state_of(call)
    await video.close()
    await video.close()
