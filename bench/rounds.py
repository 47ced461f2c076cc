"""Throughput: for each contender the best pool size, then rounds in which all take their turn."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Protocol

from msgspec import Struct

from bench.contenders import Contender, Running, running
from bench.load import Mode, Run

OURS, HONO, ADDING, FASTAPI, CEILING = "greenroom", "hono", "adding", "fastapi", "pgbench"
MANY = 500  # connections: more than PostgreSQL would take of pgbench


class Scenario(Struct, frozen=True):
    """One kind of request from one number of connections."""

    mode: Mode
    connections: int

    @property
    def title(self) -> str:
        """As the tables name it."""
        return f"{self.mode.upper()}, {self.connections} connections"

    @property
    def has_ceiling(self) -> bool:
        """Whether pgbench takes its turn."""
        return self.mode in {"patch", "storm"} and self.connections < MANY


class Effort(Struct, frozen=True, kw_only=True):
    """How long and how often."""

    pools: tuple[int, ...]
    rounds: int
    seconds: float
    sweep_seconds: float
    warm_up_seconds: float

    @property
    def longest_seconds(self) -> float:
        """Of what is measured in one go."""
        return max(self.seconds, self.sweep_seconds)


class Standing(Struct, frozen=True, kw_only=True):
    """All runs of one contender in one scenario, in the order of the rounds. `pool` is 0 where there is none."""

    contender: str
    scenario: Scenario
    pool: int
    sweep: dict[int, float]
    runs: list[Run]

    def spread_of(self, number: Callable[[Run], float]) -> "Spread":
        """The median and the ends of one of the runs' numbers."""
        return spread([number(run) for run in self.runs])


class Spread(Struct, frozen=True):
    """A median and its ends."""

    median: float
    least: float
    most: float


def spread(numbers: Sequence[float]) -> Spread:
    """The median and the ends."""
    return Spread(median(numbers), min(numbers), max(numbers))


def ratio(ours: Standing, theirs: Standing) -> Spread:
    """Ours against theirs, round by round: both ran within the same minute."""
    return spread([mine.per_second / yours.per_second for mine, yours in zip(ours.runs, theirs.runs, strict=True)])


class Driver(Protocol):
    """Drives a server, and checks what it did."""

    def measure(self, server: Running, mode: Mode, *, connections: int, warm_up: float, seconds: float) -> Run:
        """Warm up, and measure. Raises BenchError."""


class WithoutServer(Protocol):
    """What the database can do alone."""

    def measure(self, *, clients: int, warm_up: float, seconds: float) -> Run:
        """Warm up, and measure. Raises BenchError."""


class Arena:
    """Everybody on the same database, with the same load."""

    def __init__(
        self, contenders: Sequence[Contender], ceiling: WithoutServer | None, load: Driver, effort: Effort, *, directory: Path
    ) -> None:
        self._contenders = contenders
        self._ceiling = ceiling
        self._load = load
        self._effort = effort
        self._directory = directory

    def compete(self, scenarios: Sequence[Scenario]) -> list[Standing]:
        """Sweep, then the rounds. Raises BenchError when a single run is not whole."""
        sweeps = {contender.name: self._sweep(contender, scenarios) for contender in self._contenders}
        standings = [
            self._standing(contender.name, scenario, sweeps[contender.name][scenario])
            for scenario in scenarios
            for contender in self._contenders
        ]
        standings += [self._standing(CEILING, scenario, {}) for scenario in scenarios if scenario.has_ceiling]
        for number in range(1, self._effort.rounds + 1):
            for scenario in scenarios:
                for standing in (standing for standing in standings if standing.scenario == scenario):
                    run = self._run(standing)
                    standing.runs.append(run)
                    _say(f"round {number}  {scenario.title}  {standing.contender:10} {run.per_second:8,.0f} req/s")
        return standings

    def _sweep(self, contender: Contender, scenarios: Sequence[Scenario]) -> dict[Scenario, dict[int, float]]:
        """Requests per second by pool size."""
        found: dict[Scenario, dict[int, float]] = {scenario: {} for scenario in scenarios}
        if len(self._effort.pools) == 1:
            return {scenario: {self._effort.pools[0]: 0.0} for scenario in scenarios}
        for pool in self._effort.pools:
            with running(contender, pool=pool, log=self._log_of(contender)) as server:
                for scenario in scenarios:
                    run = self._load.measure(
                        server,
                        scenario.mode,
                        connections=scenario.connections,
                        warm_up=self._effort.warm_up_seconds,
                        seconds=self._effort.sweep_seconds,
                    )
                    found[scenario][pool] = run.per_second
                    _say(f"sweep    {scenario.title}  {contender.name:10} {run.per_second:8,.0f} req/s  pool {pool}")
        return found

    def _standing(self, name: str, scenario: Scenario, sweep: dict[int, float]) -> Standing:
        best = max(sweep, key=lambda pool: sweep[pool]) if sweep else 0
        return Standing(contender=name, scenario=scenario, pool=best, sweep=sweep, runs=[])

    def _run(self, standing: Standing) -> Run:
        warm_up, seconds = self._effort.warm_up_seconds, self._effort.seconds
        if self._ceiling is not None and standing.contender == CEILING:
            return self._ceiling.measure(clients=standing.scenario.connections, warm_up=warm_up, seconds=seconds)
        contender = next(contender for contender in self._contenders if contender.name == standing.contender)
        with running(contender, pool=standing.pool, log=self._log_of(contender)) as server:
            return self._load.measure(
                server, standing.scenario.mode, connections=standing.scenario.connections, warm_up=warm_up, seconds=seconds
            )

    def _log_of(self, contender: Contender) -> Path:
        """A log of its own for each, emptied before each start."""
        log = self._directory / f"{contender.name}.log"
        log.write_bytes(b"")
        return log


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
