"""What came out, against the bars."""

from collections.abc import Iterable, Sequence
from statistics import median

from msgspec import Struct

from bench.drop import Drop
from bench.hooks import Hooks
from bench.joins import Joins
from bench.machine import BUSY, Machine
from bench.mail import Mail
from bench.memory import Memory
from bench.pages import Pages
from bench.report_of_drop import drop_tables, drop_verdicts
from bench.report_of_events import day_tables, day_verdicts, told_tables, told_verdicts
from bench.report_of_hooks import hooks_text, hooks_verdicts
from bench.report_of_joins import joins_tables, joins_verdicts
from bench.report_of_mail import mail_tables, mail_verdicts
from bench.report_of_pages import pages_tables, pages_verdicts
from bench.report_of_rooms import rooms_tables, rooms_verdicts
from bench.report_of_viewers import viewers_tables, viewers_verdicts
from bench.report_of_votes import VOTES_AGAINST_HONO, votes_text
from bench.rooms import Rooms
from bench.rounds import ADDING, CEILING, FASTAPI, HONO, MANY, OURS, Scenario, Spread, Standing, ratio, spread
from bench.scale import Scale
from bench.timers_day import Day
from bench.told import Told
from bench.verdict import Verdict, at_most, table
from bench.viewers import Viewers
from bench.votes import Votes

AGAINST_HONO, AGAINST_FASTAPI, AGAINST_CEILING, GET_AGAINST_HONO = 2.0, 5.0, 0.30, 0.8
LIST_AGAINST_HONO, LIST_AGAINST_FASTAPI = 1.0, 4.0
STORM_AGAINST_HONO, STORM_AGAINST_FASTAPI, STORM_AGAINST_CEILING = 6.0, 10.0, 3.0
STORM_P99_MS = 250.0
CROWD, CROWD_AGAINST_HONO = 64, 3.0  # PATCHes of different sessions from so many connections: the bar of the drop
SCALE = 1.5
COLD_START_SECONDS = 2.0
MEMORY_MB = 120.0
GROWTH_MB = 5.0  # what an allocator may keep; a leak of 100 bytes a request would be twice that

TITLES = {
    OURS: "Greenroom",
    HONO: "(a) Hono, zod, postgres.js",
    ADDING: "(a), adding one instead of counting",
    FASTAPI: "(b) FastAPI, SQLAlchemy",
    CEILING: "pgbench, our own function",
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
    drop: Drop | None
    votes: Votes | None
    viewers: Viewers | None
    pages: Pages | None
    rooms: Rooms | None
    told: Told | None
    day: Day | None
    joins: Joins | None
    mail: Mail | None
    hooks: Hooks | None


def verdicts(results: Results) -> list[Verdict]:
    """Every bar that this run can judge."""
    found = list(_ratios(results.standings))
    found += [_scale_verdict(scale) for scale in results.scales if scale.is_judged]
    if results.stale_answers is not None:
        measured = f"{results.stale_answers} of {results.answers_compared:,}"
        found.append(Verdict("stale GETs, two workers", measured, "", "0", results.stale_answers == 0))
    if results.cold_starts:
        starts = spread(results.cold_starts)
        found.append(at_most("cold start to the first 200", starts, COLD_START_SECONDS, unit="s"))
    if results.memory is not None:
        memory = results.memory
        once = Spread(memory.once, memory.once, memory.once)
        grown = Spread(memory.twice - memory.once, memory.twice - memory.once, memory.twice - memory.once)
        found.append(at_most(f"memory of a worker after {memory.requests:,} requests", once, MEMORY_MB, unit="MB"))
        found.append(at_most(f"and its growth over {memory.requests:,} more", grown, GROWTH_MB, unit="MB"))
    if results.drop is not None:
        found += drop_verdicts(results.drop)
    found += _of_connections(results)
    if results.told is not None:
        found += told_verdicts(results.told)
    if results.day is not None:
        found += day_verdicts(results.day)
    if results.joins is not None:
        found += joins_verdicts(results.joins)
    return [*found, *_of_what_is_told_outside(results)]


def _of_connections(results: Results) -> Iterable[Verdict]:
    if results.viewers is not None:
        yield from viewers_verdicts(results.viewers)
    if results.pages is not None:
        yield from pages_verdicts(results.pages)
    if results.rooms is not None:
        yield from rooms_verdicts(results.rooms)


def _of_what_is_told_outside(results: Results) -> Iterable[Verdict]:
    if results.mail is not None:
        yield from mail_verdicts(results.mail)
    if results.hooks is not None:
        yield from hooks_verdicts(results.hooks)


def text_of(results: Results) -> str:
    """The whole report, in Markdown."""
    parts = [
        f"`{results.command}`, {results.date}" + (" (quick: for a first look, not for the record)" if results.quick else ""),
        _machine(results.machine),
        table(
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
    parts += _of_parts(results)
    return "\n\n".join(parts) + "\n"


def _of_parts(results: Results) -> Iterable[str]:
    """The tables of what is measured by itself."""
    if results.drop is not None:
        yield from drop_tables(results.drop)
    if results.votes is not None:
        yield votes_text(results.votes, results.standings)
    yield from _of_audiences(results)
    if results.told is not None:
        yield from told_tables(results.told)
    if results.day is not None:
        yield from day_tables(results.day)
    if results.joins is not None:
        yield from joins_tables(results.joins)
    if results.mail is not None:
        yield from mail_tables(results.mail)
    if results.hooks is not None:
        yield hooks_text(results.hooks)
    if results.memory is not None:
        memory = results.memory
        yield (
            f"Memory of the worker, resident: {memory.warm:.1f} MB warm, {memory.once:.1f} MB after {memory.requests:,} "
            f"requests, {memory.twice:.1f} MB after {2 * memory.requests:,}."
        )


def _of_audiences(results: Results) -> Iterable[str]:
    if results.viewers is not None:
        yield from viewers_tables(results.viewers)
    if results.pages is not None:
        yield from pages_tables(results.pages)
    if results.rooms is not None:
        yield from rooms_tables(results.rooms)


def _ratios(standings: Sequence[Standing]) -> Iterable[Verdict]:
    known = {(standing.scenario, standing.contender): standing for standing in standings}
    for scenario in dict.fromkeys(standing.scenario for standing in standings):
        for other, bar in _bars_of(scenario):
            against = ratio(known[scenario, OURS], known[scenario, other])
            yield Verdict(
                f"{scenario.title}, against {TITLES[other]}",
                f"{against.median:.2f}x",
                f"{against.least:.2f}..{against.most:.2f}",
                f">= {bar:g}x",
                against.median >= bar,
            )
        if scenario.mode == "storm" and scenario.connections == MANY:
            slowest = known[scenario, OURS].spread_of(lambda run: run.p99)
            yield at_most(f"{scenario.title}: p99", slowest, STORM_P99_MS, unit="ms")


def _bars_of(scenario: Scenario) -> tuple[tuple[str, float], ...]:
    """Against whom, and how many times as fast."""
    match scenario:
        case Scenario(mode="patch", connections=connections):
            bars = ((HONO, AGAINST_HONO), (FASTAPI, AGAINST_FASTAPI), (CEILING, AGAINST_CEILING))
            return bars if connections < CROWD else (*bars, (HONO, CROWD_AGAINST_HONO))
        case Scenario(mode="get"):
            return ((HONO, GET_AGAINST_HONO),)
        case Scenario(mode="list"):
            return ((HONO, LIST_AGAINST_HONO), (FASTAPI, LIST_AGAINST_FASTAPI))
        case Scenario(mode="storm", connections=connections) if connections < MANY:
            return ((HONO, STORM_AGAINST_HONO), (FASTAPI, STORM_AGAINST_FASTAPI), (CEILING, STORM_AGAINST_CEILING))
        case Scenario(mode="votes"):
            return ((HONO, VOTES_AGAINST_HONO),)
    return ()


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
    return table(head, rows)


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
    return "Requests a second by pool size, one short run each; the best is kept for the rounds.\n\n" + table(
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
    return "Median latency of a list of 20, one connection, in ms.\n\n" + table(
        ("", "1,000 sessions", "1,000,000", "ratio", "min..max"), rows
    )


def _machine(machine: Machine) -> str:
    lines = [f"- {machine.cores} cores of {machine.processor}, {machine.memory_gib:.0f} GiB, {machine.system}"]
    lines += [f"- {name}: {versions}" for name, versions in machine.versions.items()]
    if machine.busy > BUSY:
        lines.append(f"- **The machine was not idle: others used {machine.busy:.0%} of it before the first run.**")
    return "\n".join(lines)
