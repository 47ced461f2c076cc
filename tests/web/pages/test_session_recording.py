"""The recording on the page of a session that has ended: its state, its link, and for whom."""

import httpx
import pytest

from greenroom.kit.database import Database
from tests.attendance.stage import Stage, stage
from tests.attendance.test_recordings import told
from tests.postgres import Owner
from tests.server import Server
from tests.tenant import Tenant
from tests.web.pages.visiting import Page, visiting

STATES = {
    "processing": "The recording is being made.",
    "failed": "The recording could not be made.",
    "ready": "The recording is ready.",
}


@pytest.fixture
async def recorded(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, db: Database) -> Stage:
    return await stage(http, tenant, owner, db, records=True)


async def page_of(server: Server, it: Stage, user: str) -> Page:
    async with visiting(server.url, user, it.there.tenant.brand) as visitor:
        return await visitor.get(f"/s/{it.there.session['id']}")


@pytest.mark.parametrize("state", STATES)
async def test_its_state_is_said_and_one_that_is_ready_can_be_watched(server: Server, recorded: Stage, state: str) -> None:
    await recorded.end()
    await recorded.tell(spans=[recorded.span("first", 0, 60)], recordings=[told(recorded, "one", state)])
    page = await page_of(server, recorded, "host_1")
    assert page.one("[data-now=recording]").get_text() == STATES[state]
    link = page.one("p:has(> [data-href=recording_url])")
    assert link.has_attr("hidden") is (state != "ready")
    if state == "ready":
        assert page.one("[data-href=recording_url]")["href"] == "https://recordings.example.com/one"


async def test_who_had_no_seat_sees_nothing_of_it(server: Server, recorded: Stage) -> None:
    await recorded.end()
    await recorded.tell(spans=[recorded.span("first", 0, 60)], recordings=[told(recorded, "one", "ready")])
    page = await page_of(server, recorded, "somebody")
    assert page.status == 200
    assert "recordings.example.com" not in page.answer.text
    assert page.one("[data-now=recording]").has_attr("hidden")
