-- an index for what somebody co-hosts, built beside running processes: no write waits for it
-- depends: 0016_notifications
-- transaction: false

-- migrate: apply

-- Most sessions have no co-hosts, and no place in it. No list of pending entries, which each search would read from end to end.
drop index concurrently if exists sessions_by_co_host;
create index concurrently sessions_by_co_host on sessions using gin (co_host_keys_v1(brand_id, co_host_ids)) with (fastupdate = off)
    where co_host_ids <> '{}';

-- migrate: rollback

drop index concurrently if exists sessions_by_co_host;
