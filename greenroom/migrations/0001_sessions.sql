-- sessions, registrations, and what every change leaves behind: audit, outbox, idempotency, tokens
-- depends:

-- migrate: apply

create table sessions (
    brand_id          text        not null,
    id                uuid        not null unique,
    host_id           text        not null,
    co_host_ids       text[]      not null default '{}',
    title             text        not null check (char_length(title) between 1 and 10000),
    kind              text        not null check (kind in ('live', 'office_hours')),
    category          text,
    status            text        not null default 'scheduled'
                                  check (status in ('scheduled', 'live', 'ended', 'cancelled')),
    scheduled_at      timestamptz not null,
    started_at        timestamptz,
    ended_at          timestamptz,
    duration_minutes  integer     check (duration_minutes > 0),
    max_participants  integer     not null check (max_participants > 0),
    registered_count  integer     not null default 0 check (registered_count >= 0),
    next_position     bigint      not null default 1,
    stream_call_id    text,
    recording_url     text,
    metadata          jsonb       not null default '{}' check (jsonb_typeof(metadata) = 'object'),
    version           integer     not null default 1,
    revision          integer     not null default 0,
    created_at        timestamptz not null,
    updated_at        timestamptz not null,
    primary key (brand_id, id),
    check ((status = 'scheduled') <= (started_at is null)),
    check ((status = 'live') <= (started_at is not null and ended_at is null)),
    check ((status = 'ended') <= (ended_at is not null))
) with (fillfactor = 80);  -- room for HOT updates: no index holds a column that a PATCH changes

create table registrations (
    brand_id               text        not null,
    id                     uuid        not null,
    session_id             uuid        not null,
    user_id                text        not null,
    guest_email            text,
    role                   text        not null default 'participant' check (role in ('host', 'participant', 'guest')),
    status                 text        not null check (status in ('registered', 'waitlist', 'cancelled')),
    position               bigint      not null,
    capacity_at_admission  integer,
    registered_at          timestamptz not null,
    promoted_at            timestamptz,
    cancelled_at           timestamptz,
    primary key (brand_id, id),
    foreign key (brand_id, session_id) references sessions (brand_id, id),
    check ((status = 'cancelled') = (cancelled_at is not null)),
    check ((status = 'registered') <= (capacity_at_admission is not null))
);

create unique index registrations_one_active_per_person
    on registrations (brand_id, session_id, user_id) where status <> 'cancelled';

-- Who did what to what, and the names (never the values) of what changed. Append-only.
create table audit_log (
    brand_id         text        not null,
    entity           text        not null,
    entity_id        uuid        not null,
    entity_version   integer     not null,
    action           text        not null,
    changed          text[]      not null,
    actor_user_id    text        not null,
    actor_client_id  text        not null,
    request_id       text        not null,
    occurred_at      timestamptz not null,
    primary key (brand_id, entity_id, entity_version)  -- a change has exactly one audit row
);

-- Events in the transaction that causes them; the relay reads a row once no older transaction is open.
create table outbox (
    xid              xid8        not null default pg_current_xact_id(),
    sequence         bigint      not null generated always as identity,
    id               uuid        not null,
    name             text        not null,
    brand_id         text        not null,
    session_id       uuid        not null,
    session_version  integer     not null,
    occurred_at      timestamptz not null,
    payload          jsonb       not null,
    primary key (xid, sequence)
);

create table idempotency_keys (
    brand_id    text        not null,
    scope       bytea       not null,  -- SHA-256 of brand, client, subject, method, path and key
    body_hash   bytea       not null,
    answer      jsonb       not null,
    created_at  timestamptz not null,
    primary key (brand_id, scope)
);

create index idempotency_keys_by_age on idempotency_keys (created_at);

-- Local tokens that were minted: never the token itself. A token without a brand is the operator's.
create table tokens (
    id          uuid        primary key,
    brand_id    text,
    user_id     text        not null,
    client_id   text        not null,
    scope       text        not null,
    issued_at   timestamptz not null,
    expires_at  timestamptz not null,
    revoked_at  timestamptz
);

create index tokens_revoked on tokens (expires_at) where revoked_at is not null;

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% on % is refused: it is append-only', tg_op, tg_table_name using errcode = 'insufficient_privilege';
end $$;

create trigger audit_log_is_append_only
    before update or delete or truncate on audit_log
    for each statement execute function refuse_change();

-- A time as the wire writes it: UTC, milliseconds, Z.
create function wire_time_v1(t timestamptz) returns text language sql stable as $$
    select to_char(t at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- The clock, to the millisecond that the wire can show, never behind what the row already says.
create function next_updated_at_v1(previous timestamptz) returns timestamptz language sql volatile as $$
    select greatest(date_trunc('milliseconds', clock_timestamp()), previous + interval '1 millisecond')
$$;

-- RFC 7396, JSON Merge Patch.
create function merge_patch_v1(target jsonb, patch jsonb) returns jsonb language plpgsql immutable as $$
declare
    merged jsonb := case when jsonb_typeof(target) = 'object' then target else '{}'::jsonb end;
    entry  record;
begin
    if jsonb_typeof(patch) <> 'object' then
        return patch;
    end if;
    for entry in select key, value from jsonb_each(patch) loop
        merged := case jsonb_typeof(entry.value)
            when 'null' then merged - entry.key
            when 'object' then jsonb_set(merged, array[entry.key], merge_patch_v1(merged -> entry.key, entry.value))
            else jsonb_set(merged, array[entry.key], entry.value)
        end;
    end loop;
    return merged;
end $$;

-- Octets of the document in compact UTF-8: PostgreSQL writes one space after each colon and comma.
create function compact_octets_v1(document jsonb) returns integer language sql immutable as $$
    select octet_length(document::text) - coalesce(sum(
        case jsonb_typeof(node)
            when 'object' then greatest(2 * (select count(*) from jsonb_object_keys(node)) - 1, 0)
            when 'array' then greatest(jsonb_array_length(node) - 1, 0)
            else 0
        end)::integer, 0)
    from jsonb_path_query(document, 'strict $.**') as node
$$;

-- What every session function answers: how it went, and the row as it is now.
create type session_answer_v1 as (
    outcome           text,
    id                uuid,
    brand_id          text,
    host_id           text,
    title             text,
    kind              text,
    category          text,
    status            text,
    scheduled_at      timestamptz,
    started_at        timestamptz,
    ended_at          timestamptz,
    duration_minutes  integer,
    max_participants  integer,
    registered_count  integer,
    stream_call_id    text,
    recording_url     text,
    metadata          jsonb,
    version           integer,
    revision          integer,
    created_at        timestamptz,
    updated_at        timestamptz,
    is_registered     boolean
);

create function session_answer_v1(outcome text, s sessions, is_registered boolean)
returns session_answer_v1 language sql immutable as $$
    select row(outcome, s.id, s.brand_id, s.host_id, s.title, s.kind, s.category, s.status, s.scheduled_at,
        s.started_at, s.ended_at, s.duration_minutes, s.max_participants, s.registered_count, s.stream_call_id,
        s.recording_url, s.metadata, s.version, s.revision, s.created_at, s.updated_at, is_registered
    )::session_answer_v1
$$;

-- Is this key free, running elsewhere, answered already, or bound to another body?
-- The lock is the transaction's, so the key is free again when its holder commits or dies.
create function claim_idempotency_key_v1(
    p_brand_id text, p_scope bytea, p_lock bigint, p_body_hash bytea, out state text, out answer jsonb
) language plpgsql as $$
declare
    kept idempotency_keys;
begin
    if not pg_try_advisory_xact_lock(p_lock) then
        state := 'key_in_progress';
        return;
    end if;
    select * into kept from idempotency_keys k
        where k.brand_id = p_brand_id and k.scope = p_scope and k.created_at > now() - interval '24 hours';
    state := case when kept.scope is null then 'fresh'
                  when kept.body_hash = p_body_hash then 'replayed'
                  else 'key_mismatch' end;
    answer := kept.answer;
end $$;

create function keep_idempotent_answer_v1(
    p_brand_id text, p_scope bytea, p_body_hash bytea, p_answer jsonb
) returns void language sql as $$
    insert into idempotency_keys (brand_id, scope, body_hash, answer, created_at)
    values (p_brand_id, p_scope, p_body_hash, p_answer, clock_timestamp())
    on conflict (brand_id, scope) do update
        set body_hash = excluded.body_hash, answer = excluded.answer, created_at = excluded.created_at
$$;

-- POST /v1/sessions. Outcomes: created | replayed | key_in_progress | key_mismatch
create function create_session_v1(
    p_brand_id text, p_id uuid, p_host_id text, p_title text, p_kind text, p_scheduled_at timestamptz,
    p_max_participants integer, p_metadata jsonb,
    p_user_id text, p_client_id text, p_request_id text, p_event_id uuid,
    p_scope bytea, p_lock bigint, p_body_hash bytea
) returns session_answer_v1 language plpgsql as $$
declare
    key    record;
    now_   timestamptz := next_updated_at_v1('-infinity');
    s      sessions;
    answer session_answer_v1;
begin
    if p_scope is not null then
        key := claim_idempotency_key_v1(p_brand_id, p_scope, p_lock, p_body_hash);
        if key.state <> 'fresh' then
            answer := jsonb_populate_record(null::session_answer_v1, key.answer);
            answer.outcome := key.state;
            return answer;
        end if;
    end if;
    if compact_octets_v1(p_metadata) > 16384 then
        answer.outcome := 'metadata_too_large';
        return answer;
    end if;

    insert into sessions (brand_id, id, host_id, title, kind, scheduled_at, max_participants, metadata, created_at, updated_at)
    values (p_brand_id, p_id, p_host_id, p_title, p_kind, p_scheduled_at, p_max_participants, p_metadata, now_, now_)
    returning * into s;
    insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed,
                           actor_user_id, actor_client_id, request_id, occurred_at)
    values (p_brand_id, 'session', p_id, s.version, 'session.created', '{}', p_user_id, p_client_id, p_request_id, now_);
    insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
    values (p_event_id, 'live.session.created.v1', p_brand_id, p_id, s.version, now_, jsonb_build_object(
        'session_id', s.id, 'version', s.version, 'host_id', s.host_id, 'kind', s.kind,
        'scheduled_at', wire_time_v1(s.scheduled_at), 'max_participants', s.max_participants));

    answer := session_answer_v1('created', s, false);
    if p_scope is not null then
        perform keep_idempotent_answer_v1(p_brand_id, p_scope, p_body_hash, to_jsonb(answer));
    end if;
    return answer;
end $$;

-- PATCH /v1/sessions/{id}. A null argument is a field that was not sent. Without p_waits a row that somebody else holds is
-- answered as busy, so that one of many changes made together never makes the others wait, and nothing can deadlock.
-- Outcomes: updated | unchanged | not_found | forbidden | stale | invalid_status | metadata_too_large | busy
create function update_session_v1(
    p_waits boolean, p_brand_id text, p_id uuid, p_expected_versions integer[],
    p_title text, p_scheduled_at timestamptz, p_max_participants integer, p_kind text, p_metadata jsonb, p_merge boolean,
    p_user_id text, p_manages boolean, p_client_id text, p_request_id text,
    p_updated_event_id uuid, p_rescheduled_event_id uuid
) returns session_answer_v1 language plpgsql as $$
declare
    s            sessions;
    registered   boolean;
    new_metadata jsonb;
    old_time     timestamptz;
    changed      text[] := '{}';
begin
    if p_waits then
        select * into s from sessions where brand_id = p_brand_id and id = p_id for no key update;
    else
        select * into s from sessions where brand_id = p_brand_id and id = p_id for no key update skip locked;
        if s.id is null and exists (select from sessions where brand_id = p_brand_id and id = p_id) then
            return session_answer_v1('busy', s, false);
        end if;
    end if;
    if s.id is null then
        return session_answer_v1('not_found', s, false);
    end if;
    if not (p_manages or s.host_id = p_user_id or p_user_id = any (s.co_host_ids)) then
        return session_answer_v1('forbidden', s, false);
    end if;
    if s.version <> all (p_expected_versions) then
        return session_answer_v1('stale', s, false);
    end if;
    if s.status in ('ended', 'cancelled') then
        return session_answer_v1('invalid_status', s, false);
    end if;

    if p_title <> s.title then
        changed := changed || 'title'::text;
    end if;
    if p_scheduled_at <> s.scheduled_at then
        changed := changed || 'scheduled_at'::text;
    end if;
    if p_max_participants <> s.max_participants then
        changed := changed || 'max_participants'::text;
    end if;
    if p_kind <> s.kind then
        changed := changed || 'kind'::text;
    end if;
    if s.status = 'live' and changed && '{scheduled_at,kind}' then
        return session_answer_v1('invalid_status', s, false);
    end if;
    if p_metadata is not null then
        new_metadata := case when p_merge then merge_patch_v1(s.metadata, p_metadata) else p_metadata end;
        if octet_length(new_metadata::text) > 16384 and compact_octets_v1(new_metadata) > 16384 then
            return session_answer_v1('metadata_too_large', s, false);
        end if;
        if new_metadata <> s.metadata then
            changed := changed || 'metadata'::text;
        end if;
    end if;

    registered := exists (select from registrations r where r.brand_id = p_brand_id and r.session_id = p_id
                          and r.user_id = p_user_id and r.status = 'registered');
    if changed = '{}' then
        return session_answer_v1('unchanged', s, registered);
    end if;

    old_time := s.scheduled_at;
    update sessions set
        title = coalesce(p_title, title),
        scheduled_at = coalesce(p_scheduled_at, scheduled_at),
        max_participants = coalesce(p_max_participants, max_participants),
        kind = coalesce(p_kind, kind),
        metadata = coalesce(new_metadata, metadata),
        version = version + 1,
        updated_at = next_updated_at_v1(updated_at)
    where brand_id = p_brand_id and id = p_id
    returning * into s;
    insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed,
                           actor_user_id, actor_client_id, request_id, occurred_at)
    values (p_brand_id, 'session', p_id, s.version, 'session.updated', changed,
            p_user_id, p_client_id, p_request_id, s.updated_at);
    insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
    values (p_updated_event_id, 'live.session.updated.v1', p_brand_id, p_id, s.version, s.updated_at,
            jsonb_build_object('session_id', s.id, 'version', s.version, 'changed', changed));
    if old_time <> s.scheduled_at then
        insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
        values (p_rescheduled_event_id, 'live.session.rescheduled.v1', p_brand_id, p_id, s.version, s.updated_at,
                jsonb_build_object('session_id', s.id, 'version', s.version,
                    'old_scheduled_at', wire_time_v1(old_time), 'new_scheduled_at', wire_time_v1(s.scheduled_at)));
    end if;
    return session_answer_v1('updated', s, registered);
end $$;

-- POST /v1/sessions/{id}/start | end | cancel: live, ended, cancelled; a wanted state that holds already is no second effect.
-- Outcomes: moved | unchanged | not_found | forbidden | invalid_status | replayed | key_in_progress | key_mismatch
create function move_session_v1(
    p_brand_id text, p_id uuid, p_from text, p_to text, p_event text,
    p_user_id text, p_manages boolean, p_client_id text, p_request_id text, p_event_id uuid,
    p_scope bytea, p_lock bigint, p_body_hash bytea
) returns session_answer_v1 language plpgsql as $$
declare
    key        record;
    s          sessions;
    now_       timestamptz;
    registered boolean;
    moved      boolean := false;
    answer     session_answer_v1;
begin
    if p_scope is not null then
        key := claim_idempotency_key_v1(p_brand_id, p_scope, p_lock, p_body_hash);
        if key.state <> 'fresh' then
            answer := jsonb_populate_record(null::session_answer_v1, key.answer);
            answer.outcome := key.state;
            return answer;
        end if;
    end if;

    select * into s from sessions where brand_id = p_brand_id and id = p_id for no key update;
    if not found then
        return session_answer_v1('not_found', s, false);
    end if;
    if not (p_manages or s.host_id = p_user_id or p_user_id = any (s.co_host_ids)) then
        return session_answer_v1('forbidden', s, false);
    end if;
    if s.status = p_from then
        now_ := next_updated_at_v1(s.updated_at);
        update sessions set
            status = p_to,
            version = version + 1,
            updated_at = now_,
            started_at = case when p_to = 'live' then now_ else started_at end,
            ended_at = case when p_to = 'ended' then now_ else ended_at end
        where brand_id = p_brand_id and id = p_id
        returning * into s;
        insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed,
                               actor_user_id, actor_client_id, request_id, occurred_at)
        values (p_brand_id, 'session', p_id, s.version, 'session.' || p_event, '{status}',
                p_user_id, p_client_id, p_request_id, now_);
        insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
        values (p_event_id, 'live.session.' || p_event || '.v1', p_brand_id, p_id, s.version, now_,
                jsonb_build_object('session_id', s.id, 'version', s.version) || case p_to
                    when 'live' then jsonb_build_object('started_at', wire_time_v1(s.started_at))
                    when 'ended' then jsonb_build_object('ended_at', wire_time_v1(s.ended_at))
                    else jsonb_build_object('reason', 'requested') end);
        moved := true;
    elsif s.status <> p_to then
        return session_answer_v1('invalid_status', s, false);
    end if;

    registered := exists (select from registrations r where r.brand_id = p_brand_id and r.session_id = p_id
                          and r.user_id = p_user_id and r.status = 'registered');
    answer := session_answer_v1(case when moved then 'moved' else 'unchanged' end, s, registered);
    if p_scope is not null then
        perform keep_idempotent_answer_v1(p_brand_id, p_scope, p_body_hash, to_jsonb(answer));
    end if;
    return answer;
end $$;

-- What the service's own role may do; it owns nothing. Run after every migration.
create function grant_service(service_role text) returns void language plpgsql as $$
begin
    execute format('grant usage on schema %I to %I', current_schema(), service_role);
    execute format('grant select, insert, update on sessions, registrations, tokens to %I', service_role);
    execute format('grant select, insert, update, delete on outbox, idempotency_keys to %I', service_role);
    execute format('grant select, insert on audit_log to %I', service_role);
    execute format('grant select on public._pogo_migration to %I', service_role);
end $$;

-- migrate: rollback

drop function grant_service, move_session_v1, update_session_v1, create_session_v1, keep_idempotent_answer_v1,
    claim_idempotency_key_v1, session_answer_v1;
drop type session_answer_v1;
drop function compact_octets_v1, merge_patch_v1, next_updated_at_v1, wire_time_v1;
drop table tokens, idempotency_keys, outbox, audit_log, registrations, sessions;
drop function refuse_change;
