-- timers: what is to happen to each session next
-- depends: 0007_events

-- migrate: apply

-- One row per session that is scheduled or live, and one per brand whose settings have just changed (then subject_id is that
-- of its settings). It says what is next and when; what has `fired` for the time that was set at `planned_at`, in
-- `subject_version`, is not done again. A row is a hint: what fires is judged by the session as it is then.
create table timers (
    brand_id         text        not null,
    subject_id       uuid        not null,
    subject_version  integer     not null,
    planned_at       timestamptz not null,
    kind             text        not null,
    due_at           timestamptz not null,
    fired            text[]      not null default '{}',
    first_reached    bigint      not null default 0,  -- the place of the last who heard each reminder: nobody hears it twice,
    last_reached     bigint      not null default 0,  -- though settings change while it is being told
    leased_until     timestamptz not null default '-infinity',
    primary key (brand_id, subject_id)
) with (fillfactor = 70);  -- a lease is no change of an index

create index timers_due on timers (due_at);

-- Minutes that the session says, else its brand, else the program. The program's own are those of session_settings/service.py.
create function minutes_of_v1(s sessions, p_brands jsonb, p_name text, p_default integer) returns interval language sql immutable as $$
    select coalesce((s.settings ->> p_name)::integer, (p_brands ->> p_name)::integer, p_default) * interval '1 minute'
$$;

-- What is next for a session, from when on, and until when it makes sense. Minutes, not days: no clock change moves them.
-- What counts from the session's time counts from the change that set it where that came later.
create function next_timer_v1(s sessions, p_planned_at timestamptz, p_fired text[], out kind text, out due_at timestamptz, out holds_until timestamptz)
language plpgsql stable as $$
declare
    brands      jsonb := (select b.settings from brand_settings b where b.brand_id = s.brand_id);
    first_      interval := minutes_of_v1(s, brands, 'first_reminder_minutes', 1440);
    last_       interval := minutes_of_v1(s, brands, 'last_reminder_minutes', 10);
    opens_at    timestamptz := s.scheduled_at - minutes_of_v1(s, brands, 'doors_open_minutes', 15);
    base        timestamptz := greatest(s.scheduled_at, p_planned_at);
    late_at     timestamptz := base + minutes_of_v1(s, brands, 'host_grace_minutes', 5);
    gives_up_at timestamptz := base + minutes_of_v1(s, brands, 'not_started_minutes', 1440);
begin
    if s.status = 'live' then
        kind := 'overrun';
        due_at := s.started_at + greatest(minutes_of_v1(s, brands, 'overrun_minutes', 240),
                                          s.duration_minutes * interval '2 minutes');
        holds_until := 'infinity';
        if kind = any (p_fired) then
            due_at := 'infinity';
        end if;
        return;
    end if;
    select n.* into kind, due_at, holds_until from (values
        ('first_reminder', s.scheduled_at - first_,
            case when last_ between interval '1 minute' and first_ then s.scheduled_at - last_ else s.scheduled_at end),
        ('last_reminder', s.scheduled_at - last_, s.scheduled_at),
        ('doors_open', opens_at, gives_up_at),
        ('host_late', late_at, gives_up_at),
        ('not_started', gives_up_at, 'infinity'::timestamptz)
    ) as n (kind, due_at, holds_until)
    where n.kind <> all (p_fired)
        and not (n.kind = 'first_reminder' and (first_ = interval '0' or n.due_at <= p_planned_at))
        and not (n.kind = 'last_reminder' and (last_ = interval '0' or n.due_at <= p_planned_at))
    order by n.due_at, n.kind = 'not_started' limit 1;
    if kind is null then
        kind := 'nothing';
        due_at := 'infinity';
        holds_until := 'infinity';
    end if;
end $$;

-- With each change that sets a session's time or state, in its transaction and whoever makes it.
create function plan_timers_v1() returns trigger language plpgsql as $$
declare
    now_ timestamptz := clock_timestamp();
    next record;
begin
    if new.status not in ('scheduled', 'live') then
        delete from timers where brand_id = new.brand_id and subject_id = new.id;
    elsif tg_op = 'UPDATE' and new.status = old.status and new.scheduled_at = old.scheduled_at then
        update timers t set (kind, due_at, leased_until) = (
            select n.kind, n.due_at, '-infinity'::timestamptz from next_timer_v1(new, t.planned_at, t.fired) n)
        where t.brand_id = new.brand_id and t.subject_id = new.id;
    else
        next := next_timer_v1(new, now_, '{}');
        insert into timers (brand_id, subject_id, subject_version, planned_at, kind, due_at)
        values (new.brand_id, new.id, new.version, now_, next.kind, next.due_at)
        on conflict (brand_id, subject_id) do update set
            subject_version = excluded.subject_version, planned_at = excluded.planned_at, kind = excluded.kind,
            due_at = excluded.due_at, fired = '{}', first_reached = 0, last_reached = 0, leased_until = '-infinity';
    end if;
    return null;
end $$;

create trigger sessions_get_timers after insert on sessions for each row execute function plan_timers_v1();

create trigger sessions_move_timers after update of status, scheduled_at, duration_minutes, settings on sessions for each row
    when (old.status <> new.status or old.scheduled_at <> new.scheduled_at
          or old.duration_minutes is distinct from new.duration_minutes or old.settings <> new.settings)
    execute function plan_timers_v1();

-- What a brand says may move the timers of all its sessions: a timer of its own looks after them.
create function plan_brand_timer_v1() returns trigger language plpgsql as $$
begin
    insert into timers (brand_id, subject_id, subject_version, planned_at, kind, due_at)
    values (new.brand_id, new.id, new.version, clock_timestamp(), 'brand_settings', clock_timestamp())
    on conflict (brand_id, subject_id) do update set
        subject_version = excluded.subject_version, planned_at = excluded.planned_at, due_at = excluded.due_at, fired = '{}',
        leased_until = '-infinity';
    return null;
end $$;

create trigger brands_move_timers after update of settings on brand_settings for each row
    when (old.settings <> new.settings) execute function plan_brand_timer_v1();

-- Claim up to p_most timers that are due, for p_lease. p_now stands for the clock; null is the database's own.
create function claim_timers_any_brand_v1(p_most integer, p_lease interval, p_now timestamptz)
returns table (brand_id text, subject_id uuid, late interval) language plpgsql
set enable_seqscan = off set plan_cache_mode = force_custom_plan as $$
declare
    now_ timestamptz := coalesce(p_now, clock_timestamp());
begin
    return query
        with due as materialized (
            select t.brand_id, t.subject_id from timers t
            where t.due_at <= now_ and (t.leased_until <= now_
                or t.leased_until > now_ + interval '1 hour')  -- no lease is that long: it is a clock's that was wrong
            order by t.due_at limit p_most for no key update skip locked
        )
        update timers t set leased_until = now_ + p_lease
        from due where t.brand_id = due.brand_id and t.subject_id = due.subject_id
        returning t.brand_id, t.subject_id, now_ - greatest(t.due_at, t.planned_at);
end $$;

-- Tell up to p_most people with a seat that their session comes; answers how many, and whether that was all.
create function tell_of_reminder_v1(s sessions, t timers, p_most integer, p_now timestamptz, out people integer, out is_done boolean)
language plpgsql set enable_seqscan = off set plan_cache_mode = force_custom_plan as $$
declare
    is_first boolean := t.kind = 'first_reminder';
    reached  bigint := case when is_first then t.first_reached else t.last_reached end;
begin
    with next as materialized (
        select r.id, r.user_id, r.position from registrations r
        where r.brand_id = s.brand_id and r.session_id = s.id and r.status = 'registered' and r.position > reached
        order by r.position limit p_most
    ), told as (
        insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
        select new_id_v1(), 'live.registration.reminder_due.v1', s.brand_id, s.id, s.version, p_now, jsonb_build_object(
            'session_id', s.id, 'registration_id', n.id, 'user_id', n.user_id, 'reminder', split_part(t.kind, '_', 1),
            'scheduled_at', wire_time_v1(s.scheduled_at), 'session_version', t.subject_version)
        from next n order by n.position
    )
    select count(*), coalesce(max(n.position), reached) into people, reached from next n;
    is_done := people < p_most;
    update timers x set
        first_reached = case when is_first then reached else x.first_reached end,
        last_reached = case when is_first then x.last_reached else reached end
    where x.brand_id = t.brand_id and x.subject_id = t.subject_id;
end $$;

-- Fire what was claimed, each by the state that its session is in now. Never waits: what somebody else holds is busy. Reminders
-- are told to p_people altogether.
-- Outcomes: fired | continued (a reminder that more people are to hear) | moved (not due any more) | dropped (too late for it)
--     | busy | gone
create function fire_timers_any_brand_v1(
    p_brand_ids text[], p_subject_ids uuid[], p_people integer, p_request_id text, p_now timestamptz
) returns table (brand_id text, subject_id uuid, kind text, outcome text, late interval) language plpgsql as $$
declare
    now_     timestamptz := date_trunc('milliseconds', coalesce(p_now, clock_timestamp()));
    claimed  record;
    s        sessions;
    t        timers;
    next     record;
    told     record;
    left_    integer := p_people;
    event_id uuid;
begin
    for claimed in
        select c.brand_id, c.subject_id from unnest(p_brand_ids, p_subject_ids) as c (brand_id, subject_id) order by c.subject_id
    loop
        brand_id := claimed.brand_id;
        subject_id := claimed.subject_id;
        kind := null;
        late := null;
        select * into s from sessions x where x.brand_id = claimed.brand_id and x.id = claimed.subject_id for no key update skip locked;
        if s.id is null and exists (select from sessions x where x.brand_id = claimed.brand_id and x.id = claimed.subject_id) then
            outcome := 'busy';
            return next;
            continue;
        end if;
        select * into t from timers x where x.brand_id = claimed.brand_id and x.subject_id = claimed.subject_id for no key update skip locked;
        if t.subject_id is null then
            outcome := case when exists (select from timers x where x.brand_id = claimed.brand_id and x.subject_id = claimed.subject_id)
                            then 'busy' else 'gone' end;
            return next;
            continue;
        end if;

        if t.kind = 'brand_settings' then
            kind := t.kind;
            late := now_ - greatest(t.due_at, t.planned_at);
            outcome := case when t.due_at > now_ then 'moved' else 'fired' end;
            if outcome = 'moved' then
                return next;
                continue;
            end if;
            -- Twice: once at once, and once when everybody who still went by the old settings has ended.
            update timers x set due_at = least(x.due_at, now_), leased_until = '-infinity' where x.ctid = any (array(
                select o.ctid from timers o where o.brand_id = t.brand_id and o.subject_id <> t.subject_id for no key update skip locked));
            if t.fired = '{}' then
                update timers x set fired = '{once}', due_at = now_ + interval '1 minute', leased_until = '-infinity'
                    where x.brand_id = t.brand_id and x.subject_id = t.subject_id;
            else
                delete from timers x where x.brand_id = t.brand_id and x.subject_id = t.subject_id;
            end if;
            return next;
            continue;
        end if;

        if (s.status in ('scheduled', 'live')) is not true then  -- somebody changed the rows who passed by the triggers
            delete from timers x where x.brand_id = t.brand_id and x.subject_id = t.subject_id;
            outcome := 'gone';
            return next;
            continue;
        end if;

        next := next_timer_v1(s, t.planned_at, t.fired);
        kind := next.kind;
        late := case when next.due_at <= now_ then now_ - greatest(next.due_at, t.planned_at) end;
        t.kind := next.kind;
        if next.due_at > now_ then
            outcome := 'moved';
        elsif next.holds_until <= now_ then
            outcome := 'dropped';
        else
            outcome := 'fired';
            event_id := new_id_v1();
            case kind
                when 'doors_open' then
                    insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
                    values (event_id, 'live.session.doors_opened.v1', s.brand_id, s.id, s.version, now_, jsonb_build_object(
                        'session_id', s.id, 'version', s.version, 'scheduled_at', wire_time_v1(s.scheduled_at)));
                when 'host_late' then
                    insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
                    values (event_id, 'live.session.host_late.v1', s.brand_id, s.id, s.version, now_, jsonb_build_object(
                        'session_id', s.id, 'version', s.version, 'host_id', s.host_id, 'scheduled_at', wire_time_v1(s.scheduled_at)));
                when 'not_started' then
                    perform move_session_v2(s.brand_id, s.id, 'scheduled', 'cancelled', 'cancelled',
                                            'greenroom', true, 'greenroom', p_request_id, event_id, null, null, null);
                    update outbox o set payload = o.payload || '{"reason": "not_started"}'
                        where o.xid = pg_current_xact_id() and o.brand_id = s.brand_id and o.id = event_id;
                when 'overrun' then
                    perform move_session_v2(s.brand_id, s.id, 'live', 'ended', 'ended',
                                            'greenroom', true, 'greenroom', p_request_id, event_id, null, null, null);
                    update outbox o set payload = o.payload || '{"reason": "overrun"}'
                        where o.xid = pg_current_xact_id() and o.brand_id = s.brand_id and o.id = event_id;
                else
                    told := tell_of_reminder_v1(s, t, left_, now_);
                    left_ := left_ - told.people;
                    if not told.is_done then
                        outcome := 'continued';
                    end if;
            end case;
        end if;

        if outcome in ('fired', 'dropped') then
            t.fired := t.fired || kind;
            next := next_timer_v1(s, t.planned_at, t.fired);
        end if;
        update timers x set
            kind = next.kind, due_at = next.due_at, fired = t.fired, leased_until = '-infinity'
        where x.brand_id = t.brand_id and x.subject_id = t.subject_id;
        return next;
    end loop;
end $$;

-- Give back what was claimed and not fired: others may claim it after p_wait. Waits for nobody either: who has changed several
-- sessions may hold the second of these and want the first.
create function release_timers_any_brand_v1(p_brand_ids text[], p_subject_ids uuid[], p_wait interval, p_now timestamptz)
returns void language sql as $$
    with free as materialized (
        select t.brand_id, t.subject_id from unnest(p_brand_ids, p_subject_ids) as c (brand_id, subject_id)
        join timers t on t.brand_id = c.brand_id and t.subject_id = c.subject_id
        for no key update of t skip locked
    )
    update timers t set leased_until = coalesce(p_now, clock_timestamp()) + p_wait
    from free where t.brand_id = free.brand_id and t.subject_id = free.subject_id
$$;

create or replace function grant_service(service_role text) returns void language plpgsql as $$
begin
    execute format('grant usage on schema %I to %I', current_schema(), service_role);
    execute format('grant select, insert, update on sessions, registrations, tokens, brand_settings, sinks to %I', service_role);
    execute format('grant select, insert, update, delete on outbox, events, idempotency_keys, timers to %I', service_role);
    execute format('grant select, insert on audit_log to %I', service_role);
    execute format('grant select, update on relay, chores to %I', service_role);
    execute format('grant select on public._pogo_migration to %I', service_role);
end $$;

-- migrate: rollback

create or replace function grant_service(service_role text) returns void language plpgsql as $$
begin
    execute format('grant usage on schema %I to %I', current_schema(), service_role);
    execute format('grant select, insert, update on sessions, registrations, tokens, brand_settings, sinks to %I', service_role);
    execute format('grant select, insert, update, delete on outbox, events, idempotency_keys to %I', service_role);
    execute format('grant select, insert on audit_log to %I', service_role);
    execute format('grant select, update on relay, chores to %I', service_role);
    execute format('grant select on public._pogo_migration to %I', service_role);
end $$;
drop trigger brands_move_timers on brand_settings;
drop trigger sessions_move_timers on sessions;
drop trigger sessions_get_timers on sessions;
drop function release_timers_any_brand_v1, fire_timers_any_brand_v1, tell_of_reminder_v1, claim_timers_any_brand_v1,
    plan_brand_timer_v1, plan_timers_v1, next_timer_v1, minutes_of_v1;
drop table timers;
