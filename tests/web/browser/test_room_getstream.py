"""A room that GetStream carries: its own web SDK, in a real browser, under the page's policy."""

from collections.abc import AsyncIterator

import pytest
from msgspec import Struct
from playwright.async_api import expect

from tests.chromium import driven
from tests.faults.waiting import eventually
from tests.web.browser.carried import Grounds, Guests
from tests.web.browser.getstream_server import GetStreamServer, running_getstream
from tests.web.browser.roommates import PATIENCE, PATIENCE_SECONDS, sees, sees_and_hears, tile


class House(Struct, frozen=True):
    """A Greenroom, its GetStream, and the people in its rooms."""

    people: Guests
    getstream: GetStreamServer


@pytest.fixture
async def house(grounds: Grounds) -> AsyncIterator[House]:
    async with driven(grounds.chromium) as browser, running_getstream(grounds.fake, browser) as getstream:
        settings = {
            **grounds.fake.getstream_settings(),
            "GREENROOM_GETSTREAM_BASE_URL": getstream.url,
            "GREENROOM_GETSTREAM_SDK_URL": grounds.sdks.getstream,
            "GREENROOM_GETSTREAM_SDK_INTEGRITY": grounds.sdks.integrity("getstream"),
        }
        async with grounds.opened(browser, settings) as (_, people):
            yield House(people, getstream)


async def test_everybody_sees_and_hears_the_host_of_a_broadcast(house: House) -> None:
    session = await house.people.live("ada lovelace")
    host = await house.people.inside(session, "host_1")
    ada = await house.people.inside(session, "ada lovelace")
    await sees_and_hears(ada, "host_1")
    await expect(ada.locator("#do-camera")).to_have_count(0)
    await expect(tile(host, "ada lovelace")).to_be_visible()


async def test_a_removed_one_is_out_and_the_end_is_seen_by_all(house: House) -> None:
    session = await house.people.live("ada", "bob")
    host = await house.people.inside(session, "host_1")
    ada = await house.people.inside(session, "ada")
    bob = await house.people.inside(session, "bob")
    await ada.get_by_role("button", name="Raise your hand").click()
    await expect(host.locator("#hands bdi")).to_have_text(["ada"], timeout=PATIENCE)
    remove = tile(host, "ada").locator(".remove")
    await remove.locator("summary").click()
    await remove.get_by_role("button", name="Yes: Remove").click()
    await expect(ada.get_by_role("heading", name="You were removed")).to_be_focused(timeout=PATIENCE)
    await expect(tile(host, "ada")).to_have_count(0, timeout=PATIENCE)
    await ada.reload()
    await expect(ada.get_by_role("heading", name="You cannot come in now")).to_be_visible()
    await house.people.step(session, "end")
    for page in (host, bob):
        await expect(page.get_by_role("heading", name="The session has ended")).to_be_visible(timeout=PATIENCE)


async def test_in_office_hours_people_switch_share_and_are_muted(house: House) -> None:
    session = await house.people.live("ada", kind="office_hours")
    host = await house.people.inside(session, "host_1")
    ada = await house.people.inside(session, "ada")
    await sees_and_hears(ada, "host_1")
    await sees_and_hears(host, "ada")
    await ada.get_by_role("button", name="Turn the camera off").click()
    await expect(tile(host, "ada").get_by_text("Camera off")).to_be_visible(timeout=PATIENCE)
    await host.get_by_role("button", name="Share your screen").click()
    await sees(ada, "host_1", "screen")
    await tile(host, "ada").get_by_role("button", name="Mute").click()
    await expect(ada.get_by_text("A host has muted you.")).to_be_visible(timeout=PATIENCE)
    await expect(tile(host, "ada").get_by_text("Microphone off")).to_be_visible(timeout=PATIENCE)


async def test_a_getstream_that_takes_no_token_of_ours_is_not_asked_for_ever(house: House) -> None:
    house.people.expected = ("[coordinator]", "WebSocket", "signature is not valid")
    session = await house.people.live("ada")
    house.getstream.refuses = True
    ada = await house.people.door(session, "ada")
    await ada.get_by_role("button", name="Go in").click()
    await expect(ada.get_by_role("heading", name="You cannot come in")).to_be_focused(timeout=PATIENCE)
    assert house.getstream.asked == []


async def test_who_was_cut_off_comes_back(house: House) -> None:
    house.people.expected = ("WebSocket", "CORS")
    session = await house.people.live("ada")
    await house.people.inside(session, "host_1")
    ada = await house.people.inside(session, "ada")
    await sees_and_hears(ada, "host_1")
    before = house.getstream.connections

    async def are_back() -> bool:
        return house.getstream.connections >= before + 2

    house.getstream.cut()
    await eventually(are_back, "both have connected again", seconds=PATIENCE_SECONDS)
    await expect(ada.get_by_text("The connection to the room was lost.")).to_be_hidden(timeout=PATIENCE)
    await sees_and_hears(ada, "host_1")


async def test_what_could_not_be_sent_is_sent_later(house: House) -> None:
    await house.people.see_what_could_not_be_sent_at_first()
