"""What a change leaves behind: one audit row, one event, a session that is not edited; and never a guest's address."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.administration.admins import admin_of, administered
from tests.administration.admins import events_of as session_events
from tests.postgres import Owner, TestDatabase
from tests.registrations.people import Room, Trace, answered, audit_of, events_of, room, seats_of
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Json, Tenant
from tests.wire import SENTINEL, assert_refused, id_of

REQUEST = "request-7"
ADDRESS = f"{SENTINEL}.Guest@Example.com"


async def traces(owner: Owner, there: Room) -> tuple[int, int]:
    """How many audit rows and events the session and its people have."""
    audited = await owner.fetchval("select count(*) from audit_log where brand_id = $1", there.tenant.brand)
    told = await owner.fetchval(
        "select count(*) from all_events_any_brand_v1() where brand_id = $1 and name like 'live.%'", there.tenant.brand
    )
    return audited, told


def told_of(registration: Json, **fields: Any) -> Json:
    """The payload of an event."""
    said = {"session_id": registration["session_id"], "registration_id": registration["id"]}
    return {**said, "user_id": registration["user_id"], **fields}


async def own(there: Room, user: str) -> Json:
    return answered(await there.own(user), 200)


async def test_a_seat_taken_is_told_once(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    registration = answered(await there.register("a", X_Request_Id=REQUEST), 201)
    assert await audit_of(owner, registration) == [Trace(1, "registration.created", "a", "test", REQUEST)]
    payload = told_of(registration, version=1, role="participant", position=1, registered_at=registration["registered_at"])
    assert await events_of(owner, registration) == [("live.registration.created.v1", payload)]


async def test_a_place_in_line_is_told_once(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a")
    registration = answered(await there.register("b", X_Request_Id=REQUEST), 201)
    assert await audit_of(owner, registration) == [Trace(1, "registration.waitlisted", "b", "test", REQUEST)]
    payload = told_of(registration, version=1, role="participant", position=2, registered_at=registration["registered_at"])
    assert await events_of(owner, registration) == [("live.registration.waitlisted.v1", payload)]


async def test_the_audit_names_the_manager_and_the_event_the_patient(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await room(http, tenant)
    body = {"patient_id": "a", "role": "host"}
    seat = answered(await there.take_seat(body, user="manager", scope="manage:live", X_Request_Id=REQUEST), 201)
    assert await audit_of(owner, seat) == [Trace(1, "registration.created", "manager", "test", REQUEST)]
    [(name, payload)] = await events_of(owner, seat)
    assert (name, payload["user_id"], payload["role"]) == ("live.registration.created.v1", "a", "host")


async def test_a_guest_is_told_of_by_the_registration(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    guest = answered(await there.take_seat({"guest_email": ADDRESS}, user="host_1", X_Request_Id=REQUEST), 201)
    assert await audit_of(owner, guest) == [Trace(1, "registration.created", "host_1", "test", REQUEST)]
    [(name, payload)] = await events_of(owner, guest)
    assert (name, payload["user_id"], payload["role"]) == ("live.registration.created.v1", f"guest:{guest['id']}", "guest")


@pytest.mark.parametrize(("user", "was"), [("a", "registered"), ("b", "waitlist")])
async def test_a_cancellation_is_told_once(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, user: str, was: str) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a", "b")
    cancelled = answered(await there.leave(user, X_Request_Id=REQUEST), 200)
    assert (await audit_of(owner, cancelled))[1:] == [Trace(2, "registration.cancelled", user, "test", REQUEST)]
    payload = told_of(cancelled, version=2, was=was, cancelled_at=cancelled["cancelled_at"])
    assert (await events_of(owner, cancelled))[1:] == [("live.registration.cancelled.v1", payload)]


async def test_a_promotion_is_told_once_and_names_who_made_room(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a", "b")
    await there.leave("a", X_Request_Id=REQUEST)
    promoted = await own(there, "b")
    assert (await audit_of(owner, promoted))[1:] == [Trace(2, "registration.promoted", "a", "test", REQUEST)]
    payload = told_of(promoted, version=2, promoted_at=promoted["promoted_at"])
    assert (await events_of(owner, promoted))[1:] == [("live.registration.promoted.v1", payload)]


async def test_a_promotion_by_a_raise_is_the_hosts(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a", "b")
    await tenant.patch(http, there.session, {"max_participants": 2}, X_Request_Id=REQUEST)
    audit = await audit_of(owner, await own(there, "b"))
    assert audit[1:] == [Trace(2, "registration.promoted", "host_1", "test", REQUEST)]


async def test_a_promotion_by_reinstating_is_the_administrators(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a", "b")
    await there.step("cancel")
    await there.leave("a")
    await administered(http, tenant, there.session, {"status": "scheduled"}, X_Request_Id=REQUEST)
    audit = await audit_of(owner, await own(there, "b"))
    assert audit[1:] == [Trace(2, "registration.promoted", admin_of(tenant), "test", REQUEST)]


@pytest.mark.parametrize("was", ["registered", "waitlist", "cancelled"])
async def test_a_removal_is_told_once(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, was: str) -> None:
    there = await room(http, tenant, seats=1)
    first, second = await there.enter("a", "b")
    registration = second if was == "waitlist" else first
    if was == "cancelled":
        await there.leave("a")
    before = len(await events_of(owner, registration))
    answered(await there.remove(registration, X_Request_Id=REQUEST), 200)
    version = before + 1
    assert (await audit_of(owner, registration))[before:] == [Trace(version, "registration.removed", "host_1", "test", REQUEST)]
    [(name, payload)] = (await events_of(owner, registration))[before:]
    removed_at = payload["removed_at"]
    assert name == "live.registration.removed.v1"
    assert payload == told_of(registration, version=version, was=was, removed_at=removed_at)


async def test_being_allowed_is_told_once(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    await there.remove(registration)
    answered(await there.allow(registration, X_Request_Id=REQUEST), 200)
    assert (await audit_of(owner, registration))[2:] == [Trace(3, "registration.allowed", "host_1", "test", REQUEST)]
    [(name, payload)] = (await events_of(owner, registration))[2:]
    assert name == "live.registration.allowed.v1"
    assert payload == told_of(registration, version=3, allowed_at=payload["allowed_at"])


async def test_audit_and_event_of_a_change_are_of_one_moment(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a", "b")
    await there.leave("a")
    rows = await owner.fetch(
        "select a.occurred_at as audited, e.occurred_at as told from audit_log a join all_events_any_brand_v1() e"
        " on e.payload->>'registration_id' = a.entity_id::text and (e.payload->>'version')::integer = a.entity_version"
        " where a.brand_id = $1 and a.entity = 'registration'", tenant.brand,
    )  # fmt: skip
    assert len(rows) == 4
    assert all(row["audited"] == row["told"] for row in rows)


async def test_no_two_events_share_an_id(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a", "b", "c", "d")
    await there.patch(max_participants=4)
    ids = await owner.fetch("select id from all_events_any_brand_v1() where session_id = $1", id_of(there.session))
    assert len(ids) == len({row["id"] for row in ids}) == 1 + 4 + 1 + 3
    assert {row["id"].version for row in ids} == {7}


async def test_what_changes_nothing_leaves_no_trace(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=2)
    a, _, c = await there.enter("a", "b", "c")
    gone = answered(await there.leave("c"), 200)
    await there.remove(a)
    guest = await there.invite()
    before = await traces(owner, there)
    for again in (there.register("b"), there.leave("c"), there.remove(a), there.allow(gone), there.link(guest), there.own("b")):
        assert (await again).is_success
    assert c["id"] == gone["id"]
    assert await traces(owner, there) == before


async def test_what_is_refused_leaves_no_trace(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=1)
    a, _ = await there.enter("a", "b")
    before = await traces(owner, there)
    refused = [
        await there.take_seat(user="a"),
        await there.take_seat(user="z"),
        await there.take_seat({"patient_id": "z"}, user="a"),
        await there.take_seat({"guest_email": "no address"}, user="host_1"),
        await there.take_seat({"guest_email": "guest@example.com"}, user="host_1"),
        await there.leave("z"),
        await there.remove(a, user="b"),
        await there.allow(a, user="b"),
        await there.link(a),
    ]
    assert {response.status_code for response in refused} == {400, 403, 404, 409, 412}
    assert await traces(owner, there) == before
    assert await seats_of(owner, there) == (1, 1)


async def everything_of(owner: Owner, tenant: Tenant) -> str:
    """All that the brand's audit and events say. What is told to be sent to people names where, and is left out."""
    audit = await owner.fetch("select * from audit_log where brand_id = $1", tenant.brand)
    events = await owner.fetch(
        "select *, payload::text from all_events_any_brand_v1() where brand_id = $1 and name like 'live.%'", tenant.brand
    )
    assert audit
    assert events
    return "\n".join(str(dict(row)) for row in [*audit, *events])


async def a_guests_life(there: Room, *, address: str = ADDRESS) -> None:
    """Everything that can happen to a guest, and what is refused of it."""
    guest = answered(await there.take_seat({"guest_email": address}, user="host_1", Idempotency_Key=SENTINEL), 201)
    await there.take_seat({"guest_email": address}, user="host_1")
    await there.take_seat({"guest_email": address, "patient_id": SENTINEL}, user="host_1")
    await there.take_seat({"guest_email": f"{address} "}, user="host_1")
    link = answered(await there.link(guest), 200)
    assert (await there.http.get(link["url"])).status_code == 200
    for act in (there.remove, there.allow):
        assert (await act(guest)).status_code == 200
    answered(await there.take_seat({"guest_email": address.upper()}, user="host_1"), 201)


async def test_no_event_or_audit_row_holds_a_guests_address(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    await a_guests_life(there)
    said = (await everything_of(owner, tenant)).lower()
    assert SENTINEL not in said
    assert "@" not in said


@pytest.fixture
def talkative(database: TestDatabase, tmp_path: Path) -> Iterator[Server]:
    """A server of its own that logs all it ever logs."""
    with running_server(database, tmp_path, settings={"GREENROOM_LOG_LEVEL": "debug"}) as running:
        yield running


async def test_no_log_line_holds_a_guests_address_or_link(talkative: Server, tenant: Tenant) -> None:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=talkative.url, timeout=30) as http:
        there = await room(http, tenant)
        await a_guests_life(there)
        user = f"user-{SENTINEL}"
        for answer in (await there.register(user), await there.leave(user)):
            assert answer.is_success
    assert talkative.stop() == 0
    log = talkative.log_text()
    assert log.count('"event":"request"') >= 9
    for hidden in (SENTINEL, "example.com", there.session["id"]):
        assert hidden not in log.lower()


async def test_registrations_do_not_edit_the_session(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=1)
    a, *_ = await there.enter("a", "b", "c")
    await there.leave("b")
    await there.remove(a)
    await there.allow(a)
    read = await there.read()
    assert read.json() == {**there.session, "registered_count": 1}
    assert read.headers["etag"] == '"1.0.1.0"'
    versions = await owner.fetchval(
        "select array_agg(session_version) from all_events_any_brand_v1() where session_id = $1", id_of(there.session)
    )
    assert set(versions) == {1}


async def test_the_tag_says_how_many_and_whether_the_caller_is_among_them(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant, seats=2)
    tags = []
    for user in ("a", "b", "c"):
        await there.enter(user)
        tags.append([(await there.read(reader)).headers["etag"] for reader in ("a", "b", "c")])
    assert tags == [
        ['"1.0.1.1"', '"1.0.1.0"', '"1.0.1.0"'],
        ['"1.0.2.1"', '"1.0.2.1"', '"1.0.2.0"'],
        ['"1.0.2.1"', '"1.0.2.1"', '"1.0.2.0"'],
    ]


async def test_a_copy_from_before_a_registration_is_old(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    assert (await there.read(If_None_Match='"1.0.0.0"')).status_code == 304
    await there.enter("a")
    assert (await there.read(If_None_Match='"1.0.0.0"')).status_code == 200
    await there.leave("a")
    assert (await there.read(If_None_Match='"1.0.0.0"')).status_code == 304


async def test_an_edit_with_a_tag_from_before_a_registration_is_made(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    await there.enter("a")
    response = await tenant.patch(http, there.session, {"title": "Edited"}, If_Match='"1.0.0.0"')
    assert (response.status_code, response.headers["etag"]) == (200, '"2.0.1.0"')


async def test_a_promotion_makes_no_edit_stale(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a", "b")
    tag = (await there.read()).headers["etag"]
    await there.leave("a")
    response = await tenant.patch(http, there.session, {"title": "Edited"}, If_Match=tag)
    assert answered(response, 200)["title"] == "Edited"


@pytest.mark.parametrize("by", ["the host", "an administrator"])
async def test_a_cancellation_of_the_session_is_one_event_that_counts_people(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, by: str
) -> None:
    there = await room(http, tenant, seats=2)
    await there.enter("a", "b", "c")
    before = await traces(owner, there)
    if by == "the host":
        await there.step("cancel")
    else:
        await administered(http, tenant, there.session, {"status": "cancelled"})
    assert await traces(owner, there) == (before[0] + 1, before[1] + 1)
    cancelled = (await session_events(owner, there.session))[-1]
    assert (cancelled.name, cancelled.payload) == ("live.session.cancelled.v1", {
        "session_id": there.session["id"], "version": 2, "reason": "requested", "registered_count": 2, "waitlist_count": 1,
    })  # fmt: skip


async def test_a_session_is_called_off_once_however_often_it_is_asked(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await room(http, tenant)
    await there.enter("a", "b")
    await there.step("cancel")
    await there.leave("a")
    await there.step("cancel")
    counts = [
        told.payload["registered_count"] for told in await session_events(owner, there.session) if "cancelled" in told.name
        and "reason" in told.payload
    ]  # fmt: skip
    assert counts == [2]


async def test_nobody_moves_when_a_session_is_called_off(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a", "b")
    await there.step("cancel")
    assert await there.standing("a", "b") == [("registered", None), ("waitlist", 1)]
    assert await seats_of(owner, there) == (1, 1)


async def test_the_other_steps_count_nobody(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    await there.enter("a")
    for verb in ("start", "end"):
        await there.step(verb)
    told = {event.name: event.payload for event in await session_events(owner, there.session)}
    for name in ("live.session.started.v1", "live.session.ended.v1"):
        assert not {"registered_count", "waitlist_count"} & set(told[name])
    assert_refused(await there.leave("a"), "invalid_status")
