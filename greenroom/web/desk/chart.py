"""How many were inside over time, as the numbers of a drawing: a step line, and axes in the viewer's time zone."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from babel.dates import format_date, format_time
from babel.numbers import format_decimal
from msgspec import Struct

from greenroom.attendance.listing import CrowdStep
from greenroom.web.texts import locale
from greenroom.web.times import Clock

WIDTH: Final = 720
HEIGHT: Final = 260
TOP: Final = 12
RIGHT: Final = WIDTH - 40  # half a label may stand out
BASE: Final = HEIGHT - 32
CHARACTER: Final = 8  # the width of one, of a label

SHORTEST: Final = timedelta(minutes=2)  # what is drawn, so that a minute of the clock is always in it
MOST_TIMES: Final = 7
MOST_COUNTS: Final = 4
MINUTES: Final = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720)
HOUR: Final = 60
DAY: Final = 1440
OFFSETS: Final = 15  # minutes, by whose multiples the zones of today differ from UTC


class Tick(Struct, frozen=True):
    """A mark of an axis: where it is, and what it says."""

    at: str
    label: str


class Chart(Struct, frozen=True, kw_only=True):
    """The drawing. `line` and `area` are paths (SVG 2, section 9.3)."""

    width: int = WIDTH
    height: int = HEIGHT
    left: int
    right: int = RIGHT
    top: int = TOP
    base: int = BASE
    line: str
    area: str
    times: list[Tick]
    counts: list[Tick]
    peak: int
    begins: datetime
    ends: datetime


def chart_of(steps: Sequence[CrowdStep], *, begins: datetime, ends: datetime, clock: Clock) -> Chart:
    """The drawing of these steps between two instants; before the first step nobody was inside."""
    ends = max(ends, begins + SHORTEST)
    peak = max((step.most for step in steps), default=0)
    counts = counts_to(peak)
    labels = [told_number(count) for count in counts]
    left = 2 * CHARACTER + CHARACTER * max(len(label) for label in labels)

    def across(at: datetime) -> str:
        share = (at - begins) / (ends - begins)
        return _number(left + (RIGHT - left) * min(max(share, 0.0), 1.0))

    def up(count: int) -> str:
        return _number(BASE - (BASE - TOP) * max(count, 0) / counts[-1])

    line = "".join([f"M{left} {BASE}", *_moves(steps, across, up), f"H{RIGHT}"])
    return Chart(
        left=left,
        line=line,
        area=f"{line}V{BASE}H{left}Z",
        times=[Tick(across(at), label) for at, label in times_between(begins, ends, clock)],
        counts=[Tick(up(count), label) for count, label in zip(counts, labels, strict=True)],
        peak=peak,
        begins=begins,
        ends=ends,
    )


def counts_to(peak: int) -> list[int]:
    """From 0 to the peak or above it, in steps of 1, 2 or 5 and zeros."""
    step, place = 1, 0
    while step * MOST_COUNTS < peak:
        place += 1
        step = (1, 2, 5)[place % 3] * 10 ** (place // 3)
    return list(range(0, max(peak, 1) + step, step))[: max(-(-peak // step), 1) + 1]


def times_between(begins: datetime, ends: datetime, clock: Clock) -> list[tuple[datetime, str]]:
    """Round times of the viewer's clock, midnights where it is long; with the zone's name where that changes in between."""
    minutes = (ends - begins) / timedelta(minutes=1)
    step = next((one for one in MINUTES if minutes / one <= MOST_TIMES), DAY)
    if step == DAY:
        return [(at, _told_day(clock.local(at).date())) for at in _midnights(begins, ends, clock)]
    changes = clock.local(begins).utcoffset() != clock.local(ends).utcoffset()
    found = [clock.local(at) for at in _round_times(begins, ends, clock, step)]
    return [(at, f"{clock.time_of_day(at)} {at.tzname()}" if changes else clock.time_of_day(at)) for at in found]


def told_to_the_second(at: datetime, clock: Clock) -> str:
    """Such as `18:00:05`, on the viewer's clock."""
    local = clock.local(at)
    told: str = format_time(local, "HH:mm:ss", tzinfo=local.tzinfo, locale=locale())
    return told


def told_number(number: float) -> str:
    """Such as `1,250`, or `61.8`."""
    told: str = format_decimal(number, locale=locale())
    return told


def _moves(steps: Sequence[CrowdStep], across: Callable[[datetime], str], up: Callable[[int], str]) -> Iterator[str]:
    """Along, to the most, and to what is left of it."""
    level = 0
    for step in steps:
        yield f"H{across(step.at)}"
        if step.most > max(level, step.inside):
            yield f"V{up(step.most)}"
        yield f"V{up(step.inside)}"
        level = step.inside


def _round_times(begins: datetime, ends: datetime, clock: Clock, step: int) -> Iterator[datetime]:
    grid = timedelta(minutes=1 if step < HOUR else OFFSETS)
    epoch = datetime(1, 1, 1, tzinfo=UTC)
    at = epoch + -(-(begins - epoch) // grid) * grid
    while at <= ends:
        local = clock.local(at)
        if (local.hour * HOUR + local.minute) % step == 0:
            yield at
        at += grid


def _midnights(begins: datetime, ends: datetime, clock: Clock) -> Iterator[datetime]:
    first, last = clock.day(begins).toordinal(), clock.day(ends).toordinal()
    for day in range(first, last + 1, -(-(last - first) // MOST_TIMES)):
        at = datetime.combine(date.fromordinal(day), time(), tzinfo=clock.zone)
        if begins <= at <= ends:
            yield at


def _told_day(day: date) -> str:
    told: str = format_date(day, "d MMM y", locale=locale())
    return told


def _number(value: float) -> str:
    """With one decimal, which is a tenth of a pixel."""
    return f"{value:.1f}".removesuffix(".0")
