"""GET /v1/admin/sessions: every session of the brand, the last created first; filters; whose sessions are listed."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.administration.admins import ADMIN_SESSIONS, CHANGES, admin, administered
from tests.contract.schemas import CONTRACT, answer_schema, faults_in, operations
from tests.postgres import Cluster, Owner, TestDatabase, fresh_database
from tests.server import AUTHORITIES, running_server
from tests.sessions.lists import NOON, another_brand, ids_of, minutes, operator, plant, session_at
from tests.tenant import Json, Tenant
from tests.wire import SENTINEL, assert_refused

LIST_OF_CONTRACT = operations(CONTRACT)["/v1/admin/sessions", "get"]

# What a filter may not hold, as it stands in the query.
BAD: dict[str, list[str]] = {
    "status": ["", "Live", "live%20", "errored", "null", "live,ended", "%00", "%FF", SENTINEL],
    "kind": ["", "Live", "webinar", "office-hours", "%00", "%ED%A0%80", SENTINEL],
    "limit": ["", "0", "-1", "1.0", "1e1", "1e999", "+1", "%201", "x", "null", "%D9%A5", "%00", "-" + "9" * 40, SENTINEL],
    "brand_id": ["", "%00", "x" * 201, "%FF"],
    "cursor": ["", "x", "x.y", ".", "%00", "null", SENTINEL, f"{SENTINEL}.{SENTINEL}", "x" * 50_000],
}


async def page(http: httpx.AsyncClient, headers: dict[str, str], **parameters: str | int) -> Json:
    """One page."""
    response = await http.get(ADMIN_SESSIONS, params=parameters, headers=headers)
    assert response.status_code == 200, response.text
    read: Json = response.json()
    return read


async def listed(http: httpx.AsyncClient, tenant: Tenant, **parameters: str | int) -> list[str]:
    """The ids on the first page."""
    return ids_of(await page(http, admin(tenant), **parameters))


async def test_the_last_created_comes_first_whatever_its_time(http: httpx.AsyncClient, tenant: Tenant) -> None:
    created = [await tenant.session(http, scheduled_at=f"20{year}-01-01T00:00:00Z") for year in (28, 26, 27)]
    assert await listed(http, tenant) == [session["id"] for session in reversed(created)]


async def test_a_listed_session_is_what_the_administrators_change_answers(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    changed = await administered(http, tenant, session, CHANGES)
    assert await page(http, admin(tenant)) == {"sessions": [changed]}


async def test_the_answer_is_the_contracts_and_nothing_more(http: httpx.AsyncClient, tenant: Tenant) -> None:
    for _ in range(2):
        await tenant.session(http)
    answer = await page(http, admin(tenant), limit=1)
    assert not faults_in(answer, answer_schema(CONTRACT, LIST_OF_CONTRACT, "200"))
    assert set(answer) == {"sessions"}
    assert set(answer["sessions"][0]) == set(CONTRACT["components"]["schemas"]["AdminSession"]["properties"])


async def test_sessions_of_every_status_and_host_are_listed(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    statuses = ["scheduled", "live", "ended", "cancelled"]
    planted = await plant(owner, tenant, *[session_at(status=status, host=f"host of {status}") for status in statuses])
    assert await listed(http, tenant) == planted[::-1]


async def test_a_brand_without_sessions_has_an_empty_list(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert await page(http, admin(tenant)) == {"sessions": []}


@pytest.mark.parametrize(("sent", "wanted", "other"), [
    ({"kind": "live"}, {"kind": "live"}, {"kind": "office_hours"}),
    ({"kind": "office_hours"}, {"kind": "office_hours"}, {"kind": "live"}),
    ({"status": "scheduled"}, {"status": "scheduled"}, {"status": "cancelled"}),
    ({"status": "live"}, {"status": "live"}, {"status": "ended"}),
    ({"status": "ended"}, {"status": "ended"}, {"status": "live"}),
    ({"status": "cancelled"}, {"status": "cancelled"}, {"status": "scheduled"}),
    ({"status": "live", "kind": "live"}, {"status": "live"}, {"status": "live", "kind": "office_hours"}),
    ({"status": "live", "kind": "live"}, {"status": "live"}, {"status": "ended"}),
])  # fmt: skip
async def test_a_filter_lets_pass_what_it_names(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, sent: dict[str, str], wanted: Any, other: Any
) -> None:
    found, _ = await plant(owner, tenant, session_at(**wanted), session_at(**other))
    assert await listed(http, tenant, **sent) == [found]


@pytest.mark.parametrize(("field", "bad"), [(field, bad) for field, values in BAD.items() for bad in values],
                         ids=lambda text: ascii(text)[:40])  # fmt: skip
async def test_a_bad_filter_is_refused_by_its_name(http: httpx.AsyncClient, tenant: Tenant, field: str, bad: str) -> None:
    response = await http.get(f"{ADMIN_SESSIONS}?{field}={bad}", headers=admin(tenant))
    assert_refused(response, "validation_error", names=f"{field}: expected", never=[bad] if len(bad) > 12 else [])


@pytest.mark.parametrize(("field", "value"), [
    ("status", "live"), ("kind", "live"), ("limit", "2"), ("cursor", "x.y"), ("brand_id", "acme"),
])  # fmt: skip
async def test_a_filter_is_sent_once(http: httpx.AsyncClient, tenant: Tenant, field: str, value: str) -> None:
    response = await http.get(f"{ADMIN_SESSIONS}?{field}={value}&{field}={value}", headers=admin(tenant))
    assert_refused(response, "validation_error", names=f"{field}: expected once")


@pytest.mark.parametrize("unknown", ["host_id=nobody", "upcoming=maybe", "month=x", "category=", "Status=live", "x=%FF", "&&"])
async def test_what_the_list_does_not_know_is_ignored(http: httpx.AsyncClient, tenant: Tenant, unknown: str) -> None:
    session = await tenant.session(http)
    response = await http.get(f"{ADMIN_SESSIONS}?{unknown}", headers=admin(tenant))
    assert ids_of(response.json()) == [session["id"]]


@pytest.mark.parametrize(("query", "shown"), [
    ("", 20), ("limit=1", 1), ("limit=007", 7), ("limit=100", 100), ("limit=101", 100), ("limit=" + "9" * 50, 100),
])  # fmt: skip
async def test_a_page_has_as_many_as_the_limit_says_and_at_most_100(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, query: str, shown: int
) -> None:
    planted = await plant(owner, tenant, *minutes(102))
    response = await http.get(f"{ADMIN_SESSIONS}?{query}", headers=admin(tenant))
    assert ids_of(response.json()) == planted[::-1][:shown]


async def test_nothing_of_another_brand_is_listed(http: httpx.AsyncClient, tenant: Tenant) -> None:
    other = another_brand()
    session, _ = await tenant.session(http), await other.session(http)
    assert await listed(http, tenant) == [session["id"]]


async def test_an_administrator_may_name_the_own_brand_and_no_other(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    assert await listed(http, tenant, brand_id=tenant.brand) == [session["id"]]
    refused = await http.get(ADMIN_SESSIONS, params={"brand_id": another_brand().brand}, headers=admin(tenant))
    assert_refused(refused, "forbidden", names="brand_id")


async def test_the_operator_lists_the_brand_that_the_query_or_the_header_names(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session, other = await tenant.session(http), another_brand()
    await other.session(http)
    confined = operator() | {"X-Brand-Id": tenant.brand}
    for read in (
        await page(http, operator(), brand_id=tenant.brand),
        await page(http, confined),
        await page(http, confined, brand_id=tenant.brand),
    ):
        assert ids_of(read) == [session["id"]]
    refused = await http.get(ADMIN_SESSIONS, params={"brand_id": other.brand}, headers=confined)
    assert_refused(refused, "forbidden", names="brand_id")


@pytest.fixture
def empty(cluster: Cluster, tmp_path: Path) -> Iterator[tuple[str, TestDatabase]]:
    """A server whose database nobody else writes to: a list of all brands has everybody's sessions in it."""
    database = asyncio.run(fresh_database(cluster))
    with running_server(database, tmp_path) as running:
        yield running.url, database


async def test_the_operator_without_a_brand_lists_all_brands_the_last_created_first(
    empty: tuple[str, TestDatabase], tenant: Tenant
) -> None:
    brands = [tenant, another_brand(), tenant, another_brand()]
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=empty[0], timeout=30) as http:
        created = [(await brand.session(http))["id"] for brand in brands]
        assert ids_of(await page(http, operator(), limit=100)) == created[::-1]


async def test_filters_hold_for_all_brands_together(empty: tuple[str, TestDatabase], tenant: Tenant) -> None:
    url, database = empty
    owner = await asyncpg.connect(database.owner_url)
    (first,) = await plant(owner, tenant, session_at(kind="office_hours", status="live"))
    (second,) = await plant(owner, another_brand(), session_at(kind="office_hours", status="live"))
    await plant(owner, tenant, session_at(kind="live", status="live"), session_at(kind="office_hours", status="ended"))
    await owner.close()
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=url, timeout=30) as http:
        assert ids_of(await page(http, operator(), kind="office_hours", status="live", limit=2)) == [second, first]


@pytest.mark.parametrize("brand", ["nobody's", "' or true --", "%"])
async def test_a_brand_that_nobody_has_has_no_sessions(http: httpx.AsyncClient, tenant: Tenant, brand: str) -> None:
    await tenant.session(http)
    assert await page(http, operator(), brand_id=brand) == {"sessions": []}


async def test_a_list_is_the_administrators_own_view(http: httpx.AsyncClient, tenant: Tenant) -> None:
    response = await http.get(ADMIN_SESSIONS, headers=admin(tenant))
    assert response.headers["cache-control"] == "private, no-cache"


async def test_head_answers_the_headers_of_get_alone(http: httpx.AsyncClient, tenant: Tenant) -> None:
    for _ in range(2):
        await tenant.session(http)
    get, head = [
        await http.request(method, f"{ADMIN_SESSIONS}?limit=1", headers=admin(tenant, X_Request_Id="same"))
        for method in ("GET", "HEAD")
    ]
    assert (head.status_code, head.content) == (200, b"")
    assert {**head.headers, "date": ""} == {**get.headers, "date": ""}


async def test_numbers_in_metadata_keep_their_digits(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await plant(owner, tenant, session_at(NOON, metadata='{"n": 12345678901234567890.1230}'))
    response = await http.get(ADMIN_SESSIONS, headers=admin(tenant))
    assert '"n": 12345678901234567890.1230' in response.text
    assert json.loads(response.text)["sessions"]
