"""The network between people and the server is cut, and changes; processes die. What is said meanwhile, and that it comes back.

The cut is a real one: see network.py. Picture and sound between two browsers are datagrams that go through it.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.faults.waiting import eventually
from tests.postgres import TestDatabase
from tests.server import Server, running_server
from tests.web.browser.network import Network, network_to
from tests.web.browser.recording import RECORDERS, brought, made, recorders
from tests.web.browser.roommates import PATIENCE, PATIENCE_SECONDS, Roommates, go_in, in_state, sees_and_hears, still_for, tile

CUT_SECONDS = 5
AWAY = "The connection to the room was lost."
HASTE = 10  # times faster than it is goes the clock by which a page has patience
# No way leads to anybody, and when the page connects to the signalling is noted.
CUT_OFF = """
(() => {
  const now = performance.now.bind(performance);
  performance.now = () => HASTE * now();
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(given) {
      super({ ...given, iceTransportPolicy: "relay" });
    }
  };
  window.connectedAt = [];
  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      window.connectedAt.push(now() / 1_000);
    }
  };
})();
""".replace("HASTE", str(HASTE))


@pytest.fixture
async def network(builtin: Server) -> AsyncIterator[Network]:
    """What ada is behind."""
    async with network_to(builtin.port) as found:
        yield found


async def host_and_ada(roommates: Roommates, network: Network, session: str) -> tuple[Page, Page]:
    """Both in the room, seeing and hearing each other through the network."""
    host = await roommates.window("host_1")
    ada = await roommates.window("ada", url=network.url)
    await network.put_before(ada.context, host.context)
    for window, url in ((host, roommates.url), (ada, network.url)):
        await roommates.prepare(window)
        await window.page.goto(f"{url}/s/{session}/room")
        await go_in(window.page)
    await sees_and_hears(ada.page, "host_1")
    await sees_and_hears(host.page, "ada")
    assert network.carried > 0
    return host.page, ada.page


async def test_five_seconds_without_a_network_heal(roommates: Roommates, network: Network) -> None:
    session = await roommates.live("ada", kind="office_hours")
    host, ada = await host_and_ada(roommates, network, session)
    network.cut()
    await still_for(ada, "host_1", CUT_SECONDS)
    network.mend()
    await sees_and_hears(ada, "host_1")
    await sees_and_hears(host, "ada")
    await expect(ada.get_by_text(AWAY)).to_be_hidden(timeout=PATIENCE)
    await expect(tile(host, "ada").locator(".tile-waits")).to_be_hidden(timeout=PATIENCE)


async def test_a_longer_cut_is_said_and_heals(roommates: Roommates, network: Network) -> None:
    session = await roommates.live("ada", kind="office_hours")
    host, ada = await host_and_ada(roommates, network, session)
    network.cut()
    await expect(tile(ada, "host_1").get_by_text("Connecting to host_1")).to_be_visible(timeout=PATIENCE)
    await expect(tile(host, "ada").get_by_text("Connecting to ada")).to_be_visible(timeout=PATIENCE)
    network.break_connections()
    await expect(ada.get_by_text(AWAY)).to_be_visible(timeout=PATIENCE)
    network.mend()
    await expect(ada.get_by_text(AWAY)).to_be_hidden(timeout=PATIENCE)
    await sees_and_hears(ada, "host_1")
    await sees_and_hears(host, "ada")
    await expect(tile(host, "ada")).to_have_count(1)


async def test_who_gets_another_address_is_found_by_another_way(roommates: Roommates, network: Network) -> None:
    session = await roommates.live("ada", kind="office_hours")
    host, ada = await host_and_ada(roommates, network, session)
    network.change_addresses()
    await sees_and_hears(ada, "host_1")
    await sees_and_hears(host, "ada")
    assert await ada.evaluate("() => connectionsOfTest.length") == 1  # the same connection, by other ways (ICE restart)


async def test_without_the_signalling_picture_and_sound_go_on_and_it_is_the_same_peer_that_returns(
    roommates: Roommates, network: Network
) -> None:
    session = await roommates.live("ada", kind="office_hours")
    host, ada = await host_and_ada(roommates, network, session)
    peer = await tile(host, "ada").get_attribute("data-peer")
    there, network.service_port = network.service_port, 9
    network.break_connections()
    await expect(ada.get_by_text(AWAY)).to_be_visible(timeout=PATIENCE)
    await sees_and_hears(ada, "host_1")
    network.service_port = there
    await expect(ada.get_by_text(AWAY)).to_be_hidden(timeout=PATIENCE)
    await sees_and_hears(host, "ada")
    await ada.get_by_role("button", name="Raise your hand").click()
    await expect(host.locator("#hands bdi")).to_have_text(["ada"], timeout=PATIENCE)
    assert await tile(host, "ada").get_attribute("data-peer") == peer


async def test_a_process_dies_and_the_room_goes_on_with_another(
    roommates: Roommates, network: Network, builtin: Server, rooms_database: TestDatabase, tmp_path: Path
) -> None:
    with running_server(rooms_database, tmp_path, settings={"GREENROOM_VIDEO_PROVIDER": "builtin"}) as mortal:
        network.service_port = mortal.port
        session = await roommates.live("ada", kind="office_hours")
        host, ada = await host_and_ada(roommates, network, session)
        peer = await tile(host, "ada").get_attribute("data-peer")
        mortal.process.kill()
        mortal.process.wait()
        await expect(ada.get_by_text(AWAY)).to_be_visible(timeout=PATIENCE)
        await sees_and_hears(ada, "host_1")
        network.service_port = builtin.port
        await expect(ada.get_by_text(AWAY)).to_be_hidden(timeout=PATIENCE)
        await ada.get_by_role("button", name="Raise your hand").click()
        await expect(host.locator("#hands bdi")).to_have_text(["ada"], timeout=PATIENCE)
        await sees_and_hears(host, "ada")
        assert await tile(host, "ada").get_attribute("data-peer") == peer


async def test_who_was_removed_while_away_does_not_come_back(roommates: Roommates, network: Network) -> None:
    session = await roommates.live("ada", kind="office_hours")
    host, ada = await host_and_ada(roommates, network, session)
    there, network.service_port = network.service_port, 9
    network.break_connections()
    await expect(ada.get_by_text(AWAY)).to_be_visible(timeout=PATIENCE)
    await roommates.call("DELETE", f"/sessions/{session}/participants/ada")
    network.service_port = there
    await expect(ada.locator("#room")).to_have_attribute("data-state", in_state("over"), timeout=PATIENCE)
    await expect(tile(host, "ada")).to_have_count(0, timeout=PATIENCE)

    async def is_silent() -> bool:
        return bool(await ada.evaluate("() => connectionsOfTest.every((one) => one.connectionState === 'closed')"))

    await eventually(is_silent, "nothing is sent or received any more", seconds=PATIENCE_SECONDS)


async def test_a_recording_goes_on_though_its_host_was_away_for_longer_than_a_stay(
    roommates: Roommates, network: Network
) -> None:
    session = await roommates.live("ada", kind="office_hours")
    host = await roommates.window("host_1", url=network.url)
    ada = await roommates.window("ada")
    await host.context.add_init_script(RECORDERS)
    for window, url in ((host, network.url), (ada, roommates.url)):
        await roommates.prepare(window)
        await window.page.goto(f"{url}/s/{session}/room")
        await go_in(window.page)
    await host.page.get_by_role("button", name="Record").click(timeout=PATIENCE)
    await expect(ada.page.locator("#recording")).to_be_visible(timeout=PATIENCE)
    await brought(roommates, session)
    network.cut()
    network.break_connections()
    await expect(tile(ada.page, "host_1")).to_have_count(0, timeout=PATIENCE)
    await expect(ada.page.locator("#recording")).to_be_hidden(timeout=PATIENCE)
    await recorders(host.page, "paused")
    before = await made(host.page)
    network.mend()
    await expect(ada.page.locator("#recording")).to_be_visible(timeout=PATIENCE)
    await brought(roommates, session, more_than=before)
    await recorders(host.page, "recording")
    await host.page.get_by_role("button", name="Stop recording").click(timeout=PATIENCE)
    await expect(ada.page.locator("#recording")).to_be_hidden(timeout=PATIENCE)


async def test_a_hand_that_changes_while_one_is_away_is_seen_when_one_is_back(roommates: Roommates, network: Network) -> None:
    session = await roommates.live("ada", kind="office_hours")
    host, ada = await host_and_ada(roommates, network, session)
    there = network.service_port
    for button, raised in (("Raise your hand", ["ada"]), ("Lower your hand", [])):
        network.service_port = 9
        network.break_connections()
        await expect(ada.get_by_text(AWAY)).to_be_visible(timeout=PATIENCE)
        await ada.get_by_role("button", name=button).click()
        network.service_port = there
        await expect(ada.get_by_text(AWAY)).to_be_hidden(timeout=PATIENCE)
        await expect(host.locator("#hands bdi")).to_have_text(raised, timeout=PATIENCE)


async def test_with_another_network_comes_another_connection_of_the_same_peer(roommates: Roommates) -> None:
    session = await roommates.live("ada", kind="office_hours")
    host = await roommates.inside(session, "host_1")
    ada = await roommates.inside(session, "ada", script=RECORDERS)
    await sees_and_hears(host, "ada")
    peer = await tile(host, "ada").get_attribute("data-peer")
    await ada.evaluate("dispatchEvent(new Event('online'))")
    await ada.wait_for_function("() => socketsOfTest.length === 2 && socketsOfTest[1].readyState === WebSocket.OPEN")
    await expect(ada.get_by_text(AWAY)).to_be_hidden(timeout=PATIENCE)
    await ada.get_by_role("button", name="Raise your hand").click()
    await expect(host.locator("#hands bdi")).to_have_text(["ada"], timeout=PATIENCE)
    assert await tile(host, "ada").get_attribute("data-peer") == peer


async def test_where_no_way_leads_to_anybody_it_is_tried_ever_more_rarely(roommates: Roommates) -> None:
    session = await roommates.live("ada")
    await roommates.inside(session, "host_1")
    ada = await roommates.inside(session, "ada", script=CUT_OFF)
    await ada.wait_for_function("() => connectedAt.length === 4", timeout=PATIENCE)
    _, first, second, third = await ada.evaluate("connectedAt")
    assert second - first > 0.8 * 30 / HASTE
    assert third - second > 0.8 * 60 / HASTE
