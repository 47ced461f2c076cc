"""From an event to an endpoint: what arrives, how it is tried again, and what is said of it."""

import asyncio
import json
from datetime import timedelta
from uuid import UUID

import pytest
from standardwebhooks import Webhook
from structlog.testing import capture_logs

from greenroom.kit.ids import BrandId
from greenroom.webhooks import attempts, service
from greenroom.webhooks.schemas import WebhookEndpointPatch
from tests.faults.waiting import eventually
from tests.webhooks.receiver import Receiver, receiving
from tests.webhooks.stage import REQUEST, UPDATED, Stage, manager


async def test_an_event_arrives_as_standard_webhooks_says(stage: Stage, receiver: Receiver) -> None:
    endpoint = await stage.endpoint(receiver.url)
    session = await stage.tell()
    async with stage.sending():
        (one,) = await receiver.has_received(1)
    event = await stage.owner.fetchrow("select id, occurred_at, position from events")
    assert event is not None
    assert (one.method, one.path, one.headers["content-type"]) == ("POST", "/hook?from=greenroom", "application/json")
    assert one.headers["user-agent"].startswith("Greenroom/")
    assert one.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert one.id == str(event["id"])
    assert one.message == {
        "type": UPDATED,
        "timestamp": event["occurred_at"].isoformat(timespec="milliseconds")[:-6] + "Z",
        "data": {"session_id": str(session), "version": 1, "changed": ["title"], "sequence": event["position"]},
    }
    assert Webhook(endpoint.secret).verify(one.body, one.headers) == one.message


async def test_the_sequence_rises_within_a_session(stage: Stage, receiver: Receiver) -> None:
    await stage.endpoint(receiver.url)
    await stage.tell(20)
    async with stage.sending():
        received = await receiver.has_received(20)
    by_sequence = sorted(received, key=lambda one: one.message["data"]["sequence"])
    assert [one.message["data"]["version"] for one in by_sequence] == list(range(1, 21))


@pytest.mark.parametrize(
    ("events", "wanted"),
    [
        (["*"], {UPDATED, "live.session.started.v1", "live.question.asked.v1"}),
        (["live."], {UPDATED, "live.session.started.v1", "live.question.asked.v1"}),
        (["live.session."], {UPDATED, "live.session.started.v1"}),
        ([UPDATED], {UPDATED}),
        (["live.question.", "live.session.started.v1"], {"live.session.started.v1", "live.question.asked.v1"}),
        (["live.recording."], set()),
    ],
)
async def test_it_gets_what_it_subscribes_to(stage: Stage, receiver: Receiver, events: list[str], wanted: set[str]) -> None:
    async with receiving() as witness:
        await stage.endpoint(receiver.url, events=events)
        await stage.endpoint(witness.url)
        for name in (UPDATED, "live.session.started.v1", "live.question.asked.v1"):
            await stage.tell(name=name)
        async with stage.sending():
            await witness.has_received(3)
            await receiver.has_received(len(wanted))
    assert set(receiver.types) == wanted
    assert await stage.owner.fetchval("select count(*) from webhook_deliveries") == 3 + len(wanted)


async def test_another_brands_endpoint_gets_nothing(stage: Stage, receiver: Receiver) -> None:
    async with receiving() as others:
        theirs = await stage.endpoint(others.url, brand=BrandId("elsewhere"))
        await stage.endpoint(receiver.url)
        await stage.tell(3)
        async with stage.sending():
            await receiver.has_received(3)
        assert others.arrived == []
        assert await stage.deliveries(theirs, brand=BrandId("elsewhere")) == []


async def test_it_is_told_what_happens_after_it_was_made(stage: Stage, receiver: Receiver) -> None:
    async with receiving() as witness:
        await stage.endpoint(witness.url)
        async with stage.sending():
            await stage.tell(5)
            await witness.has_received(5)
            await stage.endpoint(receiver.url)
            await stage.tell(1, name="live.session.ended.v1")
            await receiver.has_received(1)
            await witness.has_received(6)
    assert receiver.types == ["live.session.ended.v1"]


@pytest.mark.usefixtures("hurried")
async def test_a_failure_is_tried_again_by_the_same_id_until_it_is_delivered(stage: Stage, receiver: Receiver) -> None:
    endpoint = await stage.endpoint(receiver.url)
    receiver.failures = 3
    await stage.tell()
    async with stage.sending():
        received = await receiver.has_received(4)
        done = await stage.delivered(endpoint)
    assert len({one.id for one in received}) == 1
    assert len({one.body for one in received}) == 1
    assert (done.attempts, done.last_status, done.last_error, done.next_attempt_at) == (4, 204, None, None)


@pytest.mark.usefixtures("hurried")
async def test_after_eight_attempts_it_has_failed(stage: Stage, receiver: Receiver) -> None:
    endpoint = await stage.endpoint(receiver.url)
    receiver.status = 500
    await stage.tell()
    with capture_logs() as lines:
        async with stage.sending():
            done = await stage.delivered(endpoint, "failed")
    assert len(receiver.received) == done.attempts == 8
    assert (done.last_status, done.last_error, done.next_attempt_at) == (500, "status", None)
    assert [line["event"] for line in lines] == ["webhook_failed"] * 8
    assert "127.0.0.1" not in str(lines)


async def test_without_the_hurry_it_waits_five_seconds(stage: Stage, receiver: Receiver) -> None:
    endpoint = await stage.endpoint(receiver.url)
    receiver.status = 500
    await stage.tell()
    async with stage.sending():
        await receiver.has_received(1)

        async def is_noted() -> bool:
            return (await stage.deliveries(endpoint))[0].attempts == 1

        await eventually(is_noted, "the attempt is noted")
    waits = await stage.owner.fetchval("select extract(epoch from next_at - last_attempt_at) from webhook_deliveries")
    assert 5.0 <= waits <= 6.1


async def test_who_asks_to_wait_is_left_alone_for_so_long(stage: Stage, receiver: Receiver) -> None:
    await stage.endpoint(receiver.url)
    receiver.status, receiver.headers = 429, {"retry-after": "900"}
    await stage.tell()
    async with stage.sending():
        await receiver.has_received(1)

        async def is_noted() -> bool:
            return bool(await stage.owner.fetchval("select attempts = 1 from webhook_deliveries"))

        await eventually(is_noted, "the attempt is noted")
    waits = await stage.owner.fetchval("select extract(epoch from next_at - last_attempt_at) from webhook_deliveries")
    assert 900 <= waits <= 902


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_a_failure_and_is_not_followed(stage: Stage, receiver: Receiver, status: int) -> None:
    async with receiving() as elsewhere:
        endpoint = await stage.endpoint(receiver.url)
        receiver.status, receiver.headers = status, {"location": elsewhere.url}
        await stage.tell()
        async with stage.sending():
            await receiver.has_received(1)

            async def is_noted() -> bool:
                return (await stage.deliveries(endpoint))[0].attempts == 1

            await eventually(is_noted, "the attempt is noted")
        assert elsewhere.connections == 0
    (one,) = await stage.deliveries(endpoint)
    assert (one.state, one.last_status, one.last_error) == ("pending", status, "redirect")


async def test_an_answer_that_takes_too_long_is_a_failure(
    stage: Stage, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert attempts.ATTEMPT_SECONDS == 15.0
    monkeypatch.setattr(attempts, "ATTEMPT_SECONDS", 0.3)
    endpoint = await stage.endpoint(receiver.url)
    receiver.delay = 60
    await stage.tell()
    async with stage.sending():

        async def is_noted() -> bool:
            found = await stage.deliveries(endpoint)
            return bool(found) and found[0].attempts == 1

        await eventually(is_noted, "the attempt is noted")
    (one,) = await stage.deliveries(endpoint)
    assert (one.state, one.last_status, one.last_error) == ("pending", None, "timeout")
    assert 300 <= (one.last_duration_ms or 0) < 15_000


async def test_no_more_than_16_kib_of_an_answer_are_read(stage: Stage, receiver: Receiver) -> None:
    endpoint = await stage.endpoint(receiver.url)
    receiver.status, receiver.body = 200, b"x" * 64 * 1024 * 1024
    await stage.tell()
    async with stage.sending():
        done = await stage.delivered(endpoint)
    assert done.last_status == 200
    assert receiver.read_octets < len(receiver.body) / 2  # what the sockets between hold, and no more


async def test_410_disables_at_once_and_the_brand_hears_of_it(stage: Stage, receiver: Receiver) -> None:
    async with receiving() as witness:
        endpoint = await stage.endpoint(receiver.url, events=[UPDATED])
        await stage.endpoint(witness.url, events=["live.webhook_endpoint."])
        receiver.status = 410
        await stage.tell()
        async with stage.sending():
            (told,) = await witness.has_received(1)
    row = await stage.row(endpoint)
    assert (row["status"], row["disabled_reason"]) == ("disabled", "gone")
    assert told.type == "live.webhook_endpoint.disabled.v1"
    assert told.message["data"]["endpoint_id"] == endpoint.id
    assert told.message["data"]["reason"] == "gone"
    assert "127.0.0.1" not in told.body.decode()
    (one,) = await stage.deliveries(endpoint)
    assert (one.state, one.attempts) == ("failed", 1)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(("hours", "status"), [(119, "enabled"), (121, "disabled")])
async def test_after_five_days_of_failing_it_is_disabled(stage: Stage, receiver: Receiver, hours: int, status: str) -> None:
    endpoint = await stage.endpoint(receiver.url)
    await stage.owner.execute("update webhook_endpoints set failing_since = clock_timestamp() - $1 * interval '1 h'", hours)
    receiver.status = 500
    await stage.tell()
    async with stage.sending():
        await stage.delivered(endpoint, "failed")
    row = await stage.row(endpoint)
    assert row["status"] == status
    audited = await stage.owner.fetch("select action, actor_user_id from audit_log where entity = 'webhook_endpoint'")
    told = await stage.owner.fetch("select payload from all_events_any_brand_v1() where name like '%disabled%'")
    is_disabled = status == "disabled"
    assert [tuple(one) for one in audited][1:] == [("webhook_endpoint.disabled", "greenroom")] * is_disabled
    assert [json.loads(one["payload"])["reason"] for one in told] == ["failing"] * is_disabled


@pytest.mark.usefixtures("hurried")
async def test_a_success_ends_the_failing(stage: Stage, receiver: Receiver) -> None:
    endpoint = await stage.endpoint(receiver.url)
    await stage.owner.execute("update webhook_endpoints set failing_since = clock_timestamp() - interval '4 days'")
    await stage.tell()
    async with stage.sending():
        await stage.delivered(endpoint)
    assert (await stage.row(endpoint))["failing_since"] is None


async def test_what_was_pending_when_it_is_disabled_has_failed_and_nothing_more_is_planned(
    stage: Stage, receiver: Receiver
) -> None:
    async with receiving() as witness:
        endpoint = await stage.endpoint(receiver.url)
        await stage.endpoint(witness.url)
        receiver.status = 500
        await stage.tell()
        async with stage.sending():
            await receiver.has_received(1)
            await stage.patch(endpoint, WebhookEndpointPatch(status="disabled"))
            await stage.tell()
            await witness.has_received(2)
        found = await stage.deliveries(endpoint)
        assert [(one.state, one.last_error) for one in found] in (
            [("failed", "endpoint_disabled")],
            [("failed", "status")],  # the attempt was noted after it was disabled
        )


async def test_enabled_again_it_is_told_what_comes_from_then_on(stage: Stage, receiver: Receiver) -> None:
    async with receiving() as witness:
        endpoint = await stage.endpoint(receiver.url)
        await stage.endpoint(witness.url)
        await stage.patch(endpoint, WebhookEndpointPatch(status="disabled"))
        async with stage.sending():
            await stage.tell(3)
            await witness.has_received(3)
            await stage.patch(endpoint, WebhookEndpointPatch(status="enabled"))
            await stage.tell(1, name="live.session.ended.v1")
            await receiver.has_received(1)
    assert receiver.types == ["live.session.ended.v1"]


async def test_redelivered_it_comes_again_by_the_same_id_from_the_first_attempt(stage: Stage, receiver: Receiver) -> None:
    endpoint = await stage.endpoint(receiver.url)
    await stage.tell()
    async with stage.sending():
        done = await stage.delivered(endpoint)
        again = await service.redeliver(stage.webhooks, manager(), endpoint.id, done.id, key=None)
        assert (again.delivery.state, again.delivery.attempts, again.delivery.event_id) == ("pending", 0, done.event_id)
        await receiver.has_received(2)
    assert [one.id for one in receiver.received] == [done.event_id] * 2
    assert receiver.received[0].body == receiver.received[1].body


async def test_a_test_is_sent_whatever_it_subscribes_to(stage: Stage, receiver: Receiver) -> None:
    endpoint = await stage.endpoint(receiver.url, events=["live.recording."])
    queued = await service.test(stage.webhooks, manager(), endpoint.id, key=None)
    async with stage.sending():
        (one,) = await receiver.has_received(1)
    assert one.id == queued.delivery.event_id
    assert one.message["type"] == "greenroom.test.v1"
    assert one.message["data"] == {"endpoint_id": endpoint.id, "sequence": 0}
    Webhook(endpoint.secret).verify(one.body, one.headers)


async def test_no_more_than_four_are_sent_to_one_endpoint_at_once(stage: Stage, receiver: Receiver) -> None:
    await stage.endpoint(receiver.url)
    receiver.gate = asyncio.Event()
    await stage.tell(30)
    async with stage.sending():
        await receiver.has_arrivals(4)
        await asyncio.sleep(0.6)  # two more looks, which must bring nothing
        assert len(receiver.arrived) == 4
        receiver.gate.set()
        await receiver.has_received(30)
    assert receiver.most_at_once == 4


async def test_connections_are_kept_within_a_round(stage: Stage, receiver: Receiver) -> None:
    await stage.endpoint(receiver.url)
    await stage.tell(40)
    async with stage.sending():
        await receiver.has_received(40)
    assert receiver.connections < 20


async def test_a_slow_endpoint_delays_no_other(stage: Stage, receiver: Receiver) -> None:
    async with receiving() as slow:
        slow.gate = asyncio.Event()
        for _ in range(3):
            await stage.endpoint(slow.url)
        await stage.endpoint(receiver.url)
        async with stage.sending():
            for number in range(1, 6):
                await stage.tell(4)
                await receiver.has_received(4 * number)
            assert slow.received == []
            slow.gate.set()


@pytest.mark.usefixtures("hurried")
async def test_an_endpoint_that_fails_moves_to_the_lane_of_those_that_do_and_back(stage: Stage, receiver: Receiver) -> None:
    endpoint = await stage.endpoint(receiver.url)
    receiver.failures = 1
    await stage.tell()
    async with stage.sending():
        await stage.delivered(endpoint)
        assert (await stage.row(endpoint))["failing_since"] is None
        await stage.tell()
        await receiver.has_received(3)


async def test_nothing_of_it_runs_while_nobody_has_an_endpoint(stage: Stage) -> None:
    async with stage.sending():
        await stage.tell(10)

        async def is_told() -> bool:
            return bool(await stage.owner.fetchval("select count(*) = 10 from events"))

        await eventually(is_told, "they are told")
        assert await stage.owner.fetchval("select count(*) from sinks where name = 'webhooks'") == 0


async def test_deleted_it_gets_nothing_more_and_its_rows_go(stage: Stage, receiver: Receiver) -> None:
    async with receiving() as witness:
        endpoint = await stage.endpoint(receiver.url)
        await stage.endpoint(witness.url)
        async with stage.sending():
            await stage.tell()
            await stage.delivered(endpoint)
            await service.delete(stage.webhooks, manager(), endpoint.id, request_id=REQUEST)
            await stage.tell()
            await witness.has_received(2)
        assert len(receiver.received) == 1
        await service.forget(stage.db, age=timedelta(days=7))
        assert await stage.row(endpoint) == {}
        left = await stage.owner.fetchval("select count(*) from webhook_deliveries where endpoint_id = $1", UUID(endpoint.id))
        assert left == 0
