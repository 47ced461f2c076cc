"""/healthz, /readyz, /metrics: what the operator's machines ask."""

import asyncio
import re
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.postgres import Owner, TestDatabase
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Tenant
from tests.wire import assert_refused, id_of
from tests.workers import CAN_TELL_WORKERS, only, workers_of

UNKNOWN = "/v1/sessions/0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11"


async def test_the_process_is_alive(http: httpx.AsyncClient) -> None:
    response = await http.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


async def test_the_service_is_ready(http: httpx.AsyncClient) -> None:
    response = await http.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ready"})


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_head_is_answered_too(http: httpx.AsyncClient, path: str) -> None:
    response = await http.head(path)
    assert (response.status_code, response.content) == (200, b"")


async def test_a_schema_that_is_behind_is_alive_and_not_ready(scratch: TestDatabase, tmp_path: Path) -> None:
    with running_server(scratch, tmp_path) as server:
        owner = await asyncpg.connect(scratch.owner_url)
        await owner.execute("delete from public._pogo_migration")
        await owner.close()
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url) as http:
            response = await http.get("/readyz")
            assert_refused(response, "unavailable", names="0001_sessions")
            assert "greenroom migrate" in response.json()["message"]
            assert int(response.headers["retry-after"]) >= 1
            assert (await http.get("/healthz")).status_code == 200


async def test_a_schema_that_is_ahead_is_ready(scratch: TestDatabase, tmp_path: Path) -> None:
    with running_server(scratch, tmp_path) as server:
        owner = await asyncpg.connect(scratch.owner_url)
        await owner.execute(
            "insert into public._pogo_migration select (jsonb_populate_record(m, $1)).* from public._pogo_migration m limit 1",
            '{"migration_id": "9999_later", "migration_hash": "later"}',
        )
        await owner.close()
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url) as http:
            assert (await http.get("/readyz")).status_code == 200


def counted(page: str, *, route: str, method: str, status: int) -> int:
    """How many requests the histogram holds."""
    named = re.compile(r"greenroom_request_duration_seconds_count\{(.*)\} (\S+)")
    wanted = {f'route="{route}"', f'method="{method}"', f'status="{status}"'}
    return sum(int(float(number)) for labels, number in named.findall(page) if set(labels.split(",")) == wanted)


def reads(server: Server) -> int:
    return counted(httpx.get(f"{server.url}/metrics").text, route="/v1/sessions/{id}", method="GET", status=404)


async def test_metrics_are_in_the_prometheus_text_format(http: httpx.AsyncClient) -> None:
    response = await http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE greenroom_request_duration_seconds histogram" in response.text
    assert "# TYPE greenroom_requests_under_way gauge" in response.text


async def test_metrics_name_routes_and_never_paths(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await http.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())
    await http.get("/no/such/path-of-the-test")
    page = (await http.get("/metrics")).text
    assert counted(page, route="/v1/sessions/{id}", method="GET", status=200) >= 1
    assert counted(page, route="none", method="GET", status=404) >= 1
    for hidden in (session["id"], "path-of-the-test", tenant.brand):
        assert hidden not in page


async def test_a_method_that_nobody_knows_adds_no_series(http: httpx.AsyncClient) -> None:
    """Whoever may choose a label may fill the memory."""
    for number in range(5):
        await http.request(f"VERB{number}", UNKNOWN)
    assert "VERB" not in (await http.get("/metrics")).text


def under_way(page: str) -> list[str]:
    return re.findall(r"^greenroom_requests_under_way(?:\{.*\})? (.*)$", page, re.MULTILINE)


async def test_requests_under_way_are_counted_while_they_wait(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    await asyncio.sleep(0.3)  # what its creation has set off is over
    async with owner.transaction():
        await owner.execute("select from sessions where id = $1 for update", id_of(session))
        waiting = [asyncio.create_task(tenant.patch(http, session, {"title": "Late"})) for _ in range(3)]
        await asyncio.sleep(2)
        page = (await http.get("/metrics")).text
    await asyncio.gather(*waiting)
    assert under_way(page) in (["3.0"], ["4.0"])  # with the question itself, or without


async def test_no_request_is_under_way_when_all_are_answered(http: httpx.AsyncClient, tenant: Tenant) -> None:
    await tenant.session(http)
    await asyncio.sleep(2)
    assert under_way((await http.get("/metrics")).text) in (["0.0"], ["1.0"])


@pytest.mark.skipif(not CAN_TELL_WORKERS, reason="workers are told apart by /proc")
def test_metrics_are_those_of_all_workers(database: TestDatabase, tenant: Tenant, tmp_path: Path) -> None:
    with running_server(database, tmp_path, workers=2) as server:
        workers = workers_of(server)
        assert len(workers) == 2
        for worker in workers:
            with only(server, worker), httpx.Client(verify=AUTHORITIES, base_url=server.url, timeout=30) as http:
                for _ in range(3):
                    http.get(UNKNOWN, headers=tenant.bearer())
        for worker in workers:
            with only(server, worker):
                assert reads(server) == 6
