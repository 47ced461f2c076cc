"""What the metrics say of deliveries."""

from functools import partial

import pytest
from prometheus_client import REGISTRY

from greenroom.webhooks import service
from greenroom.webhooks.schemas import WebhookEndpointPatch, WebhookEndpointWithSecret
from tests.faults.waiting import eventually
from tests.webhooks.receiver import Receiver
from tests.webhooks.stage import Stage


def attempts(outcome: str) -> float:
    return REGISTRY.get_sample_value("greenroom_webhook_attempts_total", {"outcome": outcome}) or 0.0


def deliveries() -> float:
    return REGISTRY.get_sample_value("greenroom_webhook_delivery_seconds_count") or 0.0


@pytest.mark.usefixtures("hurried")
async def test_attempts_are_counted_by_what_came_of_them(stage: Stage, receiver: Receiver) -> None:
    before = attempts("status"), attempts("delivered"), deliveries()
    receiver.failures = 2
    endpoint = await stage.endpoint(receiver.url)
    await stage.tell()
    async with stage.sending():
        await stage.delivered(endpoint)
    after = attempts("status"), attempts("delivered"), deliveries()
    assert [new - old for new, old in zip(after, before, strict=True)] == [2, 1, 1]


async def test_endpoints_that_fail_are_shown_until_they_answer(stage: Stage, receiver: Receiver) -> None:
    failing = await stage.endpoint("http://127.0.0.1:1/nobody")
    await stage.endpoint(receiver.url)
    await stage.tell()
    async with stage.sending():
        await receiver.has_received(1)
        await eventually(partial(_has_failed, stage, failing), "an attempt has failed")
        await service.measure(stage.db)
        assert REGISTRY.get_sample_value("greenroom_webhook_endpoints_failing") == 1
        await stage.patch(failing, WebhookEndpointPatch(url=receiver.url))
        await stage.owner.execute("update webhook_deliveries set next_at = now() where state = 'pending'")
        await stage.owner.execute("update webhook_endpoints set due_at = now() where failing_since is not null")
        await stage.delivered(failing)
    await service.measure(stage.db)
    assert REGISTRY.get_sample_value("greenroom_webhook_endpoints_failing") == 0


async def _has_failed(stage: Stage, endpoint: WebhookEndpointWithSecret) -> bool:
    return (await stage.row(endpoint))["failing_since"] is not None
