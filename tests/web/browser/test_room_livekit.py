"""A room that LiveKit carries: its own web SDK, in a real browser, under the page's policy."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import pytest
from msgspec import Struct
from playwright.async_api import expect

from tests.chromium import driven
from tests.faults.waiting import eventually
from tests.web.browser.carried import Grounds, Guests
from tests.web.browser.livekit_server import LiveKitServer, running_livekit
from tests.web.browser.roommates import PATIENCE, PATIENCE_SECONDS, in_state, sees, sees_and_hears, tile


class House(Struct, frozen=True):
    """A Greenroom, its LiveKit, and the people in its rooms."""

    people: Guests
    livekit: LiveKitServer


@pytest.fixture
async def house(grounds: Grounds) -> AsyncIterator[House]:
    settings = {
        "GREENROOM_LIVEKIT_SDK_URL": grounds.sdks.livekit,
        "GREENROOM_LIVEKIT_SDK_INTEGRITY": grounds.sdks.integrity("livekit"),
    }
    async with standing(grounds, settings) as made:
        yield made


@asynccontextmanager
async def standing(grounds: Grounds, settings: dict[str, str]) -> AsyncIterator[House]:
    async with driven(grounds.chromium) as browser, running_livekit(grounds.fake, browser) as livekit:
        of_livekit = {**grounds.fake.livekit_settings(), "GREENROOM_LIVEKIT_URL": livekit.url}
        async with grounds.opened(browser, {**of_livekit, **settings}) as (_, people):
            yield House(people, livekit)


async def _is(value: bool) -> bool:
    return value


async def test_everybody_sees_and_hears_the_host_of_a_broadcast(house: House) -> None:
    session = await house.people.live("ada")
    host = await house.people.inside(session, "host_1")
    ada = await house.people.inside(session, "ada")
    await sees_and_hears(ada, "host_1")
    await expect(ada.locator("#do-camera")).to_have_count(0)
    await expect(tile(host, "ada")).to_be_visible()


async def test_people_switch_share_raise_hands_and_are_muted(house: House) -> None:
    session = await house.people.live("ada", kind="office_hours")
    host = await house.people.inside(session, "host_1")
    ada = await house.people.inside(session, "ada")
    await sees_and_hears(ada, "host_1")
    await sees_and_hears(host, "ada")
    await ada.get_by_role("button", name="Turn the camera off").click()
    await expect(tile(host, "ada").get_by_text("Camera off")).to_be_visible(timeout=PATIENCE)
    await ada.get_by_role("button", name="Turn the camera on").click()
    await sees(host, "ada")
    await host.get_by_role("button", name="Share your screen").click()
    await sees(ada, "host_1", "screen")
    await host.get_by_role("button", name="Stop sharing").click()
    await expect(ada.locator("#tiles .tile.screen")).to_have_count(0, timeout=PATIENCE)
    await ada.get_by_role("button", name="Raise your hand").click()
    await expect(host.locator("#hands bdi")).to_have_text(["ada"], timeout=PATIENCE)
    await host.get_by_role("button", name="Call on ada").click()
    await expect(ada.get_by_text("The host calls on you")).to_be_visible(timeout=PATIENCE)
    await expect(host.locator("#hands li")).to_have_count(0, timeout=PATIENCE)
    await tile(host, "ada").get_by_role("button", name="Mute").click()
    await expect(ada.get_by_text("A host has muted you.")).to_be_visible(timeout=PATIENCE)
    await expect(tile(host, "ada").get_by_text("Microphone off")).to_be_visible(timeout=PATIENCE)
    await house.livekit.tell_recording(True)
    for page in (host, ada):
        await expect(page.locator("#recording")).to_be_visible(timeout=PATIENCE)


async def test_a_removed_one_is_out_and_the_end_is_seen_by_all(house: House) -> None:
    session = await house.people.live("ada", "bob")
    host = await house.people.inside(session, "host_1")
    ada = await house.people.inside(session, "ada")
    bob = await house.people.inside(session, "bob")
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


async def test_in_another_window_one_takes_ones_own_place(house: House) -> None:
    session = await house.people.live("ada")
    first = await house.people.inside(session, "ada")
    second = await house.people.inside(session, "ada")
    await expect(first.get_by_role("heading", name="You are in the room in another window")).to_be_visible(timeout=PATIENCE)
    await expect(second.locator("#room")).to_have_attribute("data-state", in_state("inside"))


async def test_who_was_cut_off_comes_in_again(house: House) -> None:
    house.people.expected = ("WebSocket",)
    session = await house.people.live("ada")
    await house.people.inside(session, "host_1")
    ada = await house.people.inside(session, "ada")
    await sees_and_hears(ada, "host_1")
    before = house.livekit.joins
    await house.livekit.cut()
    await expect(ada.get_by_text("The connection to the room was lost.")).to_be_visible(timeout=PATIENCE)
    await expect(ada.get_by_text("The connection to the room was lost.")).to_be_hidden(timeout=PATIENCE)
    assert house.livekit.joins > before
    await sees_and_hears(ada, "host_1")


@pytest.mark.parametrize("manner", ["silent", "closes"])
async def test_a_livekit_that_does_not_answer_is_waited_for(house: House, manner: Literal["silent", "closes"]) -> None:
    session = await house.people.live("ada")
    house.livekit.manner = manner
    house.people.expected = ("WebSocket", "signal connection")
    ada = await house.people.door(session, "ada")
    await ada.get_by_role("button", name="Go in").click()
    await eventually(lambda: _is(house.livekit.joins > 1), "it is tried again", seconds=PATIENCE_SECONDS)
    await expect(ada.get_by_text("Connecting to the room …")).to_be_visible()
    house.livekit.manner = "answers"
    await expect(ada.locator("#room")).to_have_attribute("data-state", in_state("inside"), timeout=PATIENCE)
    await expect(ada.get_by_text("Connecting to the room …")).to_be_hidden()


async def test_a_livekit_that_takes_no_token_of_ours_is_not_asked_again(house: House) -> None:
    session = await house.people.live("ada")
    house.livekit.manner = "refuses"
    house.people.expected = ("WebSocket", "signal connection")
    ada = await house.people.door(session, "ada")
    await ada.get_by_role("button", name="Go in").click()
    await expect(ada.get_by_role("heading", name="You cannot come in")).to_be_focused(timeout=PATIENCE)
    assert house.livekit.joins == 1


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"GREENROOM_LIVEKIT_SDK_URL": "{url}/not-there.js"}, id="not there"),
        pytest.param({"GREENROOM_LIVEKIT_SDK_URL": "http://127.0.0.1:1/livekit.js"}, id="not reached"),
        pytest.param(
            {"GREENROOM_LIVEKIT_SDK_URL": "{url}/livekit.js", "GREENROOM_LIVEKIT_SDK_INTEGRITY": "sha384-" + "A" * 64},
            id="another file",
        ),
        pytest.param({"GREENROOM_LIVEKIT_SDK_URL": "/sdk/not-served.js"}, id="a path that nobody serves"),
    ],
)
async def test_an_sdk_that_cannot_be_loaded_is_said(grounds: Grounds, settings: dict[str, str]) -> None:
    named = {name: value.format(url=grounds.sdks.url) for name, value in settings.items()}
    async with standing(grounds, named) as house:
        session = await house.people.live("ada")
        house.people.expected = ("integrity", "404", "MIME")
        ada = await house.people.door(session, "ada")
        await ada.get_by_role("button", name="Go in").click()
        await expect(ada.get_by_role("heading", name="The room could not be opened")).to_be_focused(timeout=PATIENCE)
        await expect(ada.get_by_text("What carries picture and sound could not be loaded.")).to_be_visible()
        assert house.livekit.joins == 0


async def test_no_other_file_of_that_host_is_run(house: House) -> None:
    session = await house.people.live("ada")
    house.people.expected = ("refused by the policy", "violates")
    ada = await house.people.door(session, "ada")
    tried = "async (url) => { try { await import(url); return 'run'; } catch { return 'refused'; } }"
    sdk = await ada.locator("#sdk").get_attribute("src")
    assert sdk is not None
    assert await ada.evaluate(tried, sdk) == "run"
    assert await ada.evaluate(tried, sdk.replace("livekit.js", "getstream.js")) == "refused"


async def test_what_could_not_be_sent_is_sent_later(house: House) -> None:
    await house.people.see_what_could_not_be_sent_at_first()
