"""Asking a provider: how long, how often, and when not at all."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from prometheus_client import REGISTRY

from greenroom.providers import resilience
from greenroom.providers.resilience import AskFailed, Guarded, Trouble, trouble_of

SECRET = "Hedda Host, hedda@example.com"  # noqa: S105


class StatusError(Exception):
    def __init__(self, status: int, retry_after: float | None = None) -> None:
        super().__init__(SECRET)
        self.status = status
        self.retry_after = retry_after


def read(error: Exception) -> Trouble:
    if isinstance(error, StatusError):
        return trouble_of(error.status, retry_after_seconds=error.retry_after)
    return Trouble(outcome="unreachable", detail="not reached")


def guarded(*, seconds: float = 0.5) -> Guarded:
    return Guarded("somebody", seconds=seconds, read=read)


class Answers:
    """Fails with each of these, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.asked = 0

    async def __call__(self) -> str:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return "yes"


async def never() -> str:
    await asyncio.sleep(60)
    return "late"


async def failure(asked: Guarded, call: Callable[[], Awaitable[str]], *, repeatable: bool = True) -> AskFailed:
    with pytest.raises(AskFailed) as failed:
        await asked.ask("test", call, repeatable=repeatable)
    return failed.value


async def open_up(asked: Guarded) -> None:
    for _ in range(resilience.FAILURES_TO_OPEN):
        await failure(asked, Answers(StatusError(500)), repeatable=False)


def counted(outcome: str) -> float:
    labels = {"provider": "somebody", "operation": "test", "outcome": outcome}
    return REGISTRY.get_sample_value("greenroom_provider_call_duration_seconds_count", labels) or 0


@pytest.mark.parametrize("error", [StatusError(500), StatusError(503), StatusError(429), OSError(SECRET)])
async def test_what_may_pass_is_asked_again(error: Exception) -> None:
    answers = Answers(error, error)
    assert await guarded().ask("test", answers, repeatable=True) == "yes"
    assert answers.asked == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
async def test_a_refusal_is_not_asked_again(status: int) -> None:
    answers = Answers(StatusError(status))
    failed = await failure(guarded(), answers)
    assert answers.asked == 1
    assert (failed.outcome, failed.status) == ("refused", status)


async def test_after_three_attempts_it_is_enough() -> None:
    answers = Answers(*[StatusError(500)] * 5)
    assert (await failure(guarded(), answers)).outcome == "failed"
    assert answers.asked == 3


async def test_what_may_not_be_repeated_is_asked_once() -> None:
    answers = Answers(StatusError(500))
    await failure(guarded(), answers, repeatable=False)
    assert answers.asked == 1


async def test_no_answer_ends_within_three_times_the_seconds() -> None:
    began = time.perf_counter()
    failed = await failure(guarded(seconds=0.2), never)
    assert failed.outcome == "timeout"
    assert time.perf_counter() - began < 0.2 * 3 + 0.2


async def test_retry_after_is_waited_for() -> None:
    began = time.perf_counter()
    await guarded().ask("test", Answers(StatusError(429, 0.4)), repeatable=True)
    assert time.perf_counter() - began >= 0.4


async def test_retry_after_that_is_too_long_is_handed_on() -> None:
    answers = Answers(StatusError(429, 60))
    assert (await failure(guarded(), answers)).retry_after_seconds == 60
    assert answers.asked == 1


async def test_an_error_says_nothing_of_what_the_provider_said() -> None:
    failed = await failure(guarded(), Answers(*[StatusError(500)] * 3))
    assert str(failed) == "somebody: status 500"
    assert failed.__cause__ is None
    assert failed.__context__ is None


async def test_after_five_failures_nobody_is_asked() -> None:
    asked = guarded()
    await open_up(asked)
    answers = Answers()
    failed = await failure(asked, answers)
    assert (failed.outcome, answers.asked) == ("open", 0)
    assert 9 < (failed.retry_after_seconds or 0) <= 10
    assert REGISTRY.get_sample_value("greenroom_provider_circuit_open", {"provider": "somebody"}) == 1


async def test_refusals_open_nothing() -> None:
    asked = guarded()
    for _ in range(20):
        await failure(asked, Answers(StatusError(404)))
    assert await asked.ask("test", Answers(), repeatable=True) == "yes"


async def test_an_answer_closes_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resilience, "OPEN_SECONDS", 0.1)
    asked = guarded()
    await open_up(asked)
    await asyncio.sleep(0.15)
    assert await asked.ask("test", Answers(), repeatable=True) == "yes"
    await failure(asked, Answers(StatusError(500)), repeatable=False)
    assert await asked.ask("test", Answers(), repeatable=True) == "yes"
    assert REGISTRY.get_sample_value("greenroom_provider_circuit_open", {"provider": "somebody"}) == 0


async def test_one_failure_opens_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resilience, "OPEN_SECONDS", 0.1)
    asked = guarded()
    await open_up(asked)
    await asyncio.sleep(0.15)
    await failure(asked, Answers(StatusError(500)), repeatable=False)
    assert (await failure(asked, Answers())).outcome == "open"


async def test_giving_up_is_no_failure() -> None:
    asked = guarded(seconds=5)
    before = counted("cancelled")
    for _ in range(resilience.FAILURES_TO_OPEN + 1):
        await give_up(asked)
    assert await asked.ask("test", Answers(), repeatable=True) == "yes"
    assert counted("cancelled") == before + resilience.FAILURES_TO_OPEN + 1


async def test_giving_up_neither_counts_nor_clears_what_failed_before() -> None:
    asked = guarded(seconds=5)
    for _ in range(resilience.FAILURES_TO_OPEN - 1):
        await failure(asked, Answers(StatusError(500)), repeatable=False)
    await give_up(asked)
    await failure(asked, Answers(StatusError(500)), repeatable=False)
    assert (await failure(asked, Answers())).outcome == "open"


async def test_giving_up_on_the_first_question_after_an_outage_leaves_the_next_to_find_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resilience, "OPEN_SECONDS", 0.1)
    asked = guarded(seconds=5)
    await open_up(asked)
    await asyncio.sleep(0.15)
    await give_up(asked)
    await failure(asked, Answers(StatusError(500)), repeatable=False)  # it was let through, and opened it again
    assert (await failure(asked, Answers())).outcome == "open"


async def test_giving_up_while_waiting_to_ask_again_is_heard() -> None:
    waiting = asyncio.create_task(guarded(seconds=5).ask("test", Answers(StatusError(429, 10)), repeatable=True))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def give_up(asked: Guarded) -> None:
    waiting = asyncio.create_task(asked.ask("test", never, repeatable=True))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
