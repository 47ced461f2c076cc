"""Whose sessions are listed: the brand's own; for the operator any brand's, or all of them by time."""

from datetime import UTC, datetime, timedelta
from itertools import count

import httpx
import pytest

from tests.postgres import Owner
from tests.sessions.lists import (
    MINUTE,
    SESSIONS,
    Planted,
    another_brand,
    ids_of,
    in_order,
    listed,
    minutes,
    operator,
    page,
    plant,
    register,
    session_at,
    walked,
)
from tests.tenant import Json, Tenant
from tests.wire import assert_refused

MONTHS = (datetime(3000 + number // 12, number % 12 + 1, 10, tzinfo=UTC) for number in count())


@pytest.fixture
def other() -> Tenant:
    """Another brand."""
    return another_brand()


@pytest.fixture
def own_month() -> datetime:
    """A month in which no other test has sessions, so that a list of all brands holds this test's alone."""
    return next(MONTHS)


def in_month(month: datetime) -> dict[str, str]:
    return {"month": month.strftime("%Y-%m")}


async def test_nothing_of_another_brand_is_listed(http: httpx.AsyncClient, tenant: Tenant, other: Tenant, owner: Owner) -> None:
    mine = await plant(owner, tenant, *minutes(2))
    await plant(owner, other, *minutes(3))
    assert await listed(http, tenant) == mine


@pytest.mark.parametrize("filters", [
    {"host_id": "host_1"}, {"community_id": "c"}, {"category": "c"}, {"kind": "live"}, {"status": "scheduled"},
    {"upcoming": "true"}, {"month": "2031-05"},
])  # fmt: skip
async def test_no_filter_leads_to_another_brand(
    http: httpx.AsyncClient, tenant: Tenant, other: Tenant, owner: Owner, filters: dict[str, str]
) -> None:
    await plant(owner, other, session_at(community="c", category="c"))
    assert (await listed(http, other, **filters), await listed(http, tenant, **filters)) != ([], [])
    assert await listed(http, tenant, **filters) == []


async def test_a_page_is_not_filled_from_another_brand(
    http: httpx.AsyncClient, tenant: Tenant, other: Tenant, owner: Owner
) -> None:
    sessions = minutes(6)
    mine = await plant(owner, tenant, *sessions[::2])
    await plant(owner, other, *sessions[1::2])
    assert await walked(http, tenant.bearer(), limit=2) == [mine[:2], mine[2:]]


async def test_a_caller_may_name_his_own_brand(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    mine = await plant(owner, tenant, *minutes(2))
    assert await listed(http, tenant, brand_id=tenant.brand) == mine
    assert ids_of(await page(http, tenant.bearer(X_Brand_Id=tenant.brand), brand_id=tenant.brand)) == mine


@pytest.mark.parametrize("scope", ["read:live", "manage:live", "admin:live", "admin:*"])
async def test_a_caller_may_not_name_another_brand(http: httpx.AsyncClient, tenant: Tenant, other: Tenant, scope: str) -> None:
    for headers, sent in ((tenant.bearer(scope=scope), {"brand_id": other.brand}),
                          (tenant.bearer(scope=scope, X_Brand_Id=other.brand), {})):  # fmt: skip
        response = await http.get(SESSIONS, params=sent, headers=headers)
        assert_refused(response, "forbidden", names="expected the token's own brand", never=[tenant.brand, other.brand])


async def test_a_brand_that_is_nearly_the_callers_is_another(http: httpx.AsyncClient, tenant: Tenant) -> None:
    for brand in (tenant.brand.upper(), f"{tenant.brand} ", tenant.brand[:-1]):
        response = await http.get(SESSIONS, params={"brand_id": brand}, headers=tenant.bearer())
        assert_refused(response, "forbidden")


async def test_the_operator_lists_any_brand(http: httpx.AsyncClient, tenant: Tenant, other: Tenant, owner: Owner) -> None:
    mine = await plant(owner, tenant, *minutes(2))
    theirs = await plant(owner, other, *minutes(2))
    assert ids_of(await page(http, operator(), brand_id=tenant.brand)) == mine
    assert ids_of(await page(http, {**operator(), "X-Brand-Id": other.brand})) == theirs


async def test_x_brand_id_confines_the_operator(http: httpx.AsyncClient, tenant: Tenant, other: Tenant) -> None:
    response = await http.get(SESSIONS, params={"brand_id": other.brand}, headers={**operator(), "X-Brand-Id": tenant.brand})
    assert_refused(response, "forbidden", names="brand_id")


async def test_a_brand_that_has_nothing_is_an_empty_list_for_the_operator(http: httpx.AsyncClient) -> None:
    assert await page(http, operator(), brand_id="no such brand") == {"sessions": [], "next_cursor": None}


async def test_the_operator_lists_all_brands_by_time(
    http: httpx.AsyncClient, tenant: Tenant, other: Tenant, owner: Owner, own_month: datetime
) -> None:
    sessions = [session_at(own_month + number * MINUTE) for number in range(6)]
    await plant(owner, other, *sessions[::2])
    await plant(owner, tenant, *sessions[1::2])
    read = await page(http, operator(), **in_month(own_month))
    assert ids_of(read) == in_order(sessions)
    assert [session["brand_id"] for session in read["sessions"]] == [other.brand, tenant.brand] * 3


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
async def test_pages_of_all_brands_show_each_session_of_one_time_once(
    http: httpx.AsyncClient, owner: Owner, own_month: datetime, limit: int
) -> None:
    sessions: list[Planted] = []
    for brand in (another_brand() for _ in range(4)):
        some = [session_at(own_month) for _ in range(3)] + [session_at(own_month + timedelta(hours=1))]
        await plant(owner, brand, *some)
        sessions += some
    pages = await walked(http, operator(), **in_month(own_month), limit=limit)
    assert [one for read in pages for one in read] == in_order(sessions)
    assert {len(read) for read in pages[:-1]} <= {limit}


@pytest.mark.parametrize(("sent", "wanted"), [
    ({"host_id": "ann"}, {"host": "ann"}), ({"community_id": "c"}, {"community": "c"}), ({"category": "c"}, {"category": "c"}),
    ({"kind": "office_hours"}, {"kind": "office_hours"}), ({"status": "ended"}, {"status": "ended"}),
    ({"upcoming": "1"}, {}), ({"host_id": "ann", "kind": "office_hours"}, {"host": "ann", "kind": "office_hours"}),
])  # fmt: skip
async def test_filters_hold_over_all_brands(
    http: httpx.AsyncClient, owner: Owner, own_month: datetime, sent: dict[str, str], wanted: dict[str, str]
) -> None:
    found = []
    for brand in (another_brand(), another_brand()):
        matching = session_at(own_month, **wanted)
        apart = session_at(own_month, host="bob", status="cancelled")
        await plant(owner, brand, matching, apart)
        found.append(matching)
    assert ids_of(await page(http, operator(), **sent, **in_month(own_month))) == in_order(found)


async def test_the_operator_sees_where_he_is_registered_himself(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, own_month: datetime
) -> None:
    mine, not_mine = await plant(owner, tenant, session_at(own_month), session_at(own_month + MINUTE))
    await register(owner, tenant, mine, "operator")
    await register(owner, tenant, not_mine, "somebody")
    read: Json = await page(http, operator(), **in_month(own_month))
    assert [session["is_registered"] for session in read["sessions"]] == [True, False]


async def test_a_token_without_a_brand_lists_nothing_unless_it_is_the_operators(http: httpx.AsyncClient) -> None:
    response = await http.get(SESSIONS, headers=operator(scope="read:live admin:live"))
    assert_refused(response, "forbidden", names="admin:*")
