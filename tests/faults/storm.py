"""A hot session, and many people who press "register" until they are told something."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import httpx

from tests.faults.aftermath import assert_unavailable
from tests.faults.registering import register
from tests.faults.waiting import eventually
from tests.tenant import Json, Tenant

PEOPLE, SEATS = 200, 80
AT_ONCE = 40
FIRST, LAST = 10, 120  # of the people: a fault falls between these
AGAIN_SECONDS = 0.05
BACK_SECONDS = 10.0

Fault = Callable[[], Awaitable[None]]


class Storm:
    """One storm. `told` is who was acknowledged, and with which registration."""

    def __init__(self, http: httpx.AsyncClient, tenant: Tenant, session: Json) -> None:
        self.told: dict[str, Json] = {}
        self.people = [f"person {number}" for number in range(PEOPLE)]
        self.session = session
        self._http = http
        self._tenant = tenant

    async def struck_by(self, *faults: Fault) -> bool:
        """Let these happen in the middle; fails when not everybody is told within 10 s of the last. Whether it was in time."""
        left = list(self.people)
        running = [asyncio.create_task(self._press_for(left)) for _ in range(AT_ONCE)]
        moments = sorted(random.sample(range(FIRST, LAST), len(faults)))
        was_in_time = True
        try:
            for fault, moment in zip(faults, moments, strict=True):
                await eventually(self._enough(moment), "the storm rises")
                was_in_time = len(self.told) < PEOPLE
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
        """A 503 and a connection that breaks say that nothing is known; anything else but a registration would be wrong."""
        try:
            response = await register(self._http, self._tenant, self.session, person)
        except httpx.TransportError:
            return False
        if response.status_code != httpx.codes.CREATED:
            assert_unavailable(response)
            return False
        self.told[person] = response.json()
        return True


async def storm(http: httpx.AsyncClient, tenant: Tenant) -> Storm:
    """Before it breaks loose."""
    return Storm(http, tenant, await tenant.session(http, max_participants=SEATS))
