"""Registrations whose connection is cut while nobody knows whether they were made: the caller is told what is true."""

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.faults.aftermath import assert_promises_kept, assert_unavailable
from tests.faults.registering import cancel, kept_of, register
from tests.faults.waiting import eventually, held_before_commit, held_row, waiting_backends
from tests.faults.wire import Fate, Wire, wire_to
from tests.postgres import Owner, TestDatabase
from tests.tenant import Tenant

ANSWER_SECONDS = 5.0
SLACK_SECONDS = 4.0  # of a machine that has other things to do
CUTS: list[list[Fate]] = [["before"], ["after"], ["before", "after"], ["after", "before"], ["after", "after", "before"]]


@pytest.fixture(scope="module")
def module_wire(database: TestDatabase) -> Iterator[Wire]:
    with wire_to(database, word="regist") as running:  # register_v1, cancel_registrations_v1
        yield running


async def are_waiting(holder: Owner, backends: int) -> None:
    """Return when so many backends of the service stand before a lock."""

    async def enough() -> bool:
        return len(await waiting_backends(holder)) == backends

    await eventually(enough, f"{backends} wait")


@pytest.mark.parametrize("cuts", CUTS, ids=", ".join)
async def test_who_registers_is_told_the_row_that_is_there_once(
    client: httpx.AsyncClient, tenant: Tenant, wire: Wire, database: TestDatabase, cuts: list[Fate]
) -> None:
    session = await tenant.session(client)
    wire.fates += cuts
    response = await register(client, tenant, session)
    assert (response.status_code, wire.fates) == (201, [])
    assert [(one.id, one.user, one.version) for one in await kept_of(database, session)] == [(response.json()["id"], "ann", 1)]


@pytest.mark.parametrize("cuts", CUTS, ids=", ".join)
async def test_who_takes_a_seat_is_not_told_of_his_own_registration_as_of_an_earlier_one(
    client: httpx.AsyncClient, tenant: Tenant, wire: Wire, cuts: list[Fate]
) -> None:
    session = await tenant.session(client, max_participants=1)
    wire.fates += cuts
    response = await register(client, tenant, session, path="register")
    assert (response.status_code, wire.fates) == (201, [])


async def test_who_comes_after_a_last_seat_whose_answer_was_lost_finds_it_taken(
    client: httpx.AsyncClient, tenant: Tenant, wire: Wire
) -> None:
    session = await tenant.session(client, max_participants=1)
    wire.fates.append("after")
    assert (await register(client, tenant, session, path="register")).status_code == 201
    late = await register(client, tenant, session, "bob", path="register")
    assert (late.status_code, late.json()["error"]) == (412, "at_capacity")


async def test_who_finds_no_seat_and_whose_answer_is_lost_is_told_so_and_stands_nowhere(
    client: httpx.AsyncClient, tenant: Tenant, wire: Wire, database: TestDatabase
) -> None:
    session = await tenant.session(client, max_participants=1)
    await register(client, tenant, session, "first")
    wire.fates.append("after")
    late = await register(client, tenant, session, path="register")
    assert (late.status_code, wire.fates) == (412, [])
    assert [one.user for one in await kept_of(database, session)] == ["first"]


@pytest.mark.parametrize("path", ["registrations", "register"])
async def test_an_answer_that_was_lost_is_no_replay_and_the_next_with_its_key_is(
    client: httpx.AsyncClient, tenant: Tenant, wire: Wire, path: str
) -> None:
    session = await tenant.session(client)
    wire.fates.append("after")
    first = await register(client, tenant, session, path=path, Idempotency_Key="one")
    again = await register(client, tenant, session, path=path, Idempotency_Key="one")
    assert [response.status_code for response in (first, again)] == [201, 201]
    assert [response.headers.get("idempotency-replayed") for response in (first, again)] == [None, "true"]
    assert first.json() == again.json()


@pytest.mark.parametrize("cuts", CUTS, ids=", ".join)
async def test_who_cancels_is_told_so_and_one_moves_up(
    client: httpx.AsyncClient, tenant: Tenant, wire: Wire, database: TestDatabase, cuts: list[Fate]
) -> None:
    session = await tenant.session(client, max_participants=1)
    for person in ("ann", "bob", "eve"):
        await register(client, tenant, session, person)
    wire.fates += cuts
    response = await cancel(client, tenant, session)
    assert (response.status_code, response.json()["status"], wire.fates) == (200, "cancelled", [])
    kept = [(one.user, one.status, one.version) for one in await kept_of(database, session)]
    assert kept == [("ann", "cancelled", 2), ("bob", "registered", 2), ("eve", "waitlist", 1)]


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_of_a_whole_batch_each_is_told_his_own_row(
    client: httpx.AsyncClient, tenant: Tenant, wire: Wire, database: TestDatabase, cut: Fate
) -> None:
    session = await tenant.session(client, max_participants=10)
    people = [f"person {number}" for number in range(30)]
    wire.fates += ["passes", cut]
    async with held_row(database, session) as row:
        asked = [asyncio.create_task(register(client, tenant, session, people[0]))]
        await row.awaited()
        asked += [asyncio.create_task(register(client, tenant, session, person)) for person in people[1:]]
        await asyncio.sleep(0.5)  # time to come in line; who is late goes with the next
    told = {answer["user_id"]: answer["id"] for answer in (response.json() for response in await asyncio.gather(*asked))}
    kept = await kept_of(database, session)
    assert (len(kept), {one.user: one.id for one in kept}) == (30, told)
    assert ([one.position for one in kept], wire.fates) == (list(range(1, 31)), [])
    await assert_promises_kept(database)


@pytest.mark.parametrize("headers", [{}, {"Idempotency_Key": "one"}], ids=["no key", "a key"])
async def test_while_the_old_backend_still_holds_the_row_the_question_waits_for_it(
    client: httpx.AsyncClient, tenant: Tenant, wire: Wire, database: TestDatabase, headers: dict[str, str]
) -> None:
    session = await tenant.session(client)
    wire.fates.append("sent")
    async with held_before_commit(database) as holder:
        asked = asyncio.create_task(register(client, tenant, session, **headers))
        await are_waiting(holder, 2)
        assert not asked.done()
    response = await asked
    assert response.status_code == 201, response.text
    assert [(one.id, one.user) for one in await kept_of(database, session)] == [(response.json()["id"], "ann")]


async def test_while_the_old_backend_never_ends_nobody_guesses_and_it_is_a_503_in_time(
    client: httpx.AsyncClient, tenant: Tenant, wire: Wire, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    wire.fates.append("sent")
    async with held_before_commit(database) as holder:
        asked = asyncio.create_task(register(client, tenant, session))
        await are_waiting(holder, 2)
        began = time.monotonic()
        response = await asked
    assert_unavailable(response)
    assert time.monotonic() - began < ANSWER_SECONDS + SLACK_SECONDS


async def test_after_a_503_the_same_person_comes_again_and_is_there_once(
    client: httpx.AsyncClient, tenant: Tenant, wire: Wire, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    wire.fates.append("sent")
    async with held_before_commit(database):
        assert_unavailable(await register(client, tenant, session))
    response = await register(client, tenant, session)
    assert response.status_code == 201
    assert [(one.id, one.user) for one in await kept_of(database, session)] == [(response.json()["id"], "ann")]
    await assert_promises_kept(database)


async def test_while_the_database_stays_away_it_is_a_503_in_time_and_nothing_was_done(
    client: httpx.AsyncClient, tenant: Tenant, wire: Wire, database: TestDatabase
) -> None:
    session = await tenant.session(client)
    wire.close()
    began = time.monotonic()
    responses = await asyncio.gather(*(register(client, tenant, session, f"person {number}") for number in range(20)))
    seconds = time.monotonic() - began
    for response in responses:
        assert_unavailable(response)
    assert seconds < ANSWER_SECONDS + SLACK_SECONDS
    assert await kept_of(database, session) == []


async def test_a_database_that_is_away_for_a_moment_is_waited_for(
    client: httpx.AsyncClient, tenant: Tenant, wire: Wire
) -> None:
    session = await tenant.session(client)
    wire.close()
    asked = [asyncio.create_task(register(client, tenant, session, f"person {number}")) for number in range(20)]
    await asyncio.sleep(1)
    assert not any(task.done() for task in asked)
    wire.reset()
    assert {response.status_code for response in await asyncio.gather(*asked)} == {201}
