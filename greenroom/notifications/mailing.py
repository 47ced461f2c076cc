"""Sends what was planned, if it still holds: by SMTP, or as an event for whoever sends instead.

Messages that are due are claimed two hundred at a time, judged as they are claimed, and handed over at once or given back.
What was handed over is noted; what a process took to its grave is claimed again when its lease ends, and goes out with the
same Message-ID. While nobody knows whether a message arrived, its correction is not left out. docs/decisions/0030.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final, Protocol
from uuid import UUID

import msgspec
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from greenroom.kit.clock import wire_time
from greenroom.kit.database import Database
from greenroom.kit.errors import Unavailable
from greenroom.kit.ids import new_id
from greenroom.kit.telemetry import logger, mails, mails_overdue, places_of
from greenroom.notifications import queries
from greenroom.notifications.composing import Letterhead, composed, requested_variables, template_kind, variables_of
from greenroom.notifications.queries import Claimed, Settled
from greenroom.notifications.smtp import Connection, LaterError, MailServer, RefusedError, ServerError
from greenroom.notifications.templates import Written, written
from greenroom.notifications.words import WORDS, Words

LOOK_SECONDS: Final = 0.25
AT_ONCE: Final = 200
PEOPLE_AT_ONCE: Final = 500  # of a session, whose messages are written in one transaction
CONNECTIONS: Final = 4
FRESH_SECONDS: Final = 5.0  # after which what was judged is judged again
LEASE: Final = timedelta(minutes=2)  # longer than it stays fresh, and a server may take over one message
PATIENCE: Final = timedelta(days=1)
FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(hours=1)
FIRST_BREAK_SECONDS: Final = 0.5  # when it is the server that has trouble
LONGEST_BREAK_SECONDS: Final = 60.0
LAST_WORDS_SECONDS: Final = 1.5
CACHED_TEMPLATES: Final = 1_000
NOTED_AT_ONCE: Final = 50
FORGOTTEN_AT_ONCE: Final = 5_000

REQUESTED: Final = "comms.message.send_requested.v1"
BOUNCED: Final = "comms.message.bounced.v1"

Clock = Callable[[], datetime | None]

_encode = msgspec.json.Encoder().encode


def _databases_own() -> None:
    """No time of this machine's: processes on several machines agree on the database's."""


class _FailedError(Exception):
    """Nothing could be done this time: wait longer than the last time."""


class Carrier(Protocol):
    """One way out, for one message at a time."""

    async def send(self, sender: str, recipient: str, message: bytes) -> None:
        """Raises ServerError, LaterError, RefusedError."""
        ...

    async def close(self) -> None:
        """Say goodbye."""
        ...


class Mailing:
    """Sends, in this process; any number of processes may. `clock` answers None for the database's clock."""

    def __init__(self, db: Database, head: Letterhead, server: MailServer | None, *, clock: Clock = _databases_own) -> None:
        self._db = db
        self._head = head
        self._clock = clock
        self._me: UUID = new_id()
        self._carriers: list[Carrier] = [] if server is None else [Connection(server) for _ in range(CONNECTIONS)]
        self._settled: list[Settled] = []  # what is not written down yet
        self._templates: dict[tuple[str, str], tuple[UUID, int, Words]] = {}

    async def run(self) -> None:
        """Until cancelled."""
        patience = wait_random_exponential(multiplier=FIRST_BREAK_SECONDS, max=LONGEST_BREAK_SECONDS)
        try:
            while True:
                async for attempt in AsyncRetrying(retry=retry_if_exception_type(_FailedError), wait=patience):
                    with attempt:
                        await self._worked()
        finally:
            await self.close()

    async def close(self) -> None:
        """Say goodbye to the server."""
        await asyncio.gather(*(carrier.close() for carrier in self._carriers), return_exceptions=True)

    async def _worked(self) -> None:
        """Do what there is to do. Raises _FailedError when nothing could be done."""
        try:
            await self._note()
            written_to = await queries.write_any_brand(self._db, most=PEOPLE_AT_ONCE)
            sent = await self.send_due()
        except ServerError as error:
            logger().warning("mail_postponed", reason=str(error))
            raise _FailedError from error
        except Unavailable as error:
            logger().warning("mail_postponed", reason="database unavailable")
            raise _FailedError from error
        except Exception as error:
            logger().error("mail_failed", error=places_of(error))
            raise _FailedError from error
        if not (sent or written_to):
            await asyncio.sleep(LOOK_SECONDS)

    async def send_due(self) -> int:
        """Claim what is due, and send what holds; answers how many were claimed. Raises Unavailable, ServerError."""
        claimed = await queries.claim_any_brand(
            self._db, self._me, most=AT_ONCE, lease=LEASE, patience=PATIENCE, needs_address=bool(self._carriers),
            now=self._clock(),
        )  # fmt: skip
        for one in claimed:
            if one.why is not None:
                mails.labels(template_kind(one.kind), "given_up" if one.why == "gave_up" else "dropped").inc()
        holding = [one for one in claimed if one.why is None]
        if holding:
            await (self._send(holding) if self._carriers else self._request(holding))
        return len(claimed)

    async def _request(self, holding: Sequence[Claimed]) -> None:
        """Ask whoever sends instead of us: the event and the note that it was asked for are one transaction."""
        settled = [
            Settled(brand_id=it.brand_id, id=it.id, outcome="sent", event=REQUESTED, payload=_requested(it, self._head))
            for it in holding
        ]
        await queries.settle_any_brand(self._db, self._me, settled, now=self._clock())
        for it in holding:
            mails.labels(template_kind(it.kind), "requested").inc()

    async def _send(self, holding: Sequence[Claimed]) -> None:
        batch = _Batch(holding)
        carrying = [asyncio.create_task(self._carry(carrier, batch)) for carrier in self._carriers[: len(holding)]]
        try:
            await asyncio.wait(carrying)
        except asyncio.CancelledError:
            self._settled += batch.given_back()
            await asyncio.wait(carrying, timeout=LAST_WORDS_SECONDS)  # what is on its way may arrive
            with suppress(Unavailable, TimeoutError):
                await asyncio.wait_for(self._note(), LAST_WORDS_SECONDS)
            raise
        self._settled += batch.given_back()
        await self._note()
        troubles = [error for task in carrying if (error := task.exception()) is not None]
        if troubles:
            raise troubles[0]

    async def _carry(self, carrier: Carrier, batch: "_Batch") -> None:
        """Hand over one after the other. Raises ServerError, Unavailable; then the others stop, too."""
        while (it := batch.next()) is not None:
            try:
                settled = await self._handed_over(carrier, it)
            except (ServerError, Unavailable):
                self._settled.append(_released(it))
                batch.stop()
                raise
            self._settled.append(settled)
            if len(self._settled) >= NOTED_AT_ONCE:
                try:
                    await self._note()
                except Unavailable:
                    batch.stop()
                    raise

    async def _handed_over(self, carrier: Carrier, it: Claimed) -> Settled:
        """What became of it. Raises ServerError, Unavailable."""
        kind = template_kind(it.kind)
        try:
            message = composed(it, await self._words(it), self._head)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001  # one that cannot be written keeps no other from being sent
            logger().error(
                "mail_not_written", message_id=str(it.id), brand_id=it.brand_id, kind=it.kind, error=places_of(error)
            )
            mails.labels(kind, "failed").inc()
            return Settled(brand_id=it.brand_id, id=it.id, outcome="failed", why="not_written")
        try:
            await carrier.send(self._head.sender or "", it.email or "", message)
        except LaterError as error:
            logger().info("mail_deferred", message_id=str(it.id), brand_id=it.brand_id, reason=str(error))
            mails.labels(kind, "deferred").inc()
            outcome = "deferred" if error.is_certain else "unsure"
            return Settled(brand_id=it.brand_id, id=it.id, outcome=outcome, why=str(error), pause=pause_after(it.attempts))
        except RefusedError as error:
            logger().warning("mail_bounced", message_id=str(it.id), brand_id=it.brand_id, reason=str(error))
            mails.labels(kind, "bounced").inc()
            return Settled(
                brand_id=it.brand_id, id=it.id, outcome="bounced", why=str(error), email=it.email,
                event=BOUNCED, payload=_bounced(it, str(error)),
            )  # fmt: skip
        mails.labels(kind, "sent").inc()
        return Settled(brand_id=it.brand_id, id=it.id, outcome="sent")

    async def _note(self) -> None:
        """Write down what became of messages, as far as it is known. Raises Unavailable: then it is written down later."""
        settled, self._settled = self._settled, []
        if not settled:
            return
        try:
            await queries.settle_any_brand(self._db, self._me, settled, now=self._clock())
        except BaseException:
            self._settled = settled + self._settled
            raise

    async def _words(self, it: Claimed) -> Written:
        """The brand's own, or the program's where the brand has none, or none that can be rendered. Raises Unavailable."""
        variables = variables_of(it, self._head)
        kind = template_kind(it.kind)
        own = await self._brands_own(it)
        if own is not None:
            try:
                return written(own, variables)
            except Exception as error:  # noqa: BLE001  # whatever it is, the reader is told
                logger().warning("mail_template_failed", brand_id=it.brand_id, kind=kind, error=type(error).__name__)
        return written(WORDS[kind], variables)

    async def _brands_own(self, it: Claimed) -> Words | None:
        if it.template_id is None or it.template_version is None:
            return None
        key = (it.brand_id, template_kind(it.kind))
        known = self._templates.get(key)
        if known is None or known[:2] != (it.template_id, it.template_version):
            found = await queries.template(self._db, *key)
            if found is None:
                return None
            if len(self._templates) >= CACHED_TEMPLATES:
                self._templates.clear()
            known = self._templates[key] = (found.id, found.version, Words(found.subject, found.text, found.html))
        return known[2]


class _Batch:
    """Messages that were claimed together."""

    def __init__(self, holding: Sequence[Claimed]) -> None:
        self._waiting = deque(holding)
        self._given_back: list[Claimed] = []
        self._fresh_until = monotonic() + FRESH_SECONDS

    def next(self) -> Claimed | None:
        """The next to hand over; None where there is none, or what was judged is no longer fresh."""
        if monotonic() > self._fresh_until:
            self.stop()
        return self._waiting.popleft() if self._waiting else None

    def stop(self) -> None:
        """Those that wait are given back."""
        self._given_back += self._waiting
        self._waiting.clear()

    def given_back(self) -> list[Settled]:
        """Those that are to be judged again."""
        self.stop()
        back, self._given_back = self._given_back, []
        return [_released(it) for it in back]


def pause_after(attempts: int) -> timedelta:
    """Until the next attempt: twice as long each time, and no two the same."""
    longest: timedelta = min(FIRST_PAUSE * 2 ** min(attempts, 10), LONGEST_PAUSE)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311  # so that they do not all come back together


async def forget(db: Database, *, age: timedelta) -> None:
    """Forget messages that came to an end and are older. Raises Unavailable."""
    while await queries.forget_any_brand(db, most=FORGOTTEN_AT_ONCE, age=age) == FORGOTTEN_AT_ONCE:
        pass


async def measure(db: Database) -> None:
    """Show in the metrics whether mail waits. Raises Unavailable."""
    mails_overdue.set(await queries.overdue_any_brand(db))


def _released(it: Claimed) -> Settled:
    return Settled(brand_id=it.brand_id, id=it.id, outcome="released")


def _requested(it: Claimed, head: Letterhead) -> str:
    return _encode(
        {
            "message_id": str(it.id),
            "channel": "email",
            "template_key": template_kind(it.kind),
            "recipient": {"user_id": it.user_id, "email": it.email},
            "brand_id": it.brand_id,
            "variables": requested_variables(it, head),
            "requested_by": "greenroom",
            "requested_at": wire_time(datetime.now(UTC)),
        }
    ).decode()


def _bounced(it: Claimed, reason: str) -> str:
    return _encode(
        {
            "message_id": str(it.id),
            "channel": "email",
            "template_key": template_kind(it.kind),
            "session_id": str(it.session_id),
            "registration_id": str(it.registration_id),
            "user_id": it.user_id,
            "reason": reason,
            "bounced_at": wire_time(datetime.now(UTC)),
        }
    ).decode()
