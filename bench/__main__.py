"""`python -m bench`: measure, print, and keep the results."""

import argparse
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from bench import contenders, tools
from bench.ceiling import Ceiling
from bench.contenders import Contender, running
from bench.database import BenchDatabase, bench_database
from bench.drop import FULL as FULL_SIZE
from bench.drop import QUICK as QUICK_SIZE
from bench.drop import Drop, measure_drop
from bench.freshness import CONNECTIONS, WORKERS, stale_answers
from bench.hooks import Hooks, measure_hooks
from bench.joins import Joins, measure_joins
from bench.load import Load, Mode
from bench.machine import describe
from bench.mail import Mail, measure_mail
from bench.memory import Memory, resident
from bench.pages import FULL as FULL_PAGES
from bench.pages import QUICK as QUICK_PAGES
from bench.pages import Pages, measure_pages
from bench.report import Results, text_of
from bench.rooms import FULL as FULL_ROOMS
from bench.rooms import QUICK as QUICK_ROOMS
from bench.rooms import Rooms, measure_rooms
from bench.rounds import Arena, Effort, Scenario, Standing
from bench.sameness import Reply, check_logged, check_observed, check_sameness, replies
from bench.sameness_of_lists import check_order, list_replies
from bench.scale import Scale, measure_scale
from bench.seed import UPCOMING_SESSIONS
from bench.startup import cold_starts
from bench.timers_day import Day, measure_day
from bench.told import Told, measure_told
from bench.tools import BenchError
from bench.viewers import FULL as FULL_AUDIENCE
from bench.viewers import QUICK as QUICK_AUDIENCE
from bench.viewers import Viewers, measure_viewers
from bench.votes import Votes, measure_votes

MODES: tuple[Mode, ...] = ("patch", "get", "list")
PARTS_OF_ALL = (
    *MODES,
    "drop",
    "votes",
    "viewers",
    "pages",
    "rooms",
    "events",
    "timers",
    "joins",
    "mail",
    "hooks",
    "scale",
    "startup",
    "memory",
    "all",
)
CONNECTION_COUNTS = (16, 64)
POOLS = (4, 8, 16, 32, 64)
USUAL_POOL = 8
FULL = Effort(pools=POOLS, rounds=5, seconds=4.0, sweep_seconds=2.0, warm_up_seconds=2.0)
QUICK = Effort(pools=(USUAL_POOL,), rounds=1, seconds=2.0, sweep_seconds=1.0, warm_up_seconds=1.0)
MOST = 60  # of rounds, or of seconds: a run is bounded
BEGIN, END = "<!-- results -->", "<!-- /results -->"
PARTS = re.compile(r"\n*<!-- results of (\w+) -->.*?<!-- /results of \1 -->", re.DOTALL)


def main() -> int:
    """Run what is asked for; 1 when a run was not whole and there is no result."""
    arguments = _parser().parse_args()
    try:
        tools.wrk()
        with tempfile.TemporaryDirectory(prefix="greenroom-bench-") as temporary, bench_database() as database:
            results = Harness(arguments, database, Path(temporary)).results()
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    text = text_of(results)
    print(text)
    tools.RESULTS.mkdir(exist_ok=True)
    (tools.RESULTS / "latest.md").write_text(text)
    (tools.RESULTS / "latest.json").write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    if arguments.record:
        readme = tools.HERE / "README.md"
        readme.write_text(recorded(readme.read_text(), text, of=arguments.what))
    return 0


class Harness:
    """One run: what was asked for, on one database."""

    def __init__(self, arguments: argparse.Namespace, database: BenchDatabase, directory: Path) -> None:
        self._asked: str = arguments.what
        self._quick: bool = arguments.quick
        self._database = database
        self._directory = directory
        self._load = Load(database)
        usual = QUICK if self._quick else FULL
        self._effort = replace(usual, rounds=arguments.rounds or usual.rounds, seconds=arguments.seconds or usual.seconds)

    def results(self) -> Results:
        """Measure. Raises BenchError."""
        machine = describe(self._database)
        standings = self._standings()
        storms, drop = self._drop()
        ballots, votes = self._votes()
        changes = (100 if self._quick else 1000) if self._asks("get") else 0
        return Results(
            command=" ".join(["python -m bench", *sys.argv[1:]]),
            date=f"{datetime.now(UTC):%Y-%m-%d}",
            quick=self._quick,
            machine=machine,
            standings=[*standings, *storms, *ballots],
            stale_answers=self._stale_answers(changes) if changes else None,
            answers_compared=changes * CONNECTIONS,
            scales=self._scales(),
            cold_starts=self._cold_starts(),
            memory=self._memory(standings),
            drop=drop,
            votes=votes,
            viewers=self._viewers(),
            pages=self._pages(),
            rooms=self._rooms(),
            told=self._told(),
            day=self._day(),
            joins=self._joins(),
            mail=self._mail(),
            hooks=self._hooks(),
        )

    def _asks(self, what: str) -> bool:
        return self._asked in {what, "all"}

    def _standings(self) -> list[Standing]:
        modes: list[Mode] = [mode for mode in MODES if self._asks(mode)]
        if not modes:
            return []
        everybody = [contender(self._database) for contender in (contenders.greenroom, contenders.hono, contenders.fastapi)]
        self._refuse_unequal(everybody)
        arena = Arena(everybody, Ceiling(self._database, self._directory), self._load, self._effort, directory=self._directory)
        return arena.compete([Scenario(mode, connections) for mode in modes for connections in CONNECTION_COUNTS])

    def _refuse_unequal(self, everybody: list[Contender]) -> None:
        answers: dict[str, list[Reply]] = {}
        self._database.freshen()
        for number, contender in enumerate(everybody, start=1):
            log = self._log(f"sameness-{contender.name}")
            with running(contender, pool=USUAL_POOL, log=log) as server:
                said = replies(server, session=4 * number)  # of every fourth the caller is a participant
                listed = list_replies(server)
                check_order(listed, upcoming=UPCOMING_SESSIONS)
                said += listed
                check_observed(server, asked=len(said))
            check_logged(server, log, asked=len(said))
            answers[contender.title] = said
        check_sameness(self._database, answers)
        _say("The three servers give the same answers and leave the same traces.")

    def _drop(self) -> tuple[list[Standing], Drop | None]:
        if not self._asks("drop"):
            return [], None
        size = QUICK_SIZE if self._quick else FULL_SIZE
        return measure_drop(self._effort, pool=USUAL_POOL, size=size, directory=self._directory)

    def _votes(self) -> tuple[list[Standing], Votes | None]:
        if not self._asks("votes"):
            return [], None
        return measure_votes(self._effort, pool=USUAL_POOL, directory=self._directory)

    def _viewers(self) -> Viewers | None:
        if not self._asks("viewers"):
            return None
        size = QUICK_AUDIENCE if self._quick else FULL_AUDIENCE
        return measure_viewers(size=size, rounds=self._effort.rounds, pool=USUAL_POOL, directory=self._directory)

    def _rooms(self) -> Rooms | None:
        if not self._asks("rooms"):
            return None
        size = QUICK_ROOMS if self._quick else FULL_ROOMS
        return measure_rooms(size=size, rounds=self._effort.rounds, pool=USUAL_POOL, directory=self._directory)

    def _pages(self) -> Pages | None:
        if not self._asks("pages"):
            return None
        size = QUICK_PAGES if self._quick else FULL_PAGES
        return measure_pages(size=size, rounds=self._effort.rounds, pool=USUAL_POOL, directory=self._directory)

    def _told(self) -> Told | None:
        if not self._asks("events"):
            return None
        size = QUICK_SIZE if self._quick else FULL_SIZE
        events, samples, steady = (10_000, 50, 20) if self._quick else (50_000, 200, 240)
        return measure_told(
            people=size.people,
            seats=size.seats,
            events=events,
            samples=samples,
            steady_seconds=steady,
            rounds=self._effort.rounds,
            pool=USUAL_POOL,
            directory=self._directory,
        )

    def _day(self) -> Day | None:
        if not self._asks("timers"):
            return None
        timers, seconds, burst = (50_000, 20.0, 1_000) if self._quick else (1_000_000, 60.0, 10_000)
        return measure_day(timers=timers, seconds=seconds, burst=burst, directory=self._directory)

    def _joins(self) -> Joins | None:
        if not self._asks("joins"):
            return None
        events = 2_000 if self._quick else 10_000
        return measure_joins(rounds=self._effort.rounds, events=events, pool=USUAL_POOL, directory=self._directory)

    def _mail(self) -> Mail | None:
        if not self._asks("mail"):
            return None
        return measure_mail(people=1_000 if self._quick else 10_000, pool=USUAL_POOL, directory=self._directory)

    def _hooks(self) -> Hooks | None:
        if not self._asks("hooks"):
            return None
        samples, seconds = (20, 10.0) if self._quick else (200, 60.0)
        return measure_hooks(
            samples=samples, seconds=seconds, rounds=self._effort.rounds, pool=USUAL_POOL, directory=self._directory
        )

    def _stale_answers(self, changes: int) -> int:
        server = contenders.greenroom(self._database, workers=WORKERS)
        return stale_answers(server, changes=changes, pool=USUAL_POOL, log=self._log("freshness"))

    def _scales(self) -> list[Scale]:
        if not self._asks("scale"):
            return []
        _say("1,000 sessions and 1,000,000 ...")
        rounds, requests = (2, 100) if self._quick else (self._effort.rounds, 400)
        return measure_scale(rounds=rounds, requests=requests, pool=USUAL_POOL, log=self._log("scale"))

    def _cold_starts(self) -> list[float]:
        if not self._asks("startup"):
            return []
        _say("Cold starts ...")
        return cold_starts(1 if self._quick else 5, log=self._log("startup"))

    def _memory(self, standings: list[Standing]) -> Memory | None:
        if not self._asks("memory"):
            return None
        _say("Memory ...")
        pool = standings[0].pool if standings else USUAL_POOL
        ours = contenders.greenroom(self._database)
        requests = 10_000 if self._quick else 100_000
        return resident(ours, self._load, requests=requests, pool=pool, log=self._log("memory"))

    def _log(self, name: str) -> Path:
        return self._directory / f"{name}.log"


def recorded(page: str, results: str, *, of: str) -> str:
    """The page with the results: of a whole run in the place of all that were there, of a part beside the others."""
    before, _, rest = page.partition(BEGIN)
    whole, _, after = rest.partition(END)
    parts = {found[1]: found[0].strip() for found in PARTS.finditer(after)} if of != "all" else {}
    if of == "all":
        whole = f"\n\n{results}\n"
    else:
        parts[of] = f"<!-- results of {of} -->\n\n{results}\n<!-- /results of {of} -->"
    kept = "".join(f"\n\n{part}" for part in parts.values())
    return f"{before}{BEGIN}{whole}{END}{kept}{PARTS.sub('', after)}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure Greenroom against its peers. See bench/README.md."
    )
    parser.add_argument("what", nargs="?", default="all", choices=PARTS_OF_ALL)
    parser.add_argument("--quick", action="store_true", help="a few minutes, for a first look")
    parser.add_argument("--rounds", type=_positive, help="how often everybody takes a turn (default: 5; quick: 1)")
    parser.add_argument("--seconds", type=_positive, help="how long one turn is measured (default: 4; quick: 2)")
    parser.add_argument("--record", action="store_true", help="put the results in bench/README.md too")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MOST:
        raise argparse.ArgumentTypeError(f"expected 1 to {MOST}")
    return number


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
