"""What an administrator's change leaves behind: its version, its audit row, its events; and what If-Match makes of it."""

from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest

from tests.administration.admins import (
    CHANGES,
    Audited,
    Told,
    admin,
    admin_of,
    administer,
    administered,
    audit_of,
    events_of,
    session_that_is,
    traces,
)
from tests.planted import hold_together
from tests.postgres import Owner
from tests.tenant import Json, Tenant
from tests.wire import SENTINEL, assert_refused, id_of


async def read(http: httpx.AsyncClient, tenant: Tenant, session: Json, user: str) -> httpx.Response:
    return await http.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer(user))


@pytest.mark.parametrize("field", sorted(CHANGES.keys() - {"scheduled_at"}))
async def test_an_edit_is_one_version_one_audit_row_and_one_event(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, field: str
) -> None:
    session = await tenant.session(http)
    response = await administer(http, tenant, session, {field: CHANGES[field]})
    assert response.headers["etag"] == '"2.0.0.0"'
    assert (await audit_of(owner, session))[1:] == [Audited(2, "session.updated", [field])]
    said = {"session_id": session["id"], "version": 2, "changed": [field]}
    assert (await events_of(owner, session))[1:] == [Told("live.session.updated.v1", said)]


@pytest.mark.parametrize("field", ["community_slug", "cover_image_url"])
async def test_a_cleared_field_is_told_as_any_other(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, field: str) -> None:
    session = await tenant.session(http)
    await administered(http, tenant, session, CHANGES)
    await administered(http, tenant, session, {field: None, "title": CHANGES["title"]})
    assert (await audit_of(owner, session))[-1] == Audited(3, "session.updated", [field])
    assert (await events_of(owner, session))[-1].payload["changed"] == [field]


async def test_many_fields_are_one_version_and_named_together(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    await administered(http, tenant, session, CHANGES)
    assert (await audit_of(owner, session))[1:] == [Audited(2, "session.updated", sorted(CHANGES))]
    assert [(event.name, event.payload["version"]) for event in (await events_of(owner, session))[1:]] == [
        ("live.session.updated.v1", 2), ("live.session.rescheduled.v1", 2),
    ]  # fmt: skip


async def test_a_new_time_is_told_with_the_old_one(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    await administered(http, tenant, session, {"scheduled_at": CHANGES["scheduled_at"]})
    of_it = {"session_id": session["id"], "version": 2}
    assert (await events_of(owner, session))[1:] == [
        Told("live.session.updated.v1", {**of_it, "changed": ["scheduled_at"]}),
        Told("live.session.rescheduled.v1", {
            **of_it, "old_scheduled_at": session["scheduled_at"], "new_scheduled_at": CHANGES["scheduled_at"],
        }),
    ]  # fmt: skip


async def test_a_cancellation_is_told_as_one_by_the_host(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    by_host = await session_that_is(http, tenant, "cancelled")
    by_admin = await tenant.session(http)
    await administered(http, tenant, by_admin, {"status": "cancelled"})
    assert await audit_of(owner, by_admin) == await audit_of(owner, by_host)
    theirs, ours = (await events_of(owner, by_host))[-1], (await events_of(owner, by_admin))[-1]
    assert ours.name == theirs.name == "live.session.cancelled.v1"
    assert ours.payload == {**theirs.payload, "session_id": by_admin["id"]}


async def test_a_reinstatement_is_told_with_the_time_that_holds(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await session_that_is(http, tenant, "cancelled")
    await administered(http, tenant, session, {"status": "scheduled"})
    said = {"session_id": session["id"], "version": 3, "scheduled_at": session["scheduled_at"]}
    assert (await audit_of(owner, session))[2:] == [Audited(3, "session.reinstated", ["status"])]
    assert (await events_of(owner, session))[2:] == [Told("live.session.reinstated.v1", said)]


async def test_a_reinstatement_at_another_time_tells_that_time_in_three_events(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    session = await session_that_is(http, tenant, "cancelled")
    moved = CHANGES["scheduled_at"]
    await administered(http, tenant, session, {"status": "scheduled", "scheduled_at": moved})
    of_it = {"session_id": session["id"], "version": 3}
    assert (await audit_of(owner, session))[2:] == [Audited(3, "session.reinstated", ["scheduled_at", "status"])]
    assert (await events_of(owner, session))[2:] == [
        Told("live.session.reinstated.v1", {**of_it, "scheduled_at": moved}),
        Told("live.session.updated.v1", {**of_it, "changed": ["scheduled_at"]}),
        Told("live.session.rescheduled.v1", {
            **of_it, "old_scheduled_at": session["scheduled_at"], "new_scheduled_at": moved,
        }),
    ]  # fmt: skip


async def test_no_two_events_share_an_id(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await session_that_is(http, tenant, "cancelled")
    await administered(http, tenant, session, {**CHANGES, "status": "scheduled"})
    ids = await owner.fetch("select id from all_events_any_brand_v1() where session_id = $1", id_of(session))
    assert len(ids) == len({row["id"] for row in ids}) == 5


async def test_the_audit_says_who_asked_and_never_what_for(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    secret = {"description": SENTINEL, "tags": [SENTINEL], "co_host_ids": [SENTINEL], "metadata": {"a": SENTINEL}}
    await administered(http, tenant, session, secret, X_Request_Id="request-7")
    [row] = await owner.fetch("select * from audit_log where entity_id = $1 and entity_version = 2", id_of(session))
    assert (row["brand_id"], row["entity"], row["actor_user_id"], row["actor_client_id"], row["request_id"]) == (
        tenant.brand, "session", admin_of(tenant), "test", "request-7",
    )  # fmt: skip
    assert SENTINEL not in str(dict(row))


async def test_no_event_holds_what_was_written(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    await administered(http, tenant, session, {"title": SENTINEL, "description": SENTINEL, "category": SENTINEL})
    assert SENTINEL not in str(await events_of(owner, session))


async def test_audit_event_and_answer_are_of_one_moment(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    answer = await administered(http, tenant, session, {"tags": ["x"]})
    times = await owner.fetch(
        "select a.occurred_at as audited, e.occurred_at as told from audit_log a join all_events_any_brand_v1() e"
        " on e.session_id = a.entity_id and e.session_version = a.entity_version"
        " where a.entity_id = $1 and a.entity_version = 2", id_of(session),
    )  # fmt: skip
    at = datetime.fromisoformat(answer["updated_at"]).astimezone(UTC)
    assert [(row["audited"], row["told"]) for row in times] == [(at, at)]


async def test_a_stale_tag_refuses_the_change(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    await tenant.patch(http, session, {"title": "Since then"})
    response = await administer(http, tenant, session, {"tags": ["x"]}, If_Match='"1.0.0.0"')
    assert_refused(response, "precondition_failed")
    assert await traces(owner, session) == (2, 2)


@pytest.mark.parametrize("tag", ['W/"1.0.0.0"', '"x"', '"2.0.0.0"', '"0.0.0.0"', '"999999999.0.0.0"', '"9999999999.0.0.0"'])
async def test_a_tag_that_is_not_the_present_one_refuses_even_a_change_of_nothing(
    http: httpx.AsyncClient, tenant: Tenant, tag: str
) -> None:
    response = await administer(http, tenant, await tenant.session(http), {}, If_Match=tag)
    assert_refused(response, "precondition_failed")


@pytest.mark.parametrize("tag", ["1.0.0.0", '"1.0.0.0', "x", ""])
async def test_an_if_match_that_is_no_tag_is_bad(http: httpx.AsyncClient, tenant: Tenant, tag: str) -> None:
    response = await administer(http, tenant, await tenant.session(http), {}, If_Match=tag)
    assert_refused(response, "validation_error", names="If-Match")


@pytest.mark.parametrize("tag", ['"1.0.0.0"', '"1.3.9.1"', "*", '"7.0.0.0", "1.0.0.0"'])
async def test_the_present_version_lets_the_change_pass(http: httpx.AsyncClient, tenant: Tenant, tag: str) -> None:
    response = await administer(http, tenant, await tenant.session(http), {"tags": ["x"]}, If_Match=tag)
    assert (response.status_code, response.headers["etag"]) == (200, '"2.0.0.0"')


async def test_the_stale_tag_is_told_before_the_status(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.ended(http)
    assert_refused(await administer(http, tenant, session, {}, If_Match='"1.0.0.0"'), "precondition_failed")
    assert_refused(await administer(http, tenant, session, {}, If_Match='"3.0.0.0"'), "invalid_status")


async def test_a_tag_that_was_read_is_good_for_the_administrators_change(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    tag = (await read(http, tenant, session, "host_1")).headers["etag"]
    assert (await administer(http, tenant, session, {"tags": ["x"]}, If_Match=tag)).status_code == 200


async def test_the_administrators_tag_is_good_for_the_hosts_change(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    tag = (await administer(http, tenant, session, {"tags": ["x"]})).headers["etag"]
    assert (await tenant.patch(http, session, {"title": "Next"}, If_Match=tag)).status_code == 200
    assert_refused(await tenant.patch(http, session, {"title": "Last"}, If_Match=tag), "precondition_failed")


async def test_the_administrators_tag_is_that_of_what_the_administrator_reads(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    session = await tenant.session(http)
    await owner.execute(
        "insert into registrations (brand_id, id, session_id, user_id, status, position, capacity_at_admission, registered_at)"
        " values ($1, $2, $3, $4, 'registered', 1, 100, now())", tenant.brand, uuid4(), id_of(session), admin_of(tenant),
    )  # fmt: skip
    await owner.execute("update sessions set registered_count = 1, revision = 4 where id = $1", id_of(session))
    await hold_together(owner, tenant.brand)
    changed, unchanged = [await administer(http, tenant, session, {"tags": ["x"]}) for _ in range(2)]
    seen = await read(http, tenant, session, admin_of(tenant))
    assert changed.headers["etag"] == unchanged.headers["etag"] == seen.headers["etag"] == '"2.4.1.1"'


async def test_an_answer_is_the_administrators_own_view(http: httpx.AsyncClient, tenant: Tenant) -> None:
    response = await administer(http, tenant, await tenant.session(http), {}, X_Request_Id="request-8")
    assert response.headers["cache-control"] == "private, no-cache"
    assert response.headers["x-request-id"] == "request-8"


async def test_each_change_raises_updated_at(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    bodies: list[Json] = [{"tags": ["a"]}, {"status": "cancelled"}, {"status": "scheduled"}, {"tags": []}, {"title": "x"}]
    times = [session["updated_at"], *[(await administered(http, tenant, session, body))["updated_at"] for body in bodies]]
    assert times == sorted(set(times))


async def test_a_session_of_another_brand_is_not_there(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    stranger = Tenant(type(tenant.brand)(f"{tenant.brand}-other"))
    for headers in ({}, {"If_Match": '"9.0.0.0"'}):
        assert_refused(await administer(http, stranger, session, {"tags": ["x"]}, **headers), "not_found")
    assert await traces(owner, session) == (1, 1)


async def test_head_and_other_methods_are_not_taken(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    response = await http.get(f"/v1/admin/sessions/{session['id']}", headers=admin(tenant))
    assert_refused(response, "method_not_allowed")
    assert response.headers["allow"] == "OPTIONS, PATCH"
