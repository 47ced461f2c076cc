"""What came out of the drop, against its bars."""

from collections.abc import Iterator
from statistics import median

from bench.drop import Drop
from bench.growth import Growth, Promotion
from bench.lonely import Lonely
from bench.rounds import Spread, spread
from bench.rush import Rush
from bench.verdict import Verdict, at_most, table

LANE = 1.10
GROWTH = 1.20
PROMOTION_SECONDS = 1.0
LIST_MB = 30.0


def drop_verdicts(drop: Drop) -> Iterator[Verdict]:
    """Every bar but those of the storm, which stand with the other scenarios."""
    yield at_most("alone: a registration through the lane against a plain call", _lane(drop.lonely), LANE, unit="x")
    yield from _rush_verdicts(drop.rush)
    rows = f"{drop.growth.rows:,}"
    yield at_most(f"registering where {rows} have, against an empty session", _slower(drop.growth), GROWTH, unit="x")
    people = f"{drop.promotion.people:,}"
    yield at_most(
        f"{people} promoted by one PATCH, in one transaction", spread(drop.promotion.seconds), PROMOTION_SECONDS, unit="s"
    )
    grown = drop.whole_list.grown
    what = f"CSV of {drop.whole_list.rows:,} registrations: growth of the worker"
    yield at_most(what, Spread(grown, grown, grown), LIST_MB, unit="MB")


def drop_tables(drop: Drop) -> list[str]:
    """The numbers behind them."""
    rush, whole = drop.rush, drop.whole_list
    alone = table(
        ("one after the other, median ms", "one way", "the other", "ratio", "min..max"),
        [
            _pair("a registration in process: plain, through the lane", drop.lonely.plain, drop.lonely.lane),
            _pair(f"POST: empty session, {drop.growth.rows:,} rows", drop.growth.empty, drop.growth.full),
        ],
    )
    the_drop = (
        f"The drop: {rush.people:,} people for {rush.seats:,} seats, {rush.workers} processes: {rush.seconds:.2f} s, "
        f"{rush.people / rush.seconds:,.0f} a second. The answers said {rush.said_registered:,} registered and "
        f"{rush.said_waitlist:,} in line; the first in line is told {rush.first_in_line:,}, the last {rush.last_in_line:,}."
    )
    the_list = (
        f"CSV of {whole.rows:,} registrations: {whole.megabytes:.0f} MB in {whole.seconds:.1f} s; the worker had "
        f"{whole.resident_before:.1f} MB and grew by {whole.grown:.1f} MB at most."
    )
    return [the_drop, alone, _promotion(drop.promotion), the_list]


def _rush_verdicts(rush: Rush) -> Iterator[Verdict]:
    of = f"{rush.people:,} people, {rush.seats:,} seats, {rush.workers} processes"
    is_exact = rush.registered == rush.said_registered == rush.seats
    yield Verdict(f"{of}: registered", f"{rush.registered:,}", "", f"{rush.seats:,}", is_exact)
    waiting = rush.people - rush.seats
    has_line = not rush.has_gap and (rush.first_in_line, rush.last_in_line) == (1, waiting) and rush.said_waitlist == waiting
    measured = f"{rush.first_in_line:,}..{rush.last_in_line:,}" + (", with gaps" if rush.has_gap else "")
    yield Verdict("and the line, without a gap", measured, "", f"1..{waiting:,}", has_line)
    yield Verdict("and greenroom check", "clean" if rush.is_clean else rush.check, "", "clean", rush.is_clean)


def _promotion(promotion: Promotion) -> str:
    each = ", ".join(f"{seconds:.2f}" for seconds in promotion.seconds)
    return f"{promotion.people:,} promoted by one PATCH, in seconds: {each}."


def _pair(title: str, one: list[float], other: list[float]) -> tuple[str, ...]:
    against = _against(one, other)
    ends = f"{against.least:.2f}..{against.most:.2f}"
    return title, f"{median(one):.2f}", f"{median(other):.2f}", f"{against.median:.2f}x", ends


def _lane(lonely: Lonely) -> Spread:
    return _against(lonely.plain, lonely.lane)


def _slower(growth: Growth) -> Spread:
    return _against(growth.empty, growth.full)


def _against(one: list[float], other: list[float]) -> Spread:
    """The other's time against the one's, round by round."""
    return spread([theirs / ours for ours, theirs in zip(one, other, strict=True)])
