"""The storm: everybody wants into one session, each request is another person's; checked for what it left in the database."""

from pathlib import Path
from string import Template
from uuid import UUID, uuid4

from msgspec import Struct

from bench.ceiling import driven as driven_by_pgbench
from bench.ceiling import run_of
from bench.contenders import BRAND, CLIENT, Running
from bench.crowd import Crowd
from bench.database import BenchDatabase, at_rest
from bench.load import Mode, Run
from bench.seed import EARLIER
from bench.tools import BenchError
from greenroom.registrations.queries import REGISTER

SEATS = 10_000

# As database.FRESHEN; nothing is left of the run before, and what an installation holds that was used is there again.
FRESHEN = (
    "set session_replication_role = replica",
    "truncate sessions, registrations, audit_log, outbox, events, timers cascade",
    EARLIER,
)
REST = ("vacuum analyze sessions", "vacuum analyze registrations", "vacuum analyze audit_log", "checkpoint")

OPEN = """
insert into sessions (brand_id, id, host_id, title, kind, scheduled_at, max_participants, created_at, updated_at)
select 'acme', '{id}', 'host_1', 'The drop', 'live', '2027-03-01T09:00:00Z', {seats}, now_, now_
from date_trunc('milliseconds', now()) now_
"""

POSITION = "select next_position from sessions where id = $1"

# A registration is whole with one audit row and one event.
LEFT = """
select s.next_position - 1 as came, s.registered_count, s.waitlist_count, s.next_admission - 1 as admitted,
    r.rows, r.places, r.last_place, r.people, r.seats,
    (select count(*) from audit_log where entity = 'registration') as audited,
    (select count(*) from all_events_any_brand_v1() where session_id = $1 and name like 'live.registration.%') as told,
    (select count(*) from registrations g
        join audit_log a on a.brand_id = g.brand_id and a.entity_id = g.id and a.entity_version = 1
        join all_events_any_brand_v1() o on (o.payload ->> 'registration_id')::uuid = g.id
        where g.session_id = $1 and a.request_id <> '' and a.occurred_at = g.registered_at) as whole
from sessions s, lateral (
    select count(*) as rows, count(distinct position) as places, coalesce(max(position), 0) as last_place,
        count(distinct user_id) as people, count(*) filter (where status = 'registered') as seats
    from registrations where session_id = $1) r
where s.id = $1
"""


class Left(Struct, frozen=True):
    """What a storm has left behind."""

    came: int
    registered_count: int
    waitlist_count: int
    admitted: int
    rows: int
    places: int
    last_place: int
    people: int
    seats: int
    audited: int
    told: int
    whole: int

    def is_whole(self, *, seats: int) -> bool:
        """Everybody once, with a place of their own, an audit row and an event; as many seats as there are, and no more."""
        everybody = {self.came, self.rows, self.places, self.last_place, self.people, self.audited, self.told, self.whole}
        seated = {self.seats, self.registered_count, self.admitted, min(seats, self.rows)}
        return everybody == {self.rows} and len(seated) == 1 and self.waitlist_count == self.rows - self.seats


def fresh_session(database: BenchDatabase, *, seats: int = SEATS) -> UUID:
    """A session that nobody has registered for, in a database that has been made to start as the last run's did."""
    session = uuid4()
    database.execute(*FRESHEN, OPEN.format(id=session, seats=seats), *REST)
    return session


def left_behind(database: BenchDatabase, session: UUID) -> Left:
    """What is there, once what nobody waits for any more has ended too. Raises BenchError."""
    at_rest(lambda: int(database.row(POSITION, session)[0]))
    return Left(**{name: int(value) for name, value in database.row(LEFT, session).items()})


def check_storm(what: str, left: Left, *, seats: int, asked: int, unseen: int) -> None:
    """Raises BenchError unless everybody who was answered is there once, whole and in their place."""
    if not left.is_whole(seats=seats) or not asked <= left.rows <= asked + unseen:
        raise BenchError(f"{what}: {asked} people were answered, and the database says {left}")


class Storm:
    """Drives servers on one database."""

    def __init__(self, database: BenchDatabase, crowd: Crowd) -> None:
        self._database = database
        self._crowd = crowd

    def measure(self, server: Running, mode: Mode, *, connections: int, warm_up: float, seconds: float) -> Run:
        """Warm up on a fresh session, measure while it fills, and check what is there. Raises BenchError."""
        session = fresh_session(self._database)
        request = f"POST /v1/sessions/{session}/registrations"
        asked, run = self._crowd.measure(server, mode, request, connections=connections, warm_up=warm_up, seconds=seconds)
        left = left_behind(self._database, session)
        check_storm(server.contender.title, left, seats=SEATS, asked=asked, unseen=2 * connections)
        return run


# As one POST by somebody new. A UUIDv7 is what Greenroom makes itself.
_CALL = Template(r"""\set person random(1, 9000000000000000000)
select * from $function($arguments);
""")
_ARGUMENTS = {
    "p_brand_id": f"'{BRAND}'",
    "p_ids": "array[uuidv7()]",
    "p_user_ids": "array['person_' || to_hex(:person::bigint)]",
    "p_guest_emails": "array[null::text]",
    "p_roles": "array['participant']",
    "p_waits": "array[true]",
    "p_needs": "array[null::text]",
    "p_by": "array['person_' || to_hex(:person::bigint)]",
    "p_manages": "array[false]",
    "p_client_ids": f"array['{CLIENT}']",
    "p_request_ids": "array[gen_random_uuid()::text]",
    "p_event_ids": "array[uuidv7()]",
    "p_scopes": "array[null::bytea]",
    "p_locks": "array[null::bigint]",
    "p_body_hashes": "array[null::bytea]",
}


class OneByOne:
    """pgbench, calling our own function for one person at a time."""

    title = "pgbench, our own function for one person at a time"

    def __init__(self, database: BenchDatabase, directory: Path) -> None:
        self._database = database
        self._script = directory / "register.pgbench"
        self._function = REGISTER.removeprefix("select * from ").partition("(")[0]

    def measure(self, *, clients: int, warm_up: float, seconds: float) -> Run:
        """Warm up on a fresh session, measure, and check what is there. Raises BenchError."""
        session = fresh_session(self._database)
        call = _CALL.substitute(function=self._function, arguments=self._arguments(session))
        self._script.write_text(call)
        warm, _ = driven_by_pgbench(self._database, [self._script], clients=clients, seconds=warm_up)
        done, per_second = driven_by_pgbench(self._database, [self._script], clients=clients, seconds=seconds)
        check_storm(self.title, left_behind(self._database, session), seats=SEATS, asked=warm + done, unseen=0)
        return run_of(done, per_second, clients=clients)

    def _arguments(self, session: UUID) -> str:
        given = {**_ARGUMENTS, "p_session_id": f"'{session}'"}
        names = self._database.arguments_of(self._function)
        if unknown := set(names) - given.keys():
            raise BenchError(
                f"{self._function} has arguments that bench/drop_load.py does not know: {', '.join(sorted(unknown))}"
            )
        return ", ".join(f"{name} => {given[name]}" for name in names)
