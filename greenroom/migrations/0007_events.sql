-- what was told: events with their positions, who tells them on, and what is done now and then
-- depends: 0006_outbox_in_order

-- migrate: apply

-- An event leaves the outbox for this table once it has its position, which is everybody's cursor: dense, and never reused.
create table events (
    position         bigint      not null primary key,
    sequence         bigint      not null,
    id               uuid        not null,
    name             text        not null,
    brand_id         text        not null,
    session_id       uuid,
    session_version  integer,
    occurred_at      timestamptz not null,
    payload          jsonb       not null,
    told_at          timestamptz not null
);

-- One row: the last position that was given, and up to where events were forgotten. Its lock is the right to give positions.
create table relay (
    is_the_one         boolean     not null primary key default true check (is_the_one),
    position           bigint      not null default 0,
    forgotten_position bigint      not null default 0,
    forgotten_until    timestamptz not null default '-infinity'  -- what occurred until then may have been forgotten
);
insert into relay default values;

-- Who tells events to the world outside, how far each has come, and which process does it just now.
create table sinks (
    name          text        not null primary key,
    position      bigint      not null,
    holder        uuid,
    held_until    timestamptz not null default '-infinity',
    failures      bigint      not null default 0,
    last_failure  timestamptz
);

-- What the program does for every brand now and then; who claims one does it.
create table chores (
    name    text        not null primary key,
    due_at  timestamptz not null default '-infinity',
    every   interval    not null
);
insert into chores (name, every) values ('prune_idempotency_keys', '1 minute'), ('prune_events', '1 minute');

-- Every event that is kept, whether it was told already or not.
create function all_events_any_brand_v1() returns table (
    "position" bigint, sequence bigint, id uuid, name text, brand_id text, session_id uuid, session_version integer,
    occurred_at timestamptz, payload jsonb
) language sql stable as $$
    select e.position, e.sequence, e.id, e.name, e.brand_id, e.session_id, e.session_version, e.occurred_at, e.payload from events e
    union all
    select null, o.sequence, o.id, o.name, o.brand_id, o.session_id, o.session_version, o.occurred_at, o.payload from outbox o
$$;

-- Give positions to up to p_most events; how many, and the last position there is. Whoever holds the relay's row does it, the
-- others answer null and how far it has come.
--
-- A row is settled when no transaction that began to write before it can still commit: its xid is below every open one's. One
-- that a restored dump brought along has an xid that this cluster has not come to. A transaction may have its xid from another
-- session's row, long before it writes of this one; so a settled row waits for each unsettled one that was written before it.
-- `sequence` is taken while a session's row is locked, so within a session it is the order of what happened.
create function relay_events_any_brand_v1(p_most integer, out told integer, out reached bigint) language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_custom_plan as $$
begin
    if not exists (select from outbox) then
        told := 0;
        select r.position into reached from relay r;
        return;
    end if;
    select r.position into reached from relay r for no key update skip locked;
    if not found then
        select r.position into reached from relay r;
        return;
    end if;
    with first as materialized (
        select o.ctid as place, o.*,
            o.xid < pg_snapshot_xmin(pg_current_snapshot()) or o.xid >= pg_snapshot_xmax(pg_current_snapshot()) as is_settled
        from outbox o order by o.sequence limit p_most
    ), settled as materialized (
        select f.* from first f
        where f.sequence < coalesce((select min(u.sequence) from first u where not u.is_settled), 9223372036854775807)
    ), gone as (
        delete from outbox o where o.ctid = any (array(select s.place from settled s))
    ), kept as (
        insert into events (position, sequence, id, name, brand_id, session_id, session_version, occurred_at, payload, told_at)
        select reached + row_number() over (order by s.sequence), s.sequence, s.id, s.name, s.brand_id, s.session_id,
            s.session_version, s.occurred_at, s.payload, clock_timestamp()
        from settled s
        returning 1
    )
    select count(*) into told from kept;
    if told > 0 then
        update relay r set position = r.position + told returning r.position into reached;
    end if;
end $$;

-- Forget up to p_most events that were told longer ago than p_age, and by every sink that is in use; answers how many.
create function forget_events_any_brand_v1(p_most integer, p_age interval) returns integer language plpgsql
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
    select min(s.position) into last from sinks s where s.held_until > clock_timestamp() - p_age;
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
    execute format('grant select, insert, update on sessions, registrations, tokens, brand_settings, sinks to %I', service_role);
    execute format('grant select, insert, update, delete on outbox, events, idempotency_keys to %I', service_role);
    execute format('grant select, insert on audit_log to %I', service_role);
    execute format('grant select, update on relay, chores to %I', service_role);
    execute format('grant select on public._pogo_migration to %I', service_role);
end $$;

-- migrate: rollback

create or replace function grant_service(service_role text) returns void language plpgsql as $$
begin
    execute format('grant usage on schema %I to %I', current_schema(), service_role);
    execute format('grant select, insert, update on sessions, registrations, tokens, brand_settings to %I', service_role);
    execute format('grant select, insert, update, delete on outbox, idempotency_keys to %I', service_role);
    execute format('grant select, insert on audit_log to %I', service_role);
    execute format('grant select on public._pogo_migration to %I', service_role);
end $$;
create function untell_events_any_brand() returns void language sql as $$
    insert into outbox (sequence, id, name, brand_id, session_id, session_version, occurred_at, payload)
    overriding system value
    select e.sequence, e.id, e.name, e.brand_id, e.session_id, e.session_version, e.occurred_at, e.payload
    from events e order by e.position
$$;
select untell_events_any_brand();
drop function untell_events_any_brand, forget_events_any_brand_v1, relay_events_any_brand_v1, all_events_any_brand_v1;
drop table chores, sinks, relay, events;
