-- recordings that hosts' browsers make of builtin rooms
-- depends: 0019_rooms

-- migrate: apply

-- One recording by one host's browser. `due_at`: when to look at it next. `parts`: how many pieces each part has, once the browser
-- has said so.
create table room_recordings (
    brand_id     text        not null,
    id           uuid        not null,
    call_id      uuid        not null,
    user_id      text        not null,
    state        text        not null default 'recording' check (state in ('recording', 'finished', 'ready', 'failed', 'expired')),
    parts        jsonb       check (jsonb_typeof(parts) = 'object'),
    octets       bigint      not null default 0,               -- of all pieces
    pieces       integer     not null default 0,
    started_at   timestamptz not null,
    changed_at   timestamptz not null,                         -- when it was last heard of
    ended_at     timestamptz,
    settled_at   timestamptz,                                  -- since when it is ready, or has failed
    due_at       timestamptz not null,
    leased_until timestamptz not null default '-infinity',
    lease        bigint      not null default 0,               -- the last claim: who has another has it no longer
    put_off      integer     not null default 0,               -- times
    failures     integer     not null default 0,               -- of these by its own fault
    missing      integer     not null default 0,               -- of these since the store had not all pieces
    primary key (brand_id, id),
    foreign key (brand_id, call_id) references calls (brand_id, id)
);

create index room_recordings_due on room_recordings (due_at) where due_at < 'infinity';
create index room_recordings_of_call on room_recordings (brand_id, call_id);
create index room_recordings_ready on room_recordings (settled_at) where state = 'ready';

-- A part is one run of a browser's recorder, named by when it began (milliseconds since 1970); the octets of its pieces, one after
-- another, are one stream.
create table room_pieces (
    brand_id     text        not null,
    recording_id uuid        not null,
    part         bigint      not null check (part >= 0),
    number       integer     not null check (number >= 0),
    octets       integer     not null check (octets > 0),
    sha256       bytea       not null check (octet_length(sha256) = 32),
    primary key (brand_id, recording_id, part, number),
    foreign key (brand_id, recording_id) references room_recordings (brand_id, id)
);

insert into chores (name, every) values ('expire_recordings', '1 minute');

-- A recording whose time is over has no file any more.
alter table recordings drop constraint recordings_state_check,
    add constraint recordings_state_check check (state in ('processing', 'failed', 'ready', 'expired')) not valid;  -- all that are there are

-- Does the room have all of its pieces? Only the browser knows how many there are.
create function is_complete_v1(r room_recordings) returns boolean language sql stable as $$
    select r.parts is not null and not exists (
        select from jsonb_each_text(r.parts) said (part, pieces)
        where said.pieces::bigint <> (
            select count(*) from room_pieces p
            where p.brand_id = r.brand_id and p.recording_id = r.id and p.part = said.part::bigint and p.number < said.pieces::bigint))
$$;

-- Outcomes: begun | not_found | forbidden | not_configured (no builtin room) | not_recorded | invalid_status (over) | too_many
create function begin_room_recording_v1(
    p_brand_id text, p_session_id uuid, p_id uuid, p_user_id text, p_manages boolean, p_most integer, p_wait interval
) returns text language plpgsql as $$
declare
    s    sessions;
    c    calls;
    now_ timestamptz := date_trunc('milliseconds', clock_timestamp());
begin
    select * into s from sessions where brand_id = p_brand_id and id = p_session_id for share;
    if not found then return 'not_found'; end if;
    if not p_manages and p_user_id <> all (s.co_host_ids || s.host_id) then return 'forbidden'; end if;
    if s.status not in ('scheduled', 'live') then return 'invalid_status'; end if;
    select * into c from calls where brand_id = p_brand_id and id = p_session_id;
    if not found or c.provider <> 'builtin' then return 'not_configured'; end if;
    if not c.records then return 'not_recorded'; end if;
    if (select count(*) from room_recordings r where r.brand_id = p_brand_id and r.call_id = c.id) >= p_most then return 'too_many'; end if;
    insert into room_recordings (brand_id, id, call_id, user_id, started_at, changed_at, due_at)
    values (p_brand_id, p_id, c.id, p_user_id, now_, now_, now_ + p_wait);
    return 'begun';
end $$;

-- Who has begun a recording may go on with it while they host its session.
create function may_bring_v1(r room_recordings, p_user_id text, p_manages boolean) returns boolean language sql stable as $$
    select r.user_id = p_user_id and (p_manages or exists (
        select from sessions s where s.brand_id = r.brand_id and s.id = r.call_id and p_user_id = any (s.co_host_ids || s.host_id)))
$$;

-- May this piece be kept? may | known (it is) | other (another is, under its number) | closed | too_much | forbidden | not_found
create function may_keep_piece_v1(
    r room_recordings, p_session_id uuid, p_user_id text, p_manages boolean, p_part bigint, p_number integer, p_octets integer,
    p_sha256 bytea, p_most bigint, p_most_pieces integer
) returns text language sql stable as $$
    select case
        when r.id is null or r.call_id <> p_session_id then 'not_found'
        when not may_bring_v1(r, p_user_id, p_manages) then 'forbidden'
        when p.sha256 = p_sha256 then 'known'
        when r.state not in ('recording', 'finished') then 'closed'
        when p.sha256 is not null then 'other'
        when r.octets + p_octets > p_most or r.pieces >= p_most_pieces then 'too_much'
        else 'may' end
    from (select) one left join room_pieces p
        on p.brand_id = r.brand_id and p.recording_id = r.id and p.part = p_part and p.number = p_number
$$;

-- The store has the piece: now it counts. first (the first of the recording) | kept, and what may_keep_piece_v1 says.
create function keep_piece_v1(
    p_brand_id text, p_session_id uuid, p_id uuid, p_user_id text, p_manages boolean, p_part bigint, p_number integer, p_octets integer,
    p_sha256 bytea, p_most bigint, p_most_pieces integer, p_wait interval
) returns text language plpgsql as $$
declare
    r    room_recordings;
    how  text;
    now_ timestamptz := date_trunc('milliseconds', clock_timestamp());
begin
    select * into r from room_recordings where brand_id = p_brand_id and id = p_id for update;
    how := may_keep_piece_v1(r, p_session_id, p_user_id, p_manages, p_part, p_number, p_octets, p_sha256, p_most, p_most_pieces);
    if how <> 'may' then return how; end if;
    insert into room_pieces (brand_id, recording_id, part, number, octets, sha256)
    values (p_brand_id, p_id, p_part, p_number, p_octets, p_sha256);
    update room_recordings x set octets = octets + p_octets, pieces = pieces + 1, changed_at = now_, due_at = now_ + p_wait
        where x.brand_id = p_brand_id and x.id = p_id;
    if r.state = 'finished' then
        update room_recordings x set due_at = now_ where x.brand_id = p_brand_id and x.id = p_id and is_complete_v1(x);
    end if;
    return case when r.octets = 0 then 'first' else 'kept' end;
end $$;

-- The browser is done: p_parts says how many pieces each part has. finished | closed | forbidden | not_found
create function finish_room_recording_v1(
    p_brand_id text, p_session_id uuid, p_id uuid, p_user_id text, p_manages boolean, p_parts jsonb, p_wait interval
) returns text language plpgsql as $$
declare
    r    room_recordings;
    now_ timestamptz := date_trunc('milliseconds', clock_timestamp());
begin
    select * into r from room_recordings where brand_id = p_brand_id and id = p_id and call_id = p_session_id for update;
    if not found then return 'not_found'; end if;
    if not may_bring_v1(r, p_user_id, p_manages) then return 'forbidden'; end if;
    if r.state not in ('recording', 'finished') then return 'closed'; end if;
    update room_recordings x set state = 'finished', parts = p_parts, ended_at = coalesce(x.ended_at, now_), changed_at = now_, due_at = now_ + p_wait
        where x.brand_id = p_brand_id and x.id = p_id;
    update room_recordings x set due_at = now_ where x.brand_id = p_brand_id and x.id = p_id and is_complete_v1(x);
    return 'finished';
end $$;

-- Claim up to p_most recordings that have something to do, for p_lease: to be joined, or to be swept once they were. One whose
-- browser has not come back waits until its session has been over for p_wait, and nothing was heard of it for as long: such are looked
-- at by the hundred, so that none waits for them. What was put off comes after what was not, for an hour and a half at most.
create function claim_room_recordings_any_brand_v1(p_most integer, p_lease interval, p_wait interval)
returns table (brand_id text, id uuid, call_id uuid, act text, started_at timestamptz, ended_at timestamptz, failures integer,
    missing integer, lease bigint)
language plpgsql set enable_seqscan = off set plan_cache_mode = force_custom_plan as $$
declare
    now_ timestamptz := clock_timestamp();
begin
    return query
        with due as materialized (
            select r.brand_id, r.id from room_recordings r
            where r.due_at < 'infinity' and r.due_at <= now_
                and (r.leased_until <= now_ or r.leased_until > now_ + interval '1 hour')  -- as calls: no lease is that long
            order by r.due_at limit greatest(p_most, 100) for no key update skip locked
        ), judged as materialized (
            select r as recording, case
                when r.state in ('ready', 'failed', 'expired') then 'sweep'
                when r.state = 'finished' and (r.changed_at + p_wait <= now_ or is_complete_v1(r)) then 'join'
                when r.state = 'recording' and s.status in ('ended', 'cancelled')
                    and greatest(r.changed_at, s.ended_at) + p_wait <= now_ then 'join' end as act,
                case when r.state = 'finished' then r.changed_at
                    when s.status in ('ended', 'cancelled') then greatest(r.changed_at, s.ended_at) else now_ end as waits_since
            from due d join room_recordings r on r.brand_id = d.brand_id and r.id = d.id
            join calls c on c.brand_id = r.brand_id and c.id = r.call_id
            left join sessions s on s.brand_id = c.brand_id and s.id = c.session_id
        ), chosen as materialized (
            select (j.recording).brand_id, (j.recording).id from judged j where j.act is not null
            order by (j.recording).due_at + least((j.recording).put_off, 3) * interval '30 minutes' limit p_most
        ), leased as (
            update room_recordings r
            set lease = r.lease + 1, leased_until = case when j.act is null then r.leased_until else now_ + p_lease end,
                due_at = case when j.act is null then least(j.waits_since, now_) + p_wait else r.due_at end
            from judged j where r.brand_id = (j.recording).brand_id and r.id = (j.recording).id
                and (j.act is null or exists (select from chosen c where c.brand_id = r.brand_id and c.id = r.id))
            returning r.brand_id, r.id, r.call_id, j.act, r.started_at, coalesce(r.ended_at, r.changed_at), r.failures, r.missing, r.lease
        )
        select * from leased l where l.act is not null;
end $$;

-- What came of joining: ready | failed. The pieces of what has failed stay for a week. Answers whether it is settled: not where pieces
-- have come since those were read that were joined, p_octets of them (then it is joined once more, with all), nor by who has it no longer.
create function settle_room_recording_v1(p_brand_id text, p_id uuid, p_lease bigint, p_state text, p_octets bigint) returns boolean language plpgsql as $$
declare
    now_ timestamptz := clock_timestamp();
begin
    update room_recordings set state = p_state, settled_at = now_, leased_until = '-infinity', put_off = 0,
        due_at = now_ + case p_state when 'failed' then interval '7 days' else interval '0' end
    where brand_id = p_brand_id and id = p_id and lease = p_lease and state in ('recording', 'finished') and octets = p_octets;
    if found then return true; end if;
    update room_recordings set leased_until = '-infinity', due_at = now_
    where brand_id = p_brand_id and id = p_id and lease = p_lease and state in ('recording', 'finished');
    return false;
end $$;

-- A recording that was ready is no more: the session shows the one before it, where there is one. Answers whether it was.
create function expire_room_recording_v1(p_brand_id text, p_id uuid) returns boolean language plpgsql as $$
declare
    c    calls;
    s    sessions;
    best recordings;
begin
    select k.* into c from room_recordings r join calls k on k.brand_id = r.brand_id and k.id = r.call_id
        where r.brand_id = p_brand_id and r.id = p_id;
    select * into s from sessions where brand_id = p_brand_id and id = c.session_id for no key update;
    select * into c from calls where brand_id = p_brand_id and id = c.id for no key update;
    update room_recordings set state = 'expired', due_at = clock_timestamp()
        where brand_id = p_brand_id and id = p_id and state = 'ready';
    if not found then return false; end if;
    update recordings set state = 'expired', url = null, ready_at = null, told_state = 'expired'
        where brand_id = p_brand_id and call_id = c.id and id = p_id::text;
    select r.* into best from recordings r where r.brand_id = p_brand_id and r.call_id = c.id and r.state = 'ready'
        order by r.ended_at desc nulls last, r.id desc limit 1;
    if best.url is distinct from c.recording_url then
        update calls set recording_url = best.url, recording_ready_at = best.ready_at, updated_at = next_updated_at_v1(updated_at)
            where brand_id = p_brand_id and id = c.id;
        update sessions set recording_url = best.url, revision = revision + 1 where brand_id = p_brand_id and id = s.id;
    end if;
    return true;
end $$;

create or replace function grant_service(service_role text) returns void language plpgsql as $$
begin
    execute format('grant usage on schema %I to %I', current_schema(), service_role);
    execute format('grant select, insert, update on sessions, registrations, tokens, brand_settings, sinks, questions, calendar_feeds to %I', service_role);
    execute format('grant select, insert, update on calls, call_spans, connections, recordings, call_removals, chat_channels to %I', service_role);
    execute format('grant select, insert, update on rooms, room_peers, room_recordings to %I', service_role);
    execute format('grant select, insert, update, delete on room_processes, room_mail to %I', service_role);
    execute format('grant select, insert, update, delete on outbox, events, idempotency_keys, timers, watchers to %I', service_role);
    execute format('grant select, insert, update, delete on webhook_endpoints, webhook_deliveries to %I', service_role);
    execute format('grant select, insert, update, delete on contacts, mail_stops, mail_templates, messages, message_rounds to %I', service_role);
    execute format('grant select, insert, update, delete on sign_in_links to %I', service_role);
    execute format('grant select, insert, delete on provider_inbox, votes, room_pieces to %I', service_role);
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
    execute format('grant select, insert, update on rooms, room_peers to %I', service_role);
    execute format('grant select, insert, update, delete on room_processes, room_mail to %I', service_role);
    execute format('grant select, insert, update, delete on outbox, events, idempotency_keys, timers, watchers to %I', service_role);
    execute format('grant select, insert, update, delete on webhook_endpoints, webhook_deliveries to %I', service_role);
    execute format('grant select, insert, update, delete on contacts, mail_stops, mail_templates, messages, message_rounds to %I', service_role);
    execute format('grant select, insert, update, delete on sign_in_links to %I', service_role);
    execute format('grant select, insert, delete on provider_inbox, votes to %I', service_role);
    execute format('grant select, insert on audit_log to %I', service_role);
    execute format('grant select, update on relay, chores to %I', service_role);
    execute format('grant select on public._pogo_migration to %I', service_role);
end $$;
drop function expire_room_recording_v1, settle_room_recording_v1, claim_room_recordings_any_brand_v1, finish_room_recording_v1,
    keep_piece_v1, may_keep_piece_v1, may_bring_v1, begin_room_recording_v1, is_complete_v1;
delete from chores where name = 'expire_recordings';
drop table room_pieces, room_recordings;
create function without_expired_any_brand_v1() returns void language sql as $$
    update recordings set state = 'failed' where state = 'expired'
$$;
select without_expired_any_brand_v1();
drop function without_expired_any_brand_v1;
alter table recordings drop constraint recordings_state_check,
    add constraint recordings_state_check check (state in ('processing', 'failed', 'ready'));
