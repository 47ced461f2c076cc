"""What is kept, for how long, and what is left of endpoints that are over."""

import json
import time
from datetime import timedelta
from uuid import UUID

import pytest

from greenroom.events import service as events
from greenroom.kit.ids import new_id
from greenroom.webhooks import queries, service
from greenroom.webhooks.attempts import Attempt
from greenroom.webhooks.rounds import Sent, round_of
from greenroom.webhooks.schemas import WebhookEndpointPatch
from greenroom.webhooks.sender import LEASE
from tests.faults.waiting import eventually
from tests.postgres import Owner
from tests.timers.stage import without
from tests.webhooks.receiver import Receiver
from tests.webhooks.stage import REQUEST, Stage, manager

WEEK = timedelta(days=7)
AGED = "update events set told_at = told_at - interval '8 days'"
IDLE = "update sinks set held_until = '-infinity'"
PLANT = """
insert into webhook_deliveries (brand_id, id, endpoint_id, event_id, position, name, next_at, created_at)
select brand_id, gen_random_uuid(), id, gen_random_uuid(), n, 'live.session.updated.v1', clock_timestamp(), clock_timestamp()
from webhook_endpoints, generate_series(1, 3000) n
"""


async def kept(owner: Owner) -> int:
    return int(await owner.fetchval("select count(*) from events"))


async def noted_once(stage: Stage) -> None:
    async def is_noted() -> bool:
        return bool(await stage.owner.fetchval("select count(*) > 0 and bool_and(attempts = 1) from webhook_deliveries"))

    await eventually(is_noted, "the first attempt is noted")


@pytest.mark.parametrize(("status", "left"), [(500, 1), (204, 0)])
async def test_an_event_is_kept_while_a_delivery_of_it_is_pending(
    stage: Stage, receiver: Receiver, status: int, left: int
) -> None:
    await stage.endpoint(receiver.url)
    receiver.status = status
    await stage.tell()
    async with stage.sending():
        await noted_once(stage)
    await stage.owner.execute(AGED)
    await stage.owner.execute(IDLE)
    await events.forget(stage.db, age=WEEK)
    assert await kept(stage.owner) == left


@pytest.mark.usefixtures("hurried")
async def test_without_that_guard_it_is_forgotten_and_the_delivery_says_so(stage: Stage, receiver: Receiver) -> None:
    """The negative control, and what becomes of a delivery whose event is gone all the same."""
    endpoint = await stage.endpoint(receiver.url)
    await without(stage.owner, "forget_events_any_brand_v2", "where d.state = 'pending'", "where false")
    receiver.status = 500
    await stage.tell()
    await stage.owner.execute("update webhook_endpoints set leased_until = 'infinity'")
    async with stage.sending():

        async def is_planned() -> bool:
            return bool(await stage.deliveries(endpoint))

        await eventually(is_planned, "it is planned")
    await stage.owner.execute(AGED)
    await stage.owner.execute(IDLE)
    await events.forget(stage.db, age=WEEK)
    assert await kept(stage.owner) == 0
    await stage.owner.execute("update webhook_endpoints set leased_until = '-infinity'")
    async with stage.sending():
        failed = await stage.delivered(endpoint, "failed")
    assert (failed.last_error, failed.attempts) == ("event_forgotten", 1)


async def test_deliveries_are_forgotten_after_their_days_but_not_while_pending(stage: Stage, receiver: Receiver) -> None:
    endpoint = await stage.endpoint(receiver.url)
    await stage.tell(3)
    async with stage.sending():
        await stage.delivered(endpoint)
        await receiver.has_received(3)

        async def are_noted() -> bool:
            return bool(await stage.owner.fetchval("select bool_and(state = 'delivered') from webhook_deliveries"))

        await eventually(are_noted, "they are noted")
    newest, older, oldest = await stage.deliveries(endpoint)
    for days, state, one in ((8, "pending", oldest), (8, "delivered", older), (6, "delivered", newest)):
        await stage.owner.execute(
            "update webhook_deliveries set created_at = created_at - $1 * interval '1 day', state = $2,"
            " next_at = case $2 when 'pending' then now() end where id = $3",
            days, state, UUID(one.id),
        )  # fmt: skip
    await service.forget(stage.db, age=WEEK)
    assert {one.id for one in await stage.deliveries(endpoint)} == {newest.id, oldest.id}


async def test_of_very_many_pending_ones_the_rest_fails_within_a_minute(stage: Stage) -> None:
    endpoint = await stage.endpoint("https://127.0.0.1:1/")
    await stage.owner.execute(PLANT)
    await stage.patch(endpoint, WebhookEndpointPatch(status="disabled"))
    count = "select count(*) from webhook_deliveries where state = 'pending'"
    assert await stage.owner.fetchval(count) == 2000
    await service.forget(stage.db, age=WEEK)
    assert await stage.owner.fetchval(count) == 0
    assert await stage.owner.fetchval("select count(*) from webhook_deliveries where last_error = 'endpoint_disabled'") == 3000


async def test_enabled_again_at_once_it_is_sent_nothing_of_before(stage: Stage) -> None:
    endpoint = await stage.endpoint("https://127.0.0.1:1/")
    await stage.owner.execute(PLANT)
    await stage.patch(endpoint, WebhookEndpointPatch(status="disabled"))
    await stage.patch(endpoint, WebhookEndpointPatch(status="enabled"))
    assert await stage.owner.fetchval("select count(*) from webhook_deliveries where state = 'pending'") == 0
    assert await stage.owner.fetchval("select count(*) from webhook_deliveries where last_error = 'endpoint_disabled'") == 3000


async def test_what_is_pending_for_three_days_is_given_up_and_keeps_no_event(stage: Stage, receiver: Receiver) -> None:
    """An endpoint that is told more than it can take has a line that only grows; it must not keep everybody's events."""
    endpoint = await stage.endpoint(receiver.url)
    receiver.status = 500
    await stage.tell(2)
    async with stage.sending():
        await noted_once(stage)
    await stage.owner.execute(AGED)
    await stage.owner.execute(IDLE)
    newest, oldest = await stage.deliveries(endpoint)
    since = "update webhook_deliveries set pending_since = pending_since - interval '1 day' * $1 where id = $2"
    await stage.owner.execute(since, 2.9, UUID(newest.id))
    await stage.owner.execute(since, 3.1, UUID(oldest.id))
    await service.forget(stage.db, age=WEEK)
    await events.forget(stage.db, age=WEEK)
    assert [(it.state, it.last_error) for it in await stage.deliveries(endpoint)] == [
        ("pending", "status"), ("failed", "given_up"),
    ]  # fmt: skip
    assert await kept(stage.owner) == 1
    await service.redeliver(stage.webhooks, manager(), endpoint.id, newest.id, key=None)
    await stage.owner.execute(since, 2.9, UUID(newest.id))
    await service.forget(stage.db, age=WEEK)
    assert (await stage.deliveries(endpoint))[0].state == "pending"  # asked for again it has three days again


async def test_sweeping_waits_for_no_round_that_is_noted(stage: Stage) -> None:
    """Who notes holds the endpoint and then wants its deliveries: to wait for one with the others in hand is a deadlock."""
    endpoint = await stage.endpoint("https://127.0.0.1:1/")
    await service.delete(stage.webhooks, manager(), endpoint.id, request_id=REQUEST)
    async with stage.owner.transaction():
        await stage.owner.execute("select from webhook_endpoints for no key update")
        await service.forget(stage.db, age=WEEK)  # who waits for a lock is given up on, and that is raised
    assert await stage.row(endpoint) != {}
    await service.forget(stage.db, age=WEEK)
    assert await stage.row(endpoint) == {}


async def test_gone_in_a_round_in_which_another_was_taken_is_told_with_a_time(stage: Stage) -> None:
    endpoint = await stage.endpoint("https://127.0.0.1:1/")
    await stage.owner.execute(PLANT.replace("3000", "2"))
    await stage.owner.execute("update webhook_endpoints set due_at = now()")
    holder = new_id()
    (claim,) = await queries.claim_any_brand(stage.db, holder, lease=LEASE, is_patient=False, most=1, each=2, share=1, busy=())
    ended = time.monotonic()
    attempts = (Attempt(204, None, 5, ended), Attempt(410, "gone", 5, ended))
    done = round_of(claim, [Sent(due, attempt) for due, attempt in zip(claim.due, attempts, strict=True)])
    await queries.note_any_brand(stage.db, holder, [done], patience=timedelta(days=5), request_id=REQUEST)
    assert (await stage.row(endpoint))["disabled_reason"] == "gone"
    told = json.loads(await stage.owner.fetchval("select payload::text from outbox where name like '%disabled.v1'"))
    assert told["failing_since"] == told["disabled_at"]


async def test_of_a_deleted_endpoint_nothing_is_left_within_a_minute(stage: Stage) -> None:
    endpoint = await stage.endpoint("https://127.0.0.1:1/")
    await stage.owner.execute(PLANT)
    await service.delete(stage.webhooks, manager(), endpoint.id, request_id=REQUEST)
    await service.forget(stage.db, age=WEEK)
    assert await stage.owner.fetchval("select count(*) from webhook_deliveries") == 0
    assert await stage.owner.fetchval("select count(*) from webhook_endpoints") == 0


async def test_very_many_deliveries_are_planned_in_several_transactions(stage: Stage) -> None:
    """20 endpoints and 500 events: no statement plans more than it can in its time."""
    for _ in range(20):
        await stage.endpoint("https://127.0.0.1:1/")
    await stage.owner.execute("update webhook_endpoints set leased_until = 'infinity'")
    await stage.tell(500)
    async with stage.sending():

        async def are_planned() -> bool:
            return bool(await stage.owner.fetchval("select count(*) = 10000 from webhook_deliveries"))

        await eventually(are_planned, "all are planned")
    transactions = await stage.owner.fetchval("select count(distinct xmin::text) from webhook_deliveries")
    assert transactions >= 5


async def test_events_that_are_told_again_are_planned_once(stage: Stage, receiver: Receiver) -> None:
    await stage.endpoint(receiver.url)
    await stage.tell(5)
    async with stage.sending():
        await receiver.has_received(5)
        await events.replay(stage.db, sink="webhooks", first=1)
        await stage.tell(1)
        await receiver.has_received(6)
    assert len(receiver.received) == 6
