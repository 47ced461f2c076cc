"""The room, judged by axe in each of its states: light and dark, on a phone and wide; and used by the keyboard alone."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.chromium import Look, Scheme
from tests.web.browser.judging import overflow, violations
from tests.web.browser.roommates import PATIENCE, Roommates, go_in, in_state, sees, tile
from tests.web.browser.test_keyboard import tab_to

JUDGED = Look(judged=True, still=True)
SIZES = {"wide": (1280, 900), "on a phone": (390, 844), "at 320": (320, 640)}
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
LONG = "user-" + "x" * 60


async def _office_hours(roommates: Roommates) -> str:
    return await roommates.live("ada", LONG, kind="office_hours", title="Ask the physiotherapist about everything, " * 4)


async def at_the_door(roommates: Roommates) -> Page:
    page = await roommates.door(await _office_hours(roommates), "ada", look=JUDGED)
    await expect(page.locator("#preview")).to_be_visible(timeout=PATIENCE)
    return page


async def at_the_door_without_devices(roommates: Roommates) -> Page:
    session = await _office_hours(roommates)
    window = await roommates.window("ada", look=JUDGED)
    await window.context.add_init_script(
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError'))"
    )
    await window.page.goto(f"/s/{session}/room")
    await expect(window.page.get_by_text("No camera was found.")).to_be_visible(timeout=PATIENCE)
    return window.page


async def at_the_door_of_a_broadcast(roommates: Roommates) -> Page:
    page = await roommates.door(await roommates.live("ada"), "ada", look=JUDGED)
    await expect(page.get_by_role("button", name="Go in")).to_be_visible()
    return page


async def too_early(roommates: Roommates) -> Page:
    session = await roommates.session()
    await roommates.registered(session, "ada")
    return await roommates.door(session, "ada", look=JUDGED)


async def in_the_lobby(roommates: Roommates) -> Page:
    return await roommates.inside(await _office_hours(roommates), "ada", look=JUDGED)


async def a_host_among_others(roommates: Roommates) -> Page:
    session = await _office_hours(roommates)
    host = await roommates.inside(session, "host_1", look=JUDGED)
    ada = await roommates.inside(session, "ada")
    await roommates.question(session, "Which chair?", "ada")
    other = await roommates.door(session, LONG, allows=False)
    await go_in(other)
    for page in (ada, other):
        await page.get_by_role("button", name="Raise your hand").click()
    await ada.get_by_role("button", name="Share your screen").click()
    await sees(host, "ada", "screen")
    await expect(host.locator("#hands li")).to_have_count(2, timeout=PATIENCE)
    await host.get_by_text("Devices").click()
    await host.locator("#do-end summary").click()
    await tile(host, "ada").locator("summary").click()
    return host


async def who_watches_a_broadcast(roommates: Roommates) -> Page:
    session = await roommates.live("ada")
    host = await roommates.inside(session, "host_1")
    ada = await roommates.inside(session, "ada", look=JUDGED)
    await sees(ada, "host_1")
    await host.get_by_role("button", name="Turn the camera off").click()
    await expect(tile(ada, "host_1").get_by_text("Camera off")).to_be_visible(timeout=PATIENCE)
    return ada


async def after_leaving(roommates: Roommates) -> Page:
    page = await in_the_lobby(roommates)
    await page.get_by_role("button", name="Leave").click()
    return page


async def after_the_end(roommates: Roommates) -> Page:
    session = await roommates.live("ada")
    page = await roommates.inside(session, "ada", look=JUDGED)
    await roommates.step(session, "end")
    await expect(page.get_by_role("heading", name="The session has ended")).to_be_visible(timeout=PATIENCE)
    return page


STATES: list[Callable[[Roommates], Awaitable[Page]]] = [
    at_the_door, at_the_door_without_devices, at_the_door_of_a_broadcast, too_early, in_the_lobby, a_host_among_others,
    who_watches_a_broadcast, after_leaving, after_the_end,
]  # fmt: skip


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_everybody_can_use_it(roommates: Roommates, state: Callable[[Roommates], Awaitable[Page]]) -> None:
    page = await state(roommates)
    found = {}
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for size, (width, height) in SIZES.items():
            await page.set_viewport_size({"width": width, "height": height})
            wrong, wide = await violations(page), await overflow(page)
            if wrong or wide:
                found[f"{scheme} {size}"] = [*wrong, *([f"{wide} px wider than the window"] if wide else [])]
    assert found == {}


async def test_the_keyboard_alone_is_enough(roommates: Roommates) -> None:
    session = await roommates.live("ada", kind="office_hours")
    host = await roommates.inside(session, "host_1")
    ada = await roommates.door(session, "ada")
    await expect(ada.locator("#preview")).to_be_visible(timeout=PATIENCE)
    await tab_to(ada, "Go in")
    await ada.keyboard.press("Enter")
    await expect(ada.locator("#room")).to_have_attribute("data-state", in_state("inside"), timeout=PATIENCE)
    await expect(ada.locator("#stage-title")).to_be_focused()
    await tab_to(ada, "Turn the microphone off")
    await ada.keyboard.press("Space")
    await expect(ada.get_by_role("button", name="Turn the microphone on")).to_be_focused()
    await tab_to(ada, "Raise your hand")
    await ada.keyboard.press("Enter")
    await expect(host.locator("#hands bdi")).to_have_text(["ada"], timeout=PATIENCE)
    await tab_to(host, "Call on")
    await host.keyboard.press("Enter")
    await expect(host.locator("#hands li")).to_have_count(0, timeout=PATIENCE)
    await tab_to(ada, "Leave")
    await ada.keyboard.press("Enter")
    await expect(ada.get_by_role("heading", name="You have left")).to_be_focused()
    await tab_to(ada, "Come back in")
    await ada.keyboard.press("Enter")
    await expect(ada.get_by_role("button", name="Go in")).to_be_visible()
