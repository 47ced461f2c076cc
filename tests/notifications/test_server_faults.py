"""A mail server that is away, slow, full, or says no: what is tried again, and whose address is stopped."""

import asyncio
import socket
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest
from structlog.testing import capture_logs

from greenroom.events.catalogue import MessageBounced
from greenroom.invariants import service as invariants
from greenroom.notifications import mailing, smtp
from greenroom.notifications.mailing import LONGEST_PAUSE, pause_after
from greenroom.notifications.smtp import ServerError
from tests.faults.waiting import eventually
from tests.notifications.office import Office, kinds
from tests.notifications.post import Mail, Post, running_post

STOPS = "select count(*) from mail_stops where reason = 'bounced'"
LATER = "select bool_and(due_at > clock_timestamp() + interval '10 s') and count(*) > 0 from messages where state = 'pending'"


async def is_so(condition: bool) -> bool:
    """What is known without asking."""
    return condition


async def planned(office: Office, *users: str) -> UUID:
    """Whose registration is to be told."""
    session = await office.session(*users, tell=False)
    await office.plan()
    return session


async def test_one_that_is_refused_for_now_is_sent_later_as_the_same_mail(office: Office, post: Post) -> None:
    session = await planned(office, "ada")
    answers = iter(["451 4.3.0 not now", "421 too busy", "452 4.2.2 full"])
    post.data = lambda _: next(answers, None)
    for _ in range(4):
        await office.send()
        await office.due_again()
    assert kinds(await office.messages(session), "sent") == ["registered"]
    assert len(post.tried) == 4
    assert len(set(post.tried)) == 1
    assert len(post.taken) == 1
    assert await office.stage.owner.fetchval(STOPS) == 0


async def test_a_repeated_mail_is_the_same_to_the_octet(office: Office, post: Post) -> None:
    await planned(office, "ada")
    seen: list[bytes] = []

    def keep(mail: Mail) -> str | None:
        seen.append(mail.raw)
        return "451 not now" if len(seen) == 1 else None

    post.data = keep
    await office.send()
    await office.due_again()
    await office.send()
    assert seen[0] == seen[1]


async def test_one_that_waits_keeps_no_other_waiting(office: Office, post: Post) -> None:
    await planned(office, "ada", "bob")
    post.rcpt_to = lambda address: "450 greylisted" if address.startswith("ada") else None
    await office.send()
    assert [mail.to for mail in post.taken] == ["bob@example.com"]
    assert await office.stage.owner.fetchval(LATER)


async def test_a_server_that_hangs_up_is_connected_to_again(office: Office, post: Post) -> None:
    await planned(office, "ada", "bob")
    post.rcpt_to = lambda address: "421 goodbye" if address.startswith("ada") else None
    await office.send()
    post.rcpt_to = lambda _: None
    await office.due_again()
    await office.send()
    assert sorted(mail.to for mail in post.taken) == ["ada@example.com", "bob@example.com"]


async def test_a_connection_that_went_to_sleep_is_opened_anew(office: Office, post: Post) -> None:
    async with running_post(Post()) as other:
        office.post = other
        office.mailing = office.another_mailing()
        await planned(office, "ada")
        await office.send()
        port = int(other.url.rpartition(":")[2])
    await office.mailing.close()
    async with running_post(post, port=port):
        await planned(office, "bob")
        await office.send()
        assert [mail.to for mail in post.taken] == ["bob@example.com"]
        await office.mailing.close()


async def test_while_no_server_listens_nothing_is_counted_and_everything_waits(office: Office) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        office.post = Post()
        office.post.url = f"smtp://127.0.0.1:{unused.getsockname()[1]}"
        office.mailing = office.another_mailing()
        session = await planned(office, "ada", "bob")
        with pytest.raises(ServerError):
            await office.mailing.send_due()
    assert kinds(await office.messages(session), "pending") == ["registered", "registered"]
    assert await office.stage.owner.fetchval("select max(attempts) from messages") == 0


async def test_a_server_that_is_away_is_asked_ever_less_often_and_then_gets_it_all(
    office: Office, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "LONGEST_BREAK_SECONDS", 0.5)
    await office.mailing.close()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        office.post = Post()
        office.post.url = f"smtp://127.0.0.1:{port}"
        office.mailing = office.another_mailing()
        await planned(office, "ada")
        with capture_logs() as lines:
            working = asyncio.create_task(office.mailing.run())
            await eventually(lambda: is_so(len(lines) >= 2), "it has tried twice")
    async with running_post(post, port=port):
        await eventually(lambda: is_so(len(post.taken) == 1), "the mail has arrived")
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    assert {line["event"] for line in lines} == {"mail_postponed"}
    assert str(port) not in str(lines)


async def test_a_server_that_does_not_answer_is_given_up_on_and_asked_again(
    office: Office, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "SECONDS", 0.3)
    office.mailing = office.another_mailing()
    session = await planned(office, "ada")
    post.hangs = asyncio.Event()
    await office.send()
    post.hangs.set()
    assert kinds(await office.messages(session), "pending") == ["registered"]
    await office.due_again()
    await office.send()
    assert kinds(await office.messages(session), "sent") == ["registered"]
    assert len(set(post.tried)) == 1


@pytest.mark.parametrize("stage", ["rcpt", "data"])
async def test_an_address_that_bounces_is_stopped_and_that_is_told(office: Office, post: Post, stage: str) -> None:
    if stage == "rcpt":
        post.rcpt_to = lambda address: "550 5.1.1 no such user" if address.startswith("ada") else None
    else:
        post.data = lambda mail: "554 no thanks" if mail.to.startswith("ada") else None
    session = await planned(office, "ada", "bob")
    with capture_logs() as lines:
        await office.send()
    assert [mail.to for mail in post.taken] == ["bob@example.com"]
    assert sorted(state for _, state, _ in await office.messages(session)) == ["failed", "sent"]
    ((name, payload),) = await office.told()
    assert name == "comms.message.bounced.v1"
    bounced = msgspec.convert(payload, MessageBounced)
    assert (bounced.user_id, bounced.session_id) == ("ada", str(session))
    assert "mail_bounced" in {line["event"] for line in lines}
    assert "example.com" not in str(payload) + str(lines)


async def test_what_is_told_of_mail_breaks_no_promise(office: Office, post: Post) -> None:
    post.rcpt_to = lambda _: "550 no such user"
    await planned(office, "ada")
    await office.send()
    assert [name for name, _ in await office.told()] == ["comms.message.bounced.v1"]
    assert [finding.promise for finding in await invariants.check(office.stage.db) if finding.broken] == []


async def test_a_stopped_address_is_sent_nothing_more_whoever_has_it(office: Office, post: Post) -> None:
    post.rcpt_to = lambda _: "550 no such user"
    await planned(office, "ada")
    await office.send()
    post.rcpt_to = lambda _: None
    session = await office.session(tell=False)
    await office.contact("twin", "ADA@example.com")
    await office.stage.owner.execute(
        "insert into mail_stops select brand_id, mail_address_v1(brand_id, 'ada@example.com'),"
        " 'bounced', now() from contacts where user_id = 'ada' on conflict do nothing"
    )
    await office.stage.register(session, "twin")
    await office.deliver()
    assert post.taken == []
    assert await office.messages(session) == [("registered", "dropped", "bounced")]


async def test_another_brand_is_not_stopped(office: Office, post: Post) -> None:
    post.rcpt_to = lambda _: "550 no such user"
    await planned(office, "ada")
    await office.send()
    post.rcpt_to = lambda _: None
    office.stage = office.stage.of("other")
    await office.session("ada", tell=False)
    await office.deliver()
    assert [mail.to for mail in post.taken] == ["ada@example.com"]


async def test_a_manager_who_says_the_address_again_lifts_the_stop(office: Office, post: Post) -> None:
    post.rcpt_to = lambda _: "550 no such user"
    await planned(office, "ada")
    await office.send()
    post.rcpt_to = lambda _: None
    await office.contact("ada")
    await office.session("ada", tell=False)
    await office.deliver()
    assert [mail.to for mail in post.taken] == ["ada@example.com"]


@pytest.mark.parametrize("answer", ["554 5.7.1 Relay access denied", "550 5.7.26 unauthenticated mail is not accepted"])
async def test_a_refusal_for_reasons_of_policy_stops_nobody(office: Office, post: Post, answer: str) -> None:
    session = await planned(office, "ada")
    post.rcpt_to = lambda _: answer
    await office.send()
    assert kinds(await office.messages(session), "pending") == ["registered"]
    assert await office.stage.owner.fetchval(STOPS) == 0


async def test_a_sender_that_is_refused_stops_nobody(office: Office, post: Post) -> None:
    session = await planned(office, "ada")
    post.mail_from = lambda _: "550 not your domain"
    with pytest.raises(ServerError, match="MAIL FROM was answered 550"):
        await office.mailing.send_due()
    assert kinds(await office.messages(session), "pending") == ["registered"]
    assert await office.stage.owner.fetchval(STOPS) == 0


async def test_a_password_that_is_refused_stops_nobody_and_is_in_no_log(office: Office) -> None:
    async with running_post(Post(), password="right") as strict:  # noqa: S106  # of a server that is gone after the test
        office.post = strict
        strict.url = strict.url.replace("right", "hunter2")
        office.mailing = office.another_mailing()
        session = await planned(office, "ada")
        with pytest.raises(ServerError, match="the user or password was refused") as refused:
            await office.mailing.send_due()
    assert "hunter2" not in str(refused.value)
    assert kinds(await office.messages(session), "pending") == ["registered"]
    assert await office.stage.owner.fetchval(STOPS) == 0


async def test_a_user_and_a_password_are_named(office: Office) -> None:
    async with running_post(Post(), password="p%40ss") as strict:  # noqa: S106  # the same
        office.post = strict
        strict.url = strict.url.replace("p%40ss", "p%2540ss")
        office.mailing = office.another_mailing()
        await planned(office, "ada")
        await office.send()
        assert len(strict.taken) == 1
        await office.mailing.close()


async def test_some_connections_carry_all_mail(office: Office, post: Post) -> None:
    await planned(office, *(f"user_{number}" for number in range(60)))
    await office.send()
    assert len(post.taken) == 60
    assert post.connections <= mailing.CONNECTIONS


async def test_what_was_judged_is_judged_again_when_it_is_no_longer_fresh(
    office: Office, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "FRESH_SECONDS", 0.0)
    session = await planned(office, "ada")
    await office.mailing.send_due()
    assert kinds(await office.messages(session), "pending") == ["registered"]
    assert post.taken == []
    assert await office.stage.owner.fetchval("select bool_and(leased_until < now()) from messages")


def test_a_handover_takes_no_longer_than_its_message_is_leased() -> None:
    """With what it takes to hang up, and to write down what became of it."""
    takes = mailing.FRESH_SECONDS + smtp.HANDOVER_SECONDS + smtp.CLOSE_SECONDS
    assert takes + 15 <= mailing.LEASE.total_seconds()


async def test_a_server_that_is_slow_with_each_answer_is_given_up_on_and_left(
    office: Office, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "HANDOVER_SECONDS", 0.5)
    office.mailing = office.another_mailing()
    session = await office.session("ada", tell=False)
    await office.plan()
    post.hangs = asyncio.Event()
    async with asyncio.timeout(5):
        await office.mailing.send_due()
    post.hangs.set()
    why = await office.stage.owner.fetchval("select why from messages where session_id = $1", session)
    assert why == "it took too long"
    post.hangs = None
    await office.due_again()
    await office.send()
    assert [state for _, state, _ in await office.messages(session)] == ["sent"]
    assert post.connections == 2


def test_pauses_grow_and_no_two_are_the_same() -> None:
    pauses = [pause_after(attempts) for attempts in range(40)]
    assert all(pause <= LONGEST_PAUSE for pause in pauses)
    assert pauses[0] < timedelta(minutes=1) < pauses[4]
    assert len(set(pauses)) == len(pauses)
