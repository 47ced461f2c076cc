"""The first page that somebody opens who was never here: how much comes over the wire, from where, and how soon it is seen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import CDPSession, Page

from tests.postgres import TestDatabase
from tests.server import Server, running_server
from tests.web.browser.people import People

MOST_OCTETS = 100_000
MOMENTS = """async () => {
  const long = [];
  new PerformanceObserver((list) => long.push(...list.getEntries())).observe({ type: "longtask", buffered: true });
  await new Promise((done) => setTimeout(done, 500));
  const paint = performance.getEntriesByType("paint").find((one) => one.name === "first-contentful-paint");
  return { paint: paint.startTime, blocked: long.reduce((sum, one) => sum + Math.max(0, one.duration - 50), 0) };
}"""


@pytest.fixture
def cold(database: TestDatabase, tmp_path: Path) -> Iterator[Server]:
    """A server that has answered nobody yet, and lets everybody look."""
    with running_server(database, tmp_path, settings={"GREENROOM_PUBLIC_PAGES": "on"}) as running:
        yield running


async def counted(page: Page) -> list[tuple[str, float]]:
    """Notes each answer: its address, and the octets of it that came over the wire."""
    network: CDPSession = await page.context.new_cdp_session(page)
    addresses: dict[str, str] = {}
    came: list[tuple[str, float]] = []

    def finished(event: dict[str, Any]) -> None:
        came.append((addresses.get(event["requestId"], ""), event["encodedDataLength"]))

    network.on("Network.requestWillBeSent", lambda event: addresses.update({event["requestId"]: event["request"]["url"]}))
    network.on("Network.loadingFinished", finished)
    await network.send("Network.enable")
    return came


async def test_the_first_page_is_small_and_all_of_it_is_ours(people: People, cold: Server, record_property: Any) -> None:
    session = await people.session(title="Sitting well, all day")
    people.url = cold.url
    window = await people.window()
    came = await counted(window.page)
    await window.page.goto(f"{cold.url}/s/{session}")
    moments = await window.page.evaluate(MOMENTS)
    octets = sum(size for _, size in came)
    record_property("octets", octets)
    print(
        f"first page: {len(came)} answers, {octets:,.0f} octets, first paint after {moments['paint']:.0f} ms, "
        f"blocked for {moments['blocked']:.0f} ms"
    )
    assert {address.partition("?")[0].split("/")[2] for address, _ in came} == {cold.url.removeprefix("http://")}
    assert 5_000 < octets < MOST_OCTETS
