"""The first page that somebody opens, of a server just started: how much comes, from where, and how soon it is seen."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page

from tests.postgres import TestDatabase
from tests.server import running_server
from tests.tenant import Tenant
from tests.web.browser.people import People

MOST_OCTETS = 100_000
# Kept over the reload by which a page learns the zone that its visitor is in.
MEASURES = """
if (location.protocol === "http:") {
  const kept = (name) => Number(sessionStorage.getItem(name) ?? 0);
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) {
      if (!kept("painted")) sessionStorage.setItem("painted", performance.timeOrigin + one.startTime);
    }
  }).observe({ type: "paint", buffered: true });
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) sessionStorage.setItem("blocked", kept("blocked") + Math.max(0, one.duration - 50));
  }).observe({ type: "longtask", buffered: true });
  if (!kept("begun")) sessionStorage.setItem("begun", performance.timeOrigin);
}
"""
SHOWN = """(reloads) => document.readyState === "complete" && sessionStorage.getItem("painted")
  && (!reloads || performance.getEntriesByType("navigation")[0].type === "reload")"""
MEASURED = """() => ({
  painted: sessionStorage.getItem("painted") - sessionStorage.getItem("begun"),
  blocked: Number(sessionStorage.getItem("blocked") ?? 0),
})"""


class Traffic:
    """What goes over the network for a page, as Chromium counts it: heads included, nothing for what it had kept."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self._octets: dict[str, float] = {}

    async def watch(self, page: Page) -> None:
        """Note it from now on."""
        network = await page.context.new_cdp_session(page)
        network.on("Network.requestWillBeSent", lambda told: self.addresses.append(told["request"]["url"]))
        network.on("Network.dataReceived", self._came)
        network.on("Network.loadingFinished", self._ended)
        await network.send("Network.enable")

    @property
    def octets(self) -> float:
        """All that came."""
        return sum(self._octets.values())

    @property
    def hosts(self) -> set[str | None]:
        """From where."""
        return {urlsplit(address).hostname for address in self.addresses if not address.startswith("data:")}

    def _came(self, told: dict[str, Any]) -> None:
        self._octets[told["requestId"]] = self._octets.get(told["requestId"], 0) + told["encodedDataLength"]

    def _ended(self, told: dict[str, Any]) -> None:
        self._octets[told["requestId"]] = told["encodedDataLength"]


@pytest.fixture
async def newcomers(browser: Browser, database: TestDatabase, tenant: Tenant, tmp_path: Path) -> AsyncIterator[People]:
    """People of the test's brand at a server of its own, which nobody has asked for a page."""
    with running_server(database, tmp_path) as cold:
        async with AsyncExitStack() as windows:
            yield People(browser, cold.url, tenant, windows, database=database)


@pytest.mark.parametrize("where", ["/signin", "/", "/s/{id}"])
async def test_the_first_page_is_light_and_comes_from_this_machine_alone(
    people: People, newcomers: People, where: str, record_property: Callable[[str, object], None]
) -> None:
    session = await people.session(max_participants=2)
    await people.step(session, "start")
    for turn in range(20):
        await people.question(session, f"Which chair, of those that I have tried, number {turn}?", f"asker_{turn}")
    window = await newcomers.window(None if where == "/signin" else "ada", zone=False)
    page, traffic = window.page, Traffic()
    await window.context.add_init_script(MEASURES)
    await traffic.watch(page)
    if where == "/s/{id}":
        async with page.expect_response("**/now"):
            await page.goto(where.format(id=session))
    else:
        await page.goto(where)
    await page.wait_for_function(SHOWN, arg=where != "/signin")
    measured = await page.evaluate(MEASURED)
    record_property(
        "measured",
        f"first visit of {where}: {traffic.octets / 1000:.1f} KB in {len(traffic.addresses)} requests, first paint after "
        f"{measured['painted']:.0f} ms, {measured['blocked']:.0f} ms blocked",
    )
    assert traffic.hosts == {"127.0.0.1"}
    assert 5_000 < traffic.octets < MOST_OCTETS
    assert measured["painted"] > 0
