-- attendance: who was there and for how long; and the care that is taken of each call until all is known
-- depends: 0011_joining

-- migrate: apply

-- Everybody who was there, or had a seat, or should have hosted, or was removed: one row each. What counts is the time between the
-- doors' opening and the end: before is a sound check. Two devices at once are one person. Who was the last to leave has not
-- left early, however long after that the session was ended. Of a session that had no call nobody knows who came.
create function attendance_v1(p_brand_id text, p_session_id uuid) returns table (
    user_id text, role text, registration_status text, first_joined_at timestamptz, last_left_at timestamptz, seconds double precision,
    is_inside boolean, is_estimated boolean, outcome text, present tstzmultirange
) language sql stable as $$
    with s as (
        select x.*, least(x.scheduled_at - session_minutes_v1(x, 'doors_open_minutes', 15), x.started_at) as opens_at,
            x.scheduled_at + session_minutes_v1(x, 'host_grace_minutes', 5) as late_at,
            case when x.status = 'ended' then x.ended_at end as over_at,
            exists (select from calls c where c.brand_id = x.brand_id and c.id = x.id
                    and (c.made_at is not null or c.started_at is not null)) as has_call
        from sessions x where x.brand_id = p_brand_id and x.id = p_session_id
    ), stays as (
        select t.user_id, greatest(t.joined_at, s.opens_at) as joined_at, least(t.left_at, s.over_at) as left_at, t.is_estimated
        from s cross join stays_v1(p_brand_id, p_session_id) t
        where coalesce(t.left_at, 'infinity') > s.opens_at and t.joined_at <= coalesce(s.over_at, 'infinity')
    ), present as (
        select t.user_id, min(t.joined_at) as first_joined_at, max(t.left_at) as last_left_at, bool_or(t.left_at is null) as is_inside,
            bool_or(t.is_estimated) as is_estimated,
            range_agg(tstzrange(t.joined_at, greatest(coalesce(t.left_at, clock_timestamp()), t.joined_at), '[]')) as present
        from stays t group by t.user_id
    ), booked as (
        select distinct on (r.user_id) r.user_id, r.role, r.status, r.cancelled_at,
            r.status = 'registered' or r.admission is not null as had_seat, r.removed_at is not null and r.allowed_at is null as is_removed
        from (  -- by status: each has an index of its own
            select * from registrations g where g.brand_id = p_brand_id and g.session_id = p_session_id and g.status = 'registered'
            union all
            select * from registrations g where g.brand_id = p_brand_id and g.session_id = p_session_id and g.status = 'waitlist'
            union all
            select * from registrations g where g.brand_id = p_brand_id and g.session_id = p_session_id and g.status = 'cancelled'
        ) r
        order by r.user_id, r.status = 'cancelled', r.removed_at is null or r.allowed_at is not null, r.admission is null, r.position desc
    ), people as (
        select b.user_id from booked b where b.had_seat or b.is_removed
        union select p.user_id from present p
        union select s.host_id from s
    ), last_one as (
        select max(p.last_left_at) as left_at from present p
    )
    select e.user_id, case when e.user_id = s.host_id or e.user_id = any (s.co_host_ids) then 'host' else coalesce(b.role, 'participant') end,
        b.status, p.first_joined_at, case when not p.is_inside then p.last_left_at end,
        coalesce((select sum(extract(epoch from upper(i) - lower(i))) from unnest(p.present) i), 0)::float8,
        coalesce(p.is_inside, false), coalesce(p.is_estimated, false),
        case
            when s.status = 'cancelled' then null
            when e.user_id = s.host_id and p.first_joined_at > s.late_at then 'host_late'
            when e.user_id = s.host_id then case when s.status = 'ended' and p.user_id is not null then 'attended'
                                                 when s.status = 'ended' and s.has_call then 'host_no_show' end
            when b.is_removed then 'removed'
            when b.status = 'cancelled' and p.user_id is null and b.cancelled_at < coalesce(s.started_at, 'infinity') then 'cancelled_in_time'
            when s.status <> 'ended' then null
            when p.user_id is null then case when s.has_call then 'no_show' end
            when p.last_left_at < l.left_at - interval '5 minutes' then 'left_early'
            else 'attended' end,
        p.present
    from people e cross join s cross join last_one l
    left join present p on p.user_id = e.user_id left join booked b on b.user_id = e.user_id
$$;

-- How many there were, at most at once, and for how long.
create function attendance_totals_v1(p_brand_id text, p_session_id uuid) returns jsonb language sql stable as $$
    with a as materialized (select * from attendance_v1(p_brand_id, p_session_id)),
    steps as (
        select lower(i) as at, 1 as step from a cross join unnest(a.present) i
        union all select upper(i), -1 from a cross join unnest(a.present) i
    ), crowd as (
        select sum(t.step) over (order by t.at, t.step desc rows unbounded preceding) as inside from steps t
    )
    select jsonb_build_object(
        'people', count(*) filter (where a.first_joined_at is not null), 'peak', (select coalesce(max(c.inside), 0) from crowd c),
        'minutes', round((coalesce(sum(a.seconds), 0) / 60)::numeric, 1),
        'attended', count(*) filter (where a.outcome in ('attended', 'host_late')), 'left_early', count(*) filter (where a.outcome = 'left_early'),
        'no_show', count(*) filter (where a.outcome in ('no_show', 'host_no_show')), 'removed', count(*) filter (where a.outcome = 'removed'),
        'cancelled_in_time', count(*) filter (where a.outcome = 'cancelled_in_time'), 'is_estimated', coalesce(bool_or(a.is_estimated), false))
    from a
$$;

-- What state its session gives a call: planned | open | over | called_off.
create function phase_of_v1(c calls, s sessions, p_now timestamptz) returns text language sql stable as $$
    select case
        when c.session_id is null then case when c.end_asked_at is null then 'open' else 'over' end
        when s.status = 'cancelled' then 'called_off'
        when s.status = 'ended' then 'over'
        when s.status = 'live' or p_now >= s.scheduled_at - session_minutes_v1(s, 'doors_open_minutes', 15) then 'open'
        else 'planned' end
$$;

-- The recordings that are one each: of a span, what is ready stands for what is not.
create function shown_recordings_v1(c calls) returns setof recordings language sql stable as $$
    select r.* from recordings r where r.brand_id = c.brand_id and r.call_id = c.id and (r.state = 'ready' or not exists (
        select from recordings o where o.brand_id = c.brand_id and o.call_id = c.id and o.state = 'ready'
        and (r.span_id is null or o.span_id is not distinct from r.span_id)))
$$;

-- Does a recording of it still have to turn up, of the last sitting at least? Looked for during a day.
create function awaits_recording_v1(c calls, p_now timestamptz) returns boolean language sql stable as $$
    select c.records and c.started_at is not null and c.ended_at is not null and p_now < c.ended_at + interval '1 day'
        and (exists (select from shown_recordings_v1(c) r where r.state = 'processing') or not exists (
            select from recordings r
            left join (
                select n.span_id as id, min(n.joined_at) as started_at from connections n
                where n.brand_id = c.brand_id and n.call_id = c.id and n.span_id is not null and n.joined_at <= c.ended_at
                group by n.span_id order by 2 desc limit 1
            ) last_span on true
            where r.brand_id = c.brand_id and r.call_id = c.id and r.state <> 'processing'
                and (last_span.id is null or r.span_id = last_span.id or r.ended_at >= last_span.started_at
                     or r.span_id is null and r.ended_at is null)))
$$;

-- Claim up to p_most calls that are due to be looked after, for p_lease.
create function claim_calls_any_brand_v1(p_most integer, p_lease interval, p_now timestamptz)
returns table (
    brand_id text, id uuid, provider text, records boolean, phase text, is_made boolean, told_title text, told_scheduled_at timestamptz,
    title text, scheduled_at timestamptz, host_user_id text, is_end_told boolean, removals text[], awaits_recording boolean,
    is_sessions boolean
) language plpgsql set enable_seqscan = off set plan_cache_mode = force_custom_plan as $$
declare
    now_ timestamptz := coalesce(p_now, clock_timestamp());
begin
    return query
        with due as materialized (
            select c.brand_id, c.id from calls c
            where c.due_at < 'infinity' and c.due_at <= now_
                and (c.leased_until <= now_ or c.leased_until > now_ + interval '1 hour')  -- as timers: no lease is that long
            order by c.due_at limit p_most for no key update skip locked
        ), leased as (
            update calls c set leased_until = now_ + p_lease
            from due d where c.brand_id = d.brand_id and c.id = d.id returning c as call
        )
        select (l.call).brand_id, (l.call).id, (l.call).provider, (l.call).records, phase_of_v1(l.call, s, now_),
            (l.call).made_at is not null, (l.call).told_title, (l.call).told_scheduled_at,
            coalesce((l.call).title, s.title), coalesce((l.call).scheduled_at, s.scheduled_at), coalesce((l.call).host_user_id, s.host_id),
            (l.call).end_told_at is not null,
            array(select w.user_id from call_removals w
                  where w.brand_id = (l.call).brand_id and w.call_id = (l.call).id and w.told_at is null and is_barred_v1(s, w.user_id)),
            awaits_recording_v1(l.call, now_), s.id is not null
        from leased l left join sessions s on s.brand_id = (l.call).brand_id and s.id = (l.call).session_id;
end $$;

-- What came of it. p_removed: who the provider has put out. p_asked_at: when it was asked how the call is, with p_span, p_inside and
-- p_facts as its answer; null where it was not, or could not say. A null p_told_title: nothing was told. p_phase: as it was then.
create function looked_after_call_v1(
    p_brand_id text, p_id uuid, p_phase text, p_told_title text, p_told_scheduled_at timestamptz, p_end_told boolean, p_removed text[],
    p_asked_at timestamptz, p_span text, p_inside text[], p_facts text, p_failed boolean, p_request_id text, p_now timestamptz
) returns void language plpgsql set enable_seqscan = off set plan_cache_mode = force_custom_plan as $$
declare
    now_     timestamptz := date_trunc('milliseconds', coalesce(p_now, clock_timestamp()));
    c        calls;
    s        sessions;
    grace    interval;
    last_out timestamptz;
    is_empty boolean;
    next_at  timestamptz;
begin
    select * into c from calls where brand_id = p_brand_id and id = p_id;
    select * into s from sessions where brand_id = p_brand_id and id = c.session_id for no key update;
    select * into c from calls where brand_id = p_brand_id and id = p_id for no key update;

    if p_told_title is not null then
        perform call_made_v1(p_brand_id, p_id, true, p_told_title, p_told_scheduled_at);
    end if;
    update call_removals w set told_at = now_
        where w.brand_id = p_brand_id and w.call_id = p_id and w.told_at is null
            and (w.user_id = any (p_removed) or not is_barred_v1(s, w.user_id));  -- whoever may come in again has nothing to be told of
    if p_facts is not null then
        perform merge_facts_v1(p_brand_id, p_id, p_facts::jsonb, p_asked_at, p_span, coalesce(p_inside, '{}'));
    end if;
    -- Asked again from here on: what settles it may bring the time forward.
    update calls set due_at = 'infinity', leased_until = '-infinity',
        making_until = case when p_failed and made_at is null then '-infinity' else making_until end, failures = case when p_failed then failures + 1 else 0 end,
        end_told_at = case when p_end_told then coalesce(end_told_at, now_) else end_told_at end
    where brand_id = p_brand_id and id = p_id;
    perform settle_call_v1(p_brand_id, p_id, now_, p_request_id);

    -- A live session whose call has been empty for a while is over: only where the provider has just said so itself.
    select * into s from sessions where brand_id = p_brand_id and id = s.id;
    grace := session_minutes_v1(s, 'empty_grace_minutes', 5);
    select max(t.left_at), coalesce(bool_and(t.left_at is not null), true) into last_out, is_empty from stays_v1(p_brand_id, p_id) t;
    is_empty := is_empty and cardinality(coalesce(p_inside, '{}')) = 0;
    if s.status = 'live' and is_empty and last_out >= s.started_at then
        next_at := greatest(last_out, s.scheduled_at) + grace;
        if p_asked_at is not null and next_at <= now_ then
            s := step_session_v1(s, 'ended', 'empty', now_, p_request_id);
            perform settle_call_v1(p_brand_id, p_id, now_, p_request_id);
        end if;
    end if;

    select * into c from calls where brand_id = p_brand_id and id = p_id;
    if awaits_recording_v1(c, now_) and c.missing_at is null and now_ >= c.ended_at + interval '1 hour' then
        update calls set missing_at = now_ where brand_id = p_brand_id and id = p_id returning * into c;
        perform tell_of_call_v1(p_brand_id, c.session_id, new_id_v1(), 'live.recording.failed.v1', now_, jsonb_build_object(
            'session_id', c.session_id, 'call_id', c.id, 'recording_id', null, 'reason', 'missing'));
    end if;
    if s.status = 'ended' and c.summary_told_at is null and c.started_at is not null
            and (p_asked_at >= s.ended_at or now_ >= s.ended_at + interval '10 minutes') then
        update calls set summary_told_at = now_ where brand_id = p_brand_id and id = p_id returning * into c;
        perform tell_of_call_v1(p_brand_id, c.session_id, new_id_v1(), 'live.attendance.summary.v1', now_,
            jsonb_build_object('session_id', s.id, 'call_id', c.id, 'ended_at', wire_time_v1(s.ended_at))
                || attendance_totals_v1(p_brand_id, s.id));
    end if;

    next_at := case
        when p_failed then now_ + least(interval '1 minute', interval '1 second' * 2 ^ least(c.failures, 6))
        -- What came to pass while the provider was asked is seen to at once.
        when phase_of_v1(c, s, now_) <> p_phase then now_
        when phase_of_v1(c, s, now_) in ('planned', 'open') and c.made_at is not null
            and (c.told_title, c.told_scheduled_at) is distinct from (coalesce(c.title, s.title), coalesce(c.scheduled_at, s.scheduled_at))
            or phase_of_v1(c, s, now_) = 'over' and c.end_told_at is null and c.made_at is not null then now_
        when phase_of_v1(c, s, now_) = 'open' and c.made_at is null then greatest(now_, c.making_until)
        when phase_of_v1(c, s, now_) = 'planned' then s.scheduled_at - session_minutes_v1(s, 'doors_open_minutes', 15)
        when phase_of_v1(c, s, now_) = 'open' and c.session_id is null then case
            when now_ > greatest(c.created_at, c.scheduled_at, c.started_at, c.ended_at, case when not is_empty then now_ end) + interval '1 day'
                then 'infinity'
            when c.started_at is null then greatest(c.scheduled_at - interval '15 minutes', now_ + interval '1 minute')
            else now_ + interval '1 minute' end
        when phase_of_v1(c, s, now_) = 'open' and next_at < now_ + interval '1 minute' then greatest(next_at, now_ + interval '1 second')
        when phase_of_v1(c, s, now_) = 'open' then now_ + interval '1 minute'
        when phase_of_v1(c, s, now_) = 'over' and s.id is not null and c.started_at is not null and c.summary_told_at is null
            then now_ + interval '5 seconds'
        when awaits_recording_v1(c, now_) then now_ + case when c.missing_at is null then interval '1 minute' else interval '10 minutes' end
        else 'infinity' end;
    -- Who was removed in this very moment is seen to at once; what settled the call need not wait either, unless all is done.
    update calls k set due_at = case
            when not p_failed and k.made_at is not null and exists (
                select from call_removals w where w.brand_id = p_brand_id and w.call_id = p_id and w.told_at is null)
                then least(next_at, now_ + interval '1 second')
            else next_at end
    where k.brand_id = p_brand_id and k.id = p_id;
end $$;

-- Give back calls that could not be looked after.
create function release_calls_any_brand_v1(p_ids uuid[], p_wait interval) returns void language sql as $$
    update calls c set leased_until = '-infinity', due_at = clock_timestamp() + p_wait where c.id = any (p_ids)
$$;

-- migrate: rollback

drop function release_calls_any_brand_v1, looked_after_call_v1, claim_calls_any_brand_v1, awaits_recording_v1, shown_recordings_v1, phase_of_v1,
    attendance_totals_v1, attendance_v1;
