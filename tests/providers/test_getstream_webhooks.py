"""GetStream's webhooks: whose they are, and what they say."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from greenroom.kit.ids import UserId
from greenroom.providers.getstream import GetStream
from greenroom.providers.protocol import BadWebhookError, CallPlan, Facts, ProviderEvent
from tests.providers.fake.credentials import GETSTREAM_SECRETS
from tests.providers.fake_provider import FakeServer
from tests.providers.receiver import Receiver

AT = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)
PERSONAL = ("Paula", "Hedda", "Klara", "pictures.example", "example.com")


def signed(body: bytes, secret: str = GETSTREAM_SECRETS[0]) -> dict[str, str]:
    return {"x-signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(), "x-webhook-id": "webhook-1"}


def read(getstream: GetStream, told: Any) -> ProviderEvent:
    body = msgspec.json.encode(told)
    return getstream.event_in(body, signed(body))


@pytest.fixture
async def told(getstream: GetStream, fake: FakeServer, receiver: Receiver, call: str) -> dict[str, ProviderEvent]:
    """A whole call's webhooks, as the fake sends them, by their types."""
    host = UserId("host:1")
    await getstream.ensure_call(CallPlan(id=call, title="Office hours", starts_at=None, host=host, records=True))
    leaver = fake.getstream.join(call, getstream.chat_user(host))
    fake.getstream.join(call, "user-2")
    fake.getstream.leave(leaver)
    fake.getstream.end(call)
    [recording] = fake.getstream.calls()[call]["recordings"]
    fake.getstream.finish(recording["id"], well=False)
    fake.getstream.finish(recording["id"])
    fake.settle()
    assert all(any(word in str(came.body) for word in PERSONAL) for came in receiver.received if b"participant" in came.body)
    events = [getstream.event_in(came.body, came.headers) for came in receiver.received]
    return {event.type: event for event in reversed(events)}


async def test_every_event_is_of_the_call_and_of_its_moment(told: dict[str, ProviderEvent], call: str) -> None:
    assert len(told) == 9
    for event in told.values():
        assert event.call == call
        assert abs((event.occurred_at - datetime.now(UTC)).total_seconds()) < 60


async def test_no_event_says_anything_personal(told: dict[str, ProviderEvent]) -> None:
    assert not [word for word in PERSONAL if word in str(msgspec.json.encode(list(told.values())))]


async def test_a_sitting_and_its_end(told: dict[str, ProviderEvent]) -> None:
    [began], [ended], [over] = (told[name].facts.spans for name in ("call.session_started", "call.session_ended", "call.ended"))
    assert began.id == ended.id == over.id
    assert began.started_at is not None
    assert began.ended_at is None
    assert began.started_at == ended.started_at
    assert ended.ended_at is not None
    assert ended.ended_at == over.ended_at


async def test_somebody_comes_and_goes(told: dict[str, ProviderEvent]) -> None:
    [came] = told["call.session_participant_joined"].facts.connections
    [went] = told["call.session_participant_left"].facts.connections
    assert (came.id, came.user, came.span, came.joined_at) == (went.id, "host:1", went.span, went.joined_at)
    assert came.left_at is None
    assert went.left_at is not None


async def test_a_recording_from_its_beginning(told: dict[str, ProviderEvent]) -> None:
    [started] = told["call.recording_started"].facts.recordings
    [stopped] = told["call.recording_stopped"].facts.recordings
    [failed] = told["call.recording_failed"].facts.recordings
    [ready, egress] = told["call.recording_ready"].facts.recordings
    assert {started.state, stopped.state, egress.state} == {"processing"}
    assert started.id == stopped.id == failed.id == egress.id
    assert failed.state == "failed"
    assert ready.state == "ready"
    assert ready.id.startswith(f"{ready.span}/rec_")
    assert egress.span == ready.span is not None
    assert (ready.url or "").startswith("https://")
    assert ready.started_at is not None


async def test_what_was_listed_is_what_was_told(told: dict[str, ProviderEvent], getstream: GetStream, call: str) -> None:
    [listed] = await getstream.recordings_of(call)
    [ready, _] = told["call.recording_ready"].facts.recordings
    assert (listed.id, listed.span, listed.url) == (ready.id, ready.span, ready.url)


@pytest.mark.parametrize("written", [
    "2026-03-04T05:06:07.890123Z", "2026-03-04T06:06:07.890123+01:00", int(AT.timestamp()) * 10**9 + 890_123_000,
    str(int(AT.timestamp()) * 10**9 + 890_123_000),
])  # fmt: skip
def test_times_are_read_in_either_way(getstream: GetStream, written: object) -> None:
    event = read(getstream, {"type": "call.session_started", "call_cid": "default:c", "session_id": "s", "created_at": written})
    assert event.occurred_at == AT
    assert event.facts.spans[0].started_at == AT


@pytest.mark.parametrize("written", [None, "yesterday", True, -1, "9" * 5000, {}])
def test_without_a_time_it_is_now(getstream: GetStream, written: object) -> None:
    event = read(getstream, {"type": "call.ended", "created_at": written})
    assert abs((event.occurred_at - datetime.now(UTC)).total_seconds()) < 60


def test_when_somebody_joined_follows_from_how_long_they_stayed(getstream: GetStream) -> None:
    person = {"user_session_id": "connection-1", "user": {"id": "user-1"}}
    told = {
        "type": "call.session_participant_left",
        "created_at": AT.isoformat(),
        "participant": person,
        "duration_seconds": 60,
    }
    [connection] = read(getstream, told).facts.connections
    assert (connection.joined_at, connection.left_at) == (AT - timedelta(seconds=60), AT)


@pytest.mark.parametrize("event_type", [
    "call.session_started", "call.session_ended", "call.ended", "call.session_participant_joined",
    "call.session_participant_left",
    "call.recording_started", "call.recording_stopped", "call.recording_failed", "call.recording_ready", "message.new", "x",
])  # fmt: skip
@pytest.mark.parametrize(
    "junk", [{}, {"session_id": 1, "call": [], "participant": "x", "egress_id": None, "call_recording": 7}]
)
def test_what_lacks_everything_says_nothing(getstream: GetStream, event_type: str, junk: dict[str, object]) -> None:
    event = read(getstream, {"type": event_type, "call_cid": 5, **junk})
    assert (event.call, event.facts) == (None, Facts())


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"1", b'"x"', b"{}", b'{"type": 1}', b'{"type": ""}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_event_is_refused(getstream: GetStream, body: bytes) -> None:
    with pytest.raises(BadWebhookError):
        getstream.event_in(body, signed(body))


@pytest.mark.parametrize("headers", [
    {}, {"x-signature": ""}, {"x-signature": "0" * 64}, {"x-signature": "é"}, signed(b"other"),
    signed(b'{"type":"x"}', "a secret"),
])  # fmt: skip
def test_what_is_not_signed_for_this_body_is_refused(getstream: GetStream, headers: dict[str, str]) -> None:
    with pytest.raises(BadWebhookError):
        getstream.event_in(b'{"type":"x"}', headers)


@pytest.mark.parametrize("secret", GETSTREAM_SECRETS)
def test_while_a_secret_is_rotated_both_verify(getstream: GetStream, secret: str) -> None:
    body = b'{"type":"x"}'
    assert getstream.event_in(body, signed(body, secret)).type == "x"


@pytest.mark.parametrize("given", ["", "x" * 201, "a\nb", "é"])
def test_an_id_that_is_none_gives_way_to_the_bodys_hash(getstream: GetStream, given: str) -> None:
    body = b'{"type":"x"}'
    assert getstream.event_in(body, {**signed(body), "x-webhook-id": given}).id == hashlib.sha256(body).hexdigest()
    assert getstream.event_in(body, signed(body)).id == "webhook-1"
