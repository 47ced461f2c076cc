-- questions, votes, the pinned one; and how many watch
-- depends: 0012_attendance

-- migrate: apply

-- Neither takes long: both have a constant as their default, and no row has a pinned question yet.
alter table sessions
    add column pinned_question_id uuid,
    add column next_question bigint not null default 1;

create table questions (
    brand_id           text        not null,
    id                 uuid        not null,
    session_id         uuid        not null,
    asker_user_id      text        not null,
    body               text        not null check (char_length(body) between 1 and 400),
    status             text        not null check (status in ('pending', 'approved', 'dismissed', 'answered')),
    vote_count         integer     not null default 0 check (vote_count >= 0),
    position           bigint      not null,  -- the order in which they were asked
    version            integer     not null default 1,
    asked_at           timestamptz not null,
    moderated_at       timestamptz,
    moderator_user_id  text,
    primary key (brand_id, id),
    foreign key (brand_id, session_id) references sessions (brand_id, id),
    check ((moderated_at is null) = (moderator_user_id is null))
) with (fillfactor = 70);  -- a question that is voted on is written again and again

-- A page of one status is read from its index alone, from the top or the newest on.
create index questions_by_votes on questions (brand_id, session_id, status, (-vote_count), position);
create unique index questions_by_position on questions (brand_id, session_id, position);
create index questions_by_status on questions (brand_id, session_id, status, position);
create index questions_by_asker on questions (brand_id, session_id, asker_user_id, position);

-- The key is what makes one vote per person. No foreign key: its check for each vote costs as much as the vote, and may be planned
-- while there are no questions yet. vote_v1 alone writes here, holds the session's row, and has seen the question.
create table votes (
    brand_id     text        not null,
    question_id  uuid        not null,
    user_id      text        not null,
    voted_at     timestamptz not null,
    primary key (brand_id, question_id, user_id)
);

-- How many watch a session, as each process last said. What was lost with the server is said again within seconds.
create unlogged table watchers (
    brand_id    text        not null,
    session_id  uuid        not null,
    process_id  uuid        not null,
    watching    integer     not null,
    seen_at     timestamptz not null,
    primary key (brand_id, session_id, process_id)
);

-- What the session says, else its brand, else the program, whose own are those of session_settings/service.py.
create function setting_of_v1(s sessions, p_name text, p_default text) returns text language sql stable as $$
    select coalesce(s.settings ->> p_name, (select b.settings ->> p_name from brand_settings b where b.brand_id = s.brand_id), p_default)
$$;

create function moderates_v1(s sessions, p_user_id text, p_manages boolean) returns boolean language sql immutable as $$
    select p_manages or p_user_id = s.host_id or p_user_id = any (s.co_host_ids)
$$;

-- Why somebody may not ask or vote; null: they may. Who could join may, and takes no seat by it.
create function kept_from_asking_v1(s sessions, p_user_id text, p_manages boolean) returns text language sql stable as $$
    select case
        when moderates_v1(s, p_user_id, p_manages) then case when s.status in ('ended', 'cancelled') then 'invalid_status' end
        when is_barred_v1(s, p_user_id) then 'barred'
        when s.status in ('ended', 'cancelled') then 'invalid_status'
        when s.status = 'live' and s.registered_count < s.max_participants then null
        when exists (select from registrations h where h.brand_id = s.brand_id and h.user_id = p_user_id and h.session_id = s.id
                     and h.status = 'registered') then null
        when s.status = 'live' then 'at_capacity'
        else 'no_seat' end
$$;

-- What every function of questions answers: how it went, the row, and how the caller stands to it.
create type question_answer_v1 as (
    outcome            text,
    id                 uuid,
    session_id         uuid,
    asker_user_id      text,
    body               text,
    status             text,
    vote_count         integer,
    position           bigint,
    asked_at           timestamptz,
    moderated_at       timestamptz,
    moderator_user_id  text,
    is_pinned          boolean,
    has_voted          boolean,
    is_moderator       boolean
);

create function question_answer_v1(p_outcome text, s sessions, q questions, p_user_id text, p_manages boolean)
returns question_answer_v1 language sql stable as $$
    select row(p_outcome, q.id, q.session_id, q.asker_user_id, q.body, q.status, q.vote_count, q.position, q.asked_at,
        q.moderated_at, q.moderator_user_id, coalesce(s.pinned_question_id = q.id, false),
        exists (select from votes v where v.brand_id = q.brand_id and v.question_id = q.id and v.user_id = p_user_id),
        coalesce(moderates_v1(s, p_user_id, p_manages), false)
    )::question_answer_v1
$$;

-- The audit row and the event of the version that the question has just got. No event holds what was asked.
create function note_question_v1(
    q questions, p_session_version integer, p_event_id uuid, p_done text, p_told text, p_changed text[], p_at timestamptz,
    p_user_id text, p_client_id text, p_request_id text, p_payload jsonb
) returns void language sql as $$
    insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed, actor_user_id, actor_client_id, request_id,
                           occurred_at)
    values (q.brand_id, 'question', q.id, q.version, 'question.' || p_done, p_changed, p_user_id, p_client_id, p_request_id, p_at);
    insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
    values (p_event_id, 'live.question.' || p_told || '.v1', q.brand_id, q.session_id, p_session_version, p_at,
            jsonb_build_object('session_id', q.session_id, 'question_id', q.id, 'version', q.version) || p_payload)
$$;

-- POST /v1/sessions/{id}/questions. p_most: open questions of one person, unless the settings say otherwise.
-- Outcomes: created | too_many | barred | invalid_status | no_seat | at_capacity | not_found | replayed | key_in_progress | key_mismatch
create function ask_question_v1(
    p_brand_id text, p_session_id uuid, p_id uuid, p_body text, p_most integer,
    p_user_id text, p_manages boolean, p_client_id text, p_request_id text, p_event_id uuid,
    p_scope bytea, p_lock bigint, p_body_hash bytea
) returns question_answer_v1 language plpgsql
set enable_seqscan = off set plan_cache_mode = force_custom_plan as $$
declare
    key     record;
    s       sessions;
    q       questions;
    verdict text;
    now_    timestamptz;
    answer  question_answer_v1;
begin
    if p_scope is not null then
        key := claim_idempotency_key_v1(p_brand_id, p_scope, p_lock, p_body_hash);
        if key.state <> 'fresh' then
            answer := jsonb_populate_record(null::question_answer_v1, key.answer);
            answer.outcome := key.state;
            return answer;
        end if;
    end if;
    select * into s from sessions where brand_id = p_brand_id and id = p_session_id for no key update;
    if s.id is null then
        return question_answer_v1('not_found', s, q, p_user_id, p_manages);
    end if;
    verdict := kept_from_asking_v1(s, p_user_id, p_manages);
    if verdict is null and (
        select count(*) from questions o
        where o.brand_id = p_brand_id and o.session_id = p_session_id and o.asker_user_id = p_user_id and o.status in ('pending', 'approved')
    ) >= setting_of_v1(s, 'open_questions', p_most::text)::integer then
        verdict := 'too_many';
    end if;
    if verdict is not null then
        return question_answer_v1(verdict, s, q, p_user_id, p_manages);
    end if;

    now_ := date_trunc('milliseconds', clock_timestamp());
    insert into questions (brand_id, id, session_id, asker_user_id, body, status, position, asked_at)
    values (p_brand_id, p_id, p_session_id, p_user_id, p_body,
            case when setting_of_v1(s, 'moderation', 'true')::boolean then 'pending' else 'approved' end, s.next_question, now_)
    returning * into q;
    update sessions set next_question = next_question + 1 where brand_id = p_brand_id and id = p_session_id;
    perform note_question_v1(q, s.version, p_event_id, 'asked', 'asked', '{}', now_, p_user_id, p_client_id, p_request_id,
        jsonb_build_object('asker_user_id', p_user_id, 'status', q.status, 'asked_at', wire_time_v1(now_)));

    answer := question_answer_v1('created', s, q, p_user_id, p_manages);
    if p_scope is not null then
        perform keep_idempotent_answer_v1(p_brand_id, p_scope, p_body_hash, to_jsonb(answer));
    end if;
    return answer;
end $$;

-- PATCH /v1/sessions/{id}/questions/{question_id}. p_status null: nothing was sent. The asker may take back what is still pending.
-- What is dismissed is pinned no longer, by the same change.
-- Outcomes: moderated | unchanged | question_status | not_moderator | no_question | not_found
create function moderate_question_v1(
    p_brand_id text, p_session_id uuid, p_id uuid, p_status text,
    p_user_id text, p_manages boolean, p_client_id text, p_request_id text, p_event_id uuid, p_unpinned_event_id uuid
) returns question_answer_v1 language plpgsql
set enable_seqscan = off set plan_cache_mode = force_custom_plan as $$
declare
    s          sessions;
    q          questions;
    was        text;
    moderates  boolean;
    now_       timestamptz;
begin
    select * into s from sessions where brand_id = p_brand_id and id = p_session_id for no key update;
    if s.id is null then
        return question_answer_v1('not_found', s, q, p_user_id, p_manages);
    end if;
    select * into q from questions where brand_id = p_brand_id and id = p_id and session_id = p_session_id;
    moderates := moderates_v1(s, p_user_id, p_manages);
    if q.id is null or not (moderates or q.asker_user_id = p_user_id or q.status in ('approved', 'answered')) then
        return question_answer_v1('no_question', s, null, p_user_id, p_manages);
    end if;
    if not moderates and not (q.asker_user_id = p_user_id
            and (p_status is null or p_status = 'dismissed' and q.status in ('pending', 'dismissed'))) then
        return question_answer_v1('not_moderator', s, q, p_user_id, p_manages);
    end if;
    if p_status is null or p_status = q.status then
        return question_answer_v1('unchanged', s, q, p_user_id, p_manages);
    end if;
    if not (q.status = 'pending' and p_status in ('approved', 'dismissed') or q.status = 'approved' and p_status in ('answered', 'dismissed')) then
        return question_answer_v1('question_status', s, q, p_user_id, p_manages);
    end if;

    was := q.status;
    now_ := date_trunc('milliseconds', clock_timestamp());
    update questions set
        status = p_status,
        version = version + 1,
        moderated_at = case when moderates then now_ end,
        moderator_user_id = case when moderates then p_user_id end
    where brand_id = p_brand_id and id = p_id
    returning * into q;
    perform note_question_v1(q, s.version, p_event_id, case when moderates then p_status else 'withdrawn' end, p_status,
        case when p_status = 'dismissed' and s.pinned_question_id = q.id then '{status,is_pinned}'::text[] else '{status}' end, now_,
        p_user_id, p_client_id, p_request_id, jsonb_build_object('asker_user_id', q.asker_user_id, 'was', was)
            || case when moderates then jsonb_build_object('moderated_at', wire_time_v1(now_)) else '{}' end);
    if p_status = 'dismissed' and s.pinned_question_id = q.id then
        update sessions set pinned_question_id = null where brand_id = p_brand_id and id = p_session_id returning * into s;
        insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
        values (p_unpinned_event_id, 'live.question.unpinned.v1', p_brand_id, p_session_id, s.version, now_,
                jsonb_build_object('session_id', p_session_id, 'question_id', q.id, 'version', q.version));
    end if;
    return question_answer_v1('moderated', s, q, p_user_id, p_manages);
end $$;

-- POST and DELETE /v1/sessions/{id}/questions/{question_id}/pin. One is pinned at most: the next takes its place.
-- Outcomes: pinned | unpinned | unchanged | question_status | invalid_status | forbidden | no_question | not_found
--     | replayed | key_in_progress | key_mismatch
create function pin_question_v1(
    p_brand_id text, p_session_id uuid, p_id uuid, p_pins boolean,
    p_user_id text, p_manages boolean, p_client_id text, p_request_id text, p_event_id uuid, p_unpinned_event_id uuid,
    p_scope bytea, p_lock bigint, p_body_hash bytea
) returns question_answer_v1 language plpgsql
set enable_seqscan = off set plan_cache_mode = force_custom_plan as $$
declare
    key    record;
    s      sessions;
    q      questions;
    other  questions;
    now_   timestamptz;
    answer question_answer_v1;
begin
    if p_scope is not null then
        key := claim_idempotency_key_v1(p_brand_id, p_scope, p_lock, p_body_hash);
        if key.state <> 'fresh' then
            answer := jsonb_populate_record(null::question_answer_v1, key.answer);
            answer.outcome := key.state;
            return answer;
        end if;
    end if;
    select * into s from sessions where brand_id = p_brand_id and id = p_session_id for no key update;
    if s.id is null then
        return question_answer_v1('not_found', s, q, p_user_id, p_manages);
    end if;
    select * into q from questions where brand_id = p_brand_id and id = p_id and session_id = p_session_id;
    if q.id is null or not (moderates_v1(s, p_user_id, p_manages) or q.asker_user_id = p_user_id or q.status in ('approved', 'answered')) then
        return question_answer_v1('no_question', s, null, p_user_id, p_manages);
    end if;
    if not moderates_v1(s, p_user_id, p_manages) then
        return question_answer_v1('forbidden', s, q, p_user_id, p_manages);
    end if;
    if s.status in ('ended', 'cancelled') then
        return question_answer_v1('invalid_status', s, q, p_user_id, p_manages);
    end if;
    if p_pins and q.status not in ('approved', 'answered') then
        return question_answer_v1('question_status', s, q, p_user_id, p_manages);
    end if;

    answer := question_answer_v1('unchanged', s, q, p_user_id, p_manages);
    if p_pins <> coalesce(s.pinned_question_id = q.id, false) then
        now_ := date_trunc('milliseconds', clock_timestamp());
        if p_pins and s.pinned_question_id is not null then
            update questions set version = version + 1 where brand_id = p_brand_id and id = s.pinned_question_id returning * into other;
            perform note_question_v1(other, s.version, p_unpinned_event_id, 'unpinned', 'unpinned', '{is_pinned}', now_,
                                     p_user_id, p_client_id, p_request_id, '{}');
        end if;
        update questions set version = version + 1 where brand_id = p_brand_id and id = p_id returning * into q;
        update sessions set pinned_question_id = case when p_pins then p_id end
        where brand_id = p_brand_id and id = p_session_id returning * into s;
        answer := question_answer_v1(case when p_pins then 'pinned' else 'unpinned' end, s, q, p_user_id, p_manages);
        perform note_question_v1(q, s.version, p_event_id, answer.outcome, answer.outcome, '{is_pinned}', now_,
                                 p_user_id, p_client_id, p_request_id, '{}');
    end if;
    if p_scope is not null then
        perform keep_idempotent_answer_v1(p_brand_id, p_scope, p_body_hash, to_jsonb(answer));
    end if;
    return answer;
end $$;

-- PUT (p_wants) and DELETE /v1/sessions/{id}/questions/{question_id}/vote, for many at once; nobody and the same question stand
-- among them twice. The rule of who may is that of kept_from_asking_v1, written out: called for each it would take most of the time.
-- Asked again it does nothing twice, and a vote that was given is not refused. One event tells the counts that have changed.
-- Outcomes: voted | question_status | barred | invalid_status | no_seat | at_capacity | no_question | not_found
create function vote_v1(
    p_brand_id text, p_session_id uuid, p_question_ids uuid[], p_user_ids text[], p_manages boolean[], p_wants boolean[], p_event_id uuid
) returns table (place bigint, outcome text, votes integer) language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
set plan_cache_mode = force_generic_plan as $$
declare
    s        sessions;
    now_     timestamptz;
    outcomes text[];
    has_free_seats boolean;
begin
    select * into s from sessions x where x.brand_id = p_brand_id and x.id = p_session_id for no key update;
    has_free_seats := coalesce(s.status = 'live' and s.registered_count < s.max_participants, false);
    now_ := date_trunc('milliseconds', clock_timestamp());

    with named as materialized (  -- each question once, by its key
        select d.id, o.status, o.asker_user_id
        from (select distinct n.id from unnest(p_question_ids) as n (id)) d
        left join lateral (
            select c.status, c.asker_user_id, c.session_id from questions c where c.brand_id = p_brand_id and c.id = d.id offset 0
        ) o on o.session_id = p_session_id
    ), asked as materialized (
        select a.*,
            case
                when s.id is null then 'not_found'
                when q.status is null then 'no_question'
                when q.status in ('pending', 'dismissed') and q.asker_user_id <> a.user_id and not a.moderates then 'no_question'
                when not a.moderates and exists (
                    select from registrations g
                    where g.brand_id = p_brand_id and g.session_id = p_session_id and g.user_id = a.user_id
                    and g.removed_at is not null and g.allowed_at is null offset 0) then 'barred'
                when f.refusal is null or a.wants and exists (
                    select from votes v where v.brand_id = p_brand_id and v.question_id = a.question_id and v.user_id = a.user_id offset 0)
                    then 'voted'
                else f.refusal
            end as verdict
        from (
            select v.*, v.manages or v.user_id = s.host_id or v.user_id = any (s.co_host_ids) as moderates
            from unnest(p_question_ids, p_user_ids, p_manages, p_wants) with ordinality as v (question_id, user_id, manages, wants, place)
        ) a join named q on q.id = a.question_id cross join lateral (
            select case
                when s.status in ('ended', 'cancelled') then 'invalid_status'
                when not a.moderates and not has_free_seats and not exists (
                    select from registrations h
                    where h.brand_id = p_brand_id and h.user_id = a.user_id and h.session_id = p_session_id
                    and h.status = 'registered' offset 0) then case when s.status = 'live' then 'at_capacity' else 'no_seat' end
                when q.status <> 'approved' then 'question_status'
            end as refusal
        ) f
    ), given as (
        insert into votes (brand_id, question_id, user_id, voted_at)
        select p_brand_id, a.question_id, a.user_id, now_ from asked a where a.verdict = 'voted' and a.wants
        on conflict do nothing returning question_id
    ), taken_back as (
        delete from votes v using asked a
        where v.brand_id = p_brand_id and v.question_id = a.question_id and v.user_id = a.user_id and a.verdict = 'voted' and not a.wants
        returning v.question_id
    ), moved as materialized (
        select m.question_id, sum(m.step)::integer as step
        from (select g.question_id, 1 as step from given g union all select t.question_id, -1 from taken_back t) m
        group by m.question_id having sum(m.step) <> 0
    ), counted as (
        update questions q set vote_count = q.vote_count + m.step from moved m
        where q.brand_id = p_brand_id and q.id = m.question_id
        returning q.id, q.vote_count
    ), told as (
        insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
        select p_event_id, 'live.question.votes_changed.v1', p_brand_id, p_session_id, s.version, now_,
            jsonb_build_object('session_id', p_session_id, 'vote_counts', c.counts)
        from (select jsonb_object_agg(id, vote_count) as counts from counted) c where c.counts is not null
    )
    select array_agg(a.verdict order by a.place) into outcomes from asked a;

    return query
        with named as materialized (
            select d.id, o.vote_count from (select distinct n.id from unnest(p_question_ids) as n (id)) d
            left join lateral (
                select c.vote_count from questions c where c.brand_id = p_brand_id and c.id = d.id offset 0
            ) o on true
        )
        select o.place, o.verdict, case when o.verdict = 'voted' then q.vote_count end
        from unnest(outcomes, p_question_ids) with ordinality as o (verdict, question_id, place) join named q on q.id = o.question_id;
end $$;

create or replace function grant_service(service_role text) returns void language plpgsql as $$
begin
    execute format('grant usage on schema %I to %I', current_schema(), service_role);
    execute format('grant select, insert, update on sessions, registrations, tokens, brand_settings, sinks, questions to %I', service_role);
    execute format('grant select, insert, update on calls, call_spans, connections, recordings, call_removals, chat_channels to %I', service_role);
    execute format('grant select, insert, update, delete on outbox, events, idempotency_keys, timers, watchers to %I', service_role);
    execute format('grant select, insert, delete on provider_inbox, votes to %I', service_role);
    execute format('grant select, insert on audit_log to %I', service_role);
    execute format('grant select, update on relay, chores to %I', service_role);
    execute format('grant select on public._pogo_migration to %I', service_role);
end $$;

-- migrate: rollback

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
drop function vote_v1, pin_question_v1, moderate_question_v1, ask_question_v1, note_question_v1, question_answer_v1, kept_from_asking_v1,
    moderates_v1, setting_of_v1;
drop type question_answer_v1;
drop table watchers, votes, questions;
alter table sessions drop column pinned_question_id, drop column next_question;
