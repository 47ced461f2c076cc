"""What runs beside requests ends when it is told to."""

import asyncio

from greenroom.background import stop


async def test_a_task_that_loses_its_cancellation_is_cancelled_again() -> None:
    async def deaf() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:  # as asyncio.wait_for does before Python 3.12, when a result comes at that moment
            await asyncio.sleep(60)

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await stop([task])
    assert task.cancelled()
