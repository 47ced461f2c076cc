-- changes of a session that let the line move, and a cancellation that says how many people it concerns
-- depends: 0004_registrations

-- migrate: apply

-- How many people the event that this transaction tells of concerns.
create function count_people_v1(s sessions, p_event_id uuid) returns void language sql as $$
    update outbox set
        payload = payload || jsonb_build_object('registered_count', s.registered_count, 'waitlist_count', s.waitlist_count)
    where xid = pg_current_xact_id() and brand_id = s.brand_id and id = p_event_id
$$;

-- PATCH /v1/sessions/{id}, for many at once, none of the same session; a null is a field that was not sent. Then those who wait
-- move into the seats that were added. Without p_waits a row that somebody else holds is answered as busy, so that no change makes
-- the others wait, and nothing can deadlock; with it there is one change, which waits for its row.
-- Outcomes: updated | unchanged | not_found | forbidden | stale | invalid_status | metadata_too_large | busy
create function update_sessions_v1(
    p_waits boolean, p_brand_ids text[], p_ids uuid[], p_expected_versions text[],
    p_titles text[], p_scheduled_ats text[], p_max_participants integer[], p_kinds text[], p_metadata jsonb[], p_merges boolean[],
    p_user_ids text[], p_manages boolean[], p_client_ids text[], p_request_ids text[],
    p_updated_event_ids uuid[], p_rescheduled_event_ids uuid[]
) returns table (place bigint, answer session_answer_v1) language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
set plan_cache_mode = force_generic_plan as $$
declare
    held     uuid[];
    outcomes text[];
    grown    record;
begin
    if p_waits then
        select array_agg(s.id) into held from unnest(p_brand_ids, p_ids) as a (brand_id, id) cross join lateral (
            select l.id from sessions l where l.brand_id = a.brand_id and l.id = a.id offset 0 for no key update
        ) s;
    else
        select array_agg(s.id) into held from unnest(p_brand_ids, p_ids) as a (brand_id, id) cross join lateral (
            select l.id from sessions l where l.brand_id = a.brand_id and l.id = a.id offset 0 for no key update skip locked
        ) s;
    end if;

    with compared as (
        select a.*, s.id is not null as is_there, s.version, s.status, s.scheduled_at as old_time,
            next_updated_at_v1(s.updated_at) as now_,
            a.manages or s.host_id = a.user_id or a.user_id = any (s.co_host_ids) as may,
            array_remove(array[
                case when a.title <> s.title then 'title' end,
                case when a.scheduled_at::timestamptz <> s.scheduled_at then 'scheduled_at' end,
                case when a.max_participants <> s.max_participants then 'max_participants' end,
                case when a.kind <> s.kind then 'kind' end,
                case when s.new_metadata <> s.metadata then 'metadata' end
            ], null) as changed,
            coalesce(a.title, s.title) as new_title,
            coalesce(a.scheduled_at::timestamptz, s.scheduled_at) as new_time,
            coalesce(a.max_participants, s.max_participants) as new_max_participants,
            coalesce(a.kind, s.kind) as new_kind,
            coalesce(s.new_metadata, s.metadata) as new_metadata
        from unnest(p_brand_ids, p_ids, p_expected_versions, p_titles, p_scheduled_ats, p_max_participants, p_kinds, p_metadata,
                    p_merges, p_user_ids, p_manages, p_client_ids, p_request_ids, p_updated_event_ids, p_rescheduled_event_ids)
            with ordinality as a (brand_id, id, versions, title, scheduled_at, max_participants, kind, metadata, merges, user_id,
                                  manages, client_id, request_id, updated_event_id, rescheduled_event_id, place)
        left join lateral (
            select r.*, case when a.merges then merge_patch_v1(r.metadata, a.metadata) else a.metadata end as new_metadata
            from sessions r where r.brand_id = a.brand_id and r.id = a.id offset 0
        ) s on true
    ), judged as materialized (
        select c.*, case
            when not c.is_there then 'not_found'
            when (c.id = any (held)) is not true then 'busy'
            when not c.may then 'forbidden'
            when c.version <> all (c.versions::integer[]) then 'stale'
            when c.status in ('ended', 'cancelled') or c.status = 'live' and c.changed && '{scheduled_at,kind}' then 'invalid_status'
            when c.metadata is not null and octet_length(c.new_metadata::text) > 16384
                and compact_octets_v1(c.new_metadata) > 16384 then 'metadata_too_large'
            when c.changed = '{}' then 'unchanged'
            else 'updated' end as outcome
        from compared c
    ), edited as (
        update sessions s set
            title = j.new_title,
            scheduled_at = j.new_time,
            max_participants = j.new_max_participants,
            kind = j.new_kind,
            metadata = j.new_metadata,
            version = s.version + 1,
            updated_at = j.now_
        from judged j
        where s.brand_id = j.brand_id and s.id = j.id and j.outcome = 'updated'
        returning s.version as new_version, j.*
    ), audited as (
        insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed,
                               actor_user_id, actor_client_id, request_id, occurred_at)
        select e.brand_id, 'session', e.id, e.new_version, 'session.updated', e.changed, e.user_id, e.client_id, e.request_id, e.now_
        from edited e
    ), told as (
        insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
        select t.id, t.name, e.brand_id, e.id, e.new_version, e.now_,
            jsonb_build_object('session_id', e.id, 'version', e.new_version) || t.payload
        from edited e cross join lateral (
            select e.updated_event_id as id, 'live.session.updated.v1' as name, jsonb_build_object('changed', e.changed) as payload
            union all
            select e.rescheduled_event_id, 'live.session.rescheduled.v1', jsonb_build_object(
                'old_scheduled_at', wire_time_v1(e.old_time), 'new_scheduled_at', wire_time_v1(e.new_time))
            where 'scheduled_at' = any (e.changed)
        ) t
    )
    select array_agg(j.outcome order by j.place) into outcomes from judged j;

    if array_remove(p_max_participants, null) <> '{}' then
        for grown in
            select s.now_is, a.user_id, a.client_id, a.request_id
            from unnest(p_brand_ids, p_ids, p_user_ids, p_client_ids, p_request_ids, outcomes)
                as a (brand_id, id, user_id, client_id, request_id, outcome)
            cross join lateral (
                select r as now_is from sessions r where r.brand_id = a.brand_id and r.id = a.id and r.waitlist_count > 0 offset 0
            ) s
            where a.outcome = 'updated'
        loop
            perform promote_v1(grown.now_is, grown.user_id, grown.client_id, grown.request_id);
        end loop;
    end if;

    return query
        select a.place, session_answer_v1(a.outcome, s.now_is, coalesce(s.is_registered, false))
        from unnest(p_brand_ids, p_ids, p_user_ids, outcomes) with ordinality as a (brand_id, id, user_id, outcome, place)
        left join lateral (
            select r as now_is, exists (select from registrations g where g.brand_id = r.brand_id and g.session_id = r.id
                and g.user_id = a.user_id and g.status = 'registered' offset 0) as is_registered
            from sessions r where r.brand_id = a.brand_id and r.id = a.id and a.outcome in ('updated', 'unchanged') offset 0
        ) s on true;
end $$;

-- As administer_session_v1; then those who wait move into the free seats of a session that was enlarged or reinstated.
create function administer_session_v2(
    p_brand_id text, p_id uuid, p_expected_versions integer[],
    p_status text, p_title text, p_description text, p_community_slug text, p_scheduled_at timestamptz,
    p_max_participants integer, p_duration_minutes integer, p_co_host_ids text[], p_cover_image_url text, p_tags text[],
    p_kind text, p_category text, p_metadata jsonb, p_merge boolean, p_clears text[],
    p_user_id text, p_client_id text, p_request_id text, p_event_ids uuid[]
) returns admin_session_answer_v1 language plpgsql as $$
declare
    s      sessions;
    answer admin_session_answer_v1 := administer_session_v1(
        p_brand_id, p_id, p_expected_versions, p_status, p_title, p_description, p_community_slug, p_scheduled_at,
        p_max_participants, p_duration_minutes, p_co_host_ids, p_cover_image_url, p_tags, p_kind, p_category, p_metadata,
        p_merge, p_clears, p_user_id, p_client_id, p_request_id, p_event_ids);
begin
    if answer.outcome = 'updated' then
        select * into s from sessions where brand_id = p_brand_id and id = p_id;
        if p_status = 'cancelled' then
            perform count_people_v1(s, p_event_ids[1]);
        end if;
        s := promote_v1(s, p_user_id, p_client_id, p_request_id);
        answer.registered_count := s.registered_count;
        answer.is_registered := exists (select from registrations r where r.brand_id = p_brand_id and r.session_id = p_id
                                        and r.user_id = p_user_id and r.status = 'registered');
    end if;
    return answer;
end $$;

-- As move_session_v1; a cancellation says how many people it concerns.
create function move_session_v2(
    p_brand_id text, p_id uuid, p_from text, p_to text, p_event text,
    p_user_id text, p_manages boolean, p_client_id text, p_request_id text, p_event_id uuid,
    p_scope bytea, p_lock bigint, p_body_hash bytea
) returns session_answer_v1 language plpgsql as $$
declare
    s      sessions;
    answer session_answer_v1 := move_session_v1(
        p_brand_id, p_id, p_from, p_to, p_event, p_user_id, p_manages, p_client_id, p_request_id, p_event_id,
        p_scope, p_lock, p_body_hash);
begin
    if answer.outcome = 'moved' and p_to = 'cancelled' then
        select * into s from sessions where brand_id = p_brand_id and id = p_id;
        perform count_people_v1(s, p_event_id);
    end if;
    return answer;
end $$;

-- migrate: rollback

drop function move_session_v2, administer_session_v2, update_sessions_v1, count_people_v1;
