-- how often a calendar has had to hear of a session
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

-- migrate: rollback

drop trigger sessions_matter_to_calendars on sessions;
drop function count_calendar_change;
alter table sessions drop column calendar_sequence;
