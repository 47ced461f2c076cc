"""Asking for no more mail: by a mail program's one click (RFC 8058), or by a page with a button."""

import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest

from greenroom.kit.ids import BrandId
from greenroom.notifications.unsubscribing import Unsubscribing
from tests.notifications.office import PUBLIC_URL, Office
from tests.notifications.post import Post, refusal_in
from tests.postgres import Owner, TestDatabase
from tests.server import AUTHORITIES, SECRET_KEY, Server, running_server
from tests.tenant import Tenant

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
REASON = "select m.reason from mail_stops m where m.brand_id = $1 and m.address = mail_address_v1($1, $2)"
BROWSER = {"Accept": "text/html"}


def asked_by(tenant: Tenant, email: str = "ada@example.com") -> str:
    """The path of the link in somebody's mail."""
    url = Unsubscribing([SECRET_KEY], public_url=PUBLIC_URL).url(BrandId(tenant.brand), email)
    return (url or "").removeprefix(PUBLIC_URL)


async def test_one_click_stops_the_address(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    response = await http.post(asked_by(tenant), data=ONE_CLICK)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert "no more mail" in response.text
    assert await owner.fetchval(REASON, tenant.brand, "ada@example.com") == "unsubscribed"


async def test_twice_is_once(http: httpx.AsyncClient, tenant: Tenant) -> None:
    answers = [await http.post(asked_by(tenant), data=ONE_CLICK) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]


async def test_looking_at_the_page_changes_nothing(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    response = await http.get(asked_by(tenant), headers=BROWSER)
    assert response.status_code == 200
    assert await owner.fetchval(REASON, tenant.brand, "ada@example.com") is None


async def test_the_pages_button_does_what_one_click_does(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    page = await http.get(asked_by(tenant), headers=BROWSER)
    found = re.search(r'<form method="post" action="([^"]+)">', page.text)
    assert found is not None
    await http.post(found[1].replace("&amp;", "&"), data=ONE_CLICK)
    assert await owner.fetchval(REASON, tenant.brand, "ada@example.com") == "unsubscribed"


async def test_the_pages_run_no_script_and_name_no_address(http: httpx.AsyncClient, tenant: Tenant) -> None:
    for response in (await http.get(asked_by(tenant)), await http.post(asked_by(tenant), data=ONE_CLICK)):
        assert "script" not in response.text
        assert "ada@" not in response.text
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert response.headers["referrer-policy"] == "no-referrer"


async def test_another_address_and_another_brand_go_on(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await http.post(asked_by(tenant), data=ONE_CLICK)
    assert await owner.fetchval(REASON, tenant.brand, "bob@example.com") is None
    assert await owner.fetchval(REASON, f"{tenant.brand}-other", "ada@example.com") is None


@pytest.mark.parametrize(
    "query", ["", "?ticket=", "?ticket=x", "?ticket=a.b", "?ticket=%00", "?ticket=%ff.x", f"?ticket={'x' * 5000}"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_ticket_that_nobody_wrote_is_refused(http: httpx.AsyncClient, method: str, query: str) -> None:
    assert refusal_in(await http.request(method, f"/v1/unsubscribe{query}")) == (401, "invalid_token")


async def test_a_ticket_that_was_changed_is_refused(http: httpx.AsyncClient, tenant: Tenant) -> None:
    path = asked_by(tenant)
    for at in (path.index("=") + 3, len(path) - 2):
        other = "A" if path[at] != "A" else "B"
        assert refusal_in(await http.post(f"{path[:at]}{other}{path[at + 1 :]}")) == (401, "invalid_token")


async def test_two_tickets_are_none(http: httpx.AsyncClient, tenant: Tenant) -> None:
    path = asked_by(tenant)
    assert refusal_in(await http.post(f"{path}&{urlsplit(path).query}")) == (401, "invalid_token")


async def test_a_bounce_does_not_undo_what_somebody_asked_for(tenant: Tenant, http: httpx.AsyncClient, owner: Owner) -> None:
    await owner.execute(
        "insert into mail_stops values ($1, mail_address_v1($1, 'ada@example.com'), 'bounced', now())", tenant.brand
    )
    await http.post(asked_by(tenant), data=ONE_CLICK)
    assert await owner.fetchval(REASON, tenant.brand, "ada@example.com") == "unsubscribed"


@pytest.fixture
async def served(scratch: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server on the office's database, whose background is the office's."""
    directory = tmp_path_factory.mktemp("served")
    with running_server(scratch, directory, settings={"GREENROOM_BACKGROUND": "off"}) as running:
        yield running


async def test_the_header_of_a_mail_works_and_nothing_more_is_sent(office: Office, post: Post, served: Server) -> None:
    await office.session("ada", tell=False)
    await office.deliver()
    link = str(post.taken.pop().message["List-Unsubscribe"]).strip("<>").removeprefix(PUBLIC_URL)
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=served.url) as http:
        assert (await http.post(link, data=ONE_CLICK)).status_code == 200
    session = await office.session("ada", tell=False)
    await office.deliver()
    assert post.taken == []
    assert await office.messages(session) == [("registered", "dropped", "unsubscribed")]
    assert "ticket" not in served.log_text().replace("invalid_token", "")
