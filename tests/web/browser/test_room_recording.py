"""A host records the room: everybody is told while it runs, and it is there afterwards."""

from typing import Any

import httpx
from playwright.async_api import Page, expect

from tests.faults.waiting import eventually
from tests.recordings.films import seen
from tests.server import AUTHORITIES
from tests.tenant import Json
from tests.web.browser.recording import RECORDERS, brought, not_heard, recorders
from tests.web.browser.roommates import PATIENCE, PATIENCE_SECONDS, Roommates, sees, tile

SHORTEST_SECONDS = 2.0  # of a part that has pieces: they are of four seconds, where the machine keeps up


async def host_and_ada(roommates: Roommates) -> tuple[Page, Page]:
    """Both in a room, the host's recorders can be looked into."""
    session = await roommates.live("ada")
    host = await roommates.inside(session, "host_1", script=RECORDERS)
    ada = await roommates.inside(session, "ada")
    await sees(ada, "host_1")
    return host, ada


async def begins(host: Page, ada: Page) -> None:
    """The host records, and ada is told."""
    await host.get_by_role("button", name="Record").click(timeout=PATIENCE)
    await expect(ada.locator("#recording")).to_be_visible(timeout=PATIENCE)
    await recorders(host, "recording")


async def test_a_host_records_and_everybody_is_told_while_it_runs(roommates: Roommates) -> None:
    session = await roommates.live("ada")
    host = await roommates.inside(session, "host_1")
    ada = await roommates.inside(session, "ada")
    await sees(ada, "host_1")
    await expect(ada.locator("#recording")).to_be_hidden()
    await host.get_by_role("button", name="Record").click()
    for page in (host, ada):
        await expect(page.locator("#recording")).to_be_visible(timeout=PATIENCE)
    await brought(roommates, session)
    await host.reload()  # and goes on by itself
    await brought(roommates, session, parts=2)
    await sees(ada, "host_1")
    await host.get_by_role("button", name="Stop recording").click()
    for page in (host, ada):
        await expect(page.locator("#recording")).to_be_hidden(timeout=PATIENCE)
    await expect(tile(ada, "host_1")).to_be_visible()
    await roommates.step(session, "end")
    ready: Json = {}

    async def is_ready() -> Any:
        found = await roommates.call("GET", f"/sessions/{session}/recordings")
        ready.update(next((one for one in found["recordings"] if one["state"] == "ready"), {}))
        return ready

    await eventually(is_ready, "the recording is there", seconds=PATIENCE_SECONDS)
    async with httpx.AsyncClient(verify=AUTHORITIES) as nobody:
        film = await nobody.get(ready["url"])
    assert seen(film.content).duration > 2 * SHORTEST_SECONDS


async def test_nothing_is_recorded_of_which_the_room_is_not_told(roommates: Roommates) -> None:
    host, ada = await host_and_ada(roommates)
    await not_heard(host, yes=True)
    await host.get_by_role("button", name="Record").click(timeout=PATIENCE)
    await expect(host.get_by_text("The room could not be told that it is recorded")).to_be_visible(timeout=PATIENCE)
    await recorders(host)
    await expect(ada.locator("#recording")).to_be_hidden()
    await not_heard(host, yes=False)
    await begins(host, ada)


async def test_what_was_said_of_recording_and_lost_is_said_again(roommates: Roommates) -> None:
    host, ada = await host_and_ada(roommates)
    await not_heard(host, yes=True)
    await host.get_by_role("button", name="Record").click(timeout=PATIENCE)
    await expect(host.get_by_role("button", name="Record")).to_have_attribute("aria-busy", "true")
    await not_heard(host, yes=False)
    await expect(ada.locator("#recording")).to_be_visible(timeout=PATIENCE)
    await recorders(host, "recording")
    await not_heard(host, yes=True)
    await host.get_by_role("button", name="Stop recording").click()
    await recorders(host, "inactive")
    await expect(ada.locator("#recording")).to_be_visible()
    await not_heard(host, yes=False)
    await expect(ada.locator("#recording")).to_be_hidden(timeout=PATIENCE)


async def test_a_recording_that_fails_records_no_longer(roommates: Roommates) -> None:
    host, ada = await host_and_ada(roommates)
    await begins(host, ada)
    await host.evaluate("recordersOfTest[0].dispatchEvent(new Event('error'))")
    await expect(host.get_by_text("The recording could not be made.")).to_be_visible(timeout=PATIENCE)
    await expect(ada.locator("#recording")).to_be_hidden(timeout=PATIENCE)
    await recorders(host, "inactive")
