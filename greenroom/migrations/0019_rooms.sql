-- rooms: who is in a call that browsers carry among themselves, and the messages by which they find each other
-- depends: 0018_sign_in_links

-- migrate: apply

-- The room of a call that `builtin` carries. A sitting goes on from the first who comes until the last who leaves; it is open from
-- when its first host comes: until then whoever came waits in the lobby. `version` rises with every change of the room or of its peers.
create table rooms (
    brand_id  text        not null,
    call_id   uuid        not null,
    version   bigint      not null default 0,
    span_id   text,
    opened_at timestamptz,
    closed_at timestamptz,
    primary key (brand_id, call_id),
    foreign key (brand_id, call_id) references calls (brand_id, id)
) with (fillfactor = 70);

-- By its call alone, without looking at another brand's row (0003).
create unique index rooms_by_call on rooms (call_id, brand_id);

-- One stay of one browser. `process_id` is whose connection it has, or had until `lost_at`: who comes back with the secret goes on.
create table room_peers (
    brand_id       text        not null,
    call_id        uuid        not null,
    id             uuid        not null,
    user_id        text        not null,
    role           text        not null check (role in ('host', 'speaker', 'viewer')),
    secret_hash    bytea       not null,
    process_id     uuid        not null,
    span_id        text        not null,
    camera         boolean     not null default false,
    microphone     boolean     not null default false,
    screen         boolean     not null default false,
    records        boolean     not null default false,  -- the room, just now
    hand_raised_at timestamptz,
    joined_at      timestamptz not null,
    lost_at        timestamptz,
    left_at        timestamptz,
    primary key (brand_id, call_id, id),
    foreign key (brand_id, call_id) references rooms (brand_id, call_id)
) with (fillfactor = 70);

create index room_peers_inside on room_peers (brand_id, call_id) where left_at is null;
create index room_peers_of_process on room_peers (process_id) where left_at is null;

-- A process that serves rooms says so every few seconds; `steady_since`: without a pause that is longer.
create table room_processes (
    id           uuid        not null primary key,
    seen_at      timestamptz not null,
    steady_since timestamptz not null
);

-- From process to process; taken when it is read. What is lost with a crash of the database, browsers say again.
create unlogged table room_mail (
    process_id uuid   not null,
    id         bigint not null generated always as identity,
    brand_id   text   not null,
    call_id    uuid   not null,
    peer_id    uuid,   -- to whom; null: the room has changed
    body       text,
    primary key (process_id, id)
);

insert into chores (name, every) values ('prune_rooms', '1 minute');

-- The room as it is now, for the processes that serve it.
create function room_v1(p_brand_id text, p_call_id uuid) returns jsonb language sql stable as $$
    select jsonb_build_object(
        'brand', r.brand_id, 'call', r.call_id, 'version', r.version, 'kind', coalesce(s.kind, 'office_hours'),
        'is_open', r.opened_at is not null or s.id is null, 'is_recorded', c.records, 'is_recording', exists (
            select from room_peers p where p.brand_id = r.brand_id and p.call_id = r.call_id and p.left_at is null and p.records), 'is_closed', r.closed_at is not null,
        'peers', coalesce((
            select jsonb_agg(jsonb_build_object('id', p.id, 'user', p.user_id, 'role', p.role, 'process', p.process_id,
                'camera', p.camera, 'microphone', p.microphone, 'screen', p.screen, 'hand_raised_at', wire_time_v1(p.hand_raised_at))
                order by p.joined_at, p.id)
            from room_peers p where p.brand_id = r.brand_id and p.call_id = r.call_id and p.left_at is null), '[]'))
    from rooms r join calls c on c.brand_id = r.brand_id and c.id = r.call_id
    left join sessions s on s.brand_id = c.brand_id and s.id = c.session_id
    where r.brand_id = p_brand_id and r.call_id = p_call_id
$$;

-- The caller holds the room's row and has changed something: every other process that serves the room is told, and the room returned.
create function room_changed_v1(p_brand_id text, p_call_id uuid, p_process_id uuid) returns jsonb language plpgsql as $$
begin
    update rooms set version = version + 1 where brand_id = p_brand_id and call_id = p_call_id;
    insert into room_mail (process_id, brand_id, call_id)
    select distinct p.process_id, p_brand_id, p_call_id from room_peers p
    where p.brand_id = p_brand_id and p.call_id = p_call_id and p.left_at is null and p.process_id is distinct from p_process_id;
    return room_v1(p_brand_id, p_call_id);
end $$;

-- The caller holds the room's row: these peers leave, each when it was last there. What the inbox is to hear of it.
create function leave_room_v1(p_brand_id text, p_call_id uuid, p_ids uuid[]) returns jsonb language plpgsql as $$
declare
    now_ timestamptz := date_trunc('milliseconds', clock_timestamp());
    told jsonb;
    ends text;
begin
    with gone as (
        update room_peers p set left_at = greatest(p.joined_at, date_trunc('milliseconds', least(p.lost_at, now_))), hand_raised_at = null
        where p.brand_id = p_brand_id and p.call_id = p_call_id and p.id = any (p_ids) and p.left_at is null
        returning p.id, p.user_id, p.span_id, p.joined_at, p.left_at
    )
    select coalesce(jsonb_agg(jsonb_build_object('id', g.id, 'user', g.user_id, 'span', g.span_id, 'joined_at', wire_time_v1(g.joined_at),
                                                 'left_at', wire_time_v1(g.left_at)) order by g.left_at, g.id), '[]')
    into told from gone g;
    if not exists (select from room_peers p where p.brand_id = p_brand_id and p.call_id = p_call_id and p.left_at is null) then
        select r.span_id into ends from rooms r where r.brand_id = p_brand_id and r.call_id = p_call_id;
        update rooms set span_id = null, opened_at = null where brand_id = p_brand_id and call_id = p_call_id;
    end if;
    return jsonb_build_object('connections', told, 'ended_span', ends);
end $$;

-- Somebody comes in with a token, which names the call. In a session's room the rows say as what, and whether: the token may be of before.
-- They come as a new peer, instead of one of theirs that was there (p_replaced), or as one that has lost its connection (p_resumed), each
-- by the hash of its secret. Hosts are always let in. A person has so many devices here: one more takes the place of the first of them.
-- Outcomes: entered | resumed | not_joinable | removed | full
create function enter_room_any_brand_v1(
    p_call_id uuid, p_id uuid, p_user_id text, p_role text, p_secret_hash bytea, p_process_id uuid, p_resumed bytea, p_replaced bytea,
    p_most_people integer, p_most_viewers integer, p_most_devices integer, out outcome text, out room jsonb, out peer uuid, out came jsonb, out gone jsonb
) language plpgsql as $$
declare
    c       calls;
    s       sessions;
    r       rooms;
    now_    timestamptz;
    there   room_peers;
    is_new  boolean := false;
    goes_on boolean := false;
    as_     text := p_role;
begin
    select * into c from calls k where k.id = p_call_id and k.provider = 'builtin';
    select * into s from sessions x where x.brand_id = c.brand_id and x.id = c.session_id;
    if c.id is null or s.status in ('ended', 'cancelled') or c.end_asked_at is not null then
        outcome := 'not_joinable';
        return;
    end if;
    insert into rooms (brand_id, call_id) values (c.brand_id, c.id) on conflict do nothing;
    select * into r from rooms x where x.brand_id = c.brand_id and x.call_id = c.id for no key update;
    if r.closed_at is not null then
        outcome := 'not_joinable';
        return;
    end if;
    select * into s from sessions x where x.brand_id = c.brand_id and x.id = c.session_id;  -- as it is now that the room waits for us
    if s.id is not null then
        as_ := case when p_user_id = s.host_id or p_user_id = any (s.co_host_ids) then 'host' when s.kind = 'live' then 'viewer' else 'speaker' end;
        outcome := case when is_barred_v1(s, p_user_id) then 'removed'
            when as_ <> 'host' and not exists (
                select from registrations g where g.brand_id = s.brand_id and g.user_id = p_user_id and g.session_id = s.id
                and g.status = 'registered') then 'not_joinable' end;
        if outcome is not null then
            return;
        end if;
    end if;
    now_ := date_trunc('milliseconds', clock_timestamp());

    select p.* into there from room_peers p
    where p.brand_id = c.brand_id and p.call_id = c.id and p.secret_hash = p_resumed and p.user_id = p_user_id and p.left_at is null;
    if found then
        outcome := 'resumed';
        update room_peers p set process_id = p_process_id, lost_at = null, role = as_, records = p.records and as_ = 'host'
        where p.brand_id = c.brand_id and p.call_id = c.id and p.id = there.id;
        insert into room_mail (process_id, brand_id, call_id)  -- whose connection it had
        select there.process_id, c.brand_id, c.id where there.process_id <> p_process_id;
    else
        select p.* into there from room_peers p
        where p.brand_id = c.brand_id and p.call_id = c.id and p.secret_hash in (p_resumed, p_replaced) and p.user_id = p_user_id and p.left_at is null;
        goes_on := coalesce(there.records, false);  -- of a page that was loaded anew
        if there.id is null then  -- else one person could be all that the room holds
            select p.* into there from room_peers p
            where p.brand_id = c.brand_id and p.call_id = c.id and p.user_id = p_user_id and p.left_at is null
            order by p.joined_at desc, p.id desc offset p_most_devices - 1 limit 1;
        end if;
        if as_ <> 'host' and (
            select case when s.kind = 'live' then count(*) filter (where p.role = 'viewer') >= p_most_viewers
                        else count(*) filter (where p.role <> 'host') >= p_most_people - greatest(1, count(*) filter (where p.role = 'host')) end
            from room_peers p where p.brand_id = c.brand_id and p.call_id = c.id and p.left_at is null and p.id is distinct from there.id
        ) then
            outcome := 'full';
            return;
        end if;
        outcome := 'entered';
        if r.span_id is null then
            r.span_id := p_id::text;
            is_new := true;
        end if;
        insert into room_peers (brand_id, call_id, id, user_id, role, secret_hash, process_id, span_id, records, joined_at)
        values (c.brand_id, c.id, p_id, p_user_id, as_, p_secret_hash, p_process_id, r.span_id, goes_on and as_ = 'host', now_);
        if there.id is not null then
            gone := leave_room_v1(c.brand_id, c.id, array[there.id]);
            insert into room_mail (process_id, brand_id, call_id, peer_id, body)
            values (there.process_id, c.brand_id, c.id, there.id, '{"type":"out","reason":"replaced"}');
        end if;
        came := jsonb_build_object('id', p_id, 'user', p_user_id, 'span', r.span_id, 'joined_at', wire_time_v1(now_),
                                   'began_span', case when is_new then r.span_id end);
        there.id := p_id;
    end if;
    update rooms x set span_id = r.span_id, opened_at = case when as_ = 'host' then coalesce(x.opened_at, now_) else x.opened_at end
    where x.brand_id = c.brand_id and x.call_id = c.id;
    peer := there.id;
    room := room_changed_v1(c.brand_id, c.id, p_process_id);
end $$;

-- What a peer says of itself, or a host of its hand; null: as it was. Of a peer that has left: null.
create function set_room_peer_v1(
    p_brand_id text, p_call_id uuid, p_id uuid, p_process_id uuid, p_camera boolean, p_microphone boolean, p_screen boolean, p_hand boolean
) returns jsonb language plpgsql as $$
declare
    r rooms;
begin
    select * into r from rooms x where x.brand_id = p_brand_id and x.call_id = p_call_id for no key update;
    update room_peers p set camera = coalesce(p_camera, p.camera), microphone = coalesce(p_microphone, p.microphone), screen = coalesce(p_screen, p.screen),
        hand_raised_at = case when p_hand is null then p.hand_raised_at when p_hand then coalesce(p.hand_raised_at, clock_timestamp()) end
    where p.brand_id = p_brand_id and p.call_id = p_call_id and p.id = p_id and p.left_at is null;
    return case when found then room_changed_v1(p_brand_id, p_call_id, p_process_id) end;
end $$;

-- A host's browser records; or a host ends that, whoever records. It does not begin while somebody's connection is lost: they are seen
-- and heard still, and could not be told.
create function record_room_v1(p_brand_id text, p_call_id uuid, p_id uuid, p_process_id uuid, p_records boolean) returns jsonb language plpgsql as $$
declare
    r rooms;
begin
    select * into r from rooms x where x.brand_id = p_brand_id and x.call_id = p_call_id for no key update;
    update room_peers p set records = p_records
    where p.brand_id = p_brand_id and p.call_id = p_call_id and (p.id = p_id or not p_records) and p.left_at is null and p.records <> p_records
        and not (p_records and exists (
            select from room_peers q where q.brand_id = p_brand_id and q.call_id = p_call_id and q.left_at is null and q.lost_at is not null));
    return case when found then room_changed_v1(p_brand_id, p_call_id, p_process_id) else room_v1(p_brand_id, p_call_id) end;
end $$;

-- Who is a co-host no longer is no host in the room either, at once.
create function follow_co_hosts_v1() returns trigger language plpgsql as $$
declare
    r rooms;
begin
    select * into r from rooms x where x.brand_id = new.brand_id and x.call_id = new.id for no key update;
    update room_peers p set role = case new.kind when 'live' then 'viewer' else 'speaker' end, records = false
    where p.brand_id = new.brand_id and p.call_id = new.id and p.role = 'host' and p.left_at is null
        and p.user_id <> all (new.co_host_ids || new.host_id);
    if found then
        perform room_changed_v1(new.brand_id, new.id, null);
    end if;
    return null;
end $$;
create trigger rooms_follow_co_hosts after update of co_host_ids on sessions
    for each row when (old.co_host_ids is distinct from new.co_host_ids) execute function follow_co_hosts_v1();

-- Connections that broke: who does not come back in a while has left then.
create function lose_room_peer_v1(p_brand_id text, p_call_id uuid, p_id uuid, p_process_id uuid) returns void language sql as $$
    update room_peers p set lost_at = date_trunc('milliseconds', clock_timestamp())
    where p.brand_id = p_brand_id and p.call_id = p_call_id and p.id = p_id and p.process_id = p_process_id and p.lost_at is null and p.left_at is null
$$;

-- Somebody has said that they leave.
create function leave_room_as_v1(p_brand_id text, p_call_id uuid, p_id uuid, p_process_id uuid, out room jsonb, out gone jsonb) language plpgsql as $$
declare
    r rooms;
begin
    select * into r from rooms x where x.brand_id = p_brand_id and x.call_id = p_call_id for no key update;
    gone := leave_room_v1(p_brand_id, p_call_id, array[p_id]);
    room := room_changed_v1(p_brand_id, p_call_id, p_process_id);
end $$;

-- The call is over (p_user_id is null), or somebody is to be out of it: those concerned are told why, wherever their connection is.
create function clear_room_any_brand_v1(p_call_id uuid, p_user_id text) returns jsonb language plpgsql as $$
declare
    r     rooms;
    those uuid[];
    gone  jsonb;
begin
    select * into r from rooms x where x.call_id = p_call_id for no key update;
    if not found then
        return null;
    end if;
    those := array(select p.id from room_peers p
                   where p.brand_id = r.brand_id and p.call_id = r.call_id and p.left_at is null and (p_user_id is null or p.user_id = p_user_id));
    insert into room_mail (process_id, brand_id, call_id, peer_id, body)
    select p.process_id, r.brand_id, r.call_id, p.id,
        case when p_user_id is null then '{"type":"out","reason":"ended"}' else '{"type":"out","reason":"removed"}' end
    from room_peers p where p.brand_id = r.brand_id and p.call_id = r.call_id and p.id = any (those);
    if p_user_id is null then
        update rooms x set closed_at = coalesce(x.closed_at, clock_timestamp()) where x.brand_id = r.brand_id and x.call_id = r.call_id;
    end if;
    if cardinality(those) > 0 then
        gone := leave_room_v1(r.brand_id, r.call_id, those);
        perform room_changed_v1(r.brand_id, r.call_id, null);
    end if;
    return gone;
end $$;

-- What a process is told while it serves rooms: its mail, oldest first; nobody else takes it.
create function take_room_mail_any_brand_v1(p_process_id uuid, p_most integer) returns setof room_mail language sql as $$
    with taken as (
        delete from room_mail m where (m.process_id, m.id) in (
            select n.process_id, n.id from room_mail n where n.process_id = p_process_id order by n.id limit p_most)
        returning m.*
    )
    select * from taken t order by t.id
$$;

-- A process is alive; since when without a pause.
create function seen_room_process_v1(p_process_id uuid) returns timestamptz language sql as $$
    insert into room_processes as known (id, seen_at, steady_since) values (p_process_id, clock_timestamp(), clock_timestamp())
    on conflict (id) do update set seen_at = excluded.seen_at,
        steady_since = case when known.seen_at > excluded.seen_at - interval '15 seconds' and known.steady_since <= excluded.seen_at
                            then known.steady_since else excluded.seen_at end
    returning steady_since
$$;

-- This process is alive, and has these peers: whoever else it should have has lost the connection, whatever became of the word of that.
-- Answers the versions of the rooms that it serves.
create function room_process_any_brand_v1(p_process_id uuid, p_call_ids uuid[], p_peer_ids uuid[])
returns table (call_id uuid, version bigint) language plpgsql as $$
begin
    perform seen_room_process_v1(p_process_id);
    update room_peers p set lost_at = case when p.id <> all (p_peer_ids) then date_trunc('milliseconds', clock_timestamp()) end
    where p.process_id = p_process_id and p.left_at is null and (p.id = any (p_peer_ids)) = (p.lost_at is not null)
        and (p.id = any (p_peer_ids) or p.joined_at < clock_timestamp() - interval '10 seconds');
    return query select r.call_id, r.version from rooms r where r.call_id = any (p_call_ids);
end $$;

-- Who has been without a connection for longer than p_patience has left: its own broke, or its process is gone. Whoever sweeps is a
-- process, too: while the database was away none could say that it lives, so after that none is held to be gone for as long.
create function sweep_rooms_any_brand_v1(p_patience interval, p_most integer) returns table (call_id uuid, gone jsonb) language plpgsql as $$
declare
    one   record;
    left_ jsonb;
begin
    if seen_room_process_v1('00000000-0000-0000-0000-000000000000') > clock_timestamp() - p_patience then
        return;
    end if;
    update room_peers p set lost_at = coalesce(k.seen_at, p.joined_at)  -- within 5 s of when it died
    from (select distinct q.process_id from room_peers q where q.left_at is null) there left join room_processes k on k.id = there.process_id
    where p.process_id = there.process_id and p.left_at is null and p.lost_at is null
        and coalesce(k.seen_at, p.joined_at) < clock_timestamp() - p_patience - interval '5 seconds';
    for one in
        select p.brand_id, p.call_id, array_agg(p.id) as ids from room_peers p
        where p.left_at is null and p.lost_at < clock_timestamp() - p_patience group by p.brand_id, p.call_id order by p.brand_id, p.call_id limit p_most
    loop
        perform r.version from rooms r where r.brand_id = one.brand_id and r.call_id = one.call_id for no key update skip locked;
        continue when not found;
        left_ := leave_room_v1(one.brand_id, one.call_id, array(
            select p.id from room_peers p where p.brand_id = one.brand_id and p.call_id = one.call_id and p.id = any (one.ids)
            and p.left_at is null and p.lost_at < clock_timestamp() - p_patience));
        perform room_changed_v1(one.brand_id, one.call_id, null);
        call_id := one.call_id;
        gone := left_;
        return next;
    end loop;
end $$;

-- Who was there and who is, as a provider tells it.
create function room_state_any_brand_v1(p_call_id uuid) returns jsonb language sql stable as $$
    select jsonb_build_object(
        'span', r.span_id,
        'connections', coalesce((select jsonb_agg(jsonb_build_object('id', p.id, 'user', p.user_id, 'span', p.span_id,
            'joined_at', wire_time_v1(p.joined_at), 'left_at', wire_time_v1(p.left_at)) order by p.joined_at, p.id)
            from room_peers p where p.brand_id = r.brand_id and p.call_id = r.call_id), '[]'),
        'spans', coalesce((select jsonb_agg(jsonb_build_object('id', t.span_id, 'started_at', wire_time_v1(t.started_at),
            'ended_at', case when t.span_id is distinct from r.span_id then wire_time_v1(t.ended_at) end))
            from (select p.span_id, min(p.joined_at) as started_at, max(p.left_at) as ended_at from room_peers p
                  where p.brand_id = r.brand_id and p.call_id = r.call_id group by p.span_id) t), '[]'))
    from rooms r where r.call_id = p_call_id
$$;

-- Processes that are gone, and their mail.
create function forget_room_processes_any_brand_v1(p_age interval) returns void language sql as $$
    delete from room_mail m where m.process_id not in (select k.id from room_processes k where k.seen_at > clock_timestamp() - p_age);
    delete from room_processes k where k.seen_at < clock_timestamp() - p_age
        and not exists (select from room_peers p where p.process_id = k.id and p.left_at is null)
$$;

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

-- migrate: rollback

create or replace function grant_service(service_role text) returns void language plpgsql as $$
begin
    execute format('grant usage on schema %I to %I', current_schema(), service_role);
    execute format('grant select, insert, update on sessions, registrations, tokens, brand_settings, sinks, questions, calendar_feeds to %I', service_role);
    execute format('grant select, insert, update on calls, call_spans, connections, recordings, call_removals, chat_channels to %I', service_role);
    execute format('grant select, insert, update, delete on outbox, events, idempotency_keys, timers, watchers to %I', service_role);
    execute format('grant select, insert, update, delete on webhook_endpoints, webhook_deliveries to %I', service_role);
    execute format('grant select, insert, update, delete on contacts, mail_stops, mail_templates, messages, message_rounds to %I', service_role);
    execute format('grant select, insert, update, delete on sign_in_links to %I', service_role);
    execute format('grant select, insert, delete on provider_inbox, votes to %I', service_role);
    execute format('grant select, insert on audit_log to %I', service_role);
    execute format('grant select, update on relay, chores to %I', service_role);
    execute format('grant select on public._pogo_migration to %I', service_role);
end $$;
delete from chores where name = 'prune_rooms';
drop trigger rooms_follow_co_hosts on sessions;
drop function follow_co_hosts_v1, forget_room_processes_any_brand_v1, room_state_any_brand_v1, sweep_rooms_any_brand_v1, room_process_any_brand_v1, seen_room_process_v1,
    take_room_mail_any_brand_v1,
    clear_room_any_brand_v1, leave_room_as_v1, lose_room_peer_v1, record_room_v1, set_room_peer_v1, enter_room_any_brand_v1, leave_room_v1, room_changed_v1,
    room_v1;
drop table room_mail, room_processes, room_peers, rooms;
