"""What the databases hold before anything is measured."""

SESSIONS = 1000  # of the brand that is read and changed, and of each brand that is listed
LISTED_BRAND = "brand_1"
UPCOMING_SESSIONS, HOST_UPCOMING = 450, 100  # of a brand that is listed, and of its host_1

# Of every second session 20 seats are taken, of every fourth one of them by the caller.
EDITED = """
insert into sessions (brand_id, id, host_id, title, kind, scheduled_at, max_participants, registered_count, next_position,
                      next_admission, metadata, created_at, updated_at)
select 'acme', ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'host_1', 'Session ' || n, 'live',
    '2027-01-01T09:00:00Z', 100, case when n % 2 = 0 then 20 else 0 end, 21, 21, '{"topic": "intake"}', now_, now_
from generate_series(1, 1000) n, date_trunc('milliseconds', now()) now_;
insert into registrations (brand_id, id, session_id, user_id, status, position, capacity_at_admission, admission,
                           registered_at, registered_by)
select 'acme', gen_random_uuid(), ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
    person, 'registered', seat, 100, seat, now(), person
from generate_series(2, 1000, 2) n, generate_series(1, 20) seat,
    lateral (select case when seat = 1 and n % 4 = 0 then 'host_1' else 'user_' || seat end) it (person);
"""

# $1 brands of 1,000 sessions each, three hours apart: half of them to come, of which 450 are upcoming and 50 cancelled; of
# the others most have ended. host_1 has 200 of them, 36 other hosts the rest. Of every second session two seats are
# taken, of every fourth one of them by host_1. The order of the rows on the disk is that of their making, which is neither
# the brand's nor the calendar's: a page's rows lie apart.
LISTED = """
insert into sessions (brand_id, id, host_id, title, kind, category, community_slug, status, scheduled_at, started_at, ended_at,
                      duration_minutes, max_participants, registered_count, next_position, next_admission, metadata,
                      created_at, updated_at)
select 'brand_' || brand, ('00000000-0000-7000-8001-' || lpad((brand * 1000 + n)::text, 12, '0'))::uuid,
    'host_' || case when n % 5 = 1 then 1 else 2 + n % 36 end,
    'Session ' || n || case when n % 3 = 0 then ': questions and answers, for beginners and others' else '' end,
    case when n % 3 = 0 then 'office_hours' else 'live' end,
    (array['sleep', 'nutrition', 'movement', null])[1 + n % 4], (array['parents', 'runners', null])[1 + n % 3],
    status, at, case when status in ('live', 'ended') then at end,
    case when status = 'ended' then at + interval '45 minutes' end,
    (array[30, 45, null])[1 + n % 3], 100, case when n % 2 = 0 then 2 else 0 end, 3, 3,
    case when n % 2 = 0 then '{"topic": "intake", "room": {"floor": 2}}'::jsonb else '{}' end, now_, now_
from generate_series(1, $1::integer) brand, generate_series(1, 1000) n, date_trunc('milliseconds', now()) now_,
    lateral (select date_trunc('hour', now_) + (n - 500) * interval '3 hours' + brand % 60 * interval '1 minute' as at,
        case when n % 10 = 0 then 'cancelled' when n > 500 then 'scheduled' when n % 50 = 1 then 'live'
             when n % 50 = 3 then 'scheduled' else 'ended' end as status) it
order by hashint8(brand * 1009 + n * 9176)
"""
LISTED_REGISTRATIONS = """
insert into registrations (brand_id, id, session_id, user_id, status, position, capacity_at_admission, admission,
                           registered_at, registered_by)
select brand_id, gen_random_uuid(), id, person, 'registered', seat, 100, seat, created_at, person
from sessions, generate_series(1, 2) seat,
    lateral (select right(id::text, 12)::bigint % 4 = 0 as has_host) n,
    lateral (select case when seat = 1 and has_host then 'host_1' else 'user_' || seat end) it (person)
where registered_count = 2 and id > '00000000-0000-7000-8001-000000000000'
"""

# What the database of the drop holds beside the session that is stormed: as in an installation that has been used, a search
# by key is the plan that pays. 1,000 sessions with 50 registrations each.
EARLIER = """
insert into sessions (brand_id, id, host_id, title, kind, scheduled_at, max_participants, registered_count, next_position,
                      next_admission, created_at, updated_at)
select 'acme', ('00000000-0000-7000-8002-' || lpad(n::text, 12, '0'))::uuid, 'host_' || n % 37, 'Earlier ' || n, 'live',
    '2027-01-01T09:00:00Z', 100, 50, 51, 51, now_, now_
from generate_series(1, 1000) n, date_trunc('milliseconds', now()) now_;
insert into registrations (brand_id, id, session_id, user_id, status, position, capacity_at_admission, admission,
                           registered_at, registered_by)
select 'acme', gen_random_uuid(), ('00000000-0000-7000-8002-' || lpad(n::text, 12, '0'))::uuid, person, 'registered', seat, 100,
    seat, now(), person
from generate_series(1, 1000) n, generate_series(1, 50) seat, concat('somebody_', n, '_', seat) person;
"""

# And where questions are voted on: of each of those sessions four questions with 25 votes each. After EARLIER.
EARLIER_QUESTIONS = """
insert into questions (brand_id, id, session_id, asker_user_id, body, status, vote_count, position, asked_at, moderated_at,
                       moderator_user_id)
select 'acme', ('00000000-0000-7000-8003-' || lpad((n * 10 + asked)::text, 12, '0'))::uuid,
    ('00000000-0000-7000-8002-' || lpad(n::text, 12, '0'))::uuid, concat('somebody_', n, '_', asked), 'Earlier ' || asked,
    'approved', 25, asked, now_, now_, 'host_' || n % 37
from generate_series(1, 1000) n, generate_series(1, 4) asked, date_trunc('milliseconds', now()) now_;
insert into votes (brand_id, question_id, user_id, voted_at)
select 'acme', ('00000000-0000-7000-8003-' || lpad((n * 10 + asked)::text, 12, '0'))::uuid, person, now()
from generate_series(1, 1000) n, generate_series(1, 4) asked, generate_series(1, 25) seat,
    concat('somebody_', n, '_', seat) person;
"""
