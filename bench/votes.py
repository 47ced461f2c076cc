"""Votes: everybody votes for one question, each request is another person's; checked for what it left in the database."""

import sys
from pathlib import Path
from uuid import UUID, uuid4

from msgspec import Struct
from msgspec.structs import replace

from bench import contenders
from bench.contenders import Contender, Running, running
from bench.crowd import Crowd, crowd_for
from bench.database import BenchDatabase, at_rest, empty_database
from bench.drop import CONNECTIONS, POOLS
from bench.drop_load import FRESHEN, REST
from bench.load import Mode, Run
from bench.rounds import OURS, Arena, Effort, Scenario, Standing
from bench.sameness import Reply, check_logged, check_observed, check_replies
from bench.sameness_of_votes import check_votes, prepare, vote_replies
from bench.seed import EARLIER_QUESTIONS
from bench.tools import BenchError

# Everybody may vote, without a seat: the session is live, and never full.
OPEN = """
insert into sessions (brand_id, id, host_id, title, kind, status, scheduled_at, started_at, max_participants, next_question,
                      created_at, updated_at)
select 'acme', '{session}', 'host_1', 'The vote', 'live', 'live', now_, now_, 1000000000, 2, now_, now_
from date_trunc('milliseconds', now()) now_;
insert into questions (brand_id, id, session_id, asker_user_id, body, status, position, asked_at, moderated_at,
                       moderator_user_id)
select 'acme', '{question}', '{session}', 'asker_1', 'Is this the one?', 'approved', 1, now_, now_, 'host_1'
from date_trunc('milliseconds', now()) now_
"""
FRESHEN_VOTES = (*FRESHEN, "truncate questions, votes cascade", EARLIER_QUESTIONS)
REST_OF_VOTES = ("vacuum analyze questions", "vacuum analyze votes", *REST)

COUNT = "select vote_count from questions where id = $1"

# Every event tells a count that no other one told, the last one that which stands there.
LEFT = """
select q.vote_count, v.rows, e.told, e.events, e.counts
from questions q,
    lateral (select count(*) as rows from votes v where v.brand_id = q.brand_id and v.question_id = q.id) v,
    lateral (
        select coalesce(max(c.count), 0) as told, count(*) as events, count(distinct c.count) as counts
        from all_events_any_brand_v1() a, lateral (select (a.payload -> 'vote_counts' ->> q.id::text)::integer as count) c
        where a.session_id = q.session_id and a.name = 'live.question.votes_changed.v1'
    ) e
where q.id = $1
"""


class Votes(Struct, frozen=True):
    """What was found beside the throughput: how many votes of ours shared a transaction, run by run."""

    together: list[float]


class Left(Struct, frozen=True):
    """What a storm of votes has left behind."""

    vote_count: int
    rows: int
    told: int
    events: int
    counts: int

    @property
    def is_exact(self) -> bool:
        """The count is that of the votes, and was told."""
        return self.vote_count == self.rows == self.told and self.events == self.counts


def measure_votes(effort: Effort, *, pool: int, directory: Path) -> tuple[list[Standing], Votes]:
    """On a database of its own. Raises BenchError."""
    if len(effort.pools) > 1:
        effort = replace(effort, pools=POOLS)
    with empty_database() as database:
        everybody = [contender(database) for contender in (contenders.greenroom, contenders.hono, contenders.adding_hono)]
        refuse_unequal(database, everybody, directory=directory, pool=pool)
        _say("Signing tokens ...")
        ballot = Ballot(database, crowd_for(everybody, effort, directory=directory))
        arena = Arena(everybody, None, ballot, effort, directory=directory)
        standings = arena.compete([Scenario("votes", CONNECTIONS)])
    return standings, Votes(ballot.together)


def refuse_unequal(database: BenchDatabase, everybody: list[Contender], *, directory: Path, pool: int) -> None:
    """Raises BenchError unless all take votes alike, and leave the same rows."""
    answers: dict[str, list[Reply]] = {}
    for number, contender in enumerate(everybody, start=1):
        prepare(database, contender=number)
        log = directory / f"voting-{contender.name}.log"
        with running(contender, pool=pool, log=log) as server:
            said = vote_replies(server, contender=number)
            check_observed(server, asked=len(said))
        check_logged(server, log, asked=len(said))
        answers[contender.title] = said
    check_replies(answers)
    check_votes(database, contenders=len(everybody))
    _say("The servers take votes alike and leave the same rows.")


class Ballot:
    """Drives servers on one database."""

    def __init__(self, database: BenchDatabase, crowd: Crowd) -> None:
        self._database = database
        self._crowd = crowd
        self.together: list[float] = []

    def measure(self, server: Running, mode: Mode, *, connections: int, warm_up: float, seconds: float) -> Run:
        """Warm up on a fresh question, measure while its votes grow, and check what is there. Raises BenchError."""
        session, question = uuid4(), uuid4()
        opened = OPEN.format(session=session, question=question)
        self._database.execute(*FRESHEN_VOTES, opened, *REST_OF_VOTES)
        request = f"PUT /v1/sessions/{session}/questions/{question}/vote"
        asked, run = self._crowd.measure(server, mode, request, connections=connections, warm_up=warm_up, seconds=seconds)
        left = self._left_behind(question)
        if not left.is_exact or not asked <= left.rows <= asked + 2 * connections:  # some were under way, twice
            raise BenchError(f"{server.contender.title}: {asked} votes were answered, and the database says {left}")
        if server.contender.name == OURS:
            self.together.append(left.rows / left.events)
        return run

    def _left_behind(self, question: UUID) -> Left:
        """What is there, once what nobody waits for any more has ended too. Raises BenchError."""
        at_rest(lambda: int(self._database.row(COUNT, question)[0]))
        return Left(**{name: int(value) for name, value in self._database.row(LEFT, question).items()})


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
