-- indexes for the lists of sessions, built beside running processes: no write waits for them
-- depends: 0002_session_details
-- transaction: false

-- migrate: apply

-- A build that was interrupted leaves an index that is there and not used: each is begun anew.
drop index concurrently if exists sessions_by_time;
create index concurrently sessions_by_time on sessions (brand_id, scheduled_at, id);

drop index concurrently if exists sessions_by_status;
create index concurrently sessions_by_status on sessions (brand_id, status, scheduled_at, id);

drop index concurrently if exists sessions_by_host;
create index concurrently sessions_by_host on sessions (brand_id, host_id, scheduled_at, id);

drop index concurrently if exists sessions_by_community;
create index concurrently sessions_by_community on sessions (brand_id, community_slug, scheduled_at, id)
    where community_slug is not null;

drop index concurrently if exists sessions_by_category;
create index concurrently sessions_by_category on sessions (brand_id, category, scheduled_at, id)
    where category is not null;

-- The id alone found another brand's row, looked at it and left it: more work than for an id that nobody has, which a clock
-- could tell. With the brand in the index there is nothing to look at. Ids are UUIDv7 of our own making, and stay unique.
drop index concurrently if exists sessions_by_id;
create unique index concurrently sessions_by_id on sessions (id, brand_id);
alter table sessions drop constraint if exists sessions_id_key;

-- migrate: rollback

alter table sessions add constraint sessions_id_key unique (id);
drop index concurrently if exists sessions_by_id;

drop index concurrently if exists sessions_by_category;
drop index concurrently if exists sessions_by_community;
drop index concurrently if exists sessions_by_host;
drop index concurrently if exists sessions_by_status;
drop index concurrently if exists sessions_by_time;
