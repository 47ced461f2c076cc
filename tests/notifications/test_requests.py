"""Without a mail server others are asked to send, by an event: of what holds, once, in the transaction that notes it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from greenroom.events.catalogue import MessageSendRequested
from greenroom.kit.database import Database
from greenroom.notifications import queries
from tests.notifications.office import PUBLIC_URL, Office, kinds


async def requested(office: Office) -> list[MessageSendRequested]:
    """What was asked for, each of which has the payload that the catalogue says."""
    told = await office.told()
    assert {name for name, _ in told} <= {"comms.message.send_requested.v1"}
    return [msgspec.convert(payload, MessageSendRequested) for _, payload in told]


async def test_what_would_be_sent_is_asked_for(silent_office: Office) -> None:
    office = silent_office
    session = await office.session(tell=False)
    await office.contact("ada", zone="Europe/Berlin")
    await office.stage.register(session, "ada")
    await office.deliver()
    (asked,) = await requested(office)
    assert (asked.channel, asked.template_key, asked.brand_id) == ("email", "registered", office.stage.brand)
    assert (asked.recipient.user_id, asked.recipient.email) == ("ada", "ada@example.com")
    assert asked.variables.title == "Ask us"
    assert asked.variables.time_zone == "Europe/Berlin"
    assert asked.variables.join_url == f"https://app.example.com/live/{session}"
    assert asked.variables.unsubscribe_url is not None
    assert asked.variables.unsubscribe_url.startswith(PUBLIC_URL)
    assert await office.messages(session) == [("registered", "sent", None)]


async def test_the_message_id_is_that_of_the_message(silent_office: Office) -> None:
    await silent_office.session("ada", tell=False)
    await silent_office.deliver()
    (asked,) = await requested(silent_office)
    assert asked.message_id == str(await silent_office.stage.owner.fetchval("select id from messages"))


async def test_a_move_is_asked_for_with_both_times(silent_office: Office) -> None:
    office = silent_office
    session = await office.session("ada")
    await office.stage.move(session, office.stage.now + timedelta(days=3))
    await office.deliver()
    (_, asked) = await requested(office)
    assert asked.variables.old_scheduled_at == f"{office.stage.now + timedelta(days=2):%Y-%m-%dT%H:%M:%S}.000Z"
    assert asked.variables.scheduled_at == f"{office.stage.now + timedelta(days=3):%Y-%m-%dT%H:%M:%S}.000Z"


async def test_who_has_no_address_is_asked_for_too(silent_office: Office) -> None:
    session = await silent_office.session()
    await silent_office.stage.register(session, "nobody")
    await silent_office.deliver()
    (asked,) = await requested(silent_office)
    assert (asked.recipient.user_id, asked.recipient.email) == ("nobody", None)


async def test_what_no_longer_holds_is_not_asked_for(silent_office: Office) -> None:
    office = silent_office
    session = await office.session("ada", tell=False)
    await office.plan()
    await office.stage.leave(session, "ada")
    await office.send()
    assert await requested(office) == []
    assert kinds(await office.messages(session), "dropped") == ["registered"]


async def test_what_is_asked_for_is_noted_with_it_or_not_at_all(silent_office: Office) -> None:
    office = silent_office
    session = await office.session("ada", tell=False)
    await office.plan()
    await office.stage.owner.execute("alter table outbox add check (name not like 'comms.%') not valid")
    failed = False
    try:
        await office.send()
    except Exception:  # noqa: BLE001  # whatever the driver makes of it
        failed = True
    assert failed
    assert kinds(await office.messages(session), "pending") == ["registered"]


async def test_noted_again_after_a_lost_answer_it_is_asked_for_once(
    silent_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = silent_office
    noted = queries.settle_any_brand

    async def twice(db: Database, holder: UUID, settled: Sequence[queries.Settled], *, now: datetime | None) -> int:
        await noted(db, holder, settled, now=now)
        return await noted(db, holder, settled, now=now)

    monkeypatch.setattr(queries, "settle_any_brand", twice)
    await office.session("ada", tell=False)
    await office.deliver()
    assert len(await requested(office)) == 1
