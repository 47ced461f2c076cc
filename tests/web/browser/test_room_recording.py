"""A host records the room: everybody is told while it runs, and it is there afterwards."""

from typing import Any

from playwright.async_api import expect

from tests.faults.waiting import eventually
from tests.tenant import Json
from tests.web.browser.roommates import PATIENCE, PATIENCE_SECONDS, Roommates, sees, tile


async def test_a_host_records_and_everybody_is_told_while_it_runs(roommates: Roommates) -> None:
    session = await roommates.live("ada")
    host = await roommates.inside(session, "host_1")
    ada = await roommates.inside(session, "ada")
    await sees(ada, "host_1")
    await expect(ada.locator("#recording")).to_be_hidden()
    await host.get_by_role("button", name="Record").click()
    for page in (host, ada):
        await expect(page.locator("#recording")).to_be_visible(timeout=PATIENCE)
    await host.reload()  # and goes on by itself
    await expect(host.get_by_role("button", name="Stop recording")).to_be_visible(timeout=PATIENCE)
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
    assert ready["url"]
