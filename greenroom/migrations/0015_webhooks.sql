-- webhooks out: endpoints, what is to be delivered to each, and what came of it
-- depends: 0014_calendar

-- migrate: apply

create table webhook_endpoints (
    brand_id               text        not null,
    id                     uuid        not null,
    url                    text        not null,
    description            text,
    events                 text[]      not null check (events <> '{}'),
    status                 text        not null default 'enabled' check (status in ('enabled', 'disabled', 'deleted')),  -- deleted: until its deliveries are
    disabled_reason        text        check (disabled_reason in ('requested', 'failing', 'gone')),
    secret                 text        not null,  -- encrypted, as the previous one, which is good until its time
    previous_secret        text,
    previous_secret_until  timestamptz,
    failing_since          timestamptz,           -- of the first failure after a success
    is_slow                boolean     not null default false,
    since_position         bigint      not null,  -- it is told of what comes after
    due_at                 timestamptz not null default 'infinity',  -- of its pending delivery that is due first
    holder                 uuid,
    leased_until           timestamptz not null default '-infinity',
    version                integer     not null default 1,
    created_at             timestamptz not null,
    updated_at             timestamptz not null,
    primary key (brand_id, id),
    check (status = 'deleted' or (status = 'disabled') = (disabled_reason is not null))
) with (fillfactor = 70);

-- A lane for those that answer, and one for those that fail or are slow.
create index webhook_endpoints_due on webhook_endpoints (due_at) where status = 'enabled' and failing_since is null and not is_slow;
create index webhook_endpoints_patient on webhook_endpoints (due_at) where status = 'enabled' and (failing_since is not null or is_slow);

create index webhook_endpoints_since on webhook_endpoints (since_position) where status = 'enabled';
create index webhook_endpoints_over on webhook_endpoints (brand_id, id) where status <> 'enabled';

create table webhook_deliveries (
    brand_id         text        not null,
    id               uuid        not null,
    number           bigint      not null generated always as identity,
    endpoint_id      uuid        not null,
    event_id         uuid        not null,
    position         bigint,                -- of the event; a test has none, and a body instead
    name             text        not null,
    session_id       uuid,
    body             jsonb,
    state            text        not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
    attempts         integer     not null default 0,
    next_at          timestamptz,
    last_attempt_at  timestamptz,
    last_status      integer,
    last_error       text,
    last_ms          integer,
    delivered_at     timestamptz,
    created_at       timestamptz not null,
    pending_since    timestamptz not null default clock_timestamp(),  -- when it was planned, or asked for again
    primary key (brand_id, id),
    unique (brand_id, endpoint_id, event_id),
    foreign key (brand_id, endpoint_id) references webhook_endpoints (brand_id, id),
    check ((state = 'pending') = (next_at is not null)),
    check ((position is null) = (body is not null))
) with (fillfactor = 70);

create index webhook_deliveries_due on webhook_deliveries (brand_id, endpoint_id, next_at, number) where state = 'pending';
create index webhook_deliveries_by_number on webhook_deliveries (brand_id, endpoint_id, number);
create index webhook_deliveries_by_state on webhook_deliveries (brand_id, endpoint_id, state, number);
-- Pending ones of all brands, said in words that no list uses: one would read them all.
create index webhook_deliveries_pending on webhook_deliveries (position) where next_at is not null;
create index webhook_deliveries_pending_since on webhook_deliveries (pending_since) where next_at is not null;
create index webhook_deliveries_by_age on webhook_deliveries (created_at);

insert into chores (name, every) values ('prune_webhook_deliveries', '1 minute');

-- `*` is every event, what ends in a dot a prefix, anything else a name.
create function subscribes_v1(p_events text[], p_name text) returns boolean language sql immutable as $$
    select exists (select from unnest(p_events) s (said) where s.said in ('*', p_name) or right(s.said, 1) = '.' and starts_with(p_name, s.said))
$$;

-- What the functions for callers answer. The secrets are as they are kept: encrypted.
create type webhook_endpoint_answer_v1 as (
    outcome                text,
    id                     uuid,
    url                    text,
    description            text,
    events                 text[],
    status                 text,
    disabled_reason        text,
    failing_since          timestamptz,
    previous_secret_until  timestamptz,
    created_at             timestamptz,
    updated_at             timestamptz,
    secret                 text
);

create function webhook_endpoint_answer_v1(p_outcome text, w webhook_endpoints) returns webhook_endpoint_answer_v1 language sql stable as $$
    select row(p_outcome, w.id, w.url, w.description, w.events, w.status, w.disabled_reason, w.failing_since,
        case when w.previous_secret_until > clock_timestamp() then w.previous_secret_until end,
        w.created_at, w.updated_at, w.secret)::webhook_endpoint_answer_v1
$$;

create type webhook_delivery_answer_v1 as (
    outcome          text,
    id               uuid,
    number           bigint,
    endpoint_id      uuid,
    event_id         uuid,
    name             text,
    session_id       uuid,
    position         bigint,
    state            text,
    attempts         integer,
    next_at          timestamptz,
    last_attempt_at  timestamptz,
    last_status      integer,
    last_error       text,
    last_ms          integer,
    delivered_at     timestamptz,
    created_at       timestamptz
);

create function webhook_delivery_answer_v1(p_outcome text, d webhook_deliveries) returns webhook_delivery_answer_v1 language sql stable as $$
    select row(p_outcome, d.id, d.number, d.endpoint_id, d.event_id, d.name, d.session_id, d.position, d.state, d.attempts, d.next_at,
        d.last_attempt_at, d.last_status, d.last_error, d.last_ms, d.delivered_at, d.created_at)::webhook_delivery_answer_v1
$$;

-- The audit row of the version that the endpoint has just got.
create function audit_webhook_endpoint_v1(
    w webhook_endpoints, p_done text, p_changed text[], p_user_id text, p_client_id text, p_request_id text
) returns void language sql as $$
    insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed, actor_user_id, actor_client_id, request_id,
                           occurred_at)
    values (w.brand_id, 'webhook_endpoint', w.id, w.version, 'webhook_endpoint.' || p_done, p_changed, p_user_id, p_client_id,
            p_request_id, w.updated_at)
$$;

-- POST /v1/webhook-endpoints. What is kept of it for a repeat is the id alone: the secret is read anew.
-- Outcomes: created | at_capacity | replayed | not_found (made by this key, and deleted since) | key_in_progress | key_mismatch
create function create_webhook_endpoint_v1(
    p_brand_id text, p_id uuid, p_url text, p_description text, p_events text[], p_secret text, p_most integer,
    p_user_id text, p_client_id text, p_request_id text, p_scope bytea, p_lock bigint, p_body_hash bytea
) returns webhook_endpoint_answer_v1 language plpgsql as $$
declare
    key   record;
    w     webhook_endpoints;
    now_  timestamptz;
begin
    if p_scope is not null then
        key := claim_idempotency_key_v1(p_brand_id, p_scope, p_lock, p_body_hash);
        if key.state <> 'fresh' then
            if key.state = 'replayed' then
                select * into w from webhook_endpoints e where e.brand_id = p_brand_id and e.id = (key.answer ->> 'id')::uuid
                    and e.status <> 'deleted';
            end if;
            return webhook_endpoint_answer_v1(case when key.state = 'replayed' and w.id is null then 'not_found' else key.state end, w);
        end if;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('greenroom webhook endpoints ' || p_brand_id, 0));  -- the count holds until the commit
    if (select count(*) from webhook_endpoints e where e.brand_id = p_brand_id and e.status <> 'deleted') >= p_most then
        return webhook_endpoint_answer_v1('at_capacity', w);
    end if;
    now_ := date_trunc('milliseconds', clock_timestamp());
    insert into webhook_endpoints (brand_id, id, url, description, events, secret, since_position, created_at, updated_at)
    values (p_brand_id, p_id, p_url, p_description, p_events, p_secret, (select r.position from relay r), now_, now_)
    returning * into w;
    perform audit_webhook_endpoint_v1(w, 'created', '{}', p_user_id, p_client_id, p_request_id);
    if p_scope is not null then
        perform keep_idempotent_answer_v1(p_brand_id, p_scope, p_body_hash, jsonb_build_object('id', w.id));
    end if;
    return webhook_endpoint_answer_v1('created', w);
end $$;

-- An endpoint is told nothing more, and what was pending has failed: those beyond a thousand within a minute, by
-- sweep_webhooks_any_brand_v1. p_event_id: where the world is to hear of it.
create function disable_webhook_endpoint_v1(
    p_brand_id text, p_id uuid, p_reason text, p_changed text[], p_user_id text, p_client_id text, p_request_id text, p_event_id uuid
) returns webhook_endpoints language plpgsql as $$
declare
    w webhook_endpoints;
begin
    update webhook_endpoints e set status = 'disabled', disabled_reason = p_reason, due_at = 'infinity', version = version + 1,
        updated_at = next_updated_at_v1(e.updated_at)
    where e.brand_id = p_brand_id and e.id = p_id
    returning * into w;
    update webhook_deliveries d set state = 'failed', next_at = null, last_error = 'endpoint_disabled'
    where d.brand_id = p_brand_id and d.id = any (array(
        select x.id from webhook_deliveries x
        where x.brand_id = p_brand_id and x.endpoint_id = p_id and x.state = 'pending' order by x.next_at, x.number limit 1000));
    perform audit_webhook_endpoint_v1(w, 'disabled', p_changed, p_user_id, p_client_id, p_request_id);
    if p_event_id is not null then
        insert into outbox (id, name, brand_id, occurred_at, payload)
        values (p_event_id, 'live.webhook_endpoint.disabled.v1', p_brand_id, w.updated_at,
                jsonb_build_object('endpoint_id', p_id, 'version', w.version, 'reason', p_reason,
                                   'failing_since', wire_time_v1(coalesce(w.failing_since, w.updated_at)), 'disabled_at', wire_time_v1(w.updated_at)));
    end if;
    return w;
end $$;

-- PATCH /v1/webhook-endpoints/{endpoint_id}. Null: was not sent; a description is taken away by p_has_description and null.
-- Outcomes: changed | unchanged | not_found
create function change_webhook_endpoint_v1(
    p_brand_id text, p_id uuid, p_url text, p_has_description boolean, p_description text, p_events text[], p_status text,
    p_user_id text, p_client_id text, p_request_id text
) returns webhook_endpoint_answer_v1 language plpgsql as $$
declare
    w        webhook_endpoints;
    changed  text[];
begin
    select * into w from webhook_endpoints e
    where e.brand_id = p_brand_id and e.id = p_id and e.status <> 'deleted' for no key update;
    if w.id is null then
        return webhook_endpoint_answer_v1('not_found', w);
    end if;
    changed := array_remove(array[
        case when p_url <> w.url then 'url' end,
        case when p_has_description and p_description is distinct from w.description then 'description' end,
        case when p_events <> w.events then 'events' end,
        case when p_status <> w.status then 'status' end], null);
    if changed = '{}' then
        return webhook_endpoint_answer_v1('unchanged', w);
    end if;
    update webhook_endpoints e set
        url = coalesce(p_url, e.url),
        description = case when p_has_description then p_description else e.description end,
        events = coalesce(p_events, e.events)
    where e.brand_id = p_brand_id and e.id = p_id;
    if p_status = 'disabled' and w.status = 'enabled' then
        w := disable_webhook_endpoint_v1(p_brand_id, p_id, 'requested', changed, p_user_id, p_client_id, p_request_id, null);
    else
        -- Who is enabled again begins anew: with what comes from now on, and with five days to fail in.
        if p_status = 'enabled' and w.status = 'disabled' then
            update webhook_deliveries d set state = 'failed', next_at = null, last_error = 'endpoint_disabled'
            where d.brand_id = p_brand_id and d.endpoint_id = p_id and d.state = 'pending';
        end if;
        update webhook_endpoints e set
            status = coalesce(p_status, e.status),
            disabled_reason = case when coalesce(p_status, e.status) = 'disabled' then e.disabled_reason end,
            failing_since = case when 'status' = any (changed) then null else e.failing_since end,
            is_slow = e.is_slow and 'status' <> all (changed),
            since_position = case when 'status' = any (changed) then (select r.position from relay r) else e.since_position end,
            version = e.version + 1,
            updated_at = next_updated_at_v1(e.updated_at)
        where e.brand_id = p_brand_id and e.id = p_id
        returning * into w;
        perform audit_webhook_endpoint_v1(w, case when 'status' = any (changed) then 'enabled' else 'updated' end, changed,
                                          p_user_id, p_client_id, p_request_id);
    end if;
    return webhook_endpoint_answer_v1('changed', w);
end $$;

-- DELETE /v1/webhook-endpoints/{endpoint_id}. Nobody sees it from now on; its deliveries, which may be very many, go within a minute.
create function delete_webhook_endpoint_v1(
    p_brand_id text, p_id uuid, p_user_id text, p_client_id text, p_request_id text
) returns text language plpgsql as $$
declare
    w webhook_endpoints;
begin
    update webhook_endpoints e set status = 'deleted', due_at = 'infinity', version = e.version + 1,
        updated_at = next_updated_at_v1(e.updated_at)
    where e.brand_id = p_brand_id and e.id = p_id and e.status <> 'deleted'
    returning * into w;
    if w.id is null then
        return 'not_found';
    end if;
    perform audit_webhook_endpoint_v1(w, 'deleted', '{}', p_user_id, p_client_id, p_request_id);
    return 'deleted';
end $$;

-- POST /v1/webhook-endpoints/{endpoint_id}/rotate-secret. The one before is good for p_overlap longer, one before that no more.
-- Outcomes: rotated | not_found | replayed | key_in_progress | key_mismatch
create function rotate_webhook_secret_v1(
    p_brand_id text, p_id uuid, p_secret text, p_overlap interval,
    p_user_id text, p_client_id text, p_request_id text, p_scope bytea, p_lock bigint, p_body_hash bytea
) returns webhook_endpoint_answer_v1 language plpgsql as $$
declare
    key record;
    w   webhook_endpoints;
begin
    if p_scope is not null then
        key := claim_idempotency_key_v1(p_brand_id, p_scope, p_lock, p_body_hash);
        if key.state <> 'fresh' then
            select * into w from webhook_endpoints e where e.brand_id = p_brand_id and e.id = p_id and e.status <> 'deleted';
            return webhook_endpoint_answer_v1(case when key.state = 'replayed' and w.id is null then 'not_found' else key.state end, w);
        end if;
    end if;
    update webhook_endpoints e set
        previous_secret = e.secret,
        previous_secret_until = date_trunc('milliseconds', clock_timestamp() + p_overlap),
        secret = p_secret,
        version = e.version + 1,
        updated_at = next_updated_at_v1(e.updated_at)
    where e.brand_id = p_brand_id and e.id = p_id and e.status <> 'deleted'
    returning * into w;
    if w.id is null then
        return webhook_endpoint_answer_v1('not_found', w);
    end if;
    perform audit_webhook_endpoint_v1(w, 'secret_rotated', '{secret}', p_user_id, p_client_id, p_request_id);
    if p_scope is not null then
        perform keep_idempotent_answer_v1(p_brand_id, p_scope, p_body_hash, jsonb_build_object('version', w.version));
    end if;
    return webhook_endpoint_answer_v1('rotated', w);
end $$;

-- POST /v1/webhook-endpoints/{endpoint_id}/test. Outcomes: queued | disabled | not_found | replayed | key_in_progress | key_mismatch
create function test_webhook_endpoint_v1(
    p_brand_id text, p_id uuid, p_delivery_id uuid, p_event_id uuid, p_name text, p_scope bytea, p_lock bigint, p_body_hash bytea
) returns webhook_delivery_answer_v1 language plpgsql as $$
declare
    key     record;
    w       webhook_endpoints;
    d       webhook_deliveries;
    now_    timestamptz;
    answer  webhook_delivery_answer_v1;
begin
    if p_scope is not null then
        key := claim_idempotency_key_v1(p_brand_id, p_scope, p_lock, p_body_hash);
        if key.state <> 'fresh' then
            answer := jsonb_populate_record(null::webhook_delivery_answer_v1, key.answer);
            answer.outcome := key.state;
            return answer;
        end if;
    end if;
    select * into w from webhook_endpoints e
    where e.brand_id = p_brand_id and e.id = p_id and e.status <> 'deleted' for no key update;
    if w.id is null or w.status = 'disabled' then
        return webhook_delivery_answer_v1(case when w.id is null then 'not_found' else 'disabled' end, d);
    end if;
    now_ := date_trunc('milliseconds', clock_timestamp());
    insert into webhook_deliveries (brand_id, id, endpoint_id, event_id, name, body, next_at, created_at)
    values (p_brand_id, p_delivery_id, p_id, p_event_id, p_name, jsonb_build_object('endpoint_id', p_id, 'sequence', 0), now_, now_)
    returning * into d;
    update webhook_endpoints e set due_at = least(e.due_at, now_) where e.brand_id = p_brand_id and e.id = p_id;
    answer := webhook_delivery_answer_v1('queued', d);
    if p_scope is not null then
        perform keep_idempotent_answer_v1(p_brand_id, p_scope, p_body_hash, to_jsonb(answer));
    end if;
    return answer;
end $$;

-- POST /v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/redeliver: from the first attempt on, by the same event's id.
-- Outcomes: queued | disabled | forgotten | not_found | no_delivery | replayed | key_in_progress | key_mismatch
create function redeliver_webhook_v1(
    p_brand_id text, p_id uuid, p_delivery_id uuid, p_scope bytea, p_lock bigint, p_body_hash bytea
) returns webhook_delivery_answer_v1 language plpgsql as $$
declare
    key     record;
    w       webhook_endpoints;
    d       webhook_deliveries;
    now_    timestamptz;
    answer  webhook_delivery_answer_v1;
begin
    if p_scope is not null then
        key := claim_idempotency_key_v1(p_brand_id, p_scope, p_lock, p_body_hash);
        if key.state <> 'fresh' then
            answer := jsonb_populate_record(null::webhook_delivery_answer_v1, key.answer);
            answer.outcome := key.state;
            return answer;
        end if;
    end if;
    select * into w from webhook_endpoints e
    where e.brand_id = p_brand_id and e.id = p_id and e.status <> 'deleted' for no key update;
    if w.id is null then
        return webhook_delivery_answer_v1('not_found', d);
    end if;
    select * into d from webhook_deliveries x where x.brand_id = p_brand_id and x.id = p_delivery_id and x.endpoint_id = p_id;
    if d.id is null then
        return webhook_delivery_answer_v1('no_delivery', d);
    end if;
    if w.status = 'disabled' then
        return webhook_delivery_answer_v1('disabled', d);
    end if;
    if d.body is null and not exists (select from events e where e.position = d.position and e.brand_id = p_brand_id) then
        return webhook_delivery_answer_v1('forgotten', d);
    end if;
    now_ := date_trunc('milliseconds', clock_timestamp());
    update webhook_deliveries x set state = 'pending', attempts = 0, next_at = now_, delivered_at = null, pending_since = now_
    where x.brand_id = p_brand_id and x.id = p_delivery_id
    returning * into d;
    update webhook_endpoints e set due_at = least(e.due_at, now_) where e.brand_id = p_brand_id and e.id = p_id;
    answer := webhook_delivery_answer_v1('queued', d);
    if p_scope is not null then
        perform keep_idempotent_answer_v1(p_brand_id, p_scope, p_body_hash, to_jsonb(answer));
    end if;
    return answer;
end $$;

-- The events up to here concern no endpoint: the sink may begin after them. False where no endpoint is enabled at all.
create function begin_webhooks_any_brand_v1() returns boolean language plpgsql as $$
declare
    first bigint;
begin
    select min(w.since_position) into first from webhook_endpoints w where w.status = 'enabled';
    if first is not null then
        insert into sinks (name, position) values ('webhooks', first)
        on conflict (name) do update set position = excluded.position where sinks.position < excluded.position;
    end if;
    return first is not null;
end $$;

-- Plan the deliveries of the events after p_after and up to p_until, about p_most at once; how many are new, and the event up to
-- which all are planned. Events come at least once.
create function plan_deliveries_any_brand_v1(p_after bigint, p_until bigint, p_most integer, out planned integer, out reached bigint)
language plpgsql set enable_seqscan = off set plan_cache_mode = force_custom_plan as $$
begin
    -- Whoever disables one waits until these are planned, and then fails them.
    perform from webhook_endpoints w
    join (select distinct e.brand_id from events e where e.position > p_after and e.position <= p_until) t on t.brand_id = w.brand_id
    where w.status = 'enabled' and exists (
        select from (select distinct e.brand_id, e.name from events e where e.position > p_after and e.position <= p_until) n
        where n.brand_id = w.brand_id and subscribes_v1(w.events, n.name) offset 0)
    order by w.brand_id, w.id for no key update of w;
    if not found then
        planned := 0;
        reached := p_until;
        return;
    end if;
    select coalesce(max(r.position) filter (where r.total <= p_most), min(r.position), p_until) into reached from (
        select e.position, sum(coalesce(c.endpoints, 0)) over (order by e.position) as total
        from events e left join (
            select w.brand_id, count(*) as endpoints
            from (select distinct x.brand_id from events x where x.position > p_after and x.position <= p_until) t
            join webhook_endpoints w on w.brand_id = t.brand_id
            where w.status = 'enabled' group by w.brand_id
        ) c on c.brand_id = e.brand_id
        where e.position > p_after and e.position <= p_until
    ) r;
    with told as materialized (
        select distinct e.brand_id, e.name from events e where e.position > p_after and e.position <= reached
    ), wanted as materialized (
        select w.brand_id, w.id, w.since_position, t.name from told t join webhook_endpoints w on w.brand_id = t.brand_id
        where w.status = 'enabled' and subscribes_v1(w.events, t.name)
    ), new as (
        insert into webhook_deliveries (brand_id, id, endpoint_id, event_id, position, name, session_id, next_at, created_at)
        select w.brand_id, new_id_v1(), w.id, e.id, e.position, e.name, e.session_id, clock_timestamp(),
            date_trunc('milliseconds', clock_timestamp())
        from events e join wanted w on w.brand_id = e.brand_id and w.name = e.name
        where e.position > p_after and e.position <= reached and e.position > w.since_position
        order by e.position, w.id
        on conflict (brand_id, endpoint_id, event_id) do nothing
        returning brand_id, endpoint_id
    ), due as (
        update webhook_endpoints w set due_at = least(w.due_at, clock_timestamp())
        from (select distinct n.brand_id, n.endpoint_id from new n) p
        where w.brand_id = p.brand_id and w.id = p.endpoint_id
    )
    select count(*) into planned from new;
end $$;

-- Endpoints that have something due and that nobody works for, for a lease; with each the next of its deliveries that are due.
-- One of which nothing is due after all comes with nulls. Of a brand p_share at most, and of those in p_busy none: who has very many
-- endpoints that are dead or slow leaves room for the others.
create function claim_webhook_endpoints_any_brand_v1(
    p_holder uuid, p_lease interval, p_patient boolean, p_most integer, p_each integer, p_share integer, p_busy text[]
) returns table (
    brand_id text, endpoint_id uuid, url text, secret text, previous_secret text, delivery_id uuid, event_id uuid, name text,
    occurred_at timestamptz, told_at timestamptz, data text, attempts integer
) language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
begin
    return query
    with free as materialized (
        select w.brand_id, w.id, w.due_at from webhook_endpoints w
        where w.status = 'enabled' and w.failing_since is null and not w.is_slow and not p_patient
            and w.due_at <= clock_timestamp() and w.leased_until <= clock_timestamp() and w.brand_id <> all (p_busy)
    ), patient as materialized (
        select w.brand_id, w.id, w.due_at from webhook_endpoints w
        where w.status = 'enabled' and (w.failing_since is not null or w.is_slow) and p_patient
            and w.due_at <= clock_timestamp() and w.leased_until <= clock_timestamp() and w.brand_id <> all (p_busy)
    ), turns as materialized (
        select f.brand_id, f.id, row_number() over (partition by f.brand_id order by f.due_at) as turn
        from (select * from free union all select * from patient) f
    ), ours as materialized (
        select w.brand_id, w.id from turns t join webhook_endpoints w on w.brand_id = t.brand_id and w.id = t.id
        where t.turn <= p_share and w.status = 'enabled' and w.leased_until <= clock_timestamp()
        order by w.due_at limit p_most for no key update of w skip locked
    ), leased as (
        update webhook_endpoints w set holder = p_holder, leased_until = clock_timestamp() + p_lease
        from ours o where w.brand_id = o.brand_id and w.id = o.id
        returning w.*
    )
    select l.brand_id, l.id, l.url, l.secret,
        case when l.previous_secret_until > clock_timestamp() then l.previous_secret end,
        d.id, d.event_id, d.name, coalesce(e.occurred_at, d.created_at), coalesce(e.told_at, d.created_at),
        coalesce(e.payload || jsonb_build_object('sequence', d.position), d.body)::text, d.attempts
    from leased l left join lateral (
        select * from webhook_deliveries x
        where x.brand_id = l.brand_id and x.endpoint_id = l.id and x.state = 'pending' and x.next_at <= clock_timestamp()
        order by x.next_at, x.number limit p_each
    ) d on true left join events e on e.brand_id = l.brand_id and e.position = d.position
    order by l.due_at, l.id, d.next_at, d.number;
end $$;

-- What came of rounds of attempts: the leases end, and each endpoint is due when its next delivery is. An attempt is one that was
-- made of a delivery as it was claimed (by its attempts), so that to note twice is to note once. p_waits: seconds until the
-- next attempt; null after the last. Who had a turn goes to the end of the line. Answers the endpoints that are disabled by it, and with a null those that have more to do at once.
create function note_webhook_attempts_any_brand_v1(
    p_holder uuid, p_brand_ids text[], p_endpoint_ids uuid[], p_event_ids uuid[], p_slow boolean[],
    p_of_brands text[], p_of_endpoints uuid[], p_delivery_ids uuid[], p_attempts integer[], p_outcomes text[], p_statuses integer[],
    p_errors text[], p_ms integer[], p_ago double precision[], p_waits double precision[], p_patience interval, p_request_id text
) returns table (brand_id text, endpoint_id uuid, reason text) language plpgsql
set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
declare
    now_  timestamptz := clock_timestamp();
    w     record;
begin
    perform from webhook_endpoints e join unnest(p_brand_ids, p_endpoint_ids) as n (brand_id, id) on e.brand_id = n.brand_id and e.id = n.id
    order by e.brand_id, e.id for no key update of e;

    update webhook_deliveries d set
        attempts = d.attempts + 1,
        state = case when a.outcome = 'delivered' then 'delivered' when d.state = 'failed' or a.wait is null then 'failed' else 'pending' end,
        next_at = case when a.outcome <> 'delivered' and d.state <> 'failed' then now_ + make_interval(secs => a.wait) end,
        last_attempt_at = date_trunc('milliseconds', now_ - make_interval(secs => a.ago)),
        last_status = a.status,
        last_error = a.error,
        last_ms = a.ms,
        delivered_at = case when a.outcome = 'delivered' then date_trunc('milliseconds', now_) end
    from unnest(p_of_brands, p_delivery_ids, p_attempts, p_outcomes, p_statuses, p_errors, p_ms, p_ago, p_waits)
        as a (brand_id, id, attempts, outcome, status, error, ms, ago, wait)
    where d.brand_id = a.brand_id and d.id = a.id and d.attempts = a.attempts and d.state <> 'delivered';

    update webhook_endpoints e set
        failing_since = case when a.answers > 0 then null when a.failures > 0 then coalesce(e.failing_since, a.since) else e.failing_since end,
        is_slow = case when a.answers > 0 then n.slow else e.is_slow end,
        holder = case when e.holder = p_holder then null else e.holder end,
        leased_until = case when e.holder = p_holder then '-infinity' else e.leased_until end,
        due_at = case when e.status = 'enabled' then coalesce(
            (select case when min(d.next_at) is not null then greatest(min(d.next_at), now_) end from webhook_deliveries d
             where d.brand_id = e.brand_id and d.endpoint_id = e.id and d.state = 'pending'), 'infinity') else 'infinity' end
    from unnest(p_brand_ids, p_endpoint_ids, p_slow) as n (brand_id, id, slow) left join lateral (
        select count(*) filter (where o.outcome = 'delivered') as answers, count(*) filter (where o.outcome <> 'delivered') as failures,
            date_trunc('milliseconds', min(now_ - make_interval(secs => o.ago)) filter (where o.outcome <> 'delivered')) as since
        from unnest(p_of_brands, p_of_endpoints, p_outcomes, p_ago) as o (brand_id, endpoint_id, outcome, ago)
        where o.brand_id = n.brand_id and o.endpoint_id = n.id
    ) a on true
    where e.brand_id = n.brand_id and e.id = n.id;

    for w in
        select e.brand_id, e.id, n.event_id, case when g.is_gone then 'gone' else 'failing' end as reason
        from unnest(p_brand_ids, p_endpoint_ids, p_event_ids) as n (brand_id, id, event_id)
        join webhook_endpoints e on e.brand_id = n.brand_id and e.id = n.id
        cross join lateral (
            select coalesce(bool_or(o.outcome = 'gone'), false) as is_gone, count(*) filter (where o.outcome <> 'delivered') as failures
            from unnest(p_of_brands, p_of_endpoints, p_outcomes) as o (brand_id, endpoint_id, outcome)
            where o.brand_id = n.brand_id and o.endpoint_id = n.id
        ) g
        where e.status = 'enabled' and (g.is_gone or g.failures > 0 and e.failing_since <= now_ - p_patience)
        order by e.brand_id, e.id
    loop
        perform disable_webhook_endpoint_v1(w.brand_id, w.id, w.reason, '{status}', 'greenroom', 'greenroom', p_request_id, w.event_id);
        brand_id := w.brand_id;
        endpoint_id := w.id;
        reason := w.reason;
        return next;
    end loop;
    return query
        select e.brand_id, e.id, null from unnest(p_brand_ids, p_endpoint_ids) as n (brand_id, id)
        join webhook_endpoints e on e.brand_id = n.brand_id and e.id = n.id
        where e.due_at <= now_;
end $$;

-- Forget up to p_most deliveries that are over and older; answers how many.
create function forget_deliveries_any_brand_v1(p_most integer, p_age interval) returns integer language plpgsql as $$
declare
    gone integer;
begin
    delete from webhook_deliveries d where d.ctid = any (array(
        select o.ctid from webhook_deliveries o where o.created_at < clock_timestamp() - p_age and o.state <> 'pending'
        order by o.created_at limit p_most for update skip locked));
    get diagnostics gone = row_count;
    return gone;
end $$;

-- What is left of endpoints that are over, up to p_most of each kind; answers how many: deliveries that wait for nothing have failed,
-- and those of deleted endpoints go, and then the endpoints. So have those that are still pending after p_patience: all attempts fit
-- into it, but for an endpoint that is told more than it can take; and what is pending keeps everybody's events.
create function sweep_webhooks_any_brand_v1(p_most integer, p_patience interval) returns integer language plpgsql
set enable_seqscan = off set plan_cache_mode = force_custom_plan as $$
declare
    late    integer;
    failed  integer;
    gone    integer;
begin
    update webhook_deliveries d set state = 'failed', next_at = null, last_error = 'given_up' where d.ctid = any (array(
        select x.ctid from webhook_deliveries x
        where x.next_at is not null and x.pending_since < clock_timestamp() - p_patience
        order by x.pending_since limit p_most for update skip locked));
    get diagnostics late = row_count;
    update webhook_deliveries d set state = 'failed', next_at = null, last_error = 'endpoint_disabled' where d.ctid = any (array(
        select x.ctid from webhook_endpoints w join webhook_deliveries x on x.brand_id = w.brand_id and x.endpoint_id = w.id
        where w.status <> 'enabled' and x.state = 'pending' limit p_most for update of x skip locked));
    get diagnostics failed = row_count;
    delete from webhook_deliveries d where d.ctid = any (array(
        select x.ctid from webhook_endpoints w join webhook_deliveries x on x.brand_id = w.brand_id and x.endpoint_id = w.id
        where w.status = 'deleted' limit p_most for update of x skip locked));
    get diagnostics gone = row_count;
    -- Passing over one whose round is noted at this moment: that waits for deliveries, which are gone above.
    delete from webhook_endpoints w where w.ctid = any (array(
        select o.ctid from webhook_endpoints o where o.status = 'deleted' and not exists (
            select from webhook_deliveries x where x.brand_id = o.brand_id and x.endpoint_id = o.id)
        limit p_most for update skip locked));
    return greatest(late, failed, gone);
end $$;

-- As v1; and what a pending delivery will tell is kept.
create function forget_events_any_brand_v2(p_most integer, p_age interval) returns integer language plpgsql
set enable_seqscan = off set plan_cache_mode = force_custom_plan as $$
declare
    last   bigint;
    until_ timestamptz;
    gone   integer;
begin
    perform from relay for no key update skip locked;
    if not found then
        return 0;
    end if;
    last := least(
        (select min(s.position) from sinks s where s.held_until > clock_timestamp() - p_age),
        (select min(d.position) - 1 from webhook_deliveries d where d.state = 'pending' and d.next_at is not null));
    with first as materialized (
        select e.position, e.told_at from events e
        where e.position <= coalesce(last, 9223372036854775807) order by e.position limit p_most
    ), forgotten as (
        delete from events e using first f where e.position = f.position
            and f.position < coalesce((select min(n.position) from first n where n.told_at >= clock_timestamp() - p_age),
                                      9223372036854775807)
        returning e.position, e.occurred_at
    )
    select count(*), max(f.position), max(f.occurred_at) into gone, last, until_ from forgotten f;
    if gone > 0 then
        update relay set forgotten_position = last, forgotten_until = greatest(forgotten_until, until_);
    end if;
    return gone;
end $$;

create or replace function grant_service(service_role text) returns void language plpgsql as $$
begin
    execute format('grant usage on schema %I to %I', current_schema(), service_role);
    execute format('grant select, insert, update on sessions, registrations, tokens, brand_settings, sinks, questions, calendar_feeds to %I', service_role);
    execute format('grant select, insert, update on calls, call_spans, connections, recordings, call_removals, chat_channels to %I', service_role);
    execute format('grant select, insert, update, delete on outbox, events, idempotency_keys, timers, watchers to %I', service_role);
    execute format('grant select, insert, update, delete on webhook_endpoints, webhook_deliveries to %I', service_role);
    execute format('grant select, insert, delete on provider_inbox, votes to %I', service_role);
    execute format('grant select, insert on audit_log to %I', service_role);
    execute format('grant select, update on relay, chores to %I', service_role);
    execute format('grant select on public._pogo_migration to %I', service_role);
end $$;

-- migrate: rollback

create or replace function grant_service(service_role text) returns void language plpgsql as $$
begin
    execute format('grant usage on schema %I to %I', current_schema(), service_role);
    execute format('grant select, insert, update on sessions, registrations, tokens, brand_settings, sinks, questions, calendar_feeds to %I', service_role);
    execute format('grant select, insert, update on calls, call_spans, connections, recordings, call_removals, chat_channels to %I', service_role);
    execute format('grant select, insert, update, delete on outbox, events, idempotency_keys, timers, watchers to %I', service_role);
    execute format('grant select, insert, delete on provider_inbox, votes to %I', service_role);
    execute format('grant select, insert on audit_log to %I', service_role);
    execute format('grant select, update on relay, chores to %I', service_role);
    execute format('grant select on public._pogo_migration to %I', service_role);
end $$;
drop function forget_events_any_brand_v2, sweep_webhooks_any_brand_v1, forget_deliveries_any_brand_v1, note_webhook_attempts_any_brand_v1,
    claim_webhook_endpoints_any_brand_v1, plan_deliveries_any_brand_v1, begin_webhooks_any_brand_v1, redeliver_webhook_v1,
    test_webhook_endpoint_v1, rotate_webhook_secret_v1, delete_webhook_endpoint_v1, change_webhook_endpoint_v1,
    disable_webhook_endpoint_v1, create_webhook_endpoint_v1, audit_webhook_endpoint_v1, webhook_delivery_answer_v1,
    webhook_endpoint_answer_v1, subscribes_v1;
drop type webhook_delivery_answer_v1, webhook_endpoint_answer_v1;
delete from chores where name = 'prune_webhook_deliveries';
delete from sinks where name = 'webhooks';
drop table webhook_deliveries, webhook_endpoints;
