"""POST /v1/sessions: who may schedule what, and what is answered."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from greenroom.kit.ids import BrandId
from tests.postgres import Owner
from tests.tenant import Json, Tenant
from tests.wire import assert_refused, id_of


async def create(
    http: httpx.AsyncClient, tenant: Tenant, *, user: str = "host_1", scope: str = "write:live", **fields: object
) -> httpx.Response:
    return await http.post("/v1/sessions", json=tenant.wanted(**fields), headers=tenant.bearer(user, scope=scope))


async def sessions_of(owner: Owner, brand: str) -> int:
    found: int = await owner.fetchval("select count(*) from sessions where brand_id = $1", brand)
    return found


async def test_a_session_is_created_as_it_was_wanted(http: httpx.AsyncClient, tenant: Tenant) -> None:
    response = await create(http, tenant, kind="office_hours", metadata={"room": "blue"})
    assert response.status_code == 201
    created: Json = response.json()
    assert created == {
        "id": created["id"],
        "host_id": "host_1",
        "brand_id": tenant.brand,
        "title": "Ask the physiotherapist",
        "kind": "office_hours",
        "category": None,
        "scheduled_at": "2027-03-01T17:00:00.000Z",
        "started_at": None,
        "ended_at": None,
        "status": "scheduled",
        "stream_call_id": None,
        "max_participants": 100,
        "duration_minutes": None,
        "recording_url": None,
        "metadata": {"room": "blue"},
        "created_at": created["created_at"],
        "updated_at": created["created_at"],
        "registered_count": 0,
        "is_registered": False,
    }


async def test_a_session_has_an_id_that_sorts_by_time_and_times_of_now(http: httpx.AsyncClient, tenant: Tenant) -> None:
    created = (await create(http, tenant)).json()
    assert UUID(created["id"]).version == 7
    assert abs(datetime.now(UTC) - datetime.fromisoformat(created["created_at"])) < timedelta(minutes=1)


async def test_kind_and_metadata_have_defaults(http: httpx.AsyncClient, tenant: Tenant) -> None:
    created = (await create(http, tenant)).json()
    assert (created["kind"], created["metadata"]) == ("live", {})


async def test_the_location_leads_to_the_session(http: httpx.AsyncClient, tenant: Tenant) -> None:
    response = await create(http, tenant)
    assert response.headers["location"] == f"/v1/sessions/{response.json()['id']}"
    read = await http.get(response.headers["location"], headers=tenant.bearer())
    assert (read.status_code, read.json()) == (200, response.json())


async def test_a_creation_leaves_one_audit_row_and_one_event(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = (await create(http, tenant, metadata={"room": "Secret"})).json()
    audit = await owner.fetch("select action, changed, actor_user_id from audit_log where entity_id = $1", id_of(session))
    assert [tuple(row) for row in audit] == [("session.created", [], "host_1")]
    told = await owner.fetch("select name, payload::text from all_events_any_brand_v1() where session_id = $1", id_of(session))
    assert [row["name"] for row in told] == ["live.session.created.v1"]
    assert "Secret" not in told[0]["payload"]
    assert "physiotherapist" not in told[0]["payload"]


async def test_nobody_schedules_for_another(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    response = await create(http, tenant, user="host_2", host_id="host_1")
    assert_refused(response, "forbidden", names="host_id", never=["host_1"])
    assert await sessions_of(owner, tenant.brand) == 0


@pytest.mark.parametrize("scope", ["manage:live", "admin:live", "admin:*"])
async def test_who_manages_the_brand_schedules_for_another(http: httpx.AsyncClient, tenant: Tenant, scope: str) -> None:
    response = await create(http, tenant, user="manager", scope=scope, host_id="host_1")
    assert (response.status_code, response.json()["host_id"]) == (201, "host_1")


@pytest.mark.parametrize("scope", ["write:live", "manage:live", "admin:live", "admin:*"])
async def test_nobody_schedules_in_another_brand(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, scope: str) -> None:
    other = f"{tenant.brand}-other"
    assert_refused(await create(http, tenant, scope=scope, brand_id=other), "forbidden", names="brand_id", never=[other])
    assert await sessions_of(owner, other) == 0


async def test_reading_does_not_allow_to_schedule(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert_refused(await create(http, tenant, scope="read:live"), "insufficient_scope", names="write:live")


async def test_a_session_in_another_brand_is_as_unknown_as_none(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = (await create(http, tenant)).json()
    other = Tenant(BrandId(f"{tenant.brand}-other"))
    unknown = {"id": "0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11"}
    for method, path in (("GET", ""), ("PATCH", ""), ("POST", "/start"), ("POST", "/end"), ("POST", "/cancel")):
        answers = [
            await http.request(
                method, f"/v1/sessions/{found['id']}{path}", headers=other.bearer(scope="admin:live"),
                json={"title": "x"} if method == "PATCH" else None,
            )
            for found in (session, unknown)
        ]  # fmt: skip
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content
        assert set(answers[0].headers) == set(answers[1].headers)
