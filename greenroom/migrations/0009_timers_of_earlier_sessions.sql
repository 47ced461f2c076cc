-- timers for the sessions of the releases before, in a transaction of its own: no table is locked meanwhile
-- depends: 0008_timers

-- migrate: apply

-- Those that have one keep it.
create function plan_missing_timers_any_brand_v1() returns void language sql as $$
    insert into timers (brand_id, subject_id, subject_version, planned_at, kind, due_at)
    select s.brand_id, s.id, s.version, now(), n.kind, n.due_at
    from sessions s cross join lateral next_timer_v1(s, now(), '{}') n
    where s.status in ('scheduled', 'live')
    on conflict (brand_id, subject_id) do nothing
$$;
select plan_missing_timers_any_brand_v1();

-- migrate: rollback

drop function plan_missing_timers_any_brand_v1;
