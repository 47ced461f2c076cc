"""The consumers of docs/how-to/webhooks.md, run as they stand against a real server."""

import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.docs.pages import ROOT, blocks
from tests.faults.waiting import eventually
from tests.postgres import TestDatabase
from tests.server import Server, running_server
from tests.tenant import Json, Tenant
from tests.webhooks.asking import Manager
from tests.webhooks.node import installed, node

PAGE = ROOT / "docs" / "how-to" / "webhooks.md"


def program(kind: str, directory: Path) -> Sequence[str]:
    """What runs the page's one block of this kind."""
    (block,) = [block for block in blocks(PAGE) if block.kind == kind]
    file = directory / ("hooks.py" if kind == "python" else "hooks.ts")
    file.write_text(block.text)
    if kind == "python":
        return [sys.executable, str(file)]
    (directory / "package.json").write_text('{"type": "module"}')
    (directory / "node_modules").symlink_to(installed() / "node_modules")
    return [str(node()), str(file)]


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def running(command: Sequence[str], *, port: int, secret: str) -> Iterator[None]:
    """The consumer runs meanwhile."""
    process = subprocess.Popen(command, env={**os.environ, "PORT": str(port), "WEBHOOK_SECRET": secret})
    try:
        yield
    finally:
        process.kill()
        process.wait()


@pytest.fixture
async def server(scratch: TestDatabase, tmp_path: Path) -> AsyncIterator[Server]:
    with running_server(scratch, tmp_path) as one:
        yield one


@pytest.mark.parametrize("kind", ["python", "ts"])
async def test_a_consumer_verifies_takes_each_event_once_and_knows_their_order(
    http: httpx.AsyncClient, tenant: Tenant, tmp_path: Path, kind: str
) -> None:
    manager, port = Manager(http, tenant), free_port()
    made = await manager.make(url=f"http://127.0.0.1:{port}/hooks", events=["live.session."])

    async def history() -> dict[str, list[list[object]]]:
        try:
            async with httpx.AsyncClient() as client:
                found: dict[str, list[list[object]]] = (await client.get(f"http://127.0.0.1:{port}/")).json()
                return found
        except httpx.TransportError:
            return {}

    with running(program(kind, tmp_path), port=port, secret=made["secret"]):

        async def listens() -> bool:
            async with httpx.AsyncClient() as client:
                try:
                    return (await client.get(f"http://127.0.0.1:{port}/")).is_success
                except httpx.TransportError:
                    return False

        await eventually(listens, "the consumer listens")
        session = await tenant.ended(http)

        async def has_all() -> bool:
            return len((await history()).get(session["id"], [])) == 3

        await eventually(has_all, "the consumer has them all")
        await _again(manager, made)
        kept = (await history())[session["id"]]
        assert [type_ for _, type_ in kept] == [f"live.session.{what}.v1" for what in ("created", "started", "ended")]
        async with httpx.AsyncClient() as client:
            forged = await client.post(
                f"http://127.0.0.1:{port}/hooks", content=b"{}",
                headers={"webhook-id": "x", "webhook-timestamp": "1", "webhook-signature": "v1,eA=="},
            )  # fmt: skip
        assert forged.status_code == 401


async def _again(manager: Manager, endpoint: Json) -> None:
    """All of it is delivered again."""
    path = f"/{endpoint['id']}/deliveries"
    for one in (await manager.ask("GET", path)).json()["deliveries"]:
        assert (await manager.ask("POST", f"{path}/{one['id']}/redeliver")).status_code == 202

    async def are_over() -> bool:
        found = (await manager.ask("GET", path)).json()["deliveries"]
        return all((one["state"], one["attempts"], one["last_status"]) == ("delivered", 1, 204) for one in found)

    await eventually(are_over, "they were delivered again")
