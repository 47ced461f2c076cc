-- calendars: how often one has had to hear of a session, and the feeds that people subscribe to
-- depends: 0013_questions

-- migrate: apply

-- RFC 5545, section 3.8.7.4: an entry's SEQUENCE rises with what matters to it. Processes of the release before raise it, too.
alter table sessions add column calendar_sequence integer not null default 0;

create function count_calendar_change() returns trigger language plpgsql as $$
begin
    new.calendar_sequence := old.calendar_sequence + 1;
    return new;
end $$;

create trigger sessions_matter_to_calendars before update on sessions for each row when (
    old.title <> new.title or old.scheduled_at <> new.scheduled_at
    or old.duration_minutes is distinct from new.duration_minutes
    or (old.status = 'cancelled') <> (new.status = 'cancelled')
) execute function count_calendar_change();

-- A person's feed: one row, whose ticket is made anew or revoked. Of the ticket there is a hash alone: nobody who reads the table can
-- use it, and no rotation of secret keys ends a subscription.
create table calendar_feeds (
    brand_id     text        not null,
    user_id      text        not null,
    id           uuid        not null,
    version      integer     not null default 1,
    ticket_hash  bytea       check (octet_length(ticket_hash) = 32),  -- SHA-256; null once it is revoked
    created_at   timestamptz not null,  -- the ticket
    revoked_at   timestamptz,
    primary key (brand_id, user_id),
    check ((ticket_hash is null) = (revoked_at is not null))
);

-- A ticket names its person: no brand is known before.
create unique index calendar_feeds_by_ticket on calendar_feeds (ticket_hash);

-- The audit row of the version that the feed has just got. There is no event: a feed is somebody's key, as a token is.
create function audit_calendar_feed_v1(f calendar_feeds, p_action text, p_at timestamptz, p_client_id text, p_request_id text)
returns void language sql as $$
    insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed, actor_user_id, actor_client_id, request_id,
                           occurred_at)
    values (f.brand_id, 'calendar_feed', f.id, f.version, 'calendar_feed.' || p_action, '{ticket}', f.user_id, p_client_id, p_request_id,
            p_at)
$$;

-- POST /v1/me/calendar-feed. Of two at once one comes after the other, and the later one's ticket is the one that is good.
create function create_calendar_feed_v1(
    p_brand_id text, p_user_id text, p_id uuid, p_ticket_hash bytea, p_client_id text, p_request_id text
) returns void language plpgsql as $$
declare
    f    calendar_feeds;
    now_ timestamptz := date_trunc('milliseconds', clock_timestamp());
begin
    insert into calendar_feeds as known (brand_id, user_id, id, ticket_hash, created_at)
    values (p_brand_id, p_user_id, p_id, p_ticket_hash, now_)
    on conflict (brand_id, user_id) do update
        set ticket_hash = excluded.ticket_hash, version = known.version + 1, created_at = now_, revoked_at = null
    returning * into f;
    perform audit_calendar_feed_v1(f, 'created', now_, p_client_id, p_request_id);
end $$;

-- DELETE /v1/me/calendar-feed. Twice is once.
create function revoke_calendar_feed_v1(p_brand_id text, p_user_id text, p_client_id text, p_request_id text)
returns void language plpgsql as $$
declare
    f    calendar_feeds;
    now_ timestamptz := date_trunc('milliseconds', clock_timestamp());
begin
    update calendar_feeds set ticket_hash = null, revoked_at = now_, version = version + 1
    where brand_id = p_brand_id and user_id = p_user_id and ticket_hash is not null
    returning * into f;
    if f.id is not null then
        perform audit_calendar_feed_v1(f, 'revoked', now_, p_client_id, p_request_id);
    end if;
end $$;

-- Who co-hosts what, with the brand inside of each key: an array can share no index with a text.
create function co_host_keys_v1(p_brand_id text, p_user_ids text[]) returns text[] language sql immutable parallel safe as $$
    select array(select p_brand_id || e'\x1f' || user_id from unnest(p_user_ids) user_id)
$$;

create or replace function grant_service(service_role text) returns void language plpgsql as $$
begin
    execute format('grant usage on schema %I to %I', current_schema(), service_role);
    execute format('grant select, insert, update on sessions, registrations, tokens, brand_settings, sinks, questions, calendar_feeds to %I', service_role);
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
    execute format('grant select, insert, update on sessions, registrations, tokens, brand_settings, sinks, questions to %I', service_role);
    execute format('grant select, insert, update on calls, call_spans, connections, recordings, call_removals, chat_channels to %I', service_role);
    execute format('grant select, insert, update, delete on outbox, events, idempotency_keys, timers, watchers to %I', service_role);
    execute format('grant select, insert, delete on provider_inbox, votes to %I', service_role);
    execute format('grant select, insert on audit_log to %I', service_role);
    execute format('grant select, update on relay, chores to %I', service_role);
    execute format('grant select on public._pogo_migration to %I', service_role);
end $$;
drop function co_host_keys_v1, revoke_calendar_feed_v1, create_calendar_feed_v1, audit_calendar_feed_v1;
drop table calendar_feeds;
drop trigger sessions_matter_to_calendars on sessions;
drop function count_calendar_change;
alter table sessions drop column calendar_sequence;
