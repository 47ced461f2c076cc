"""GET /v1/me/registrations: all that one is registered for, in every session of the brand."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.registrations.crowds import users_of, walked
from tests.registrations.people import Room, answered, room
from tests.sessions.lists import NOON, another_brand, operator
from tests.tenant import Json, Tenant
from tests.wire import assert_refused

MINE = "/v1/me/registrations"
HOUR = timedelta(hours=1)


async def ask(http: httpx.AsyncClient, tenant: Tenant, user: str = "anna", **parameters: str | int) -> httpx.Response:
    return await http.get(MINE, params=parameters, headers=tenant.bearer(user))


async def read(http: httpx.AsyncClient, tenant: Tenant, user: str = "anna", **parameters: str | int) -> Json:
    return answered(await ask(http, tenant, user, **parameters), 200)


async def entered(http: httpx.AsyncClient, tenant: Tenant, hour: int, *steps: str, **fields: Any) -> Room:
    """A session at this hour, for which anna registered before it took its steps."""
    there = await room(http, tenant, scheduled_at=(NOON + hour * HOUR).isoformat(), **fields)
    await there.enter("anna")
    for step in steps:
        await there.step(step)
    return there


def sessions_of(*pages: Json) -> list[str]:
    return [one["session_id"] for page in pages for one in page["registrations"]]


async def test_who_is_registered_for_nothing_has_an_empty_list(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert await read(http, tenant) == {"registrations": [], "next_cursor": None}


async def test_a_registration_comes_with_its_session(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await entered(http, tenant, 1)
    own = answered(await there.own("anna"), 200)
    session = (await there.read("anna")).json()
    assert session["is_registered"]
    assert (await read(http, tenant))["registrations"] == [{**own, "session": session}]


async def test_who_waits_sees_the_place_in_line(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("ben", "cleo", "anna")
    [mine] = (await read(http, tenant))["registrations"]
    assert (mine["status"], mine["waitlist_position"], mine["session"]["is_registered"]) == ("waitlist", 2, False)
    await there.leave("cleo")
    assert (await read(http, tenant))["registrations"][0]["waitlist_position"] == 1
    await there.leave("ben")
    [mine] = (await read(http, tenant))["registrations"]
    assert (mine["status"], mine["waitlist_position"], mine["session"]["is_registered"]) == ("registered", None, True)


@pytest.fixture
async def in_order(http: httpx.AsyncClient, tenant: Tenant) -> list[str]:
    """The sessions for which anna is registered, in the order in which she must see them; they were made in another."""
    ended_early = await entered(http, tenant, 1, "start", "end")
    to_come_late = await entered(http, tenant, 9)
    cancelled = await entered(http, tenant, 6, "cancel")
    live = await entered(http, tenant, 5, "start")
    to_come_soon = await entered(http, tenant, 2)
    ended_late = await entered(http, tenant, 7, "start", "end")
    return [there.session["id"] for there in (to_come_soon, live, to_come_late, ended_late, cancelled, ended_early)]


async def test_those_to_come_are_first_by_their_time_then_those_over_the_latest_first(
    http: httpx.AsyncClient, tenant: Tenant, in_order: list[str]
) -> None:
    assert sessions_of(await read(http, tenant)) == in_order


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 7])
async def test_pages_of_any_size_show_each_once_in_order(
    http: httpx.AsyncClient, tenant: Tenant, in_order: list[str], limit: int
) -> None:
    pages = await walked(http, MINE, tenant.bearer("anna"), limit=limit)
    assert sessions_of(*pages) == in_order
    assert {len(page["registrations"]) for page in pages[:-1]} <= {limit}


async def test_sessions_of_one_moment_are_each_shown_once(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = [await entered(http, tenant, 3) for _ in range(5)]
    pages = await walked(http, MINE, tenant.bearer("anna"), limit=2)
    assert len(pages) == 3
    assert sorted(sessions_of(*pages)) == sorted(one.session["id"] for one in there)


async def test_the_link_leads_to_the_next_page(http: httpx.AsyncClient, tenant: Tenant, in_order: list[str]) -> None:
    first = await ask(http, tenant, limit=4)
    target = first.headers["link"].partition(">")[0].removeprefix("<")
    second = await http.get(target, headers=tenant.bearer("anna"))
    assert sessions_of(second.json()) == in_order[4:]
    assert "link" not in second.headers


async def test_a_page_goes_on_where_the_last_one_ended_though_that_one_was_given_up(
    http: httpx.AsyncClient, tenant: Tenant, in_order: list[str]
) -> None:
    first = await read(http, tenant, limit=1)
    await http.delete(f"/v1/sessions/{in_order[0]}/registrations/me", headers=tenant.bearer("anna"))
    rest = await read(http, tenant, cursor=first["next_cursor"])
    assert sessions_of(rest) == in_order[1:]


async def test_what_was_given_up_or_taken_away_is_not_listed(http: httpx.AsyncClient, tenant: Tenant) -> None:
    given_up, taken, kept = [await entered(http, tenant, hour) for hour in (1, 2, 3)]
    await given_up.leave("anna")
    await taken.remove(answered(await taken.own("anna"), 200))
    assert sessions_of(await read(http, tenant)) == [kept.session["id"]]


async def test_one_sees_only_ones_own(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await entered(http, tenant, 1)
    await there.enter("ben")
    await there.invite()
    for user in ("anna", "ben"):
        assert users_of(await read(http, tenant, user)) == [user]
    assert users_of(await read(http, tenant, "host_1")) == []


async def test_the_same_user_of_another_brand_is_somebody_else(http: httpx.AsyncClient, tenant: Tenant) -> None:
    await entered(http, tenant, 1)
    assert users_of(await read(http, another_brand())) == []


async def test_who_has_no_brand_must_name_one(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert_refused(await http.get(MINE, headers=operator()), "validation_error", names="X-Brand-Id")
    there = await room(http, tenant)
    await there.enter("operator")
    named = await http.get(MINE, headers={**operator(), "X-Brand-Id": tenant.brand})
    assert sessions_of(answered(named, 200)) == [there.session["id"]]


@pytest.mark.parametrize(("name", "value"), [("limit", "0"), ("limit", "few"), ("cursor", "x"), ("cursor", "")])
async def test_a_bad_parameter_is_named(http: httpx.AsyncClient, tenant: Tenant, name: str, value: str) -> None:
    assert_refused(await ask(http, tenant, **{name: value}), "validation_error", names=name)


async def test_a_cursor_is_good_for_its_user_and_brand_alone(
    http: httpx.AsyncClient, tenant: Tenant, in_order: list[str]
) -> None:
    cursor = (await read(http, tenant, limit=1))["next_cursor"]
    assert len(in_order) > 1
    assert_refused(await ask(http, tenant, "ben", cursor=cursor), "validation_error", names="cursor")
    assert_refused(await ask(http, another_brand(), cursor=cursor), "validation_error", names="cursor")
