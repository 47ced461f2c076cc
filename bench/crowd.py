"""A crowd: every request is another person's, with a token that the server has not seen."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import tools
from bench.contenders import Contender, Running
from bench.load import Mode, Run, Spent, driven
from bench.people import write_tokens
from bench.rounds import OURS, Effort

# What is signed beforehand; who is faster than that ends the run with an error.
OURS_A_SECOND, PEERS_A_SECOND = 30_000, 12_000


class Crowd:
    """Each contender has a file of tokens; a run is a server that has seen none of them."""

    def __init__(self, tokens: Mapping[str, Path]) -> None:
        self._tokens = tokens

    def measure(
        self, server: Running, mode: Mode, request: str, *, connections: int, warm_up: float, seconds: float
    ) -> tuple[int, Run]:
        """Warm up and measure; how many were answered in both. `request`: method and path. Raises BenchError."""
        first, people = (tokens_needed(server.contender, length) for length in (warm_up, seconds))
        warm = self._drive(server, mode, request, connections=connections, seconds=warm_up, skip=0, people=first)
        cpu = server.cpu_seconds()
        spent = self._drive(server, mode, request, connections=connections, seconds=seconds, skip=first, people=people)
        cpu = server.cpu_seconds() - cpu
        run = Run(
            per_second=spent.requests / (spent.microseconds / 1e6),
            requests=spent.requests,
            p50=spent.p50 / 1000,
            p99=spent.p99 / 1000,
            cpu_us=cpu / spent.requests * 1e6,
        )
        return warm.requests + spent.requests, run

    def _drive(
        self, server: Running, mode: Mode, request: str, *, connections: int, seconds: float, skip: int, people: int
    ) -> Spent:
        arguments = [str(self._tokens[server.contender.name]), str(skip), str(people), request, mode]
        return driven(server, tools.CROWD_SCRIPT, arguments, what=mode, connections=connections, seconds=seconds)


def crowd_for(everybody: Sequence[Contender], effort: Effort, *, directory: Path) -> Crowd:
    """With tokens enough for one run of each."""
    files = {}
    for contender in everybody:
        people = sum(tokens_needed(contender, seconds) for seconds in (effort.warm_up_seconds, effort.longest_seconds))
        files[contender.name] = write_tokens(contender, directory / f"{contender.name}.tokens", people=people)
    return Crowd(files)


def tokens_needed(contender: Contender, seconds: float) -> int:
    """More than this contender can use in a run."""
    return max(1, round(seconds)) * (OURS_A_SECOND if contender.name == OURS else PEERS_A_SECOND)
