"""A real Chromium: one process for all tests of a worker, a window of its own for each person in a test."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    async_playwright,
    expect,
)

NAMES = ("chromium", "chromium-browser", "google-chrome")
START_SECONDS = 90.0
PATIENCE_MS = 30_000  # for what comes at once, where the machine has nothing else to do
OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--disable-features=Translate,OptimizationHints,LocalNetworkAccessChecks,WebRtcHideLocalIpsWithMdns",
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
    "--remote-debugging-port=0", "--mute-audio",
)  # fmt: skip
# A camera that shows a moving picture, a microphone that beeps; and a way between browsers where a machine has no network.
DEVICES = ("--use-fake-device-for-media-stream", "--allow-loopback-in-peer-connection")
VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`refused by the policy: ${event.violatedDirective} ${event.blockedURI} in ${event.sourceFile}`);
});
"""

expect.set_options(timeout=PATIENCE_MS)

Scheme = Literal["light", "dark"]


def installed() -> str | None:
    """Where Chromium is."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def running_chromium(program: str, *more: str) -> Iterator[str]:
    """A Chromium with nothing in it, with these options too; answers where it is driven."""
    home = Path(tempfile.mkdtemp(prefix="greenroom-chromium-"))
    command = [program, *OPTIONS, *more, f"--user-data-dir={home}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield f"http://127.0.0.1:{_port(home, process)}"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(home, ignore_errors=True)


def _port(home: Path, process: "subprocess.Popen[bytes]") -> str:
    told = home / "DevToolsActivePort"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if told.exists() and (lines := told.read_text().splitlines()):
            return lines[0]
        time.sleep(0.05)
    raise AssertionError("Chromium did not start")


@asynccontextmanager
async def driven(url: str) -> AsyncIterator[Browser]:
    """That Chromium, from this test's event loop."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(url)
        try:
            yield browser
        finally:
            await browser.close()


class Look(Struct, frozen=True, kw_only=True):
    """What somebody's window is like."""

    width: int = 1280
    height: int = 900
    scheme: Scheme = "light"
    script: bool = True
    zone: str = "Europe/Berlin"
    still: bool = False  # whether its owner has asked for less motion
    judged: bool = False  # by axe, which works in the page: the policy is not looked at meanwhile


PHONE = Look(width=390, height=844)


class Window:
    """Somebody's browser window, which notes whatever goes wrong in it."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.troubles: list[str] = []
        self.allowed: list[str] = []  # parts of troubles that a test expects

    def watch(self, page: Page) -> None:
        """Note errors of this page, and requests that leave the machine."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.troubles.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "http://localhost:", "data:", "about:", "blob:")):
            self.troubles.append(f"a request left the machine: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.troubles.append(f"{response.status} of {response.url}")

    def unexpected(self) -> list[str]:
        """Troubles that no test has allowed."""
        return [one for one in self.troubles if not any(part in one for part in self.allowed)]


async def opened(browser: Browser, look: Look, *, url: str, cookies: dict[str, str]) -> Window:
    """A new window, where these cookies are known."""
    options: dict[str, Any] = {
        "viewport": {"width": look.width, "height": look.height},
        "color_scheme": look.scheme,
        "java_script_enabled": look.script,
        "timezone_id": look.zone,
        "locale": "en-GB",
        "bypass_csp": look.judged,
        "reduced_motion": "reduce" if look.still else "no-preference",
        "base_url": url,
    }
    context = await browser.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    if look.script:
        await context.add_init_script(VIOLATIONS)
    if cookies:
        await context.add_cookies([{"name": name, "value": value, "url": url} for name, value in cookies.items()])
    page = await context.new_page()
    window = Window(context, page)
    context.on("page", window.watch)
    window.watch(page)
    return window
