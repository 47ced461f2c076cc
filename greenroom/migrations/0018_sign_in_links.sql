-- links that sign a browser in once
-- depends: 0017_co_hosts

-- migrate: apply

-- A link is a secret that is kept nowhere: only its hash is. Good once, for some minutes.
create table sign_in_links (
    code_hash  bytea       not null primary key,
    brand_id   text        not null,
    user_id    text        not null,
    scope      text        not null,
    email      text,
    time_zone  text,
    leads_to   text        not null,
    expires_at timestamptz not null,
    used_at    timestamptz
);
create index sign_in_links_expired on sign_in_links (expires_at);

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

-- migrate: rollback

create or replace function grant_service(service_role text) returns void language plpgsql as $$
begin
    execute format('grant usage on schema %I to %I', current_schema(), service_role);
    execute format('grant select, insert, update on sessions, registrations, tokens, brand_settings, sinks, questions, calendar_feeds to %I', service_role);
    execute format('grant select, insert, update on calls, call_spans, connections, recordings, call_removals, chat_channels to %I', service_role);
    execute format('grant select, insert, update, delete on outbox, events, idempotency_keys, timers, watchers to %I', service_role);
    execute format('grant select, insert, update, delete on webhook_endpoints, webhook_deliveries to %I', service_role);
    execute format('grant select, insert, update, delete on contacts, mail_stops, mail_templates, messages, message_rounds to %I', service_role);
    execute format('grant select, insert, delete on provider_inbox, votes to %I', service_role);
    execute format('grant select, insert on audit_log to %I', service_role);
    execute format('grant select, update on relay, chores to %I', service_role);
    execute format('grant select on public._pogo_migration to %I', service_role);
end $$;
drop table sign_in_links;
