"""PATCH /v1/sessions/{id}: what may change, when, and what is left alone."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.planted import hold_together
from tests.postgres import Owner
from tests.tenant import Json, Tenant

CHANGES: dict[str, Any] = {
    "title": "Another title",
    "max_participants": 7,
    "metadata": {"room": "blue"},
    "scheduled_at": "2027-04-01T09:00:00.000Z",
    "kind": "office_hours",
}


async def traces(owner: Owner, session: Json) -> tuple[int, int]:
    """How many audit rows and events the session has."""
    found = UUID(session["id"])
    audit = await owner.fetchval("select count(*) from audit_log where entity_id = $1", found)
    told = await owner.fetchval("select count(*) from all_events_any_brand_v1() where session_id = $1", found)
    return audit, told


@pytest.mark.parametrize("field", CHANGES)
async def test_a_scheduled_session_takes_a_change_of_each_field(http: httpx.AsyncClient, tenant: Tenant, field: str) -> None:
    session = await tenant.session(http)
    response = await tenant.patch(http, session, {field: CHANGES[field]})
    assert response.status_code == 200
    changed = response.json()
    assert changed[field] == CHANGES[field]
    assert {**changed, field: None, "updated_at": None} == {**session, field: None, "updated_at": None}
    assert changed["updated_at"] > session["updated_at"]


async def test_a_read_after_a_change_shows_it(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    changed = await tenant.patch(http, session, CHANGES)
    read = await http.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())
    assert read.json() == changed.json()
    assert read.headers["etag"] == changed.headers["etag"]


@pytest.mark.parametrize(("field", "status"), [
    ("title", 200), ("max_participants", 200), ("metadata", 200), ("scheduled_at", 412), ("kind", 412),
])  # fmt: skip
async def test_a_live_session_takes_what_does_not_move_it(
    http: httpx.AsyncClient, tenant: Tenant, field: str, status: int
) -> None:
    session = await tenant.session(http)
    await tenant.step(http, session, "start")
    response = await tenant.patch(http, session, {field: CHANGES[field]})
    assert response.status_code == status
    if status == 412:
        assert response.json()["error"] == "invalid_status"


async def test_a_refused_field_takes_the_others_with_it(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await tenant.step(http, session, "start")
    await tenant.patch(http, session, {"title": "Half", "kind": "office_hours"})
    read = await http.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())
    assert read.json()["title"] == session["title"]


@pytest.mark.parametrize("body", [{}, {"title": "Too late"}, {"unknown": 1}])
async def test_an_ended_session_takes_nothing_even_nothing_at_all(http: httpx.AsyncClient, tenant: Tenant, body: Json) -> None:
    response = await tenant.patch(http, await tenant.ended(http), body)
    assert response.status_code == 412
    assert response.json()["error"] == "invalid_status"


async def test_a_cancelled_session_takes_nothing(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await tenant.step(http, session, "cancel")
    assert (await tenant.patch(http, session, {})).status_code == 412


@pytest.mark.parametrize("body", [{}, {"unknown": [1, {"deep": None}]}, "as it is"])
async def test_a_request_that_changes_nothing_leaves_no_trace(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, body: Json | str
) -> None:
    session = await tenant.session(http, metadata={"a": {"b": 1}})
    before = await traces(owner, session)
    sent = {field: session[field] for field in CHANGES} if isinstance(body, str) else body
    response = await tenant.patch(http, session, sent)
    assert response.status_code == 200
    assert response.json() == session
    assert await traces(owner, session) == before


async def test_instants_are_compared_in_milliseconds(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http, scheduled_at="2027-03-01T17:00:00.123Z")
    response = await tenant.patch(http, session, {"scheduled_at": "2027-03-01T18:00:00.123999+01:00"})
    assert response.json() == session


async def test_a_live_session_may_be_sent_its_present_time_and_kind(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await tenant.step(http, session, "start")
    body = {"scheduled_at": session["scheduled_at"], "kind": session["kind"], "title": "New"}
    assert (await tenant.patch(http, session, body)).status_code == 200


async def test_a_change_leaves_one_audit_row_with_names_and_no_values(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    session = await tenant.session(http)
    await tenant.patch(http, session, {"title": "Secret", "max_participants": 3}, X_Request_Id="req-1")
    row = await owner.fetchrow(
        "select * from audit_log where entity_id = $1 order by entity_version desc limit 1", UUID(session["id"])
    )
    assert row is not None
    assert (row["action"], row["changed"], row["request_id"]) == (
        "session.updated",
        ["title", "max_participants"],
        "req-1",
    )
    assert (row["actor_user_id"], row["actor_client_id"], row["brand_id"]) == ("host_1", "test", tenant.brand)
    assert "Secret" not in str(dict(row))


async def test_a_reschedule_tells_the_old_and_the_new_time(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    await tenant.patch(http, session, {"scheduled_at": "2027-04-01T09:00:00Z"})
    told = await owner.fetch(
        "select name, payload::text from all_events_any_brand_v1() where session_id = $1 order by sequence", UUID(session["id"])
    )
    assert [row["name"] for row in told] == [
        "live.session.created.v1", "live.session.updated.v1", "live.session.rescheduled.v1",
    ]  # fmt: skip
    assert '"old_scheduled_at": "2027-03-01T17:00:00.000Z"' in told[2]["payload"]
    assert '"new_scheduled_at": "2027-04-01T09:00:00.000Z"' in told[2]["payload"]


async def test_updated_at_never_goes_back_though_the_clock_does(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    future = datetime.fromisoformat("2091-01-01T00:00:00+00:00")
    await owner.execute("update sessions set updated_at = $1 where id = $2", future, UUID(session["id"]))
    response = await tenant.patch(http, session, {"title": "Later"})
    assert response.json()["updated_at"] == "2091-01-01T00:00:00.001Z"


async def test_a_seat_taken_shows_as_registered_and_counted(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    await owner.execute(
        "insert into registrations (brand_id, id, session_id, user_id, status, position, capacity_at_admission, registered_at)"
        " values ($1, $2, $3, 'host_1', 'registered', 1, 100, now())", tenant.brand, uuid4(), UUID(session["id"]),
    )  # fmt: skip
    await owner.execute("update sessions set registered_count = 1 where id = $1", UUID(session["id"]))
    await hold_together(owner, tenant.brand)
    mine = await tenant.patch(http, session, {"max_participants": 1})
    assert (mine.json()["is_registered"], mine.json()["registered_count"]) == (True, 1)
    assert mine.headers["etag"] == '"2.0.1.1"'
    theirs = await http.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer("somebody"))
    assert (theirs.json()["is_registered"], theirs.headers["etag"]) == (False, '"2.0.1.0"')


async def test_a_waiting_person_is_not_registered(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http, max_participants=1)
    await take_seats(owner, tenant, session, 1)
    await owner.execute(
        "insert into registrations (brand_id, id, session_id, user_id, status, position, registered_at)"
        " values ($1, $2, $3, 'host_1', 'waitlist', 2, now())", tenant.brand, uuid4(), UUID(session["id"]),
    )  # fmt: skip
    await hold_together(owner, tenant.brand)
    assert (await tenant.patch(http, session, {"title": "x"})).json()["is_registered"] is False


async def test_lowering_the_capacity_below_the_seats_taken_evicts_nobody(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    session = await tenant.session(http)
    await take_seats(owner, tenant, session, 5)
    response = await tenant.patch(http, session, {"max_participants": 2})
    assert (response.json()["max_participants"], response.json()["registered_count"]) == (2, 5)


async def take_seats(owner: Owner, tenant: Tenant, session: Json, seats: int) -> None:
    """Register so many people, whatever the session's status and capacity."""
    for number in range(1, seats + 1):
        await owner.execute(
            "insert into registrations (brand_id, id, session_id, user_id, status, position, capacity_at_admission,"
            " registered_at) values ($1, $2, $3, $4, 'registered', $5, $6, now())",
            tenant.brand, uuid4(), UUID(session["id"]), f"person_{number}", number, session["max_participants"],
        )  # fmt: skip
    await owner.execute("update sessions set registered_count = $1 where id = $2", seats, UUID(session["id"]))
    await hold_together(owner, tenant.brand)
