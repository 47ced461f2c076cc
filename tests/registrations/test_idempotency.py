"""Idempotency-Key of registrations: the first answer again, and never somebody else's."""

import asyncio

import httpx
import pytest

from greenroom.kit.idempotency import idempotency_key
from tests.postgres import Owner
from tests.registrations.people import Room, answered, audit_of, events_of, room, seats_of
from tests.tenant import Json, Tenant
from tests.wire import assert_refused

KEY = "key-1"
MISMATCH = "idempotency_key_payload_mismatch"


def was_replayed(response: httpx.Response) -> bool:
    return bool(response.headers.get("idempotency-replayed") == "true")


async def seat_for(there: Room, patient: str, *, key: str = KEY) -> httpx.Response:
    """A manager takes a seat for a patient."""
    return await there.take_seat({"patient_id": patient}, user="manager", scope="manage:live", Idempotency_Key=key)


async def kept_keys(owner: Owner, tenant: Tenant) -> int:
    found: int = await owner.fetchval("select count(*) from idempotency_keys where brand_id = $1", tenant.brand)
    return found


@pytest.mark.parametrize("user", ["a", "b"], ids=["a seat", "a place in line"])
async def test_a_repeat_gets_the_first_answer(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, user: str) -> None:
    there = await room(http, tenant, seats=1)
    if user == "b":
        await there.enter("a")
    first, second = [await there.register(user, Idempotency_Key=KEY) for _ in range(2)]
    assert [(answer.status_code, was_replayed(answer)) for answer in (first, second)] == [(201, False), (201, True)]
    assert second.content == first.content
    assert len(await audit_of(owner, first.json())) == len(await events_of(owner, first.json())) == 1


async def test_a_repeat_of_a_taken_seat_gets_the_first_answer_and_no_conflict(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await room(http, tenant)
    first, second = [await there.take_seat(user="a", Idempotency_Key=KEY) for _ in range(2)]
    assert [(answer.status_code, was_replayed(answer)) for answer in (first, second)] == [(201, False), (201, True)]
    assert second.content == first.content
    assert await seats_of(owner, there) == (1, 0)


async def test_a_repeat_of_an_invitation_gets_the_first_answer(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    body = {"guest_email": "Ada@Example.com"}
    first, second = [await there.take_seat(body, user="host_1", Idempotency_Key=KEY) for _ in range(2)]
    assert (was_replayed(second), second.content) == (True, first.content)
    assert await seats_of(owner, there) == (1, 0)


async def test_a_repeat_gets_the_first_answer_though_the_seat_was_given_up(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await room(http, tenant)
    first = await there.register("a", Idempotency_Key=KEY)
    await there.leave("a")
    again = await there.register("a", Idempotency_Key=KEY)
    assert (was_replayed(again), again.content) == (True, first.content)
    assert await seats_of(owner, there) == (0, 0)


async def test_a_repeat_gets_the_first_answer_though_the_person_moved_up(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a")
    await there.register("b", Idempotency_Key=KEY)
    await there.leave("a")
    assert answered(await there.register("b", Idempotency_Key=KEY), 201)["status"] == "waitlist"
    assert answered(await there.register("b"), 201)["status"] == "registered"


@pytest.mark.parametrize("verbs", [["start", "end"], ["cancel"]], ids=["ended", "cancelled"])
async def test_a_repeat_gets_the_first_answer_though_the_session_is_over(
    http: httpx.AsyncClient, tenant: Tenant, verbs: list[str]
) -> None:
    there = await room(http, tenant)
    first = await there.register("a", Idempotency_Key=KEY)
    for verb in verbs:
        await there.step(verb)
    assert (await there.register("a", Idempotency_Key=KEY)).content == first.content


async def test_an_answer_that_changed_nothing_is_kept_too(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    await there.enter("a")
    first, second = [await there.register("a", Idempotency_Key=KEY) for _ in range(2)]
    assert [was_replayed(answer) for answer in (first, second)] == [False, True]
    assert second.content == first.content


async def test_a_key_with_another_body_is_refused(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    await there.take_seat(user="a", Idempotency_Key=KEY)
    response = await there.take_seat({"role": "participant"}, user="a", Idempotency_Key=KEY)
    assert_refused(response, MISMATCH)
    assert not was_replayed(response)
    assert await seats_of(owner, there) == (1, 0)


async def test_a_key_is_bound_even_to_a_body_that_is_not_read(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    await there.register("a", Idempotency_Key=KEY)
    response = await http.post(f"{there.path}/registrations", content=b"{}", headers=tenant.bearer("a", Idempotency_Key=KEY))
    assert_refused(response, MISMATCH)


async def test_somebody_elses_key_of_the_same_name_is_another(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    answers = [await there.register(user, Idempotency_Key=KEY) for user in ("a", "b")]
    assert [answer.json()["user_id"] for answer in answers] == ["a", "b"]
    assert not any(map(was_replayed, answers))
    assert await seats_of(owner, there) == (2, 0)


async def test_a_key_is_the_paths_own(http: httpx.AsyncClient, tenant: Tenant) -> None:
    one, other = await room(http, tenant), await room(http, tenant)
    await one.register("a", Idempotency_Key=KEY)
    elsewhere = await other.register("a", Idempotency_Key=KEY)
    assert (elsewhere.json()["session_id"], was_replayed(elsewhere)) == (other.session["id"], False)
    assert_refused(await one.take_seat(user="a", Idempotency_Key=KEY), "conflict")


async def test_one_key_of_a_manager_is_not_for_two_patients(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    await seat_for(there, "a")
    assert_refused(await seat_for(there, "b"), MISMATCH)
    assert_refused(await there.own("b"), "not_found")
    assert await seats_of(owner, there) == (1, 0)


async def test_two_keys_of_a_manager_are_for_two_patients(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    answers = [await seat_for(there, patient, key=f"key of {patient}") for patient in ("a", "b")]
    assert [answer.json()["patient_id"] for answer in answers] == ["a", "b"]
    assert await seats_of(owner, there) == (2, 0)


async def test_another_key_for_the_same_patient_is_another_request(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    first = await seat_for(there, "a", key="key-1")
    assert_refused(await seat_for(there, "a", key="key-2"), "conflict")
    again = await seat_for(there, "a", key="key-1")
    assert (was_replayed(again), again.content) == (True, first.content)


async def test_a_refusal_for_want_of_seats_is_not_kept(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a")
    assert_refused(await there.take_seat(user="b", Idempotency_Key=KEY), "at_capacity")
    assert await kept_keys(owner, tenant) == 0
    await there.leave("a")
    seat = await there.take_seat(user="b", Idempotency_Key=KEY)
    assert (seat.status_code, was_replayed(seat)) == (201, False)


async def test_a_conflict_is_not_kept(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    await there.enter("a")
    assert_refused(await there.take_seat(user="a", Idempotency_Key=KEY), "conflict")
    assert await kept_keys(owner, tenant) == 0
    await there.leave("a")
    seat = await there.take_seat(user="a", Idempotency_Key=KEY)
    assert (seat.status_code, was_replayed(seat)) == (201, False)


async def test_a_refusal_of_who_was_removed_is_not_kept(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    await there.remove(registration)
    assert_refused(await there.register("a", Idempotency_Key=KEY), "forbidden")
    assert await kept_keys(owner, tenant) == 0
    await there.allow(registration)
    again = await there.register("a", Idempotency_Key=KEY)
    assert (again.status_code, was_replayed(again)) == (201, False)


@pytest.mark.parametrize("body", [{"patient_id": "b"}, {"guest_email": "guest@example.com"}, {"role": "host"}, {"role": ""}])
async def test_no_other_refusal_is_kept(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, body: Json) -> None:
    there = await room(http, tenant)
    response = await there.take_seat(body, user="a", Idempotency_Key=KEY)
    assert response.status_code in {400, 403}
    assert await kept_keys(owner, tenant) == 0


async def test_a_session_that_is_over_or_unknown_keeps_no_key(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    await there.step("cancel")
    assert_refused(await there.register("a", Idempotency_Key=KEY), "invalid_status")
    unknown = Room(http, tenant, {"id": "0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11"})
    assert_refused(await unknown.register("a", Idempotency_Key=KEY), "not_found")
    assert await kept_keys(owner, tenant) == 0


async def test_a_request_that_still_runs_is_not_run_again(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    path = f"{there.path}/registrations"
    running = idempotency_key(KEY, brand=tenant.brand, client="test", subject="a", method="POST", path=path, body=b"")
    assert running is not None
    await owner.execute("select pg_advisory_lock($1)", running.lock)
    response = await there.register("a", Idempotency_Key=KEY)
    assert_refused(response, "conflict")
    assert int(response.headers["retry-after"]) >= 1
    assert await seats_of(owner, there) == (0, 0)
    await owner.execute("select pg_advisory_unlock($1)", running.lock)
    assert (await there.register("a", Idempotency_Key=KEY)).status_code == 201


async def test_the_same_request_at_the_same_moment_is_one(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    answers = await asyncio.gather(*(there.take_seat(user="a", Idempotency_Key=KEY) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum(map(was_replayed, answers)) == 7
    assert await seats_of(owner, there) == (1, 0)


async def test_one_key_for_two_patients_at_the_same_moment_is_for_one_of_them(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await room(http, tenant)
    answers = await asyncio.gather(*(seat_for(there, patient) for patient in ("a", "b", "c")))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert await seats_of(owner, there) == (1, 0)


async def test_a_key_is_free_again_after_24_hours(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    await there.register("a", Idempotency_Key=KEY)
    await there.leave("a")
    await owner.execute(
        "update idempotency_keys set created_at = created_at - interval '24 hours' where brand_id = $1", tenant.brand
    )
    again = await there.register("a", Idempotency_Key=KEY)
    assert (answered(again, 201)["status"], was_replayed(again)) == ("registered", False)
    assert await there.standing("a") == [("registered", None)]


async def test_being_allowed_is_replayed(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    await there.remove(registration)
    first = await there.allow(registration, Idempotency_Key=KEY)
    await there.remove(registration)
    again = await there.allow(registration, Idempotency_Key=KEY)
    assert [was_replayed(answer) for answer in (first, again)] == [False, True]
    assert (again.status_code, again.content) == (200, first.content)
    assert_refused(await there.register("a"), "forbidden")  # the second removal stands
    assert len(await events_of(owner, registration)) == 4


async def test_a_refusal_to_allow_is_not_kept(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    assert_refused(await there.allow(registration, user="a", Idempotency_Key=KEY), "forbidden")
    unknown = {"id": "0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11"}
    assert_refused(await there.allow(unknown, Idempotency_Key=KEY), "not_found")
    assert await kept_keys(owner, tenant) == 0


async def test_a_link_is_made_anew_and_never_kept(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    guest = await there.invite()
    for _ in range(2):
        response = await there.link(guest, Idempotency_Key=KEY)
        assert (response.status_code, was_replayed(response)) == (200, False)
    assert await kept_keys(owner, tenant) == 0
