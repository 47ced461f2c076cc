-- registrations: seats, the line, who was removed; many of them in one transaction
-- depends: 0003_session_lists

-- migrate: apply

alter table sessions
    add column waitlist_count integer not null default 0 check (waitlist_count >= 0),
    add column next_admission bigint not null default 1;

-- `admission` is the order in which seats were given, whatever the clock said. Nobody could register before this release:
-- the table has no rows, and its indexes are made at once.
alter table registrations
    add column registered_by text,
    add column version integer not null default 1,
    add column admission bigint,
    add column removed_at timestamptz,
    add column allowed_at timestamptz,
    add check ((removed_at is not null) <= (status = 'cancelled'));

-- Each of these can serve one search alone: a table that is empty when a plan is made leaves the planner nothing else to go by.
-- By person first: it finds all that somebody is registered for, too.
drop index registrations_one_active_per_person;
create unique index registrations_one_active_per_person
    on registrations (brand_id, user_id, session_id) where status <> 'cancelled';
create unique index registrations_one_active_per_guest
    on registrations (brand_id, session_id, lower(guest_email collate "C")) where guest_email is not null and cancelled_at is null;
create index registrations_seated on registrations (brand_id, session_id, position) where status = 'registered';
create index registrations_waiting on registrations (brand_id, session_id, position) where status = 'waitlist';
create index registrations_cancelled on registrations (brand_id, session_id, position) where status = 'cancelled';
create index registrations_cancelled_by_person on registrations (brand_id, user_id, session_id, position)
    where cancelled_at is not null;  -- as cancelled, and no search of a person can take the index of all who left
create index registrations_removed on registrations (brand_id, session_id, user_id)
    where removed_at is not null and allowed_at is null;
create index registrations_removed_guests on registrations (brand_id, session_id, lower(guest_email collate "C"))
    where guest_email is not null and removed_at is not null and allowed_at is null;

-- What every function of registrations answers, for each of those who asked: their place among them, how it went, the row.
create type registration_answer_v1 as (
    place          bigint,
    outcome        text,
    id             uuid,
    session_id     uuid,
    user_id        text,
    guest_email    text,
    role           text,
    status         text,
    position       bigint,
    registered_at  timestamptz,
    promoted_at    timestamptz,
    cancelled_at   timestamptz,
    is_removed     boolean
);

create function registration_answer_v1(place bigint, outcome text, r registrations)
returns registration_answer_v1 language sql immutable as $$
    select row(place, outcome, r.id, r.session_id, r.user_id, r.guest_email, r.role, r.status, r.position,
        r.registered_at, r.promoted_at, r.cancelled_at, r.removed_at is not null and r.allowed_at is null
    )::registration_answer_v1
$$;

-- A UUIDv7 (RFC 9562, section 5.7) for what is not known before it happens: how many are promoted.
create function new_id_v1() returns uuid language sql volatile as $$
    select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
        placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;

-- The audit row of the version that the registration has just got.
create function audit_registration_v1(
    r registrations, p_action text, p_changed text[], p_at timestamptz, p_user_id text, p_client_id text, p_request_id text
) returns void language sql as $$
    insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed,
                           actor_user_id, actor_client_id, request_id, occurred_at)
    values (r.brand_id, 'registration', r.id, r.version, 'registration.' || p_action, p_changed,
            p_user_id, p_client_id, p_request_id, p_at)
$$;

-- An event of the version that the registration has just got; it never names a guest's address.
create function tell_of_registration_v1(
    r registrations, p_session_version integer, p_event_id uuid, p_action text, p_at timestamptz, p_payload jsonb
) returns void language sql as $$
    insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
    values (p_event_id, 'live.registration.' || p_action || '.v1', r.brand_id, r.session_id, p_session_version, p_at,
            jsonb_build_object('session_id', r.session_id, 'registration_id', r.id, 'version', r.version, 'user_id', r.user_id)
                || p_payload)
$$;

-- The first in line into the free seats, while the session is scheduled. The caller holds the session's row, which `s` is.
-- In a storm a table that was small a minute ago is large now, and a plan that was good is not. So it is either made anew each
-- time, or, in register_v1, can be no other: each `offset 0` keeps a search by key one.
create function promote_v1(s sessions, p_user_id text, p_client_id text, p_request_id text)
returns sessions language plpgsql
set enable_seqscan = off set plan_cache_mode = force_custom_plan as $$
declare
    free  integer := s.max_participants - s.registered_count;
    now_  timestamptz := date_trunc('milliseconds', clock_timestamp());
    moved integer;
begin
    if s.status = 'scheduled' and s.waitlist_count > 0 and free > 0 then
        with first_in_line as materialized (
            select w.id, row_number() over (order by w.position) as turn
            from registrations w
            where w.brand_id = s.brand_id and w.session_id = s.id and w.status = 'waitlist'
            order by w.position limit free
        ), promoted as (
            update registrations r
            set status = 'registered', promoted_at = now_, admission = s.next_admission - 1 + f.turn,
                capacity_at_admission = s.max_participants, version = r.version + 1
            from first_in_line f
            where r.brand_id = s.brand_id and r.id = f.id
            returning r.id, r.version, r.user_id, r.position
        ), audited as (
            insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed,
                                   actor_user_id, actor_client_id, request_id, occurred_at)
            select s.brand_id, 'registration', p.id, p.version, 'registration.promoted', '{status}',
                p_user_id, p_client_id, p_request_id, now_
            from promoted p
        ), told as (
            insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
            select new_id_v1(), 'live.registration.promoted.v1', s.brand_id, s.id, s.version, now_,
                jsonb_build_object('session_id', s.id, 'registration_id', p.id, 'version', p.version, 'user_id', p.user_id,
                                   'promoted_at', wire_time_v1(now_))
            from promoted p order by p.position
        )
        select count(*) into moved from promoted;

        update sessions set
            registered_count = registered_count + moved,
            waitlist_count = waitlist_count - moved,
            next_admission = next_admission + moved
        where brand_id = s.brand_id and id = s.id
        returning * into s;
    end if;
    return s;
end $$;

-- POST /v1/sessions/{id}/registrations and /register, for many at once, who are served in the order given. Nobody and no key
-- stands among them twice. p_waits: takes a place in line when all seats are taken. p_needs: null, 'hosts' (a host or
-- co-host of the session, or manage:live), 'manages' (manage:live). p_ids are the registrations' own, made beforehand: asked
-- again after a COMMIT of which nobody knows, what was done is found by them and not done twice.
-- Outcomes: created | unchanged | already | at_capacity | invalid_status | barred | not_manager | forbidden | not_found
--     | replayed | key_in_progress | key_mismatch
create function register_v1(
    p_brand_id text, p_session_id uuid,
    p_ids uuid[], p_user_ids text[], p_guest_emails text[], p_roles text[], p_waits boolean[], p_needs text[],
    p_by text[], p_manages boolean[], p_client_ids text[], p_request_ids text[], p_event_ids uuid[],
    p_scopes bytea[], p_locks bigint[], p_body_hashes bytea[]
) returns setof registration_answer_v1 language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
set plan_cache_mode = force_generic_plan as $$
declare
    s        sessions;
    free     integer;
    now_     timestamptz;
    shown_at text;
    states   text[];   -- of the idempotency keys; null as a whole where nobody sent one
    answers  jsonb[];
    outcomes text[];
    row_ids  uuid[];
begin
    if array_remove(p_scopes, null) <> '{}' then
        select array_agg(case when k.scope is not null then claimed.state end order by k.place),
            array_agg(claimed.answer order by k.place)
        into states, answers
        from unnest(p_scopes, p_locks, p_body_hashes) with ordinality as k (scope, lock, body_hash, place)
        cross join lateral claim_idempotency_key_v1(p_brand_id, k.scope, k.lock, k.body_hash) claimed;
    end if;

    select * into s from sessions where brand_id = p_brand_id and id = p_session_id for no key update;
    s := promote_v1(s, p_by[1], p_client_ids[1], p_request_ids[1]);  -- whoever waits beside a free seat goes first
    free := greatest(s.max_participants - s.registered_count, 0);
    now_ := date_trunc('milliseconds', clock_timestamp());
    shown_at := wire_time_v1(now_);

    with asked as (
        select a.*, coalesce(own.id, held.id) as found_id,
            case
                when states[a.place::integer] <> 'fresh' then states[a.place::integer]
                when s.id is null then 'not_found'
                when own.id is not null then 'created'
                when a.needs = 'manages' and not a.manages then 'not_manager'
                when a.needs = 'hosts' and not (a.manages or a.by_ = s.host_id or a.by_ = any (s.co_host_ids)) then 'forbidden'
                when s.status in ('ended', 'cancelled') then 'invalid_status'
                when exists (select from registrations gone
                             where gone.brand_id = p_brand_id and gone.session_id = p_session_id and gone.user_id = a.user_id
                             and gone.removed_at is not null and gone.allowed_at is null offset 0)
                  or a.guest_email is not null and exists (
                             select from registrations gone
                             where gone.brand_id = p_brand_id and gone.session_id = p_session_id
                             and lower(gone.guest_email collate "C") = lower(a.guest_email collate "C")
                             and gone.guest_email is not null and gone.removed_at is not null and gone.allowed_at is null offset 0)
                    then 'barred'
                when held.id is not null then case when a.waits then 'unchanged' else 'already' end
                when a.guest_email is not null and exists (
                             select from registrations there
                             where there.brand_id = p_brand_id and there.session_id = p_session_id
                             and lower(there.guest_email collate "C") = lower(a.guest_email collate "C")
                             and there.guest_email is not null and there.cancelled_at is null offset 0)
                    then 'already'
                else 'new'
            end as verdict
        from unnest(p_ids, p_user_ids, p_guest_emails, p_roles, p_waits, p_needs, p_by, p_manages, p_client_ids, p_request_ids,
                    p_event_ids) with ordinality
            as a (id, user_id, guest_email, role, waits, needs, by_, manages, client_id, request_id, event_id, place)
        left join lateral (
            select o.id from registrations o where o.brand_id = p_brand_id and o.id = a.id offset 0
        ) own on true
        left join lateral (
            select h.id from registrations h
            where h.brand_id = p_brand_id and h.user_id = a.user_id and h.session_id = p_session_id and h.status <> 'cancelled'
            offset 0
        ) held on true
    ), in_turn as (
        select q.*, sum((q.verdict = 'new')::integer) over (order by q.place) as turn from asked q
    ), seated as (
        select t.*, case when t.verdict <> 'new' then null
                         when t.turn <= free then 'registered'
                         when t.waits and s.status = 'scheduled' then 'waitlist' end as status
        from in_turn t
    ), placed as materialized (
        select e.*, s.next_position - 1 + sum((e.status is not null)::integer) over (order by e.place) as position from seated e
    ), registered as (
        insert into registrations (brand_id, id, session_id, user_id, guest_email, role, status, position,
                                   capacity_at_admission, admission, registered_at, registered_by)
        select p_brand_id, p.id, p_session_id, p.user_id, p.guest_email, p.role, p.status, p.position,
            case when p.status = 'registered' then s.max_participants end,
            case when p.status = 'registered' then s.next_admission - 1 + p.turn end, now_, p.by_
        from placed p where p.status is not null
    ), audited as (
        insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed,
                               actor_user_id, actor_client_id, request_id, occurred_at)
        select p_brand_id, 'registration', p.id, 1,
            case when p.status = 'registered' then 'registration.created' else 'registration.waitlisted' end, '{}',
            p.by_, p.client_id, p.request_id, now_
        from placed p where p.status is not null
    ), told as (
        insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
        select p.event_id,
            case when p.status = 'registered' then 'live.registration.created.v1' else 'live.registration.waitlisted.v1' end,
            p_brand_id, p_session_id, s.version, now_,
            jsonb_build_object('session_id', p_session_id, 'registration_id', p.id, 'version', 1, 'user_id', p.user_id,
                               'role', p.role, 'position', p.position, 'registered_at', shown_at)
        from placed p where p.status is not null order by p.place
    ), counted as (
        update sessions set
            registered_count = registered_count + n.seats,
            waitlist_count = waitlist_count + n.waiting,
            next_position = next_position + n.seats + n.waiting,
            next_admission = next_admission + n.seats
        from (select count(*) filter (where p.status = 'registered') as seats,
                     count(*) filter (where p.status = 'waitlist') as waiting from placed p) n
        where brand_id = p_brand_id and id = p_session_id and n.seats + n.waiting > 0
    )
    select array_agg(case when p.verdict <> 'new' then p.verdict when p.status is null then 'at_capacity' else 'created' end
                     order by p.place),
        array_agg(coalesce(p.found_id, p.id) order by p.place)
    into outcomes, row_ids
    from placed p;

    return query
        select o.place, o.outcome, r.id, r.session_id, r.user_id, r.guest_email, r.role, r.status, r.position, r.registered_at,
            r.promoted_at, r.cancelled_at, false
        from unnest(outcomes, row_ids) with ordinality as o (outcome, id, place)
        left join lateral (select * from registrations g where g.brand_id = p_brand_id and g.id = o.id offset 0) r on true
        where o.outcome <> 'replayed';
    if states is not null then
        return query
            select o.place, o.outcome, k.id, k.session_id, k.user_id, k.guest_email, k.role, k.status, k.position,
                k.registered_at, k.promoted_at, k.cancelled_at, k.is_removed
            from unnest(outcomes, answers) with ordinality as o (outcome, answer, place)
            cross join lateral jsonb_populate_record(null::registration_answer_v1, o.answer) k
            where o.outcome = 'replayed';
        perform keep_idempotent_answer_v1(p_brand_id, o.scope, o.body_hash, to_jsonb(registration_answer_v1(0, o.outcome, r)))
            from unnest(outcomes, row_ids, p_scopes, p_body_hashes, states) as o (outcome, id, scope, body_hash, state)
            join registrations r on r.brand_id = p_brand_id and r.id = o.id
            where o.state = 'fresh' and o.outcome in ('created', 'unchanged');
    end if;
end $$;

-- DELETE /v1/sessions/{id}/registrations/me, for many at once; nobody stands among them twice.
-- Outcomes: left | unchanged | invalid_status | no_registration | not_found
create function cancel_registrations_v1(
    p_brand_id text, p_session_id uuid,
    p_user_ids text[], p_client_ids text[], p_request_ids text[], p_event_ids uuid[]
) returns setof registration_answer_v1 language plpgsql
set enable_seqscan = off set plan_cache_mode = force_custom_plan as $$
declare
    s        sessions;
    now_     timestamptz;
    outcomes text[];
    row_ids  uuid[];
begin
    select * into s from sessions where brand_id = p_brand_id and id = p_session_id for no key update;
    now_ := date_trunc('milliseconds', clock_timestamp());

    with asked as materialized (
        select a.*, coalesce(held.id, latest.id) as found_id, held.status as was,
            case
                when s.id is null then 'not_found'
                when held.id is null then case when latest.id is null then 'no_registration' else 'unchanged' end
                when s.status = 'ended' then 'invalid_status'
                else 'left'
            end as outcome
        from unnest(p_user_ids, p_client_ids, p_request_ids, p_event_ids) with ordinality
            as a (user_id, client_id, request_id, event_id, place)
        left join lateral (
            select h.id, h.status from registrations h
            where h.brand_id = p_brand_id and h.user_id = a.user_id and h.session_id = p_session_id and h.status <> 'cancelled'
            offset 0
        ) held on true
        left join lateral (
            select c.id from registrations c
            where c.brand_id = p_brand_id and c.user_id = a.user_id and c.session_id = p_session_id and c.cancelled_at is not null
            and held.id is null
            order by c.position desc limit 1
        ) latest on true
    ), cancelled as (
        update registrations r set status = 'cancelled', cancelled_at = now_, version = r.version + 1
        from asked a
        where r.brand_id = p_brand_id and r.id = a.found_id and a.outcome = 'left'
        returning r.id, r.version
    ), audited as (
        insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed,
                               actor_user_id, actor_client_id, request_id, occurred_at)
        select p_brand_id, 'registration', c.id, c.version, 'registration.cancelled', '{status}',
            a.user_id, a.client_id, a.request_id, now_
        from cancelled c join asked a on a.found_id = c.id
    ), told as (
        insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
        select a.event_id, 'live.registration.cancelled.v1', p_brand_id, p_session_id, s.version, now_,
            jsonb_build_object('session_id', p_session_id, 'registration_id', c.id, 'version', c.version, 'user_id', a.user_id,
                               'was', a.was, 'cancelled_at', wire_time_v1(now_))
        from cancelled c join asked a on a.found_id = c.id order by a.place
    ), counted as (
        update sessions set
            registered_count = registered_count - n.seats,
            waitlist_count = waitlist_count - n.waiting
        from (select count(*) filter (where a.was = 'registered') as seats,
                     count(*) filter (where a.was = 'waitlist') as waiting from asked a where a.outcome = 'left') n
        where brand_id = p_brand_id and id = p_session_id and n.seats + n.waiting > 0
    )
    select array_agg(a.outcome order by a.place), array_agg(a.found_id order by a.place) into outcomes, row_ids from asked a;

    if 'left' = any (outcomes) then
        select * into s from sessions where brand_id = p_brand_id and id = p_session_id;
        perform promote_v1(s, p_user_ids[1], p_client_ids[1], p_request_ids[1]);
    end if;
    return query
        select o.place, o.outcome, r.id, r.session_id, r.user_id, r.guest_email, r.role, r.status, r.position, r.registered_at,
            r.promoted_at, r.cancelled_at, false
        from unnest(outcomes, row_ids) with ordinality as o (outcome, id, place)
        left join registrations r on r.brand_id = p_brand_id and r.id = o.id;
end $$;

-- DELETE /v1/sessions/{id}/registrations/{registration_id}: a host removes the person, whichever of their registrations is
-- named; the next in line moves up. Outcomes: removed | unchanged | invalid_status | no_registration | forbidden | not_found
create function remove_registration_v1(
    p_brand_id text, p_session_id uuid, p_registration_id uuid,
    p_user_id text, p_manages boolean, p_client_id text, p_request_id text, p_event_id uuid
) returns registration_answer_v1 language plpgsql as $$
declare
    s     sessions;
    named registrations;
    r     registrations;
    was   text;
    now_  timestamptz;
begin
    select * into s from sessions where brand_id = p_brand_id and id = p_session_id for no key update;
    if not found then
        return registration_answer_v1(1, 'not_found', r);
    end if;
    if not (p_manages or s.host_id = p_user_id or p_user_id = any (s.co_host_ids)) then
        return registration_answer_v1(1, 'forbidden', r);
    end if;
    select * into named from registrations where brand_id = p_brand_id and id = p_registration_id and session_id = p_session_id;
    if not found then
        return registration_answer_v1(1, 'no_registration', r);
    end if;
    select * into r from (
        (select * from registrations a
         where a.brand_id = p_brand_id and a.user_id = named.user_id and a.session_id = p_session_id and a.status <> 'cancelled')
        union all
        (select * from registrations a
         where a.brand_id = p_brand_id and a.session_id = p_session_id and a.guest_email is not null and a.cancelled_at is null
         and lower(a.guest_email collate "C") = lower(named.guest_email collate "C"))
    ) either limit 1;
    if not found then
        select * into r from registrations b  -- removed by another name: then nothing is left to do
            where b.brand_id = p_brand_id and b.session_id = p_session_id and b.removed_at is not null and b.allowed_at is null
            and (b.user_id = named.user_id
                 or b.guest_email is not null and lower(b.guest_email collate "C") = lower(named.guest_email collate "C"))
            order by b.id = named.id desc, b.position desc limit 1;
    end if;
    if not found then
        r := named;
    end if;
    if r.removed_at is not null and r.allowed_at is null then
        return registration_answer_v1(1, 'unchanged', r);
    end if;
    if s.status = 'ended' then
        return registration_answer_v1(1, 'invalid_status', r);
    end if;

    was := r.status;
    now_ := date_trunc('milliseconds', clock_timestamp());
    update registrations set
        status = 'cancelled',
        cancelled_at = coalesce(cancelled_at, now_),
        removed_at = now_,
        allowed_at = null,
        version = version + 1
    where brand_id = p_brand_id and id = r.id
    returning * into r;
    perform audit_registration_v1(r, 'removed', '{status}', now_, p_user_id, p_client_id, p_request_id);
    perform tell_of_registration_v1(r, s.version, p_event_id, 'removed', now_,
                                    jsonb_build_object('was', was, 'removed_at', wire_time_v1(now_)));
    update sessions set
        registered_count = registered_count - (was = 'registered')::integer,
        waitlist_count = waitlist_count - (was = 'waitlist')::integer
    where brand_id = p_brand_id and id = p_session_id and was <> 'cancelled'
    returning * into s;
    if was <> 'cancelled' then
        perform promote_v1(s, p_user_id, p_client_id, p_request_id);
    end if;
    return registration_answer_v1(1, 'removed', r);
end $$;

-- POST /v1/sessions/{id}/registrations/{registration_id}/allow: who was removed may register again.
-- Outcomes: allowed | unchanged | no_registration | forbidden | not_found | replayed | key_in_progress | key_mismatch
create function allow_registration_v1(
    p_brand_id text, p_session_id uuid, p_registration_id uuid,
    p_user_id text, p_manages boolean, p_client_id text, p_request_id text, p_event_id uuid,
    p_scope bytea, p_lock bigint, p_body_hash bytea
) returns registration_answer_v1 language plpgsql as $$
declare
    key    record;
    s      sessions;
    named  registrations;
    r      registrations;
    now_   timestamptz;
    answer registration_answer_v1;
begin
    if p_scope is not null then
        key := claim_idempotency_key_v1(p_brand_id, p_scope, p_lock, p_body_hash);
        if key.state <> 'fresh' then
            answer := jsonb_populate_record(null::registration_answer_v1, key.answer);
            answer.outcome := key.state;
            return answer;
        end if;
    end if;
    select * into s from sessions where brand_id = p_brand_id and id = p_session_id for no key update;
    if not found then
        return registration_answer_v1(1, 'not_found', r);
    end if;
    if not (p_manages or s.host_id = p_user_id or p_user_id = any (s.co_host_ids)) then
        return registration_answer_v1(1, 'forbidden', r);
    end if;
    select * into named from registrations where brand_id = p_brand_id and id = p_registration_id and session_id = p_session_id;
    if not found then
        return registration_answer_v1(1, 'no_registration', r);
    end if;

    answer := registration_answer_v1(1, 'unchanged', named);
    now_ := date_trunc('milliseconds', clock_timestamp());
    for r in
        update registrations g set allowed_at = now_, version = g.version + 1
        where g.brand_id = p_brand_id and g.session_id = p_session_id and g.removed_at is not null and g.allowed_at is null
        and (g.user_id = named.user_id
             or g.guest_email is not null and lower(g.guest_email collate "C") = lower(named.guest_email collate "C"))
        returning *
    loop
        perform audit_registration_v1(r, 'allowed', '{allowed_at}', now_, p_user_id, p_client_id, p_request_id);
        perform tell_of_registration_v1(r, s.version, case when answer.outcome = 'unchanged' then p_event_id else new_id_v1() end,
                                        'allowed', now_, jsonb_build_object('allowed_at', wire_time_v1(now_)));
        answer.outcome := 'allowed';
    end loop;
    if answer.outcome = 'allowed' then
        select * into named from registrations where brand_id = p_brand_id and id = p_registration_id;
        answer := registration_answer_v1(1, 'allowed', named);
    end if;
    if p_scope is not null then
        perform keep_idempotent_answer_v1(p_brand_id, p_scope, p_body_hash, to_jsonb(answer));
    end if;
    return answer;
end $$;

-- migrate: rollback

drop function allow_registration_v1, remove_registration_v1, cancel_registrations_v1, register_v1, promote_v1,
    tell_of_registration_v1, audit_registration_v1, new_id_v1, registration_answer_v1;
drop type registration_answer_v1;
drop index registrations_removed_guests, registrations_removed, registrations_cancelled_by_person, registrations_cancelled,
    registrations_waiting, registrations_seated, registrations_one_active_per_guest, registrations_one_active_per_person;
create unique index registrations_one_active_per_person
    on registrations (brand_id, session_id, user_id) where status <> 'cancelled';
alter table registrations drop column registered_by, drop column version, drop column admission, drop column removed_at,
    drop column allowed_at;
alter table sessions drop column waitlist_count, drop column next_admission;
