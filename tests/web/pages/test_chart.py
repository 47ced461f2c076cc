"""The drawing of how many were inside: its line, and its axes in the viewer's zone."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.attendance.listing import CrowdStep
from greenroom.web.desk.chart import BASE, MOST_TIMES, RIGHT, TOP, Chart, chart_of, counts_to, times_between, told_number
from greenroom.web.times import Clock

BEGINS = datetime(2027, 3, 1, 17, tzinfo=UTC)
HUGE = 2**31 - 1
ZONES = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia"]


def at(minute: float) -> datetime:
    return BEGINS + timedelta(minutes=minute)


def drawn(*steps: tuple[float, int, int], until: float = 60, zone: str = "UTC") -> Chart:
    """The steps: the minute, the most in it, and how many after it."""
    found = [CrowdStep(at(minute), most, inside) for minute, most, inside in steps]
    return chart_of(found, begins=BEGINS, ends=at(until), clock=Clock(zone))


def corners(chart: Chart) -> list[tuple[float, float]]:
    """Where the line goes."""
    moves = re.findall(r"([MHV])(-?[\d.]+)(?: (-?[\d.]+))?", chart.line)
    assert "".join(f"{verb}{one}{' ' + two if two else ''}" for verb, one, two in moves) == chart.line
    x, y, found = 0.0, 0.0, []
    for verb, one, two in moves:
        x, y = (float(one), float(two)) if verb == "M" else (float(one), y) if verb == "H" else (x, float(one))
        found.append((x, y))
    return found


def labels_of(begins: datetime, ends: datetime, zone: str) -> list[str]:
    return [label for _, label in times_between(begins, ends, Clock(zone))]


def test_the_line_goes_up_when_somebody_comes_and_down_when_somebody_leaves() -> None:
    chart = drawn((0, 1, 1), (30, 2, 2), (45, 2, 1), (60, 1, 0))
    half, quarter = (BASE - TOP) / 2, (RIGHT - chart.left) / 4
    assert [tick.label for tick in chart.counts] == ["0", "1", "2"]
    x = [chart.left, chart.left, chart.left, chart.left + 2 * quarter, chart.left + 2 * quarter]
    assert corners(chart)[:5] == list(zip(x, [BASE, BASE, BASE - half, BASE - half, TOP], strict=True))
    assert corners(chart)[-1] == (RIGHT, BASE)
    assert chart.area == f"{chart.line}V{BASE}H{chart.left}Z"
    assert chart.peak == 2


def test_who_comes_and_goes_in_one_instant_is_a_peak_of_the_line() -> None:
    chart = drawn((0, 1, 1), (30, 3, 1))
    assert chart.peak == 3
    assert min(y for _, y in corners(chart)) == TOP
    assert corners(chart)[-1][1] == pytest.approx(BASE - (BASE - TOP) / 3, abs=0.1)


def test_the_last_count_is_held_to_the_end() -> None:
    chart = drawn((0, 1, 1), until=60)
    assert corners(chart)[-1] == (RIGHT, TOP)


def test_no_step_at_all_is_a_flat_line() -> None:
    chart = drawn()
    assert {y for _, y in corners(chart)} == {BASE}
    assert [tick.label for tick in chart.counts] == ["0", "1"]


def test_one_instant_has_a_width() -> None:
    chart = drawn((0, 1, 1), until=0)
    assert corners(chart)[-1] == (RIGHT, TOP)
    assert chart.times


def test_what_is_outside_is_drawn_at_the_edge() -> None:
    xs = [x for x, _ in corners(drawn((-10, 1, 1), (90, 1, 0)))]
    assert (min(xs), max(xs)) == (drawn((0, 1, 1)).left, RIGHT)


levels = st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, HUGE), st.integers(-3, HUGE)), max_size=500)


@given(levels, st.floats(0, 1e6), st.sampled_from(ZONES))
def test_the_line_stays_between_the_axes_and_never_goes_back(
    found: list[tuple[float, int, int]], until: float, zone: str
) -> None:
    steps = [(minute, max(most, inside), inside) for minute, most, inside in sorted(found)]
    chart = drawn(*steps, until=until, zone=zone)
    assert all(TOP <= y <= BASE for _, y in corners(chart))
    assert all(before <= after for (before, _), (after, _) in pairwise(corners(chart)))
    assert 1 <= len(chart.times) <= MOST_TIMES + 1
    assert all(chart.left <= float(tick.at) <= RIGHT for tick in chart.times)


def test_five_hundred_steps_are_drawn() -> None:
    chart = drawn(*((minute / 10, minute + 1, minute + 1) for minute in range(500)))
    assert len({x for x, _ in corners(chart)}) == 501
    assert chart.peak == 500


@pytest.mark.parametrize(
    ("peak", "counts"),
    [(0, [0, 1]), (1, [0, 1]), (4, [0, 1, 2, 3, 4]), (5, [0, 2, 4, 6]), (9, [0, 5, 10]), (100, [0, 50, 100])],
)
def test_counts_are_round(peak: int, counts: list[int]) -> None:
    assert counts_to(peak) == counts


@given(st.integers(0, HUGE))
def test_a_few_counts_reach_the_peak(peak: int) -> None:
    counts = counts_to(peak)
    assert len(counts) <= 5
    assert counts[-2] < max(peak, 1) <= counts[-1]


def test_huge_numbers_have_room_for_their_labels() -> None:
    chart = drawn((0, HUGE, HUGE))
    assert chart.counts[-1].label == "3,000,000,000"
    assert chart.left >= 8 * len("3,000,000,000")
    assert told_number(61.8) == "61.8"


@pytest.mark.parametrize(
    ("zone", "labels"),
    [
        ("UTC", ["17:00", "17:10", "17:20", "17:30", "17:40", "17:50", "18:00"]),
        ("Europe/Berlin", ["18:00", "18:10", "18:20", "18:30", "18:40", "18:50", "19:00"]),
        ("Asia/Kathmandu", ["22:50", "23:00", "23:10", "23:20", "23:30", "23:40"]),
    ],
)
def test_times_are_round_on_the_viewers_own_clock(zone: str, labels: list[str]) -> None:
    assert labels_of(BEGINS, at(60), zone) == labels


def test_hours_are_round_where_the_zone_is_a_quarter_off() -> None:
    assert labels_of(BEGINS, at(8 * 60), "Asia/Kathmandu") == ["00:00", "02:00", "04:00", "06:00"]


def test_where_the_clock_is_put_forward_the_missing_hour_is_missing() -> None:
    begins = datetime(2027, 3, 27, 23, 30, tzinfo=UTC)
    assert labels_of(begins, begins + timedelta(hours=4), "Europe/Berlin") == [
        "01:00 CET",
        "03:00 CEST",
        "04:00 CEST",
        "05:00 CEST",
    ]


def test_where_the_clock_is_put_back_the_hour_that_comes_twice_says_which() -> None:
    begins = datetime(2027, 10, 30, 23, 0, tzinfo=UTC)
    labels = labels_of(begins, begins + timedelta(hours=4), "Europe/Berlin")
    assert labels == ["01:00 CEST", "02:00 CEST", "02:00 CET", "03:00 CET", "04:00 CET"]


def test_days_are_told_by_their_dates() -> None:
    labels = labels_of(BEGINS, BEGINS + timedelta(days=5), "Europe/Berlin")
    assert labels == [f"{day} Mar 2027" for day in range(2, 7)]
