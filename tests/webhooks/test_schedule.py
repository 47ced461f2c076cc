"""When a delivery is tried again: at once, then after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as some

from greenroom.webhooks.attempts import asked_wait
from greenroom.webhooks.schedule import LONGEST_ASKED, wait_after

WAITS = [5, 300, 1800, 7200, 18000, 36000, 36000]


def test_the_waits_are_those_of_the_standard() -> None:
    assert [wait_after(attempt, chance=lambda: 0.0) for attempt in range(1, 9)] == [*WAITS, None]


@given(some.integers(1, 7), some.floats(0, 1))
def test_jitter_makes_a_wait_up_to_a_fifth_longer_and_never_shorter(attempt: int, luck: float) -> None:
    wait = wait_after(attempt, chance=lambda: luck)
    assert wait is not None
    assert WAITS[attempt - 1] <= wait <= WAITS[attempt - 1] * 1.2


def test_two_that_failed_together_do_not_come_back_together() -> None:
    assert len({wait_after(3) for _ in range(20)}) > 1


def test_all_attempts_are_made_within_34_hours() -> None:
    assert sum(WAITS) * 1.2 < timedelta(hours=34).total_seconds()
    assert sum(WAITS) > timedelta(hours=27).total_seconds()


@pytest.mark.parametrize(("asked", "wait"), [(0.0, 5), (900.0, 900), (10.0**9, LONGEST_ASKED)])
def test_who_asks_for_a_wait_gets_that_at_least_and_no_more_than_ten_hours(asked: float, wait: float) -> None:
    assert wait_after(1, asked=asked, chance=lambda: 0.0) == wait


def test_after_the_last_no_wait_is_asked_for() -> None:
    assert wait_after(8, asked=60) is None


@pytest.mark.parametrize("said", ["", "soon", "-5", "1.5", "Wed, 99 Foo 2026", "²", "9" * 5000])
def test_a_wait_that_nobody_can_read_is_none_or_bounded(said: str) -> None:
    answer = httpcore.Response(429, headers=[("Retry-After", said.encode())])
    assert (asked_wait(answer) or 0) < 10**9


def test_a_date_is_a_wait_too() -> None:
    then = datetime.now(UTC) + timedelta(minutes=10)
    wait = asked_wait(httpcore.Response(503, headers=[("retry-after", format_datetime(then, usegmt=True))]))
    assert wait is not None
    assert 590 <= wait <= 600


def test_of_other_answers_no_wait_is_read() -> None:
    assert asked_wait(httpcore.Response(500, headers=[("retry-after", "900")])) is None
