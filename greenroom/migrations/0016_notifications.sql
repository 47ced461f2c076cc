-- what people are told by mail: addresses, templates, messages, and who wants none
-- depends: 0015_webhooks

-- migrate: apply

-- Where somebody with an account is reached. A guest's address stands in the registration.
create table contacts (
    brand_id    text        not null,
    user_id     text        not null,
    id          uuid        not null unique,  -- for the audit, which wants a UUID
    email       text        not null check (char_length(email) <= 254),
    time_zone   text,
    version     integer     not null default 1,
    updated_at  timestamptz not null,
    primary key (brand_id, user_id)
);

-- Addresses that are sent nothing any more. By their hash: who is gone leaves no address behind, and stays left alone.
create table mail_stops (
    brand_id  text        not null,
    address   bytea       not null,
    reason    text        not null check (reason in ('bounced', 'unsubscribed')),
    since     timestamptz not null,
    primary key (brand_id, address)
);

-- What a brand says instead of the program.
create table mail_templates (
    brand_id    text        not null,
    kind        text        not null,
    id          uuid        not null unique,
    subject     text        not null,
    text        text        not null,
    html        text        not null,
    version     integer     not null default 1,
    updated_at  timestamptz not null,
    primary key (brand_id, kind)
);

-- One per registration, kind and version of the session: an event that is told twice writes no second. Nothing of a person but
-- the registration's id. `position` is that of the event, and the order in which a person is told. `shows` is the time that the
-- message names: what its reader knows once it is sent. `may_have_shown` are the times that it named when it was handed over and
-- nobody knows whether it was taken: a claim adds one, and who says for certain that nothing went out takes it back. No foreign key:
-- what is gone is judged when it would be sent.
create table messages (
    brand_id          text        not null,
    id                uuid        not null,
    registration_id   uuid        not null,
    session_id        uuid        not null,
    kind              text        not null,
    session_version   integer     not null,
    position          bigint      not null,
    state             text        not null default 'pending' check (state in ('pending', 'sent', 'dropped', 'failed')),
    why               text,
    due_at            timestamptz not null,
    leased_until      timestamptz not null default '-infinity',
    holder            uuid,
    attempts          integer     not null default 0,
    old_scheduled_at  timestamptz,
    scheduled_at      timestamptz,  -- that the event named
    shows             timestamptz,
    may_have_shown    timestamptz[] not null default '{}',
    created_at        timestamptz not null,
    sent_at           timestamptz,
    primary key (brand_id, id),
    unique (brand_id, registration_id, kind, session_version),
    check ((state = 'sent') = (sent_at is not null))
) with (fillfactor = 70);

create index messages_due on messages (due_at, position) where state = 'pending';
create index messages_by_age on messages (created_at);

-- What everybody of a session is to be told, and how far it has been written into `messages`: some hundred people at a time.
create table message_rounds (
    brand_id          text        not null,
    position          bigint      not null,  -- the event's
    session_id        uuid        not null,
    kind              text        not null,
    session_version   integer     not null,
    occurred_at       timestamptz not null,
    old_scheduled_at  timestamptz,
    scheduled_at      timestamptz,
    reached           bigint      not null default 0,
    primary key (brand_id, position)
);

insert into chores (name, every) values ('prune_messages', '1 minute');

-- Only what happens from now on is told: without this row the sink would begin with all the events that are kept.
insert into sinks (name, position) select 'notifications', r.position from relay r;

create function mail_address_v1(p_brand_id text, p_email text) returns bytea language sql immutable as $$
    select sha256(convert_to(p_brand_id || chr(10) || lower(p_email collate "C"), 'UTF8'))
$$;

-- PUT /v1/contacts/{user_id}, and what a token says of its holder (p_keeps_zone: one without a zone does not take it away).
-- Who manages says that a bounced address is good again (p_lifts). Outcomes: kept | unchanged
create function keep_contact_v1(
    p_brand_id text, p_user_id text, p_id uuid, p_email text, p_time_zone text, p_keeps_zone boolean, p_lifts boolean,
    p_by text, p_client_id text, p_request_id text,
    out outcome text, out email text, out time_zone text, out updated_at timestamptz, out stopped text
) language plpgsql as $$
declare
    was     contacts;
    c       contacts;
    changed text[];
begin
    if p_lifts then
        delete from mail_stops m where m.brand_id = p_brand_id and m.address = mail_address_v1(p_brand_id, p_email)
            and m.reason = 'bounced';
    end if;
    insert into contacts as x (brand_id, user_id, id, email, time_zone, updated_at)
    values (p_brand_id, p_user_id, p_id, p_email, p_time_zone, date_trunc('milliseconds', clock_timestamp()))
    on conflict on constraint contacts_pkey do nothing returning * into c;
    if c.id is not null then
        changed := '{email,time_zone}';
    else
        select * into was from contacts x where x.brand_id = p_brand_id and x.user_id = p_user_id for no key update;
        if was.id is null then  -- erased between the two
            insert into contacts as x (brand_id, user_id, id, email, time_zone, updated_at)
            values (p_brand_id, p_user_id, p_id, p_email, p_time_zone, date_trunc('milliseconds', clock_timestamp()))
            returning * into c;
            changed := '{email,time_zone}';
        else
            c := was;
            c.email := p_email;
            c.time_zone := case when p_keeps_zone then coalesce(p_time_zone, was.time_zone) else p_time_zone end;
            changed := array_remove(array[
                case when c.email <> was.email then 'email' end,
                case when c.time_zone is distinct from was.time_zone then 'time_zone' end], null);
            if changed <> '{}' then
                update contacts x set email = c.email, time_zone = c.time_zone, version = was.version + 1,
                    updated_at = next_updated_at_v1(was.updated_at)
                where x.brand_id = p_brand_id and x.user_id = p_user_id returning * into c;
            end if;
        end if;
    end if;
    if changed <> '{}' then
        insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed, actor_user_id, actor_client_id,
                               request_id, occurred_at)
        values (p_brand_id, 'contact', c.id, c.version, 'contact.kept', changed, p_by, p_client_id, p_request_id, c.updated_at);
    end if;
    outcome := case when changed = '{}' then 'unchanged' else 'kept' end;
    email := c.email;
    time_zone := c.time_zone;
    updated_at := c.updated_at;
    stopped := (select m.reason from mail_stops m where m.brand_id = p_brand_id and m.address = mail_address_v1(p_brand_id, c.email));
end $$;

-- DELETE /v1/contacts/{user_id}. Outcomes: erased | unchanged
create function erase_contact_v1(p_brand_id text, p_user_id text, p_by text, p_client_id text, p_request_id text)
returns text language plpgsql as $$
declare
    c contacts;
begin
    delete from contacts x where x.brand_id = p_brand_id and x.user_id = p_user_id returning * into c;
    if c.id is null then
        return 'unchanged';
    end if;
    insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed, actor_user_id, actor_client_id,
                           request_id, occurred_at)
    values (p_brand_id, 'contact', c.id, c.version + 1, 'contact.erased', '{email,time_zone}', p_by, p_client_id, p_request_id,
            date_trunc('milliseconds', clock_timestamp()));
    return 'erased';
end $$;

-- PUT /v1/brand/mail-templates/{kind}. Outcomes: kept | unchanged
create function keep_mail_template_v1(
    p_brand_id text, p_kind text, p_id uuid, p_subject text, p_text text, p_html text,
    p_by text, p_client_id text, p_request_id text, out outcome text, out updated_at timestamptz
) language plpgsql as $$
declare
    was mail_templates;
    t   mail_templates;
begin
    insert into mail_templates as x (brand_id, kind, id, subject, text, html, version, updated_at)
    values (p_brand_id, p_kind, p_id, '', '', '', 0, '-infinity') on conflict on constraint mail_templates_pkey do nothing;
    select * into was from mail_templates x where x.brand_id = p_brand_id and x.kind = p_kind for no key update;
    updated_at := was.updated_at;
    outcome := case when (was.subject, was.text, was.html) = (p_subject, p_text, p_html) then 'unchanged' else 'kept' end;
    if outcome = 'kept' then
        update mail_templates x set subject = p_subject, text = p_text, html = p_html, version = was.version + 1,
            updated_at = next_updated_at_v1(was.updated_at)
        where x.brand_id = p_brand_id and x.kind = p_kind returning * into t;
        insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed, actor_user_id, actor_client_id,
                               request_id, occurred_at)
        values (p_brand_id, 'mail_template', t.id, t.version, 'mail_template.kept', '{subject,text,html}', p_by, p_client_id,
                p_request_id, t.updated_at);
        updated_at := t.updated_at;
    end if;
end $$;

-- DELETE /v1/brand/mail-templates/{kind}. Outcomes: erased | unchanged
create function erase_mail_template_v1(p_brand_id text, p_kind text, p_by text, p_client_id text, p_request_id text)
returns text language plpgsql as $$
declare
    t mail_templates;
begin
    delete from mail_templates x where x.brand_id = p_brand_id and x.kind = p_kind returning * into t;
    if t.id is null then
        return 'unchanged';
    end if;
    insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed, actor_user_id, actor_client_id,
                           request_id, occurred_at)
    values (p_brand_id, 'mail_template', t.id, t.version + 1, 'mail_template.erased', '{subject,text,html}', p_by, p_client_id,
            p_request_id, date_trunc('milliseconds', clock_timestamp()));
    return 'erased';
end $$;

-- POST /v1/unsubscribe. Whoever asked for nothing more stays so, whatever bounces later.
create function stop_mail_v1(p_brand_id text, p_email text) returns void language sql as $$
    insert into mail_stops as known (brand_id, address, reason, since)
    values (p_brand_id, mail_address_v1(p_brand_id, p_email), 'unsubscribed', date_trunc('milliseconds', clock_timestamp()))
    on conflict (brand_id, address) do update set reason = excluded.reason, since = excluded.since where known.reason = 'bounced'
$$;

-- What events ask to be told: one person each (p_registration_ids), or everybody of a session (null), which makes a round.
-- p_versions: null is the session's version that the event has in `events`. Asked again it writes nothing twice.
create function plan_messages_any_brand_v1(
    p_positions bigint[], p_brand_ids text[], p_session_ids uuid[], p_registration_ids uuid[], p_kinds text[], p_versions integer[],
    p_olds timestamptz[], p_news timestamptz[]
) returns void language sql set enable_seqscan = off as $$
    with asked as materialized (
        select a.*, coalesce(a.version, e.session_version, 0) as of_version, coalesce(e.occurred_at, clock_timestamp()) as happened_at
        from unnest(p_positions, p_brand_ids, p_session_ids, p_registration_ids, p_kinds, p_versions, p_olds, p_news)
            as a (place, brand_id, session_id, registration_id, kind, version, old_time, new_time)
        left join events e on e.position = a.place
    ), rounds as (
        insert into message_rounds (brand_id, position, session_id, kind, session_version, occurred_at, old_scheduled_at, scheduled_at)
        select a.brand_id, a.place, a.session_id, a.kind, a.of_version, a.happened_at, a.old_time, a.new_time
        from asked a where a.registration_id is null
        on conflict do nothing
    )
    insert into messages (brand_id, id, registration_id, session_id, kind, session_version, position, due_at, scheduled_at, created_at)
    select a.brand_id, new_id_v1(), a.registration_id, a.session_id, a.kind, a.of_version, a.place, now_, a.new_time, now_
    from asked a cross join date_trunc('milliseconds', clock_timestamp()) now_ where a.registration_id is not null
    on conflict do nothing
$$;

-- Write the messages of up to p_most people of the oldest round; answers how many people were looked at, null without a round.
-- Who registered after it happened learned it then.
create function write_messages_any_brand_v1(p_most integer) returns integer language plpgsql
set enable_seqscan = off set plan_cache_mode = force_custom_plan as $$
declare
    round message_rounds;
    now_  timestamptz := date_trunc('milliseconds', clock_timestamp());
    seen  integer;
    last_ bigint;
begin
    select * into round from message_rounds x order by x.position limit 1 for no key update skip locked;
    if round.brand_id is null then
        return null;
    end if;
    with people as materialized (
        select p.* from (
            (select r.id, r.position, r.registered_at from registrations r
             where r.brand_id = round.brand_id and r.session_id = round.session_id and r.status = 'registered'
             and r.position > round.reached order by r.position limit p_most)
            union all
            (select r.id, r.position, r.registered_at from registrations r
             where r.brand_id = round.brand_id and r.session_id = round.session_id and r.status = 'waitlist'
             and r.position > round.reached and round.kind <> 'recording_ready' order by r.position limit p_most)
        ) p order by p.position limit p_most
    ), written as (
        insert into messages (brand_id, id, registration_id, session_id, kind, session_version, position, due_at,
                              old_scheduled_at, scheduled_at, created_at)
        select round.brand_id, new_id_v1(), p.id, round.session_id, round.kind, round.session_version, round.position, now_,
            round.old_scheduled_at, round.scheduled_at, now_
        from people p where p.registered_at < round.occurred_at
        on conflict do nothing
    )
    select count(*), max(p.position) into seen, last_ from people p;
    if seen < p_most then
        delete from message_rounds x where x.brand_id = round.brand_id and x.position = round.position;
    else
        update message_rounds x set reached = last_ where x.brand_id = round.brand_id and x.position = round.position;
    end if;
    return seen;
end $$;

-- Why a message is not sent, as things are; null: it holds. p_known_at: the time that the reader knows for certain.
-- p_called_off: whether the reader may believe that the session is cancelled; null where no cancellation is known of.
create function no_longer_holds_v1(
    m messages, s sessions, r registrations, p_known_at timestamptz, p_called_off boolean, p_now timestamptz
) returns text language sql immutable as $$
    select case
        when s.id is null or r.id is null then 'gone'
        when m.kind in ('left', 'removed') then case when s.status = 'ended' then 'over' end
        when m.kind = 'waitlisted' then case
            when r.status <> 'waitlist' then 'line_left' when s.status <> 'scheduled' then 'not_held' end
        when r.status = 'cancelled' then 'seat_given_up'
        when m.kind = 'moved' then case
            when s.status <> 'scheduled' then 'not_held'
            when m.scheduled_at <> s.scheduled_at then 'moved_again'
            when p_known_at = s.scheduled_at then 'known' end
        when m.kind = 'cancelled' then case when s.status <> 'cancelled' then 'reinstated' end
        when m.kind = 'reinstated' then case
            when s.status not in ('scheduled', 'live') then 'not_held'
            when not p_called_off then 'never_told' end
        when r.status <> 'registered' then 'no_seat'
        when m.kind in ('registered', 'promoted') then case when s.status not in ('scheduled', 'live') then 'not_held' end
        when m.kind in ('reminder_first', 'reminder_last') then case
            when m.scheduled_at <> s.scheduled_at then 'moved_again'
            when s.status <> 'scheduled' or s.scheduled_at <= p_now then 'begun' end
        when m.kind = 'recording_ready' then case when s.recording_url is null then 'no_recording' end
        else 'unknown_kind'
    end
$$;

-- Up to p_most messages that are due and hold, for p_lease, one of a registration at a time; what holds no longer is dropped, what
-- is older than p_patience given up, and both are answered with why. p_needs_address: there is nothing to send without one.
create function claim_messages_any_brand_v1(
    p_holder uuid, p_most integer, p_lease interval, p_patience interval, p_needs_address boolean, p_now timestamptz
) returns table (
    brand_id text, id uuid, registration_id uuid, session_id uuid, kind text, session_version integer, attempts integer,
    created_at timestamptz, why text, user_id text, is_guest boolean, is_waiting boolean, email text, time_zone text, title text, description text,
    scheduled_at timestamptz, old_scheduled_at timestamptz, duration_minutes integer, recording_url text, sequence integer,
    changed_at timestamptz, template_id uuid, template_version integer
) language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_custom_plan as $$
declare
    now_ timestamptz := coalesce(p_now, clock_timestamp());
begin
    -- Who claims sees who else has claimed: two messages of one registration are never under way together.
    if not pg_try_advisory_xact_lock(hashtextextended('greenroom messages', 0)) then
        return;
    end if;
    return query
        with due as materialized (
            select m.* from messages m where m.state = 'pending' and m.due_at <= now_
            order by m.due_at, m.position limit p_most for no key update skip locked
        ), first as materialized (
            select distinct on (d.brand_id, d.registration_id) d.* from due d
            where not exists (
                select from messages o where o.brand_id = d.brand_id and o.registration_id = d.registration_id
                and o.state = 'pending' and o.leased_until > now_ and o.leased_until < now_ + interval '1 hour' offset 0)
            order by d.brand_id, d.registration_id, d.position
        ), looked_up as materialized (
            select f.brand_id, f.id, f.kind, s as its_session, r as its_registration, c.email, c.time_zone,
                no_longer_holds_v1(f.m, s, r, case when doubt.shown is null then told.shows end, called_off.may_be_known, now_) as verdict,
                case when doubt.shown is null or told.shows <> (s).scheduled_at
                     then coalesce(told.shows, first_move.old_scheduled_at) else doubt.shown end as old_time,
                case when f.kind = 'cancelled' then coalesce(told.shows, (s).scheduled_at) else (s).scheduled_at end as shows,
                stop.reason as stopped, t.id as template_id, t.version as template_version,
                f.created_at < now_ - p_patience as is_old
            from (select x.*, x::messages as m from first x) f
            left join lateral (select z.* from sessions z where z.brand_id = f.brand_id and z.id = f.session_id offset 0) s on true
            left join lateral (select z.* from registrations z where z.brand_id = f.brand_id and z.id = f.registration_id offset 0) r on true
            left join lateral (
                select coalesce(r.guest_email, k.email) as email, k.time_zone from (select 1) one
                left join contacts k on k.brand_id = f.brand_id and k.user_id = r.user_id
            ) c on true
            left join lateral (
                select o.shows from messages o where o.brand_id = f.brand_id and o.registration_id = f.registration_id
                and o.state = 'sent' order by o.sent_at desc, o.position desc limit 1
            ) told on true
            left join lateral (  -- another time than it is, that the reader may know; not by what takes the session away
                select maybe.shown from messages o cross join unnest(o.may_have_shown) as maybe (shown)
                where o.brand_id = f.brand_id and o.registration_id = f.registration_id
                and o.kind not in ('cancelled', 'left', 'removed') and maybe.shown <> (s).scheduled_at
                order by o.position desc limit 1
            ) doubt on f.kind = 'moved'
            left join lateral (
                select o.old_scheduled_at from messages o where o.brand_id = f.brand_id and o.registration_id = f.registration_id
                and o.kind = 'moved' and (o.state = 'pending' or o.why = 'moved_again') order by o.position limit 1
            ) first_move on f.kind = 'moved'
            left join lateral (
                select bool_or(o.may_have_shown <> '{}' or (o.state = 'sent' and not exists (
                    select from messages b where b.brand_id = f.brand_id and b.registration_id = f.registration_id
                    and b.kind = 'reinstated' and b.state = 'sent' and (b.sent_at, b.position) > (o.sent_at, o.position)
                ))) as may_be_known
                from messages o where o.brand_id = f.brand_id and o.registration_id = f.registration_id
                and o.kind = 'cancelled' and o.position < f.position
            ) called_off on f.kind = 'reinstated'
            left join lateral (
                select z.reason from mail_stops z where z.brand_id = f.brand_id and z.address = mail_address_v1(f.brand_id, c.email) offset 0
            ) stop on true
            left join lateral (
                select z.id, z.version from mail_templates z
                where z.brand_id = f.brand_id and z.kind = case when f.kind like 'reminder%' then 'reminder' else f.kind end offset 0
            ) t on true
        ), judged as materialized (
            select l.*, case
                when l.verdict is not null then l.verdict
                when l.kind = 'moved' and l.old_time = (l.its_session).scheduled_at then 'known'
                when l.email is null and p_needs_address then 'no_address'
                when l.stopped is not null then l.stopped
                when l.is_old then 'gave_up' end as because
            from looked_up l
        ), marked as (
            update messages m set
                state = case when j.because is null then 'pending' when j.because = 'gave_up' then 'failed' else 'dropped' end,
                why = j.because,
                due_at = case when j.because is null then now_ + p_lease else m.due_at end,
                leased_until = case when j.because is null then now_ + p_lease else '-infinity' end,
                holder = case when j.because is null then p_holder end,
                shows = j.shows,
                -- What a process takes to its grave is in doubt. An event is asked for in the transaction that notes it, and never is.
                may_have_shown = case when j.because is null and p_needs_address then m.may_have_shown || j.shows
                                      else m.may_have_shown end
            from judged j where m.brand_id = j.brand_id and m.id = j.id
            returning m.*
        )
        select m.brand_id, m.id, m.registration_id, m.session_id, m.kind, m.session_version, m.attempts, m.created_at, j.because,
            (j.its_registration).user_id, (j.its_registration).guest_email is not null, (j.its_registration).status = 'waitlist',
            j.email, j.time_zone,
            (j.its_session).title, (j.its_session).description, m.shows, j.old_time, (j.its_session).duration_minutes,
            (j.its_session).recording_url, (j.its_session).calendar_sequence + (j.its_registration).version,
            greatest((j.its_session).updated_at, (j.its_registration).registered_at, (j.its_registration).promoted_at,
                     (j.its_registration).cancelled_at),
            j.template_id, j.template_version
        from marked m join judged j on j.brand_id = m.brand_id and j.id = m.id
        order by m.position;
end $$;

-- What became of messages that were claimed. `sent` and `bounced` are true whoever has the message by now; the rest is for its
-- holder to say. A payload is told as an event in this transaction. All but `unsure` say for certain whether this attempt went out.
-- One that is sent again in other words may be taken for the one before, so what else it may have shown stays.
-- Outcomes in: sent | bounced | failed | deferred | unsure | released
create function settle_messages_any_brand_v1(
    p_holder uuid, p_brand_ids text[], p_ids uuid[], p_outcomes text[], p_whys text[], p_pauses interval[], p_emails text[],
    p_event_ids uuid[], p_event_names text[], p_payloads text[], p_now timestamptz
) returns bigint language sql set enable_seqscan = off as $$
    with told as materialized (
        select t.*, date_trunc('milliseconds', coalesce(p_now, clock_timestamp())) as now_
        from unnest(p_brand_ids, p_ids, p_outcomes, p_whys, p_pauses, p_emails, p_event_ids, p_event_names, p_payloads)
            with ordinality as t (brand_id, id, outcome, why, pause, email, event_id, event_name, payload, place)
    ), settled as (
        update messages m set
            state = case t.outcome when 'sent' then 'sent' when 'bounced' then 'failed' when 'failed' then 'failed' else 'pending' end,
            why = t.why,
            sent_at = case when t.outcome = 'sent' then t.now_ end,
            may_have_shown = case t.outcome
                when 'unsure' then m.may_have_shown when 'sent' then array_remove(m.may_have_shown, m.shows)
                else m.may_have_shown[:cardinality(m.may_have_shown) - 1] end,
            attempts = m.attempts + (t.outcome <> 'released')::integer,
            due_at = t.now_ + coalesce(t.pause, interval '0'),
            leased_until = '-infinity',
            holder = null
        from told t
        where m.brand_id = t.brand_id and m.id = t.id and m.state = 'pending'
            and (m.holder = p_holder or t.outcome in ('sent', 'bounced'))
        returning t.*
    ), stopped as (
        insert into mail_stops (brand_id, address, reason, since)
        select distinct on (x.brand_id, x.email) x.brand_id, mail_address_v1(x.brand_id, x.email), 'bounced', x.now_
        from settled x where x.outcome = 'bounced' on conflict do nothing
    ), asked as (
        insert into outbox (id, name, brand_id, occurred_at, payload)
        select x.event_id, x.event_name, x.brand_id, x.now_, x.payload::jsonb from settled x where x.payload is not null order by x.place
    )
    select count(*) from settled
$$;

-- Forget up to p_most messages that are older and have come to an end; answers how many.
create function forget_messages_any_brand_v1(p_most integer, p_age interval) returns bigint language sql
set enable_seqscan = off as $$
    with old as materialized (
        select m.brand_id, m.id from messages m where m.created_at < clock_timestamp() - p_age and m.state <> 'pending'
        order by m.created_at limit p_most
    ), gone as (
        delete from messages m using old o where m.brand_id = o.brand_id and m.id = o.id returning 1
    )
    select count(*) from gone
$$;

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

-- migrate: rollback

create or replace function grant_service(service_role text) returns void language plpgsql as $$
begin
    execute format('grant usage on schema %I to %I', current_schema(), service_role);
    execute format('grant select, insert, update on sessions, registrations, tokens, brand_settings, sinks, questions, calendar_feeds to %I', service_role);
    execute format('grant select, insert, update on calls, call_spans, connections, recordings, call_removals, chat_channels to %I', service_role);
    execute format('grant select, insert, update, delete on outbox, events, idempotency_keys, timers, watchers to %I', service_role);
    execute format('grant select, insert, update, delete on webhook_endpoints, webhook_deliveries to %I', service_role);
    execute format('grant select, insert, delete on provider_inbox, votes to %I', service_role);
    execute format('grant select, insert on audit_log to %I', service_role);
    execute format('grant select, update on relay, chores to %I', service_role);
    execute format('grant select on public._pogo_migration to %I', service_role);
end $$;
delete from sinks where name = 'notifications';
delete from chores where name = 'prune_messages';
drop function forget_messages_any_brand_v1, settle_messages_any_brand_v1, claim_messages_any_brand_v1, no_longer_holds_v1,
    write_messages_any_brand_v1, plan_messages_any_brand_v1, stop_mail_v1, erase_mail_template_v1, keep_mail_template_v1,
    erase_contact_v1, keep_contact_v1, mail_address_v1;
drop table message_rounds, messages, mail_templates, mail_stops, contacts;
