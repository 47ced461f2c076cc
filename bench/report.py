"""What came out, against the bars."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Literal

from msgspec import Struct

from bench.machine import BUSY, Machine
from bench.memory import Memory
from bench.rounds import CEILING, FASTAPI, HONO, OURS, Scenario, Spread, Standing, ratio, spread
from bench.scale import Scale

Row = tuple[str, ...]

AGAINST_HONO, AGAINST_FASTAPI, AGAINST_CEILING, GET_AGAINST_HONO = 2.0, 5.0, 0.30, 0.8
LIST_AGAINST_HONO, LIST_AGAINST_FASTAPI = 1.0, 4.0
SCALE = 1.5
COLD_START_SECONDS = 2.0
MEMORY_MB = 120.0
GROWTH_MB = 5.0  # what an allocator may keep; a leak of 100 bytes a request would be twice that

TITLES = {
    OURS: "Greenroom",
    HONO: "(a) Hono, zod, postgres.js",
    FASTAPI: "(b) FastAPI, SQLAlchemy",
    CEILING: "pgbench, the same statement",
}


class Results(Struct, frozen=True, kw_only=True):
    """All that one run of the harness found; None is what was not asked for."""

    command: str
    date: str
    quick: bool
    machine: Machine
    standings: list[Standing]
    stale_answers: int | None
    answers_compared: int
    scales: list[Scale]
    cold_starts: list[float]
    memory: Memory | None


class Verdict(Struct, frozen=True):
    """One bar."""

    what: str
    measured: str
    spread: str
    bar: str
    passed: bool


def verdicts(results: Results) -> list[Verdict]:
    """Every bar that this run can judge."""
    found = list(_ratios(results.standings))
    found += [_scale_verdict(scale) for scale in results.scales if scale.is_judged]
    if results.stale_answers is not None:
        measured = f"{results.stale_answers} of {results.answers_compared:,}"
        found.append(Verdict("stale GETs, two workers", measured, "", "0", results.stale_answers == 0))
    if results.cold_starts:
        starts = spread(results.cold_starts)
        found.append(_at_most("cold start to the first 200", starts, COLD_START_SECONDS, unit="s"))
    if results.memory is not None:
        memory = results.memory
        once = Spread(memory.once, memory.once, memory.once)
        grown = Spread(memory.twice - memory.once, memory.twice - memory.once, memory.twice - memory.once)
        found.append(_at_most(f"memory of a worker after {memory.requests:,} requests", once, MEMORY_MB, unit="MB"))
        found.append(_at_most(f"and its growth over {memory.requests:,} more", grown, GROWTH_MB, unit="MB"))
    return found


def text_of(results: Results) -> str:
    """The whole report, in Markdown."""
    parts = [
        f"`{results.command}`, {results.date}" + (" (quick: for a first look, not for the record)" if results.quick else ""),
        _machine(results.machine),
        _table(
            ("bar", "measured", "min..max", "to reach", ""),
            [(v.what, v.measured, v.spread, v.bar, "pass" if v.passed else "**FAIL**") for v in verdicts(results)],
        ),
    ]
    scenarios = list(dict.fromkeys(standing.scenario for standing in results.standings))
    parts += [_scenario(scenario, results.standings) for scenario in scenarios]
    if any(len(standing.sweep) > 1 for standing in results.standings):
        parts.append(_sweeps(results.standings))
    if results.scales:
        parts.append(_scales(results.scales))
    if results.cold_starts:
        parts.append("Cold starts, in seconds: " + ", ".join(f"{seconds:.2f}" for seconds in results.cold_starts) + ".")
    if results.memory is not None:
        memory = results.memory
        parts.append(
            f"Memory of the worker, resident: {memory.warm:.1f} MB warm, {memory.once:.1f} MB after {memory.requests:,} "
            f"requests, {memory.twice:.1f} MB after {2 * memory.requests:,}."
        )
    return "\n\n".join(parts) + "\n"


def _ratios(standings: Sequence[Standing]) -> Iterable[Verdict]:
    known = {(standing.scenario, standing.contender): standing for standing in standings}
    bars = {
        "patch": ((HONO, AGAINST_HONO), (FASTAPI, AGAINST_FASTAPI), (CEILING, AGAINST_CEILING)),
        "get": ((HONO, GET_AGAINST_HONO),),
        "list": ((HONO, LIST_AGAINST_HONO), (FASTAPI, LIST_AGAINST_FASTAPI)),
    }
    for scenario in dict.fromkeys(standing.scenario for standing in standings):
        for other, bar in bars.get(scenario.mode, ()):
            against = ratio(known[scenario, OURS], known[scenario, other])
            yield Verdict(
                f"{scenario.title}, against {TITLES[other]}",
                f"{against.median:.2f}x",
                f"{against.least:.2f}..{against.most:.2f}",
                f">= {bar:g}x",
                against.median >= bar,
            )


def _at_most(what: str, measured: Spread, bar: float, *, unit: Literal["s", "MB"]) -> Verdict:
    ends = "" if measured.least == measured.most else f"{measured.least:.2f}..{measured.most:.2f}"
    return Verdict(what, f"{measured.median:.2f} {unit}", ends, f"<= {bar:g} {unit}", measured.median <= bar)


def _scenario(scenario: Scenario, standings: Sequence[Standing]) -> str:
    rows = []
    for standing in standings:
        if standing.scenario != scenario:
            continue
        rate = standing.spread_of(lambda run: run.per_second)
        alone = standing.contender == CEILING  # pgbench tells a mean only, and has no server
        rows.append(
            (
                TITLES[standing.contender],
                str(standing.pool or "-"),
                f"{rate.median:,.0f}",
                f"{rate.least:,.0f}..{rate.most:,.0f}",
                f"{standing.spread_of(lambda run: run.p50).median:.1f}",
                "-" if alone else f"{standing.spread_of(lambda run: run.p99).median:.1f}",
                "-" if alone else f"{standing.spread_of(lambda run: run.cpu_us).median:.0f}",
            )
        )
    head = (scenario.title, "pool", "req/s", "min..max", "p50 ms", "p99 ms", "CPU us/req")
    return _table(head, rows)


def _sweeps(standings: Sequence[Standing]) -> str:
    swept = [standing for standing in standings if len(standing.sweep) > 1]
    pools = sorted({pool for standing in swept for pool in standing.sweep})
    rows = [
        (
            f"{standing.scenario.title}: {TITLES[standing.contender]}",
            *(f"**{rate:,.0f}**" if pool == standing.pool else f"{rate:,.0f}" for pool, rate in sorted(standing.sweep.items())),
        )
        for standing in swept
    ]
    return "Requests a second by pool size, one short run each; the best is kept for the rounds.\n\n" + _table(
        ("", *(str(pool) for pool in pools)), rows
    )


def _scale_verdict(scale: Scale) -> Verdict:
    slower = _slower(scale)
    what = f"{scale.title}: 1,000,000 sessions against 1,000"
    ends = f"{slower.least:.2f}..{slower.most:.2f}"
    return Verdict(what, f"{slower.median:.2f}x", ends, f"<= {SCALE:g}x", slower.median <= SCALE)


def _slower(scale: Scale) -> Spread:
    """The big database's latency against the small one's, round by round."""
    return spread([big / small for small, big in zip(scale.small, scale.big, strict=True)])


def _scales(scales: Sequence[Scale]) -> str:
    rows = [
        (
            scale.title,
            f"{median(scale.small):.2f}",
            f"{median(scale.big):.2f}",
            f"{_slower(scale).median:.2f}x",
            f"{_slower(scale).least:.2f}..{_slower(scale).most:.2f}",
        )
        for scale in scales
    ]
    return "Median latency of a list of 20, one connection, in ms.\n\n" + _table(
        ("", "1,000 sessions", "1,000,000", "ratio", "min..max"), rows
    )


def _machine(machine: Machine) -> str:
    lines = [f"- {machine.cores} cores of {machine.processor}, {machine.memory_gib:.0f} GiB, {machine.system}"]
    lines += [f"- {name}: {versions}" for name, versions in machine.versions.items()]
    if machine.busy > BUSY:
        lines.append(f"- **The machine was not idle: others used {machine.busy:.0%} of it before the first run.**")
    return "\n".join(lines)


def _table(head: Row, rows: Sequence[Row]) -> str:
    """A Markdown table that a terminal can show as well."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(row: Row) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"

    return "\n".join([line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *(line(row) for row in rows)])
