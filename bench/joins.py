"""Two thousand people join one live session within a second: ours, and the same with a question to the provider each time."""

import sys
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bench.arrivals import Answered, arrive
from bench.contenders import Contender, Running, greenroom, running
from bench.database import BenchDatabase, empty_database
from bench.drop_load import FRESHEN, REST
from bench.line import Line, request
from bench.people import person
from bench.provider import Provider, kind_provider
from bench.tools import BenchError
from bench.webhooks import Webhooks, measure_webhooks

PEOPLE, CAPACITY, CONNECTIONS, WORKERS = 2_000, 1_500, 500, 2
IN, FULL = 200, 412
PATIENCE = "30"  # seconds for an answer of the provider

# A session that is live, with as many seats as there are, all of them taken or none.
LIVE = """
insert into sessions (brand_id, id, host_id, title, kind, status, scheduled_at, started_at, max_participants, registered_count,
                      next_position, next_admission, created_at, updated_at)
select 'acme', '{session}', 'host_1', 'Everybody comes', 'live', 'live', now_, now_, {seats}, {taken}, {taken} + 1, {taken} + 1,
    now_, now_
from date_trunc('milliseconds', now()) now_;
insert into registrations (brand_id, id, session_id, user_id, status, position, capacity_at_admission, admission, registered_at,
                           registered_by)
select 'acme', uuidv7(), '{session}', name, 'registered', n, {seats}, n, date_trunc('milliseconds', now()), name
from unnest('{{{names}}}'::text[]) with ordinality as p (name, n)
"""
LEFT = """
select s.registered_count, (select count(*) from registrations r where r.session_id = s.id and r.status = 'registered') as seats
from sessions s where s.id = $1
"""


class Case(Struct, frozen=True):
    """How they come."""

    title: str
    seated: bool = True
    is_made: bool = True
    seconds: float = 1.0

    @property
    def capacity(self) -> int:
        """How many seats the session has."""
        return PEOPLE if self.seated else CAPACITY


CASES = (
    Case("the call is there"),
    Case("the call is not there yet", is_made=False),
    Case(f"without seats, {CAPACITY:,} to be had", seated=False),
    Case("each connection as fast as it is answered", seconds=0.0),
)


class Joining(Struct, frozen=True, kw_only=True):
    """How one case went, once. Latencies in milliseconds; of the provider: how often it was asked to make a call, and its
    processor time in seconds.
    """

    creations: int
    let_in: int
    full: int
    failed: int
    per_second: float
    p50: float
    p99: float
    longest: float
    late_ms: float
    client_core: float
    provider_cpu: float


class Joins(Struct, frozen=True, kw_only=True):
    """Each case's rounds, in the order of CASES; and webhooks."""

    ours: list[list[Joining]]
    asking: list[list[Joining]]
    webhooks: Webhooks


def measure_joins(*, rounds: int, events: int, pool: int, directory: Path) -> Joins:
    """On a database of its own. Raises BenchError."""
    ours: list[list[Joining]] = []
    asking: list[list[Joining]] = []
    with empty_database() as database, kind_provider(directory / "provider.log") as provider:
        contender = provider.carries(greenroom(database, workers=WORKERS, background=True))
        for case in CASES:
            both: tuple[list[Joining], list[Joining]] = ([], [])
            for _ in range(rounds):
                for each, found in zip((contender, _asking(contender)), both, strict=True):
                    database.execute(*FRESHEN)
                    with running(each, pool=pool, log=directory / f"joins-{each.name}.log") as server:
                        found.append(_joined(database, provider, server, case))
                    _say(f"{each.title}, {case.title}: p99 {found[-1].p99:,.0f} ms, {found[-1].creations:,} creations")
            ours.append(both[0])
            asking.append(both[1])
        webhooks = measure_webhooks(
            database, contender, rounds=rounds, events=events, pool=pool, log=directory / "webhooks.log"
        )
    return Joins(ours=ours, asking=asking, webhooks=webhooks)


def _asking(contender: Contender) -> Contender:
    """The peer: see bench/asking.py. With the patience of ours nearly all of its questions would be given up."""
    command = tuple(part.replace("greenroom.cli", "bench.asking") for part in contender.command)
    environ = {**contender.environ, "GREENROOM_PROVIDER_SECONDS": PATIENCE}
    return replace(contender, name="asking", title="a question at each join", command=command, environ=environ)


def _joined(database: BenchDatabase, provider: Provider, server: Running, case: Case) -> Joining:
    """One case, at a server that has seen nobody's token."""
    names = [person(number) for number in range(PEOPLE)]
    session = uuid4()
    seated = names if case.seated else []
    rows = LIVE.format(session=session, seats=case.capacity, taken=len(seated), names=",".join(seated))
    database.execute("set session_replication_role = replica", rows, *REST)
    requests = [_join(session, name, server.contender.sign(user=name)) for name in names]
    before = provider.creations
    if case.is_made:
        with closing(Line(server)) as line:  # the host was there first
            line.ask(_join(session, "host_1", server.contender.token))
    cpu = provider.cpu_seconds()
    answered = arrive(server, requests, connections=CONNECTIONS, seconds=case.seconds)
    cpu = provider.cpu_seconds() - cpu
    _check(database, session, case, answered)
    return Joining(
        creations=provider.creations - before,
        let_in=answered.count(IN),
        full=answered.count(FULL),
        failed=len(answered.statuses) - answered.count(IN, FULL),
        per_second=answered.per_second,
        p50=answered.at(0.5),
        p99=answered.at(0.99),
        longest=max(answered.milliseconds),
        late_ms=answered.late_ms,
        client_core=answered.client_core,
        provider_cpu=cpu,
    )


def _check(database: BenchDatabase, session: UUID, case: Case, answered: Answered) -> None:
    """Raises BenchError when seats are not those of whom the answers let in; who was refused by the provider may have one."""
    left = database.row(LEFT, session)
    seats = int(left["seats"])
    if int(left["registered_count"]) != seats or seats > case.capacity or seats < answered.count(IN):
        raise BenchError(f"{case.title}: {answered.count(IN)} were let in, and the database says {dict(left)}")


def _join(session: UUID, user: str, token: str) -> bytes:
    return request("POST", f"/v1/sessions/{session}/join", token, msgspec.json.encode({"user_id": user}).decode())


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
