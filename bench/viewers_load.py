"""The load of the live stream: a session with questions, and the compiled client that watches it and votes (load/viewers.c)."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct

from bench.contenders import Contender, Running, running
from bench.cores import apart, on_cores
from bench.database import BenchDatabase
from bench.drop_load import FRESHEN, REST
from bench.seed import EARLIER_QUESTIONS
from bench.tools import BenchError

QUESTIONS = 20
UNDER_WAY = 500  # who wait for their snapshot at the same time
CONNECTIONS = 128  # of those who vote: more than a vote takes long, even while thousands are written to

# Everybody may watch and vote, without a seat: the session is live, and never full.
OPEN = """
insert into sessions (brand_id, id, host_id, title, kind, status, scheduled_at, started_at, max_participants, next_question,
                      created_at, updated_at)
select 'acme', '{session}', 'host_1', 'Everybody watches', 'live', 'live', now_, now_, 1000000000, {next}, now_, now_
from date_trunc('milliseconds', now()) now_;
insert into questions (brand_id, id, session_id, asker_user_id, body, status, position, asked_at, moderated_at,
                       moderator_user_id)
select 'acme', id, '{session}', 'asker_' || n, 'What would you like to know, number ' || n || '?', 'approved', n, now_, now_,
    'host_1'
from unnest('{{{questions}}}'::uuid[]) with ordinality as q (id, n), date_trunc('milliseconds', now()) now_
"""
REST_OF_VIEWERS = ("vacuum analyze questions", "vacuum analyze votes", *REST)

LEFT = """
select coalesce(sum(q.vote_count), 0) as counted,
    coalesce(sum((select count(*) from votes v where v.brand_id = q.brand_id and v.question_id = q.id)), 0) as rows
from questions q where q.session_id = $1
"""


class Watched(Struct, frozen=True):
    """A session, and its questions in a file for the client."""

    session: UUID
    questions: tuple[UUID, ...]
    file: Path


class Voted(Struct, frozen=True, kw_only=True):
    """What the client says of some votes. Times in milliseconds: from a vote's answer to the last viewer who sees it, and from
    when a vote was due to its answer. `frames`: events `votes`, of all viewers; `least` to `most`: of one viewer, in a second.
    """

    votes: int
    seconds: float
    viewers: int
    lost: int
    unseen: int
    p50: float
    p99: float
    longest: float
    answer_p50: float
    answer_p99: float
    frames: int
    least: float
    median: float
    most: float
    most_writes: float
    client_core: float


class Audience:
    """Viewers who have had their snapshot."""

    def __init__(self, process: "subprocess.Popen[str]", viewers: int, seconds: float) -> None:
        self._process = process
        self.viewers = viewers
        self.seconds = seconds  # until the last of them had it

    def beat(self, seconds: float) -> int:
        """How many are there after a heartbeat, which is awaited for so long. Raises BenchError."""
        self._say(f"beat {seconds:g}")
        return int(said(self._process, "BEAT").split()[0])

    def vote(self, votes: int, *, per_second: float) -> Voted:
        """Evenly, each another person's. Raises BenchError unless each was answered, and seen by every viewer."""
        self._say(f"vote {votes} {per_second:g} {CONNECTIONS}")
        voted = msgspec.json.decode(said(self._process, "VOTED"), type=Voted)
        if voted.lost or voted.unseen:
            raise BenchError(f"of {votes} votes {voted.unseen} were not seen by all, and {voted.lost} viewers were lost")
        return voted

    def _say(self, command: str) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(f"{command}\n")
            self._process.stdin.flush()


@contextmanager
def audience(program: Path, server: Running, watched: Watched, tokens: Path, *, viewers: int) -> Iterator[Audience]:
    """So many viewers, until the block ends. Raises BenchError unless each is let in."""
    where = (str(server.port), str(watched.session), str(watched.file), str(tokens), str(viewers), str(UNDER_WAY))
    with on_cores(apart().others):
        process = subprocess.Popen([str(program), *where], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        try:
            came, seconds = said(process, "READY").split()
            if int(came) != viewers:
                raise BenchError(f"{server.contender.title}: of {viewers:,} viewers {int(came):,} got a snapshot")
            yield Audience(process, viewers, float(seconds))
        finally:
            process.kill()


@contextmanager
def on_a_core(contender: Contender, *, pool: int, log: Path) -> Iterator[Running]:
    """The contender, running, with one core for all that it does."""
    with ExitStack() as stack:
        with on_cores(apart().servers):
            server = stack.enter_context(running(contender, pool=pool, log=log))
        yield server


def said(process: "subprocess.Popen[str]", word: str) -> str:
    """The rest of the client's next line, which begins with a word. Raises BenchError."""
    line = "" if process.stdout is None else process.stdout.readline()
    if not line.startswith(f"{word} "):
        raise BenchError(f"the client that watches ended, see above; it said: {line.strip() or 'nothing'}")
    return line.removeprefix(f"{word} ").strip()


def opened(database: BenchDatabase, directory: Path) -> Watched:
    """A live session, with nothing of an earlier one beside it."""
    session, questions = uuid4(), tuple(uuid4() for _ in range(QUESTIONS))
    names = ",".join(str(question) for question in questions)
    rows = OPEN.format(session=session, questions=names, next=QUESTIONS + 1)
    database.execute(*FRESHEN, "truncate votes", EARLIER_QUESTIONS, rows, *REST_OF_VIEWERS)
    file = directory / "questions"
    file.write_text(names.replace(",", "\n") + "\n")
    return Watched(session, questions, file)


def check_votes(database: BenchDatabase, watched: Watched, *, votes: int) -> None:
    """Raises BenchError unless there are as many as were answered, and the counts say so."""
    left = database.row(LEFT, watched.session)
    if (int(left["rows"]), int(left["counted"])) != (votes, votes):
        raise BenchError(f"{votes} votes were answered, and the database says {dict(left)}")
