"""A process that is killed, a database that goes away: who talks, talks on, and what is said of them stays true."""

import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from greenroom.kit.ids import BrandId
from tests.postgres import Cluster, TestDatabase
from tests.rooms.browser import all_closed
from tests.rooms.conftest import SETTINGS
from tests.rooms.stage import HOST, RoomStage
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Tenant


@pytest.fixture
def pair_of(scratch: TestDatabase, tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with (
        running_server(scratch, tmp_path / "a", settings=SETTINGS) as first,
        running_server(scratch, tmp_path / "b", settings=SETTINGS) as other,
    ):
        yield first, other


@pytest.fixture
async def doomed(pair_of: tuple[Server, Server], tenant: Tenant) -> AsyncIterator[RoomStage]:
    """People come by the first process, HTTP is spoken with the second."""
    first, other = pair_of
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=other.url, timeout=30) as client, all_closed() as browsers:
        yield RoomStage(first.url, client, tenant, browsers)


async def test_a_killed_process_takes_no_session_with_it(doomed: RoomStage, pair_of: tuple[Server, Server]) -> None:
    first, other = pair_of
    session = await doomed.session()
    host, anna = await doomed.enters(session, HOST), await doomed.enters(session, "anna")
    ben = await doomed.enters(session, "ben", url=other.url)
    carl = await doomed.enters(session, "carl")
    await ben.knows(host, anna, carl)
    first.process.send_signal(signal.SIGKILL)
    for browser in (host, anna, carl):
        await browser.closed()
    told = len(ben.heard)
    again = await doomed.enters(session, HOST, f"resume.{host.secret}", url=other.url)
    also = await doomed.enters(session, "anna", f"resume.{anna.secret}", url=other.url)
    assert (again.me, also.me) == (host.me, anna.me)
    await again.say("signal", to=anna.me, data="we talk on")
    await also.signalled(by=again, data="we talk on")
    await ben.knows(host, anna)  # carl did not come back, and has left
    assert {one["peer"] for one in ben.heard[told:] if one["type"] == "gone"} == {carl.me}
    assert again.code is None
    assert also.code is None


async def test_who_is_told_to_come_again_by_a_process_that_stops_goes_on(
    doomed: RoomStage, pair_of: tuple[Server, Server]
) -> None:
    first, other = pair_of
    session = await doomed.session()
    host, anna = await doomed.enters(session, HOST), await doomed.enters(session, "anna", url=other.url)
    first.process.send_signal(signal.SIGTERM)
    assert await host.closed() == 1012
    again = await doomed.enters(session, HOST, f"resume.{host.secret}", url=other.url)
    assert again.me == host.me
    await again.say("signal", to=anna.me, data="on")
    await anna.signalled(by=again, data="on")
    assert first.process.wait(30) == 0


@pytest.fixture
def at_a_mortal(mortal_database: TestDatabase, tmp_path: Path) -> Iterator[Server]:
    with running_server(mortal_database, tmp_path, settings=SETTINGS) as running:
        yield running


async def test_who_is_in_a_room_talks_on_while_the_database_is_away(at_a_mortal: Server, mortal: Cluster) -> None:
    tenant = Tenant(BrandId("brand-of-a-room"))
    async with (
        httpx.AsyncClient(verify=AUTHORITIES, base_url=at_a_mortal.url, timeout=30) as client,
        all_closed() as browsers,
    ):
        stage = RoomStage(at_a_mortal.url, client, tenant, browsers)
        session = await stage.session()
        host, anna = await stage.enters(session, HOST), await stage.enters(session, "anna")
        await host.knows(anna)
        mortal.kill()
        await host.say("signal", to=anna.me, data="still here")
        await anna.signalled(by=host, data="still here")
        await anna.say("hand", raised=True)
        await host.say("record", on=True)
        mortal.start()
        await host.until(lambda it: it.peers[anna.me]["hand_raised_at"] is not None)
        await anna.until(lambda it: bool(it.room["is_recording"]))
        assert (host.code, anna.code) == (None, None)
