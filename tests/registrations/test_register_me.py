"""POST /v1/sessions/{id}/registrations: a seat while there is one, else a place in line."""

from uuid import UUID, uuid4

import httpx
import pytest

from greenroom.kit.ids import BrandId
from tests.contract.schemas import CONTRACT, answer_schema, faults_in, operations
from tests.permissions.asking import USERS, Asker
from tests.postgres import Owner
from tests.registrations.people import Room, answered, room, seats_of
from tests.tenant import Tenant
from tests.wire import assert_refused

REGISTER_OF_CONTRACT = operations(CONTRACT)["/v1/sessions/{id}/registrations", "post"]


async def test_who_registers_has_a_seat(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    response = await there.register("patient_1")
    registration = answered(response, 201)
    assert UUID(registration["id"]).version == 7
    assert registration == {
        "id": registration["id"],
        "session_id": there.session["id"],
        "user_id": "patient_1",
        "status": "registered",
        "registered_at": registration["registered_at"],
        "cancelled_at": None,
    }
    assert not faults_in(registration, answer_schema(CONTRACT, REGISTER_OF_CONTRACT, "201"))
    assert "private" in response.headers["cache-control"]
    assert await seats_of(owner, there) == (1, 0)


async def test_the_seat_shows_in_the_session(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    await there.enter("patient_1")
    mine, theirs = (await there.read("patient_1")).json(), (await there.read("patient_2")).json()
    assert (mine["registered_count"], mine["is_registered"]) == (1, True)
    assert (theirs["registered_count"], theirs["is_registered"]) == (1, False)


async def test_who_comes_when_all_seats_are_taken_stands_in_line(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=2)
    came = await there.enter("a", "b", "c", "d", "e")
    assert [registration["status"] for registration in came] == ["registered"] * 2 + ["waitlist"] * 3
    assert not faults_in(came[-1], answer_schema(CONTRACT, REGISTER_OF_CONTRACT, "201"))
    assert await there.standing("a", "b", "c", "d", "e") == [
        ("registered", None), ("registered", None), ("waitlist", 1), ("waitlist", 2), ("waitlist", 3),
    ]  # fmt: skip
    assert await seats_of(owner, there) == (2, 3)


async def test_who_stands_in_line_is_not_registered_yet(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a", "b")
    session = (await there.read("b")).json()
    assert (session["registered_count"], session["is_registered"]) == (1, False)


@pytest.mark.parametrize("user", ["a", "b"], ids=["with a seat", "in line"])
async def test_registering_twice_is_the_same_registration(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, user: str
) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a", "b")
    first, second = await there.register(user), await there.register(user)
    assert (second.status_code, second.content) == (201, first.content)
    assert await seats_of(owner, there) == (1, 1)


async def test_a_seat_taken_by_register_is_the_same_registration(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    seat = await there.seat(user="patient_1")
    registration = answered(await there.register("patient_1"), 201)
    assert (registration["id"], registration["registered_at"]) == (seat["id"], seat["registered_at"])


async def test_a_live_session_has_seats_too(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    await there.step("start")
    assert answered(await there.register(), 201)["status"] == "registered"


async def test_a_live_session_has_no_line(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a")
    await there.step("start")
    assert_refused(await there.register("b"), "at_capacity")
    assert await seats_of(owner, there) == (1, 0)
    assert_refused(await there.own("b"), "not_found")


async def test_who_has_a_seat_in_a_full_live_session_keeps_it_when_registering_again(
    http: httpx.AsyncClient, tenant: Tenant
) -> None:
    there = await room(http, tenant, seats=1)
    [registration] = await there.enter("a")
    await there.step("start")
    assert answered(await there.register("a"), 201) == registration


async def test_who_stood_in_line_before_the_start_still_stands_there(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant, seats=1)
    _, waiting = await there.enter("a", "b")
    await there.step("start")
    assert answered(await there.register("b"), 201) == waiting
    assert await there.standing("b") == [("waitlist", 1)]


async def test_registering_after_a_cancellation_is_a_new_registration(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await room(http, tenant)
    [first] = await there.enter("a")
    await there.leave("a")
    [second] = await there.enter("a")
    assert second["id"] != first["id"]
    assert (second["status"], second["cancelled_at"]) == ("registered", None)
    assert await seats_of(owner, there) == (1, 0)


async def test_who_comes_back_stands_at_the_end_of_the_line(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a", "b", "c", "d")
    await there.leave("b")
    await there.enter("b")
    assert await there.standing("c", "d", "b") == [("waitlist", 1), ("waitlist", 2), ("waitlist", 3)]


@pytest.mark.parametrize("verbs", [["start", "end"], ["cancel"]], ids=["ended", "cancelled"])
@pytest.mark.parametrize("user", ["host_1", "a", "stranger"])
async def test_nobody_registers_for_a_session_that_is_over(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, verbs: list[str], user: str
) -> None:
    there = await room(http, tenant)
    await there.enter("a")
    for verb in verbs:
        await there.step(verb)
    assert_refused(await there.register(user), "invalid_status")
    assert await seats_of(owner, there) == (1, 0)


async def test_the_host_may_take_a_seat_as_everybody_may(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    assert answered(await there.register("host_1"), 201)["user_id"] == "host_1"


async def test_people_of_two_sessions_do_not_meet(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    one, other = await room(http, tenant, seats=1), await room(http, tenant, seats=1)
    await one.enter("a", "b")
    assert [registration["status"] for registration in await other.enter("b", "a")] == ["registered", "waitlist"]
    assert await seats_of(owner, one) == await seats_of(owner, other) == (1, 1)


@pytest.mark.parametrize("user", ["\U0001f600" * 200, 'a,"{b}"\\', "NULL", "{}", "' or 1=1", "guest:1", " "])
async def test_a_user_may_have_any_name(http: httpx.AsyncClient, tenant: Tenant, user: str) -> None:
    there = await room(http, tenant)
    assert answered(await there.register(user), 201)["user_id"] == user
    assert await there.standing(user) == [("registered", None)]


async def test_users_whose_names_differ_by_case_are_two(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    await there.enter("Patient", "patient")
    assert await seats_of(owner, there) == (2, 0)


async def test_an_unknown_session_has_no_seats(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert_refused(await Room(http, tenant, {"id": str(uuid4())}).register(), "not_found")


async def test_a_session_of_another_brand_has_no_seats(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    elsewhere = Room(http, Tenant(BrandId(f"{tenant.brand}-other")), there.session)
    assert_refused(await elsewhere.register(), "not_found")
    assert await seats_of(owner, there) == (0, 0)


async def test_an_operator_without_a_brand_registers_in_the_sessions_own(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await room(http, tenant)
    operator = Asker(scope="admin:*", role="stranger", brand=None)
    response = await http.post(f"{there.path}/registrations", headers=operator.headers("operators"))
    assert answered(response, 201)["user_id"] == USERS["stranger"]
    assert await there.standing(USERS["stranger"]) == [("registered", None)]
    assert await seats_of(owner, there) == (1, 0)


async def test_an_operator_is_confined_to_the_brand_that_they_name(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await room(http, tenant)
    operator = Asker(scope="admin:*", brand=None, names=BrandId(f"{tenant.brand}-other"))
    assert_refused(await http.post(f"{there.path}/registrations", headers=operator.headers("operators")), "not_found")
    assert await seats_of(owner, there) == (0, 0)
