"""The invariants as SQL: each statement answers the rows that break a promise. They look at every brand."""

from greenroom.kit.database import Database

COUNT_IS_TRUE_ANY_BRAND = """
select 'session ' || s.id || ': registered_count ' || s.registered_count || ', rows ' || count(r.id) as found
from sessions s left join registrations r
    on r.brand_id = s.brand_id and r.session_id = s.id and r.status = 'registered'
group by s.brand_id, s.id having s.registered_count <> count(r.id) limit 20
"""

NEVER_OVERSOLD_ANY_BRAND = """
select 'session ' || session_id || ': place ' || place || ' of ' || capacity_at_admission as found from (
    select session_id, capacity_at_admission, row_number() over (
        partition by brand_id, session_id order by admission, coalesce(promoted_at, registered_at), position) as place
    from registrations where status = 'registered') seats
where place > capacity_at_admission limit 20
"""

# Somebody was promoted who stands behind one that was promoted later, or still waits. Read from the end of the line: a frame
# that grows costs one look at each row, one that shrinks as many as there are behind it.
PROMOTED_IN_ORDER_ANY_BRAND = """
select 'session ' || session_id || ': place ' || position || ' was passed by one behind it' as found from (
    select session_id, position, status, admission, max(admission) over behind as latest, min(admission) over behind as earliest
    from registrations where status = 'waitlist' or promoted_at is not null
    window behind as (partition by brand_id, session_id order by position desc rows between unbounded preceding and 1 preceding)
) line
where (status = 'waitlist' and latest is not null) or (status <> 'waitlist' and earliest < admission) limit 20
"""

WAITLIST_COUNT_IS_TRUE_ANY_BRAND = """
select 'session ' || s.id || ': waitlist_count ' || s.waitlist_count || ', rows ' || count(r.id) as found
from sessions s left join registrations r
    on r.brand_id = s.brand_id and r.session_id = s.id and r.status = 'waitlist'
group by s.brand_id, s.id having s.waitlist_count <> count(r.id) limit 20
"""

ONE_ACTIVE_REGISTRATION_ANY_BRAND = """
select 'session ' || session_id || ': ' || count(*) || ' active registrations of one person' as found
from registrations where status <> 'cancelled'
group by brand_id, session_id, case when guest_email is null then user_id end, lower(guest_email collate "C")
having count(*) > 1 limit 20
"""

NOBODY_WAITS_BESIDE_A_FREE_SEAT_ANY_BRAND = """
select 'session ' || s.id || ': ' || count(*) || ' wait while seats are free' as found
from sessions s join registrations r on r.brand_id = s.brand_id and r.session_id = s.id and r.status = 'waitlist'
where s.status = 'scheduled' and s.registered_count < s.max_participants group by s.brand_id, s.id limit 20
"""

ONE_AUDIT_ROW_PER_CHANGE_ANY_BRAND = """
select 'session ' || s.id || ': version ' || s.version || ', audit rows ' || count(a.entity_id) as found
from sessions s left join audit_log a on a.brand_id = s.brand_id and a.entity_id = s.id and a.entity = 'session'
group by s.brand_id, s.id having count(a.entity_id) <> s.version or max(a.entity_version) <> s.version limit 20
"""

# An event may be told already or not, and of a change that is old enough it may have been forgotten. What a timer or a call
# tells is no change of anything, and must not pass for one: it has the version of a change that was before.
NO_CHANGES = """(
    'live.session.doors_opened.v1', 'live.session.host_late.v1', 'live.registration.reminder_due.v1',
    'live.stream.event.v1', 'live.recording.ready.v1', 'live.recording.failed.v1', 'live.attendance.summary.v1',
    'live.question.votes_changed.v1', 'comms.message.send_requested.v1', 'comms.message.bounced.v1'
)"""

EVERY_CHANGE_IS_TOLD_ANY_BRAND = f"""
select 'session ' || a.entity_id || ': version ' || a.entity_version || ' has no event' as found
from audit_log a left join all_events_any_brand_v1() e
    on e.brand_id = a.brand_id and e.session_id = a.entity_id and e.session_version = a.entity_version
    and e.payload ->> 'registration_id' is null and e.payload ->> 'question_id' is null and e.name not in {NO_CHANGES}
where a.entity = 'session' and e.id is null
    and (a.occurred_at <= (select forgotten_until from relay)) is not true limit 20
"""  # noqa: S608  # texts of ours

A_REGISTRATIONS_CHANGE_IS_AUDITED_AND_TOLD_ANY_BRAND = f"""
with changed as (
    select r.brand_id, r.id, r.session_id, change as version
    from registrations r cross join lateral generate_series(1, r.version) as change
), audited as (
    select a.brand_id, a.entity_id as id, a.entity_version as version, a.occurred_at
    from audit_log a where a.entity = 'registration'
), told as (
    select e.brand_id, (e.payload ->> 'registration_id')::uuid as id, (e.payload ->> 'version')::integer as version,
        count(*) as events
    from all_events_any_brand_v1() e
    where e.payload ->> 'registration_id' is not null and e.name not in {NO_CHANGES} group by 1, 2, 3
)
select 'registration ' || id || ': version ' || version || ', audit rows ' || count(audited.id) || ', events '
    || coalesce(sum(told.events), 0) as found
from changed full join audited using (brand_id, id, version) full join told using (brand_id, id, version)
group by brand_id, id, version
having count(changed.id) <> 1 or count(audited.id) <> 1 or sum(told.events) <> 1
    or (sum(told.events) is null and (max(audited.occurred_at) <= (select forgotten_until from relay)) is not true) limit 20
"""  # noqa: S608  # texts of ours

A_BRANDS_CHANGE_IS_AUDITED_AND_TOLD_ANY_BRAND = """
with changed as (
    select b.brand_id, b.id, change::text as version from brand_settings b cross join generate_series(1, b.version) as change
), audited as (
    select a.brand_id, a.entity_id as id, a.entity_version::text as version, a.occurred_at
    from audit_log a where a.entity = 'brand'
), told as (
    select e.brand_id, coalesce(e.payload ->> 'version', 'none') as version, count(*) as events
    from all_events_any_brand_v1() e where e.name = 'live.brand.updated.v1' and e.session_id is null group by 1, 2
)
select 'brand ' || brand_id || ': version ' || version || ', audit rows ' || count(audited.id) || ', events '
    || coalesce(sum(told.events), 0) as found
from changed full join audited using (brand_id, id, version) full join told using (brand_id, version)
group by brand_id, version
having count(changed.id) <> 1 or count(audited.id) <> 1 or sum(told.events) <> 1
    or (sum(told.events) is null and (max(audited.occurred_at) <= (select forgotten_until from relay)) is not true) limit 20
"""

# What a session shows of its call is what the call is, once the provider has it; the recording is one that can be watched.
A_CALL_IS_AS_ITS_SESSION_SHOWS_ANY_BRAND = """
select 'session ' || s.id || ': ' || case
    when s.stream_call_id is distinct from case when c.made_at is not null then c.id::text end then 'not its call'
    when s.recording_url is distinct from c.recording_url then 'not the recording of its call'
    else 'its recording is not ready' end as found
from sessions s join calls c on c.brand_id = s.brand_id and c.session_id = s.id
where s.stream_call_id is distinct from case when c.made_at is not null then c.id::text end
    or s.recording_url is distinct from c.recording_url
    or c.recording_url is not null and not exists (
        select from recordings r
        where r.brand_id = c.brand_id and r.call_id = c.id and r.state = 'ready' and r.url = c.recording_url
    )
limit 20
"""

VOTES_ARE_COUNTED_ANY_BRAND = """
select 'question ' || coalesce(q.id, v.question_id) || ': vote_count ' || coalesce(q.vote_count::text, 'none')
    || ', voters ' || coalesce(v.voters, 0) || ', rows ' || coalesce(v.rows, 0) as found
from questions q full join (
    select brand_id, question_id, count(*) as rows, count(distinct user_id) as voters from votes group by brand_id, question_id
) v on v.brand_id = q.brand_id and v.question_id = q.id
where q.vote_count is distinct from coalesce(v.voters, 0) or v.rows <> v.voters limit 20
"""

THE_PINNED_QUESTION_IS_SEEN_ANY_BRAND = """
select 'session ' || s.id || ': question ' || s.pinned_question_id || ' is pinned' as found from sessions s
where s.pinned_question_id is not null and not exists (
    select from questions q where q.brand_id = s.brand_id and q.id = s.pinned_question_id and q.session_id = s.id
    and q.status in ('approved', 'answered')) limit 20
"""

# A change is told by the event of its name; that a dismissed question is pinned no longer is told beside it.
A_QUESTIONS_CHANGE_IS_AUDITED_AND_TOLD_ANY_BRAND = """
with changed as (
    select q.brand_id, q.id, change as version from questions q cross join lateral generate_series(1, q.version) as change
), audited as (
    select a.brand_id, a.entity_id as id, a.entity_version as version, a.occurred_at,
        array['live.' || replace(a.action, 'withdrawn', 'dismissed') || '.v1']
            || case when a.changed @> '{status,is_pinned}' then array['live.question.unpinned.v1'] end as names
    from audit_log a where a.entity = 'question'
), told as (
    select e.brand_id, (e.payload ->> 'question_id')::uuid as id, (e.payload ->> 'version')::integer as version,
        array_agg(e.name order by e.name) as names
    from all_events_any_brand_v1() e where e.payload ->> 'question_id' is not null group by 1, 2, 3
)
select 'question ' || id || ': version ' || version || ', audit rows ' || count(audited.id) || ', events '
    || coalesce(max(cardinality(told.names)), 0) as found
from changed full join audited using (brand_id, id, version) full join told using (brand_id, id, version)
group by brand_id, id, version
having count(changed.id) <> 1 or count(audited.id) <> 1
    or max(told.names) is distinct from max(audited.names) and not (
        coalesce(max(audited.occurred_at) <= (select forgotten_until from relay), false)
        and coalesce(max(cardinality(told.names)) < max(cardinality(audited.names)), true))
limit 20
"""


A_CALENDAR_FEEDS_CHANGE_IS_AUDITED_ANY_BRAND = """
with changed as (
    select f.brand_id, f.id, change as version from calendar_feeds f cross join lateral generate_series(1, f.version) as change
), audited as (
    select a.brand_id, a.entity_id as id, a.entity_version as version from audit_log a where a.entity = 'calendar_feed'
)
select 'calendar feed ' || id || ': version ' || version || ', audit rows ' || count(audited.id) as found
from changed full join audited using (brand_id, id, version)
group by brand_id, id, version having count(changed.id) <> 1 or count(audited.id) <> 1 limit 20
"""


async def broken_any_brand(db: Database, invariant: str) -> list[str]:
    """Up to 20 places where the invariant does not hold."""
    return [row["found"] for row in await db.rows(invariant)]
