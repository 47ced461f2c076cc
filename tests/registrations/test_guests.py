"""Guests: seats for people without an account, by e-mail, given by those who host."""

import asyncio

import httpx
import pytest

from greenroom.kit.ids import BrandId
from tests.contract.schemas import CONTRACT, answer_schema, faults_in, operations
from tests.postgres import Owner
from tests.registrations.people import Room, answered, room, seats_of
from tests.tenant import Json, Tenant
from tests.wire import assert_refused

REGISTER_OF_CONTRACT = operations(CONTRACT)["/v1/sessions/{id}/register", "post"]


async def listed(there: Room) -> list[Json]:
    """Everybody, as the host sees them."""
    response = await there.http.get(f"{there.path}/registrations", headers=there.tenant.bearer())
    found: list[Json] = answered(response, 200)["registrations"]
    return found


async def with_co_host(there: Room, user: str) -> None:
    response = await there.http.put(f"{there.path}/co-hosts/{user}", headers=there.tenant.bearer())
    assert response.status_code == 200, response.text


async def test_a_guest_has_a_seat(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    seat = await there.invite("Ada@Example.com")
    assert seat == {
        "id": seat["id"],
        "session_id": there.session["id"],
        "patient_id": None,
        "guest_email": "Ada@Example.com",
        "role": "guest",
        "registered_at": seat["registered_at"],
    }
    assert not faults_in(seat, answer_schema(CONTRACT, REGISTER_OF_CONTRACT, "201"))
    assert await seats_of(owner, there) == (1, 0)


async def test_a_guest_is_named_by_the_registration(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    seat = await there.invite("Ada@Example.com")
    [guest] = await listed(there)
    assert (guest["user_id"], guest["guest_email"], guest["status"]) == (
        f"guest:{seat['id']}", "Ada@Example.com", "registered",
    )  # fmt: skip


async def test_a_guest_is_not_the_host_who_invited_them(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    await there.invite()
    assert_refused(await there.own("host_1"), "not_found")
    assert (await there.read("host_1")).json()["is_registered"] is False


async def test_a_co_host_invites_guests(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    await with_co_host(there, "host_2")
    assert (await there.invite(user="host_2"))["role"] == "guest"


@pytest.mark.parametrize("scope", ["manage:live", "admin:live"])
async def test_who_manages_invites_guests(http: httpx.AsyncClient, tenant: Tenant, scope: str) -> None:
    there = await room(http, tenant)
    assert (await there.invite(user="manager", scope=scope))["role"] == "guest"


@pytest.mark.parametrize("user", ["stranger", "patient_1"])
async def test_nobody_else_invites_guests(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, user: str) -> None:
    there = await room(http, tenant)
    await there.enter("patient_1")
    assert_refused(await there.take_seat({"guest_email": "guest@example.com"}, user=user), "forbidden")
    assert await seats_of(owner, there) == (1, 0)


async def test_who_may_not_invite_does_not_learn_who_is_there(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    await there.invite("there@example.com")
    there_already = await there.take_seat({"guest_email": "there@example.com"}, user="stranger")
    unknown = await there.take_seat({"guest_email": "unknown@example.com"}, user="stranger")
    assert_refused(there_already, "forbidden")
    assert there_already.content == unknown.content


async def test_a_guest_may_have_another_role(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    body = {"guest_email": "guest@example.com", "role": "participant"}
    assert (await there.seat(body, user="host_1"))["role"] == "participant"


async def test_only_who_manages_makes_a_guest_a_host(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    body = {"guest_email": "guest@example.com", "role": "host"}
    assert_refused(await there.take_seat(body, user="host_1"), "forbidden")
    assert (await there.seat(body, user="manager", scope="manage:live"))["role"] == "host"


@pytest.mark.parametrize("again", ["guest@example.com", "Guest@Example.COM", "GUEST@EXAMPLE.COM"])
async def test_an_address_has_one_seat_in_whatever_case_it_is_written(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, again: str
) -> None:
    there = await room(http, tenant, seats=1)
    await there.invite("guest@example.com")
    assert_refused(await there.take_seat({"guest_email": again}, user="host_1"), "conflict")  # and not at_capacity
    assert await seats_of(owner, there) == (1, 0)


async def test_invitations_of_one_address_at_the_same_moment_are_one_seat(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await room(http, tenant)
    written = ["guest@example.com", "Guest@example.com", "guest@Example.com", "GUEST@EXAMPLE.COM"] * 3
    answers = await asyncio.gather(*(there.take_seat({"guest_email": address}, user="host_1") for address in written))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 11]
    assert await seats_of(owner, there) == (1, 0)


@pytest.mark.parametrize("other", ["guest+1@example.com", "gu.est@example.com", "guest@example.org", "guest1@example.com"])
async def test_an_address_that_differs_otherwise_is_another_guest(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, other: str
) -> None:
    there = await room(http, tenant)
    await there.invite("guest@example.com")
    await there.invite(other)
    assert await seats_of(owner, there) == (2, 0)
    assert len({guest["user_id"] for guest in await listed(there)}) == 2


async def test_a_guest_of_one_session_may_be_a_guest_of_another(http: httpx.AsyncClient, tenant: Tenant) -> None:
    one, other = await room(http, tenant), await room(http, tenant)
    assert (await one.invite())["id"] != (await other.invite())["id"]


async def test_a_guest_never_waits(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a")
    assert_refused(await there.take_seat({"guest_email": "guest@example.com"}, user="host_1"), "at_capacity")
    assert await seats_of(owner, there) == (1, 0)


@pytest.mark.parametrize("verbs", [["start", "end"], ["cancel"]], ids=["ended", "cancelled"])
async def test_nobody_is_invited_to_a_session_that_is_over(http: httpx.AsyncClient, tenant: Tenant, verbs: list[str]) -> None:
    there = await room(http, tenant)
    for verb in verbs:
        await there.step(verb)
    assert_refused(await there.take_seat({"guest_email": "guest@example.com"}, user="host_1"), "invalid_status")


async def test_a_guest_is_invited_while_it_is_live(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    await there.step("start")
    await there.invite()
    assert await seats_of(owner, there) == (1, 0)


async def test_a_patient_named_as_a_guest_is_that_guest(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    seat = await there.invite()
    body = {"patient_id": f"guest:{seat['id']}"}
    assert_refused(await there.take_seat(body, user="manager", scope="manage:live"), "conflict")
    assert await seats_of(owner, there) == (1, 0)


async def test_the_host_of_one_session_invites_nobody_to_anothers(http: httpx.AsyncClient, tenant: Tenant) -> None:
    wanted = tenant.wanted(host_id="host_2")
    created = await http.post("/v1/sessions", json=wanted, headers=tenant.bearer("host_2"))
    there = Room(http, tenant, answered(created, 201))
    assert_refused(await there.take_seat({"guest_email": "guest@example.com"}, user="host_1"), "forbidden")


async def test_an_address_of_another_brand_is_nobodys_here(http: httpx.AsyncClient, tenant: Tenant) -> None:
    elsewhere = await room(http, Tenant(BrandId(f"{tenant.brand}-other")))
    await elsewhere.invite()
    there = await room(http, tenant)
    assert (await there.invite())["guest_email"] == "guest@example.com"
