"""Signing in by an identity provider that nobody here wrote, from the first page to the last."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.identity.oidc import OidcProvider, running_provider
from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Tenant
from tests.web.pages.visiting import COOKIE, READS_PAGES, Page, visiting


@pytest.fixture(scope="module")
def oidc() -> Iterator[OidcProvider]:
    with running_provider() as running:
        yield running


@pytest.fixture(scope="module")
def pages(oidc: OidcProvider, database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {
        "GREENROOM_OIDC_ISSUER": oidc.issuer,
        "GREENROOM_OIDC_CLIENT_ID": "pages",
        "GREENROOM_OIDC_SCOPE": "openid",
        "GREENROOM_OIDC_BRAND": "brand-of-all",
    }
    with running_server(database, tmp_path_factory.mktemp("pages"), settings=settings) as running:
        yield running


def test_one_signs_in_there_and_comes_back_to_where_one_was(oidc: OidcProvider, pages: Server) -> None:
    with httpx.Client(base_url=pages.url, verify=AUTHORITIES, headers=READS_PAGES) as browser:
        first = browser.get("/host")
        signing = Page(browser.get(first.headers["location"]))
        way = str(signing.one("main a.button")["href"])
        assert signing.one("main a.button").get_text() == "Sign in with 127.0.0.1"
        leaves = browser.get(way)
        back = oidc.sign_in(browser, leaves.headers["location"], "ada", until=f"{pages.url}/signin/callback")
        came = browser.get(str(back))
        assert (came.status_code, came.headers["location"]) == (303, "/host")
        desk = Page(browser.get("/host"))
        assert desk.status == 200
        assert desk.one(".who").get_text() == "ada"
        again = browser.get(str(back))
        assert again.status_code == 403
        assert "Signing in took too long, or was begun in another window." in Page(again).text


async def test_a_way_back_without_the_way_there_signs_nobody_in(pages: Server) -> None:
    async with visiting(pages.url) as visitor:
        page = await visitor.get("/signin/callback?code=x&state=y")
        assert page.status == 403
        assert COOKIE not in visitor.http.cookies


async def test_where_no_provider_is_set_up_there_is_no_way(server: Server, tenant: Tenant) -> None:
    async with visiting(server.url, "ada", tenant.brand) as visitor:
        for path in ("/signin/provider", "/signin/callback?code=x&state=y"):
            assert (await visitor.get(path)).status == 404


async def test_a_provider_that_is_away_is_said_to_be(database: TestDatabase, tmp_path: Path) -> None:
    settings = {"GREENROOM_OIDC_ISSUER": "http://127.0.0.1:9", "GREENROOM_OIDC_CLIENT_ID": "pages"}
    with running_server(database, tmp_path, settings=settings) as server:
        async with visiting(server.url) as visitor:
            page = await visitor.get("/signin/provider")
    assert page.status == 503
    assert "The identity server cannot be reached just now" in page.text
