"""Before one comes in: what is seen and chosen at the door, and who may not pass it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.chromium import Look, driven
from tests.postgres import TestDatabase
from tests.server import running_server
from tests.tenant import Tenant
from tests.web.browser.roommates import PATIENCE, Roommates, go_in, in_state, sees, sees_and_hears, tile

FAILS = """(cause) => {
  navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", cause));
}"""


async def refused(browser: Browser, page: Page, *names: str) -> None:
    """Somebody has told the browser that the page may not use these."""
    session = await page.context.new_cdp_session(page)
    told = await session.send("Target.getTargetInfo")
    whole = await browser.new_browser_cdp_session()
    for name in names:
        setting = {
            "permission": {"name": name},
            "setting": "denied",
            "browserContextId": told["targetInfo"]["browserContextId"],
        }
        await whole.send("Browser.setPermission", setting)


@pytest.fixture
async def few(
    chromium_with_devices: str, rooms_database: TestDatabase, tenant: Tenant, tmp_path: Path
) -> AsyncIterator[Roommates]:
    """A server whose rooms hold two."""
    settings = {"GREENROOM_VIDEO_PROVIDER": "builtin", "GREENROOM_ROOM_PEOPLE": "2", "GREENROOM_ROOM_VIEWERS": "1"}
    with running_server(rooms_database, tmp_path, settings=settings) as small:
        async with driven(chromium_with_devices) as browser, AsyncExitStack() as windows:
            yield Roommates(browser, small.url, tenant, windows, database=rooms_database)


async def test_one_looks_into_the_mirror_and_is_heard_before_one_goes_in(roommates: Roommates) -> None:
    session = await roommates.live("ada", kind="office_hours")
    page = await roommates.door(session, "ada")
    await expect(page.locator("#preview")).to_be_visible(timeout=PATIENCE)
    await page.wait_for_function("() => document.getElementById('preview').getVideoPlaybackQuality().totalVideoFrames > 5")
    await page.locator("h1").click()  # browsers measure no sound before
    await page.wait_for_function("() => document.getElementById('level').value > 0", timeout=PATIENCE)
    assert await page.locator("#camera option").count() > 0
    await expect(page.locator("#microphone option").first).not_to_be_empty()
    await expect(page.locator("#before").get_by_text("This session may be recorded")).to_be_visible()


async def test_one_goes_in_without_camera_and_is_heard(roommates: Roommates) -> None:
    session = await roommates.live("ada", kind="office_hours")
    host = await roommates.inside(session, "host_1")
    ada = await roommates.door(session, "ada")
    await expect(ada.locator("#preview")).to_be_visible(timeout=PATIENCE)
    await ada.get_by_label("With my camera").uncheck()
    await expect(ada.locator("#preview")).to_be_hidden()
    await go_in(ada)
    await expect(tile(host, "ada").get_by_text("Camera off")).to_be_visible(timeout=PATIENCE)
    await expect(tile(host, "ada").get_by_text("Microphone off")).to_be_hidden()
    await sees_and_hears(ada, "host_1")


async def test_another_microphone_is_chosen_inside(roommates: Roommates) -> None:
    session = await roommates.live("ada", kind="office_hours")
    host = await roommates.inside(session, "host_1")
    ada = await roommates.inside(session, "ada")
    await sees(host, "ada")
    await ada.get_by_text("Devices").click()
    options = ada.get_by_label("Microphone", exact=True).locator("option")
    other = await options.nth(await options.count() - 1).get_attribute("value")
    await ada.get_by_label("Microphone", exact=True).select_option(other)
    sent = "(other) => connectionsOfTest[0].getSenders()[0].track.getSettings().deviceId === other"
    await ada.wait_for_function(sent, arg=other, timeout=PATIENCE)
    await sees_and_hears(host, "ada")


async def test_who_has_denied_camera_and_microphone_is_told_what_to_do_and_may_still_go_in(roommates: Roommates) -> None:
    session = await roommates.live("ada", kind="office_hours")
    host = await roommates.inside(session, "host_1")
    window = await roommates.window("ada")
    await refused(roommates.browser, window.page, "camera", "microphone")
    await roommates.prepare(window, allows=False)
    await window.page.goto(f"/s/{session}/room")
    await expect(window.page.get_by_text("This page may not use your camera.")).to_be_visible(timeout=PATIENCE)
    await expect(window.page.get_by_text("This page may not use your microphone.")).to_be_visible()
    await go_in(window.page)
    await sees_and_hears(window.page, "host_1")
    await expect(tile(host, "ada").get_by_text("Microphone off")).to_be_visible(timeout=PATIENCE)
    await window.page.get_by_role("button", name="Turn the microphone on").click()
    await expect(window.page.locator("#told").get_by_text("This page may not use your microphone.")).to_be_visible()


@pytest.mark.parametrize(
    ("cause", "words"),
    [("NotFoundError", "No camera was found."), ("NotReadableError", "The camera could not be started")],
)
async def test_a_camera_that_is_not_there_or_taken_is_said(roommates: Roommates, cause: str, words: str) -> None:
    session = await roommates.live("ada", kind="office_hours")
    window = await roommates.window("ada")
    await window.context.add_init_script(f"({FAILS})('{cause}')")
    await window.page.goto(f"/s/{session}/room")
    await expect(window.page.get_by_text(words)).to_be_visible(timeout=PATIENCE)
    await go_in(window.page)


async def test_a_full_room_says_who_carries_more(few: Roommates) -> None:
    session = await few.live("ada", "bob", kind="office_hours")
    await few.inside(session, "host_1")
    ada = await few.inside(session, "ada")
    bob = await few.door(session, "bob")
    await bob.get_by_role("button", name="Go in").click()
    await expect(bob.get_by_role("heading", name="The room is full")).to_be_focused(timeout=PATIENCE)
    await expect(bob.get_by_text("LiveKit or GetStream")).to_be_visible()
    await ada.get_by_role("button", name="Leave").click()
    await bob.get_by_role("button", name="Come back in").click()
    await go_in(bob)
    await sees_and_hears(bob, "host_1")


async def test_a_broadcast_with_all_the_viewers_that_it_holds_is_full(few: Roommates) -> None:
    session = await few.live("ada", "bob")
    await few.inside(session, "ada")
    bob = await few.door(session, "bob")
    await bob.get_by_role("button", name="Go in").click()
    await expect(bob.get_by_role("heading", name="The room is full")).to_be_focused(timeout=PATIENCE)


async def test_who_comes_too_early_is_let_in_by_the_page_when_the_session_begins(roommates: Roommates) -> None:
    session = await roommates.session(kind="office_hours")
    await roommates.registered(session, "ada")
    ada = await roommates.door(session, "ada")
    await expect(ada.get_by_text("The doors open 15 minutes before it begins.")).to_be_visible()
    await roommates.step(session, "start")
    await expect(ada.get_by_role("button", name="Go in")).to_be_visible(timeout=PATIENCE)


async def test_once_the_doors_are_open_one_waits_in_the_lobby_for_a_host_who_makes_it_live(roommates: Roommates) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    session = await roommates.session(kind="office_hours", scheduled_at=soon)
    await roommates.registered(session, "ada")
    ada = await roommates.inside(session, "ada")
    await expect(ada.locator("#room")).to_have_attribute("data-state", in_state("lobby"))
    await roommates.inside(session, "host_1")
    await sees_and_hears(ada, "host_1")
    await expect(ada.locator("[data-now=status_text]")).to_have_text("Live", timeout=PATIENCE)


async def test_who_has_no_seat_in_a_full_session_is_told_so(roommates: Roommates) -> None:
    session = await roommates.live("bob", max_participants=1)
    ada = await roommates.door(session, "ada")
    await expect(ada.get_by_text("With a seat you can join.")).to_be_visible()
    await expect(ada.get_by_role("button", name="Go in")).to_have_count(0)


async def test_joining_on_the_page_of_a_session_leads_into_its_room(roommates: Roommates) -> None:
    session = await roommates.live("ada")
    await roommates.inside(session, "host_1")
    ada = await roommates.door(session, "ada", path=f"/s/{session}")
    await ada.get_by_role("button", name="Join").click()
    await expect(ada.get_by_text("You watch and listen.")).to_be_visible()
    await go_in(ada)
    await sees_and_hears(ada, "host_1")


async def test_without_script_the_page_says_that_it_needs_it(roommates: Roommates) -> None:
    session = await roommates.live("ada")
    page = await roommates.page("ada", f"/s/{session}/room", look=Look(script=False))
    await expect(page.get_by_role("heading", name="This page needs JavaScript")).to_be_visible()
    await expect(page.get_by_role("button", name="Go in")).to_be_hidden()
    await expect(page.get_by_role("link", name="Back to the session")).to_be_visible()
