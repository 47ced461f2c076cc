"""Who may read settings and who may change them: of a session its host, a co-host, who manages; of a brand admin:live."""

from typing import Any

import httpx
import pytest

from tests.administration.admins import traces
from tests.postgres import Owner
from tests.session_settings.said import BRAND_SETTINGS, admin, answered, brand_says, holding, of_brand, of_session, path_of
from tests.sessions.lists import another_brand, operator
from tests.tenant import Json, Tenant
from tests.wire import assert_refused

SAID: Json = {"moderation": False}


async def co_hosted(http: httpx.AsyncClient, tenant: Tenant) -> Json:
    """A session with a co-host."""
    session = await tenant.session(http)
    await answered(await http.put(f"/v1/sessions/{session['id']}/co-hosts/co_1", headers=tenant.bearer()))
    return session


async def change(http: httpx.AsyncClient, session: Json, headers: dict[str, str]) -> httpx.Response:
    return await http.patch(path_of(session), json=SAID, headers=headers)


@pytest.mark.parametrize(("user", "scope"), [
    ("host_1", "write:live"), ("co_1", "write:live"), ("manager", "manage:live"), ("manager", "admin:live"),
    ("manager", "admin:*"),
])  # fmt: skip
async def test_who_may_edit_a_session_may_change_its_settings(
    *, http: httpx.AsyncClient, tenant: Tenant, user: str, scope: str
) -> None:
    session = await co_hosted(http, tenant)
    assert await answered(await change(http, session, tenant.bearer(user, scope=scope))) == holding(session=SAID)


@pytest.mark.parametrize("user", ["stranger", "co_2", "Host_1", "host_1 "])
async def test_a_stranger_may_not(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, user: str) -> None:
    session = await co_hosted(http, tenant)
    assert_refused(await change(http, session, tenant.bearer(user)), "forbidden")
    assert await traces(owner, session) == (2, 2)


async def test_reading_is_not_enough_to_change(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    refused = await change(http, session, tenant.bearer(scope="read:live"))
    assert_refused(refused, "insufficient_scope", names="write:live")


async def test_everybody_who_reads_may_read_them(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    for path in (path_of(session), BRAND_SETTINGS):
        reader = tenant.bearer("patient_1", scope="read:live")
        assert await answered(await http.get(path, headers=reader)) == holding()
        refused = await http.get(path, headers=tenant.bearer("patient_1", scope="write:live"))
        assert_refused(refused, "insufficient_scope", names="read:live")


@pytest.mark.parametrize("scope", ["read:live", "write:live", "read:live write:live", "manage:live"])
async def test_a_brands_settings_are_changed_by_administrators_alone(
    http: httpx.AsyncClient, tenant: Tenant, scope: str
) -> None:
    refused = await http.patch(BRAND_SETTINGS, json=SAID, headers=tenant.bearer("manager", scope=scope))
    assert_refused(refused, "insufficient_scope", names="admin:live")
    assert await of_brand(http, tenant) == holding()


async def test_nobody_may_not(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    for path in (path_of(session), BRAND_SETTINGS):
        assert_refused(await http.get(path), "unauthenticated")
        assert_refused(await http.patch(path, json=SAID), "unauthenticated")


async def test_the_operator_must_say_which_brand(http: httpx.AsyncClient) -> None:
    assert_refused(await http.get(BRAND_SETTINGS, headers=operator()), "validation_error", names="X-Brand-Id")
    assert_refused(await http.patch(BRAND_SETTINGS, json=SAID, headers=operator()), "validation_error", names="X-Brand-Id")


async def test_the_operator_speaks_for_the_brand_that_is_named(http: httpx.AsyncClient, tenant: Tenant) -> None:
    named = operator() | {"X-Brand-Id": tenant.brand}
    assert await answered(await http.patch(BRAND_SETTINGS, json=SAID, headers=named)) == holding(brand=SAID)
    assert await answered(await http.get(BRAND_SETTINGS, headers=named)) == await of_brand(http, tenant)


@pytest.mark.parametrize("named", [True, False])
async def test_the_operator_reaches_the_session_of_any_brand(*, http: httpx.AsyncClient, tenant: Tenant, named: bool) -> None:
    session = await tenant.session(http)
    await brand_says(http, tenant, anonymous=False)
    headers = operator() | ({"X-Brand-Id": tenant.brand} if named else {})
    expected = holding(brand={"anonymous": False}, session=SAID)
    assert await answered(await change(http, session, headers)) == expected
    assert await answered(await http.get(path_of(session), headers=headers)) == expected


async def test_another_brands_session_is_not_there(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session, other = await tenant.session(http), another_brand()
    for headers in (other.bearer(), admin(other), operator() | {"X-Brand-Id": other.brand}):
        assert_refused(await http.get(path_of(session), headers=headers), "not_found")
        assert_refused(await change(http, session, headers), "not_found")
    assert await traces(owner, session) == (1, 1)


async def test_another_brand_may_not_be_named(http: httpx.AsyncClient, tenant: Tenant) -> None:
    headers = admin(tenant, X_Brand_Id=another_brand().brand)
    assert_refused(await http.get(BRAND_SETTINGS, headers=headers), "forbidden", names="X-Brand-Id")
    assert_refused(await http.patch(BRAND_SETTINGS, json=SAID, headers=headers), "forbidden", names="X-Brand-Id")


@pytest.mark.parametrize("session_id", ["0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11", "no-uuid"])
async def test_an_unknown_session_is_not_found(http: httpx.AsyncClient, tenant: Tenant, session_id: str) -> None:
    for headers in (tenant.bearer(), operator()):
        assert_refused(await http.get(path_of({"id": session_id}), headers=headers), "not_found", never=[session_id])
        assert_refused(await change(http, {"id": session_id}, headers), "not_found", never=[session_id])


async def test_a_bad_setting_is_told_before_the_unknown_session_and_the_stranger(
    http: httpx.AsyncClient, tenant: Tenant
) -> None:
    session = await tenant.ended(http)
    for known, user in ({"id": "no-uuid"}, "host_1"), (session, "stranger"), (session, "host_1"):
        refused = await http.patch(path_of(known), json={"moderation": 1}, headers=tenant.bearer(user))
        assert_refused(refused, "validation_error", names="moderation")


async def test_the_stranger_is_told_before_the_status(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert_refused(await change(http, await tenant.ended(http), tenant.bearer("stranger")), "forbidden")


async def test_the_bad_setting_is_told_before_the_missing_brand(http: httpx.AsyncClient) -> None:
    refused = await http.patch(BRAND_SETTINGS, json={"moderation": 1}, headers=operator())
    assert_refused(refused, "validation_error", names="moderation")


async def test_what_the_co_host_says_stays_when_the_host_says_something_else(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await co_hosted(http, tenant)
    await answered(await change(http, session, tenant.bearer("co_1")))
    own: dict[str, Any] = {"anonymous": False}
    await answered(await http.patch(path_of(session), json=own, headers=tenant.bearer("host_1")))
    assert await of_session(http, tenant, session) == holding(session={**SAID, **own})
