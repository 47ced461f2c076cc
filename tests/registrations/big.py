"""A database with sessions that have so many registrations that the planner must choose as in production."""

from typing import Final
from uuid import UUID

import asyncpg

from greenroom.kit.ids import BrandId, SessionId, UserId
from tests.postgres import TestDatabase

BRAND: Final = BrandId("brand-0")
HUGE: Final = SessionId(UUID("01900000-0000-7000-8000-000000000001"))
SMALL: Final = SessionId(UUID("01900000-0000-7000-8000-000000000002"))
SESSIONS: Final = 20_000  # of five people each: half of them of BRAND, the others of nine brands
BUSY: Final = UserId("busy")  # registered for one in so many of them, and in the line of HUGE
ONE_IN: Final = 250
IN_BUSY_LISTS: Final = SESSIONS // 2 // ONE_IN + 1
SEATS: Final = 20_000  # of HUGE
IN_LINE: Final = 60_000
LEFT: Final = 20_000  # of HUGE; they came first
BEFORE_BUSY: Final = 49  # in the line of HUGE
BUSY_IN_LINE: Final = LEFT + SEATS + BEFORE_BUSY + 1


# Half of the small sessions are over. Of five people two have a seat, the first of them a guest, and three wait.
SMALL_ONES: Final = f"""
insert into sessions (brand_id, id, host_id, title, kind, status, scheduled_at, max_participants, registered_count,
                      waitlist_count, next_position, next_admission, started_at, ended_at, created_at, updated_at)
select brand_id, id, 'host_1', 'Small', 'live', case when is_over then 'ended' else 'scheduled' end,
    now() + (n % 1000 - 500) * interval '1 hour', 2, 2, 3, 6, 3,
    case when is_over then now() end, case when is_over then now() end, now(), now()
from (
    select '{BRAND}' as brand_id, '{SMALL}'::uuid as id, 0 as n, false as is_over
    union all
    select 'brand-' || case when n % 2 = 0 then 0 else n % 9 + 1 end, md5('session ' || n)::uuid, n, n % 4 < 2
    from generate_series(1, {SESSIONS}) n
) s;

insert into registrations (brand_id, id, session_id, user_id, guest_email, role, status, position, admission,
                           capacity_at_admission, registered_at, registered_by)
select s.brand_id, gen_random_uuid(), s.id, case when is_busy then '{BUSY}' else 'patient_' || n end,
    case when n = 1 then 'guest@example.com' end, 'participant', case when has_seat then 'registered' else 'waitlist' end,
    n, case when has_seat then n end, case when has_seat then 2 end, now(), 'host_1'
from (select *, row_number() over (partition by brand_id order by id) as turn from sessions) s
cross join generate_series(1, 5) n
cross join lateral (select n <= 2 as has_seat, n = 2 and s.turn % {ONE_IN} = 0 as is_busy) it;
"""  # noqa: S608  # names and numbers of ours

HUGE_ONE: Final = f"""
insert into sessions (brand_id, id, host_id, title, kind, scheduled_at, max_participants, registered_count, waitlist_count,
                      next_position, next_admission, created_at, updated_at)
values ('{BRAND}', '{HUGE}', 'host_1', 'Huge', 'live', now(), {SEATS}, {SEATS}, {IN_LINE},
        {SEATS + IN_LINE + LEFT} + 1, {SEATS + LEFT} + 1, now(), now());

insert into registrations (brand_id, id, session_id, user_id, status, position, admission, capacity_at_admission,
                           registered_at, registered_by, cancelled_at)
select '{BRAND}', md5('huge ' || n)::uuid, '{HUGE}', case when n = {BUSY_IN_LINE} then '{BUSY}' else 'patient_' || n end,
    status, n, case when status <> 'waitlist' then n end, case when status <> 'waitlist' then {SEATS} end, now(), 'host_1',
    case when status = 'cancelled' then now() end
from generate_series(1, {LEFT + SEATS + IN_LINE}) n
cross join lateral (
    select case when n <= {LEFT} then 'cancelled' when n <= {LEFT + SEATS} then 'registered' else 'waitlist' end as status
) it;
"""  # noqa: S608  # names and numbers of ours


def in_huge(position: int) -> UserId:
    """Who has this position in HUGE."""
    return UserId(f"patient_{position}")


async def fill(database: TestDatabase) -> None:
    """The rows, and what the planner knows of them."""
    owner = await asyncpg.connect(database.owner_url)
    try:
        await owner.execute(SMALL_ONES)
        await owner.execute(HUGE_ONE)
        await owner.execute("vacuum (analyze) sessions")
        await owner.execute("vacuum (analyze) registrations")
    finally:
        await owner.close()
