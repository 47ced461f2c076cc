"""What no longer holds is not told: each message is judged by the rows as they are when it would be sent."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest
from msgspec import Struct

from greenroom.kit.ids import new_id
from tests.notifications.office import Office
from tests.notifications.post import Post
from tests.timers.stage import without

Change = Callable[[Office, UUID], Awaitable[None]]

REMOVE = """
select outcome from remove_registration_v1($1, $2, (select id from registrations where session_id = $2 and user_id = 'ada'),
    'host_1', false, 'test', 'r', $3)
"""
LOST = "update sessions set recording_url = null, revision = revision + 1 where brand_id = $1 and id = $2"


class Case(Struct, frozen=True):
    """What is planned, and what happens before it is sent."""

    planned: Change
    then: Change
    kind: str
    why: str


async def nothing(_office: Office, _session: UUID) -> None:
    """As it is."""


async def registers(office: Office, session: UUID) -> None:
    await office.contact("eve")
    await office.stage.register(session, "eve")


async def fills(office: Office, session: UUID) -> None:
    await office.contact("eve")
    await office.stage.enlarge(session, 1)
    await office.stage.register(session, "eve")


async def makes_room(office: Office, session: UUID) -> None:
    await office.stage.enlarge(session, 5)


async def promoted(office: Office, session: UUID) -> None:
    await fills(office, session)
    await office.deliver()
    await makes_room(office, session)


async def eve_leaves(office: Office, session: UUID) -> None:
    await office.stage.leave(session, "eve")


async def ada_leaves(office: Office, session: UUID) -> None:
    await office.stage.leave(session, "ada")


async def moves(office: Office, session: UUID) -> None:
    await office.stage.move(session, office.stage.now + timedelta(days=3))


async def moves_again(office: Office, session: UUID) -> None:
    await office.stage.move(session, office.stage.now + timedelta(days=4))


async def cancels(office: Office, session: UUID) -> None:
    await office.stage.step(session, "cancel")


async def reinstates(office: Office, session: UUID) -> None:
    await office.stage.administer(session, status="scheduled")


async def cancels_and_tells_nobody(office: Office, session: UUID) -> None:
    await cancels(office, session)
    await office.plan()
    await reinstates(office, session)


async def called_off_and_on(office: Office, session: UUID) -> None:
    await cancels(office, session)
    await office.deliver()
    await reinstates(office, session)


async def starts(office: Office, session: UUID) -> None:
    await office.stage.step(session, "start")


async def ends(office: Office, session: UUID) -> None:
    await starts(office, session)
    await office.stage.step(session, "end")


async def reminds(office: Office, _session: UUID) -> None:
    await office.remind(office.stage.now + timedelta(days=1))


async def begins(office: Office, _session: UUID) -> None:
    office.now = office.stage.now + timedelta(days=2)


CASES = {
    "a seat that was given up": Case(registers, eve_leaves, "registered", "seat_given_up"),
    "a seat in what was cancelled": Case(registers, cancels, "registered", "not_held"),
    "a seat in what is over": Case(registers, ends, "registered", "not_held"),
    "a place in line that became a seat": Case(fills, makes_room, "waitlisted", "line_left"),
    "a place in line that was given up": Case(fills, eve_leaves, "waitlisted", "line_left"),
    "a place in line of what has begun": Case(fills, starts, "waitlisted", "not_held"),
    "a promotion that was given up": Case(promoted, eve_leaves, "promoted", "seat_given_up"),
    "a promotion in what was cancelled": Case(promoted, cancels, "promoted", "not_held"),
    "a move of what was cancelled": Case(moves, cancels, "moved", "not_held"),
    "a move of what has begun": Case(moves, starts, "moved", "not_held"),
    "a move after which there was another": Case(moves, moves_again, "moved", "moved_again"),
    "a move for who has left": Case(moves, ada_leaves, "moved", "seat_given_up"),
    "a cancellation that was taken back": Case(cancels, reinstates, "cancelled", "reinstated"),
    "a cancellation for who has left": Case(cancels, ada_leaves, "cancelled", "seat_given_up"),
    "what nobody was told is taken back": Case(cancels_and_tells_nobody, nothing, "reinstated", "never_told"),
    "what was called off once more": Case(called_off_and_on, cancels, "reinstated", "not_held"),
    "a reminder of what has begun": Case(reminds, begins, "reminder_first", "begun"),
    "a reminder of what was started early": Case(reminds, starts, "reminder_first", "begun"),
    "a reminder of what was moved": Case(reminds, moves, "reminder_first", "moved_again"),
    "a reminder of what was cancelled": Case(reminds, cancels, "reminder_first", "begun"),
    "a reminder for who has left": Case(reminds, ada_leaves, "reminder_first", "seat_given_up"),
}


async def sent_in(office: Office, session: UUID, kind: str) -> tuple[str, str | None]:
    """State and why of the last message of a kind."""
    (*_, last) = [(state, why) for its_kind, state, why in await office.messages(session) if its_kind == kind]
    return last


@pytest.mark.parametrize("name", CASES)
async def test_what_no_longer_holds_is_not_told(office: Office, name: str) -> None:
    case = CASES[name]
    session = await office.session("ada")
    await case.planned(office, session)
    await office.plan()
    await case.then(office, session)
    await office.send()
    assert await sent_in(office, session, case.kind) == ("dropped", case.why)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.why != "never_told"])
async def test_the_same_is_told_where_nothing_came_between(office: Office, name: str) -> None:
    case = CASES[name]
    session = await office.session("ada")
    await case.planned(office, session)
    await office.deliver()
    assert await sent_in(office, session, case.kind) == ("sent", None)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.then is not nothing])
async def test_it_is_the_judgement_that_keeps_it_from_being_told(office: Office, name: str) -> None:
    """The guard is off: everything is told, whatever came between."""
    await without(office.stage.owner, "no_longer_holds_v1", "select case\n", "select case when true then null\n")
    case = CASES[name]
    session = await office.session("ada")
    await case.planned(office, session)
    await office.plan()
    await case.then(office, session)
    await office.send()
    assert await sent_in(office, session, case.kind) == ("sent", None)


async def test_a_second_move_before_the_first_was_told_is_one_mail_from_the_first_time_to_the_last(
    office: Office, post: Post
) -> None:
    session = await office.session("ada")
    await moves(office, session)
    await moves_again(office, session)
    await office.deliver()
    (mail,) = post.taken
    assert f"Old time: {_shown(office, 2)}" in mail.text
    assert f"New time: {_shown(office, 4)}" in mail.text


async def test_a_second_move_while_the_first_waits_for_the_server_is_one_mail(office: Office, post: Post) -> None:
    session = await office.session("ada")
    await moves(office, session)
    post.rcpt_to = lambda _: "451 4.3.0 later"
    await office.deliver()
    await moves_again(office, session)
    post.rcpt_to = lambda _: None
    await office.deliver()
    await office.due_again()
    await office.send()
    (mail,) = post.taken
    assert f"Old time: {_shown(office, 2)}" in mail.text
    assert f"New time: {_shown(office, 4)}" in mail.text


async def test_two_moves_are_one_mail_for_who_was_never_told_of_the_session(office: Office, post: Post) -> None:
    session = await office.session("ada")
    await office.stage.owner.execute("delete from messages")  # as for who registered before there was mail
    await moves(office, session)
    await moves_again(office, session)
    await office.deliver()
    (mail,) = post.taken
    assert f"Old time: {_shown(office, 2)}" in mail.text
    assert f"New time: {_shown(office, 4)}" in mail.text


async def test_moves_that_end_where_they_began_are_not_told(office: Office, post: Post) -> None:
    session = await office.session("ada")
    await moves(office, session)
    await office.plan()
    await office.stage.move(session, office.stage.now + timedelta(days=2))
    await office.deliver()
    assert post.taken == []
    assert await sent_in(office, session, "moved") == ("dropped", "known")


async def test_who_is_first_told_of_the_seat_after_the_move_is_told_the_new_time_once(office: Office, post: Post) -> None:
    session = await office.session()
    await registers(office, session)
    await moves(office, session)
    await office.deliver()
    (mail,) = post.taken
    assert mail.subject.startswith("You are registered")
    assert _shown(office, 3) in mail.text


async def test_who_registers_after_a_move_is_not_told_of_it(office: Office, post: Post) -> None:
    session = await office.session("ada")
    await moves(office, session)
    await registers(office, session)
    await office.deliver()
    assert [mail.subject.partition(":")[0] for mail in post.to("eve@example.com")] == ["You are registered"]


async def test_a_cancellation_names_the_time_that_its_reader_knows(office: Office, post: Post) -> None:
    session = await office.session("ada")
    await moves(office, session)
    await cancels(office, session)
    await office.deliver()
    (mail,) = post.taken
    assert f"It was to begin on {_shown(office, 2)}" in mail.text


async def test_what_is_held_after_all_at_another_time_is_one_mail(office: Office, post: Post) -> None:
    session = await office.session("ada")
    await cancels(office, session)
    await office.deliver()
    await office.stage.administer(session, status="scheduled", at=office.stage.now + timedelta(days=3))
    await office.deliver()
    (_, mail) = post.taken
    assert mail.subject.startswith("It is held after all")
    assert _shown(office, 3) in mail.text


async def test_a_removal_after_leaving_is_not_told_again(office: Office, post: Post) -> None:
    session = await office.session("ada")
    await ada_leaves(office, session)
    assert await office.stage.owner.fetchval(REMOVE, office.stage.brand, session, new_id()) == "removed"
    await office.deliver()
    assert [mail.subject.partition(":")[0] for mail in post.taken] == ["You gave up your place"]


async def test_who_has_no_address_is_told_nothing(office: Office, post: Post) -> None:
    session = await office.session()
    await office.stage.register(session, "nobody")
    await office.deliver()
    assert post.taken == []
    assert await sent_in(office, session, "registered") == ("dropped", "no_address")


async def test_what_could_not_be_told_for_a_day_is_given_up(office: Office, post: Post) -> None:
    session = await office.session("ada")
    await moves(office, session)
    await office.plan()
    await office.stage.owner.execute(
        "update messages set created_at = created_at - interval '25 hours' where state = 'pending'"
    )
    await office.send()
    assert post.taken == []
    assert await sent_in(office, session, "moved") == ("failed", "gave_up")


def _shown(office: Office, days: int) -> str:
    instant = office.stage.now + timedelta(days=days)
    return f"{instant:%A}, {instant.day} {instant:%B} {instant.year}, {instant:%H:%M} (UTC)"
