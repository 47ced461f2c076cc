"""Log lines: JSON, one per request, enough to find it, and nothing of what health-adjacent data is."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Json, Tenant
from tests.wire import SENTINEL, exchange

REQUIRED = {"request_id", "method", "route", "status", "duration_ms", "client_id", "brand_id", "level", "timestamp", "event"}
LOG_SECONDS = 5.0


def lines_of(server: Server, request_id: str, *, event: str = "request") -> list[Json]:
    """The lines of one request, as soon as there are any."""
    deadline = time.monotonic() + LOG_SECONDS
    found: list[Json] = []
    while not found and time.monotonic() < deadline:
        lines = [json.loads(line) for line in server.log_text().splitlines()]
        found = [line for line in lines if line.get("request_id") == request_id and line["event"] == event]
    return found


@pytest.fixture
def request_id() -> str:
    return f"req-{uuid4().hex}"


async def test_a_request_has_one_line_that_says_what_it_was(
    http: httpx.AsyncClient, server: Server, tenant: Tenant, request_id: str
) -> None:
    session = await tenant.session(http)
    await tenant.patch(http, session, {"title": "x"}, X_Request_Id=request_id)
    [line] = lines_of(server, request_id)
    assert set(line) == REQUIRED
    assert (line["method"], line["route"], line["status"]) == ("PATCH", "/v1/sessions/{id}", 200)
    assert (line["client_id"], line["brand_id"], line["level"]) == ("test", tenant.brand, "info")
    assert 0 < line["duration_ms"] < 30_000


@pytest.mark.parametrize(("path", "status", "route"), [
    ("/v1/sessions/no-uuid", 401, "/v1/sessions/{id}"), (f"/no/{SENTINEL}", 404, "none"), ("/v1/sessions", 405, "none"),
    ("/docs", 200, "/docs"),
])  # fmt: skip
async def test_a_request_of_nobody_has_a_line_too(
    *, http: httpx.AsyncClient, server: Server, request_id: str, path: str, status: int, route: str
) -> None:
    await http.get(path, headers={"X-Request-Id": request_id})
    [line] = lines_of(server, request_id)
    assert (line["status"], line["client_id"], line["brand_id"]) == (status, None, None)
    assert line["route"] == route or status == 405  # whether a path of another method is a route is nobody's promise


async def test_a_refused_caller_is_named_in_the_line(
    http: httpx.AsyncClient, server: Server, tenant: Tenant, request_id: str
) -> None:
    headers = tenant.bearer(scope="read:live", X_Request_Id=request_id)
    await http.patch("/v1/sessions/no-uuid", json={}, headers=headers)
    [line] = lines_of(server, request_id)
    assert (line["status"], line["client_id"], line["brand_id"]) == (403, "test", tenant.brand)


async def test_the_line_has_the_id_that_the_answer_has(http: httpx.AsyncClient, server: Server) -> None:
    response = await http.get("/v1/sessions/no-uuid", headers={"X-Request-Id": f"{SENTINEL} is malformed"})
    assert len(lines_of(server, response.headers["x-request-id"])) == 1


async def test_being_asked_for_health_is_no_news(http: httpx.AsyncClient, server: Server, request_id: str) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        await http.get(path, headers={"X-Request-Id": request_id})
    await http.get("/docs", headers={"X-Request-Id": request_id})
    assert [line["route"] for line in lines_of(server, request_id)] == ["/docs"]


@pytest.fixture
def talkative(database: TestDatabase, tmp_path: Path) -> Iterator[Server]:
    """A server of its own that logs all it ever logs."""
    with running_server(database, tmp_path, settings={"GREENROOM_LOG_LEVEL": "debug"}) as running:
        yield running


async def test_no_line_holds_what_a_caller_sent(talkative: Server, tenant: Tenant) -> None:
    token = tenant.token(f"user-{SENTINEL}")
    headers = {"Authorization": f"Bearer {token}", "X-Request-Id": f"{SENTINEL} malformed", "User-Agent": SENTINEL}
    json_type = {**headers, "Content-Type": "application/json"}
    wanted = tenant.wanted(title=SENTINEL, host_id=f"user-{SENTINEL}", metadata={SENTINEL: SENTINEL})
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=talkative.url) as http:
        created = await http.post("/v1/sessions", json=wanted, headers={**headers, "Idempotency-Key": SENTINEL})
        assert created.status_code == 201
        path = created.headers["location"]
        for content in (
            f'{{"title":"{SENTINEL} again"}}', f'{{"title":"{SENTINEL}', f'{{"metadata":{{"{SENTINEL}":1e-20000}}}}',
            f'{{"max_participants":"{SENTINEL}"}}', f'{{"title":"{SENTINEL}\\ud800"}}', f'{{"kind":"{SENTINEL}"}}',
        ):  # fmt: skip
            await http.patch(path, content=content, headers=json_type)
        await http.get(f"/{SENTINEL}", params={"q": SENTINEL}, headers=headers)
        await http.get(f"/v1/sessions/{SENTINEL}", headers={"Authorization": f"Bearer {SENTINEL}.{SENTINEL}.x"})
        await http.get(path, headers={**headers, "If-None-Match": SENTINEL, "X-Brand-Id": SENTINEL})
    await exchange(talkative, f"{SENTINEL}\r\n\r\n".encode())
    assert talkative.stop() == 0
    log = talkative.log_text()
    assert log.count('"event":"request"') >= 9
    for hidden in (SENTINEL, token, token.rpartition(".")[2], "127.0.0.1", path):
        assert hidden not in log


async def test_every_line_is_json(talkative: Server, tenant: Tenant) -> None:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=talkative.url) as http:
        await tenant.session(http)
    await exchange(talkative, b"no http\r\n\r\n")
    talkative.stop()
    for line in talkative.log_text().splitlines():
        assert {"event", "level", "timestamp"} <= set(json.loads(line)), line
