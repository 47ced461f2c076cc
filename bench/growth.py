"""A session that many have registered for already: does one more take longer, and how long does it take when many move up?"""

from collections.abc import Iterator
from contextlib import closing
from statistics import median
from uuid import UUID, uuid4

from msgspec import Struct

from bench.contenders import Running
from bench.database import BenchDatabase
from bench.drop_load import FRESHEN, OPEN, REST, SEATS
from bench.line import Line, request
from bench.people import person
from bench.tools import BenchError

FULL_SESSION = UUID("00000000-0000-7000-8004-000000000001")
WARM_UP = 50

# In the order in which they came: most had a seat, one in twenty of them gave it back, one in a thousand was removed, half of
# whom may come again; the rest wait. One in fifty is a guest. All seats are taken.
MANY = """
insert into sessions (brand_id, id, host_id, title, kind, scheduled_at, max_participants, registered_count, waitlist_count,
                      next_position, next_admission, created_at, updated_at)
select 'acme', '{session}', 'host_1', 'Everybody comes', 'live', '2027-03-01T09:00:00Z', seats - seats / 20, seats - seats / 20,
    {rows} - seats, {rows} + 1, seats + 1, now_, now_
from (select {rows} * 3 / 5 as seats, date_trunc('milliseconds', now()) as now_) a;
insert into registrations (brand_id, id, session_id, user_id, guest_email, role, status, position, capacity_at_admission,
                           admission, registered_at, registered_by, version, cancelled_at, removed_at, allowed_at)
select 'acme', id, '{session}', user_id, case when is_guest then 'guest_' || n || '@example.org' end,
    case when is_guest then 'guest' else 'participant' end,
    case when is_gone then 'cancelled' when n <= seats then 'registered' else 'waitlist' end, n,
    case when n <= seats then seats end, case when n <= seats then n end, at_,
    case when is_guest then 'host_1' else user_id end,
    1 + is_gone::integer + is_back::integer, case when is_gone then at_ + interval '1 hour' end,
    case when is_removed then at_ + interval '1 hour' end, case when is_back then at_ + interval '2 hours' end
from (select {rows} * 3 / 5 as seats) a, generate_series(1, {rows}) n,
    lateral (select uuidv7() as id, n <= seats and n % 20 = 0 as is_gone, n <= seats and n % 1000 = 0 as is_removed,
        n <= seats and n % 2000 = 0 as is_back, n % 50 = 1 as is_guest,
        date_trunc('milliseconds', now()) - interval '2 days' + n * interval '100 milliseconds' as at_) b,
    lateral (select case when is_guest then 'guest:' || id else 'somebody_' || to_hex(hashint8extended(n, 1)) end as user_id) c
"""

# A line, and {seats} seats, which are all taken.
LINE = """
insert into sessions (brand_id, id, host_id, title, kind, scheduled_at, max_participants, registered_count, waitlist_count,
                      next_position, next_admission, created_at, updated_at)
select 'acme', '{session}', 'host_1', 'A long line', 'live', '2027-03-01T09:00:00Z', {seats}, {seats}, {waiting},
    {seats} + {waiting} + 1, {seats} + 1, now_, now_
from date_trunc('milliseconds', now()) now_;
insert into registrations (brand_id, id, session_id, user_id, status, position, capacity_at_admission, admission, registered_at,
                           registered_by)
select 'acme', uuidv7(), '{session}', user_id, case when n <= {seats} then 'registered' else 'waitlist' end, n,
    case when n <= {seats} then {seats} end, case when n <= {seats} then n end, date_trunc('milliseconds', now()), user_id
from generate_series(1, {seats} + {waiting}) n, concat('waiting_', to_hex(hashint8extended(n, 2))) user_id
"""

# Of one session: who has a seat now by position, in how many transactions, and what was told.
MOVED = """
select s.registered_count, s.waitlist_count, r.*, o.*
from sessions s
cross join lateral (
    select count(*) filter (where promoted_at is not null) as promoted,
        max(position) filter (where promoted_at is not null) as last_promoted,
        min(position) filter (where status = 'waitlist') as first_waiting
    from registrations where brand_id = s.brand_id and session_id = s.id
) r
cross join lateral (
    select count(*) filter (where name = 'live.registration.promoted.v1') as told, count(distinct xid) as transactions,
        count(*) filter (where name = 'live.session.updated.v1') as edits
    from outbox where brand_id = s.brand_id and session_id = s.id
) o
where s.id = $1
"""
SEATS_BEFORE, LEFT_WAITING = 10, 1000


class Growth(Struct, frozen=True, kw_only=True):
    """Median milliseconds of one registration, one of each round: for an empty session, and for one that has `rows`."""

    rows: int
    empty: list[float]
    full: list[float]


class Promotion(Struct, frozen=True):
    """How many moved up by one PATCH, and how many seconds that took, each time."""

    people: int
    seconds: list[float]


def fill(database: BenchDatabase, *, rows: int) -> None:
    """What an installation holds that was used, and a session with this many registrations."""
    database.execute(*FRESHEN, MANY.format(session=FULL_SESSION, rows=rows), *REST)


def with_empty_session(database: BenchDatabase) -> UUID:
    """What an installation holds that was used, and a session without registrations."""
    session = uuid4()
    database.execute(*FRESHEN, OPEN.format(id=session, seats=SEATS), *REST)
    return session


def measure_growth(empty: Running, session: UUID, full: Running, *, rows: int, rounds: int, requests: int) -> Growth:
    """In turns, request by request: a slow moment is slow for both. Raises BenchError."""
    found = Growth(rows=rows, empty=[], full=[])
    people = iter(range(WARM_UP + rounds * requests))
    with closing(Line(empty)) as to_empty, closing(Line(full)) as to_full:

        def pairs(times: int) -> Iterator[tuple[float, float]]:
            for _ in range(times):
                name = person(next(people))
                yield (
                    to_empty.milliseconds(_registration(empty, session, name)),
                    to_full.milliseconds(_registration(full, FULL_SESSION, name)),
                )

        list(pairs(WARM_UP))
        for _ in range(rounds):
            spent = list(pairs(requests))
            found.empty.append(median(pair[0] for pair in spent))
            found.full.append(median(pair[1] for pair in spent))
    return found


def measure_promotion(database: BenchDatabase, server: Running, *, people: int, rounds: int) -> Promotion:
    """As many seats more, by one PATCH. Raises BenchError unless exactly the first in line have them, in one transaction."""
    found = Promotion(people, [])
    sessions = [uuid4() for _ in range(rounds)]
    waiting = people + LEFT_WAITING
    lines = [LINE.format(session=session, seats=SEATS_BEFORE, waiting=waiting) for session in sessions]
    database.execute("set session_replication_role = replica", *lines, *REST)
    for session in sessions:
        wanted = f'{{"max_participants": {SEATS_BEFORE + people}}}'
        with closing(Line(server)) as line:
            patch = request("PATCH", f"/v1/sessions/{session}", server.contender.token, wanted)
            found.seconds.append(line.milliseconds(patch) / 1000)
        moved = dict(database.row(MOVED, session))
        expected = {
            "registered_count": SEATS_BEFORE + people,
            "waitlist_count": LEFT_WAITING,
            "promoted": people,
            "last_promoted": SEATS_BEFORE + people,
            "first_waiting": SEATS_BEFORE + people + 1,
            "told": people,
            "transactions": 1,
            "edits": 1,
        }
        if moved != expected:
            raise BenchError(f"{people} seats more for {waiting} in line, and the database says {moved}")
    return found


def _registration(server: Running, session: UUID, name: str) -> bytes:
    return request("POST", f"/v1/sessions/{session}/registrations", server.contender.sign(user=name))
