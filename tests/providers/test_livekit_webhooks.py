"""LiveKit's webhooks: whose they are, and what they say."""

import base64
import hashlib
import time
from datetime import UTC, datetime
from typing import Any

import jwt
import msgspec
import pytest

from greenroom.kit.ids import UserId
from greenroom.providers.livekit import LiveKit
from greenroom.providers.protocol import BadWebhookError, CallPlan, Facts, ProviderEvent
from tests.providers.fake.credentials import LIVEKIT_KEYS, LIVEKIT_SECRETS
from tests.providers.fake_provider import FakeServer
from tests.providers.receiver import Receiver

PERSONAL = ("Paula", "pictures.example")
BODY = b'{"event":"room_started"}'
PAIRS = list(zip(LIVEKIT_KEYS, LIVEKIT_SECRETS, strict=True))


def signed(body: bytes, pair: tuple[str, str] = PAIRS[0], **claims: Any) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    told = {"iss": pair[0], "exp": int(time.time()) + 300, "sha256": digest, **claims}
    token = jwt.encode({name: value for name, value in told.items() if value is not None}, pair[1], algorithm="HS256")
    return {"authorization": token}


def read(livekit: LiveKit, told: Any) -> ProviderEvent:
    body = msgspec.json.encode(told)
    return livekit.event_in(body, signed(body))


@pytest.fixture
async def told(livekit: LiveKit, fake: FakeServer, receiver: Receiver, call: str) -> list[ProviderEvent]:
    """A whole call's webhooks, as the fake sends them."""
    host = UserId("Zoë:host")
    await livekit.ensure_call(CallPlan(id=call, title="Office hours", starts_at=None, host=host, records=True))
    fake.livekit.join(call, "recorder", kind="EGRESS")
    fake.livekit.leave(fake.livekit.join(call, host))
    fake.livekit.end_span(call)
    [recording] = fake.livekit.calls()[call]["recordings"]
    fake.livekit.finish(recording["id"])
    fake.settle()
    assert any(word in str(came.body) for word in PERSONAL for came in receiver.received)
    return [livekit.event_in(came.body, came.headers) for came in receiver.received]


def only(told: list[ProviderEvent], event_type: str) -> Facts:
    return next(event.facts for event in told if event.type == event_type and event.facts != Facts())


async def test_every_event_is_of_the_call_and_of_its_moment(told: list[ProviderEvent], call: str) -> None:
    assert {event.type for event in told} == {
        "room_started", "room_finished", "participant_joined", "participant_left",
        "egress_started", "egress_updated", "egress_ended",
    }  # fmt: skip
    for event in told:
        assert event.call == call
        assert event.id.startswith("EV_")
        assert abs((event.occurred_at - datetime.now(UTC)).total_seconds()) < 60


async def test_no_event_says_anything_personal(told: list[ProviderEvent]) -> None:
    assert not [word for word in PERSONAL if word in str(msgspec.json.encode(told))]


async def test_a_room_and_its_end(told: list[ProviderEvent]) -> None:
    [began], [ended] = only(told, "room_started").spans, only(told, "room_finished").spans
    assert began.id == ended.id
    assert began.started_at is None  # a room is there before anybody is
    assert ended.ended_at is not None


async def test_somebody_comes_and_goes(told: list[ProviderEvent]) -> None:
    [came], [went] = only(told, "participant_joined").connections, only(told, "participant_left").connections
    assert (came.id, came.user, came.span, came.joined_at) == (went.id, "Zoë:host", went.span, went.joined_at)
    assert came.left_at is None
    assert went.left_at is not None


async def test_who_records_is_nobody(told: list[ProviderEvent]) -> None:
    assert "recorder" not in str(msgspec.json.encode(told))


async def test_a_recording_from_its_beginning(told: list[ProviderEvent], livekit: LiveKit, call: str) -> None:
    [started] = only(told, "egress_started").recordings
    [stopped] = only(told, "egress_updated").recordings
    [ready] = only(told, "egress_ended").recordings
    assert [started.state, stopped.state, ready.state] == ["processing", "processing", "ready"]
    assert started.id == stopped.id == ready.id
    assert started.span == ready.span is not None
    assert (started.url, started.ended_at) == (None, None)
    assert await livekit.recordings_of(call) == [ready]


@pytest.mark.parametrize(("status", "files", "state"), [
    ("EGRESS_STARTING", [], "processing"), ("EGRESS_ACTIVE", [], "processing"), ("EGRESS_ENDING", [], "processing"),
    ("EGRESS_COMPLETE", [{"filename": "f"}], "ready"), ("EGRESS_LIMIT_REACHED", [{"filename": "f"}], "ready"),
    ("EGRESS_COMPLETE", [], "failed"), ("EGRESS_FAILED", [], "failed"), ("EGRESS_ABORTED", [], "failed"),
    ("EGRESS_LIMIT_REACHED", [], "failed"),
])  # fmt: skip
def test_what_became_of_a_recording(livekit: LiveKit, status: str, files: list[object], state: str) -> None:
    egress = {"egressId": "EG_1", "roomName": "call-1", "status": status, "fileResults": files}
    event = read(livekit, {"event": "egress_ended", "egressInfo": egress})
    assert (event.call, event.facts.recordings[0].state) == ("call-1", state)


def test_a_connection_that_was_cut_has_ended(livekit: LiveKit) -> None:
    person = {"sid": "PA_1", "identity": "user-1"}
    room = {"sid": "RM_1", "name": "call-1"}
    told = {"event": "participant_connection_aborted", "room": room, "participant": person, "createdAt": "1700000000"}
    [connection] = read(livekit, told).facts.connections
    assert connection.left_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert connection.joined_at is None


@pytest.mark.parametrize("event_type", [
    "room_started", "room_finished", "participant_joined", "participant_left", "participant_connection_aborted",
    "egress_started", "egress_updated", "egress_ended", "track_published", "ingress_started", "of tomorrow",
])  # fmt: skip
def test_what_lacks_everything_says_nothing(livekit: LiveKit, event_type: str) -> None:
    told = {"event": event_type, "of_tomorrow": {}}
    event = read(livekit, told)
    assert (event.call, event.facts) == (None, Facts())
    assert event.id == hashlib.sha256(msgspec.json.encode(told)).hexdigest()


@pytest.mark.parametrize("pair", PAIRS)
def test_while_keys_are_rotated_both_verify(livekit: LiveKit, pair: tuple[str, str]) -> None:
    assert livekit.event_in(BODY, signed(BODY, pair)).type == "room_started"


EXPIRED = int(time.time()) - 3600


@pytest.mark.parametrize("headers", [
    {}, {"authorization": ""}, {"authorization": "x.y.z"}, signed(b"{}"), signed(BODY, (LIVEKIT_KEYS[0], LIVEKIT_SECRETS[1])),
    signed(BODY, (LIVEKIT_KEYS[1], LIVEKIT_SECRETS[0])), signed(BODY, ("APIother", "a secret of nobody at all, at all")),
    signed(BODY, exp=EXPIRED), signed(BODY, exp=None), signed(BODY, sha256=None), signed(BODY, sha256="no base64!"),
])  # fmt: skip
def test_what_is_not_signed_for_this_body_is_refused(livekit: LiveKit, headers: dict[str, str]) -> None:
    with pytest.raises(BadWebhookError):
        livekit.event_in(BODY, headers)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"\xff", b'{"createdAt": "x"}'])
def test_what_is_no_event_is_refused(livekit: LiveKit, body: bytes) -> None:
    with pytest.raises(BadWebhookError):
        livekit.event_in(body, signed(body))
