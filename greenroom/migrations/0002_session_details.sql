-- what administrators say of a session, co-hosts, and settings of brands and sessions
-- depends: 0001_sessions

-- migrate: apply

alter table sessions
    add column description text check (char_length(description) <= 10000),
    add column community_slug text,
    add column cover_image_url text,
    add column tags text[] not null default '{}',
    add column settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object');

-- What a brand's sessions do unless they say otherwise. Audit rows want a UUID, which a brand's name is not.
create table brand_settings (
    brand_id    text        not null primary key,
    id          uuid        not null unique,
    settings    jsonb       not null default '{}' check (jsonb_typeof(settings) = 'object'),
    version     integer     not null default 0,
    updated_at  timestamptz not null
);

-- An event may be of a brand alone.
alter table outbox
    alter column session_id drop not null,
    alter column session_version drop not null,
    add check ((session_id is null) = (session_version is null));

create type admin_session_answer_v1 as (
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
    is_registered     boolean,
    description       text,
    co_host_ids       text[],
    cover_image_url   text,
    tags              text[]
);

create function admin_session_answer_v1(outcome text, s sessions, is_registered boolean)
returns admin_session_answer_v1 language sql immutable as $$
    select row(outcome, s.id, s.brand_id, s.host_id, s.title, s.kind, s.category, s.status, s.scheduled_at,
        s.started_at, s.ended_at, s.duration_minutes, s.max_participants, s.registered_count, s.stream_call_id,
        s.recording_url, s.metadata, s.version, s.revision, s.created_at, s.updated_at, is_registered,
        s.description, s.co_host_ids, s.cover_image_url, s.tags
    )::admin_session_answer_v1
$$;

-- The audit row of the version that the session has just got.
create function audit_session_v1(
    s sessions, p_action text, p_changed text[], p_user_id text, p_client_id text, p_request_id text
) returns void language sql as $$
    insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed,
                           actor_user_id, actor_client_id, request_id, occurred_at)
    values (s.brand_id, 'session', s.id, s.version, p_action, p_changed, p_user_id, p_client_id, p_request_id, s.updated_at)
$$;

-- An event of the version that the session has just got.
create function tell_of_session_v1(s sessions, p_event_id uuid, p_name text, p_payload jsonb)
returns void language sql as $$
    insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
    values (p_event_id, p_name, s.brand_id, s.id, s.version, s.updated_at,
            jsonb_build_object('session_id', s.id, 'version', s.version) || p_payload)
$$;

-- PATCH /v1/admin/sessions/{id}. A null argument is a field that was not sent; p_clears names those that were sent as null.
-- What may change is judged by the status that results. p_event_ids: of the transition, the edit, the new time.
-- Outcomes: updated | unchanged | not_found | stale | invalid_status | metadata_too_large
create function administer_session_v1(
    p_brand_id text, p_id uuid, p_expected_versions integer[],
    p_status text, p_title text, p_description text, p_community_slug text, p_scheduled_at timestamptz,
    p_max_participants integer, p_duration_minutes integer, p_co_host_ids text[], p_cover_image_url text, p_tags text[],
    p_kind text, p_category text, p_metadata jsonb, p_merge boolean, p_clears text[],
    p_user_id text, p_client_id text, p_request_id text, p_event_ids uuid[]
) returns admin_session_answer_v1 language plpgsql as $$
declare
    was        sessions;
    s          sessions;
    changed    text[];
    edited     text[];
    registered boolean;
begin
    select * into was from sessions where brand_id = p_brand_id and id = p_id for no key update;
    if not found then
        return admin_session_answer_v1('not_found', was, false);
    end if;
    if was.version <> all (p_expected_versions) then
        return admin_session_answer_v1('stale', was, false);
    end if;

    s := was;
    s.status := coalesce(p_status, was.status);
    s.title := coalesce(p_title, was.title);
    s.description := coalesce(p_description, was.description);
    s.community_slug := case when 'community_slug' = any (p_clears) then null else coalesce(p_community_slug, was.community_slug) end;
    s.scheduled_at := coalesce(p_scheduled_at, was.scheduled_at);
    s.max_participants := coalesce(p_max_participants, was.max_participants);
    s.duration_minutes := coalesce(p_duration_minutes, was.duration_minutes);
    s.co_host_ids := coalesce(p_co_host_ids, was.co_host_ids);
    s.cover_image_url := case when 'cover_image_url' = any (p_clears) then null
                              else coalesce(p_cover_image_url, was.cover_image_url) end;
    s.tags := coalesce(p_tags, was.tags);
    s.kind := coalesce(p_kind, was.kind);
    s.category := coalesce(p_category, was.category);
    s.metadata := case when p_metadata is null then was.metadata
                       when p_merge then merge_patch_v1(was.metadata, p_metadata) else p_metadata end;
    if octet_length(s.metadata::text) > 16384 and compact_octets_v1(s.metadata) > 16384 then
        return admin_session_answer_v1('metadata_too_large', was, false);
    end if;

    changed := array(select field.key from jsonb_each(to_jsonb(s)) field
                     where field.value is distinct from to_jsonb(was) -> field.key order by field.key);
    edited := array_remove(changed, 'status');
    if (s.status <> was.status and (was.status, s.status) not in (('scheduled', 'cancelled'), ('cancelled', 'scheduled')))
        or (s.status in ('ended', 'cancelled') and (edited <> '{}' or p_status is null))
        or (s.status = 'live' and edited && '{scheduled_at,kind}')
    then
        return admin_session_answer_v1('invalid_status', was, false);
    end if;

    registered := exists (select from registrations r where r.brand_id = p_brand_id and r.session_id = p_id
                          and r.user_id = p_user_id and r.status = 'registered');
    if changed = '{}' then
        return admin_session_answer_v1('unchanged', was, registered);
    end if;

    update sessions set
        status = s.status,
        title = s.title,
        description = s.description,
        community_slug = s.community_slug,
        scheduled_at = s.scheduled_at,
        max_participants = s.max_participants,
        duration_minutes = s.duration_minutes,
        co_host_ids = s.co_host_ids,
        cover_image_url = s.cover_image_url,
        tags = s.tags,
        kind = s.kind,
        category = s.category,
        metadata = s.metadata,
        version = version + 1,
        updated_at = next_updated_at_v1(updated_at)
    where brand_id = p_brand_id and id = p_id
    returning * into s;
    perform audit_session_v1(s, 'session.' || case when s.status = was.status then 'updated'
        when s.status = 'cancelled' then 'cancelled' else 'reinstated' end, changed, p_user_id, p_client_id, p_request_id);
    if s.status = 'cancelled' then
        perform tell_of_session_v1(s, p_event_ids[1], 'live.session.cancelled.v1', jsonb_build_object('reason', 'requested'));
    elsif was.status = 'cancelled' then
        perform tell_of_session_v1(s, p_event_ids[1], 'live.session.reinstated.v1',
                                   jsonb_build_object('scheduled_at', wire_time_v1(s.scheduled_at)));
    end if;
    if edited <> '{}' then
        perform tell_of_session_v1(s, p_event_ids[2], 'live.session.updated.v1', jsonb_build_object('changed', edited));
    end if;
    if s.scheduled_at <> was.scheduled_at then
        perform tell_of_session_v1(s, p_event_ids[3], 'live.session.rescheduled.v1', jsonb_build_object(
            'old_scheduled_at', wire_time_v1(was.scheduled_at), 'new_scheduled_at', wire_time_v1(s.scheduled_at)));
    end if;
    return admin_session_answer_v1('updated', s, registered);
end $$;

-- PUT and DELETE /v1/sessions/{id}/co-hosts/{user_id}: the host's own right, which co-hosts do not have.
-- Outcomes: changed | unchanged | not_found | forbidden | invalid_status | is_host | too_many
create function change_co_host_v1(
    p_brand_id text, p_id uuid, p_co_host_id text, p_is_co_host boolean,
    p_user_id text, p_manages boolean, p_client_id text, p_request_id text, p_event_id uuid,
    out outcome text, out co_host_ids text[]
) language plpgsql as $$
declare
    s sessions;
begin
    select * into s from sessions where brand_id = p_brand_id and id = p_id for no key update;
    outcome := case
        when not found then 'not_found'
        when not (p_manages or s.host_id = p_user_id) then 'forbidden'
        when s.status in ('ended', 'cancelled') then 'invalid_status'
        when p_is_co_host and p_co_host_id = s.host_id then 'is_host'
        when p_is_co_host = (p_co_host_id = any (s.co_host_ids)) then 'unchanged'
        when p_is_co_host and cardinality(s.co_host_ids) >= 100 then 'too_many'
        else 'changed' end;
    if outcome = 'changed' then
        update sessions set
            co_host_ids = case when p_is_co_host then s.co_host_ids || p_co_host_id
                               else array_remove(s.co_host_ids, p_co_host_id) end,
            version = version + 1,
            updated_at = next_updated_at_v1(updated_at)
        where brand_id = p_brand_id and id = p_id
        returning * into s;
        perform audit_session_v1(s, 'session.updated', '{co_host_ids}', p_user_id, p_client_id, p_request_id);
        perform tell_of_session_v1(s, p_event_id, 'live.session.updated.v1', jsonb_build_object('changed', '{co_host_ids}'::text[]));
    end if;
    co_host_ids := s.co_host_ids;
end $$;

-- Names whose value in p_changes is another than in p_settings; a null takes the value away.
create function changed_settings_v1(p_settings jsonb, p_changes jsonb) returns text[] language sql immutable as $$
    select array(select 'settings.' || key from jsonb_each(p_changes)
                 where nullif(value, 'null') is distinct from p_settings -> key order by key)
$$;

-- PATCH /v1/sessions/{id}/settings. A null in p_changes goes back to what the brand says.
-- Outcomes: changed | unchanged | not_found | forbidden | invalid_status
create function change_session_settings_v1(
    p_brand_id text, p_id uuid, p_changes jsonb,
    p_user_id text, p_manages boolean, p_client_id text, p_request_id text, p_event_id uuid,
    out outcome text, out of_session jsonb, out of_brand jsonb
) language plpgsql as $$
declare
    s       sessions;
    changed text[];
begin
    select * into s from sessions where brand_id = p_brand_id and id = p_id for no key update;
    changed := changed_settings_v1(s.settings, p_changes);
    outcome := case
        when s.id is null then 'not_found'
        when not (p_manages or s.host_id = p_user_id or p_user_id = any (s.co_host_ids)) then 'forbidden'
        when s.status in ('ended', 'cancelled') then 'invalid_status'
        when s.status = 'live' and changed && '{settings.video_provider}' then 'invalid_status'
        when changed = '{}' then 'unchanged'
        else 'changed' end;
    if outcome = 'changed' then
        update sessions set
            settings = jsonb_strip_nulls(settings || p_changes),
            version = version + 1,
            updated_at = next_updated_at_v1(updated_at)
        where brand_id = p_brand_id and id = p_id
        returning * into s;
        perform audit_session_v1(s, 'session.updated', changed, p_user_id, p_client_id, p_request_id);
        perform tell_of_session_v1(s, p_event_id, 'live.session.updated.v1', jsonb_build_object('changed', '{settings}'::text[]));
    end if;
    of_session := s.settings;
    of_brand := (select b.settings from brand_settings b where b.brand_id = p_brand_id);
end $$;

-- PATCH /v1/brand/settings. A null in p_changes goes back to the program's default. Outcomes: changed | unchanged
create function change_brand_settings_v1(
    p_brand_id text, p_id uuid, p_changes jsonb, p_user_id text, p_client_id text, p_request_id text, p_event_id uuid,
    out outcome text, out of_brand jsonb
) language plpgsql as $$
declare
    b       brand_settings;
    changed text[];
begin
    select * into b from brand_settings where brand_id = p_brand_id for no key update;
    if b.id is null and changed_settings_v1('{}', p_changes) <> '{}' then
        insert into brand_settings (brand_id, id, updated_at) values (p_brand_id, p_id, '-infinity')
            on conflict (brand_id) do nothing;  -- somebody else made it meanwhile
        select * into b from brand_settings where brand_id = p_brand_id for no key update;
    end if;
    changed := changed_settings_v1(coalesce(b.settings, '{}'), p_changes);
    outcome := case when changed = '{}' then 'unchanged' else 'changed' end;
    if outcome = 'changed' then
        update brand_settings set
            settings = jsonb_strip_nulls(settings || p_changes),
            version = version + 1,
            updated_at = next_updated_at_v1(updated_at)
        where brand_id = p_brand_id
        returning * into b;
        insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed,
                               actor_user_id, actor_client_id, request_id, occurred_at)
        values (p_brand_id, 'brand', b.id, b.version, 'brand.updated', changed,
                p_user_id, p_client_id, p_request_id, b.updated_at);
        insert into outbox (id, name, brand_id, occurred_at, payload)
        values (p_event_id, 'live.brand.updated.v1', p_brand_id, b.updated_at,
                jsonb_build_object('version', b.version, 'changed', changed));
    end if;
    of_brand := b.settings;
end $$;

-- Each brand that has sessions, by jumps in the index: the list of all brands begins with the first rows of each.
create function brands_any_brand_v1() returns setof text language sql stable as $$
    with recursive brands (brand_id) as (
        (select s.brand_id from sessions s order by s.brand_id limit 1)
        union all
        select (select s.brand_id from sessions s where s.brand_id > b.brand_id order by s.brand_id limit 1)
        from brands b where b.brand_id is not null
    )
    select b.brand_id from brands b where b.brand_id is not null
$$;

create or replace function grant_service(service_role text) returns void language plpgsql as $$
begin
    execute format('grant usage on schema %I to %I', current_schema(), service_role);
    execute format('grant select, insert, update on sessions, registrations, tokens, brand_settings to %I', service_role);
    execute format('grant select, insert, update, delete on outbox, idempotency_keys to %I', service_role);
    execute format('grant select, insert on audit_log to %I', service_role);
    execute format('grant select on public._pogo_migration to %I', service_role);
end $$;

-- migrate: rollback

create or replace function grant_service(service_role text) returns void language plpgsql as $$
begin
    execute format('grant usage on schema %I to %I', current_schema(), service_role);
    execute format('grant select, insert, update on sessions, registrations, tokens to %I', service_role);
    execute format('grant select, insert, update, delete on outbox, idempotency_keys to %I', service_role);
    execute format('grant select, insert on audit_log to %I', service_role);
    execute format('grant select on public._pogo_migration to %I', service_role);
end $$;
drop function brands_any_brand_v1, change_brand_settings_v1, change_session_settings_v1, changed_settings_v1, change_co_host_v1, administer_session_v1,
    tell_of_session_v1, audit_session_v1, admin_session_answer_v1;
drop type admin_session_answer_v1;
alter table outbox drop constraint outbox_check;  -- what was told of brands stays told
drop table brand_settings;
alter table sessions drop column description, drop column community_slug, drop column cover_image_url, drop column tags,
    drop column settings;
