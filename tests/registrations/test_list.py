"""GET /v1/sessions/{id}/registrations: who is registered, as the session's hosts see them."""

import httpx
import pytest

from greenroom.kit.database import Database
from tests.registrations.crowds import crowd, users_of, walked
from tests.registrations.people import Room, answered, room
from tests.sessions.lists import another_brand
from tests.tenant import Json, Tenant
from tests.wire import assert_refused

ALL = ("anna", "ben", "cleo", "dora", "emil")


async def read(there: Room, *, user: str = "host_1", scope: str = "read:live write:live", **parameters: str | int) -> Json:
    """A page."""
    return answered(await ask(there, user=user, scope=scope, **parameters), 200)


async def ask(
    there: Room, *, user: str = "host_1", scope: str = "read:live write:live", **parameters: str | int
) -> httpx.Response:
    headers = there.tenant.bearer(user, scope=scope)
    return await there.http.get(f"{there.path}/registrations", params=parameters, headers=headers)


@pytest.fixture
async def mixed(http: httpx.AsyncClient, tenant: Tenant) -> Room:
    """Two seats, both taken, by the second and the third; the first has left, the fourth and the fifth wait."""
    there = await room(http, tenant, seats=2)
    await there.enter(*ALL)
    await there.leave("anna")
    return there


async def test_a_list_without_anybody_is_empty(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert await read(await room(http, tenant)) == {
        "registrations": [],
        "counts": {"registered": 0, "waitlist": 0, "cancelled": 0},
        "next_cursor": None,
    }


async def test_people_stand_in_the_order_in_which_they_came_whatever_became_of_them(mixed: Room) -> None:
    page = await read(mixed)
    assert users_of(page) == list(ALL)
    assert [one["position"] for one in page["registrations"]] == [1, 2, 3, 4, 5]
    assert [one["status"] for one in page["registrations"]] == ["cancelled", *["registered"] * 2, *["waitlist"] * 2]


async def test_a_host_sees_all_of_a_registration(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    guest = await there.invite("Ann@Example.com")
    assert (await read(there))["registrations"] == [
        {
            "id": guest["id"],
            "session_id": there.session["id"],
            "user_id": f"guest:{guest['id']}",
            "guest_email": "Ann@Example.com",
            "role": "guest",
            "status": "registered",
            "position": 1,
            "registered_at": guest["registered_at"],
            "promoted_at": None,
            "cancelled_at": None,
            "is_removed": False,
        }
    ]


async def test_who_moved_up_and_who_left_show_when(mixed: Room) -> None:
    anna, _, cleo, *_ = (await read(mixed))["registrations"]
    assert anna["cancelled_at"] is not None
    assert cleo["promoted_at"] is not None
    assert (anna["promoted_at"], cleo["cancelled_at"]) == (None, None)


async def test_who_was_removed_is_marked_until_allowed(mixed: Room) -> None:
    ben = (await read(mixed))["registrations"][1]
    await mixed.remove(ben)
    assert [one["is_removed"] for one in (await read(mixed))["registrations"]] == [False, True, False, False, False]
    await mixed.allow(ben)
    assert not any(one["is_removed"] for one in (await read(mixed))["registrations"])


@pytest.mark.parametrize(("status", "users"), [
    ("registered", ["ben", "cleo"]), ("waitlist", ["dora", "emil"]), ("cancelled", ["anna"]),
])  # fmt: skip
async def test_a_status_lets_its_own_pass_and_the_counts_are_of_all(mixed: Room, status: str, users: list[str]) -> None:
    page = await read(mixed, status=status)
    assert users_of(page) == users
    assert page["counts"] == {"registered": 2, "waitlist": 2, "cancelled": 1}


@pytest.mark.parametrize("limit", [1, 2, 4, 5, 6])
async def test_pages_of_any_size_show_everybody_once_in_order(mixed: Room, limit: int) -> None:
    pages = await walked(mixed.http, f"{mixed.path}/registrations", mixed.tenant.bearer(), limit=limit)
    assert users_of(*pages) == list(ALL)
    assert {len(page["registrations"]) for page in pages[:-1]} <= {limit}


@pytest.mark.parametrize("status", ["registered", "waitlist"])
async def test_pages_of_one_status_show_each_of_it_once(mixed: Room, status: str) -> None:
    whole = users_of(await read(mixed, status=status))
    pages = await walked(mixed.http, f"{mixed.path}/registrations", mixed.tenant.bearer(), limit=1, status=status)
    assert (users_of(*pages), len(pages)) == (whole, 2)


async def test_the_link_leads_to_the_next_page_with_the_same_filter(mixed: Room) -> None:
    first = await ask(mixed, limit=1, status="waitlist")
    target = first.headers["link"].partition(">")[0].removeprefix("<")
    second = await mixed.http.get(target, headers=mixed.tenant.bearer())
    assert users_of(second.json()) == ["emil"]
    assert "link" not in second.headers
    assert httpx.URL(target).params["cursor"] == first.json()["next_cursor"]


async def test_a_page_goes_on_after_the_last_one_shown_whatever_changed(mixed: Room) -> None:
    first = await read(mixed, limit=2)
    await mixed.leave("ben")  # shown already
    await mixed.leave("dora")  # to come
    await mixed.enter("anna")  # again, at the end
    second = await read(mixed, limit=2, cursor=first["next_cursor"])
    third = await read(mixed, limit=2, cursor=second["next_cursor"])
    assert users_of(first, second, third) == [*ALL, "anna"]
    assert [one["status"] for one in second["registrations"]] == ["registered", "cancelled"]
    assert third["next_cursor"] is None


async def test_a_page_of_one_status_skips_who_has_it_no_longer(mixed: Room) -> None:
    first = await read(mixed, limit=1, status="waitlist")
    await mixed.leave("emil")
    assert users_of(await read(mixed, limit=1, status="waitlist", cursor=first["next_cursor"])) == []


async def test_a_page_has_twenty_when_nobody_says_and_a_hundred_at_most(
    http: httpx.AsyncClient, tenant: Tenant, db: Database
) -> None:
    there = await room(http, tenant)
    names = await crowd(db, there, 120)
    assert users_of(await read(there)) == names[:20]
    assert users_of(await read(there, limit=1000)) == names[:100]


@pytest.mark.parametrize(("name", "value"), [
    ("status", "present"), ("status", ""), ("limit", "0"), ("limit", "-1"), ("limit", "many"), ("cursor", "x"),
])  # fmt: skip
async def test_a_bad_parameter_is_named(mixed: Room, name: str, value: str) -> None:
    assert_refused(await ask(mixed, **{name: value}), "validation_error", names=name)


async def test_a_cursor_is_good_for_its_session_and_its_filter_alone(mixed: Room) -> None:
    cursor = (await read(mixed, limit=1))["next_cursor"]
    assert_refused(await ask(mixed, cursor=cursor, status="waitlist"), "validation_error", names="cursor")
    other = await room(mixed.http, mixed.tenant)
    assert_refused(await ask(other, cursor=cursor), "validation_error", names="cursor")


@pytest.mark.parametrize("user", ["somebody", "ben", "dora"])
async def test_who_does_not_host_the_session_is_refused(mixed: Room, user: str) -> None:
    response = await ask(mixed, user=user)
    assert_refused(response, "forbidden")
    assert "anna" not in response.text


async def test_a_co_host_and_who_manages_see_the_list(mixed: Room) -> None:
    await mixed.http.put(f"{mixed.path}/co-hosts/host_2", headers=mixed.tenant.bearer())
    assert users_of(await read(mixed, user="host_2")) == list(ALL)
    assert users_of(await read(mixed, user="somebody", scope="manage:live")) == list(ALL)


@pytest.mark.parametrize("status", ["start", "cancel"])
async def test_the_list_stays_readable_whatever_the_session_does(mixed: Room, status: str) -> None:
    await mixed.step(status)
    assert users_of(await read(mixed)) == list(ALL)


async def test_nobody_of_another_brand_sees_it_not_even_with_the_same_name(mixed: Room) -> None:
    strangers = another_brand()
    for scope in ("read:live write:live", "admin:live"):
        response = await mixed.http.get(f"{mixed.path}/registrations", headers=strangers.bearer("host_1", scope=scope))
        assert_refused(response, "not_found")


@pytest.mark.parametrize("session", ["0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11", "x", "00000000-0000-0000-0000-000000000000"])
async def test_a_session_that_is_not_there_is_a_404(http: httpx.AsyncClient, tenant: Tenant, session: str) -> None:
    assert_refused(await http.get(f"/v1/sessions/{session}/registrations", headers=tenant.bearer()), "not_found")


async def test_the_list_is_kept_by_nobody_but_the_caller(mixed: Room) -> None:
    response = await ask(mixed)
    assert response.headers["cache-control"] == "private, no-cache"
    assert "accept" in response.headers["vary"].lower()
