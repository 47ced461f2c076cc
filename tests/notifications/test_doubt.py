"""While nobody knows whether a message arrived, what would correct it is told; where it is certain, things are as ever."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest

from greenroom.kit.ids import new_id
from greenroom.notifications import mailing, queries, smtp
from tests.notifications.office import Office
from tests.notifications.post import Post

Attempt = Callable[[Office, Post, pytest.MonkeyPatch], Awaitable[None]]

SHOWN = "select kind, cardinality(may_have_shown) from messages where session_id = $1 order by position"


async def hung(office: Office, post: Post) -> None:
    """Sent to a server that takes it, and says so when nobody waits any more."""
    slow = office.another_mailing()
    post.hangs = asyncio.Event()
    await slow.send_due()
    post.hangs.set()
    await slow.close()
    post.hangs = None


async def whose_answer_is_lost(office: Office, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """One answer is awaited for too long."""
    monkeypatch.setattr(smtp, "SECONDS", 0.3)
    await hung(office, post)


async def whose_handover_lasts(office: Office, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """All answers together are."""
    monkeypatch.setattr(smtp, "HANDOVER_SECONDS", 0.3)
    await hung(office, post)


async def whose_process_is_killed(office: Office, _post: Post, _monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the handover and the note: what is left is a claim."""
    claimed = await queries.claim_any_brand(
        office.stage.db, new_id(), most=10, lease=mailing.LEASE, patience=mailing.PATIENCE, needs_address=True, now=None
    )
    assert [one.why for one in claimed] == [None]


async def that_is_refused_for_now(office: Office, post: Post, _monkeypatch: pytest.MonkeyPatch) -> None:
    """And so for certain is not taken."""
    post.data = lambda _: "451 4.3.0 not now"
    await office.send()
    post.data = lambda _: None


async def that_finds_no_recipient_for_now(office: Office, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is lost before there was a message."""
    monkeypatch.setattr(smtp, "SECONDS", 0.3)
    slow = office.another_mailing()
    post.pauses_rcpt = 1.0
    await slow.send_due()
    post.pauses_rcpt = 0.0
    await slow.close()


async def that_is_given_back(office: Office, _post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has begun with it."""
    with monkeypatch.context() as patched:
        patched.setattr(mailing, "FRESH_SECONDS", 0.0)
        await office.another_mailing().send_due()


UNSURE = [whose_answer_is_lost, whose_handover_lasts, whose_process_is_killed]
CERTAIN = [that_is_refused_for_now, that_finds_no_recipient_for_now, that_is_given_back]


async def moved(office: Office, session: UUID, days: int) -> None:
    """To another day; that it is to be told is written down."""
    await office.stage.move(session, office.stage.now + timedelta(days=days))
    await office.plan()


async def called_off(office: Office, session: UUID) -> None:
    """Likewise."""
    await office.stage.step(session, "cancel")
    await office.plan()


async def held_after_all(office: Office, session: UUID) -> None:
    """Likewise."""
    await office.stage.administer(session, status="scheduled")
    await office.plan()


async def rest_of(office: Office, session: UUID) -> list[tuple[str, str, str | None]]:
    """What became of all that was left, but the first."""
    await office.due_again()
    await office.send()
    return (await office.messages(session))[1:]


@pytest.mark.parametrize("attempt", UNSURE)
async def test_who_may_know_of_a_move_is_told_that_it_was_taken_back(
    office: Office, post: Post, monkeypatch: pytest.MonkeyPatch, attempt: Attempt
) -> None:
    session = await office.session("ada")
    await moved(office, session, 3)
    await attempt(office, post, monkeypatch)
    post.taken.clear()
    await moved(office, session, 2)
    assert await rest_of(office, session) == [("moved", "dropped", "moved_again"), ("moved", "sent", None)]
    (mail,) = post.taken
    assert f"Old time: {_shown(office, 3)}" in mail.text
    assert f"New time: {_shown(office, 2)}" in mail.text


@pytest.mark.parametrize("attempt", CERTAIN)
async def test_who_cannot_know_of_a_move_is_told_nothing_when_it_was_taken_back(
    office: Office, post: Post, monkeypatch: pytest.MonkeyPatch, attempt: Attempt
) -> None:
    session = await office.session("ada")
    await moved(office, session, 3)
    await attempt(office, post, monkeypatch)
    await moved(office, session, 2)
    assert await rest_of(office, session) == [("moved", "dropped", "moved_again"), ("moved", "dropped", "known")]
    assert post.taken == []


@pytest.mark.parametrize("attempt", UNSURE)
async def test_who_may_know_of_a_cancellation_is_told_that_it_was_taken_back(
    office: Office, post: Post, monkeypatch: pytest.MonkeyPatch, attempt: Attempt
) -> None:
    session = await office.session("ada")
    await called_off(office, session)
    await attempt(office, post, monkeypatch)
    post.taken.clear()
    await held_after_all(office, session)
    assert await rest_of(office, session) == [("cancelled", "dropped", "reinstated"), ("reinstated", "sent", None)]
    assert [mail.subject.partition(":")[0] for mail in post.taken] == ["It is held after all"]


@pytest.mark.parametrize("attempt", CERTAIN)
async def test_who_cannot_know_of_a_cancellation_is_told_nothing_when_it_was_taken_back(
    office: Office, post: Post, monkeypatch: pytest.MonkeyPatch, attempt: Attempt
) -> None:
    session = await office.session("ada")
    await called_off(office, session)
    await attempt(office, post, monkeypatch)
    await held_after_all(office, session)
    assert await rest_of(office, session) == [("cancelled", "dropped", "reinstated"), ("reinstated", "dropped", "never_told")]
    assert post.taken == []


@pytest.mark.parametrize("later", CERTAIN)
async def test_what_was_in_doubt_once_stays_so_whatever_is_certain_of_later_attempts(
    office: Office, post: Post, monkeypatch: pytest.MonkeyPatch, later: Attempt
) -> None:
    session = await office.session("ada")
    await moved(office, session, 3)
    await whose_process_is_killed(office, post, monkeypatch)
    await office.due_again()
    await later(office, post, monkeypatch)
    await moved(office, session, 2)
    assert await rest_of(office, session) == [("moved", "dropped", "moved_again"), ("moved", "sent", None)]


async def test_a_repeat_in_other_words_may_be_taken_for_the_one_before(
    office: Office, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await office.session("ada", tell=False)
    await office.plan()
    await whose_process_is_killed(office, post, monkeypatch)
    await moved(office, session, 3)
    await office.due_again()
    await office.send()
    assert await office.messages(session) == [("registered", "sent", None), ("moved", "sent", None)]
    assert [_shown(office, 3) in mail.text for mail in post.taken] == [True, True]


@pytest.mark.parametrize("attempt", UNSURE)
async def test_what_arrives_in_the_end_is_in_doubt_no_longer(
    office: Office, post: Post, monkeypatch: pytest.MonkeyPatch, attempt: Attempt
) -> None:
    session = await office.session("ada")
    await moved(office, session, 3)
    await attempt(office, post, monkeypatch)
    await office.due_again()
    await office.send()
    await moved(office, session, 4)
    await moved(office, session, 3)
    assert await rest_of(office, session) == [
        ("moved", "sent", None), ("moved", "dropped", "moved_again"), ("moved", "dropped", "known")
    ]  # fmt: skip
    assert [tuple(row) for row in await office.stage.owner.fetch(SHOWN, session)] == [
        ("registered", 0), ("moved", 0), ("moved", 0), ("moved", 0)
    ]  # fmt: skip


async def test_what_is_known_is_what_was_told_last_in_whatever_order_it_happened(office: Office, post: Post) -> None:
    session = await office.session("ada", tell=False)
    await office.plan()
    post.data = lambda mail: "451 not now" if mail.subject.startswith("You are registered") else None
    await office.send()
    await moved(office, session, 3)
    await office.send()
    post.data = lambda _: None
    await moved(office, session, 4)
    await office.stage.owner.execute("update messages set due_at = clock_timestamp() where kind = 'registered'")
    await office.stage.owner.execute("update messages set due_at = 'infinity' where kind = 'moved' and state = 'pending'")
    await office.send()
    await moved(office, session, 3)
    assert await rest_of(office, session) == [
        ("moved", "sent", None), ("moved", "dropped", "moved_again"), ("moved", "sent", None)
    ]  # fmt: skip
    assert f"New time: {_shown(office, 3)}" in post.taken[-1].text


async def test_a_second_cancellation_that_nobody_was_told_leaves_the_first_to_be_taken_back(office: Office) -> None:
    session = await office.session("ada")
    await called_off(office, session)
    await office.send()
    await held_after_all(office, session)
    await called_off(office, session)
    await office.stage.owner.execute("update messages set due_at = 'infinity' where kind = 'cancelled' and state = 'pending'")
    await office.send()
    await held_after_all(office, session)
    assert await rest_of(office, session) == [
        ("cancelled", "sent", None), ("reinstated", "dropped", "not_held"),
        ("cancelled", "dropped", "reinstated"), ("reinstated", "sent", None),
    ]  # fmt: skip


async def test_what_was_sent_by_a_process_whose_lease_had_ended_may_have_shown_what_was_then(
    office: Office, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await office.session("ada", tell=False)
    await office.plan()
    post.hangs = asyncio.Event()
    sending = asyncio.create_task(office.mailing.send_due())
    await post.hanging.wait()
    await moved(office, session, 3)
    await office.due_again()
    await office.stage.owner.execute("update messages set due_at = 'infinity' where kind = 'moved'")
    await whose_process_is_killed(office, post, monkeypatch)
    post.hangs.set()
    await sending
    assert await rest_of(office, session) == [("moved", "sent", None)]


async def test_what_others_are_asked_to_send_is_never_in_doubt(silent_office: Office) -> None:
    office = silent_office
    session = await office.session("ada")
    await moved(office, session, 3)
    await queries.claim_any_brand(
        office.stage.db, new_id(), most=10, lease=mailing.LEASE, patience=mailing.PATIENCE, needs_address=False, now=None
    )
    await moved(office, session, 2)
    assert await rest_of(office, session) == [("moved", "dropped", "moved_again"), ("moved", "dropped", "known")]


def _shown(office: Office, days: int) -> str:
    instant = office.stage.now + timedelta(days=days)
    return f"{instant:%A}, {instant.day} {instant:%B} {instant.year}, {instant:%H:%M} (UTC)"
