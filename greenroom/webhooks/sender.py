"""Sends what is planned. Any number of processes do; each claims endpoints for a lease, and lets them go when it has noted
what came of it. Those that fail or are slow are in a lane of their own. docs/decisions/0028.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from greenroom.kit.clock import wire_text
from greenroom.kit.database import Database
from greenroom.kit.errors import Unavailable
from greenroom.kit.gathering import Gathering
from greenroom.kit.ids import new_id, new_request_id
from greenroom.kit.telemetry import logger, places_of, webhook_attempts, webhook_seconds
from greenroom.webhooks import queries
from greenroom.webhooks.addresses import Reach
from greenroom.webhooks.dialing import Resolve, Resolver, trusting
from greenroom.webhooks.queries import Claim, Noted, Round
from greenroom.webhooks.rounds import AT_ONCE, Sent, Worker, round_of
from greenroom.webhooks.signing import SecretBox

LOOK_SECONDS = 0.25
AFTER_FAILURE_SECONDS = 1.0
LEASE = timedelta(seconds=30)
PATIENCE = timedelta(days=5)  # with an endpoint that fails
STOP_SECONDS = 1.0  # for requests under way to end by themselves
NOTE_SECONDS = 10.0
CLAIMED_AT_ONCE = 100


class Pace(Struct, frozen=True, kw_only=True):
    """How much a lane does at once: requests, deliveries of one claim, threads that resolve names. A brand that has `share`
    endpoints under way is passed over until it has fewer, and may be resolving `names`.
    """

    slots: int
    each: int
    threads: int
    share: int
    names: int


PROMPT = Pace(slots=400, each=64, threads=32, share=25, names=8)
PATIENT = Pace(slots=100, each=8, threads=16, share=6, names=4)


class Sender:
    """Sends in this process. `resolve` stands for the system's resolver."""

    def __init__(
        self, db: Database, box: SecretBox, reach: Reach, *, resolve: Resolve | None = None, trust: ssl.SSLContext | None = None
    ) -> None:
        self._db = db
        self._me: UUID = new_id()
        trust = trust or trusting()
        self._lanes = [
            _Lane(db, self._me, box, reach, is_patient=is_patient, pace=pace, resolve=resolve, trust=trust)
            for is_patient, pace in ((False, PROMPT), (True, PATIENT))
        ]

    def wake(self) -> None:
        """There is something to send. Those that fail or are slow can wait until their lane looks by itself."""
        self._lanes[0].wake()

    async def run(self) -> None:
        """Until cancelled; requests under way then have a moment to end, and what came of them is noted."""
        notes = Gathering(self._noted, wait_seconds=NOTE_SECONDS)
        try:
            async with asyncio.TaskGroup() as lanes:
                for lane in self._lanes:
                    lanes.create_task(lane.run(notes))
        finally:
            for lane in self._lanes:
                lane.close()

    async def _noted(self, rounds: Sequence[Round]) -> Sequence[None]:
        noted = await queries.note_any_brand(self._db, self._me, rounds, patience=PATIENCE, request_id=new_request_id())
        for one in noted:
            if one.reason is not None:
                _say(one)
        if any(one.reason is None for one in noted):
            for lane in self._lanes:
                lane.wake()
        return [None] * len(rounds)


class _Lane:
    """Endpoints that answer, or those that fail or are slow."""

    def __init__(
        self, db: Database, holder: UUID, box: SecretBox, reach: Reach,
        *, is_patient: bool, pace: Pace, resolve: Resolve | None, trust: ssl.SSLContext,
    ) -> None:  # fmt: skip
        self._db = db
        self._holder = holder
        self._is_patient = is_patient
        self._pace = pace
        self._resolver = Resolver(threads=pace.threads, share=pace.names)
        resolver_of = self._resolver.of if resolve is None else lambda _: resolve
        self._worker = Worker(resolver_of, reach, trust, box, asyncio.Semaphore(pace.slots))
        self._taken = 0
        self._of_brand = Counter[str]()
        self._news = asyncio.Event()
        self._rounds: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        self._news.set()

    def close(self) -> None:
        self._resolver.close()

    async def run(self, notes: Gathering[Round, None]) -> None:
        """Claim and send, until cancelled."""
        try:
            while True:
                pause = await self._claimed(notes)
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._news.wait()
        finally:
            await self._wind_up()

    async def _claimed(self, notes: Gathering[Round, None]) -> float:
        """Begin rounds for what is due and fits; answers for how many seconds to sleep at most."""
        self._news.clear()
        most = min(self._pace.slots - self._taken, CLAIMED_AT_ONCE)
        if most < 1:
            return LOOK_SECONDS
        try:
            claims = await queries.claim_any_brand(
                self._db, self._holder, lease=LEASE, is_patient=self._is_patient, most=most, each=self._pace.each,
                share=self._pace.share, busy=[brand for brand, rounds in self._of_brand.items() if rounds >= self._pace.share],
            )  # fmt: skip
        except Unavailable:
            logger().warning("webhooks_postponed", reason="database unavailable")
            return AFTER_FAILURE_SECONDS
        except Exception as error:  # noqa: BLE001  # whatever it is, the next look may succeed, and nothing is lost meanwhile
            logger().error("webhooks_failed", error=places_of(error))
            return AFTER_FAILURE_SECONDS
        for claim in claims:
            self._of_brand[claim.brand] += 1
            task = asyncio.create_task(self._round(claim, notes))
            self._rounds.add(task)
            task.add_done_callback(self._rounds.discard)
        return 0.0 if len(claims) == most else LOOK_SECONDS

    async def _round(self, claim: Claim, notes: Gathering[Round, None]) -> None:
        takes = min(AT_ONCE, len(claim.due))
        self._taken += takes
        sent: list[Sent] = []
        try:
            await self._worker.work(claim, sent)
        except asyncio.CancelledError:
            pass  # the process stops: what was cut off is sent again, what was not is noted
        except Exception as error:  # noqa: BLE001  # it concerns this endpoint alone
            logger().error("webhook_round_failed", endpoint_id=str(claim.endpoint), error=places_of(error))
            if not sent:
                return  # until its lease ends: it would fail again at once
        finally:
            self._taken -= takes
            self._over(claim.brand)
        try:
            await notes.send(round_of(claim, sent))
        except Unavailable:  # it is sent again when its lease has ended
            logger().warning("webhook_round_forgotten", endpoint_id=str(claim.endpoint), reason="database unavailable")
        except Exception as error:  # noqa: BLE001  # the same
            logger().error("webhook_round_forgotten", endpoint_id=str(claim.endpoint), error=places_of(error))
        _count(sent)
        self._say(claim, sent)

    def _over(self, brand: str) -> None:
        """A round of the brand has ended; whoever was passed over for that is looked for at once."""
        self._of_brand[brand] -= 1
        if self._of_brand[brand] == self._pace.share - 1:
            self.wake()
        if not self._of_brand[brand]:
            del self._of_brand[brand]

    async def _wind_up(self) -> None:
        if self._rounds:
            _, left = await asyncio.wait(self._rounds, timeout=STOP_SECONDS)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def _say(self, claim: Claim, sent: Sequence[Sent]) -> None:
        for one in sent:
            if not one.attempt.is_delivered:
                logger().warning(
                    "webhook_failed", endpoint_id=str(claim.endpoint), brand_id=claim.brand, event_id=str(one.due.event_id),
                    attempt=one.due.attempts + 1, reason=one.attempt.error, status=one.attempt.status,
                )  # fmt: skip


def _count(sent: Sequence[Sent]) -> None:
    now = datetime.now(UTC)
    for one in sent:
        webhook_attempts.labels(one.attempt.error or "delivered").inc()
        if one.attempt.is_delivered:
            told = datetime.fromisoformat(wire_text(one.due.told_at))
            webhook_seconds.observe(max((now - told).total_seconds(), 0.0))


def _say(one: Noted) -> None:
    logger().warning("webhook_endpoint_disabled", endpoint_id=str(one.endpoint), brand_id=one.brand, reason=one.reason)
