"""The page that carries picture and sound for the small providers of the tests: see media_side.js."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page

SCRIPT = Path(__file__).with_name("media_side.js")


@asynccontextmanager
async def opened_media(browser: Browser) -> AsyncIterator[Page]:
    """Such a page, in a window of its own."""
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await page.evaluate(SCRIPT.read_text())
        yield page
    finally:
        await context.close()
