"""Real answers of the operations of registrations, against the contract's schemas and against our document."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.contract.test_answers import assert_as_promised
from tests.registrations.people import room
from tests.tenant import Tenant

REGISTRATIONS = "/v1/sessions/{id}/registrations"
MINE = f"{REGISTRATIONS}/me"
ONE = f"{REGISTRATIONS}/{{registration_id}}"
REGISTER = ("/v1/sessions/{id}/register", "post")
ADMIN = ("/v1/admin/sessions/{id}/registrations", "get")
LINK = "/v1/guest-links/{ticket}"


async def test_registered_waitlisted_and_full(http: httpx.AsyncClient, tenant: Tenant) -> None:
    small = await room(http, tenant, seats=1)
    for status in ("registered", "waitlist"):
        response = await small.register(status)
        assert response.json()["status"] == status
        assert_as_promised(response, REGISTRATIONS, "post", status=201)
    await small.step("start")
    assert_as_promised(await small.register("too late"), REGISTRATIONS, "post", status=412)


@pytest.mark.parametrize(("body", "user"), [
    ({}, "patient_1"), ({"patient_id": "patient_1", "role": "guest"}, "patient_1"),
    ({"guest_email": "a@example.com"}, "host_1"),
])  # fmt: skip
async def test_a_seat_taken(http: httpx.AsyncClient, tenant: Tenant, body: Any, user: str) -> None:
    there = await room(http, tenant)
    assert_as_promised(await there.take_seat(body, user=user), *REGISTER, status=201)


@pytest.mark.parametrize(("status", "body"), [
    (400, {"patient_id": "patient_1", "guest_email": "a@example.com"}),
    (400, {"guest_email": "nobody"}),
    (400, {"role": "speaker"}),
    (403, {"patient_id": "patient_2"}),
    (403, {"role": "host"}),
])  # fmt: skip
async def test_a_seat_refused(http: httpx.AsyncClient, tenant: Tenant, status: int, body: Any) -> None:
    there = await room(http, tenant)
    assert_as_promised(await there.take_seat(body), *REGISTER, status=status)


async def test_a_seat_taken_twice_a_full_session_and_none(http: httpx.AsyncClient, tenant: Tenant) -> None:
    small = await room(http, tenant, seats=1)
    await small.seat(user="patient_1")
    assert_as_promised(await small.take_seat(user="patient_1"), *REGISTER, status=409)
    assert_as_promised(await small.take_seat(user="patient_2"), *REGISTER, status=412)
    nowhere = f"/v1/sessions/{uuid4()}/register"
    assert_as_promised(await http.post(nowhere, json={}, headers=tenant.bearer()), *REGISTER, status=404)


async def test_a_seat_in_a_session_that_was_called_off(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    await there.step("cancel")
    assert_as_promised(await there.take_seat(), *REGISTER, status=412)
    assert_as_promised(await there.register(), REGISTRATIONS, "post", status=412)


async def test_ones_own_read_listed_and_given_up(http: httpx.AsyncClient, tenant: Tenant) -> None:
    small = await room(http, tenant, seats=1)
    await small.enter("patient_1", "patient_2")
    for user in ("patient_1", "patient_2"):
        assert_as_promised(await small.own(user), MINE, "get", status=200)
        everything = await http.get("/v1/me/registrations", headers=tenant.bearer(user))
        assert_as_promised(everything, "/v1/me/registrations", "get", status=200)
        assert len(everything.json()["registrations"]) == 1
    assert_as_promised(await small.leave("patient_2"), MINE, "delete", status=200)
    assert_as_promised(await small.own("somebody"), MINE, "get", status=404)
    assert_as_promised(await small.leave("somebody"), MINE, "delete", status=404)


async def test_a_hosts_list(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant, seats=2)
    await there.invite()
    await there.enter("patient_1", "patient_2")
    await there.leave("patient_1")
    path = f"{there.path}/registrations"
    for limit in (1, 3):
        page = await http.get(path, params={"limit": limit}, headers=tenant.bearer())
        assert_as_promised(page, REGISTRATIONS, "get", status=200)
        assert len(page.json()["registrations"]) == limit
    refused = await http.get(path, headers=tenant.bearer("patient_2"))
    assert_as_promised(refused, REGISTRATIONS, "get", status=403)


@pytest.mark.parametrize("page", [{}, {"limit": 2}])
async def test_an_administrators_list(http: httpx.AsyncClient, tenant: Tenant, page: dict[str, int]) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("patient_1", "patient_2", "patient_3")
    headers = tenant.bearer("admin_1", scope="admin:live")
    response = await http.get(f"/v1/admin{there.path[3:]}/registrations", params=page, headers=headers)
    assert_as_promised(response, *ADMIN, status=200)
    assert len(response.json()["registrations"]) == page.get("limit", 3)
    nowhere = await http.get(f"/v1/admin/sessions/{uuid4()}/registrations", params=page, headers=headers)
    assert_as_promised(nowhere, *ADMIN, status=404)


async def test_what_a_host_does_to_a_registration(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    [somebody] = await there.enter("patient_1")
    assert_as_promised(await there.link(somebody), f"{ONE}/link", "post", status=412)
    assert_as_promised(await there.remove(somebody), ONE, "delete", status=200)
    assert_as_promised(await there.register("patient_1"), REGISTRATIONS, "post", status=403)
    assert_as_promised(await there.allow(somebody), f"{ONE}/allow", "post", status=200)
    nobody = {"id": str(uuid4())}
    assert_as_promised(await there.remove(nobody), ONE, "delete", status=404)
    assert_as_promised(await there.allow(nobody), f"{ONE}/allow", "post", status=404)
    assert_as_promised(await there.link(nobody), f"{ONE}/link", "post", status=404)


async def test_a_guests_link_made_opened_and_forged(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    made = await there.link(await there.invite())
    assert_as_promised(made, f"{ONE}/link", "post", status=200)
    url = made.json()["url"]
    assert_as_promised(await http.get(url), LINK, "get", status=200)
    assert_as_promised(await http.get(f"{url}x"), LINK, "get", status=401)
