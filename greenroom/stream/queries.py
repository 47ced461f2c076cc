"""The SQL of the live stream: what is true now of a session, of its questions, and of those who watch."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from greenroom.kit.database import Database, Row
from greenroom.kit.ids import BrandId, SessionId, UserId
from greenroom.questions.kept import KeptQuestion
from greenroom.registrations.schemas import RegistrationStatus
from greenroom.sessions.schemas import Kind, Status

SHOWN_OF_EACH = 100  # questions in a snapshot: of those that wait, that are voted on, that were answered
OWN_QUESTIONS = 20

QUESTION_COLUMNS = ", ".join(f"q.{name}" for name in KeptQuestion.__struct_fields__ if name not in {"is_pinned", "has_voted"})
STATE_COLUMNS = """
    s.host_id, s.co_host_ids, s.status as session_status, s.title, s.kind, s.scheduled_at, s.started_at, s.ended_at,
    s.max_participants, s.registered_count, s.pinned_question_id,
    setting_of_v1(s, 'anonymous', 'true')::boolean as hides_askers"""

NOW = f"""
select {STATE_COLUMNS}, {QUESTION_COLUMNS}, false, false
from sessions s left join questions q on q.brand_id = s.brand_id and q.session_id = s.id and q.id = any ($3)
where s.brand_id = $1 and s.id = $2 order by q.position
"""  # noqa: S608  # constants of ours

# One more of each than is shown says that there are more.
WHOLE = f"""
select {STATE_COLUMNS}, {QUESTION_COLUMNS}, false, false
from sessions s left join lateral (
    (select q.*, 1 as part from questions q where q.brand_id = $1 and q.session_id = $2 and q.status = 'approved'
     order by -q.vote_count, q.position limit {SHOWN_OF_EACH + 1})
    union all
    (select q.*, 2 from questions q where q.brand_id = $1 and q.session_id = $2 and q.status = 'answered'
     order by q.position desc limit {SHOWN_OF_EACH + 1})
    union all
    (select q.*, 3 from questions q where q.brand_id = $1 and q.session_id = $2 and q.status = 'pending'
     order by q.position limit {SHOWN_OF_EACH + 1})
) q on true
where s.brand_id = $1 and s.id = $2
order by q.part, case q.part when 1 then -q.vote_count end, case q.part when 2 then -q.position else q.position end
"""  # noqa: S608  # constants of ours

# The registration that holds, else the last one that was cancelled; each has an index of its own.
OF_PEOPLE = f"""
select a.place, s.host_id, s.co_host_ids,
    r.id as registration_id, r.status as registration_status, r.registered_at, r.cancelled_at,
    {QUESTION_COLUMNS}, false, false
from unnest($1::text[], $2::uuid[], $3::text[]) with ordinality as a (brand_id, session_id, user_id, place)
join sessions s on s.brand_id = a.brand_id and s.id = a.session_id
left join lateral (
    select either.* from (
        (select g.id, g.status, g.registered_at, g.cancelled_at from registrations g
         where g.brand_id = a.brand_id and g.user_id = a.user_id and g.session_id = a.session_id and g.status <> 'cancelled')
        union all
        (select g.id, g.status, g.registered_at, g.cancelled_at from registrations g
         where g.brand_id = a.brand_id and g.user_id = a.user_id and g.session_id = a.session_id and g.cancelled_at is not null
         order by g.position desc limit 1)
    ) either order by either.status = 'cancelled' limit 1
) r on true
left join lateral (
    select o.* from questions o
    where o.brand_id = a.brand_id and o.session_id = a.session_id and o.asker_user_id = a.user_id
    order by o.position desc limit {OWN_QUESTIONS}
) q on true
order by a.place, q.position desc
"""  # noqa: S608  # constants of ours

# What other processes last said, within the time in which they say it again; what was just said is not seen by the rest of it.
SAY_WATCHING_ANY_BRAND = """
with said as (
    insert into watchers (brand_id, session_id, process_id, watching, seen_at)
    select a.brand_id, a.session_id, $1, a.watching, clock_timestamp()
    from unnest($2::text[], $3::uuid[], $4::integer[]) as a (brand_id, session_id, watching) order by a.brand_id, a.session_id
    on conflict (brand_id, session_id, process_id) do update set watching = excluded.watching, seen_at = excluded.seen_at
)
select w.session_id, sum(w.watching)::integer as watching
from unnest($2::text[], $3::uuid[]) as a (brand_id, session_id)
join watchers w on w.brand_id = a.brand_id and w.session_id = a.session_id
where w.process_id <> $1 and w.seen_at > clock_timestamp() - interval '15 seconds' group by w.session_id
"""

FORGET_WATCHING_ANY_BRAND = """
delete from watchers
where process_id = $1 and session_id <> all ($2::uuid[]) or seen_at < clock_timestamp() - interval '1 minute'
"""


class Person(Struct, frozen=True, gc=False):
    """Who watches what."""

    brand: BrandId
    session: SessionId
    user: UserId


class Hosts(Struct, frozen=True):
    """Who hosts a session."""

    host: str
    co_hosts: list[str]

    def include(self, user: str) -> bool:
        """Whether somebody is one of them."""
        return user == self.host or user in self.co_hosts


class KeptState(Struct, frozen=True):
    """A session as its row says. Times are the database's text."""

    status: Status
    title: str
    kind: Kind
    scheduled_at: str
    started_at: str | None
    ended_at: str | None
    max_participants: int
    registered_count: int
    pinned_question_id: UUID | None
    hides_askers: bool


class State(Struct, frozen=True):
    """What is true of a session now, and of some of its questions."""

    hosts: Hosts
    session: KeptState
    questions: list[KeptQuestion]


class KeptSeat(Struct, frozen=True):
    """A person's registration as its row says."""

    id: UUID
    status: RegistrationStatus
    registered_at: str
    cancelled_at: str | None


class Standing(Struct, frozen=True):
    """How somebody stands to a session: who hosts it, the person's registration and questions."""

    hosts: Hosts
    seat: KeptSeat | None
    questions: list[KeptQuestion]


async def now(db: Database, brand: BrandId, session: SessionId, questions: Collection[UUID]) -> State | None:
    """The session and those of the questions that exist; None when there is no such session. Raises Unavailable."""
    return _state(await db.rows(NOW, brand, session, list(questions)))


async def whole(db: Database, brand: BrandId, session: SessionId) -> State | None:
    """The session and the questions of a snapshot, one more of each status than is shown. Raises Unavailable."""
    return _state(await db.rows(WHOLE, brand, session))


async def of_people(db: Database, people: Sequence[Person]) -> list[Standing | None]:
    """How each stands to the session that they watch; None where there is no such session. Raises Unavailable."""
    columns = ([one.brand for one in people], [one.session for one in people], [one.user for one in people])
    found: list[Standing | None] = [None] * len(people)
    for place, host, co_hosts, seat_id, status, registered_at, cancelled_at, *question in await db.rows(OF_PEOPLE, *columns):
        standing = found[place - 1]
        if standing is None:
            seat = None if seat_id is None else KeptSeat(seat_id, status, registered_at, cancelled_at)
            standing = found[place - 1] = Standing(Hosts(host, co_hosts), seat, [])
        if question[0] is not None:
            standing.questions.append(KeptQuestion(*question))
    return found


async def say_watching_any_brand(
    db: Database, process: UUID, watching: Mapping[tuple[BrandId, SessionId], int]
) -> dict[UUID, int]:
    """Say how many watch here; answers how many do in other processes. Raises Unavailable."""
    brands, sessions = [brand for brand, _ in watching], [session for _, session in watching]
    rows = await db.rows(SAY_WATCHING_ANY_BRAND, process, brands, sessions, list(watching.values()))
    return {row["session_id"]: row["watching"] for row in rows}


async def forget_watching_any_brand(db: Database, process: UUID, *, but: Collection[SessionId]) -> None:
    """Say that here nobody watches any other session; and forget processes that are gone. Raises Unavailable."""
    await db.rows(FORGET_WATCHING_ANY_BRAND, process, list(but))


def _state(rows: Sequence[Row]) -> State | None:
    if not rows:
        return None
    host, co_hosts, *columns = rows[0]
    fields = len(KeptState.__struct_fields__)
    questions = [KeptQuestion(*question) for _, _, *rest in rows if (question := rest[fields:])[0] is not None]
    return State(Hosts(host, co_hosts), KeptState(*columns[:fields]), questions)
