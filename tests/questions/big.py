"""A database with a session that has so many questions and votes that the planner must choose as in production."""

from hashlib import md5
from typing import Final
from uuid import UUID

import asyncpg

from greenroom.kit.ids import BrandId, SessionId, UserId
from tests.postgres import TestDatabase

BRAND: Final = BrandId("brand-0")
HUGE: Final = SessionId(UUID("01900000-0000-7000-8000-000000000001"))
SMALL: Final = SessionId(UUID("01900000-0000-7000-8000-000000000002"))
SESSIONS: Final = 5000  # of four questions each: half of them of BRAND, the others of nine brands
QUESTIONS: Final = 40_000  # of HUGE: of twenty 12 are pending, 4 approved, 3 dismissed, 1 is answered
SEATS: Final = 20_000  # of HUGE, all taken
ASKERS: Final = 8000  # of HUGE: each has asked five
BUSY: Final = UserId("busy")  # has asked one in so many
ONE_IN: Final = 50
VOTES_EACH: Final = 20  # of every question that was let through

SMALL_ONES: Final = f"""
insert into sessions (brand_id, id, host_id, title, kind, status, scheduled_at, max_participants, registered_count,
                      next_position, next_question, started_at, created_at, updated_at)
select brand_id, id, 'host_1', 'Small', 'live', 'live', now() + n * interval '1 hour', 2, 0, 1, 5, now(), now(), now()
from (
    select '{BRAND}' as brand_id, '{SMALL}'::uuid as id, 0 as n
    union all
    select 'brand-' || case when n % 2 = 0 then 0 else n % 9 + 1 end, md5('session ' || n)::uuid, n
    from generate_series(1, {SESSIONS}) n
) s;

insert into questions (brand_id, id, session_id, asker_user_id, body, status, vote_count, position, asked_at)
select s.brand_id, gen_random_uuid(), s.id, 'asker_' || n, 'Why?',
    (array['pending', 'approved', 'dismissed', 'answered'])[n], 0, n, now()
from sessions s cross join generate_series(1, 4) n;
"""  # noqa: S608  # names and numbers of ours

HUGE_ONE: Final = f"""
insert into sessions (brand_id, id, host_id, title, kind, status, scheduled_at, max_participants, registered_count,
                      next_position, next_admission, next_question, pinned_question_id, started_at, created_at, updated_at)
values ('{BRAND}', '{HUGE}', 'host_1', 'Huge', 'live', 'live', now(), {SEATS}, {SEATS}, {SEATS} + 1, {SEATS} + 1,
        {QUESTIONS} + 1, md5('question 13')::uuid, now(), now(), now());

insert into registrations (brand_id, id, session_id, user_id, status, position, admission, capacity_at_admission,
                           registered_at, registered_by)
select '{BRAND}', gen_random_uuid(), '{HUGE}', 'asker_' || n, 'registered', n, n, {SEATS}, now(), 'host_1'
from generate_series(1, {SEATS}) n;

insert into questions (brand_id, id, session_id, asker_user_id, body, status, vote_count, position, asked_at)
select '{BRAND}', md5('question ' || n)::uuid, '{HUGE}',
    case when n % {ONE_IN} = 0 then '{BUSY}' else 'asker_' || n % {ASKERS} end,
    'Why ' || n || '?', case when n % 20 < 12 then 'pending' when n % 20 < 16 then 'approved' when n % 20 < 19 then 'dismissed'
    else 'answered' end, 0, n, now()
from generate_series(1, {QUESTIONS}) n;

insert into votes (brand_id, question_id, user_id, voted_at)
select q.brand_id, q.id, 'asker_' || q.position % {SEATS} + n, now()
from questions q cross join generate_series(1, {VOTES_EACH}) n
where q.session_id = '{HUGE}' and q.status in ('approved', 'answered') and n <= 1 + q.position % {VOTES_EACH};

update questions q set vote_count = given.votes
from (select question_id, count(*) as votes from votes group by question_id) given where given.question_id = q.id;
"""  # noqa: S608  # names and numbers of ours


def in_huge(position: int) -> UUID:
    """The question that was asked so many-th in HUGE."""
    return UUID(md5(f"question {position}".encode(), usedforsecurity=False).hexdigest())


async def fill(database: TestDatabase) -> None:
    """The rows, and what the planner knows of them."""
    owner = await asyncpg.connect(database.owner_url)
    try:
        await owner.execute(SMALL_ONES)
        await owner.execute(HUGE_ONE)
        for table in ("sessions", "registrations", "questions", "votes"):
            await owner.execute(f"vacuum (analyze) {table}")
    finally:
        await owner.close()
