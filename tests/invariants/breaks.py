"""What breaks a promise of `greenroom check` in a healthy database."""

from tests.invariants.healthy import joined

OF_REGISTRATIONS = "a change of a registration has exactly one audit row and its event"
OF_BRANDS = "a change of a brand's settings has exactly one audit row and its event"
OF_QUESTIONS = "a change of a question has exactly one audit row and its event"
OF_VOTES = "votes are distinct voters"
OF_PINS = "the pinned question is one that everybody sees"
OF_FEEDS = "a change of a calendar feed has exactly one audit row"
OF_CALLS = "a session shows the call that it has, and a recording of it that is ready"

TOLD_TWICE = """
insert into outbox (id, name, brand_id, occurred_at, payload)
values (gen_random_uuid(), 'live.brand.updated.v1', 'acme', now(), '{"version": 1}')
"""

AUDITED_TWICE = """
alter table audit_log drop constraint audit_log_pkey;
insert into audit_log select * from audit_log where :promoted
"""

TOLD_AGAIN = """
insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
select gen_random_uuid(), name, brand_id, session_id, 2, now(), payload from all_events_any_brand_v1() where :told
"""

PINNED_TWICE = """
insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
select gen_random_uuid(), name, brand_id, session_id, 2, now(), payload from all_events_any_brand_v1()
where name = 'live.question.pinned.v1' and brand_id = 'other'
"""

# A vote that counts twice, where nothing holds it back.
VOTED_TWICE = """
alter table votes drop constraint votes_pkey;
insert into votes select * from votes where brand_id = 'acme' and user_id = 'guest:1' and question_id = (:pinned);
update questions set vote_count = vote_count + 1 where brand_id = 'acme' and id = (:pinned)
"""

# The audit row and the event of one promotion, and the pinned question, where a statement says so.
NAMED = {
    ":pinned": "select pinned_question_id from sessions where brand_id = 'acme'",
    ":promoted": "action = 'registration.promoted' and request_id = 'promoted_1 2'",
    ":told": "name = 'live.registration.promoted.v1' and payload ->> 'user_id' = 'promoted_1'",
}

# What breaks one promise, and as little else as can be.
BREAKS = {
    "registered_count is the number of registered rows": ["update sessions set registered_count = 5 where brand_id = 'acme'"],
    "no admission above the capacity stored with it": [
        "update registrations set capacity_at_admission = 3 where user_id = 'promoted_2'"
    ],
    "who waits longest is promoted first": ["update registrations set position = 9 where user_id = 'promoted_2'"],
    "waitlist_count is the number of waiting rows": ["update sessions set waitlist_count = 2 where brand_id = 'acme'"],
    "one active registration per person and session": [
        "drop index registrations_one_active_per_person",
        joined("in_line"),
    ],
    "nobody waits while a seat is free and the session is scheduled": ["update sessions set max_participants = 5"],
    "a change has exactly one audit row": ["update sessions set version = 3"],
    "a change has its event": ["delete from outbox where name = 'live.session.updated.v1'"],
    OF_REGISTRATIONS: ["update registrations set version = 2 where user_id = 'first'"],
    OF_BRANDS: ["update brand_settings set version = 3 where brand_id = 'acme'"],
    OF_CALLS: ["update calls set made_at = null where session_id is not null"],
    OF_VOTES: ["update questions set vote_count = 3 where id = (:pinned) and brand_id = 'acme'"],
    OF_PINS: ["update questions set status = 'dismissed' where id = (:pinned) and brand_id = 'acme'"],
    OF_QUESTIONS: ["update questions set version = 2 where position = 2"],
    OF_FEEDS: ["update calendar_feeds set version = 3"],
}

# The same promise, broken alone in another way.
ALSO_ALONE = [
    ("who waits longest is promoted first", "update registrations set admission = 7 where user_id = 'promoted_1'"),
    (
        "one active registration per person and session",
        "drop index registrations_one_active_per_guest;" + joined("guest:2", email="guest@EXAMPLE.com"),
    ),
    (OF_VOTES, VOTED_TWICE),
    (OF_PINS, "update sessions set pinned_question_id = gen_random_uuid() where brand_id = 'other'"),
    (OF_QUESTIONS, "delete from outbox where name = 'live.question.pinned.v1' and brand_id = 'other'"),
    (OF_FEEDS, "delete from audit_log where entity = 'calendar_feed' and entity_version = 1"),
    (OF_FEEDS, "update audit_log set brand_id = 'other' where entity = 'calendar_feed' and entity_version = 2"),
    (OF_FEEDS, "update calendar_feeds set version = 1"),
    (OF_FEEDS, "delete from calendar_feeds"),
]

MORE_BREAKS = [
    ("registered_count is the number of registered rows", "update sessions set registered_count = 0"),
    ("registered_count is the number of registered rows", "delete from registrations where user_id = 'first'"),
    (
        "registered_count is the number of registered rows",
        "update registrations set status = 'cancelled', cancelled_at = now() where user_id = 'first'",
    ),
    ("no admission above the capacity stored with it", "update registrations set capacity_at_admission = 1"),
    ("no admission above the capacity stored with it", joined("late", seat=7)),
    ("who waits longest is promoted first", "update registrations set position = 4 where user_id = 'in_line'"),
    ("waitlist_count is the number of waiting rows", "update sessions set waitlist_count = 0"),
    ("waitlist_count is the number of waiting rows", "delete from registrations where user_id = 'in_line'"),
    (
        "waitlist_count is the number of waiting rows",
        "update registrations set status = 'cancelled', cancelled_at = now() where user_id = 'in_line'",
    ),
    ("waitlist_count is the number of waiting rows", "update registrations set session_id = gen_random_uuid()"),
    (
        "nobody waits while a seat is free and the session is scheduled",
        "update sessions set registered_count = registered_count - 1",
    ),
    ("a change has exactly one audit row", "delete from audit_log where entity_version = 1"),
    (
        "a change has exactly one audit row",
        "update audit_log set entity_version = 3 where entity_version = 1 and entity = 'session'",
    ),
    ("a change has exactly one audit row", "delete from audit_log"),
    ("a change has its event", "delete from outbox"),
    ("a change has its event", "update outbox set brand_id = 'another'"),
    (OF_REGISTRATIONS, "delete from audit_log where :promoted"),
    (OF_REGISTRATIONS, "update audit_log set entity_version = 7 where :promoted"),
    (OF_REGISTRATIONS, "update audit_log set entity_id = gen_random_uuid() where :promoted"),
    (OF_REGISTRATIONS, "update audit_log set brand_id = 'another' where :promoted"),
    (OF_REGISTRATIONS, "update audit_log set entity = 'session' where :promoted"),
    (OF_REGISTRATIONS, AUDITED_TWICE),
    (OF_REGISTRATIONS, "delete from outbox where :told"),
    (OF_REGISTRATIONS, "update outbox set brand_id = 'another' where :told"),
    (OF_REGISTRATIONS, "update outbox set payload = payload || '{\"version\": 1}' where :told"),
    (OF_REGISTRATIONS, "update outbox set payload = payload - 'version' where :told"),
    (OF_REGISTRATIONS, "update outbox set payload = payload - 'registration_id' where :told"),
    (OF_REGISTRATIONS, TOLD_AGAIN),
    (OF_REGISTRATIONS, "delete from registrations where user_id = 'in_line'"),
    (OF_REGISTRATIONS, "update registrations set version = 1 where user_id = 'promoted_1'"),
    (OF_REGISTRATIONS, "update registrations set version = 0 where user_id = 'in_line'"),
    (OF_BRANDS, "delete from audit_log where entity = 'brand' and brand_id = 'acme' and entity_version = 1"),
    (OF_BRANDS, "update audit_log set entity_version = 7 where entity = 'brand' and brand_id = 'acme' and entity_version = 2"),
    (OF_BRANDS, "update audit_log set entity_id = gen_random_uuid() where entity = 'brand' and brand_id = 'other'"),
    (OF_BRANDS, "update audit_log set brand_id = 'another' where entity = 'brand' and brand_id = 'other'"),
    (OF_BRANDS, "delete from outbox where session_id is null and brand_id = 'other'"),
    (OF_BRANDS, "update outbox set payload = '{\"version\": 9}' where session_id is null and brand_id = 'other'"),
    (OF_BRANDS, "update outbox set payload = '{}' where session_id is null and brand_id = 'other'"),
    (OF_BRANDS, "update outbox set name = 'live.brand.changed.v1' where session_id is null and brand_id = 'other'"),
    (OF_BRANDS, TOLD_TWICE),
    (OF_BRANDS, "delete from brand_settings where brand_id = 'other'"),
    (OF_BRANDS, "update brand_settings set version = 0 where brand_id = 'other'"),
    (OF_BRANDS, "update brand_settings set version = 1 where brand_id = 'acme'"),
    (OF_CALLS, "update sessions set stream_call_id = null"),
    (OF_CALLS, "update sessions set stream_call_id = gen_random_uuid()::text where brand_id = 'acme'"),
    (OF_CALLS, "update sessions set recording_url = null"),
    (OF_CALLS, "update sessions set recording_url = 'https://recordings.example.com/2' where brand_id = 'acme'"),
    (OF_CALLS, "update calls set recording_url = null where session_id is not null"),
    (OF_CALLS, "update recordings set state = 'failed' where id = 'one'"),
    (OF_CALLS, "update recordings set url = 'https://recordings.example.com/2' where id = 'one'"),
    (OF_CALLS, "update recordings set brand_id = 'another' where id = 'one'"),
    (OF_CALLS, "delete from recordings"),
    (OF_VOTES, "delete from votes where brand_id = 'other'"),
    (OF_VOTES, "update votes set brand_id = 'other' where question_id = (:pinned) and user_id = 'guest:1'"),
    (OF_VOTES, "update votes set question_id = gen_random_uuid() where user_id = 'guest:1'"),
    (OF_VOTES, "update questions set vote_count = 0"),
    (OF_VOTES, "insert into votes values ('acme', gen_random_uuid(), 'first', now())"),
    (OF_VOTES, "insert into votes select brand_id, id, 'late', now() from questions where position = 2"),
    (OF_PINS, "update questions set status = 'pending' where id = (:pinned) and brand_id = 'other'"),
    (OF_PINS, "update questions set session_id = gen_random_uuid() where id = (:pinned)"),
    (OF_PINS, "delete from questions where id = (:pinned) and brand_id = 'other'"),
    (OF_PINS, "update sessions set pinned_question_id = (select id from questions where position = 2)"),
    (
        OF_PINS,
        "update sessions set pinned_question_id = (select id from questions where position = 4) where brand_id = 'other'",
    ),
    (OF_QUESTIONS, "delete from audit_log where request_id = 'question 3 2'"),
    (OF_QUESTIONS, "update audit_log set entity_version = 7 where request_id = 'question 3 2'"),
    (OF_QUESTIONS, "update audit_log set entity_id = gen_random_uuid() where request_id = 'question 3 2'"),
    (OF_QUESTIONS, "update audit_log set brand_id = 'another' where request_id = 'question 3 2'"),
    (OF_QUESTIONS, "update audit_log set entity = 'session' where request_id = 'question 3 2'"),
    (OF_QUESTIONS, "delete from outbox where name = 'live.question.asked.v1'"),
    (OF_QUESTIONS, "delete from outbox where name = 'live.question.dismissed.v1'"),
    (OF_QUESTIONS, "delete from outbox where name = 'live.question.unpinned.v1' and payload ->> 'question_id' like '%103'"),
    (OF_QUESTIONS, "update outbox set name = 'live.question.pinned.v1' where name = 'live.question.approved.v1'"),
    (OF_QUESTIONS, "update outbox set brand_id = 'another' where name = 'live.question.answered.v1'"),
    (OF_QUESTIONS, "update outbox set payload = payload || '{\"version\": 1}' where name = 'live.question.answered.v1'"),
    (OF_QUESTIONS, "update outbox set payload = payload - 'version' where name = 'live.question.answered.v1'"),
    (OF_QUESTIONS, "update outbox set payload = payload - 'question_id' where name = 'live.question.answered.v1'"),
    (OF_QUESTIONS, PINNED_TWICE),
    (OF_QUESTIONS, "delete from questions where position = 5"),
    (OF_QUESTIONS, "update questions set version = 1 where position = 3"),
    (OF_QUESTIONS, "update questions set version = 0 where position = 2"),
]


def spelled_out(statement: str) -> str:
    """The statement with what its names stand for."""
    for name, row in NAMED.items():
        statement = statement.replace(name, row)
    return statement
