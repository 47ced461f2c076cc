"""X-Forwarded-For: believed from the proxies of the list alone, and read from its end, which is the part that they wrote.

What the service takes for the caller's address is seen in the limit per address.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, running_server

LIMIT = 5
UNKNOWN = "/v1/sessions/0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11"
BEHIND = "127.0.0.1, 10.0.0.0/8"  # the proxy that the tests are, and others before it
READY = 1  # at least so many requests of the test's own address while the server starts


@asynccontextmanager
async def server_behind(proxies: str, database: TestDatabase, directory: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A server that trusts these proxies."""
    settings = {"GREENROOM_TRUSTED_PROXIES": proxies, "GREENROOM_RATE_LIMIT_ADDRESS": str(LIMIT)}
    with running_server(database, directory, settings=settings) as server:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url) as http:
            yield http


async def statuses(http: httpx.AsyncClient, *lines: Sequence[str]) -> list[int]:
    """The answers to a request for each list of X-Forwarded-For lines; 401 is within the limit."""
    return [(await http.get(UNKNOWN, headers=[("X-Forwarded-For", line) for line in sent])).status_code for sent in lines]


async def test_each_address_behind_a_trusted_proxy_has_its_own_minute(database: TestDatabase, tmp_path: Path) -> None:
    async with server_behind(BEHIND, database, tmp_path) as http:
        assert await statuses(http, *([["203.0.113.1"]] * (LIMIT + 1))) == [401] * LIMIT + [429]
        assert await statuses(http, ["203.0.113.2"], ["2001:db8::1"]) == [401, 401]


@pytest.mark.parametrize("lines", [
    ["203.0.113.1, 10.1.2.3"],
    ["203.0.113.1,10.9.9.9 , 10.1.2.3"],
    ["203.0.113.1", "10.1.2.3"],
], ids=["two hops", "three hops", "a line for each hop"])  # fmt: skip
async def test_trusted_hops_are_passed_over(database: TestDatabase, tmp_path: Path, lines: list[str]) -> None:
    async with server_behind(BEHIND, database, tmp_path) as http:
        assert await statuses(http, *([["203.0.113.1"]] * LIMIT)) == [401] * LIMIT
        assert await statuses(http, lines) == [429]
        other = [line.replace("203.0.113.1", "203.0.113.2") for line in lines]
        assert await statuses(http, other) == [401]


async def test_what_a_client_wrote_before_its_proxy_counts_for_nothing(database: TestDatabase, tmp_path: Path) -> None:
    """A new lie with each request, in front of the address that the proxy saw."""
    async with server_behind(BEHIND, database, tmp_path) as http:
        lies = [[f"198.51.100.{number}, 203.0.113.1"] for number in range(LIMIT + 1)]
        assert await statuses(http, *lies) == [401] * LIMIT + [429]
        assert await statuses(http, ["198.51.100.0"]) == [401]


@pytest.mark.parametrize("proxies", ["", "192.0.2.1", "10.0.0.0/8"], ids=["no proxy", "another proxy", "another network"])
async def test_who_is_no_trusted_proxy_is_counted_by_its_own_address(
    database: TestDatabase, tmp_path: Path, proxies: str
) -> None:
    async with server_behind(proxies, database, tmp_path) as http:
        answers = await statuses(http, *([f"203.0.113.{number}"] for number in range(LIMIT + 1)))
        assert answers.count(401) <= LIMIT - READY
        assert answers[-1] == 429


@pytest.mark.parametrize("line", ["not an address", "", ",,,", "203.0.113.1, nonsense", "[", "203.0.113.1:4711", "\u00e9"])
async def test_a_garbled_line_does_no_harm(database: TestDatabase, tmp_path: Path, line: str) -> None:
    async with server_behind(BEHIND, database, tmp_path) as http:
        response = await http.get(UNKNOWN, headers=[(b"X-Forwarded-For", line.encode("latin-1"))])
        assert response.status_code in {401, 429}
