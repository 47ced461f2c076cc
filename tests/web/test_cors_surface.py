"""CORS over the whole surface: every method that our routes take, every header that they read, every one that they answer."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from greenroom.app import ROUTES
from greenroom.kit.http.routing import Performed
from tests.contract.schemas import OURS, operations
from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, Server, running_server
from tests.wire import assert_refused

LISTED = "https://app.acme.test"
ALWAYS_READ = {"authorization", "content-type", "x-request-id"}
SAFELISTED = {"cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"}

FROM_PROVIDERS = [route for route in ROUTES if route.path.startswith("/webhooks/")]  # which are no browsers
FOR_BROWSERS = [route for route in ROUTES if route not in FROM_PROVIDERS]
ENDPOINTS = pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")


@pytest.fixture(scope="module")
def listing(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that browsers may call from one origin."""
    settings = {"GREENROOM_CORS_ORIGINS": LISTED}
    with running_server(database, tmp_path_factory.mktemp("cors"), settings=settings) as running:
        yield running


@pytest.fixture
async def browser(listing: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=listing.url) as client:
        yield client


def read_by(route: Performed) -> set[str]:
    """The headers that the route reads, as a browser asks for them."""
    parameters = route.operation.parameters if route.operation is not None else ()
    return ALWAYS_READ | {parameter.name.lower() for parameter in parameters if parameter.location == "header"}


async def ask(browser: httpx.AsyncClient, route: Performed, *, origin: str, method: str | None = None) -> httpx.Response:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method or route.method,
        "Access-Control-Request-Headers": ",".join(sorted(read_by(route))),
    }
    return await browser.options(route.path, headers=headers)


def said(response: httpx.Response, name: str) -> set[str]:
    return {part.strip().lower() for part in response.headers.get(name, "").split(",")}


@pytest.mark.parametrize("route", FOR_BROWSERS, ids=lambda route: f"{route.method} {route.path}")
async def test_a_listed_origin_may_send_what_the_route_takes(browser: httpx.AsyncClient, route: Performed) -> None:
    response = await ask(browser, route, origin=LISTED)
    assert response.status_code == 200, response.text
    assert response.headers["access-control-allow-origin"] == LISTED
    assert route.method.lower() in said(response, "access-control-allow-methods")
    assert read_by(route) <= said(response, "access-control-allow-headers")


@ENDPOINTS
@pytest.mark.parametrize(
    "origin", ["https://evil.test", f"{LISTED}.evil.test", "https://evil.test/https://app.acme.test", "null"]
)
async def test_another_origin_may_send_nothing(browser: httpx.AsyncClient, route: Performed, origin: str) -> None:
    response = await ask(browser, route, origin=origin)
    assert "access-control-allow-origin" not in response.headers
    assert not response.is_success


@ENDPOINTS
async def test_no_origin_may_send_a_method_that_no_route_takes(browser: httpx.AsyncClient, route: Performed) -> None:
    response = await ask(browser, route, origin=LISTED, method="TRACE")
    assert not response.is_success


async def test_a_refused_preflight_is_told_in_the_contracts_form(browser: httpx.AsyncClient) -> None:
    assert_refused(await ask(browser, ROUTES[0], origin="https://evil.test"), "validation_error", names="Origin")


async def test_a_browser_may_read_every_header_that_the_document_promises(browser: httpx.AsyncClient) -> None:
    promised = {
        name.lower()
        for operation in operations(OURS).values()
        for answer in operation["responses"].values()
        for name in answer["headers"]
    }
    response = await browser.get("/healthz", headers={"Origin": LISTED})
    assert promised - SAFELISTED <= said(response, "access-control-expose-headers")
