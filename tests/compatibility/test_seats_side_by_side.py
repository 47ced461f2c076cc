"""Seats and the line, which only today's release knows, while the previous one changes the same sessions."""

from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from tests.administration.admins import events_of
from tests.compatibility.releases import MISSED_BY_THE_PREVIOUS, Both, broken_promises
from tests.postgres import Owner
from tests.registrations.people import Room, room, seats_of
from tests.server import AUTHORITIES
from tests.tenant import Tenant


@pytest.fixture
async def old(both: Both) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=both.old.url, timeout=30) as client:
        yield client


@pytest.fixture
async def full(both: Both, tenant: Tenant) -> AsyncIterator[Room]:
    """At today's release: one seat, which is taken, and two in line."""
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=both.new.url, timeout=30) as client:
        there = await room(client, tenant, seats=1)
        await there.enter("anna", "ben", "cleo")
        yield there


@pytest.fixture
async def owner(both: Both) -> AsyncIterator[Owner]:
    connection = await asyncpg.connect(both.database.owner_url)
    yield connection
    await connection.close()


async def test_the_previous_release_shows_who_has_a_seat(old: httpx.AsyncClient, full: Room, tenant: Tenant) -> None:
    shown = [(await old.get(full.path, headers=tenant.bearer(user))).json() for user in ("anna", "ben")]
    assert [(it["registered_count"], it["is_registered"]) for it in shown] == [(1, True), (1, False)]


async def test_seats_that_the_previous_release_adds_go_to_the_line_before_anybody_who_comes(
    old: httpx.AsyncClient, full: Room, tenant: Tenant, owner: Owner
) -> None:
    enlarged = await tenant.patch(old, full.session, {"max_participants": 2})
    assert enlarged.status_code == 200, enlarged.text
    await full.enter("dora")
    assert await full.standing("ben", "cleo", "dora") == [("registered", None), ("waitlist", 1), ("waitlist", 2)]
    assert await seats_of(owner, full) == (2, 2)


async def test_a_seat_given_up_after_the_previous_release_added_one_moves_two(
    old: httpx.AsyncClient, full: Room, tenant: Tenant
) -> None:
    await tenant.patch(old, full.session, {"max_participants": 2})
    await full.leave("anna")
    assert await full.standing("ben", "cleo") == [("registered", None), ("registered", None)]


async def test_a_session_that_the_previous_release_starts_and_ends_lets_nobody_in(
    old: httpx.AsyncClient, full: Room, tenant: Tenant
) -> None:
    await tenant.step(old, full.session, "start")
    assert (await full.register("dora")).json()["error"] == "at_capacity"
    await tenant.step(old, full.session, "end")
    assert (await full.register("dora")).json()["error"] == "invalid_status"


async def test_a_session_that_the_previous_release_calls_off_keeps_its_registrations(
    old: httpx.AsyncClient, full: Room, tenant: Tenant, owner: Owner
) -> None:
    assert (await tenant.step(old, full.session, "cancel")).status_code == 200
    assert await full.standing("anna", "ben") == [("registered", None), ("waitlist", 1)]
    [cancelled] = [it.payload for it in await events_of(owner, full.session) if it.name == "live.session.cancelled.v1"]
    assert "registered_count" not in cancelled  # which its schema allows


async def test_both_releases_find_the_seats_consistent(old: httpx.AsyncClient, both: Both, full: Room, tenant: Tenant) -> None:
    await tenant.patch(old, full.session, {"title": "Knees", "max_participants": 3})
    await full.enter("dora", "emil")
    await full.leave("ben")
    await tenant.patch(old, full.session, {"max_participants": 1})
    assert broken_promises(both.tree, both.database) <= MISSED_BY_THE_PREVIOUS
    assert broken_promises(None, both.database) == set()
