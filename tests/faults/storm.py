"""A hot session, and many people who press a button until they are told something."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import httpx

from tests.faults.aftermath import assert_unavailable
from tests.faults.registering import register
from tests.faults.waiting import eventually
from tests.tenant import Json, Tenant

PEOPLE, SEATS = 200, 80
AT_ONCE = 40
FIRST, LAST = 0.05, 0.6  # of the people: a fault falls between these
AGAIN_SECONDS = 0.05
BACK_SECONDS = 10.0

Fault = Callable[[], Awaitable[None]]


class Storm:
    """One storm. `told` is who was acknowledged, and how; `press` what a person does, `done` the answer that is hoped for."""

    def __init__(
        self, session: Json, press: Callable[[str], Awaitable[httpx.Response]], *, done: HTTPStatus, people: int = PEOPLE
    ) -> None:
        self.told: dict[str, Json] = {}
        self.people = [f"person {number}" for number in range(people)]
        self.session = session
        self._press = press
        self._done = done

    async def struck_by(self, *faults: Fault) -> bool:
        """Let these happen in the middle; fails when not everybody is told within 10 s of the last. Whether it was in time."""
        left = list(self.people)
        running = [asyncio.create_task(self._press_for(left)) for _ in range(AT_ONCE)]
        moments = sorted(random.sample(range(int(FIRST * len(left)), int(LAST * len(left))), len(faults)))
        was_in_time = True
        try:
            for fault, moment in zip(faults, moments, strict=True):
                await eventually(self._enough(moment), "the storm rises")
                was_in_time = len(self.told) < len(self.people)
                await fault()
            async with asyncio.timeout(BACK_SECONDS):
                await asyncio.gather(*running)
        finally:
            for one in running:
                one.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        return was_in_time

    def _enough(self, number: int) -> Callable[[], Awaitable[bool]]:
        async def enough() -> bool:
            return len(self.told) >= number

        return enough

    async def _press_for(self, left: list[str]) -> None:
        while left:
            person = left.pop()
            while not await self._is_told(person):  # noqa: ASYNC110  # what it waits for it does itself
                await asyncio.sleep(AGAIN_SECONDS)

    async def _is_told(self, person: str) -> bool:
        """A 503 and a connection that breaks say that nothing is known; anything else but what is hoped for would be wrong."""
        try:
            response = await self._press(person)
        except httpx.TransportError:
            return False
        if response.status_code != self._done:
            assert_unavailable(response)
            return False
        self.told[person] = response.json()
        return True


async def storm(http: httpx.AsyncClient, tenant: Tenant) -> Storm:
    """Everybody registers. Before it breaks loose."""
    session = await tenant.session(http, max_participants=SEATS)
    return Storm(session, lambda person: register(http, tenant, session, person), done=HTTPStatus.CREATED)
