"""Nobody is told twice, or not at all: events that come again, several processes, one that is killed, a database that goes."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sized
from functools import partial
from pathlib import Path

import pytest

from greenroom.events import queries as events
from greenroom.kit.database import Database
from greenroom.kit.errors import Unavailable
from greenroom.notifications import mailing, queries
from greenroom.notifications.planning import Planning
from tests.faults.waiting import eventually
from tests.notifications.office import PUBLIC_URL, SENDER, Office, kinds
from tests.notifications.post import Mail, Post
from tests.postgres import TestDatabase
from tests.server import environment_of

PEOPLE = 120


def people() -> list[str]:
    """Some more than are claimed at once."""
    return [f"user_{number}" for number in range(PEOPLE)]


async def is_so(condition: bool) -> bool:
    """What is known without asking."""
    return condition


async def has_come(mails: Sized, enough: int) -> bool:
    """Whether so many have arrived."""
    return len(mails) >= enough


async def test_events_that_come_again_write_nothing_twice(office: Office, post: Post) -> None:
    session = await office.session("ada", "bob", tell=False)
    await office.stage.move(session, office.stage.now)
    for _ in range(3):
        office.position = 0
        await office.plan()
    await office.send()
    office.position = 0
    await office.deliver()
    assert Counter(kind for kind, _, _ in await office.messages(session)) == {"registered": 2, "moved": 2}
    assert len({mail.id for mail in post.taken}) == len(post.taken)


async def test_events_that_come_again_together_write_nothing_twice(office: Office) -> None:
    session = await office.session("ada", "bob")
    told = await events.after_any_brand(office.stage.db, 0, most=500)
    await office.stage.owner.execute("delete from messages")
    await asyncio.gather(*(Planning(office.stage.db).publish(told) for _ in range(4)))
    assert Counter(kind for kind, _, _ in await office.messages(session)) == {"registered": 2}


async def test_a_crowd_is_written_some_at_a_time_and_each_once(office: Office) -> None:
    session = await office.session(*people(), seats=100)  # and some who wait
    await office.stage.step(session, "cancel")
    looked = 0
    await office.plan_only()
    while (seen := await queries.write_any_brand(office.stage.db, most=50)) is not None:
        assert seen <= 50
        looked += seen
    assert looked == PEOPLE
    assert Counter(kind for kind, state, _ in await office.messages(session) if state == "pending") == {"cancelled": PEOPLE}


async def test_two_processes_send_each_mail_once(office: Office, post: Post, scratch: TestDatabase) -> None:
    await office.session(*people(), tell=False)
    await office.plan()
    async with Database(scratch.service_url, size=4, wait_seconds=5, statement_seconds=10) as db:
        other = office.another_mailing(db)
        working = [asyncio.create_task(one.run()) for one in (office.mailing, other)]
        await eventually(lambda: is_so(len(post.taken) >= PEOPLE), "all has arrived")
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
    assert Counter(mail.to for mail in post.taken) == Counter({f"{user}@example.com": 1 for user in people()})


async def test_two_messages_of_a_registration_are_not_under_way_together(office: Office, post: Post) -> None:
    session = await office.session("ada", tell=False)
    await office.plan()
    post.hangs = asyncio.Event()
    sending = asyncio.create_task(office.mailing.send_due())
    await post.hanging.wait()
    await office.stage.move(session, office.stage.now)
    await office.plan()
    assert await office.another_mailing().send_due() == 0
    post.hangs.set()
    await sending
    assert kinds(await office.messages(session), "pending") == ["moved"]


async def test_what_a_stopping_process_has_under_way_arrives_and_the_rest_is_free(office: Office, post: Post) -> None:
    session = await office.session(*people()[:20], tell=False)
    await office.plan()
    post.hangs = asyncio.Event()
    working = asyncio.create_task(office.mailing.run())
    await post.hanging.wait()
    working.cancel()
    asyncio.get_running_loop().call_later(0.1, post.hangs.set)
    await asyncio.gather(working, return_exceptions=True)
    messages = await office.messages(session)
    assert len(kinds(messages, "sent")) == len(post.taken) <= mailing.CONNECTIONS
    assert await office.stage.owner.fetchval("select count(*) from messages where leased_until > now()") == 0


async def test_a_database_that_is_away_for_the_note_is_told_when_it_is_back(
    office: Office, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await office.session(*people(), tell=False)
    await office.plan()
    noted = queries.settle_any_brand
    away = 3

    async def fails_first(*arguments: object, **named: object) -> int:
        nonlocal away
        away -= 1
        if away >= 0:
            raise Unavailable
        return await noted(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(queries, "settle_any_brand", fails_first)
    monkeypatch.setattr(mailing, "LONGEST_BREAK_SECONDS", 0.1)
    working = asyncio.create_task(office.mailing.run())
    await eventually(lambda: is_so(len(post.taken) >= PEOPLE), "all has arrived")
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert away < 0
    assert len(kinds(await office.messages(session), "sent")) == PEOPLE
    assert len({mail.to for mail in post.taken}) == len(post.taken) == PEOPLE


async def test_after_a_kill_each_mail_arrives_and_a_repeated_one_is_the_same(
    office: Office, post: Post, scratch: TestDatabase, tmp_path: Path
) -> None:
    await office.session(*people(), tell=False)
    settings = {"GREENROOM_SMTP_URL": post.url, "GREENROOM_MAIL_FROM": SENDER, "GREENROOM_PUBLIC_URL": PUBLIC_URL}
    command = [sys.executable, "-m", "greenroom.cli", "worker"]
    raws: dict[str, set[bytes]] = {}

    def keep(mail: Mail) -> None:
        raws.setdefault(mail.id, set()).add(mail.raw)

    post.data = keep
    with (tmp_path / "worker.log").open("wb") as log:
        for killed in (True, False):
            worker = await asyncio.create_subprocess_exec(
                *command, env=environment_of(scratch, settings), stdout=subprocess.DEVNULL, stderr=log
            )
            enough = 30 if killed else PEOPLE
            await eventually(partial(has_come, raws, enough), "mail arrives")
            os.kill(worker.pid, signal.SIGKILL if killed else signal.SIGTERM)
            await worker.wait()
            await office.due_again()  # the lease has run out
    assert {mail.to for mail in post.taken} == {f"{user}@example.com" for user in people()}
    assert len(raws) == PEOPLE
    assert {len(versions) for versions in raws.values()} == {1}


async def test_what_came_to_an_end_long_ago_is_forgotten_and_what_waits_is_not(office: Office, post: Post) -> None:
    session = await office.session("ada", tell=False)
    await office.deliver()
    await office.stage.move(session, office.stage.now)
    await office.plan()
    await office.stage.owner.execute("update messages set created_at = created_at - interval '9 days'")
    await mailing.forget(office.stage.db, age=mailing.PATIENCE * 10)
    assert len(await office.messages(session)) == 2
    await mailing.forget(office.stage.db, age=mailing.PATIENCE * 8)
    assert await office.messages(session) == [("moved", "pending", None)]
    assert len(post.taken) == 1
