"""A database that is large enough for the planner to choose as it would in production."""

import asyncpg

from tests.postgres import TestDatabase

BRANDS = 200
SESSIONS = 200_000
LARGE_BRAND = "brand-0"  # a quarter of all sessions; the others share the rest evenly
SMALL_BRAND = "brand-7"
HOSTS = 40  # of a brand
STEPS = 3 * 365 * 288  # of five minutes, three years, half of them past
READER = "ann"  # registered for one session in ten, in every brand

# Past ones ended or were cancelled, those to come are scheduled or cancelled, a few are live.
# But for that the columns are independent of each other, which is what the planner believes of all of them.
SEED = f"""
insert into sessions (brand_id, id, host_id, title, kind, category, community_slug, status, scheduled_at, started_at, ended_at,
                      max_participants, registered_count, created_at, updated_at)
select 'brand-' || case when n % 4 = 0 then 0 else 1 + n % {BRANDS - 1} end, md5('session ' || n)::uuid,
    'host_' || h[1] % {HOSTS}, 'Ask the physiotherapist', case when h[2] % 10 = 0 then 'office_hours' else 'live' end,
    case when h[3] % 4 > 0 then 'category_' || h[4] % 8 end, case when h[5] % 4 > 0 then 'community_' || h[6] % 10 end,
    status, at, case when status in ('live', 'ended') then at end, case when status = 'ended' then at + interval '1 hour' end,
    100, (n % 10 = 0)::int, at - interval '30 days', at
from generate_series(1, {SESSIONS}) n
cross join lateral (select array(select abs(hashint4(n + seed * 1000003)) from generate_series(1, 8) seed) as h) a
cross join lateral (
    select date_bin('5 minutes', now(), 'epoch') + (h[7] % {STEPS} - {STEPS // 2}) * interval '5 minutes' as at
) b
cross join lateral (
    select case when h[8] % 1000 = 0 then 'live' when h[8] % 12 = 1 then 'cancelled'
                when at < now() then 'ended' else 'scheduled' end as status
) c
"""  # noqa: S608  # numbers of ours

REGISTERED = f"""
insert into registrations (brand_id, id, session_id, user_id, status, position, capacity_at_admission, registered_at)
select brand_id, gen_random_uuid(), id, '{READER}', 'registered', 1, 100, created_at from sessions where registered_count = 1;
insert into registrations (brand_id, id, session_id, user_id, status, position, registered_at, cancelled_at)
select brand_id, gen_random_uuid(), id, 'bob', 'cancelled', 2, created_at, updated_at from sessions where registered_count = 1;
"""  # noqa: S608  # a name of ours


async def fill(database: TestDatabase) -> None:
    """Sessions and registrations by the hundred thousand, and what the planner knows of them."""
    owner = await asyncpg.connect(database.owner_url)
    try:
        await owner.execute(SEED)
        await owner.execute(REGISTERED)
        await owner.execute("vacuum (analyze) sessions")
        await owner.execute("vacuum (analyze) registrations")
    finally:
        await owner.close()
