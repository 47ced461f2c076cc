-- calls: the room at the provider, who was in it, what it told us, and its recordings
-- depends: 0009_timers_of_earlier_sessions

-- migrate: apply

-- A session's call has the session's id; title, time and host are the session's. A call of its own has them here.
create table calls (
    brand_id           text        not null,
    id                 uuid        not null,
    session_id         uuid        check (session_id = id),
    provider           text        not null,
    call_type          text        not null,
    host_user_id       text,
    title              text        check (char_length(title) between 1 and 10000),
    scheduled_at       timestamptz,
    metadata           jsonb       not null default '{}' check (jsonb_typeof(metadata) = 'object'),
    records            boolean     not null,
    made_at            timestamptz,                              -- since when the provider has it
    making_until       timestamptz not null default '-infinity', -- somebody makes it just now
    told_title         text,                                     -- what the provider was told last
    told_scheduled_at  timestamptz,
    started_at         timestamptz,
    starts_session     boolean     not null default false,       -- a host in the call has started the session
    end_asked_at       timestamptz,                              -- of a call of its own; a session's ends with it
    ended_at           timestamptz,
    end_told_at        timestamptz,
    recording_url      text,
    recording_ready_at timestamptz,
    missing_at         timestamptz,                              -- since when its recording is given up for lost
    summary_told_at    timestamptz,
    due_at             timestamptz not null default '-infinity', -- when to look after it next
    leased_until       timestamptz not null default '-infinity',
    failures           integer     not null default 0,
    asked_at           timestamptz,                              -- when the provider last said how it is
    created_at         timestamptz not null,
    updated_at         timestamptz not null,
    primary key (brand_id, id),
    foreign key (brand_id, session_id) references sessions (brand_id, id),
    check ((session_id is null) = (host_user_id is not null and title is not null))
) with (fillfactor = 70);

-- By its id alone, without looking at another brand's row (0003).
create unique index calls_by_id on calls (id, brand_id);
create index calls_due on calls (due_at) where due_at < 'infinity';

-- What is known of a call for certain, each thing by an id of the provider's: merged, never counted. What is only concluded
-- from the provider's silence stands apart, as an estimate, and gives way to what is told.
create table call_spans (
    brand_id         text        not null,
    call_id          uuid        not null,
    id               text        not null,
    started_at       timestamptz,
    ended_at         timestamptz,
    estimated_end_at timestamptz,
    primary key (brand_id, call_id, id),
    foreign key (brand_id, call_id) references calls (brand_id, id)
);

create table connections (
    brand_id          text        not null,
    call_id           uuid        not null,
    id                text        not null,
    user_id           text        not null,
    span_id           text,
    joined_at         timestamptz,
    left_at           timestamptz,
    estimated_left_at timestamptz,
    primary key (brand_id, call_id, id),
    foreign key (brand_id, call_id) references calls (brand_id, id)
);

create index connections_of_person on connections (brand_id, call_id, user_id);
create index connections_by_coming on connections (brand_id, call_id, joined_at);

create table recordings (
    brand_id    text        not null,
    call_id     uuid        not null,
    id          text        not null,
    span_id     text,
    state       text        not null check (state in ('processing', 'failed', 'ready')),
    url         text,
    started_at  timestamptz,
    ended_at    timestamptz,
    ready_at    timestamptz,
    told_state  text,
    primary key (brand_id, call_id, id),
    foreign key (brand_id, call_id) references calls (brand_id, id),
    check ((state = 'ready') <= (url is not null and ready_at is not null))
);

-- Who is to be out of the call; `told_at` when the provider was told so.
create table call_removals (
    brand_id  text        not null,
    call_id   uuid        not null,
    user_id   text        not null,
    wanted_at timestamptz not null,
    told_at   timestamptz,
    primary key (brand_id, call_id, user_id),
    foreign key (brand_id, call_id) references calls (brand_id, id)
);

create table chat_channels (
    brand_id   text        not null,
    session_id uuid        not null,
    made_at    timestamptz not null,
    primary key (brand_id, session_id),
    foreign key (brand_id, session_id) references sessions (brand_id, id)
);

-- What providers sent, once each: by the event's id, and by the body, whose signature says nothing of the id beside it. The
-- brand is that of the call, and null where the call is nobody's.
create table provider_inbox (
    provider    text        not null,
    event_id    text        not null,
    body_hash   bytea       not null,
    brand_id    text,
    call_id     uuid,
    event_type  text        not null,
    occurred_at timestamptz not null,
    received_at timestamptz not null,
    body        bytea       not null,
    primary key (provider, event_id),
    unique (provider, body_hash)
);

create index provider_inbox_by_age on provider_inbox (received_at);

insert into chores (name, every) values ('prune_inbox', '1 minute');

-- An event that is no change of its session: it has the version that the session has.
create function tell_of_call_v1(p_brand_id text, p_session_id uuid, p_event_id uuid, p_name text, p_at timestamptz, p_payload jsonb)
returns void language sql as $$
    insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
    values (p_event_id, p_name, p_brand_id, p_session_id,
            (select s.version from sessions s where s.brand_id = p_brand_id and s.id = p_session_id), p_at, p_payload)
$$;

-- Who carries a session's call: the session says, else its brand, else the program; null where that provider is not configured.
-- p_call_types has the type of calls of each that is.
create function provider_of_v1(s sessions, p_default text, p_call_types jsonb) returns text language sql stable as $$
    select p.name from (
        select coalesce(s.settings ->> 'video_provider',
                        (select b.settings ->> 'video_provider' from brand_settings b where b.brand_id = s.brand_id), p_default) as name
    ) p where p_call_types ? p.name
$$;

-- The session's minutes of a setting; the program's own are those of session_settings/service.py.
create function session_minutes_v1(s sessions, p_name text, p_default integer) returns interval language sql stable as $$
    select minutes_of_v1(s, (select b.settings from brand_settings b where b.brand_id = s.brand_id), p_name, p_default)
$$;

-- The session's call, planned if it was not; nothing is asked of the provider here. A provider that was changed before the call
-- was made is the call's. No row where none is configured.
create function open_call_v1(s sessions, p_default text, p_call_types jsonb, p_records boolean) returns calls language plpgsql as $$
declare
    named text := provider_of_v1(s, p_default, p_call_types);
    c     calls;
begin
    if named is null then
        return null;
    end if;
    insert into calls (brand_id, id, session_id, provider, call_type, records, created_at, updated_at, due_at)
    values (s.brand_id, s.id, s.id, named, p_call_types ->> named, p_records, clock_timestamp(), clock_timestamp(), clock_timestamp())
    on conflict (brand_id, id) do update set provider = excluded.provider, call_type = excluded.call_type
        where calls.made_at is null and calls.making_until < clock_timestamp() and calls.provider <> excluded.provider;
    select * into c from calls where brand_id = s.brand_id and id = s.id;
    return c;
end $$;

-- Stays in the call as they are known: from when until when, whether a time is an estimate, and null for one that goes on.
-- What nobody told of its end ends with its span, else with the call; or before that, when the provider no longer showed it.
create function stays_v1(p_brand_id text, p_call_id uuid)
returns table (id text, user_id text, joined_at timestamptz, left_at timestamptz, is_estimated boolean, is_left_known boolean)
language sql stable as $$
    select n.id, n.user_id, o.joined_at,
        case when o.left_at is not null then greatest(o.left_at, o.joined_at) end,
        n.joined_at is null or (n.left_at is null and e.unseen_at is not null and (e.over_at is null or e.unseen_at < e.over_at)),
        n.left_at is not null
    from calls c
    join connections n on n.brand_id = c.brand_id and n.call_id = c.id
    left join call_spans p on p.brand_id = c.brand_id and p.call_id = c.id and p.id = n.span_id
    left join sessions s on s.brand_id = c.brand_id and s.id = c.session_id
    cross join lateral (
        select least(n.estimated_left_at, p.estimated_end_at) as unseen_at,
            coalesce(p.ended_at, case when s.status = 'ended' then s.ended_at
                                      when s.status = 'cancelled' then s.updated_at
                                      else c.end_asked_at end) as over_at
    ) e
    cross join lateral (
        select coalesce(n.joined_at, least(p.started_at, n.left_at, e.over_at)) as joined_at,
            coalesce(n.left_at, least(e.unseen_at, e.over_at)) as left_at
    ) o
    where c.brand_id = p_brand_id and c.id = p_call_id and (n.joined_at is not null or n.left_at is not null)
$$;

-- Merge what is known of a call: in any order and any number of times it comes to the same. p_asked_at and p_inside are there when
-- the provider was asked: which connections it then showed.
create function merge_facts_v1(p_brand_id text, p_call_id uuid, p_facts jsonb, p_asked_at timestamptz, p_span text, p_inside text[])
returns void language plpgsql as $$
begin
    insert into call_spans as known (brand_id, call_id, id, started_at, ended_at)
    select p_brand_id, p_call_id, f.id, min(f.started_at), max(f.ended_at)
    from jsonb_to_recordset(p_facts -> 'spans') as f (id text, started_at timestamptz, ended_at timestamptz) group by f.id
    on conflict (brand_id, call_id, id) do update set
        started_at = least(known.started_at, excluded.started_at), ended_at = greatest(known.ended_at, excluded.ended_at)
    where known.started_at is distinct from least(known.started_at, excluded.started_at)
        or known.ended_at is distinct from greatest(known.ended_at, excluded.ended_at);

    insert into connections as known (brand_id, call_id, id, user_id, span_id, joined_at, left_at)
    select p_brand_id, p_call_id, f.id, min(f."user"), min(f.span), min(f.joined_at), max(f.left_at)
    from jsonb_to_recordset(p_facts -> 'connections')
        as f (id text, "user" text, span text, joined_at timestamptz, left_at timestamptz) group by f.id
    on conflict (brand_id, call_id, id) do update set
        span_id = coalesce(least(known.span_id, excluded.span_id), known.span_id, excluded.span_id),
        joined_at = least(known.joined_at, excluded.joined_at), left_at = greatest(known.left_at, excluded.left_at)
    where known.span_id is null or known.joined_at is distinct from least(known.joined_at, excluded.joined_at)
        or known.left_at is distinct from greatest(known.left_at, excluded.left_at);

    insert into recordings as known (brand_id, call_id, id, span_id, state, url, started_at, ended_at, ready_at)
    select distinct on (f.id) p_brand_id, p_call_id, f.id, f.span, f.state, f.url, f.started_at, f.ended_at,
        case when f.state = 'ready' then date_trunc('milliseconds', clock_timestamp()) end
    from (
        select r.id, r.span, case when r.state = 'ready' and r.url is null then 'processing' else r.state end as state, r.url,
            r.started_at, r.ended_at
        from jsonb_to_recordset(p_facts -> 'recordings')
            as r (id text, span text, state text, url text, started_at timestamptz, ended_at timestamptz)
    ) f
    order by f.id, f.state = 'ready' desc, f.state = 'failed' desc
    on conflict (brand_id, call_id, id) do update set
        span_id = coalesce(known.span_id, excluded.span_id),
        state = case when 'ready' in (known.state, excluded.state) then 'ready'
                     when 'failed' in (known.state, excluded.state) then 'failed' else 'processing' end,
        url = coalesce(excluded.url, known.url),  -- a link that expires is given anew
        started_at = least(known.started_at, excluded.started_at), ended_at = greatest(known.ended_at, excluded.ended_at),
        ready_at = coalesce(known.ready_at, excluded.ready_at);

    if p_asked_at is not null then
        -- Whoever came just before the question may not have been in its answer.
        update connections n set estimated_left_at = case when n.id = any (p_inside) then null else p_asked_at end
        where n.brand_id = p_brand_id and n.call_id = p_call_id and n.left_at is null
            and (n.id = any (p_inside)) = (n.estimated_left_at is not null)
            and (n.id = any (p_inside) or n.joined_at < p_asked_at - interval '5 seconds');
        update call_spans p set estimated_end_at = case when p.id = p_span then null else p_asked_at end  -- LiveKit tells no beginning
        where p.brand_id = p_brand_id and p.call_id = p_call_id and p.ended_at is null
            and (p.id is not distinct from p_span) = (p.estimated_end_at is not null)
            and (p.id is not distinct from p_span or coalesce(p.started_at, (select min(n.joined_at) from connections n
                where n.brand_id = p_brand_id and n.call_id = p_call_id and n.span_id = p.id), p_asked_at) < p_asked_at - interval '5 seconds');
        update calls set asked_at = greatest(asked_at, p_asked_at) where brand_id = p_brand_id and id = p_call_id;
    end if;
end $$;

-- A step of the session's life that the program takes by itself, told with its reason and its own time.
create function step_session_v1(s sessions, p_to text, p_reason text, p_at timestamptz, p_request_id text)
returns sessions language plpgsql as $$
declare
    event_id uuid := new_id_v1();
    moved    sessions;
begin
    perform move_session_v2(s.brand_id, s.id, s.status, p_to, case p_to when 'live' then 'started' else 'ended' end,
                            'greenroom', true, 'greenroom', p_request_id, event_id, null, null, null);
    if p_to = 'live' then
        update sessions set started_at = p_at where brand_id = s.brand_id and id = s.id;
        update outbox o set payload = o.payload || jsonb_build_object('reason', p_reason, 'started_at', wire_time_v1(p_at))
            where o.xid = pg_current_xact_id() and o.brand_id = s.brand_id and o.id = event_id;
    else
        update outbox o set payload = o.payload || jsonb_build_object('reason', p_reason)
            where o.xid = pg_current_xact_id() and o.brand_id = s.brand_id and o.id = event_id;
    end if;
    select * into moved from sessions where brand_id = s.brand_id and id = s.id;
    return moved;
end $$;

-- Is somebody to be kept out? Who was removed, until a host allows them again, or makes them one.
create function is_barred_v1(s sessions, p_user_id text) returns boolean language sql stable as $$
    select p_user_id <> all (s.co_host_ids || s.host_id) and exists (
        select from registrations g where g.brand_id = s.brand_id and g.session_id = s.id and g.user_id = p_user_id
        and g.removed_at is not null and g.allowed_at is null)
$$;

-- Draw the conclusions from all that is known of a call: each is the same whatever came first. The caller holds the rows of the
-- session and of the call, in this order.
create function settle_call_v1(p_brand_id text, p_call_id uuid, p_now timestamptz, p_request_id text)
returns void language plpgsql set enable_seqscan = off set plan_cache_mode = force_custom_plan as $$
declare
    now_     timestamptz := date_trunc('milliseconds', p_now);
    c        calls;
    s        sessions;
    doors_at timestamptz;
    begins   timestamptz;
    best     recordings;
    one      record;
begin
    select * into c from calls where brand_id = p_brand_id and id = p_call_id;
    select * into s from sessions where brand_id = p_brand_id and id = c.session_id;

    -- A host in the call, while its doors are open, is a session that has begun. Whoever came before the doors opened counts once it
    -- is certain that they stayed: a webhook that says that they left may be on its way.
    if s.status = 'scheduled' or s.status in ('live', 'ended') and c.starts_session then
        doors_at := s.scheduled_at - session_minutes_v1(s, 'doors_open_minutes', 15);
        select min(greatest(t.joined_at, doors_at)) into begins from stays_v1(p_brand_id, p_call_id) t
            where t.user_id = any (s.co_host_ids || s.host_id)
                and (t.joined_at >= doors_at or t.left_at > doors_at and t.is_left_known or t.left_at is null and c.asked_at >= doors_at);
        begins := date_trunc('milliseconds', begins);
        if s.status = 'scheduled' and begins <= now_ then
            s := step_session_v1(s, 'live', 'host_joined', begins, p_request_id);
            c.starts_session := true;
        elsif s.status <> 'scheduled' and begins <> s.started_at then  -- what is learned late may be of an earlier host
            update sessions set started_at = begins, revision = revision + 1 where brand_id = p_brand_id and id = s.id
                returning * into s;
        end if;
    end if;

    -- A call began with its first span or stay; one of its own is over when it was ended, or when each of its spans is.
    select least(min(p.started_at), (select min(n.joined_at) from connections n where n.brand_id = p_brand_id and n.call_id = p_call_id))
        into c.started_at
        from call_spans p where p.brand_id = p_brand_id and p.call_id = p_call_id;
    select case when count(*) = count(coalesce(p.ended_at, p.estimated_end_at)) then max(coalesce(p.ended_at, p.estimated_end_at)) end
        into c.ended_at from call_spans p where p.brand_id = p_brand_id and p.call_id = p_call_id;
    c.ended_at := case when s.id is not null then s.ended_at when c.end_asked_at is not null then c.end_asked_at
                       when c.ended_at is not null then greatest(c.ended_at, c.started_at) end;  -- LiveKit tells an end in whole seconds

    -- Recordings are told of once; the session's is the one that ended last.
    for one in
        select r.* from recordings r where r.brand_id = p_brand_id and r.call_id = p_call_id and r.state in ('failed', 'ready')
        and r.told_state is distinct from r.state order by r.id
    loop
        update recordings r set told_state = one.state where r.brand_id = p_brand_id and r.call_id = p_call_id and r.id = one.id;
        perform tell_of_call_v1(p_brand_id, c.session_id, new_id_v1(), 'live.recording.' || one.state || '.v1', now_,
            jsonb_build_object('session_id', c.session_id, 'call_id', c.id, 'recording_id', one.id) || case one.state
                when 'ready' then jsonb_build_object('recording_url', one.url, 'ready_at', wire_time_v1(one.ready_at))
                else jsonb_build_object('reason', 'provider') end);
    end loop;
    select r.* into best from recordings r where r.brand_id = p_brand_id and r.call_id = p_call_id and r.state = 'ready'
        order by r.ended_at desc nulls last, r.id desc limit 1;
    if best.url is distinct from c.recording_url then
        c.recording_url := best.url;
        c.recording_ready_at := best.ready_at;
        update sessions set recording_url = best.url, revision = revision + 1 where brand_id = p_brand_id and id = s.id;
    end if;

    -- Who was removed and is inside again goes out again.
    insert into call_removals as known (brand_id, call_id, user_id, wanted_at)
    select distinct p_brand_id, p_call_id, t.user_id, now_ from stays_v1(p_brand_id, p_call_id) t
    where t.left_at is null and is_barred_v1(s, t.user_id)
    on conflict (brand_id, call_id, user_id) do update set wanted_at = excluded.wanted_at, told_at = null
        where known.told_at < excluded.wanted_at - interval '5 seconds';

    update calls k set
        started_at = c.started_at, ended_at = c.ended_at, starts_session = c.starts_session,
        recording_url = c.recording_url, recording_ready_at = c.recording_ready_at,
        updated_at = case when (k.started_at, k.ended_at, k.recording_url) is distinct from (c.started_at, c.ended_at, c.recording_url)
                          then next_updated_at_v1(k.updated_at) else k.updated_at end,
        due_at = least(k.due_at, case when k.made_at is not null and exists (
            select from call_removals w where w.brand_id = p_brand_id and w.call_id = p_call_id and w.told_at is null)
            then now_ else now_ + interval '1 minute' end)
    where k.brand_id = p_brand_id and k.id = p_call_id;
end $$;

-- The webhooks of one call, each once, with what they let us know. `tells` is what the event says of them, without a person's data.
-- Outcomes: new | known (sent before) | unknown_call
create function receive_events_any_brand_v1(
    p_provider text, p_call_id uuid, p_event_ids text[], p_body_hashes bytea[], p_types text[], p_occurred_ats timestamptz[],
    p_bodies bytea[], p_facts text[], p_tells text[], p_outbox_ids uuid[], p_request_id text
) returns table (place bigint, outcome text) language plpgsql set enable_seqscan = off set plan_cache_mode = force_custom_plan as $$
declare
    c    calls;
    now_ timestamptz;
    one  record;
    news boolean := false;
begin
    select * into c from calls k where k.id = p_call_id and k.provider = p_provider;
    if c.session_id is not null then
        perform from sessions s where s.brand_id = c.brand_id and s.id = c.session_id for no key update;
    end if;
    perform from calls k where k.brand_id = c.brand_id and k.id = c.id for no key update;
    now_ := date_trunc('milliseconds', clock_timestamp());
    for one in
        select * from unnest(p_event_ids, p_body_hashes, p_types, p_occurred_ats, p_bodies, p_facts, p_tells, p_outbox_ids)
            with ordinality as e (event_id, body_hash, event_type, occurred_at, body, facts, tells, outbox_id, place) order by e.place
    loop
        place := one.place;
        insert into provider_inbox (provider, event_id, body_hash, brand_id, call_id, event_type, occurred_at, received_at, body)
        values (p_provider, one.event_id, one.body_hash, c.brand_id, c.id, one.event_type, one.occurred_at, now_, one.body)
        on conflict do nothing;
        outcome := case when not found then 'known' when c.id is null then 'unknown_call' else 'new' end;
        if outcome = 'new' then
            news := true;
            perform merge_facts_v1(c.brand_id, c.id, one.facts::jsonb, null, null, null);
            perform tell_of_call_v1(c.brand_id, c.session_id, one.outbox_id, 'live.stream.event.v1', one.occurred_at,
                jsonb_build_object('event_type', one.event_type, 'session_id', c.session_id, 'brand_id', c.brand_id,
                    'stream_call_id', c.id, 'occurred_at', wire_time_v1(one.occurred_at), 'payload', one.tells::jsonb));
        end if;
        return next;
    end loop;
    if news then
        perform settle_call_v1(c.brand_id, c.id, now_, p_request_id);
    end if;
end $$;

create function forget_inbox_any_brand_v1(p_most integer, p_age interval) returns bigint language sql as $$
    with old as materialized (
        select i.provider, i.event_id from provider_inbox i where i.received_at < clock_timestamp() - p_age
        order by i.received_at limit p_most
    ), gone as (
        delete from provider_inbox i using old o where i.provider = o.provider and i.event_id = o.event_id returning 1
    )
    select count(*) from gone
$$;

-- What comes to pass with a session, for its call: the doors open, it starts, it moves, it ends, somebody is removed.
create function note_calls_any_brand_v1(
    p_brand_ids text[], p_session_ids uuid[], p_opens boolean[], p_removed text[], p_default text, p_call_types jsonb, p_records boolean
) returns void language plpgsql as $$
declare
    one record;
    s   sessions;
begin
    for one in
        select distinct n.brand_id, n.session_id from unnest(p_brand_ids, p_session_ids, p_opens) as n (brand_id, session_id, opens)
        where n.opens order by n.session_id
    loop
        select * into s from sessions x where x.brand_id = one.brand_id and x.id = one.session_id;
        if s.status in ('scheduled', 'live') then
            perform open_call_v1(s, p_default, p_call_types, p_records);
        end if;
    end loop;
    update calls c set due_at = clock_timestamp() from (  -- the calls first, as whoever settles one has it
        select k.brand_id, k.id from unnest(p_brand_ids, p_session_ids) as n (brand_id, session_id)
        join calls k on k.brand_id = n.brand_id and k.id = n.session_id order by k.id for no key update of k
    ) noted where c.brand_id = noted.brand_id and c.id = noted.id;
    insert into call_removals as known (brand_id, call_id, user_id, wanted_at)
    select distinct n.brand_id, c.id, n.removed, clock_timestamp()
    from unnest(p_brand_ids, p_session_ids, p_removed) as n (brand_id, session_id, removed)
    join calls c on c.brand_id = n.brand_id and c.id = n.session_id where n.removed is not null
    on conflict (brand_id, call_id, user_id) do update set wanted_at = excluded.wanted_at, told_at = null;
end $$;

create or replace function grant_service(service_role text) returns void language plpgsql as $$
begin
    execute format('grant usage on schema %I to %I', current_schema(), service_role);
    execute format('grant select, insert, update on sessions, registrations, tokens, brand_settings, sinks to %I', service_role);
    execute format('grant select, insert, update on calls, call_spans, connections, recordings, call_removals, chat_channels to %I', service_role);
    execute format('grant select, insert, update, delete on outbox, events, idempotency_keys, timers to %I', service_role);
    execute format('grant select, insert, delete on provider_inbox to %I', service_role);
    execute format('grant select, insert on audit_log to %I', service_role);
    execute format('grant select, update on relay, chores to %I', service_role);
    execute format('grant select on public._pogo_migration to %I', service_role);
end $$;

-- migrate: rollback

create or replace function grant_service(service_role text) returns void language plpgsql as $$
begin
    execute format('grant usage on schema %I to %I', current_schema(), service_role);
    execute format('grant select, insert, update on sessions, registrations, tokens, brand_settings, sinks to %I', service_role);
    execute format('grant select, insert, update, delete on outbox, events, idempotency_keys, timers to %I', service_role);
    execute format('grant select, insert on audit_log to %I', service_role);
    execute format('grant select, update on relay, chores to %I', service_role);
    execute format('grant select on public._pogo_migration to %I', service_role);
end $$;
drop function note_calls_any_brand_v1, forget_inbox_any_brand_v1, receive_events_any_brand_v1, settle_call_v1, is_barred_v1, step_session_v1, merge_facts_v1,
    stays_v1, open_call_v1, session_minutes_v1, provider_of_v1, tell_of_call_v1;
delete from chores where name = 'prune_inbox';
drop table provider_inbox, chat_channels, call_removals, recordings, connections, call_spans, calls;
