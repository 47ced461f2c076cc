"""The SQL of attendance. The functions called here are in migrations/0010_calls.sql to 0012_attendance.sql."""

from typing import Literal
from uuid import UUID

from msgspec import Struct

from greenroom.attendance.schemas import Outcome, RecordingState
from greenroom.identity.caller import Caller
from greenroom.kit.database import Database
from greenroom.kit.ids import BrandId, RequestId, SessionId, UserId
from greenroom.registrations.kept import KeptRegistration
from greenroom.registrations.schemas import RegistrationStatus, Role
from greenroom.sessions.schemas import Status

# By the octets of their ids, so that any database sorts them as every other.
PAGE = """
with asked as materialized (
    select s.host_id, s.co_host_ids, s.status, $4 or s.host_id = $5 or $5 = any (s.co_host_ids) as may_see
    from sessions s where s.brand_id = $1 and s.id = $2
), totals as materialized (
    select attendance_totals_v1($1, $2)::text as totals from asked q where q.may_see
)
select q.host_id, q.co_host_ids, q.status, (select t.totals from totals t) as totals, a.*
from asked q left join lateral (
    select t.user_id, t.role, t.registration_status, t.first_joined_at, t.last_left_at,
        round((t.seconds / 60)::numeric, 1)::float8 as minutes, t.is_inside, t.is_estimated, t.outcome
    from attendance_v1($1, $2) t where q.may_see and t.user_id collate "C" > $3
    order by t.user_id collate "C" limit $6
) a on true order by a.user_id collate "C"
"""

# Somebody who is inside has not left, whatever the range of that stay says: it ends with this moment. Where one comes in the
# instant in which another leaves, both are there in it, as the peak of the totals counts. Past $5 instants the time is cut in
# as many slots, each with the most at once in it and how many it leaves inside.
CROWD = """
with asked as materialized (
    select s.host_id, s.co_host_ids, s.status, $3 or s.host_id = $4 or $4 = any (s.co_host_ids) as may_see,
        exists (
            select from calls c where c.brand_id = $1 and c.id = s.id and (c.made_at is not null or c.started_at is not null)
        ) as has_call
    from sessions s where s.brand_id = $1 and s.id = $2
), steps as (
    select t.at, count(*) filter (where t.comes) as come, count(*) filter (where not t.comes) as leave
    from asked q cross join lateral (
        select a.is_inside, upper(a.present) as until, i from attendance_v1($1, $2) a, unnest(a.present) i where q.may_see
    ) p cross join lateral (values (lower(p.i), true), (upper(p.i), false)) t (at, comes)
    where t.comes or not (p.is_inside and t.at = p.until)
    group by t.at
), levels as (
    select t.at, (sum(t.come - t.leave) over w + t.leave)::integer as most, (sum(t.come - t.leave) over w)::integer as inside,
        count(*) over () as instants, row_number() over w as place, extract(epoch from t.at - min(t.at) over ()) as since,
        extract(epoch from max(t.at) over () - min(t.at) over ()) as whole
    from steps t window w as (order by t.at)
), slots as (
    select max(l.at) as at, max(l.most) as most, (array_agg(l.inside order by l.at desc))[1] as inside
    from levels l
    group by case when l.instants <= $5 then l.place else least(floor(l.since * $5 / l.whole), $5 - 1) end
)
select q.host_id, q.co_host_ids, q.status, q.has_call, t.at, t.most, t.inside
from asked q left join slots t on true order by t.at
"""

# Of a call that is recorded and has begun, one is expected as long as none is known of.
RECORDINGS = """
select s.host_id, s.co_host_ids, exists (
        select from registrations g
        where g.brand_id = $1 and g.user_id = $3 and g.session_id = $2 and g.status = 'registered'
    ) as has_seat,
    case when c.records and c.started_at is not null then case when c.missing_at is null then 'expected' else 'missing' end end,
    r.id, r.state, case when r.state = 'ready' then r.url end as url, r.started_at, r.ended_at, r.ready_at
from sessions s
left join calls c on c.brand_id = s.brand_id and c.id = s.id
left join lateral shown_recordings_v1(c) r on true
where s.brand_id = $1 and s.id = $2
order by r.state = 'ready' desc, r.ended_at, r.id collate "C"
"""

REMOVE_PARTICIPANT = "select * from remove_participant_v1($1, $2, $3, $4, $5, $6, $7, $8)"

Awaited = Literal["expected", "missing"]


class KeptAttendee(Struct, frozen=True, gc=False):
    """A person's attendance. Times are the database's text."""

    user_id: str
    role: Role
    registration_status: RegistrationStatus | None
    first_joined_at: str | None
    last_left_at: str | None
    minutes: float
    is_inside: bool
    is_estimated: bool
    outcome: Outcome | None


class Page(Struct, frozen=True):
    """Some of a session's people by their ids, who hosts it, how it stands; totals as JSON, None to who may not see them."""

    host: str
    co_hosts: list[str]
    status: Status
    totals: str | None
    rows: list[KeptAttendee]


class Step(Struct, frozen=True, gc=False):
    """An instant, as the database's text: the most who were inside in it, and how many after it."""

    at: str
    most: int
    inside: int


class Steps(Struct, frozen=True):
    """When how many were inside, who hosts it, how it stands, and whether there was a call to be in."""

    host: str
    co_hosts: list[str]
    status: Status
    has_call: bool
    rows: list[Step]


class KeptRecording(Struct, frozen=True, gc=False):
    """A recording. Times are the database's text."""

    id: str
    state: RecordingState
    url: str | None
    started_at: str | None
    ended_at: str | None
    ready_at: str | None


class Recorded(Struct, frozen=True):
    """A session's recordings, who hosts it, whether the person has a seat; and what one is of which nothing was heard."""

    host: str
    co_hosts: list[str]
    has_seat: bool
    awaited: Awaited | None
    rows: list[KeptRecording]


class Removal(Struct, frozen=True, kw_only=True):
    """Somebody whom a host puts out."""

    session: SessionId
    brand: BrandId
    user: UserId
    by: Caller
    request_id: RequestId
    event_id: UUID


class Removed(Struct, frozen=True):
    """How it went; `registration` is there when there is one to show."""

    how: str
    registration: KeptRegistration | None


async def page(db: Database, brand: BrandId, session: SessionId, by: Caller, *, after: str, rows: int) -> Page | None:
    """The people after one of them, none to who may not see them; None when there is no such session."""
    found = await db.rows(PAGE, brand, session, after, by.manages, by.user, rows)
    if not found:
        return None
    host, co_hosts, status, totals, *_ = found[0]
    people = [KeptAttendee(*columns) for _, _, _, _, *columns in found if columns[0] is not None]
    return Page(host, co_hosts, status, totals, people)


async def crowd(db: Database, brand: BrandId, session: SessionId, by: Caller, *, most: int) -> Steps | None:
    """At most so many steps, none to who may not see them; None when there is no such session."""
    found = await db.rows(CROWD, brand, session, by.manages, by.user, most)
    if not found:
        return None
    host, co_hosts, status, has_call, *_ = found[0]
    return Steps(host, co_hosts, status, has_call, [Step(*columns) for _, _, _, _, *columns in found if columns[0] is not None])


async def recordings(db: Database, brand: BrandId, session: SessionId, user: UserId) -> Recorded | None:
    """The session's recordings, those that are ready first; None when there is no such session."""
    found = await db.rows(RECORDINGS, brand, session, user)
    if not found:
        return None
    host, co_hosts, has_seat, awaited, *_ = found[0]
    rows = [KeptRecording(*columns) for _, _, _, _, *columns in found if columns[0] is not None]
    return Recorded(host, co_hosts, has_seat, awaited, rows)


async def remove_participant(db: Database, it: Removal) -> Removed:
    """removed | unchanged | invalid_status | is_host | no_participant | forbidden | not_found."""
    row = await db.row(
        REMOVE_PARTICIPANT, it.brand, it.session, it.user, it.by.user, it.by.manages, it.by.client, it.request_id, it.event_id
    )
    if row is None:
        raise AssertionError("a function of participants always answers one row")
    _, how, *columns = row
    return Removed(how, None if columns[0] is None else KeptRegistration(*columns))
