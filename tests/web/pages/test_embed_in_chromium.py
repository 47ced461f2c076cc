"""A card in a frame of another site, in a real browser. The sites are made up; nothing leaves the machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import httpx
import pytest
from playwright.async_api import Page, async_playwright

from tests.server import Server
from tests.stream.chromium import installed
from tests.tenant import Json, Tenant
from tests.web.pages.shown import FRAMING_SITE, at

SOON = "2027-03-01T17:00:00Z"
OTHER_SITE = "https://www.example.net"
# Chromium lets no site frame what is on the viewer's own machine, where a test's server is: it would refuse every card.
ARGUMENTS = ["--no-sandbox", "--disable-features=LocalNetworkAccessChecks"]


class Framed(NamedTuple):
    """The other site's page, and why the browser did not load what it did not."""

    page: Page
    refused: list[str]


@asynccontextmanager
async def framing(site: str, public: Server, session: Json, *, zone: str = "UTC") -> AsyncIterator[Framed]:
    """A page of the site that shows the card in a frame, and in which zone its viewer is."""
    card = f"{public.url}/embed/s/{session['id']}"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=installed(), args=ARGUMENTS)
        refused: list[str] = []
        page = await (await browser.new_context(timezone_id=zone)).new_page()
        html = f'<!doctype html><title>A site</title><iframe src="{card}" title="A session"></iframe>'
        await page.route(f"{site}/", lambda route: route.fulfill(body=html, content_type="text/html"))
        page.on("requestfailed", lambda request: refused.append(str(request.failure)))
        await page.goto(f"{site}/", wait_until="networkidle")
        yield Framed(page, refused)
        await browser.close()


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("Pacific/Kiritimati", "Tuesday, 2 March 2027, 07:00 (Line Islands Time, Pacific/Kiritimati)"),
        ("America/New_York", "Monday, 1 March 2027, 12:00 (Eastern Standard Time, America/New_York)"),
        ("UTC", "Monday, 1 March 2027, 17:00 (UTC)"),
    ],
)
async def test_the_site_that_is_named_shows_the_time_in_the_viewers_zone(
    http: httpx.AsyncClient, public: Server, tenant: Tenant, zone: str, told: str
) -> None:
    session = await at(http, tenant, SOON, "A card")
    async with framing(FRAMING_SITE, public, session, zone=zone) as (page, refused):
        frame = page.frame_locator("iframe")
        assert await frame.locator("h1").inner_text() == "A card"
        assert await frame.locator("time").inner_text() == told
    assert refused == []


async def test_the_cards_link_opens_a_tab_that_cannot_reach_back(
    http: httpx.AsyncClient, public: Server, tenant: Tenant
) -> None:
    session = await at(http, tenant, SOON, "A card")
    async with framing(FRAMING_SITE, public, session) as (page, _):
        async with page.context.expect_page() as opened:
            await page.frame_locator("iframe").locator("a").click()
        tab = await opened.value
        await tab.wait_for_load_state()
        assert tab.url == f"{public.url}/s/{session['id']}"
        assert await tab.evaluate("window.opener") is None


async def test_a_site_that_is_not_named_shows_nothing(http: httpx.AsyncClient, public: Server, tenant: Tenant) -> None:
    session = await at(http, tenant, SOON, "A card")
    async with framing(OTHER_SITE, public, session) as (page, refused):
        assert await page.frame_locator("iframe").locator("h1", has_text="A card").count() == 0
    assert refused == ["net::ERR_BLOCKED_BY_RESPONSE"]
