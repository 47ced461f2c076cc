"""A form that is sent twice in one moment, by a double click: the second sending waits for what the first one brings about."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from greenroom.kit.errors import Conflict

T = TypeVar("T")

WAITS: Final = (0.05, 0.1, 0.2, 0.4, 0.8)  # seconds; the first sending takes some milliseconds


async def done_once(act: Callable[[], Awaitable[T]]) -> T:
    """What the act answers, which names its sending by a key. Raises Conflict where the first one is still under way."""
    for seconds in WAITS:
        try:
            return await act()
        except Conflict:
            await asyncio.sleep(seconds)
    return await act()
