"""A host removes somebody, who may not register again until allowed."""

import httpx
import pytest

from greenroom.kit.ids import BrandId
from tests.contract.schemas import OURS, answer_schema, faults_in, operations
from tests.postgres import Owner
from tests.registrations.people import Room, answered, audit_of, events_of, room, seats_of
from tests.tenant import Tenant
from tests.wire import assert_refused

REMOVE = "/v1/sessions/{id}/registrations/{registration_id}"
ALLOW = f"{REMOVE}/allow"
HOSTS = pytest.mark.parametrize(("user", "scope"), [
    ("host_1", "write:live"), ("host_2", "write:live"), ("manager", "manage:live"), ("manager", "admin:live"),
], ids=["host", "co-host", "manager", "administrator"])  # fmt: skip
OTHERS = pytest.mark.parametrize("user", ["a", "stranger"])


async def with_co_host(there: Room) -> None:
    response = await there.http.put(f"{there.path}/co-hosts/host_2", headers=there.tenant.bearer())
    assert response.status_code == 200, response.text


@HOSTS
async def test_who_hosts_removes_somebody(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, user: str, scope: str
) -> None:
    there = await room(http, tenant)
    await with_co_host(there)
    [registration] = await there.enter("a")
    answered(await there.remove(registration, user=user, scope=scope), 200)
    assert await there.standing("a") == [("cancelled", None)]
    assert await seats_of(owner, there) == (0, 0)


async def test_the_answer_is_the_registration_as_hosts_see_it(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    removed = answered(await there.remove(registration), 200)
    assert removed == {
        "id": registration["id"],
        "session_id": there.session["id"],
        "user_id": "a",
        "guest_email": None,
        "role": "participant",
        "status": "cancelled",
        "position": 1,
        "registered_at": registration["registered_at"],
        "promoted_at": None,
        "cancelled_at": removed["cancelled_at"],
        "is_removed": True,
    }
    assert not faults_in(removed, answer_schema(OURS, operations(OURS)[REMOVE, "delete"], "200"))


@OTHERS
async def test_nobody_else_removes_anybody(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, user: str) -> None:
    there = await room(http, tenant)
    _, registration = await there.enter("a", "b")
    assert_refused(await there.remove(registration, user=user), "forbidden")
    assert await seats_of(owner, there) == (2, 0)


@OTHERS
async def test_nobody_else_allows_anybody(http: httpx.AsyncClient, tenant: Tenant, user: str) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    await there.remove(registration)
    assert_refused(await there.allow(registration, user=user), "forbidden")
    assert_refused(await there.register("a"), "forbidden")


async def test_who_was_removed_may_not_register_again(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    await there.remove(registration)
    assert_refused(await there.register("a"), "forbidden")
    assert_refused(await there.take_seat(user="a"), "forbidden")
    by_manager = await there.take_seat({"patient_id": "a"}, user="manager", scope="manage:live")
    assert_refused(by_manager, "forbidden")
    assert await seats_of(owner, there) == (0, 0)


async def test_who_was_removed_from_one_session_may_register_for_another(http: httpx.AsyncClient, tenant: Tenant) -> None:
    one, other = await room(http, tenant), await room(http, tenant)
    [registration] = await one.enter("a")
    await one.remove(registration)
    assert [entered["status"] for entered in await other.enter("a")] == ["registered"]


async def test_a_removal_concerns_nobody_else(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    registration, *_ = await there.enter("a", "b")
    await there.remove(registration)
    await there.enter("b", "c", "A")
    assert await seats_of(owner, there) == (3, 0)


async def test_who_was_removed_may_register_again_once_allowed(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    await there.remove(registration)
    allowed = answered(await there.allow(registration), 200)
    assert (allowed["id"], allowed["status"], allowed["is_removed"]) == (registration["id"], "cancelled", False)
    assert not faults_in(allowed, answer_schema(OURS, operations(OURS)[ALLOW, "post"], "200"))
    [again] = await there.enter("a")
    assert (again["status"], again["id"] != registration["id"]) == ("registered", True)


@HOSTS
async def test_who_hosts_allows_somebody(*, http: httpx.AsyncClient, tenant: Tenant, user: str, scope: str) -> None:
    there = await room(http, tenant)
    await with_co_host(there)
    [registration] = await there.enter("a")
    await there.remove(registration)
    assert answered(await there.allow(registration, user=user, scope=scope), 200)["is_removed"] is False


async def test_being_allowed_gives_no_seat(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    await there.remove(registration)
    await there.allow(registration)
    assert await there.standing("a") == [("cancelled", None)]
    assert await seats_of(owner, there) == (0, 0)


async def test_removing_twice_is_once(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=2)
    registration, *_ = await there.enter("a", "b", "c", "d")
    first, second = await there.remove(registration), await there.remove(registration)
    assert (second.status_code, second.content) == (200, first.content)
    assert await seats_of(owner, there) == (2, 1)
    assert len(await audit_of(owner, registration)) == len(await events_of(owner, registration)) == 2


async def test_allowing_twice_is_once(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    await there.remove(registration)
    first, second = await there.allow(registration), await there.allow(registration)
    assert (second.status_code, second.content) == (200, first.content)
    assert len(await audit_of(owner, registration)) == len(await events_of(owner, registration)) == 3


async def test_allowing_who_was_never_removed_changes_nothing(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    answer = answered(await there.allow(registration), 200)
    assert (answer["status"], answer["is_removed"]) == ("registered", False)
    assert len(await audit_of(owner, registration)) == len(await events_of(owner, registration)) == 1


async def test_who_was_allowed_may_be_removed_again(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    await there.remove(registration)
    await there.allow(registration)
    assert answered(await there.remove(registration), 200)["is_removed"] is True
    assert_refused(await there.register("a"), "forbidden")
    assert [trace.version for trace in await audit_of(owner, registration)] == [1, 2, 3, 4]


async def test_who_left_may_be_kept_away(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=1)
    [registration] = await there.enter("a")
    cancelled = answered(await there.leave("a"), 200)
    await there.enter("b", "c")
    removed = answered(await there.remove(registration), 200)
    assert (removed["is_removed"], removed["cancelled_at"]) == (True, cancelled["cancelled_at"])
    assert_refused(await there.register("a"), "forbidden")
    assert await seats_of(owner, there) == (1, 1)  # nobody's seat was freed


async def test_an_old_registration_names_the_person_and_the_present_one_is_removed(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await room(http, tenant)
    [old] = await there.enter("a")
    await there.leave("a")
    [present] = await there.enter("a")
    removed = answered(await there.remove(old), 200)
    assert (removed["id"], removed["status"], removed["is_removed"]) == (present["id"], "cancelled", True)
    assert await seats_of(owner, there) == (0, 0)
    assert_refused(await there.register("a"), "forbidden")


async def test_an_old_registration_names_the_person_who_is_allowed(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    [old] = await there.enter("a")
    await there.leave("a")
    [present] = await there.enter("a")
    await there.remove(present)
    answered(await there.allow(old), 200)
    assert [entered["status"] for entered in await there.enter("a")] == ["registered"]


async def test_who_was_removed_is_not_removed_again_by_an_old_registration(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await room(http, tenant)
    [old] = await there.enter("a")
    await there.leave("a")
    [present] = await there.enter("a")
    removed = answered(await there.remove(present), 200)
    assert answered(await there.remove(old), 200) == removed
    assert len(await audit_of(owner, old)) == len(await events_of(owner, old)) == 2


async def test_somebody_in_line_is_removed(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=1)
    _, waiting, _ = await there.enter("a", "b", "c")
    assert answered(await there.remove(waiting), 200)["status"] == "cancelled"
    assert await there.standing("c") == [("waitlist", 1)]
    assert await seats_of(owner, there) == (1, 1)


async def test_somebody_is_removed_while_it_is_live(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    await there.step("start")
    answered(await there.remove(registration), 200)
    assert await seats_of(owner, there) == (0, 0)
    assert_refused(await there.register("a"), "forbidden")


async def test_nobody_is_removed_from_a_session_that_ended(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    for verb in ("start", "end"):
        await there.step(verb)
    assert_refused(await there.remove(registration), "invalid_status")
    assert await seats_of(owner, there) == (1, 0)


async def test_who_was_removed_before_the_end_is_removed(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    removed = answered(await there.remove(registration), 200)
    for verb in ("start", "end"):
        await there.step(verb)
    assert answered(await there.remove(registration), 200) == removed
    assert answered(await there.allow(registration), 200)["is_removed"] is False


async def test_somebody_is_removed_from_a_session_that_was_called_off(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await room(http, tenant, seats=1)
    registration, _ = await there.enter("a", "b")
    await there.step("cancel")
    answered(await there.remove(registration), 200)
    assert await seats_of(owner, there) == (0, 1)  # nobody moves into a session that is not held


@pytest.mark.parametrize("again", ["guest@example.com", "GUEST@Example.com"])
async def test_a_guest_who_was_removed_is_kept_away_by_their_address(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, again: str
) -> None:
    there = await room(http, tenant)
    guest = await there.invite("Guest@example.com")
    removed = answered(await there.remove(guest), 200)
    assert (removed["guest_email"], removed["is_removed"]) == ("Guest@example.com", True)
    assert_refused(await there.take_seat({"guest_email": again}, user="host_1"), "forbidden")
    assert await seats_of(owner, there) == (0, 0)


async def test_a_guest_is_allowed_by_whichever_registration_has_their_address(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    first = await there.invite("guest@example.com")
    await there.remove(first)
    await there.allow(first)
    second = await there.invite("GUEST@example.com")
    await there.remove(second)
    answered(await there.allow(first), 200)
    assert (await there.invite("guest@EXAMPLE.com"))["guest_email"] == "guest@EXAMPLE.com"


async def test_an_old_invitation_names_the_guest_and_the_present_seat_is_taken(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await room(http, tenant)
    first = await there.invite("guest@example.com")
    await there.remove(first)
    await there.allow(first)
    second = await there.invite("Guest@Example.com")
    assert answered(await there.remove(first), 200)["id"] == second["id"]
    assert await seats_of(owner, there) == (0, 0)


async def test_a_removed_guest_keeps_no_other_guest_away(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    await there.remove(await there.invite("guest@example.com"))
    await there.invite("other@example.com")
    assert await seats_of(owner, there) == (1, 0)


@pytest.mark.parametrize("named", ["0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11", "no-uuid", "00000000-0000-0000-0000-000000000000"])
async def test_a_registration_that_is_not_there_is_told_to_hosts_alone(
    http: httpx.AsyncClient, tenant: Tenant, named: str
) -> None:
    there = await room(http, tenant)
    for act in (there.remove, there.allow, there.link):
        assert_refused(await act({"id": named}), "not_found")
        assert_refused(await act({"id": named}, user="stranger"), "forbidden")


async def test_a_registration_of_another_session_is_not_there(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    one, other = await room(http, tenant), await room(http, tenant)
    [registration] = await one.enter("a")
    guest = await one.invite()
    for act in (other.remove, other.allow, other.link):
        for elsewhere in (registration, guest):
            assert_refused(await act(elsewhere), "not_found")
    assert await seats_of(owner, one) == (2, 0)


async def test_a_session_of_another_brand_is_not_there(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    guest = await there.invite()
    elsewhere = Room(http, Tenant(BrandId(f"{tenant.brand}-other")), there.session)
    for act in (elsewhere.remove, elsewhere.allow, elsewhere.link):
        assert_refused(await act(guest, scope="admin:live"), "not_found")
    assert await seats_of(owner, there) == (1, 0)


async def test_an_id_is_found_in_any_case(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    assert answered(await there.remove({"id": registration["id"].upper()}), 200)["id"] == registration["id"]
