"""GET /v1/admin/sessions/{id}/registrations: the whole list as the contract has it, or a page of it."""

from typing import Any

import httpx
import pytest

from greenroom.kit.database import Database
from tests.registrations.crowds import MOST_PAGES, crowd, users_of
from tests.registrations.people import Room, answered, room
from tests.sessions.lists import another_brand
from tests.tenant import Json, Tenant
from tests.wire import assert_refused

ALL = ["anna", "ben", "cleo", "dora"]


async def ask(there: Room, *, scope: str = "admin:live", **parameters: str | int) -> httpx.Response:
    headers = there.tenant.bearer(f"admin of {there.tenant.brand}", scope=scope)
    return await there.http.get(f"/v1/admin{there.path[3:]}/registrations", params=parameters, headers=headers)


async def read(there: Room, **parameters: Any) -> Json:
    return answered(await ask(there, **parameters), 200)


@pytest.fixture
async def mixed(http: httpx.AsyncClient, tenant: Tenant) -> Room:
    """One seat, which the second has; the first has left, the others wait."""
    there = await room(http, tenant, seats=1)
    await there.enter(*ALL)
    await there.leave("anna")
    return there


async def test_a_list_without_anybody_is_empty(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert await read(await room(http, tenant)) == {"registrations": [], "total": 0}


async def test_a_registration_has_the_fields_of_the_contract_and_no_other(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    [anna] = await there.enter("anna")
    del anna["cancelled_at"]
    assert await read(there) == {"registrations": [anna], "total": 1}


async def test_all_stand_in_the_order_in_which_they_came(mixed: Room) -> None:
    whole = await read(mixed)
    assert users_of(whole) == ALL
    assert [one["status"] for one in whole["registrations"]] == ["cancelled", "registered", "waitlist", "waitlist"]
    assert whole["total"] == 4


@pytest.mark.parametrize("page", [{}, {"limit": 1}])
@pytest.mark.parametrize(("status", "users"), [
    ("registered", ["ben"]), ("waitlist", ["cleo", "dora"]), ("cancelled", ["anna"]),
])  # fmt: skip
async def test_the_total_is_of_those_that_the_filter_lets_pass(
    mixed: Room, status: str, users: list[str], page: dict[str, int]
) -> None:
    shown = await read(mixed, status=status, **page)
    assert (users_of(shown), shown["total"]) == (users[: page.get("limit")], len(users))


@pytest.mark.parametrize("people", [1000, 1001, 2300])
async def test_thousands_are_listed_once_each_in_order(
    http: httpx.AsyncClient, tenant: Tenant, db: Database, people: int
) -> None:
    there = await room(http, tenant, seats=1500)
    names = await crowd(db, there, people)
    response = await ask(there)
    assert response.headers["content-type"] == "application/json"
    assert "link" not in response.headers
    whole = response.json()
    assert (users_of(whole), whole["total"]) == (names, people)
    waiting = await read(there, status="waitlist")
    assert (users_of(waiting), waiting["total"]) == (names[1500:], max(people - 1500, 0))


async def test_a_page_is_linked_to_the_next_until_the_last(mixed: Room) -> None:
    headers = mixed.tenant.bearer("admin_1", scope="admin:live")
    pages = [await ask(mixed, limit=3)]
    while "link" in pages[-1].headers:
        target = pages[-1].headers["link"].partition(">")[0].removeprefix("<")
        pages.append(await mixed.http.get(target, headers=headers))
        assert len(pages) < MOST_PAGES
    assert users_of(*(page.json() for page in pages)) == ALL
    assert [page.json()["total"] for page in pages] == [4, 4]


async def test_a_cursor_alone_goes_on_with_a_page(http: httpx.AsyncClient, tenant: Tenant, db: Database) -> None:
    there = await room(http, tenant)
    names = await crowd(db, there, 50)
    target = (await ask(there, limit=1)).headers["link"].partition(">")[0].removeprefix("<")
    shown = await read(there, cursor=httpx.URL(target).params["cursor"])
    assert (users_of(shown), shown["total"]) == (names[1:21], 50)


@pytest.mark.parametrize(("name", "value"), [("status", "present"), ("limit", "0"), ("cursor", "x")])
async def test_a_bad_parameter_is_named(mixed: Room, name: str, value: str) -> None:
    assert_refused(await ask(mixed, **{name: value}), "validation_error", names=name)


async def test_a_cursor_is_good_for_its_filter_alone(mixed: Room) -> None:
    target = (await ask(mixed, limit=1)).headers["link"].partition(">")[0].removeprefix("<")
    cursor = httpx.URL(target).params["cursor"]
    assert_refused(await ask(mixed, cursor=cursor, status="waitlist"), "validation_error", names="cursor")


@pytest.mark.parametrize("scope", ["read:live write:live", "manage:live"])
async def test_it_is_for_administrators(mixed: Room, scope: str) -> None:
    assert_refused(await ask(mixed, scope=scope), "insufficient_scope")


@pytest.mark.parametrize("page", [{}, {"limit": 1}])
async def test_an_administrator_of_another_brand_finds_no_session(mixed: Room, page: dict[str, int]) -> None:
    headers = another_brand().bearer("admin_1", scope="admin:live")
    response = await mixed.http.get(f"/v1/admin{mixed.path[3:]}/registrations", params=page, headers=headers)
    assert_refused(response, "not_found")
