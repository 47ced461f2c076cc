"""Rows that keep every promise, and rows to plant beside them."""

from typing import Final

SESSION: Final = "01900000-0000-7000-8000-000000000001"

# A session of four seats that was created and edited. Two have left, and two who waited have their seats; a guest has one;
# one person waits. The same session, by its id, is in another brand, with the same people. A brand whose settings were
# changed twice, and another where that happened once.
_SESSIONS: Final = """
insert into sessions (brand_id, id, host_id, title, kind, scheduled_at, max_participants, registered_count, waitlist_count,
    next_position, next_admission, version, created_at, updated_at)
values ('acme', ':session', 'host_1', 'Full', 'live', '2027-03-01', 4, 4, 1, 8, 7, 2, now(), now()),
       ('other', ':session', 'host_1', 'Full', 'live', '2027-03-01', 2, 2, 1, 4, 3, 2, now(), now());
insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed, actor_user_id, actor_client_id,
    request_id, occurred_at)
select brand_id, 'session', id, change, 'session.' || action, '{}', 'host_1', 'test', 'r' || change, now()
from sessions cross join (values (1, 'created'), (2, 'updated')) as done (change, action);
insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
select gen_random_uuid(), 'live.session.' || action || '.v1', brand_id, id, change, now(), '{}'
from sessions cross join (values (1, 'created'), (2, 'updated')) as done (change, action);
"""

_REGISTRATIONS: Final = """
insert into registrations (brand_id, id, session_id, user_id, guest_email, role, status, position, admission,
    capacity_at_admission, version, registered_at, promoted_at, cancelled_at)
select p.brand_id, gen_random_uuid(), ':session', p.user_id, p.email,
    case when p.email is null then 'participant' else 'guest' end,
    p.status, p.position, p.admission, case when p.admission is not null then s.max_participants end,
    cardinality(p.actions), timestamptz '2027-01-01' + p.position * interval '1 day',
    case when 'promoted' = any (p.actions) then timestamptz '2027-02-01' + p.position * interval '1 day' end,
    case when p.status = 'cancelled' then '2027-01-20'::timestamptz end
from (values
    ('acme', 'left', null, 'cancelled', 1, 1, array['created', 'cancelled']),
    ('acme', 'first', null, 'registered', 2, 2, array['created']),
    ('acme', 'guest:1', 'Guest@example.com', 'registered', 3, 3, array['created']),
    ('acme', 'guest:0', 'left@example.com', 'cancelled', 4, 4, array['created', 'removed', 'allowed']),
    ('acme', 'promoted_1', null, 'registered', 5, 5, array['waitlisted', 'promoted']),
    ('acme', 'promoted_2', null, 'registered', 6, 6, array['waitlisted', 'promoted']),
    ('acme', 'in_line', null, 'waitlist', 7, null, array['waitlisted']),
    ('other', 'first', null, 'registered', 1, 1, array['created']),
    ('other', 'guest:1', 'Guest@example.com', 'registered', 2, 2, array['created']),
    ('other', 'in_line', null, 'waitlist', 3, null, array['waitlisted'])
) as p (brand_id, user_id, email, status, position, admission, actions)
join sessions s on s.brand_id = p.brand_id;
"""

# What a registration has been through is told by its status and version here; who made the rows above may look it up.
_TRACES: Final = """
with actions as (
    select r.*, change, case
        when change = 1 then case when promoted_at is not null or status = 'waitlist' then 'waitlisted' else 'created' end
        when promoted_at is not null then 'promoted'
        when version = 2 then 'cancelled'
        when change = 2 then 'removed'
        else 'allowed' end as action
    from registrations r cross join generate_series(1, version) as change
    where not exists (select from audit_log a where a.brand_id = r.brand_id and a.entity_id = r.id)
), audited as (
    insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed, actor_user_id, actor_client_id,
        request_id, occurred_at)
    select brand_id, 'registration', id, change, 'registration.' || action, '{}', user_id, 'test',
        user_id || ' ' || change, now()
    from actions
)
insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
select gen_random_uuid(), 'live.registration.' || action || '.v1', brand_id, session_id, 2, now(),
    jsonb_build_object('session_id', session_id, 'registration_id', id, 'version', change, 'user_id', user_id)
from actions;
"""

_BRANDS: Final = """
insert into brand_settings (brand_id, id, settings, version, updated_at)
values ('acme', '01900000-0000-7000-8000-00000000000a', '{"moderation": false}', 2, now()),
       ('other', '01900000-0000-7000-8000-00000000000b', '{}', 1, now());
insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed, actor_user_id, actor_client_id,
    request_id, occurred_at)
select brand_id, 'brand', id, change, 'brand.updated', '{settings.moderation}', 'admin_1', 'test', 'r' || change, now()
from brand_settings, generate_series(1, version) as change;
insert into outbox (id, name, brand_id, occurred_at, payload)
select gen_random_uuid(), 'live.brand.updated.v1', brand_id, now(), jsonb_build_object('version', change)
from brand_settings, generate_series(1, version) as change;
"""

# The session's call, which the provider has, with a recording that is ready and one that failed; and a call of no session.
_CALLS: Final = """
update sessions set stream_call_id = id::text, recording_url = 'https://recordings.example.com/1' where brand_id = 'acme';
insert into calls (brand_id, id, session_id, provider, call_type, host_user_id, title, records, made_at, recording_url,
    created_at, updated_at)
select 'acme', id::uuid, session_id::uuid, 'getstream', 'default', host, title, true, now(), url, now(), now()
from (values
    (':session', ':session', null, null, 'https://recordings.example.com/1'),
    ('01900000-0000-7000-8000-00000000000c', null, 'host_1', 'A call', null)
) as c (id, session_id, host, title, url);
insert into recordings (brand_id, call_id, id, state, url, ready_at)
values ('acme', ':session', 'one', 'ready', 'https://recordings.example.com/1', now()),
       ('acme', ':session', 'two', 'failed', null, null);
"""

# One question is pinned, in the place of one that was answered since; one was pinned when it was dismissed, which two events
# tell; one waits, one was taken back. The first, by its id, is in the other brand too, where it needed nobody's leave.
_QUESTIONS: Final = """
create temporary table went as
select ('01900000-0000-7000-8000-00000000010' || position)::uuid as id, * from (values
    ('acme', 1, 'first', 'approved', true, array['first', 'guest:1'], array['asked', 'approved', 'pinned']),
    ('acme', 2, 'first', 'pending', false, '{}', array['asked']),
    ('acme', 3, 'guest:1', 'dismissed', true, array['first'], array['asked', 'approved', 'pinned', 'dismissed']),
    ('acme', 4, 'guest:1', 'answered', true, array['guest:1'], array['asked', 'approved', 'pinned', 'unpinned', 'answered']),
    ('acme', 5, 'promoted_1', 'dismissed', false, '{}', array['asked', 'withdrawn']),
    ('other', 1, 'first', 'approved', false, array['first'], array['asked', 'pinned'])
) as q (brand_id, position, asker, status, is_moderated, voters, actions);
create temporary table steps as
select brand_id, id, position, action, change, lag(action) over (partition by brand_id, id order by change) as before
from went, unnest(actions) with ordinality as done (action, change);
insert into questions (brand_id, id, session_id, asker_user_id, body, status, vote_count, position, version, asked_at,
    moderated_at, moderator_user_id)
select brand_id, id, ':session', asker, 'Why?', status, cardinality(voters), position, cardinality(actions), now(),
    case when is_moderated then now() end, case when is_moderated then 'host_1' end
from went;
insert into votes (brand_id, question_id, user_id, voted_at) select brand_id, id, unnest(voters), now() from went;
update sessions s set pinned_question_id = '01900000-0000-7000-8000-000000000101',
    next_question = (select count(*) + 1 from went w where w.brand_id = s.brand_id);
insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed, actor_user_id, actor_client_id,
    request_id, occurred_at)
select brand_id, 'question', id, change, 'question.' || action,
    case when action = 'dismissed' and before = 'pinned' then '{status,is_pinned}'::text[] else '{}' end, 'host_1', 'test',
    'question ' || position || ' ' || change, now()
from steps;
insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
select gen_random_uuid(), 'live.question.' || told || '.v1', brand_id, ':session', 2, now(),
    jsonb_build_object('session_id', ':session', 'question_id', id, 'version', change)
from steps, unnest(case
    when action = 'withdrawn' then array['dismissed']
    when action = 'dismissed' and before = 'pinned' then array['dismissed', 'unpinned']
    else array[action] end) as told;
insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
select gen_random_uuid(), 'live.question.votes_changed.v1', brand_id, session_id, 2, now(),
    jsonb_build_object('session_id', session_id, 'vote_counts', jsonb_object_agg(id, vote_count))
from questions group by brand_id, session_id;
"""

# A feed that was revoked. Nothing is told of it.
_FEEDS: Final = """
insert into calendar_feeds (brand_id, user_id, id, version, created_at, revoked_at)
values ('acme', 'first', '01900000-0000-7000-8000-0000000000fe', 2, now(), now());
insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed, actor_user_id, actor_client_id,
    request_id, occurred_at)
select brand_id, 'calendar_feed', id, change, 'calendar_feed.' || action, '{ticket}', user_id, 'test', 'feed ' || change, now()
from calendar_feeds, unnest(array['created', 'revoked']) with ordinality as done (action, change);
"""

# What timers tell, of sessions and of people with a seat, and what calls tell: it has a version, and is no change.
TOLD_BESIDE_CHANGES: Final = """
insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
select gen_random_uuid(), 'live.' || what || '.v1', brand_id, id, version, now(),
    jsonb_build_object('session_id', id, 'version', version)
from sessions, unnest(array[
    'session.doors_opened', 'session.host_late', 'stream.event', 'recording.ready', 'recording.failed', 'attendance.summary'
]) as what;
insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
select gen_random_uuid(), 'live.registration.reminder_due.v1', brand_id, session_id, 2, now(),
    jsonb_build_object('session_id', session_id, 'registration_id', id, 'user_id', user_id, 'reminder', reminder,
                       'session_version', 2)
from registrations, unnest(array['first', 'last']) as reminder where status = 'registered';
"""

# One more change of each thing, with its audit row and without its event.
UNTOLD_CHANGES: Final = {
    "a change has its event": """
update sessions set version = 3 where brand_id = 'acme';
insert into audit_log select brand_id, entity, entity_id, 3, action, changed, actor_user_id, actor_client_id, 'r3', now()
from audit_log where brand_id = 'acme' and entity = 'session' and entity_version = 2
""",
    "a change of a registration has exactly one audit row and its event": """
update registrations set version = 2 where brand_id = 'acme' and user_id = 'first';
insert into audit_log select brand_id, entity, entity_id, 2, action, changed, actor_user_id, actor_client_id, 'r2', now()
from audit_log where brand_id = 'acme' and request_id = 'first 1'
""",
    "a change of a brand's settings has exactly one audit row and its event": """
update brand_settings set version = 2 where brand_id = 'other';
insert into audit_log select brand_id, entity, entity_id, 2, action, changed, actor_user_id, actor_client_id, 'r2', now()
from audit_log where brand_id = 'other' and entity = 'brand'
""",
    "a change of a question has exactly one audit row and its event": """
update questions set version = 2, status = 'approved' where brand_id = 'acme' and position = 2;
insert into audit_log select brand_id, entity, entity_id, 2, action, changed, actor_user_id, actor_client_id, 'r2', now()
from audit_log where brand_id = 'acme' and request_id = 'question 2 1'
""",
}

HEALTHY: Final = f"{_SESSIONS}{_REGISTRATIONS}{_TRACES}{_BRANDS}{_CALLS}{_QUESTIONS}{_FEEDS}".replace(":session", SESSION)


def joined(user: str, *, email: str | None = None, seat: int | None = None) -> str:
    """Statements that plant one more registration with its traces, which the session counts: in line, or with a seat."""
    written = "null" if email is None else f"'{email}'"
    status, counted = ("waitlist", "waitlist_count") if seat is None else ("registered", "registered_count")
    return f"""
insert into registrations (brand_id, id, session_id, user_id, guest_email, role, status, position, admission,
    capacity_at_admission, registered_at)
values ('acme', gen_random_uuid(), '{SESSION}', '{user}', {written}, 'participant', '{status}', 8, {seat or "null"},
    {"null" if seat is None else 4}, now());
update sessions set {counted} = {counted} + 1 where brand_id = 'acme';
{_TRACES}
"""  # noqa: S608  # texts of ours
