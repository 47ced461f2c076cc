"""The SQL of calendars. The functions called here are in migrations/0014_calendar.sql."""

from typing import Final
from uuid import UUID

from msgspec import Struct

from greenroom.calendar.kept import KeptEntry
from greenroom.identity.caller import Caller
from greenroom.kit.database import Database
from greenroom.kit.ids import BrandId, RequestId, SessionId, UserId

MOST_ENTRIES: Final = 500  # of a feed
BACK: Final = "interval '30 days'"  # how long a feed shows what is past, and what was given up

CREATE = "select create_calendar_feed_v1($1, $2, $3, $4, $5, $6)"

REVOKE = "select revoke_calendar_feed_v1($1, $2, $3, $4)"

HOLDER_ANY_BRAND = "select brand_id, user_id from calendar_feeds where ticket_hash = $1"

# In the order of KeptEntry. Of a registration every change has a time.
COLUMNS = """s.id as session_id, s.title, s.description, s.scheduled_at, s.duration_minutes, s.status, s.calendar_sequence,
    s.updated_at, r.id as registration_id, r.status as registration_status, r.version as registration_version,
    greatest(r.registered_at, r.promoted_at, r.cancelled_at, r.allowed_at) as registration_changed_at, r.guest_email"""

# The registration that holds; else, for who does not host it, the last one that was cancelled, so that its entry is, too.
ENTRY = f"""
select {COLUMNS} from sessions s left join lateral (
    select either.* from (
        (select h.* from registrations h
         where h.brand_id = $1 and h.user_id = $3 and h.session_id = $2 and h.status <> 'cancelled')
        union all
        (select c.* from registrations c
         where c.brand_id = $1 and c.user_id = $3 and c.session_id = $2 and c.cancelled_at is not null
            and $3 <> s.host_id and $3 <> all (s.co_host_ids)
         order by c.position desc limit 1)
    ) either order by either.status = 'cancelled' limit 1
) r on true
where s.brand_id = $1 and s.id = $2
"""  # noqa: S608  # constants of ours

# Looked up one by one: few people have so many registrations that a look at all of the brand's sessions would be less.
SESSION_OF_IT = "select x.scheduled_at from sessions x where x.brand_id = $1 and x.id = r.session_id offset 0"

# The sessions of a feed, and by what they are there: of several reasons the first of those below that holds. Each has an index
# that finds it. Those to come are the first to be shown, the soonest before all others.
CHOSEN = f"""
select shown.session_id, shown.registration_id from (
    select distinct on (one.session_id) one.session_id, one.registration_id, one.scheduled_at from (
        select r.session_id, r.id as registration_id, s.scheduled_at, 1 as turn, r.position
        from registrations r cross join lateral ({SESSION_OF_IT}) s
        where r.brand_id = $1 and r.user_id = $2 and r.status <> 'cancelled' and s.scheduled_at >= now() - {BACK}
        union all
        (select s.id, null, s.scheduled_at, 2, 0 from sessions s
         where s.brand_id = $1 and s.host_id = $2 and s.scheduled_at >= now()
         order by s.scheduled_at limit $3)
        union all
        (select s.id, null, s.scheduled_at, 2, 0 from sessions s
         where s.brand_id = $1 and s.host_id = $2 and s.scheduled_at < now() and s.scheduled_at >= now() - {BACK}
         order by s.scheduled_at desc limit $3)
        union all
        select c.id, null, c.scheduled_at, 3, 0 from (
            select s.id, s.scheduled_at from sessions s
            where s.brand_id = $1 and s.co_host_ids <> '{{}}'
                and co_host_keys_v1(s.brand_id, s.co_host_ids) @> co_host_keys_v1($1, array[$2]) offset 0
        ) c where c.scheduled_at >= now() - {BACK}
        union all
        select r.session_id, r.id, s.scheduled_at, 4, r.position
        from registrations r cross join lateral ({SESSION_OF_IT}) s
        where r.brand_id = $1 and r.user_id = $2 and r.cancelled_at is not null and r.cancelled_at >= now() - {BACK}
            and s.scheduled_at >= now() - {BACK}
    ) one order by one.session_id, one.turn, one.position desc
) shown
order by shown.scheduled_at < now(), abs(extract(epoch from shown.scheduled_at - now())), shown.session_id limit $3
"""  # noqa: S608  # constants of ours

# All that can make a feed another one, without a look at any text: versions of rows, and which rows they are.
STATE = """
select encode(sha256(convert_to(coalesce(string_agg(
    concat_ws(' ', s.id, s.version, s.revision, s.calendar_sequence, s.updated_at, r.id, r.version), ',' order by s.id
), ''), 'UTF8')), 'hex') as digest
from chosen c join sessions s on s.brand_id = $1 and s.id = c.session_id
left join registrations r on r.brand_id = $1 and r.id = c.registration_id
"""

DIGEST = f"with chosen as materialized ({CHOSEN}) {STATE}"

FEED = f"""
with chosen as materialized ({CHOSEN}), state as ({STATE}), shown as (
    select {COLUMNS} from chosen c join sessions s on s.brand_id = $1 and s.id = c.session_id
    left join registrations r on r.brand_id = $1 and r.id = c.registration_id
)
select state.digest, shown.* from state left join shown on true order by shown.scheduled_at, shown.session_id
"""  # noqa: S608  # constants of ours


class Holder(Struct, frozen=True):
    """Whose feed a ticket opens."""

    brand: BrandId
    user: UserId


class Feed(Struct, frozen=True):
    """What a feed shows, in the order of time, and what stands for that state of it."""

    digest: str
    entries: list[KeptEntry]


async def create(db: Database, brand: BrandId, by: Caller, *, feed_id: UUID, ticket_hash: bytes, request_id: RequestId) -> None:
    """Give the person a feed of this ticket, instead of any that they have. `feed_id` is for who has none yet."""
    await db.row(CREATE, brand, by.user, feed_id, ticket_hash, by.client, request_id)


async def revoke(db: Database, brand: BrandId, by: Caller, *, request_id: RequestId) -> None:
    """The person's ticket opens nothing from now on. Twice is once."""
    await db.row(REVOKE, brand, by.user, by.client, request_id)


async def holder_any_brand(db: Database, ticket_hash: bytes) -> Holder | None:
    """Whose feed it is; None for a ticket that nobody was given, or has any more."""
    row = await db.row(HOLDER_ANY_BRAND, ticket_hash)
    return None if row is None else Holder(*row)


async def entry(db: Database, brand: BrandId, session: SessionId, user: UserId) -> KeptEntry | None:
    """The person's entry of the session; None when there is no such session."""
    row = await db.row(ENTRY, brand, session, user)
    return None if row is None else KeptEntry(*row)


async def digest(db: Database, it: Holder) -> str:
    """What stands for the state of the person's feed."""
    row = await db.row(DIGEST, it.brand, it.user, MOST_ENTRIES)
    return "" if row is None else str(row["digest"])


async def feed(db: Database, it: Holder) -> Feed:
    """What the person's feed shows, and what stands for that state of it."""
    rows = [tuple(row) for row in await db.rows(FEED, it.brand, it.user, MOST_ENTRIES)]
    return Feed("" if not rows else rows[0][0], [KeptEntry(*columns) for _, *columns in rows if columns[0] is not None])
