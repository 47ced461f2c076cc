-- joining: who is let into the call, who makes it, who is put out; and calls that belong to no session
-- depends: 0010_calls

-- migrate: apply

-- POST /v1/sessions/{id}/join, for many at once, nobody twice. Who walks in is registered on the spot, in the order given; whoever of
-- them stood in line gives up that place, since the line of a live session is closed. While the call is not made nobody is let in:
-- it is made first, and then they ask again.
-- Outcomes: host | participant | call_needed | not_found | not_manager | barred | not_joinable | too_early | no_seat | at_capacity | not_configured
create function join_session_v1(
    p_brand_id text, p_session_id uuid, p_default text, p_call_types jsonb, p_records boolean,
    p_ids uuid[], p_user_ids text[], p_may boolean[], p_by text[], p_client_ids text[], p_request_ids text[], p_event_ids uuid[]
) returns table (place bigint, outcome text, kind text, provider text) language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
set plan_cache_mode = force_generic_plan as $$
declare
    s        sessions;
    c        calls;
    doors_at timestamptz;
    named    text;
    outcomes text[];
    places   bigint[];
    i        bigint;
    waited   registrations;
begin
    select * into s from sessions x where x.brand_id = p_brand_id and x.id = p_session_id;
    doors_at := s.scheduled_at - session_minutes_v1(s, 'doors_open_minutes', 15);
    select * into c from calls x where x.brand_id = p_brand_id and x.id = p_session_id;
    named := case when c.made_at is not null then case when p_call_types ? c.provider then c.provider end
                  else provider_of_v1(s, p_default, p_call_types) end;
    select array_agg(case
            when s.id is null then 'not_found'
            when not a.may then 'not_manager'
            when s.status in ('ended', 'cancelled') then 'not_joinable'
            when named is null then 'not_configured'
            when a.user_id = s.host_id or a.user_id = any (s.co_host_ids) then 'host'
            when exists (select from registrations g
                         where g.brand_id = p_brand_id and g.session_id = p_session_id and g.user_id = a.user_id
                         and g.removed_at is not null and g.allowed_at is null offset 0) then 'barred'
            when s.status = 'scheduled' and clock_timestamp() < doors_at then 'too_early'
            when exists (select from registrations h
                         where h.brand_id = p_brand_id and h.user_id = a.user_id and h.session_id = p_session_id
                         and h.status = 'registered' offset 0) then 'participant'
            when s.status = 'scheduled' then 'no_seat'
            when s.registered_count >= s.max_participants then 'at_capacity'
            else 'walk_in' end order by a.place)
    into outcomes from unnest(p_user_ids, p_may) with ordinality as a (user_id, may, place);

    if c.made_at is null and outcomes && '{host,participant,walk_in}' then
        perform open_call_v1(s, p_default, p_call_types, p_records);
        outcomes := array_replace(array_replace(array_replace(outcomes, 'host', 'call_needed'), 'participant', 'call_needed'),
                                  'walk_in', 'call_needed');
    end if;

    if 'walk_in' = any (outcomes) then
        select * into s from sessions x where x.brand_id = p_brand_id and x.id = p_session_id for no key update;
        select array_agg(o.place order by o.place) into places
            from unnest(outcomes) with ordinality as o (verdict, place) where o.verdict = 'walk_in';
        if s.waitlist_count > 0 and s.status = 'live' then
            for turn in 1 .. least(cardinality(places), s.max_participants - s.registered_count) loop
                i := places[turn];
                update registrations w set status = 'cancelled', cancelled_at = date_trunc('milliseconds', clock_timestamp()),
                    version = w.version + 1
                where w.brand_id = p_brand_id and w.user_id = p_user_ids[i] and w.session_id = p_session_id and w.status = 'waitlist'
                returning * into waited;
                if found then
                    perform audit_registration_v1(waited, 'cancelled', '{status}', waited.cancelled_at,
                                                  p_by[i], p_client_ids[i], p_request_ids[i]);
                    perform tell_of_registration_v1(waited, s.version, new_id_v1(), 'cancelled', waited.cancelled_at,
                        jsonb_build_object('was', 'waitlist', 'cancelled_at', wire_time_v1(waited.cancelled_at)));
                    update sessions set waitlist_count = waitlist_count - 1 where brand_id = p_brand_id and id = p_session_id;
                end if;
            end loop;
        end if;
        with seated as materialized (
            select r.place, r.outcome, r.status from (
                select array_agg(p_ids[p.place] order by p.place) as ids, array_agg(p_user_ids[p.place] order by p.place) as user_ids,
                    array_agg(p_by[p.place] order by p.place) as by_, array_agg(p_client_ids[p.place] order by p.place) as client_ids,
                    array_agg(p_request_ids[p.place] order by p.place) as request_ids,
                    array_agg(p_event_ids[p.place] order by p.place) as event_ids,
                    array_agg(null::text) as nothing, array_agg('participant'::text) as roles, array_agg(false) as no,
                    array_agg(null::bytea) as no_octets, array_agg(null::bigint) as no_locks
                from unnest(places) as p (place)
            ) n cross join lateral register_v1(p_brand_id, p_session_id, n.ids, n.user_ids, n.nothing, n.roles, n.no, n.nothing, n.by_,
                n.no, n.client_ids, n.request_ids, n.event_ids, n.no_octets, n.no_locks, n.no_octets) r
        )
        select array_agg(case
                when o.verdict <> 'walk_in' then o.verdict
                when t.outcome in ('created', 'already') and t.status = 'registered' then 'participant'
                when t.outcome in ('at_capacity', 'already') then 'at_capacity'
                when t.outcome in ('invalid_status', 'created') then 'not_joinable'  -- created, and given up again since
                else t.outcome end order by o.place)
        into outcomes
        from unnest(outcomes) with ordinality as o (verdict, place)
        left join seated t on places[t.place] = o.place;
    end if;

    return query select o.place, o.verdict, s.kind, named from unnest(outcomes) with ordinality as o (verdict, place);
end $$;

-- Who makes the call at the provider? Outcomes: made | ours (for p_lease) | others | not_found
create function claim_call_v1(p_brand_id text, p_id uuid, p_lease interval, out outcome text, out planned jsonb) language plpgsql as $$
declare
    c calls;
begin
    select * into c from calls where brand_id = p_brand_id and id = p_id for no key update;
    outcome := case when c.id is null then 'not_found' when c.made_at is not null then 'made'
                    when c.making_until > clock_timestamp() then 'others' else 'ours' end;
    if outcome = 'ours' then
        update calls set making_until = clock_timestamp() + p_lease, due_at = greatest(due_at, clock_timestamp() + p_lease)
        where brand_id = p_brand_id and id = p_id;
    end if;
    if c.id is not null then
        select jsonb_build_object('id', c.id, 'provider', c.provider, 'records', c.records,
            'title', coalesce(c.title, s.title), 'starts_at', coalesce(c.scheduled_at, s.scheduled_at),
            'host', coalesce(c.host_user_id, s.host_id))
        into planned from (select 1 as one) nothing left join sessions s on s.brand_id = p_brand_id and s.id = c.session_id;
    end if;
end $$;

-- The provider has it (p_is_made), or did not take it: then others may try, and after a while the program does.
create function call_made_v1(p_brand_id text, p_id uuid, p_is_made boolean, p_title text, p_starts_at timestamptz)
returns void language plpgsql as $$
declare
    of_session uuid := (select c.session_id from calls c where c.brand_id = p_brand_id and c.id = p_id);
    s          sessions;
begin
    select * into s from sessions x where x.brand_id = p_brand_id and x.id = of_session for no key update;
    if not p_is_made then
        update calls set making_until = '-infinity', failures = failures + 1,
            due_at = clock_timestamp() + least(interval '1 minute', interval '1 second' * 2 ^ least(failures, 6))
        where brand_id = p_brand_id and id = p_id and made_at is null;
        return;
    end if;
    update calls set made_at = coalesce(made_at, date_trunc('milliseconds', clock_timestamp())), making_until = '-infinity', failures = 0,
        told_title = p_title, told_scheduled_at = p_starts_at, due_at = least(due_at, clock_timestamp() + interval '1 minute')
    where brand_id = p_brand_id and id = p_id;
    update sessions set stream_call_id = p_id::text, revision = revision + 1
    where brand_id = p_brand_id and id = of_session and stream_call_id is distinct from p_id::text;
end $$;

-- DELETE /v1/sessions/{id}/participants/{user_id}: the seat, or the place in line, and the way back in; the next in line moves up.
-- Whoever is inside without ever having registered is barred all the same.
-- Outcomes: removed | unchanged | invalid_status | is_host | no_participant | forbidden | not_found
create function remove_participant_v1(
    p_brand_id text, p_session_id uuid, p_target text,
    p_user_id text, p_manages boolean, p_client_id text, p_request_id text, p_event_id uuid
) returns registration_answer_v1 language plpgsql as $$
declare
    s      sessions;
    r      registrations;
    now_   timestamptz;
    answer registration_answer_v1;
begin
    select * into s from sessions where brand_id = p_brand_id and id = p_session_id for no key update;
    if s.id is null then
        return registration_answer_v1(1, 'not_found', r);
    end if;
    if not (p_manages or s.host_id = p_user_id or p_user_id = any (s.co_host_ids)) then
        return registration_answer_v1(1, 'forbidden', r);
    end if;
    if p_target = s.host_id or p_target = any (s.co_host_ids) then
        return registration_answer_v1(1, 'is_host', r);
    end if;
    select * into r from (  -- the one that holds, else the last one: each has an index of its own
        (select * from registrations g
         where g.brand_id = p_brand_id and g.user_id = p_target and g.session_id = p_session_id and g.status <> 'cancelled')
        union all
        (select * from registrations g
         where g.brand_id = p_brand_id and g.user_id = p_target and g.session_id = p_session_id and g.cancelled_at is not null
         order by g.position desc limit 1)
    ) either order by either.status = 'cancelled' limit 1;
    if r.id is not null then
        answer := remove_registration_v1(p_brand_id, p_session_id, r.id, p_user_id, p_manages, p_client_id, p_request_id, p_event_id);
    elsif not exists (select from connections n where n.brand_id = p_brand_id and n.call_id = p_session_id and n.user_id = p_target) then
        return registration_answer_v1(1, 'no_participant', r);
    elsif s.status = 'ended' then
        return registration_answer_v1(1, 'invalid_status', r);
    else
        now_ := date_trunc('milliseconds', clock_timestamp());
        insert into registrations (brand_id, id, session_id, user_id, role, status, position, registered_at, cancelled_at, removed_at, registered_by)
        values (p_brand_id, new_id_v1(), p_session_id, p_target, 'participant', 'cancelled', s.next_position, now_, now_, now_, p_user_id)
        returning * into r;
        update sessions set next_position = next_position + 1 where brand_id = p_brand_id and id = p_session_id;
        perform audit_registration_v1(r, 'removed', '{status}', now_, p_user_id, p_client_id, p_request_id);
        perform tell_of_registration_v1(r, s.version, p_event_id, 'removed', now_,
                                        jsonb_build_object('was', 'cancelled', 'removed_at', wire_time_v1(now_)));
        answer := registration_answer_v1(1, 'removed', r);
    end if;
    return answer;
end $$;

-- What a call is to those who ask for it. A session's call is as its session is.
create type call_answer_v1 as (
    outcome text, id uuid, session_id uuid, provider text, host_user_id text, co_host_ids text[], title text, scheduled_at timestamptz,
    started_at timestamptz, ended_at timestamptz, is_made boolean, call_type text, recording_url text, recording_ready_at timestamptz,
    status text, created_at timestamptz, updated_at timestamptz, is_closed boolean  -- nobody can come in again
);

create function call_answer_v1(p_outcome text, c calls) returns call_answer_v1 language sql stable as $$
    select row(p_outcome, c.id, c.session_id, c.provider, coalesce(c.host_user_id, s.host_id), coalesce(s.co_host_ids, '{}'),
        coalesce(c.title, s.title), case when c.session_id is null then c.scheduled_at else s.scheduled_at end,
        case when c.session_id is null then c.started_at else s.started_at end,
        case when c.session_id is null then c.ended_at else s.ended_at end,
        c.made_at is not null, c.call_type, c.recording_url, c.recording_ready_at,
        case
            when s.status = 'cancelled' then 'ended'
            when s.status is not null then case when c.made_at is null and c.failures >= 5 then 'errored' else s.status end
            when c.ended_at is not null then 'ended'
            when c.started_at is not null then 'live'
            else 'scheduled' end,
        c.created_at, greatest(c.updated_at, s.updated_at),
        c.end_asked_at is not null or coalesce(s.status in ('ended', 'cancelled'), false)
    )::call_answer_v1
    from (select 1 as one) nothing left join sessions s on s.brand_id = c.brand_id and s.id = c.session_id
$$;

-- POST /v1/live/calls, once the provider has made it. Outcomes: created | replayed | key_in_progress | key_mismatch
create function create_call_v1(
    p_brand_id text, p_id uuid, p_provider text, p_call_type text, p_host_user_id text, p_title text, p_scheduled_at timestamptz,
    p_metadata jsonb, p_records boolean, p_user_id text, p_client_id text, p_request_id text,
    p_scope bytea, p_lock bigint, p_body_hash bytea
) returns call_answer_v1 language plpgsql as $$
declare
    key    record;
    now_   timestamptz := date_trunc('milliseconds', clock_timestamp());
    c      calls;
    answer call_answer_v1;
begin
    if p_scope is not null then
        key := claim_idempotency_key_v1(p_brand_id, p_scope, p_lock, p_body_hash);
        if key.state <> 'fresh' then
            answer := jsonb_populate_record(null::call_answer_v1, key.answer);
            answer.outcome := key.state;
            return answer;
        end if;
    end if;
    if compact_octets_v1(p_metadata) > 16384 then
        answer.outcome := 'metadata_too_large';
        return answer;
    end if;
    insert into calls (brand_id, id, provider, call_type, host_user_id, title, scheduled_at, metadata, records, made_at, told_title,
                       told_scheduled_at, due_at, created_at, updated_at)
    values (p_brand_id, p_id, p_provider, p_call_type, p_host_user_id, p_title, p_scheduled_at, p_metadata, p_records, now_, p_title,
            p_scheduled_at, now_ + interval '1 minute', now_, now_)
    returning * into c;
    insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed, actor_user_id, actor_client_id, request_id, occurred_at)
    values (p_brand_id, 'call', p_id, 1, 'call.created', '{}', p_user_id, p_client_id, p_request_id, now_);
    answer := call_answer_v1('created', c);
    if p_scope is not null then
        perform keep_idempotent_answer_v1(p_brand_id, p_scope, p_body_hash, to_jsonb(answer));
    end if;
    return answer;
end $$;

-- POST /v1/live/calls/{id}/end, once the provider has ended it: a session's call ends with its session, and the session with it.
-- Outcomes: ended | unchanged | invalid_status | not_found | forbidden | key_in_progress | key_mismatch | replayed
create function end_call_v1(
    p_brand_id text, p_id uuid, p_user_id text, p_manages boolean, p_client_id text, p_request_id text, p_event_id uuid
) returns call_answer_v1 language plpgsql as $$
declare
    now_ timestamptz;
    c    calls;
    s    session_answer_v1;
begin
    select * into c from calls where brand_id = p_brand_id and id = p_id;
    if c.session_id is not null then
        s := move_session_v2(p_brand_id, p_id, 'live', 'ended', 'ended', p_user_id, p_manages, p_client_id, p_request_id, p_event_id,
                             null, null, null);
        if s.outcome not in ('moved', 'unchanged') then
            return call_answer_v1(s.outcome, c);
        end if;
    end if;
    select * into c from calls where brand_id = p_brand_id and id = p_id for no key update;
    if c.id is null then
        return call_answer_v1('not_found', c);
    end if;
    if c.session_id is null and not (p_manages or c.host_user_id = p_user_id) then
        return call_answer_v1('forbidden', c);
    end if;
    if c.end_asked_at is not null then
        return call_answer_v1('unchanged', c);
    end if;
    now_ := date_trunc('milliseconds', clock_timestamp());
    update calls set end_asked_at = now_, end_told_at = case when made_at is not null then now_ end, ended_at = coalesce(ended_at, now_), due_at = now_,
        updated_at = next_updated_at_v1(updated_at)
    where brand_id = p_brand_id and id = p_id returning * into c;
    insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed, actor_user_id, actor_client_id, request_id, occurred_at)
    select p_brand_id, 'call', p_id, 2, 'call.ended', '{status}', p_user_id, p_client_id, p_request_id, now_ where c.session_id is null;
    return call_answer_v1('ended', c);
end $$;

-- migrate: rollback

drop function end_call_v1, create_call_v1, call_answer_v1, remove_participant_v1, call_made_v1, claim_call_v1, join_session_v1;
drop type call_answer_v1;
