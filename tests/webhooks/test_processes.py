"""Processes that send: one is killed, two share the work, the database goes away. Nothing is lost."""

import asyncio
import signal
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import asyncpg

from tests.commands.command import started
from tests.faults.waiting import eventually
from tests.server import environment_of
from tests.webhooks.receiver import Receiver
from tests.webhooks.stage import Stage

END_LEASES = "update webhook_endpoints set leased_until = clock_timestamp()"
CUT = """
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and application_name = 'greenroom' and pid <> pg_backend_pid()
"""


async def test_what_a_killed_process_was_sending_is_sent_again_when_its_lease_ends(
    stage: Stage, receiver: Receiver, tmp_path: Path
) -> None:
    endpoint = await stage.endpoint(receiver.url)
    await stage.tell(10)
    env = environment_of(stage.database)
    receiver.gate = asyncio.Event()
    with started("worker", env=env, log=tmp_path / "log1") as worker:
        await receiver.has_arrivals(4)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    before = list(receiver.arrived)
    with started("worker", env=env, log=tmp_path / "log2"):
        await asyncio.sleep(2)
        assert receiver.arrived == before  # the lease of who was killed is respected
        receiver.gate.set()
        await stage.owner.execute(END_LEASES)
        await stage.owner.execute("update sinks set held_until = clock_timestamp()")

        async def all_are_delivered() -> bool:
            states = [one.state for one in await stage.deliveries(endpoint)]
            return states == ["delivered"] * 10

        await eventually(all_are_delivered, "all are delivered")
    again = receiver.arrived[len(before) :]
    assert {one.id for one in before} < {one.id for one in again}
    assert len(again) == len({one.id for one in again}) == 10


async def test_two_processes_send_each_delivery_once(stage: Stage, receiver: Receiver, tmp_path: Path) -> None:
    endpoints = [await stage.endpoint(receiver.url) for _ in range(10)]
    env = environment_of(stage.database)
    with ExitStack() as both:
        for number in range(2):
            both.enter_context(started("worker", env=env, log=tmp_path / f"log{number}"))
        for _ in range(5):
            await stage.tell(4)
        await receiver.has_received(20 * len(endpoints))

        async def all_are_noted() -> bool:
            return bool(await stage.owner.fetchval("select count(*) = 200 from webhook_deliveries where state = 'delivered'"))

        await eventually(all_are_noted, "all are noted")
    assert set(Counter(one.id for one in receiver.received).values()) == {len(endpoints)}
    assert len(receiver.received) == 20 * len(endpoints)


async def test_a_process_that_is_stopped_leaves_what_it_has_to_the_next_at_once(
    stage: Stage, receiver: Receiver, tmp_path: Path
) -> None:
    await stage.endpoint(receiver.url)
    await stage.tell(10)
    env = environment_of(stage.database)
    receiver.gate = asyncio.Event()
    with started("worker", env=env, log=tmp_path / "log1") as worker:
        await receiver.has_arrivals(4)
        worker.terminate()
        assert worker.wait(15) == 0
    assert await stage.owner.fetchval("select leased_until <= clock_timestamp() from webhook_endpoints")
    receiver.gate.set()
    with started("worker", env=env, log=tmp_path / "log2"):

        async def are_delivered() -> bool:
            return bool(await stage.owner.fetchval("select count(*) = 10 from webhook_deliveries where state = 'delivered'"))

        await eventually(are_delivered, "all are delivered")


async def test_a_database_that_is_cut_off_again_and_again_loses_nothing(stage: Stage, receiver: Receiver) -> None:
    endpoint = await stage.endpoint(receiver.url)
    watcher = await asyncpg.connect(stage.database.superuser_url)
    receiver.delay = 0.01
    try:
        async with stage.sending():
            for _ in range(8):
                await stage.tell(10)
                await asyncio.sleep(0.15)
                await watcher.execute(CUT)
            await stage.owner.execute(END_LEASES)

            async def all_are_delivered() -> bool:
                await watcher.execute(END_LEASES)  # what was noted while the database was away waits for its lease
                found = await watcher.fetchrow(
                    "select count(*), count(*) filter (where state = 'delivered') from webhook_deliveries"
                )
                return found is not None and tuple(found) == (80, 80)

            await eventually(all_are_delivered, "all are delivered")
    finally:
        await watcher.close()
    assert len({one.id for one in receiver.received}) == 80
    assert (await stage.row(endpoint))["status"] == "enabled"
