"""Debian's Chromium, without a window: it opens one page, which tells the test by itself what it sees."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

STOP_SECONDS = 10.0
PLAIN = [
    "--headless",
    "--no-sandbox",  # as root there is none
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # it has nothing to look for elsewhere
]


def installed() -> str:
    """The program; where there is none, the test is skipped."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    return program


@asynccontextmanager
async def chromium_at(url: str) -> AsyncIterator[None]:
    """Chromium shows the page meanwhile, with a profile of its own that is thrown away."""
    profile = tempfile.mkdtemp(prefix="greenroom-chromium-")
    process = await asyncio.create_subprocess_exec(
        installed(), *PLAIN, f"--user-data-dir={profile}", url,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
        env={**os.environ, "HOME": profile},
    )  # fmt: skip
    try:
        yield
    finally:
        await _stop(process)
        shutil.rmtree(Path(profile), ignore_errors=True)


async def _stop(process: asyncio.subprocess.Process) -> None:
    """It and the processes that it has started, which are a group of their own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
