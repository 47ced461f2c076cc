"""Who may use the administration: admin:live in its own brand, admin:* in every one; counted by a limit of its own."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import httpx
import pytest

from tests.administration.admins import ADMIN_SESSIONS, admin, admin_of, audit_of, events_of
from tests.postgres import Owner, TestDatabase
from tests.server import AUTHORITIES, Server, running_server
from tests.sessions.lists import another_brand, operator
from tests.tenant import Json, Tenant
from tests.wire import assert_refused, id_of

ADMINS = 3
TOO_LITTLE = ["read:live", "write:live", "read:live write:live", "manage:live", "manage:live read:live write:live", "admin", ""]
ENOUGH = ["admin:live", "admin:*", "read:live admin:live"]


async def change(http: httpx.AsyncClient, session: Json, headers: dict[str, str]) -> httpx.Response:
    return await http.patch(f"{ADMIN_SESSIONS}/{session['id']}", json={"tags": ["x"]}, headers=headers)


@pytest.mark.parametrize("scope", TOO_LITTLE)
async def test_less_than_admin_live_is_not_enough(http: httpx.AsyncClient, tenant: Tenant, scope: str) -> None:
    session = await tenant.session(http)
    headers = admin(tenant, scope=scope)
    for response in (await http.get(ADMIN_SESSIONS, headers=headers), await change(http, session, headers)):
        assert_refused(response, "insufficient_scope", names="admin:live")
        assert response.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="admin:live"'


@pytest.mark.parametrize("scope", ENOUGH)
async def test_admin_live_and_what_contains_it_is_enough(http: httpx.AsyncClient, tenant: Tenant, scope: str) -> None:
    session = await tenant.session(http)
    headers = admin(tenant, scope=scope)
    answers = [await http.get(ADMIN_SESSIONS, headers=headers), await change(http, session, headers)]
    assert [answer.status_code for answer in answers] == [200, 200]


async def test_the_host_as_such_may_not(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert_refused(await change(http, await tenant.session(http), tenant.bearer("host_1")), "insufficient_scope")


async def test_nobody_may_not(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert_refused(await change(http, await tenant.session(http), {}), "unauthenticated")
    assert_refused(await http.get(ADMIN_SESSIONS), "unauthenticated")


async def test_a_missing_scope_is_told_before_the_bad_body(http: httpx.AsyncClient, tenant: Tenant) -> None:
    response = await http.patch(f"{ADMIN_SESSIONS}/no-uuid", content=b"{", headers=admin(tenant, scope="manage:live"))
    assert_refused(response, "insufficient_scope")


async def test_an_administrator_names_no_other_brand(http: httpx.AsyncClient, tenant: Tenant) -> None:
    headers = admin(tenant, X_Brand_Id=f"{tenant.brand}-other")
    for response in (await http.get(ADMIN_SESSIONS, headers=headers), await change(http, await tenant.session(http), headers)):
        assert_refused(response, "forbidden", names="X-Brand-Id")


async def test_an_administrator_may_name_the_own_brand(http: httpx.AsyncClient, tenant: Tenant) -> None:
    headers = admin(tenant, X_Brand_Id=tenant.brand)
    assert (await change(http, await tenant.session(http), headers)).status_code == 200


@pytest.mark.parametrize("named", [True, False])
async def test_the_operator_changes_a_session_of_any_brand(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, named: bool
) -> None:
    session = await tenant.session(http)
    headers = operator() | ({"X-Brand-Id": tenant.brand} if named else {})
    response = await change(http, session, headers)
    assert (response.status_code, response.json()["brand_id"]) == (200, tenant.brand)
    assert [len(await audit_of(owner, session)), len(await events_of(owner, session))] == [2, 2]  # under the session's brand


async def test_the_operator_confined_to_a_brand_sees_no_other(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    assert_refused(await change(http, session, operator() | {"X-Brand-Id": another_brand().brand}), "not_found")


@pytest.mark.parametrize("scope", ["admin:live", "manage:live"])
async def test_who_names_no_brand_and_is_no_operator_may_not(http: httpx.AsyncClient, tenant: Tenant, scope: str) -> None:
    session = await tenant.session(http)
    refused = await change(http, session, operator(scope=scope))
    assert_refused(refused, "forbidden" if scope == "admin:live" else "insufficient_scope")


async def test_an_administrator_may_do_what_hosts_do(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    response = await http.post(f"/v1/sessions/{session['id']}/start", headers=admin(tenant))
    assert response.json()["status"] == "live"


@pytest.fixture(scope="module")
def limited(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose administrators are soon too many."""
    settings = {"GREENROOM_RATE_LIMIT_ADMIN": str(ADMINS), "GREENROOM_RATE_LIMIT_CLIENTS": '{"m2m": 1000}'}
    with running_server(database, tmp_path_factory.mktemp("limited"), settings=settings) as running:
        yield running


@pytest.fixture
async def few(limited: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=limited.url, timeout=30) as client:
        yield client


@pytest.fixture
def unknown() -> Json:
    return {"id": str(uuid4())}


async def test_one_too_many_is_told_how_long_to_wait(few: httpx.AsyncClient, tenant: Tenant) -> None:
    answers = [await few.get(ADMIN_SESSIONS, headers=admin(tenant)) for _ in range(ADMINS + 1)]
    assert [answer.status_code for answer in answers[:-1]] == [200] * ADMINS
    assert_refused(answers[-1], "rate_limited", never=[admin_of(tenant)])
    assert 0 < answers[-1].json()["retry_after_ms"] <= 60_000


async def test_lists_changes_and_settings_of_the_administration_count_together(
    few: httpx.AsyncClient, tenant: Tenant, unknown: Json
) -> None:
    answers = [
        await few.get(ADMIN_SESSIONS, headers=admin(tenant)),
        await change(few, unknown, admin(tenant)),
        await few.patch("/v1/brand/settings", json={}, headers=admin(tenant)),
        await change(few, unknown, admin(tenant)),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 200, 429]


async def test_what_everybody_may_do_is_counted_apart(few: httpx.AsyncClient, tenant: Tenant) -> None:
    for _ in range(ADMINS + 1):
        await few.get(ADMIN_SESSIONS, headers=admin(tenant))
    assert (await few.get("/v1/live/sessions", headers=admin(tenant))).status_code == 200
    assert (await few.post("/v1/sessions", json=tenant.wanted(), headers=admin(tenant))).status_code == 201


async def test_a_client_of_its_own_number_has_the_administrations_all_the_same(
    few: httpx.AsyncClient, tenant: Tenant, unknown: Json
) -> None:
    token = tenant.token(admin_of(tenant), scope="admin:live", client="m2m")
    statuses = [(await change(few, unknown, {"Authorization": f"Bearer {token}"})).status_code for _ in range(ADMINS + 1)]
    assert statuses == [404] * ADMINS + [429]


async def test_one_too_many_changes_nothing(few: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(few)
    statuses = [(await few.get(ADMIN_SESSIONS, headers=admin(tenant))).status_code for _ in range(ADMINS)]
    assert (statuses, (await change(few, session, admin(tenant))).status_code) == ([200] * ADMINS, 429)
    assert await owner.fetchval("select version from sessions where id = $1", id_of(session)) == 1
