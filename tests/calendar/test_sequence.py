"""SEQUENCE rises with what matters to a calendar, and with nothing else; an older release's changes count as today's do."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.administration.admins import CHANGES, administered
from tests.calendar.agenda import Agenda, days_from_now
from tests.postgres import Owner
from tests.registrations.people import Room, answered
from tests.tenant import Json
from tests.wire import id_of

Act = Callable[[Agenda, Room], Awaitable[Any]]
MATTERS = {"title", "scheduled_at", "duration_minutes"}
COUNTED = "select calendar_sequence from sessions where id = $1"


def administering(**fields: Any) -> Act:
    return lambda agenda, there: administered(agenda.http, agenda.tenant, there.session, fields)


async def reinstated(agenda: Agenda, there: Room) -> None:
    await there.step("cancel")
    before = await agenda.entry(there)
    await administered(agenda.http, agenda.tenant, there.session, {"status": "scheduled"})
    after = await agenda.entry(there)
    assert (before.status, after.status) == ("CANCELLED", "CONFIRMED")
    assert after.sequence > before.sequence


CHANGING: dict[str, Act] = {
    "an edit of the title": lambda _, there: there.patch(title="Another title"),
    "a reschedule": lambda _, there: there.patch(scheduled_at=days_from_now(9)),
    "another length": administering(duration_minutes=30),
    "a cancellation": lambda _, there: there.step("cancel"),
    "a reinstatement": reinstated,
    "giving up the seat": lambda _, there: there.leave("anna"),
}
LEAVING: dict[str, Act] = {
    "metadata": lambda _, there: there.patch(metadata={"room": "blue"}),
    "capacity": lambda _, there: there.patch(max_participants=500),
    "kind": lambda _, there: there.patch(kind="office_hours"),
    "the same title": lambda _, there: there.patch(title=there.session["title"]),
    "a description": administering(description="Bring your questions."),
    "other people's registrations": lambda _, there: there.enter("ben", "carl"),
    "other people's leaving": lambda _, there: _entered_and_left(there),
    "the start": lambda _, there: there.step("start"),
    "a co-host": lambda agenda, there: agenda.http.put(f"{there.path}/co-hosts/x", headers=agenda.tenant.bearer()),
    "registering again": lambda _, there: there.enter("anna"),
}


async def _entered_and_left(there: Room) -> None:
    await there.enter("ben")
    await there.leave("ben")


@pytest.mark.parametrize("name", CHANGING)
async def test_it_rises_with_what_matters(agenda: Agenda, name: str) -> None:
    there = await agenda.room()
    await there.enter("anna")
    before = await agenda.entry(there)
    await CHANGING[name](agenda, there)
    after = await agenda.entry(there)
    assert after.uid == before.uid
    assert after.sequence > before.sequence


@pytest.mark.parametrize("name", LEAVING)
async def test_it_stays_with_what_does_not(agenda: Agenda, name: str) -> None:
    there = await agenda.room()
    await there.enter("anna")
    before = await agenda.entry(there)
    response = await LEAVING[name](agenda, there)
    assert not isinstance(response, httpx.Response) or response.is_success
    after = await agenda.entry(there)
    assert (after.uid, after.sequence) == (before.uid, before.sequence)


async def test_it_never_falls(agenda: Agenda) -> None:
    """One life of an entry: waiting, promoted, moved, called off, on again, left."""
    there = await agenda.room(seats=1)
    await there.enter("ben")
    await there.enter("anna")
    seen = [await agenda.entry(there)]
    for act in (
        lambda: there.leave("ben"),
        lambda: there.patch(scheduled_at=days_from_now(9)),
        lambda: there.step("cancel"),
        lambda: administered(agenda.http, agenda.tenant, there.session, {"status": "scheduled"}),
        lambda: there.leave("anna"),
    ):
        await act()
        seen.append(await agenda.entry(there))
    assert [event.status for event in seen] == ["TENTATIVE", "CONFIRMED", "CONFIRMED", "CANCELLED", "CONFIRMED", "CANCELLED"]
    assert [event.sequence for event in seen] == sorted({event.sequence for event in seen})
    assert len({event.uid for event in seen}) == 1


@pytest.mark.parametrize("field", CHANGES)
async def test_of_all_fields_these_alone_count(agenda: Agenda, owner: Owner, field: str) -> None:
    session = await agenda.tenant.session(agenda.http)
    await administered(agenda.http, agenda.tenant, session, {field: CHANGES[field]})
    assert await owner.fetchval(COUNTED, id_of(session)) == (1 if field in MATTERS else 0)


async def test_each_change_counts_once(agenda: Agenda, owner: Owner) -> None:
    session = await agenda.tenant.session(agenda.http)
    changed: Json = {"title": "Another", "scheduled_at": "2027-04-01T09:00:00.000Z", "duration_minutes": 45}
    await administered(agenda.http, agenda.tenant, session, changed)
    assert await owner.fetchval(COUNTED, id_of(session)) == 1


async def test_to_start_and_to_end_counts_nothing(agenda: Agenda, owner: Owner) -> None:
    ended = await agenda.tenant.ended(agenda.http)
    assert await owner.fetchval(COUNTED, id_of(ended)) == 0


async def test_a_refused_change_counts_nothing(agenda: Agenda, owner: Owner) -> None:
    there = await agenda.room()
    answered(await there.patch("stranger", title="Another"), 403)
    assert await owner.fetchval(COUNTED, id_of(there.session)) == 0
