"""A brand whose endpoints are many, dead or slow takes nothing from another's."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from greenroom.kit.ids import BrandId, new_id
from greenroom.webhooks import queries, sender
from greenroom.webhooks.rounds import Worker
from greenroom.webhooks.sender import LEASE
from tests.faults.waiting import eventually
from tests.webhooks.receiver import Receiver, receiving
from tests.webhooks.stage import Stage

CROWDED = BrandId("crowded")
ENDPOINTS = 40  # with four deliveries each they take more than all slots of those that fail or are slow
FAILING = "update webhook_endpoints set failing_since = now()"
LATE = 3.0  # seconds in which nothing comes, where it would come at once


async def crowd(stage: Stage, url: str, *, count: int = ENDPOINTS) -> None:
    """Endpoints of a brand that has many."""
    for _ in range(count):
        await stage.endpoint(url, brand=CROWDED)


@asynccontextmanager
async def beside_a_crowd_that_hangs(stage: Stage, receiver: Receiver) -> AsyncIterator[None]:
    """There is an event for an endpoint that has failed once, while another brand's many hang."""
    async with receiving() as mute:
        mute.gate = asyncio.Event()
        await crowd(stage, mute.url)
        await stage.tell(4, brand=CROWDED)
        await stage.owner.execute(FAILING)
        async with stage.sending():
            await mute.has_arrivals(4 * sender.PATIENT.share)
            await stage.endpoint(receiver.url)
            await stage.owner.execute(f"{FAILING} where failing_since is null")
            await stage.tell()
            yield
            mute.gate.set()


async def test_who_has_failed_once_is_tried_again_though_anothers_many_hang(stage: Stage, receiver: Receiver) -> None:
    async with beside_a_crowd_that_hangs(stage, receiver):
        await receiver.has_received(1)


async def test_without_a_share_it_is_not(stage: Stage, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""
    monkeypatch.setattr(sender, "PATIENT", replace(sender.PATIENT, share=25))  # all of the lane
    async with beside_a_crowd_that_hangs(stage, receiver):
        await asyncio.sleep(LATE)
        assert receiver.arrived == []


async def test_a_brand_with_many_that_answer_is_not_kept_waiting(
    stage: Stage, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing waits for the next look: what was passed over is looked for as soon as it may be."""
    await crowd(stage, receiver.url, count=3 * sender.PROMPT.share)
    async with stage.sending():
        await stage.tell(brand=CROWDED)
        await receiver.has_received(3 * sender.PROMPT.share)
        monkeypatch.setattr(sender, "LOOK_SECONDS", 60.0)
        await stage.tell(brand=CROWDED)
        await receiver.has_received(6 * sender.PROMPT.share)


async def test_a_claim_takes_a_share_of_each_brand_and_nothing_of_the_busy(stage: Stage) -> None:
    await crowd(stage, "https://127.0.0.1:1/", count=5)
    await stage.endpoint("https://127.0.0.1:1/")
    await stage.owner.execute("update webhook_endpoints set due_at = now() - interval '1 hour'")
    await stage.owner.execute("update webhook_endpoints set due_at = now() where brand_id = 'acme'")

    async def claimed(*, most: int = 10, share: int = 2, busy: Sequence[str] = ()) -> list[str]:
        claims = await queries.claim_any_brand(
            stage.db, new_id(), lease=LEASE, is_patient=False, most=most, each=1, share=share, busy=busy
        )
        await stage.owner.execute("update webhook_endpoints set leased_until = '-infinity'")
        return [claim.brand for claim in claims]

    assert await claimed() == [CROWDED, CROWDED, "acme"]
    assert await claimed(most=2) == [CROWDED, CROWDED]
    assert await claimed(busy=[CROWDED]) == ["acme"]
    assert await claimed(share=5) == [CROWDED] * 5 + ["acme"]


@pytest.mark.usefixtures("hurried")
async def test_who_had_a_turn_goes_to_the_end_of_the_line(stage: Stage, receiver: Receiver) -> None:
    endpoint = await stage.endpoint(receiver.url)
    receiver.status = 500
    await stage.tell(20)
    await stage.owner.execute("update webhook_endpoints set leased_until = 'infinity'")
    async with stage.sending():

        async def are_planned() -> bool:
            return len(await stage.deliveries(endpoint)) == 20

        await eventually(are_planned, "they are planned")
    await stage.owner.execute("update webhook_deliveries set next_at = next_at - interval '1 hour'")
    await stage.owner.execute("update webhook_endpoints set due_at = due_at - interval '1 hour', leased_until = '-infinity'")
    async with stage.sending():
        await receiver.has_received(1)

        async def is_noted() -> bool:
            return (await stage.row(endpoint))["failing_since"] is not None

        await eventually(is_noted, "it is noted")
    row = await stage.row(endpoint)
    assert row["due_at"] >= row["failing_since"]


async def test_a_round_that_breaks_waits_for_the_end_of_its_lease(
    stage: Stage, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = 0

    async def broken(*_: object) -> None:
        nonlocal begun
        begun += 1
        raise RuntimeError("whatever it is")

    monkeypatch.setattr(Worker, "work", broken)
    endpoint = await stage.endpoint(receiver.url)
    await stage.tell()
    async with stage.sending():

        async def has_begun() -> bool:
            return begun > 0

        await eventually(has_begun, "it has begun")
        await asyncio.sleep(1.0)
    assert begun == 1
    assert (await stage.row(endpoint))["leased_until"] is not None
