"""The SQL of registrations. The functions called here are in migrations/0004_registrations.sql."""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from greenroom.identity.caller import Caller
from greenroom.kit.database import Database, Row
from greenroom.kit.idempotency import IdempotencyKey
from greenroom.kit.ids import BrandId, RequestId, SessionId, UserId
from greenroom.registrations.kept import KeptRegistration
from greenroom.registrations.schemas import RegistrationStatus, Role
from greenroom.sessions.kept import Kept

SESSION_COLUMNS = ", ".join(f"s.{name}" for name in Kept.__struct_fields__ if name != "is_registered")
REGISTRATION_COLUMNS = ", ".join(f"r.{name}" for name in KeptRegistration.__struct_fields__ if name != "is_removed")
ROW = f"{REGISTRATION_COLUMNS}, r.removed_at is not null and r.allowed_at is null as is_removed"
ROW_FIELDS = len(KeptRegistration.__struct_fields__)

REGISTER = "select * from register_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"

CANCEL = "select * from cancel_registrations_v1($1, $2, $3, $4, $5, $6)"

REMOVE = "select * from remove_registration_v1($1, $2, $3, $4, $5, $6, $7, $8)"

ALLOW = "select * from allow_registration_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"

# How many wait before, and the person: an index has exactly these rows.
IN_LINE = """case when r.status = 'waitlist' then (select count(*) from registrations w where w.brand_id = r.brand_id
    and w.session_id = r.session_id and w.status = 'waitlist' and w.position <= r.position) end as waitlist_position"""

# The registration that holds; else the last one that was cancelled. It has a cancelled_at: said so, only the person's index
# serves, and not that of all who left, whom the planner may take for a few while it knows no better.
OF_PERSON = f"""
select s.status as session_status, r.* from sessions s left join lateral (
    select either.* from (
        (select {ROW}, {IN_LINE} from registrations r
         where r.brand_id = $1 and r.user_id = $3 and r.session_id = $2 and r.status <> 'cancelled')
        union all
        (select {ROW}, null from registrations r
         where r.brand_id = $1 and r.user_id = $3 and r.session_id = $2 and r.cancelled_at is not null
         order by r.position desc limit 1)
    ) either order by either.status = 'cancelled' limit 1
) r on true
where s.brand_id = $1 and s.id = $2
"""  # noqa: S608  # constants of ours

# All that somebody is registered for, those to come first and in the order of time, then those that are over, the latest first.
OF_PERSON_ANYWHERE = f"""
select {SESSION_COLUMNS}, r.status = 'registered' as is_registered, {ROW}, {IN_LINE}, page.is_over, page.turn
from (
    select mine.* from (
        select r.id, r.session_id, s.status in ('ended', 'cancelled') as is_over,
            (extract(epoch from s.scheduled_at) * 1000000)::bigint
                * case when s.status in ('ended', 'cancelled') then -1 else 1 end as turn
        from registrations r join sessions s on s.brand_id = r.brand_id and s.id = r.session_id
        where r.brand_id = $1 and r.user_id = $2 and r.status <> 'cancelled'
    ) mine
    where (mine.is_over, mine.turn, mine.id) > ($3::boolean, $4::bigint, $5::uuid)
    order by mine.is_over, mine.turn, mine.id limit $6
) page
join registrations r on r.brand_id = $1 and r.id = page.id
join sessions s on s.brand_id = $1 and s.id = page.session_id
order by page.is_over, page.turn, page.id
"""  # noqa: S608  # constants of ours

# A guest, who registered them, and the session that they are registered for.
GUEST = f"""
select {SESSION_COLUMNS}, coalesce(r.status = 'registered', false) as is_registered,
    s.co_host_ids, r.registered_by, {ROW}, {IN_LINE}
from sessions s left join registrations r on r.brand_id = $1 and r.session_id = s.id and r.id = $3
where s.brand_id = $1 and s.id = $2
"""  # noqa: S608  # constants of ours

# A status stands in the statement itself, so that the planner knows how many there are of it.
OF_STATUS: dict[RegistrationStatus, str] = {
    "registered": "r.status = 'registered'",
    "waitlist": "r.status = 'waitlist'",
    "cancelled": "r.status = 'cancelled'",
}

# No pattern: in a text that is sought for no character means another. Which letters are the same is the database's to say.
EVERYBODY = "true"
SOUGHT = """r.position <= $8
    and (strpos(lower(r.user_id), lower($7)) > 0 or strpos(lower(r.guest_email), lower($7)) > 0)"""

Needs = Literal["hosts", "manages"]


class Registering(Struct, frozen=True, kw_only=True, gc=False):
    """Somebody to register. `waits`: takes a place in line when all seats are taken. `needs`: what the caller must be."""

    id: UUID
    user: UserId
    guest_email: str | None
    role: Role
    waits: bool
    needs: Needs | None
    by: Caller
    request_id: RequestId
    event_id: UUID
    key: IdempotencyKey | None


class Cancelling(Struct, frozen=True, kw_only=True):
    """Somebody who gives up their own registration."""

    by: Caller
    request_id: RequestId
    event_id: UUID


class HostsAct(Struct, frozen=True, kw_only=True):
    """What a host does to somebody's registration."""

    session: SessionId
    brand: BrandId
    registration: UUID
    by: Caller
    request_id: RequestId
    event_id: UUID


class Outcome(Struct, frozen=True, gc=False):
    """How it went; `registration` is there when there is one to show."""

    how: str
    registration: KeptRegistration | None


class Own(Struct, frozen=True):
    """A person's registration for a session, if any, with the place in line."""

    registration: KeptRegistration | None
    waitlist_position: int | None


class Mine(Struct, frozen=True):
    """A registration of a person's, what it is for, and where it stands among them."""

    session: Kept
    registration: KeptRegistration
    waitlist_position: int | None
    is_over: bool
    turn: int


class Guest(Struct, frozen=True):
    """A registration with its session, who hosts that, and who registered the person."""

    session: Kept
    co_hosts: list[str]
    registered_by: str | None
    registration: KeptRegistration | None
    waitlist_position: int | None


class Page(Struct, frozen=True):
    """Some of a session's registrations in the order in which people came, how many of each status there are, who hosts it."""

    host: str
    co_hosts: list[str]
    counts: dict[RegistrationStatus, int]
    rows: list[KeptRegistration]


class People(Struct, frozen=True):
    """A page, the place of each who waits by the registration's id, and the position of who came last to the session."""

    page: Page
    places: dict[UUID, int]
    last: int


async def register(db: Database, brand: BrandId, session: SessionId, them: Sequence[Registering]) -> list[Outcome]:
    """created | unchanged | already | at_capacity | invalid_status | barred | not_manager | forbidden | not_found | replayed
    | key_in_progress | key_mismatch, for each."""
    columns = zip(*(_registering_row(one) for one in them), strict=True)
    return _in_order(await db.rows(REGISTER, brand, session, *columns))


def _registering_row(it: Registering) -> tuple[object, ...]:
    key = (None, None, None) if it.key is None else (it.key.scope, it.key.lock, it.key.body_hash)
    return (
        it.id, it.user, it.guest_email, it.role, it.waits, it.needs,
        it.by.user, it.by.manages, it.by.client, it.request_id, it.event_id, *key,
    )  # fmt: skip


async def cancel(db: Database, brand: BrandId, session: SessionId, them: Sequence[Cancelling]) -> list[Outcome]:
    """left | unchanged | invalid_status | no_registration | not_found, for each."""
    columns = zip(*((it.by.user, it.by.client, it.request_id, it.event_id) for it in them), strict=True)
    return _in_order(await db.rows(CANCEL, brand, session, *columns))


async def remove(db: Database, it: HostsAct) -> Outcome:
    """removed | unchanged | invalid_status | no_registration | forbidden | not_found."""
    return _outcome(await db.row(REMOVE, *_act(it)))


async def allow(db: Database, it: HostsAct, key: IdempotencyKey | None) -> Outcome:
    """allowed | unchanged | no_registration | forbidden | not_found | replayed | key_in_progress | key_mismatch."""
    claim = (None, None, None) if key is None else (key.scope, key.lock, key.body_hash)
    return _outcome(await db.row(ALLOW, *_act(it), *claim))


def _act(it: HostsAct) -> tuple[object, ...]:
    return it.brand, it.session, it.registration, it.by.user, it.by.manages, it.by.client, it.request_id, it.event_id


async def of_person(db: Database, brand: BrandId, session: SessionId, user: UserId) -> Own | None:
    """The person's registration for the session; None when there is no such session."""
    row = await db.row(OF_PERSON, brand, session, user)
    if row is None:
        return None
    _, *columns, waitlist_position = row
    return Own(None if columns[0] is None else KeptRegistration(*columns), waitlist_position)


async def of_person_anywhere(
    db: Database, brand: BrandId, user: UserId, *, is_over: bool, turn: int, after: UUID, rows: int
) -> list[Mine]:
    """The person's registrations after a position, those to come first."""
    found = await db.rows(OF_PERSON_ANYWHERE, brand, user, is_over, turn, after, rows)
    session_fields = len(Kept.__struct_fields__)
    return [
        Mine(
            Kept(*row[:session_fields]),
            KeptRegistration(*row[session_fields : session_fields + ROW_FIELDS]),
            *row[session_fields + ROW_FIELDS :],
        )
        for row in map(tuple, found)
    ]


async def guest(db: Database, brand: BrandId, session: SessionId, registration: UUID) -> Guest | None:
    """The registration and its session; None when there is no such session."""
    row = await db.row(GUEST, brand, session, registration)
    if row is None:
        return None
    session_fields = len(Kept.__struct_fields__)
    columns = tuple(row)
    co_hosts, registered_by, *kept, waitlist_position = columns[session_fields:]
    return Guest(
        Kept(*columns[:session_fields]),
        co_hosts,
        registered_by,
        None if kept[0] is None else KeptRegistration(*kept),
        waitlist_position,
    )


async def page(
    db: Database, brand: BrandId, session: SessionId, by: Caller, *, status: RegistrationStatus | None, after: int, rows: int
) -> Page | None:
    """The registrations after a position, none to who may not see them; None when there is no such session."""
    found = await db.rows(_page(status), brand, session, after, rows, by.manages, by.user)
    if not found:
        return None
    return _page_in([tuple(row) for row in found])


async def people(
    db: Database, brand: BrandId, session: SessionId, by: Caller, *,
    status: RegistrationStatus | None, text: str | None, after: int, until: int, rows: int,
) -> People | None:  # fmt: skip
    """As `page`, of those up to a position whose user id or address has the text in it, whatever its case; with places."""
    sought = () if text is None else (text, until)
    found = await db.rows(
        _people(status, SOUGHT if sought else EVERYBODY), brand, session, after, rows, by.manages, by.user, *sought
    )
    if not found:
        return None
    *_, last, _ = found[0]
    shown = [tuple(row)[:-2] for row in found]
    places = {row["id"]: row["place"] for row in found if row["place"] is not None}
    return People(_page_in(shown), places, last)


def _page_in(found: Sequence[Sequence[Any]]) -> Page:
    host, co_hosts, registered, waitlist, next_position, *_ = found[0]
    return Page(
        host,
        co_hosts,
        {"registered": registered, "waitlist": waitlist, "cancelled": next_position - 1 - registered - waitlist},
        [KeptRegistration(*columns) for _, _, _, _, _, *columns in found if columns[0] is not None],
    )


def _people(status: RegistrationStatus | None, sought: str) -> str:
    """The line is numbered once, up to the last of the page who stands in it."""
    return f"""
with shown as materialized ({_page(status, sought)}), line as (
    select w.id, row_number() over (order by w.position) as place from registrations w
    where w.brand_id = $1 and w.session_id = $2 and w.status = 'waitlist'
        and w.position <= (select max(position) from shown where status = 'waitlist')
)
select shown.*, shown.next_position - 1 as last, line.place
from shown left join line on line.id = shown.id order by shown.position"""  # noqa: S608  # texts of ours


def _page(status: RegistrationStatus | None, sought: str = EVERYBODY) -> str:
    wanted = OF_STATUS.values() if status is None else [OF_STATUS[status]]
    rows = " union all ".join(
        f"""(select {ROW} from registrations r
    where r.brand_id = $1 and r.session_id = $2 and {of_status} and r.position > $3
        and ($5 or s.host_id = $6 or $6 = any (s.co_host_ids)) and {sought}
    order by r.position limit $4)"""  # noqa: S608  # texts of ours; what a caller sent goes as an argument
        for of_status in wanted
    )
    return f"""
select s.host_id, s.co_host_ids, s.registered_count, s.waitlist_count, s.next_position, r.*
from sessions s left join lateral (select one.* from ({rows}) one order by one.position limit $4) r on true
where s.brand_id = $1 and s.id = $2 order by r.position"""  # noqa: S608  # texts of ours


def _in_order(rows: Sequence[Row]) -> list[Outcome]:
    return [_outcome(row) for row in sorted(rows, key=lambda row: int(row[0]))]


def _outcome(row: Row | None) -> Outcome:
    if row is None:
        raise AssertionError("a function of registrations always answers one row")
    _, how, *columns = row
    return Outcome(how, None if columns[0] is None else KeptRegistration(*columns))
