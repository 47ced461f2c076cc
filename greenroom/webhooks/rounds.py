"""A round: what a process sends to one endpoint between claiming it and letting it go."""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from greenroom.kit.clock import wire_text
from greenroom.kit.ids import new_id
from greenroom.kit.recording_links import told_in
from greenroom.webhooks.addresses import Reach
from greenroom.webhooks.attempts import Attempt, Line
from greenroom.webhooks.dialing import CheckedNetwork, Resolve
from greenroom.webhooks.queries import Claim, Due, Made, Round
from greenroom.webhooks.schedule import wait_after
from greenroom.webhooks.schemas import DeliveryError
from greenroom.webhooks.signing import SecretBox, headers_of
from greenroom.webhooks.targets import allowed_target

AT_ONCE = 4  # requests to one endpoint
BEGIN_SECONDS = 5.0  # after the claim no attempt begins any more: with the longest one a round stays within its lease
SLOW_MS = 1_000

_encode = msgspec.json.Encoder().encode


class Message(Struct, frozen=True):
    """The body of a webhook. Source: Standard Webhooks."""

    type: str
    timestamp: str
    data: msgspec.Raw


class Sent(Struct, frozen=True):
    """A delivery that was tried, and what came of it."""

    due: Due
    attempt: Attempt


class Worker:
    """Sends rounds. `resolver_of`: what resolves names for a brand; `slots`: how many requests of its lane may be under way
    together.
    """

    def __init__(
        self, resolver_of: Callable[[str], Resolve], reach: Reach, trust: ssl.SSLContext, box: SecretBox,
        slots: asyncio.Semaphore,
    ) -> None:  # fmt: skip
        self._resolver_of = resolver_of
        self._reach = reach
        self._trust = trust
        self._box = box
        self._slots = slots

    async def work(self, claim: Claim, sent: list[Sent]) -> None:
        """Send what is due, until something fails or time is over. What came of it is in `sent` also when this is cancelled."""
        secrets = [secret for kept in (claim.secret, claim.previous_secret) if kept and (secret := self._box.open(kept))]
        target = allowed_target(claim.url, self._reach)  # what is allowed may be other than when the endpoint was made
        due = deque(claim.due)
        if not secrets or target is None:
            sent += [Sent(one, _unsent("address_refused" if secrets else "secret_unreadable")) for one in due]
            return
        network = CheckedNetwork(self._resolver_of(claim.brand), self._reach)
        until = time.monotonic() + BEGIN_SECONDS
        async with asyncio.TaskGroup() as lines:
            for _ in range(min(AT_ONCE, len(due))):
                lines.create_task(self._drain(Line(target, network, self._trust), secrets, due, sent, until))

    async def _drain(self, line: Line, secrets: Sequence[str], due: deque[Due], sent: list[Sent], until: float) -> None:
        try:
            while due:
                async with self._slots:
                    if not due or time.monotonic() > until:
                        return
                    one = due.popleft()
                    attempt = await self._tried(one, line, secrets)
                sent.append(Sent(one, attempt))
                if not attempt.is_delivered:
                    due.clear()  # the others wait their turn among those that fail
        finally:
            await line.close()

    async def _tried(self, one: Due, line: Line, secrets: Sequence[str]) -> Attempt:
        if one.data is None:
            return _unsent("event_forgotten")
        body = body_of(one.name, one.occurred_at, one.data)
        headers = headers_of(str(one.event_id), body, secrets=secrets, now=datetime.now(UTC))
        return await line.post(body.encode(), headers)


def body_of(name: str, occurred_at: str, data: str) -> str:
    """The same in every attempt, until the address of a recording is renewed. `occurred_at` is the database's text."""
    return _encode(Message(name, wire_text(occurred_at), msgspec.Raw(told_in(name, data).encode()))).decode()


def round_of(claim: Claim, sent: Sequence[Sent]) -> Round:
    """What is to be noted."""
    now = time.monotonic()
    return Round(
        brand=claim.brand,
        endpoint=claim.endpoint,
        event_id=new_id(),
        is_slow=any(it.attempt.ms > SLOW_MS for it in sent),
        made=[
            Made(
                delivery=it.due.id,
                attempts=it.due.attempts,
                outcome="delivered" if it.attempt.is_delivered else "gone" if it.attempt.error == "gone" else "failed",
                status=it.attempt.status,
                error=it.attempt.error,
                ms=it.attempt.ms,
                ago=now - it.attempt.ended,
                wait=None
                if it.attempt.is_delivered or it.attempt.error == "event_forgotten"
                else wait_after(it.due.attempts + 1, asked=it.attempt.asked),
            )
            for it in sent
        ],
    )


def _unsent(error: DeliveryError) -> Attempt:
    return Attempt(None, error, 0, time.monotonic())
