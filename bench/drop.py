"""The drop: a storm on one session against the peers, and what becomes of a session for which very many register."""

import sys
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from bench import contenders
from bench.contenders import Contender, running
from bench.crowd import crowd_for
from bench.database import BenchDatabase, empty_database
from bench.drop_load import OneByOne, Storm
from bench.growth import (
    FULL_SESSION,
    Growth,
    Promotion,
    fill,
    measure_growth,
    measure_promotion,
    with_empty_session,
)
from bench.lonely import Lonely, measure_lonely
from bench.rounds import MANY, Arena, Effort, Scenario, Standing
from bench.rush import Rush, measure_rush
from bench.sameness import Reply, check_logged, check_observed, check_replies
from bench.sameness_of_registrations import check_registrations, prepare, registration_replies
from bench.whole_list import WholeList, measure_whole_list

CONNECTIONS = 64
POOLS = (1, 2, 4, 8, 16)  # on one hot row fewer connections may be faster: nobody waits for a lock that the next one needs
SMALL_SESSION = UUID("00000000-0000-7000-8002-000000000001")


class Size(Struct, frozen=True, kw_only=True):
    """How much of everything."""

    people: int
    seats: int
    rows: int
    promoted: int
    rounds: int
    requests: int


FULL = Size(people=100_000, seats=10_000, rows=1_000_000, promoted=5_000, rounds=5, requests=400)
QUICK = Size(people=5_000, seats=500, rows=50_000, promoted=500, rounds=1, requests=100)
WORKERS = 4


class Drop(Struct, frozen=True):
    """What was found beside the storm's throughput."""

    rush: Rush
    lonely: Lonely
    growth: Growth
    promotion: Promotion
    whole_list: WholeList


def measure_drop(effort: Effort, *, pool: int, size: Size, directory: Path) -> tuple[list[Standing], Drop]:
    """On databases of its own. Raises BenchError."""
    size = replace(size, rounds=effort.rounds)
    with empty_database() as database:
        _say(f"The drop: {size.people:,} people for {size.seats:,} seats ...")
        rush = measure_rush(database, directory, people=size.people, seats=size.seats, workers=WORKERS, pool=pool)
        everybody = [contender(database) for contender in (contenders.greenroom, contenders.hono, contenders.fastapi)]
        refuse_unequal(database, everybody, directory=directory, pool=pool)
        standings = _storms(database, everybody, effort, directory=directory)
        _say("Alone in the lane ...")
        lonely = measure_lonely(database, rounds=size.rounds, requests=size.requests)
        growth, promotion, whole_list = _with_a_full_session(database, size, pool=pool, directory=directory)
    return standings, Drop(rush, lonely, growth, promotion, whole_list)


def refuse_unequal(database: BenchDatabase, everybody: list[Contender], *, directory: Path, pool: int) -> None:
    """Raises BenchError unless all register alike, and leave the same rows."""
    database.execute(
        "set session_replication_role = replica", "truncate sessions, registrations, audit_log, outbox, events, timers cascade"
    )
    answers: dict[str, list[Reply]] = {}
    for number, contender in enumerate(everybody, start=1):
        prepare(database, contender=number)
        log = directory / f"registering-{contender.name}.log"
        with running(contender, pool=pool, log=log) as server:
            said = registration_replies(server, contender=number)
            check_observed(server, asked=len(said))
        check_logged(server, log, asked=len(said))
        answers[contender.title] = said
    check_replies(answers)
    check_registrations(database, contenders=len(everybody))
    _say("The three servers register alike and leave the same rows.")


def _storms(database: BenchDatabase, everybody: list[Contender], effort: Effort, *, directory: Path) -> list[Standing]:
    if len(effort.pools) > 1:
        effort = replace(effort, pools=POOLS)
    _say("Signing tokens ...")
    crowd = crowd_for(everybody, effort, directory=directory)
    storm, ceiling = Storm(database, crowd), OneByOne(database, directory)
    # Each scenario by itself, so that no server sees a token twice.
    side_by_side = Arena(everybody, ceiling, storm, effort, directory=directory)
    ours_alone = Arena(everybody[:1], ceiling, storm, effort, directory=directory)
    return [
        *side_by_side.compete([Scenario("storm", CONNECTIONS)]),
        *ours_alone.compete([Scenario("storm", MANY)]),
    ]


def _with_a_full_session(
    database: BenchDatabase, size: Size, *, pool: int, directory: Path
) -> tuple[Growth, Promotion, WholeList]:
    """Two databases: one with an empty session, one with a session that has very many registrations."""
    with ExitStack() as stack:
        large = stack.enter_context(empty_database())
        _say(f"A session with {size.rows:,} registrations ...")
        session = with_empty_session(database)
        fill(large, rows=size.rows)
        log = directory / "growth.log"
        empty, full = (stack.enter_context(running(contenders.greenroom(its), pool=pool, log=log)) for its in (database, large))
        growth = measure_growth(empty, session, full, rows=size.rows, rounds=size.rounds, requests=size.requests)
        _say(f"{size.promoted:,} move up ...")
        promotion = measure_promotion(large, full, people=size.promoted, rounds=size.rounds)
        _say("The whole list as CSV ...")
        came = int(large.row("select next_position - 1 from sessions where id = $1", FULL_SESSION)[0])
        whole_list = measure_whole_list(full, FULL_SESSION, small=SMALL_SESSION, rows=came)
    return growth, promotion, whole_list


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
