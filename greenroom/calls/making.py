"""Makes a call at its provider once, however many want in at that moment, in this process and in others.

In a process they share one attempt; between processes a lease on the call's row decides, and the others wait for what comes of
it. No row is locked while the provider is asked. Should two attempts meet all the same, the provider makes one call of them:
its name is ours.
"""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from greenroom.calls import queries
from greenroom.calls.queries import Planned
from greenroom.identity.single_flight import SingleFlight
from greenroom.kit.database import Database
from greenroom.kit.errors import NotConfigured, NotFound, ProviderFailed, Unavailable
from greenroom.kit.ids import BrandId, SessionId, UserId
from greenroom.providers.protocol import CallPlan, ChatProvider, ProviderError, UnusableIdError
from greenroom.providers.registry import Providers

WAIT_SECONDS = 1.75  # within the 2 s that a join may take for it, with what comes before and after
LEASE = timedelta(seconds=5)
LOOK_SECONDS = 0.02

T = TypeVar("T")


class Making:
    """Calls and channels that are being made."""

    def __init__(self, db: Database, providers: Providers) -> None:
        self._db = db
        self._providers = providers
        self._calls: SingleFlight[tuple[BrandId, SessionId], None] = SingleFlight()
        self._channels: SingleFlight[UUID, None] = SingleFlight()

    def __contains__(self, row: tuple[BrandId, SessionId]) -> bool:
        """Whether the session's call is being made in this process."""
        return row in self._calls

    async def ensure_call(self, brand: BrandId, session: SessionId) -> None:
        """Return when the provider has the call. Raises ProviderFailed, NotConfigured, Unavailable after 2 s."""
        await self._calls.result((brand, session), lambda: self._make(brand, session))

    async def ensure_channel(self, chat: ChatProvider, brand: BrandId, session: SessionId, *, title: str, host: UserId) -> None:
        """Return when the provider has the channel. Raises ProviderFailed."""

        async def make() -> None:
            await asked(chat.ensure_channel(str(session), title=title, host=host))
            await queries.channel_made(self._db, brand, session)

        await self._channels.result(session, make)

    async def close(self) -> None:
        """Give up what is under way."""
        await self._calls.close()
        await self._channels.close()

    async def _make(self, brand: BrandId, session: SessionId) -> None:
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            claim = await queries.claim(self._db, brand, session, lease=LEASE)
            match claim.how, claim.planned:
                case "ours", Planned() as planned:
                    await self._ask(brand, planned, deadline)
                    return
                case "made", _:
                    return
                case "not_found", _:
                    raise NotFound("There is no such session.")
            await asyncio.sleep(LOOK_SECONDS)
        raise Unavailable("The room is being opened; try again.")

    async def _ask(self, brand: BrandId, planned: Planned, deadline: float) -> None:
        provider = self._providers.video(planned.provider)
        is_made = False
        try:
            if provider is None:
                raise NotConfigured
            async with asyncio.timeout_at(deadline):
                await asked(provider.ensure_call(plan_of(planned)))
            is_made = True
        except TimeoutError as error:
            raise ProviderFailed from error
        finally:
            await queries.made(self._db, brand, planned, is_made=is_made)


def plan_of(planned: Planned) -> CallPlan:
    """The call as the provider is to have it."""
    return CallPlan(
        id=str(planned.id), title=planned.title, starts_at=planned.starts_at, host=planned.host, records=planned.records
    )


async def asked(question: Awaitable[T]) -> T:
    """The provider's answer. Raises ProviderFailed."""
    try:
        return await question
    except UnusableIdError as error:  # the host's
        raise ProviderFailed from error
    except ProviderError as error:
        raise ProviderFailed(retry_after_seconds=error.retry_after_seconds) from error
