"""The timers: doors open, reminders, a host who is late, a session that nobody started or that does not end.

A timer is a row, planned by the change that causes it, in its transaction. It is a hint: what fires is judged by the session
as it is at that moment, and what has fired is noted in the transaction of its effect. docs/decisions/0023.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from greenroom.kit.database import Database
from greenroom.kit.errors import Unavailable
from greenroom.kit.ids import new_request_id
from greenroom.kit.telemetry import logger, places_of, timer_lateness, timers_fired, timers_overdue
from greenroom.timers import queries
from greenroom.timers.queries import Claim, Fired

LOOK_SECONDS = 0.25
AFTER_FAILURE_SECONDS = 1.0
AT_ONCE = 100  # timers in one transaction, whose sessions are locked together
PEOPLE_AT_ONCE = 1_000  # who are reminded in one transaction
LEASE = timedelta(seconds=30)
BUSY_WAIT = timedelta(seconds=0.2)
FAILED_WAIT = timedelta(minutes=1)

Clock = Callable[[], datetime | None]


def _databases_own() -> None:
    """No time of this machine's: processes on several machines agree on the database's."""


class Timers:
    """Fires what is due, in this process; any number of processes may. `clock` answers None for the database's clock."""

    def __init__(self, db: Database, *, clock: Clock = _databases_own) -> None:
        self._db = db
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                pause = 0.0 if await self.fire_due() else LOOK_SECONDS
            except Unavailable:
                logger().warning("timers_postponed", reason="database unavailable")
                pause = AFTER_FAILURE_SECONDS
            except Exception as error:  # noqa: BLE001  # whatever it is, the lease ends and the timers are tried again
                logger().error("timers_failed", error=places_of(error))
                pause = AFTER_FAILURE_SECONDS
            await asyncio.sleep(pause)

    async def fire_due(self) -> int:
        """Claim what is due, and fire it; answers how many were claimed. Raises Unavailable."""
        claimed = await queries.claim_any_brand(self._db, most=AT_ONCE, lease=LEASE, now=self._clock())
        if claimed:
            fired = await self._fired(claimed)
            self._say(fired)
            if busy := [one for one in fired if one.outcome == "busy"]:
                await queries.release_any_brand(self._db, busy, wait=BUSY_WAIT, now=self._clock())
        return len(claimed)

    async def _fired(self, claimed: Sequence[Claim]) -> list[Fired]:
        """Together; where that fails, each by itself, so that one bad row keeps no other from its time."""
        try:
            return await queries.fire_any_brand(
                self._db, claimed, people=PEOPLE_AT_ONCE, request_id=new_request_id(), now=self._clock()
            )
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001  # see above
            if len(claimed) > 1:
                return [fired for one in claimed for fired in await self._fired([one])]
            logger().error("timer_failed", subject_id=str(claimed[0].subject_id), error=places_of(error))
            await queries.release_any_brand(self._db, claimed, wait=FAILED_WAIT, now=self._clock())
            return []

    def _say(self, fired: Sequence[Fired]) -> None:
        for one in fired:
            kind, late = one.kind or "none", one.late or timedelta()
            timers_fired.labels(kind, one.outcome).inc()
            if one.outcome == "fired":
                timer_lateness.labels(kind).observe(max(late.total_seconds(), 0.0))
            if one.outcome == "dropped":
                logger().warning(
                    "timer_dropped", kind=kind, subject_id=str(one.subject_id), brand_id=one.brand_id,
                    late_seconds=round(late.total_seconds()),
                )  # fmt: skip


async def measure(db: Database) -> None:
    """Show in the metrics whether timers are late. Raises Unavailable."""
    timers_overdue.set(await queries.overdue_any_brand(db))
