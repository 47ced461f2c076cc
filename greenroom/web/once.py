"""A form that is sent twice in one moment, by a double click: the second sending waits for what the first one brings about."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from greenroom.kit.errors import Conflict

T = TypeVar("T")

MOST: Final = 6
FIRST_WAIT_SECONDS: Final = 0.05  # and twice as long each time; the first sending takes some milliseconds


async def done_once(act: Callable[[], Awaitable[T]]) -> T:
    """What the act answers, which names its sending by a key. Raises Conflict where the first one is still under way."""
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(Conflict),
        wait=wait_exponential(multiplier=FIRST_WAIT_SECONDS),
        stop=stop_after_attempt(MOST),
        reraise=True,
    ):
        with attempt:
            return await act()
    raise AssertionError("the last attempt answers or raises")
