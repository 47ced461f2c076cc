"""Thousands watch a live session: what each takes while nothing happens, and how soon and how dearly each sees votes.

Ours, and a peer that has a queue for each client and a message for each vote.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from bench import contenders, tools
from bench.contenders import Contender, Running
from bench.database import BenchDatabase, empty_database
from bench.people import write_tokens
from bench.rounds import OURS
from bench.tools import BenchError
from bench.viewers_load import Voted, Watched, audience, check_votes, on_a_core, opened
from greenroom.kit.serving import allow_many_connections

WARM_UP_SECONDS = 2
HEARTBEAT_SECONDS = 40.0  # for which a heartbeat is awaited: two of them, and some


class Pace(Struct, frozen=True):
    """So many viewers, and so many votes a second for so long."""

    viewers: int
    per_second: int
    seconds: int

    @property
    def votes(self) -> int:
        """How many are measured."""
        return self.per_second * self.seconds

    @property
    def people(self) -> int:
        """How many are needed: who watch, who vote, and who voted to warm up."""
        return self.viewers + self.votes + WARM_UP_SECONDS * self.per_second


class Size(Struct, frozen=True, kw_only=True):
    """How much of everything. `shared` is the pace that the peer can keep too."""

    idle: int
    crowd: Pace
    shared: Pace


FULL = Size(idle=10_000, crowd=Pace(5_000, 500, 20), shared=Pace(500, 10, 20))
QUICK = Size(idle=2_000, crowd=Pace(1_000, 500, 5), shared=Pace(200, 10, 5))


class Idle(Struct, frozen=True, kw_only=True):
    """Viewers to whom nothing is told: how many were there after a heartbeat; seconds until all had come, and processor time
    of the server meanwhile; its memory, in MB, without and with them.
    """

    viewers: int
    there: int
    seconds: float
    cpu: float
    before: float
    after: float

    @property
    def kb_each(self) -> float:
        """What one of them takes."""
        return (self.after - self.before) * 1000 / self.viewers


class Watching(Struct, frozen=True, kw_only=True):
    """Votes, and how they were seen. Processor time of the server in seconds: in all, in the kernel, and for the same votes
    while nobody watched.
    """

    voted: Voted
    cpu: float
    cpu_kernel: float
    alone: float
    alone_kernel: float

    @property
    def us_per_frame(self) -> float:
        """What it takes to tell one viewer one frame."""
        return (self.cpu - self.alone) / self.voted.frames * 1e6

    @property
    def us_per_vote(self) -> float:
        """What it takes to tell one viewer one vote, alone in a frame or not."""
        return (self.cpu - self.alone) / (self.voted.votes * self.voted.viewers) * 1e6

    @property
    def kernel_share(self) -> float:
        """How much of it is the kernel's, in which a socket is written to."""
        return (self.cpu_kernel - self.alone_kernel) / (self.cpu - self.alone)

    @property
    def core(self) -> float:
        """How busy the server's core was."""
        return self.cpu / self.voted.seconds


class Viewers(Struct, frozen=True, kw_only=True):
    """Each thing's rounds."""

    size: Size
    idle: list[Idle]
    idle_peer: list[Idle]
    crowd: list[Watching]
    shared: list[Watching]
    shared_peer: list[Watching]


def measure_viewers(*, size: Size, rounds: int, pool: int, directory: Path) -> Viewers:
    """On a database of its own. Raises BenchError."""
    allow_many_connections()
    found = Viewers(size=size, idle=[], idle_peer=[], crowd=[], shared=[], shared_peer=[])
    program = tools.viewers_program(directory)
    with empty_database() as database:
        ours, peer = contenders.greenroom(database, background=True), contenders.sse()
        people = max(size.idle, size.crowd.people, size.shared.people)
        tokens = write_tokens(ours, directory / "viewers.tokens", people=people)  # the peer looks at none
        stage = Stage(database, program, tokens, pool=pool, directory=directory)
        for _ in range(rounds):
            found.idle.append(stage.idle(ours, viewers=size.idle))
            found.idle_peer.append(stage.idle(peer, viewers=size.idle))
            found.crowd.append(stage.watching(ours, size.crowd))
            found.shared.append(stage.watching(ours, size.shared))
            found.shared_peer.append(stage.watching(peer, size.shared))
    return found


class Stage:
    """Where servers are watched: each time a server, a session and viewers of its own."""

    def __init__(self, database: BenchDatabase, program: Path, tokens: Path, *, pool: int, directory: Path) -> None:
        self._database = database
        self._program = program
        self._tokens = tokens
        self._pool = pool
        self._directory = directory

    def idle(self, contender: Contender, *, viewers: int) -> Idle:
        """They come, and stay for a heartbeat. Raises BenchError."""
        with self._set(contender) as (server, watched):
            before, cpu = server.resident_mb(), server.cpu_seconds()
            with audience(self._program, server, watched, self._tokens, viewers=viewers) as there:
                after, cpu = server.resident_mb(), server.cpu_seconds() - cpu
                stayed = there.beat(HEARTBEAT_SECONDS)
                idle = Idle(
                    viewers=viewers,
                    there=stayed,
                    seconds=there.seconds,
                    cpu=cpu,
                    before=before,
                    after=max(after, server.resident_mb()),
                )
        _say(f"{contender.title}: {stayed:,} viewers, {idle.kb_each:.1f} KB each")
        return idle

    def watching(self, contender: Contender, pace: Pace) -> Watching:
        """The votes without viewers, then with them. Raises BenchError."""
        _, alone, alone_kernel = self._voted(contender, pace, viewers=0)
        voted, cpu, kernel = self._voted(contender, pace, viewers=pace.viewers)
        if not voted.frames or cpu <= alone:
            raise BenchError(f"{contender.title}: {voted.frames} frames took {cpu - alone:.2f} s; measure for longer")
        watching = Watching(voted=voted, cpu=cpu, cpu_kernel=kernel, alone=alone, alone_kernel=alone_kernel)
        _say(
            f"{contender.title}, {pace.viewers:,} viewers, {pace.per_second} votes a second: p99 {voted.p99:,.0f} ms, "
            f"{voted.least:.2f}..{voted.most:.2f} frames a second, {watching.us_per_frame:.1f} µs each"
        )
        return watching

    def _voted(self, contender: Contender, pace: Pace, *, viewers: int) -> tuple[Voted, float, float]:
        """With the processor time of the server: in all, in the kernel."""
        with (
            self._set(contender) as (server, watched),
            audience(self._program, server, watched, self._tokens, viewers=viewers) as there,
        ):
            first = there.vote(WARM_UP_SECONDS * pace.per_second, per_second=pace.per_second)
            cpu, kernel = server.cpu_seconds(), server.kernel_seconds()
            voted = there.vote(pace.votes, per_second=pace.per_second)
            cpu, kernel = server.cpu_seconds() - cpu, server.kernel_seconds() - kernel
        if contender.name == OURS:
            check_votes(self._database, watched, votes=first.votes + voted.votes)
        return voted, cpu, kernel

    @contextmanager
    def _set(self, contender: Contender) -> Iterator[tuple[Running, Watched]]:
        watched = opened(self._database, self._directory)
        with on_a_core(contender, pool=self._pool, log=self._directory / f"viewers-{contender.name}.log") as server:
            yield server, watched


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
