"""Limits per minute, over HTTP: who is counted together, and what the one too many is told."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Tenant
from tests.wire import assert_refused
from tests.workers import CAN_TELL_WORKERS, only, workers_of

UNKNOWN = "/v1/sessions/0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11"
READS, WRITES, M2M = 4, 2, 3
ADDRESS = 60  # with room for the questions whether the server is ready


@pytest.fixture(scope="module")
def limited(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {
        "GREENROOM_RATE_LIMIT_READS": str(READS),
        "GREENROOM_RATE_LIMIT_WRITES": str(WRITES),
        "GREENROOM_RATE_LIMIT_CLIENTS": f'{{"m2m": {M2M}}}',
    }
    with running_server(database, tmp_path_factory.mktemp("limited"), settings=settings) as running:
        yield running


@pytest.fixture
async def http(limited: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=limited.url, timeout=30) as client:
        yield client


@pytest.fixture
def user() -> str:
    """Somebody whom no other test has counted."""
    return f"user-{uuid4().hex[:12]}"


async def read(http: httpx.AsyncClient, token: str) -> httpx.Response:
    return await http.get(UNKNOWN, headers={"Authorization": f"Bearer {token}"})


async def write(http: httpx.AsyncClient, token: str) -> httpx.Response:
    return await http.patch(UNKNOWN, json={}, headers={"Authorization": f"Bearer {token}"})


async def test_one_read_too_many_is_told_how_long_to_wait(http: httpx.AsyncClient, tenant: Tenant, user: str) -> None:
    token = tenant.token(user)
    assert [(await read(http, token)).status_code for _ in range(READS)] == [404] * READS
    refused = await read(http, token)
    assert_refused(refused, "rate_limited", never=[user])
    wait = refused.json()["retry_after_ms"]
    assert 0 < wait <= 60_000
    assert int(refused.headers["retry-after"]) == -(-wait // 1000)


async def test_one_write_too_many_is_refused_and_reads_are_not(http: httpx.AsyncClient, tenant: Tenant, user: str) -> None:
    token = tenant.token(user)
    assert [(await write(http, token)).status_code for _ in range(WRITES + 1)] == [404] * WRITES + [429]
    assert (await read(http, token)).status_code == 404


async def test_all_tokens_of_a_caller_count_together(http: httpx.AsyncClient, tenant: Tenant, user: str) -> None:
    tokens = [tenant.token(user) for _ in range(READS + 1)]
    assert len(set(tokens)) == READS + 1
    assert [(await read(http, token)).status_code for token in tokens] == [404] * READS + [429]


async def test_callers_are_counted_apart(http: httpx.AsyncClient, tenant: Tenant, user: str) -> None:
    while (await read(http, tenant.token(user))).status_code != 429:
        pass
    assert (await read(http, tenant.token(f"{user}-other"))).status_code == 404
    assert (await read(http, tenant.token(user, client="another"))).status_code == 404


async def test_a_request_without_a_scope_counts_too(http: httpx.AsyncClient, tenant: Tenant, user: str) -> None:
    token = tenant.token(user, scope="read:live")
    assert [(await write(http, token)).status_code for _ in range(WRITES + 1)] == [403] * WRITES + [429]


async def test_a_client_may_have_a_number_of_its_own(http: httpx.AsyncClient, tenant: Tenant, user: str) -> None:
    token = tenant.token(user, client="m2m")
    assert [(await write(http, token)).status_code for _ in range(M2M + 1)] == [404] * M2M + [429]
    assert [(await read(http, token)).status_code for _ in range(M2M + 1)] == [404] * M2M + [429]


async def test_an_address_is_counted_before_its_tokens(database: TestDatabase, tenant: Tenant, tmp_path: Path) -> None:
    with running_server(database, tmp_path, settings={"GREENROOM_RATE_LIMIT_ADDRESS": str(ADDRESS)}) as server:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url) as http:
            answers = [await http.get(UNKNOWN) for _ in range(ADDRESS + 1)]
            assert (answers[0].status_code, answers[-1].status_code) == (401, 429)
            assert_refused(answers[-1], "rate_limited")
            assert int(answers[-1].headers["retry-after"]) <= 60
            assert_refused(await read(http, "garbage"), "rate_limited")
            assert_refused(await read(http, tenant.token()), "rate_limited")
            assert_refused(await http.get("/no/such/path"), "rate_limited")


async def test_a_limit_of_0_is_off(database: TestDatabase, tenant: Tenant, tmp_path: Path) -> None:
    off = {f"GREENROOM_RATE_LIMIT_{name}": "0" for name in ("READS", "WRITES", "ADDRESS")}
    with running_server(database, tmp_path, settings=off) as server:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url) as http:
            assert {(await read(http, tenant.token())).status_code for _ in range(50)} == {404}


@pytest.mark.skipif(not CAN_TELL_WORKERS, reason="workers are told apart by /proc")
async def test_two_workers_count_together(database: TestDatabase, tenant: Tenant, user: str, tmp_path: Path) -> None:
    settings = {"GREENROOM_RATE_LIMIT_READS": str(READS)}
    token = tenant.token(user)
    with running_server(database, tmp_path, settings=settings, workers=2) as server:
        statuses = []
        for worker in workers_of(server):
            with only(server, worker):
                async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url, timeout=30) as http:
                    statuses += [(await read(http, token)).status_code for _ in range(READS - 1)]
    assert statuses == [404] * READS + [429] * (READS - 2)
