"""Pages of the administrators' list: by the Link header alone, each session once, whatever happens meanwhile."""

from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from tests.administration.admins import ADMIN_SESSIONS, admin, administered
from tests.postgres import Owner
from tests.sessions.lists import SESSIONS, another_brand, ids_of, minutes, operator, plant, session_at
from tests.sessions.lists import page as page_of_sessions
from tests.tenant import Tenant
from tests.wire import assert_refused


async def read(http: httpx.AsyncClient, url: str, headers: dict[str, str], **parameters: str | int) -> httpx.Response:
    response = await http.get(url, params=parameters or None, headers=headers)
    assert response.status_code == 200, response.text
    return response


async def walked(http: httpx.AsyncClient, headers: dict[str, str], **parameters: str | int) -> list[list[str]]:
    """The ids on every page, from Link to Link."""
    response = await read(http, ADMIN_SESSIONS, headers, **parameters)
    pages = [ids_of(response.json())]
    while "next" in response.links:
        response = await read(http, response.links["next"]["url"], headers)
        pages.append(ids_of(response.json()))
    return pages


def cursor_in(response: httpx.Response) -> str:
    """The cursor that the Link names."""
    return dict(parse_qsl(urlsplit(response.links["next"]["url"]).query))["cursor"]


async def first_cursor(http: httpx.AsyncClient, headers: dict[str, str], **parameters: str | int) -> str:
    """Where the second page begins."""
    return cursor_in(await read(http, ADMIN_SESSIONS, headers, limit=1, **parameters))


@pytest.mark.parametrize(("count", "sizes"), [(0, [0]), (1, [1]), (3, [3]), (4, [3, 1]), (6, [3, 3]), (7, [3, 3, 1])])
async def test_the_links_lead_over_each_session_once(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, count: int, sizes: list[int]
) -> None:
    planted = await plant(owner, tenant, *minutes(count)) if count else []
    pages = await walked(http, admin(tenant), limit=3)
    assert [len(shown) for shown in pages] == sizes
    assert [one for shown in pages for one in shown] == planted[::-1]


async def test_the_link_is_the_request_with_another_cursor(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await plant(owner, tenant, *minutes(3))
    sent = {"kind": "live", "status": "scheduled", "brand_id": tenant.brand, "limit": "1", "other": "ä&b=<c>;"}
    first = await http.get(ADMIN_SESSIONS, params=sent, headers=admin(tenant))
    second = await read(http, first.links["next"]["url"], admin(tenant))
    for response in (first, second):
        target = urlsplit(response.links["next"]["url"])
        query = parse_qsl(target.query, keep_blank_values=True, strict_parsing=True)
        assert (target.netloc, target.path, response.links["next"]["rel"]) == ("", ADMIN_SESSIONS, "next")
        assert sorted(query) == sorted([*sent.items(), ("cursor", cursor_in(response))])


async def test_the_last_page_has_no_link(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await plant(owner, tenant, *minutes(2))
    assert ["link" in (await read(http, ADMIN_SESSIONS, admin(tenant), limit=limit)).headers for limit in (1, 2)] == [
        True, False,
    ]  # fmt: skip


async def test_what_is_created_between_two_pages_comes_before_the_first(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    planted = await plant(owner, tenant, *minutes(4))
    first = await read(http, ADMIN_SESSIONS, admin(tenant), limit=2)
    created = await tenant.session(http, scheduled_at="2001-01-01T00:00:00Z")
    second = await read(http, first.links["next"]["url"], admin(tenant))
    assert ids_of(first.json()) + ids_of(second.json()) == planted[::-1]
    assert ids_of((await read(http, ADMIN_SESSIONS, admin(tenant), limit=1)).json()) == [created["id"]]


async def test_what_is_changed_between_two_pages_stays_in_its_place(http: httpx.AsyncClient, tenant: Tenant) -> None:
    created = [await tenant.session(http) for _ in range(3)]
    first = await read(http, ADMIN_SESSIONS, admin(tenant), limit=1)
    moved = await administered(http, tenant, created[0], {"scheduled_at": "2999-01-01T00:00:00Z", "title": "Moved"})
    second = await read(http, first.links["next"]["url"].replace("limit=1", "limit=9"), admin(tenant))
    assert ids_of(second.json()) == [created[1]["id"], created[0]["id"]]
    assert second.json()["sessions"][1] == moved


async def test_a_session_that_a_filter_lets_pass_no_more_is_left_out(http: httpx.AsyncClient, tenant: Tenant) -> None:
    created = [await tenant.session(http) for _ in range(3)]
    first = await read(http, ADMIN_SESSIONS, admin(tenant), limit=1, status="scheduled")
    await administered(http, tenant, created[1], {"status": "cancelled"})
    second = await read(http, first.links["next"]["url"], admin(tenant))
    assert (ids_of(second.json()), "next" in second.links) == ([created[0]["id"]], False)


async def test_a_page_may_have_another_limit_than_the_one_before(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    planted = (await plant(owner, tenant, *minutes(6)))[::-1]
    cursor = await first_cursor(http, admin(tenant))
    assert ids_of((await read(http, ADMIN_SESSIONS, admin(tenant), limit=3, cursor=cursor)).json()) == planted[1:4]


@pytest.mark.parametrize("others", [{"status": "scheduled"}, {"kind": "live"}, {"kind": "live", "status": "scheduled"}])
async def test_a_cursor_is_bound_to_its_filters(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, others: dict[str, str]
) -> None:
    await plant(owner, tenant, *minutes(2))
    bare, narrowed = await first_cursor(http, admin(tenant)), await first_cursor(http, admin(tenant), **others)
    for parameters in ({"cursor": bare, **others}, {"cursor": narrowed}):
        assert_refused(
            await http.get(ADMIN_SESSIONS, params=parameters, headers=admin(tenant)), "validation_error", names="cursor"
        )


async def test_a_cursor_is_bound_to_its_brand(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    other = another_brand()
    for brand in (tenant, other):
        await plant(owner, brand, *minutes(2))
    cursor = await first_cursor(http, admin(tenant))
    for headers in (admin(other), operator()):
        refused = await http.get(ADMIN_SESSIONS, params={"cursor": cursor}, headers=headers)
        assert_refused(refused, "validation_error", names="cursor")


async def test_a_cursor_is_good_however_its_brand_was_named(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    planted = await plant(owner, tenant, *minutes(2))
    cursor = await first_cursor(http, admin(tenant))
    for headers, parameters in (
        (admin(tenant), {"brand_id": tenant.brand}),
        (operator(), {"brand_id": tenant.brand}),
        (operator() | {"X-Brand-Id": tenant.brand}, {}),
    ):
        assert ids_of((await read(http, ADMIN_SESSIONS, headers, cursor=cursor, **parameters)).json()) == planted[:1]


async def test_a_cursor_of_the_public_list_is_no_cursor_here(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await plant(owner, tenant, *minutes(2))
    theirs = (await page_of_sessions(http, tenant.bearer(), limit=1))["next_cursor"]
    refused = await http.get(ADMIN_SESSIONS, params={"cursor": theirs}, headers=admin(tenant))
    assert_refused(refused, "validation_error", names="cursor")


async def test_a_cursor_of_this_list_is_none_of_the_public_one(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await plant(owner, tenant, *minutes(2))
    ours = await first_cursor(http, admin(tenant))
    assert_refused(await http.get(SESSIONS, params={"cursor": ours}, headers=admin(tenant)), "validation_error", names="cursor")


async def test_a_cursor_that_was_altered_is_refused(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await plant(owner, tenant, *minutes(2))
    cursor = await first_cursor(http, admin(tenant))
    for altered in ("A" + cursor[1:] if cursor[0] != "A" else "B" + cursor[1:], cursor[:-1], cursor + "A", cursor.upper()):
        refused = await http.get(ADMIN_SESSIONS, params={"cursor": altered}, headers=admin(tenant))
        assert_refused(refused, "validation_error", names="cursor")


async def test_the_links_lead_over_all_brands(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    brands = [tenant, another_brand(), another_brand(), tenant, another_brand()]
    planted = [(await plant(owner, brand, session_at(kind="office_hours", status="cancelled")))[0] for brand in brands]
    shown = [one for page in await walked(http, operator(), limit=2, kind="office_hours", status="cancelled") for one in page]
    assert [one for one in shown if one in planted] == planted[::-1]
    assert len(shown) == len(set(shown))
