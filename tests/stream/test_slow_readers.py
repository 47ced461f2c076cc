"""One who does not read is left behind, and nobody pays for it: neither the server's memory nor the others."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, Server
from tests.stream.hurry import hurried_server
from tests.stream.listening import Listener
from tests.stream.stage import Stage, staged
from tests.tenant import Tenant

BUFFER = 2048
LONG = "\U0001f600" * 9_900  # 40 KB
FRAMES = 130  # what the system itself holds of a connection is 4 MB at most
SLOW_ONES = 10
QUICK = {"FRAME_SECONDS": 0.01, "LOOK_SECONDS": 0.01, "TEND_SECONDS": 0.1, "PRESENCE_SECONDS": 0.2}


def resident(server: Server) -> int:
    """Octets of its memory."""
    return int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(scope="module")
def patient(hurried_database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that writes as often as it can, and waits for slow ones."""
    with hurried_server(hurried_database, tmp_path_factory.mktemp("patient"), **QUICK) as running:
        yield running


@pytest.fixture
async def stage(patient: Server, tenant: Tenant) -> AsyncIterator[Stage]:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=patient.url, timeout=30) as client:
        yield await staged(patient, client, tenant)


async def fill(stage: Stage, quick: Listener) -> str:
    """Tell more than a connection holds; the last title."""
    for number in range(FRAMES):
        await stage.edit(title=f"{number} {LONG}")
        await quick.until(lambda known=f"{number} ": quick.known.session["title"].startswith(known), "the title")  # type: ignore[misc]
    return str(quick.known.session["title"])


async def test_who_reads_again_gets_a_snapshot_and_goes_on(stage: Stage) -> None:
    async with stage.watching("slow", receives=BUFFER) as slow, stage.watching("quick") as quick:
        await slow.begun()
        await quick.begun()
        slow.rest()
        title = await fill(stage, quick)
        slow.go_on()
        await slow.until(lambda: slow.known.session["title"] == title, "the last title")
        assert slow.names.count("snapshot") == 2
        assert len(slow.events) < len(quick.events)
        await stage.edit(title="Go on")
        await slow.until(lambda: slow.known.session["title"] == "Go on", "the next title")
        assert slow.ending is None
        assert quick.names.count("snapshot") == 1


async def test_the_servers_memory_does_not_grow_by_those_who_do_not_read(stage: Stage, patient: Server) -> None:
    async with stage.watching("quick") as quick, AsyncExitStack() as others:
        await quick.begun()
        for number in range(SLOW_ONES):
            slow = await others.enter_async_context(stage.watching(f"slow{number}", receives=BUFFER))
            await slow.begun()
            slow.rest()
        before = resident(patient)
        await fill(stage, quick)
        assert resident(patient) - before < len(LONG.encode()) * FRAMES * SLOW_ONES / 4


async def test_who_never_reads_is_cut_off(
    hurried_database: TestDatabase, tenant: Tenant, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with hurried_server(hurried_database, tmp_path_factory.mktemp("impatient"), PATIENCE=0.5, **QUICK) as server:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url, timeout=30) as http:
            stage = await staged(server, http, tenant)
            async with stage.watching("slow", receives=BUFFER) as slow, stage.watching("quick") as quick:
                await slow.begun()
                await quick.until(lambda: quick.known.watching == 2, "two watch")
                slow.rest()
                await fill(stage, quick)
                await quick.until(lambda: quick.known.watching == 1, "one watches")
                assert quick.ending is None
                slow.go_on()
                assert await slow.ends() == "cut"
