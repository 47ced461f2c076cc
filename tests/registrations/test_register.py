"""POST /v1/sessions/{id}/register: a seat for the caller or a patient, now or not at all."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from greenroom.kit.ids import BrandId
from tests.contract.schemas import CONTRACT, answer_schema, faults_in, operations
from tests.postgres import Owner
from tests.registrations.people import Room, answered, room, seats_of
from tests.tenant import Tenant
from tests.wire import assert_refused

REGISTER_OF_CONTRACT = operations(CONTRACT)["/v1/sessions/{id}/register", "post"]
MANAGING = ["manage:live", "admin:live"]


async def test_with_neither_a_patient_nor_an_address_the_caller_has_the_seat(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await room(http, tenant)
    seat = await there.seat(user="patient_1")
    assert seat == {
        "id": seat["id"],
        "session_id": there.session["id"],
        "patient_id": "patient_1",
        "guest_email": None,
        "role": "participant",
        "registered_at": seat["registered_at"],
    }
    assert not faults_in(seat, answer_schema(CONTRACT, REGISTER_OF_CONTRACT, "201"))
    assert await seats_of(owner, there) == (1, 0)


async def test_the_seat_is_the_persons_own_registration(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    seat = await there.seat(user="patient_1")
    own = answered(await there.own("patient_1"), 200)
    assert (own["id"], own["status"], own["registered_at"]) == (seat["id"], "registered", seat["registered_at"])


async def test_a_caller_may_name_themselves(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    assert (await there.seat({"patient_id": "patient_1"}, user="patient_1"))["patient_id"] == "patient_1"


@pytest.mark.parametrize("user", ["stranger", "host_1", "patient_2"])
async def test_nobody_registers_another_without_managing(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, user: str
) -> None:
    there = await room(http, tenant)
    await there.enter("patient_2")
    response = await there.take_seat({"patient_id": "patient_1"}, user=user)
    assert_refused(response, "forbidden", names="patient_id: expected your own id")
    assert await seats_of(owner, there) == (1, 0)


@pytest.mark.parametrize("scope", MANAGING)
async def test_who_manages_registers_a_patient(http: httpx.AsyncClient, tenant: Tenant, scope: str) -> None:
    there = await room(http, tenant)
    seat = await there.seat({"patient_id": "patient_1"}, user="manager", scope=scope)
    assert (seat["patient_id"], seat["role"]) == ("patient_1", "participant")
    assert await there.standing("patient_1") == [("registered", None)]
    assert_refused(await there.own("manager"), "not_found")


@pytest.mark.parametrize("role", ["participant", "guest"])
async def test_a_role_is_kept_as_it_was_sent(http: httpx.AsyncClient, tenant: Tenant, role: str) -> None:
    there = await room(http, tenant)
    assert (await there.seat({"role": role}))["role"] == role
    assert answered(await there.own(), 200)["role"] == role


async def test_the_role_of_a_host_is_given_by_who_manages(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    body = {"patient_id": "patient_1", "role": "host"}
    assert (await there.seat(body, user="manager", scope="manage:live"))["role"] == "host"


@pytest.mark.parametrize("user", ["patient_1", "host_1"])
async def test_nobody_else_gives_themselves_the_role_of_a_host(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, user: str
) -> None:
    there = await room(http, tenant)
    response = await there.take_seat({"role": "host"}, user=user)
    assert_refused(response, "forbidden", names="role: expected participant or guest")
    assert await seats_of(owner, there) == (0, 0)


@pytest.mark.parametrize("user", ["a", "b"], ids=["with a seat", "in line"])
async def test_who_is_there_already_is_a_conflict_though_it_is_full(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, user: str
) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a", "b")
    response = await there.take_seat(user=user)
    assert_refused(response, "conflict")
    assert "retry-after" not in response.headers  # it would be as futile later
    assert await seats_of(owner, there) == (1, 1)


async def test_a_patient_who_is_there_already_is_a_conflict_for_who_manages(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    await there.enter("patient_1")
    response = await there.take_seat({"patient_id": "patient_1"}, user="manager", scope="manage:live")
    assert_refused(response, "conflict")


@pytest.mark.parametrize("is_live", [False, True], ids=["scheduled", "live"])
async def test_nobody_waits_for_a_seat(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, *, is_live: bool) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a")
    if is_live:
        await there.step("start")
    assert_refused(await there.take_seat(user="b"), "at_capacity")
    assert_refused(await there.own("b"), "not_found")
    assert await seats_of(owner, there) == (1, 0)


async def test_managing_makes_no_seat(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a")
    response = await there.take_seat({"patient_id": "b", "role": "host"}, user="manager", scope="admin:live")
    assert_refused(response, "at_capacity")


async def test_a_live_session_has_seats_too(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    await there.step("start")
    await there.seat(user="a")
    assert await there.standing("a") == [("registered", None)]


async def test_who_left_may_take_a_seat_again(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    first = await there.seat(user="a")
    await there.leave("a")
    assert (await there.seat(user="a"))["id"] != first["id"]


@pytest.mark.parametrize("verbs", [["start", "end"], ["cancel"]], ids=["ended", "cancelled"])
@pytest.mark.parametrize(("user", "scope"), [
    ("a", "write:live"), ("stranger", "write:live"), ("host_1", "write:live"), ("manager", "manage:live"),
])  # fmt: skip
async def test_nobody_takes_a_seat_in_a_session_that_is_over(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, verbs: list[str], user: str, scope: str
) -> None:
    there = await room(http, tenant)
    await there.enter("a")
    for verb in verbs:
        await there.step(verb)
    assert_refused(await there.take_seat(user=user, scope=scope), "invalid_status")
    assert await seats_of(owner, there) == (1, 0)


async def test_an_unknown_field_is_ignored(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    body: Any = {"status": "cancelled", "user_id": "somebody", "id": str(uuid4()), "position": 0}
    assert (await there.seat(body, user="patient_1"))["patient_id"] == "patient_1"


async def test_a_patient_may_have_any_name(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    for name in ("\U0001f600" * 200, " ", "{}", "NULL", 'a,"b"', "null"):
        body = {"patient_id": name}
        assert (await there.seat(body, user="manager", scope="manage:live"))["patient_id"] == name


async def test_a_session_of_another_brand_has_no_seats(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    elsewhere = Room(http, Tenant(BrandId(f"{tenant.brand}-other")), there.session)
    body = {"patient_id": "patient_1"}
    assert_refused(await elsewhere.take_seat(body, user="manager", scope="admin:live"), "not_found")
    assert await seats_of(owner, there) == (0, 0)
