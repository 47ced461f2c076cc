"""Each kind of mail, from what happens to what arrives."""

from datetime import UTC, datetime, timedelta

import pytest

from greenroom.kit.ids import new_id
from greenroom.notifications.composing import METHODS
from tests.notifications.office import PUBLIC_URL, SENDER, Office
from tests.notifications.post import Mail, Post

REMOVE = "select outcome from remove_registration_v1($1, $2, $3, 'host_1', false, 'test', 'r', $4)"
RECORDED = "update sessions set recording_url = $3, revision = revision + 1 where brand_id = $1 and id = $2"
READY = """
insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
select $3, 'live.recording.ready.v1', s.brand_id, s.id, s.version, clock_timestamp(), jsonb_build_object('session_id', s.id,
    'call_id', s.id, 'recording_id', $4::text, 'recording_url', s.recording_url, 'ready_at', wire_time_v1(clock_timestamp()))
from sessions s where s.brand_id = $1 and s.id = $2
"""
REGISTRATION = "select id from registrations where session_id = $1 and user_id = $2"
SEQUENCE = """
select s.calendar_sequence + r.version from sessions s join registrations r on r.session_id = s.id
where s.id = $1 and r.user_id = $2
"""


def is_whole(mail: Mail, *, method: str | None) -> bool:
    """Whether it has the headers and parts that every mail has; with an invitation, or without one."""
    message = mail.message
    assert message["From"] == SENDER
    assert message["To"] == mail.to
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"].startswith(f"<{PUBLIC_URL}/v1/unsubscribe?ticket=")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["MIME-Version"] == "1.0"
    assert not message.defects
    assert "{" not in mail.text + mail.html
    if method is None:
        assert mail.types == ["multipart/alternative", "text/plain", "text/html"]
        return True
    assert mail.types == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar", "application/ics",
    ]  # fmt: skip
    invited = next(part for part in message.walk() if part.get_content_type() == "text/calendar")
    assert invited.get_param("method") == method
    attached = next(part for part in message.walk() if part.get_content_type() == "application/ics")
    assert attached.get_filename() == "invite.ics"
    assert attached.get_payload(decode=True) == invited.get_payload(decode=True)
    assert mail.invitation["METHOD"] == method
    return True


async def test_who_takes_a_seat_is_told_so(office: Office, post: Post) -> None:
    session = await office.session("ada", tell=False)
    await office.deliver()
    (mail,) = post.taken
    assert is_whole(mail, method="REQUEST")
    assert (mail.to, mail.subject) == ("ada@example.com", "You are registered: Ask us")
    assert f"https://app.example.com/live/{session}" in mail.text
    assert await office.messages(session) == [("registered", "sent", None)]


async def test_who_waits_is_told_so_and_the_calendar_is_not_sure(office: Office, post: Post) -> None:
    await office.session("ada", "bob", seats=1, tell=False)
    await office.deliver()
    (mail,) = post.to("bob@example.com")
    assert is_whole(mail, method="REQUEST")
    assert mail.subject == "You are in line: Ask us"
    assert mail.event["STATUS"] == "TENTATIVE"
    assert mail.event["ATTENDEE"].params["PARTSTAT"] == "TENTATIVE"


async def test_who_moves_up_is_told_so(office: Office, post: Post) -> None:
    session = await office.session("ada", "bob", seats=1)
    await office.stage.leave(session, "ada")
    await office.deliver()
    (mail,) = post.to("bob@example.com")
    assert is_whole(mail, method="REQUEST")
    assert mail.subject == "A seat is yours: Ask us"
    assert mail.event["STATUS"] == "CONFIRMED"


async def test_who_leaves_has_the_entry_taken_out_of_the_calendar(office: Office, post: Post) -> None:
    session = await office.session("ada")
    await office.stage.leave(session, "ada")
    await office.deliver()
    (mail,) = post.taken
    assert is_whole(mail, method="CANCEL")
    assert mail.subject == "You gave up your place: Ask us"


async def test_who_is_removed_has_the_entry_taken_out_of_the_calendar(office: Office, post: Post) -> None:
    session = await office.session("ada")
    registration = await office.stage.owner.fetchval(REGISTRATION, session, "ada")
    assert await office.stage.owner.fetchval(REMOVE, office.stage.brand, session, registration, new_id()) == "removed"
    await office.deliver()
    (mail,) = post.taken
    assert is_whole(mail, method="CANCEL")
    assert mail.subject == "You are no longer registered: Ask us"


async def test_a_move_names_both_times_and_moves_the_entry(office: Office, post: Post) -> None:
    session = await office.session("ada", at=datetime(2027, 3, 1, 17, tzinfo=UTC))
    await office.stage.move(session, datetime(2027, 3, 2, 18, 30, tzinfo=UTC))
    await office.deliver()
    (mail,) = post.taken
    assert is_whole(mail, method="REQUEST")
    for words in (mail.text, mail.html):
        assert "New time: Tuesday, 2 March 2027, 18:30 (UTC)" in words
        assert "Old time: Monday, 1 March 2027, 17:00 (UTC)" in words
    assert mail.event.decoded("DTSTART") == datetime(2027, 3, 2, 18, 30, tzinfo=UTC)


async def test_who_waits_is_told_of_a_move_too(office: Office, post: Post) -> None:
    session = await office.session("ada", "bob", seats=1)
    await office.stage.move(session, office.stage.now + timedelta(days=3))
    await office.deliver()
    (mail,) = post.to("bob@example.com")
    assert "You keep your place in line." in mail.text


async def test_a_cancellation_takes_the_entry_out_of_the_calendar(office: Office, post: Post) -> None:
    session = await office.session("ada")
    await office.stage.step(session, "cancel")
    await office.deliver()
    (mail,) = post.taken
    assert is_whole(mail, method="CANCEL")
    assert mail.subject == "Cancelled: Ask us"
    assert mail.event["STATUS"] == "CANCELLED"


async def test_who_was_told_of_a_cancellation_is_told_that_it_is_held_after_all(office: Office, post: Post) -> None:
    session = await office.session("ada")
    await office.stage.step(session, "cancel")
    await office.deliver()
    await office.stage.administer(session, status="scheduled")
    await office.deliver()
    mail = post.taken[-1]
    assert is_whole(mail, method="REQUEST")
    assert mail.subject == "It is held after all: Ask us"


@pytest.mark.parametrize(
    ("before", "reminder"), [(timedelta(hours=24), "reminder_first"), (timedelta(minutes=10), "reminder_last")]
)
async def test_who_has_a_seat_is_reminded_without_another_invitation(
    office: Office, post: Post, before: timedelta, reminder: str
) -> None:
    session = await office.session("ada", "bob", seats=1, at=office.stage.now + timedelta(days=3))
    await office.remind(office.stage.now + timedelta(days=3) - before)
    await office.send()
    (mail,) = post.taken
    assert is_whole(mail, method=None)
    assert (mail.to, mail.subject) == ("ada@example.com", "Soon: Ask us")
    assert (reminder, "sent", None) in await office.messages(session)


async def test_who_had_a_seat_is_told_where_the_recording_is(office: Office, post: Post) -> None:
    session = await office.session("ada", "bob", seats=1)
    await office.stage.step(session, "start")
    await office.stage.step(session, "end")
    await office.stage.owner.execute(RECORDED, office.stage.brand, session, "https://media.example.com/1.mp4")
    for recording in ("first", "second"):
        await office.stage.owner.execute(READY, office.stage.brand, session, new_id(), recording)
    await office.deliver()
    (mail,) = post.taken
    assert is_whole(mail, method=None)
    assert mail.to == "ada@example.com"
    assert "Watch: https://media.example.com/1.mp4" in mail.text


async def test_each_has_a_mail_of_their_own(office: Office, post: Post) -> None:
    session = await office.session("ada", "bob", "eve")
    await office.stage.move(session, office.stage.now + timedelta(days=3))
    await office.deliver()
    assert sorted(mail.recipients for mail in post.taken) == [["ada@example.com"], ["bob@example.com"], ["eve@example.com"]]
    assert {str(mail.message["To"]) for mail in post.taken} == {mail.to for mail in post.taken}
    assert {str(mail.event["ATTENDEE"]) for mail in post.taken} == {f"mailto:{mail.to}" for mail in post.taken}


async def test_a_guest_is_told_at_the_registrations_own_address_and_joins_by_a_link(office: Office, post: Post) -> None:
    session = await office.session()
    await office.guest(session, "Guest@Example.com")
    await office.deliver()
    (mail,) = post.taken
    assert mail.to == "Guest@Example.com"
    assert f"Join: {PUBLIC_URL}/v1/guest-links/" in mail.text


async def test_an_entry_keeps_its_uid_and_its_sequence_rises_with_what_matters(office: Office, post: Post) -> None:
    session = await office.session("ada", "bob", seats=1, tell=False)
    await office.deliver()
    await office.stage.move(session, office.stage.now + timedelta(days=3))
    await office.deliver()
    await office.stage.leave(session, "ada")
    await office.deliver()
    await office.stage.step(session, "cancel")
    await office.deliver()
    registration = await office.stage.owner.fetchval(REGISTRATION, session, "bob")
    sequences = [int(str(mail.event["SEQUENCE"])) for mail in post.to("bob@example.com")]
    assert [mail.subject.partition(":")[0] for mail in post.to("bob@example.com")] == [
        "You are in line", "Moved", "A seat is yours", "Cancelled",
    ]  # fmt: skip
    assert {str(mail.event["UID"]) for mail in post.to("bob@example.com")} == {str(registration)}
    assert sequences == sorted(set(sequences))
    assert sequences[-1] == await office.stage.owner.fetchval(SEQUENCE, session, "bob")


async def test_the_organizer_is_who_the_mail_comes_from(office: Office, post: Post) -> None:
    await office.session("ada", tell=False)
    await office.deliver()
    assert str(post.taken[0].event["ORGANIZER"]) == f"mailto:{SENDER}"


def test_what_a_calendar_is_asked_is_the_method_of_its_kind() -> None:
    assert {kind for kind, method in METHODS.items() if method == "CANCEL"} == {"cancelled", "left", "removed"}
