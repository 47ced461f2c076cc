"""GET and DELETE /v1/sessions/{id}/registrations/me: one's own seat or place in line, and giving it up."""

from uuid import uuid4

import httpx
import pytest

from greenroom.kit.ids import BrandId
from tests.contract.schemas import OURS, answer_schema, faults_in, operations
from tests.postgres import Owner
from tests.registrations.people import Room, answered, audit_of, events_of, room, seats_of
from tests.tenant import Tenant
from tests.wire import assert_refused

OWN = "/v1/sessions/{id}/registrations/me"
OVER = pytest.mark.parametrize("verbs", [["start", "end"], ["cancel"]], ids=["ended", "cancelled"])


async def test_a_seat_is_shown_to_who_has_it(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    response = await there.own("a")
    assert answered(response, 200) == {
        "id": registration["id"],
        "session_id": there.session["id"],
        "user_id": "a",
        "role": "participant",
        "status": "registered",
        "waitlist_position": None,
        "registered_at": registration["registered_at"],
        "promoted_at": None,
        "cancelled_at": None,
    }
    assert not faults_in(response.json(), answer_schema(OURS, operations(OURS)[OWN, "get"], "200"))
    assert "private" in response.headers["cache-control"]


async def test_a_place_in_line_is_the_rank_in_it(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a", "b", "c", "d")
    assert await there.standing("b", "c", "d") == [("waitlist", 1), ("waitlist", 2), ("waitlist", 3)]


async def test_who_leaves_the_line_brings_those_behind_nearer(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a", "b", "c", "d")
    await there.leave("c")
    assert await there.standing("a", "b", "c", "d") == [
        ("registered", None), ("waitlist", 1), ("cancelled", None), ("waitlist", 2),
    ]  # fmt: skip
    assert await seats_of(owner, there) == (1, 2)


@pytest.mark.parametrize("verbs", [["start"], ["start", "end"], ["cancel"]], ids=["live", "ended", "cancelled"])
async def test_registrations_stay_readable_whatever_becomes_of_the_session(
    http: httpx.AsyncClient, tenant: Tenant, verbs: list[str]
) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a", "b")
    for verb in verbs:
        await there.step(verb)
    assert await there.standing("a", "b") == [("registered", None), ("waitlist", 1)]


async def test_who_never_registered_has_none_to_see(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    await there.enter("a")
    assert_refused(await there.own("b"), "not_found")


async def test_who_never_registered_has_none_to_give_up(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    await there.enter("a")
    assert_refused(await there.leave("b"), "not_found")
    assert await seats_of(owner, there) == (1, 0)


@pytest.mark.parametrize("user", ["a", "b"], ids=["a seat", "a place in line"])
async def test_a_registration_is_given_up(http: httpx.AsyncClient, tenant: Tenant, user: str) -> None:
    there = await room(http, tenant, seats=1)
    before = {registration["user_id"]: registration for registration in await there.enter("a", "b")}[user]
    response = await there.leave(user)
    cancelled = answered(response, 200)
    assert (cancelled["id"], cancelled["status"], cancelled["waitlist_position"]) == (before["id"], "cancelled", None)
    assert cancelled["registered_at"] == before["registered_at"]
    assert cancelled["cancelled_at"] >= cancelled["registered_at"]
    assert not faults_in(cancelled, answer_schema(OURS, operations(OURS)[OWN, "delete"], "200"))
    assert answered(await there.own(user), 200) == cancelled


async def test_a_seat_that_was_given_up_is_free(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a")
    await there.leave("a")
    assert await seats_of(owner, there) == (0, 0)
    assert answered(await there.register("b"), 201)["status"] == "registered"


async def test_giving_up_twice_is_once(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=2)
    [registration, *_] = await there.enter("a", "b", "c", "d")
    first, second = await there.leave("a"), await there.leave("a")
    assert (second.status_code, second.content) == (200, first.content)
    assert await seats_of(owner, there) == (2, 1)  # one moved up, and one alone
    assert [trace.action for trace in await audit_of(owner, registration)] == [
        "registration.created", "registration.cancelled",
    ]  # fmt: skip
    assert len(await events_of(owner, registration)) == 2


async def test_the_last_of_several_cancelled_registrations_is_shown(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    for _ in range(2):
        await there.enter("a")
        await there.leave("a")
    [third] = await there.enter("a")
    last = answered(await there.leave("a"), 200)
    assert last["id"] == third["id"]
    assert answered(await there.own("a"), 200) == answered(await there.leave("a"), 200) == last


async def test_a_registration_that_holds_is_shown_before_those_that_were_cancelled(
    http: httpx.AsyncClient, tenant: Tenant
) -> None:
    there = await room(http, tenant)
    await there.enter("a")
    await there.leave("a")
    [second] = await there.enter("a")
    own = answered(await there.own("a"), 200)
    assert (own["id"], own["status"]) == (second["id"], "registered")


async def test_a_seat_is_given_up_while_it_is_live(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    await there.enter("a")
    await there.step("start")
    assert answered(await there.leave("a"), 200)["status"] == "cancelled"
    assert await seats_of(owner, there) == (0, 0)


async def test_a_seat_in_a_session_that_ended_was_taken(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a", "b")
    for verb in ("start", "end"):
        await there.step(verb)
    for user in ("a", "b"):
        assert_refused(await there.leave(user), "invalid_status")
    assert await seats_of(owner, there) == (1, 1)


async def test_what_was_given_up_before_the_end_is_given_up(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    await there.enter("a")
    cancelled = answered(await there.leave("a"), 200)
    for verb in ("start", "end"):
        await there.step(verb)
    assert answered(await there.leave("a"), 200) == cancelled


async def test_who_never_registered_is_told_so_after_the_end(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    for verb in ("start", "end"):
        await there.step(verb)
    assert_refused(await there.leave("a"), "not_found")


async def test_a_seat_in_a_session_that_was_called_off_may_be_given_up(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a", "b")
    await there.step("cancel")
    assert answered(await there.leave("a"), 200)["status"] == "cancelled"
    assert await there.standing("b") == [("waitlist", 1)]  # nobody moves into a session that is not held
    assert await seats_of(owner, there) == (0, 1)


async def test_a_seat_that_a_manager_took_for_somebody_is_theirs_to_give_up(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    seat = await there.seat({"patient_id": "a"}, user="manager", scope="manage:live")
    assert_refused(await there.leave("manager"), "not_found")
    assert answered(await there.leave("a"), 200)["id"] == seat["id"]


async def test_nobodys_own_registration_is_of_another_session(http: httpx.AsyncClient, tenant: Tenant) -> None:
    one, other = await room(http, tenant), await room(http, tenant)
    await one.enter("a")
    assert_refused(await other.own("a"), "not_found")
    assert_refused(await other.leave("a"), "not_found")
    assert await one.standing("a") == [("registered", None)]


async def test_nobodys_own_registration_is_of_another_brand(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    await there.enter("a")
    elsewhere = Room(http, Tenant(BrandId(f"{tenant.brand}-other")), there.session)
    assert_refused(await elsewhere.own("a"), "not_found")
    assert_refused(await elsewhere.leave("a"), "not_found")
    assert await seats_of(owner, there) == (1, 0)


@OVER
async def test_a_session_that_is_over_says_as_little_to_other_brands(
    http: httpx.AsyncClient, tenant: Tenant, verbs: list[str]
) -> None:
    there = await room(http, tenant)
    for verb in verbs:
        await there.step(verb)
    elsewhere = Room(http, Tenant(BrandId(f"{tenant.brand}-other")), there.session)
    unknown = Room(http, tenant, {"id": str(uuid4())})
    assert (await elsewhere.leave("a")).content == (await unknown.leave("a")).content
    assert (await elsewhere.register("a")).content == (await unknown.register("a")).content
