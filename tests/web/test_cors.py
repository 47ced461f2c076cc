"""CORS: the origins of the list, and no others (Fetch standard, section 3.2)."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Tenant

UNKNOWN = "/v1/sessions/0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11"
OURS, OTHER = "https://app.acme.test", "https://evil.test"


@pytest.fixture(scope="module")
def listing(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that browsers may call from two origins."""
    settings = {"GREENROOM_CORS_ORIGINS": f"{OURS}, https://admin.acme.test"}
    with running_server(database, tmp_path_factory.mktemp("cors"), settings=settings) as running:
        yield running


@pytest.fixture
async def browser(listing: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=listing.url) as client:
        yield client


def preflight(origin: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type,if-match,idempotency-key,x-brand-id,x-request-id",
    }


def said(response: httpx.Response, name: str) -> set[str]:
    return {part.strip().lower() for part in response.headers.get(name, "").split(",")}


@pytest.mark.parametrize("origin", [OURS, "https://admin.acme.test"])
async def test_an_origin_of_the_list_may_ask_for_what_the_api_needs(browser: httpx.AsyncClient, origin: str) -> None:
    response = await browser.options(UNKNOWN, headers=preflight(origin))
    assert response.is_success
    assert response.headers["access-control-allow-origin"] == origin
    assert "patch" in said(response, "access-control-allow-methods")
    asked = set(preflight(origin)["Access-Control-Request-Headers"].split(","))
    assert asked <= said(response, "access-control-allow-headers")


async def test_another_origin_may_not(browser: httpx.AsyncClient, tenant: Tenant) -> None:
    asked = await browser.options(UNKNOWN, headers=preflight(OTHER))
    assert "access-control-allow-origin" not in asked.headers
    answer = await browser.get(UNKNOWN, headers=tenant.bearer(Origin=OTHER))
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("origin", [f"{OURS}.evil.test", "https://app.acme.test:8443", "http://app.acme.test", "null"])
async def test_an_origin_that_resembles_one_of_the_list_may_not(browser: httpx.AsyncClient, origin: str) -> None:
    response = await browser.get("/healthz", headers={"Origin": origin})
    assert "access-control-allow-origin" not in response.headers


async def test_a_browser_may_read_an_answer_and_the_headers_that_clients_need(
    browser: httpx.AsyncClient, tenant: Tenant
) -> None:
    session = await tenant.session(browser)
    response = await browser.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer(Origin=OURS))
    assert response.headers["access-control-allow-origin"] == OURS
    assert {"etag", "location", "retry-after", "x-request-id", "idempotency-replayed"} <= said(
        response, "access-control-expose-headers"
    )
    assert "origin" in said(response, "vary")


@pytest.mark.parametrize(
    ("path", "status"), [(UNKNOWN, 401), ("/no/such/path", 404), ("/v1/sessions", 405), ("/" + "x" * 3000, 404)]
)
async def test_a_browser_may_read_an_error(browser: httpx.AsyncClient, path: str, status: int) -> None:
    response = await browser.get(path, headers={"Origin": OURS})
    assert response.status_code == status
    assert response.headers["access-control-allow-origin"] == OURS


async def test_no_cookie_is_ever_asked_for(browser: httpx.AsyncClient) -> None:
    response = await browser.options(UNKNOWN, headers=preflight(OURS))
    assert response.headers.get("access-control-allow-credentials") != "true"


async def test_without_a_list_no_origin_may(http: httpx.AsyncClient) -> None:
    for response in (
        await http.options(UNKNOWN, headers=preflight(OURS)),
        await http.get("/healthz", headers={"Origin": OURS}),
    ):
        assert "access-control-allow-origin" not in response.headers
