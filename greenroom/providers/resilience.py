"""The one way to ask a provider: each attempt within its time, again where that may help, and not at all while it is down.

Whatever goes wrong comes out as AskFailed. It says the kind and the status and never what the provider wrote, which may hold
a person's data, and leaves no cause behind, which would.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Literal, TypeVar

from msgspec import Struct
from purgatory.domain.model import Context, OpenedState
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from greenroom.kit.telemetry import logger, provider_circuit_open, provider_seconds
from greenroom.providers.protocol import ProviderError

ATTEMPTS = 3
FAILURES_TO_OPEN = 5
OPEN_SECONDS = 10.0
LOG_SECONDS = 1.0  # an outage is one line a second; the histogram counts them all

Answer = TypeVar("Answer")
Outcome = Literal["refused", "limited", "failed", "timeout", "unreachable", "nonsense", "open"]

WORTH_REPEATING: frozenset[Outcome] = frozenset({"limited", "failed", "timeout", "unreachable"})
SIGNS_OF_AN_OUTAGE: frozenset[Outcome] = frozenset({"failed", "timeout", "unreachable"})  # what refuses us is there

_soon = wait_random_exponential(multiplier=0.2, max=1.0)


class Trouble(Struct, frozen=True, kw_only=True):
    """What an error of a provider's package means."""

    outcome: Outcome
    detail: str
    status: int | None = None
    retry_after_seconds: float | None = None


class AskFailed(ProviderError):
    """There is no proper answer: what became of the question, and the status, where there was one."""

    def __init__(self, provider: str, trouble: Trouble) -> None:
        super().__init__(
            f"{provider}: {trouble.detail}",
            retry_after_seconds=trouble.retry_after_seconds,
            is_refusal=trouble.outcome == "refused",
        )
        self.outcome = trouble.outcome
        self.status = trouble.status


def trouble_of(status: int, *, code: object = None, retry_after_seconds: float | None = None) -> Trouble:
    """What a status that is no success means."""
    outcome: Outcome = (
        "failed"
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR
        else "limited"
        if status == HTTPStatus.TOO_MANY_REQUESTS
        else "refused"
    )
    detail = f"status {status}" if code is None else f"status {status}, code {code}"
    return Trouble(outcome=outcome, detail=detail, status=status, retry_after_seconds=retry_after_seconds)


class Guarded:
    """Asks one provider. `read` says what an error of its package means."""

    def __init__(self, name: str, *, seconds: float, read: Callable[[Exception], Trouble]) -> None:
        self.name = name
        self.seconds = seconds
        self._read = read
        # The library's state alone: its context manager would take a question that was given up for an answer.
        self._circuit = Context(name, FAILURES_TO_OPEN, OPEN_SECONDS)
        self._logged_at = -LOG_SECONDS

    async def ask(self, operation: str, call: Callable[[], Awaitable[Answer]], *, repeatable: bool) -> Answer:
        """What the provider answers, within three times the seconds of an attempt. Raises AskFailed."""
        started = time.perf_counter()
        outcome = "cancelled"
        try:
            answer = await self._persistently(call, attempts=ATTEMPTS if repeatable else 1)
            outcome = "answered"
        except AskFailed as failed:
            outcome = failed.outcome
            if failed.status != HTTPStatus.NOT_FOUND:  # that something is not there may be what was asked
                self._complain(operation, failed)
            raise
        finally:
            provider_seconds.labels(self.name, operation, outcome).observe(time.perf_counter() - started)
        return answer

    async def _persistently(self, call: Callable[[], Awaitable[Answer]], *, attempts: int) -> Answer:
        budget = self.seconds * ATTEMPTS
        deadline = asyncio.get_running_loop().time() + budget
        retrying = AsyncRetrying(
            stop=stop_after_attempt(attempts) | stop_before_delay(budget),
            wait=_pause_before_the_next,
            retry=retry_if_exception(_is_worth_repeating),
            reraise=True,
        )
        return await retrying(self._attempt, call, deadline)

    async def _attempt(self, call: Callable[[], Awaitable[Answer]], deadline: float) -> Answer:
        self._enter()
        try:
            # Not `asyncio.wait_for`, which on Python 3.11 may swallow a cancellation (gh-86296).
            async with asyncio.timeout_at(min(asyncio.get_running_loop().time() + self.seconds, deadline)):
                answer = await call()
        except TimeoutError:
            trouble = Trouble(outcome="timeout", detail=f"no answer within {self.seconds} s")
        except Exception as error:  # noqa: BLE001  # a package may raise anything over an answer that it does not expect
            trouble = self._read(error)
        else:
            self._settle(Context.handle_end_request)
            return answer
        if trouble.outcome in SIGNS_OF_AN_OUTAGE:
            self._settle(lambda circuit: circuit.handle_exception(AskFailed(self.name, trouble)))
        else:
            self._settle(Context.handle_end_request)
        raise AskFailed(self.name, trouble)

    def _enter(self) -> None:
        try:
            self._circuit.handle_new_request()
        except OpenedState as opened:
            opened.__traceback__ = None  # one exception for as long as it is open: it would gather every caller's frames
            waits = min(OPEN_SECONDS, max(0.0, opened.opened_at + OPEN_SECONDS - time.time()))
        else:
            return
        trouble = Trouble(outcome="open", detail="not asked, it did not answer lately", retry_after_seconds=waits)
        raise AskFailed(self.name, trouble)

    def _settle(self, tell: Callable[[Context], None]) -> None:
        """Tell the circuit how a question ended. One that was cancelled says nothing, and is not told."""
        tell(self._circuit)
        if self._circuit.messages:
            self._circuit.messages.clear()  # they are for the library's message bus, which nobody listens to here
            provider_circuit_open.labels(self.name).set(self._circuit.state == "opened")

    def _complain(self, operation: str, failed: AskFailed) -> None:
        now = time.monotonic()
        if now - self._logged_at >= LOG_SECONDS:
            self._logged_at = now
            logger().warning(
                "provider_failed", provider=self.name, operation=operation, outcome=failed.outcome, detail=str(failed)
            )


def _is_worth_repeating(error: BaseException) -> bool:
    return isinstance(error, AskFailed) and error.outcome in WORTH_REPEATING


def _pause_before_the_next(state: RetryCallState) -> float:
    """What the provider asked for (Retry-After: RFC 9110, section 10.2.3), else a moment."""
    error = None if state.outcome is None else state.outcome.exception()
    asked_for = error.retry_after_seconds if isinstance(error, AskFailed) else None
    return _soon(state) if asked_for is None else asked_for
