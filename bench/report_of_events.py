"""What came out of events and timers, against their bars."""

from collections.abc import Iterator
from statistics import median

from bench.rounds import Spread, spread
from bench.timers_day import Day
from bench.told import STEADY_A_SECOND, Told
from bench.verdict import Verdict, at_most, table

READER_MS = 100.0
JETSTREAM_A_SECOND = 5_000.0
STORM_SHARE = 0.85
DRAINED_SECONDS = 10.0
LATE_MS = 1_000.0


def told_verdicts(told: Told) -> Iterator[Verdict]:
    """Every bar of events."""
    soon = Spread(median(told.latencies), min(told.latencies), max(told.latencies))
    yield at_most("from commit to a reader in the program, idle, median", soon, READER_MS, unit="ms")
    rate = spread(told.pipelined)
    yield Verdict(
        f"{told.events:,} events through the relay to JetStream, one worker, a second",
        f"{rate.median:,.0f}",
        f"{rate.least:,.0f}..{rate.most:,.0f}",
        f">= {JETSTREAM_A_SECOND:,.0f}",
        rate.median >= JETSTREAM_A_SECOND,
    )
    share = spread([off.seconds / on.seconds for off, on in zip(told.without, told.relayed, strict=True)])
    people = f"{told.relayed[0].people:,}"
    yield Verdict(
        f"the storm of {people} with the relay on, against the same without",
        f"{share.median:.2f}x",
        f"{share.least:.2f}..{share.most:.2f}",
        f">= {STORM_SHARE:g}x",
        share.median >= STORM_SHARE,
    )
    drained = spread([rush.drained_seconds for rush in told.relayed])
    yield at_most("and until its last event was told", drained, DRAINED_SECONDS, unit="s")
    is_clean = all(rush.is_clean and not rush.has_gap for rush in (*told.without, *told.relayed))
    yield Verdict("and greenroom check", "clean" if is_clean else "BROKEN", "", "clean", is_clean)


def day_verdicts(day: Day) -> Iterator[Verdict]:
    """The bar of timers."""
    yield at_most(
        f"{day.timers:,} timers over a day: late, p99", Spread(day.p99_ms, day.p99_ms, day.p99_ms), LATE_MS, unit="ms"
    )


def told_tables(told: Told) -> list[str]:
    """The numbers behind them."""
    ratios = spread([fast / slow for fast, slow in zip(told.pipelined, told.one_by_one, strict=True)])
    rows = [
        ("to JetStream, publishes pipelined", *_rates(told.pipelined)),
        ("to JetStream, one publish awaited at a time", *_rates(told.one_by_one)),
        ("the storm, relay off", *_rates([rush.people / rush.seconds for rush in told.without])),
        ("the storm, relay on", *_rates([rush.people / rush.seconds for rush in told.relayed])),
    ]
    half = len(told.steady) // 2
    sizes = (
        f"Pipelined against one at a time: {ratios.median:.2f}x ({ratios.least:.2f}..{ratios.most:.2f}). At "
        f"{STEADY_A_SECOND:,} events a second for {len(told.steady)} s the outbox with its indexes took at most "
        f"{max(told.steady[:half]) / 1e6:.1f} MB in the first half and {max(told.steady[half:]) / 1e6:.1f} MB in the second."
    )
    return [table(("events a second", "median", "min..max"), rows), sizes]


def day_tables(day: Day) -> list[str]:
    """The numbers behind it."""
    pace = (
        f"{day.timers:,} timers over a day: {day.fired:,} fired in {day.seconds:.0f} s, late by {day.median_ms:.0f} ms at the "
        f"median and {day.p99_ms:.0f} ms at p99; the worker used {day.worker_core:.1%} of a core, its connections to "
        f"PostgreSQL {day.database_core:.1%}, looking at the outbox included."
    )
    moment = (
        f"{day.burst:,} at one moment: the last fired after {day.burst_seconds:.2f} s, {day.burst_cpu_us:.0f} us of "
        "PostgreSQL's processor time each."
    )
    return [pace, moment]


def _rates(rates: list[float]) -> tuple[str, str]:
    return f"{median(rates):,.0f}", f"{min(rates):,.0f}..{max(rates):,.0f}"
