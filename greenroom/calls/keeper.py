"""Looks after each call until all is known of it: what the provider is to be told is told, and what it knows is asked for.

A call whose doors open is made; a session that was renamed or moved is renamed and moved there; who was removed is put out; a
session that ended ends there. Each minute the provider is asked who is inside, so that a webhook that never came is made up
for, and after the end where the recording is. A call is a row with a time; who claims it looks after it, and no row is locked
while the provider is asked. docs/decisions/0025.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import msgspec

from greenroom.calls import queries
from greenroom.calls.queries import Due, LookedAfter
from greenroom.kit.database import Database
from greenroom.kit.errors import Unavailable
from greenroom.kit.ids import UserId, new_request_id
from greenroom.kit.telemetry import calls_looked_after, logger, places_of
from greenroom.providers.protocol import CallPlan, Facts, ProviderError, UnusableIdError, VideoProvider
from greenroom.providers.registry import Providers

LOOK_SECONDS = 0.25
AFTER_FAILURE_SECONDS = 1.0
AT_ONCE = 50
TOGETHER = 16
LEASE = timedelta(minutes=2)
MAKE_LEASE = timedelta(seconds=10)

Clock = Callable[[], datetime | None]

_encode = msgspec.json.Encoder().encode


def _databases_own() -> None:
    """No time of this machine's: processes on several machines agree on the database's."""


class Keeper:
    """Looks after calls, in this process; any number of processes may. `clock` answers None for the database's clock."""

    def __init__(self, db: Database, providers: Providers, *, clock: Clock = _databases_own) -> None:
        self._db = db
        self._providers = providers
        self._clock = clock
        self._together = asyncio.Semaphore(TOGETHER)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                pause = 0.0 if await self.look_after_due() else LOOK_SECONDS
            except Unavailable:
                logger().warning("calls_postponed", reason="database unavailable")
                pause = AFTER_FAILURE_SECONDS
            except Exception as error:  # noqa: BLE001  # whatever it is, the leases end and the calls are looked after then
                logger().error("calls_failed", error=places_of(error))
                pause = AFTER_FAILURE_SECONDS
            await asyncio.sleep(pause)

    async def look_after_due(self) -> int:
        """Look after what is due; answers how many that were. Raises Unavailable."""
        due = await queries.claim_due_any_brand(self._db, most=AT_ONCE, lease=LEASE, now=self._clock())
        await asyncio.gather(*(self._one_of_several(one) for one in due))
        return len(due)

    async def _one_of_several(self, due: Due) -> None:
        """A call that cannot be looked after keeps no other from it: its lease ends, and it is tried again."""
        async with self._together:
            try:
                await self.look_after(due)
            except Unavailable:
                logger().warning("call_postponed", call_id=str(due.id), reason="database unavailable")
            except Exception as error:  # noqa: BLE001  # see above
                logger().error("call_failed", call_id=str(due.id), brand_id=due.brand, error=places_of(error))

    async def look_after(self, due: Due) -> None:
        """Tell the provider what it is to know, ask it what it knows, and keep that. Raises Unavailable."""
        provider = self._providers.video(due.provider)
        done = LookedAfter(failed=provider is None)
        if provider is None:
            logger().warning("call_postponed", call_id=str(due.id), brand_id=due.brand, reason=f"{due.provider} is not set up")
        else:
            await self._visit(provider, due, done)
        calls_looked_after.labels(due.provider, due.phase, "failed" if done.failed else "done").inc()
        await queries.looked_after(self._db, due, done, request_id=new_request_id(), now=self._clock())

    async def _visit(self, provider: VideoProvider, due: Due, done: LookedAfter) -> None:
        try:
            if due.phase == "open" and not due.is_made and not await self._makes(provider, due, done):
                return
            await _told(provider, due, done)
            await _asked(provider, due, done, now=self._clock() or datetime.now(UTC))
        except (ProviderError, UnusableIdError) as error:
            done.failed = True
            logger().warning("call_postponed", call_id=str(due.id), brand_id=due.brand, reason=str(error))

    async def _makes(self, provider: VideoProvider, due: Due, done: LookedAfter) -> bool:
        """Make the call, unless somebody who joins does (calls/making.py): then it is looked after when that is done."""
        claim = await queries.claim(self._db, due.brand, due.id, lease=MAKE_LEASE)
        if claim.how == "ours":
            await provider.ensure_call(plan_of(due))
            done.told = True
        return done.told


def plan_of(due: Due) -> CallPlan:
    """The call as the provider is to have it."""
    starts_at = None if due.starts_at is None else datetime.fromisoformat(due.starts_at)
    return CallPlan(id=str(due.id), title=due.title, starts_at=starts_at, host=due.host, records=due.records)


async def _told(provider: VideoProvider, due: Due, done: LookedAfter) -> None:
    """Raises ProviderError; what was told before that stays told."""
    if not due.is_made:
        return
    plan = plan_of(due)
    if due.phase in {"planned", "open"} and due.is_news:
        await _unless_refused(due, provider.update_call(plan))
        done.told = True
    for user in due.removals:
        await _unless_refused(due, provider.remove(plan.id, UserId(user)))
        done.removed.append(user)
    if due.phase == "over":
        if not due.is_end_told:
            await _unless_refused(due, provider.end_call(plan.id))
        done.end_told = True


async def _unless_refused(due: Due, telling: Awaitable[None]) -> None:
    """What the provider will never take keeps nothing else from it. Raises ProviderError for what it may take later."""
    try:
        await telling
    except UnusableIdError:
        pass  # nobody of that id can be there
    except ProviderError as error:
        if not error.is_refusal:
            raise
        logger().warning("call_refused", call_id=str(due.id), brand_id=due.brand, reason=str(error))


async def _asked(provider: VideoProvider, due: Due, done: LookedAfter, *, now: datetime) -> None:
    """Raises ProviderError; what was learned before that is kept."""
    if due.phase == "planned" or not (due.is_made or done.told):
        return
    state = await provider.state_of(str(due.id))
    if state is None and due.phase == "open" and due.is_sessions:
        await provider.ensure_call(plan_of(due))  # LiveKit forgot it, and would not record a room that it makes for who comes
    facts = Facts() if state is None else state.facts
    done.asked_at = now
    if state is not None:
        done.inside = state.inside
        done.span = state.span if state.is_live else None
    done.facts = _encode(facts).decode()
    if due.phase == "called_off":
        for user in {one.user for one in facts.connections if one.id in done.inside}:
            await _unless_refused(due, provider.remove(str(due.id), UserId(user)))
    if due.phase == "over" and due.is_end_told and done.inside:
        await _unless_refused(due, provider.end_call(str(due.id)))  # who had a token still made LiveKit open it again
    if due.awaits_recording:
        recordings = await provider.recordings_of(str(due.id))
        done.facts = _encode(msgspec.structs.replace(facts, recordings=[*facts.recordings, *recordings])).decode()
