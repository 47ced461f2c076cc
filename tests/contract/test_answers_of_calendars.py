"""Real answers of the operations of calendars against our document."""

import httpx
import pytest

from tests.calendar.agenda import FEED, LINK
from tests.contract.schemas import OURS, operations
from tests.contract.test_answers import assert_as_promised
from tests.tenant import Tenant

ENTRY = "/v1/sessions/{id}/calendar.ics"
CALENDAR = "text/calendar"


def assert_calendar_as_promised(response: httpx.Response, path: str) -> None:
    """What is answered is what the document lists: the type, and each header."""
    promised = operations(OURS)[path, "get"]["responses"][str(response.status_code)]
    assert set(promised.get("content", {})) == ({CALENDAR} if response.content else set())
    assert response.headers.get("content-type", CALENDAR).partition(";")[0] == CALENDAR
    assert {name.lower() for name in promised["headers"]} <= set(response.headers)


async def test_an_entry(http: httpx.AsyncClient, tenant: Tenant) -> None:
    path = f"/v1/sessions/{(await tenant.session(http))['id']}/calendar.ics"
    found = await http.get(path, headers=tenant.bearer())
    assert_calendar_as_promised(found, ENTRY)
    held = {"If-None-Match": found.headers["etag"]}
    assert_calendar_as_promised(await http.get(path, headers={**tenant.bearer(), **held}), ENTRY)
    assert_as_promised(await http.get(path, headers={**tenant.bearer(), "If-None-Match": "x"}), ENTRY, "get", status=400)
    assert_as_promised(await http.get(path), ENTRY, "get", status=401)
    assert_as_promised(await http.get(path, headers=tenant.bearer(scope="none")), ENTRY, "get", status=403)
    nowhere = path.replace(path.split("/")[3], "0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11")
    assert_as_promised(await http.get(nowhere, headers=tenant.bearer()), ENTRY, "get", status=404)


async def test_a_feed(http: httpx.AsyncClient, tenant: Tenant) -> None:
    made = await http.post(LINK, headers=tenant.bearer())
    assert_as_promised(made, LINK, "post", status=201)
    url = made.json()["url"]
    found = await http.get(url)
    assert_calendar_as_promised(found, FEED)
    assert_calendar_as_promised(await http.get(url, headers={"If-None-Match": found.headers["etag"]}), FEED)
    assert_as_promised(await http.get(url, headers={"If-None-Match": "x"}), FEED, "get", status=400)
    for query in ("", "?ticket=x"):
        assert_as_promised(await http.get(f"{FEED}{query}"), FEED, "get", status=401)


@pytest.mark.parametrize("method", ["post", "delete"])
async def test_a_link_refused(http: httpx.AsyncClient, tenant: Tenant, method: str) -> None:
    assert_as_promised(await http.request(method, LINK), LINK, method, status=401)
    assert_as_promised(await http.request(method, LINK, headers=tenant.bearer(scope="read:live")), LINK, method, status=403)
