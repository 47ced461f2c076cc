"""The table of counts: windows, keys, several processes, and what happens when it is full."""

import multiprocessing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.kit.http.rate_limit import PROBES, SLOTS, WINDOW_MS, RateLimiter, key_of


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: int = 1_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> RateLimiter:
    return RateLimiter(clock=clock)


def admitted(limiter: RateLimiter, key: int, *, limit: int, times: int) -> int:
    return sum(limiter.take(key, limit=limit) is None for _ in range(times))


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_as_many_are_admitted_as_the_limit_says(limiter: RateLimiter, limit: int) -> None:
    assert admitted(limiter, 7, limit=limit, times=limit + 5) == limit


def test_who_is_refused_is_told_until_the_window_ends(limiter: RateLimiter, clock: Clock) -> None:
    limiter.take(7, limit=1)
    assert limiter.take(7, limit=1) == WINDOW_MS
    clock.now += 59_999
    assert limiter.take(7, limit=1) == 1


def test_a_window_ends_after_a_minute(limiter: RateLimiter, clock: Clock) -> None:
    assert admitted(limiter, 7, limit=2, times=3) == 2
    clock.now += WINDOW_MS
    assert admitted(limiter, 7, limit=2, times=3) == 2


def test_asking_in_vain_does_not_prolong_the_wait(limiter: RateLimiter, clock: Clock) -> None:
    limiter.take(7, limit=1)
    for _ in range(100):
        limiter.take(7, limit=1)
    clock.now += WINDOW_MS
    assert limiter.take(7, limit=1) is None


def test_a_window_opens_with_the_first_request(limiter: RateLimiter, clock: Clock) -> None:
    limiter.take(7, limit=2)
    clock.now += 50_000
    limiter.take(7, limit=2)
    assert limiter.take(7, limit=2) == 10_000


def test_keys_are_counted_apart(limiter: RateLimiter) -> None:
    assert [admitted(limiter, key, limit=2, times=5) for key in (1, 2, 1 + SLOTS, 2 + SLOTS)] == [2, 2, 2, 2]


def test_a_limit_may_change_within_a_window(limiter: RateLimiter) -> None:
    assert admitted(limiter, 7, limit=2, times=3) == 2
    assert admitted(limiter, 7, limit=5, times=5) == 3


def test_keys_that_meet_in_a_slot_push_out_the_oldest_alone(limiter: RateLimiter, clock: Clock) -> None:
    keys = [1 + SLOTS * turn for turn in range(PROBES + 1)]
    for key in keys:
        limiter.take(key, limit=1)
        clock.now += 1
    assert limiter.take(keys[-1], limit=1) is not None
    assert [limiter.take(key, limit=1) is not None for key in keys[1:]] == [True] * PROBES


def test_an_expired_count_makes_room(limiter: RateLimiter, clock: Clock) -> None:
    first, *others = [1 + SLOTS * turn for turn in range(PROBES + 1)]
    limiter.take(first, limit=1)
    clock.now += WINDOW_MS
    for key in others:
        limiter.take(key, limit=1)
    assert all(limiter.take(key, limit=1) is not None for key in others)


def test_the_largest_limit_is_reached_and_not_passed(limiter: RateLimiter) -> None:
    largest = 10_000_000  # of settings.PerMinute: fits beside the window's start
    assert largest < 1 << 24
    assert limiter.take(7, limit=largest) is None


def test_two_limiters_on_one_file_count_together(tmp_path: Path, clock: Clock) -> None:
    one, other = (RateLimiter(tmp_path / "counts", clock=clock) for _ in range(2))
    assert admitted(one, 7, limit=5, times=3) == 3
    assert admitted(other, 7, limit=5, times=5) == 2
    assert one.take(7, limit=5) == WINDOW_MS


def test_a_second_limiter_keeps_what_the_first_counted(tmp_path: Path, clock: Clock) -> None:
    RateLimiter(tmp_path / "counts", clock=clock).take(7, limit=1)
    assert RateLimiter(tmp_path / "counts", clock=clock).take(7, limit=1) is not None


def _count_in_another_process(file: str, times: int) -> None:
    limiter = RateLimiter(Path(file))
    for _ in range(times):
        limiter.take(7, limit=1000)


def test_two_processes_count_together(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(
        target=_count_in_another_process, args=(str(tmp_path / "counts"), 600)
    )
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert admitted(RateLimiter(tmp_path / "counts"), 7, limit=1000, times=600) == 400


def test_a_key_tells_its_parts_apart() -> None:
    parts = [("reads", "app", "user"), ("writes", "app", "user"), ("reads", "appuser", ""), ("reads", "ap", "puser")]
    assert len({key_of(*some) for some in parts}) == len(parts)


@given(st.lists(st.text(), max_size=4))
def test_any_parts_make_a_key(parts: list[str]) -> None:
    assert 0 < key_of(*parts) < 1 << 64
    assert key_of(*parts) == key_of(*parts)


@given(
    taken=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 30_000)), max_size=60),
    limit=st.integers(1, 4),
)
def test_no_window_admits_more_than_the_limit(taken: list[tuple[int, int]], limit: int) -> None:
    clock = Clock()
    limiter = RateLimiter(clock=clock)
    model: dict[int, tuple[int, int]] = {}
    for key, later in taken:
        clock.now += later
        start, count = model.get(key, (clock.now, 0))
        if clock.now - start >= WINDOW_MS:
            start, count = clock.now, 0
        expected = None if count < limit else start + WINDOW_MS - clock.now
        assert limiter.take(key, limit=limit) == expected
        model[key] = (start, count + (expected is None))
