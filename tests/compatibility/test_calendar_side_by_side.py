"""Calendars at today's release, while one that knows none of them changes the sessions."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.administration.admins import administered
from tests.calendar.agenda import Agenda, days_from_now
from tests.calendar.reading import Reader
from tests.compatibility.releases import Both, broken_promises
from tests.postgres import TestDatabase
from tests.registrations.people import Room
from tests.server import AUTHORITIES, running_server
from tests.tenant import Tenant

FRESH = httpx.Limits(keepalive_expiry=1)  # a server closes what is idle for long


@pytest.fixture(scope="module")
def pair(shared: TestDatabase, tree_before_questions: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """A process of each on one database."""
    with (
        running_server(shared, tmp_path_factory.mktemp("old"), source=tree_before_questions) as old,
        running_server(shared, tmp_path_factory.mktemp("new")) as new,
    ):
        yield Both(old=old, new=new, tree=tree_before_questions, database=shared)


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    """ical.js."""
    there = Reader()
    yield there
    there.close()


@pytest.fixture
async def old(pair: Both) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=pair.old.url, timeout=30, limits=FRESH) as client:
        yield client


@pytest.fixture
async def agenda(pair: Both, tenant: Tenant, reader: Reader) -> AsyncIterator[Agenda]:
    """Calendars as today's release shows them."""
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=pair.new.url, timeout=30, limits=FRESH) as client:
        yield Agenda(client, tenant, reader)


async def test_the_older_release_knows_no_calendars(old: httpx.AsyncClient, agenda: Agenda) -> None:
    """Else everything here would hold, and mean nothing."""
    there = await agenda.room()
    before = await old.get(f"{there.path}/calendar.ics", headers=agenda.tenant.bearer())
    assert before.status_code == 404


async def test_what_the_older_release_changes_raises_the_sequence(
    old: httpx.AsyncClient, agenda: Agenda, pair: Both, tenant: Tenant
) -> None:
    there = Room(old, tenant, (await agenda.room()).session)
    await there.enter("anna")
    link = await agenda.link("anna")
    seen = [await agenda.entry(there)]
    for act in (
        lambda: there.patch(title="Another title"),
        lambda: there.patch(scheduled_at=days_from_now(9)),
        lambda: administered(old, tenant, there.session, {"duration_minutes": 30}),
        lambda: there.step("cancel"),
        lambda: administered(old, tenant, there.session, {"status": "scheduled"}),
        lambda: there.leave("anna"),
    ):
        await act()
        seen.append(await agenda.entry(there))
        assert (await agenda.feed(link)).event == seen[-1]
    assert [event.sequence for event in seen] == sorted({event.sequence for event in seen})
    await there.patch(metadata={"room": "blue"}, max_participants=7)
    await there.enter("ben")
    assert (await agenda.entry(there)).sequence == seen[-1].sequence
    assert broken_promises(None, pair.database) == set()
