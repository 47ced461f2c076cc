"""PUT and DELETE /v1/sessions/{id}/co-hosts/{user_id}: who may, what comes of it, and ids that are odd."""

from urllib.parse import quote

import httpx
import pytest

from tests.administration.admins import Audited, Told, administered, audit_of, events_of, session_that_is, traces
from tests.postgres import Owner
from tests.server import Server
from tests.sessions.lists import another_brand, operator
from tests.tenant import Json, Tenant
from tests.wire import assert_refused, authorized, exchange, request_of

ODD = [
    "a/b", "/a", "a/", "//", "a//b", "co-hosts/x", "../../x", ".", "..", "a b", " ", "a+b", "100%", "%2F", "%", "a?b=c#d", "ä",
    "\U0001f600", "e\u0301", "auth0|5f7c8ec7", "a,b", '{"a"}', "\\", "NULL", "'; drop table sessions", "\x01\x7f\r\t",
    "\u202ea", "user@example.com", "a" * 200, "\U0001f600" * 200, "�",
]  # fmt: skip
BAD = ["%00", "a%00b", "a" * 201, quote("\U0001f600" * 201), ""]
UNDECODABLE = ["%FF", "a%C3", "%ED%A0%80", "%C0%80", "%F4%90%80%80", "co_1%0A"]


def path_of(session: Json, user: str) -> str:
    return f"/v1/sessions/{session['id']}/co-hosts/{quote(user, safe='')}"


async def add(http: httpx.AsyncClient, tenant: Tenant, session: Json, user: str, *, by: str = "host_1") -> httpx.Response:
    return await http.put(path_of(session, user), headers=tenant.bearer(by))


async def remove(http: httpx.AsyncClient, tenant: Tenant, session: Json, user: str, *, by: str = "host_1") -> httpx.Response:
    return await http.delete(path_of(session, user), headers=tenant.bearer(by))


async def raw(server: Server, tenant: Tenant, method: str, session: Json, encoded: str) -> httpx.Response:
    """The user's id as it stands in the path, which no client tidies up."""
    target = f"/v1/sessions/{session['id']}/co-hosts/{encoded}".encode()
    return await exchange(server, request_of(method, target, authorized(tenant)))


async def with_co_host(http: httpx.AsyncClient, tenant: Tenant, user: str = "co_1") -> Json:
    session = await tenant.session(http)
    assert (await add(http, tenant, session, user)).status_code == 200
    return session


async def acts(http: httpx.AsyncClient, tenant: Tenant, session: Json, user: str) -> list[int]:
    """The statuses of what hosts do, one after the other."""
    settings = f"/v1/sessions/{session['id']}/settings"
    return [
        (await tenant.patch(http, session, {"title": f"By {user}"}, user=user)).status_code,
        (await http.patch(settings, json={"moderation": False}, headers=tenant.bearer(user))).status_code,
        (await tenant.step(http, session, "start", user=user)).status_code,
        (await tenant.step(http, session, "end", user=user)).status_code,
    ]


async def test_the_host_adds_and_removes_a_co_host(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    added, more, removed = (
        await add(http, tenant, session, "co_1"), await add(http, tenant, session, "co_2"),
        await remove(http, tenant, session, "co_1"),
    )  # fmt: skip
    assert [answer.status_code for answer in (added, more, removed)] == [200] * 3
    assert [answer.json() for answer in (added, more, removed)] == [
        {"session_id": session["id"], "co_host_ids": names} for names in (["co_1"], ["co_1", "co_2"], ["co_2"])
    ]
    assert added.headers["cache-control"] == "private, no-cache"


async def test_an_administrator_sees_the_co_hosts(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await with_co_host(http, tenant)
    assert (await administered(http, tenant, session, {}))["co_host_ids"] == ["co_1"]


async def test_who_the_administrator_made_co_host_is_one(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await administered(http, tenant, session, {"co_host_ids": ["co_1"]})
    assert await acts(http, tenant, session, "co_1") == [200] * 4
    other = await tenant.session(http)
    await administered(http, tenant, other, {"co_host_ids": ["co_1"]})
    assert (await remove(http, tenant, other, "co_1")).json()["co_host_ids"] == []


async def test_a_co_host_does_what_hosts_do(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert await acts(http, tenant, await with_co_host(http, tenant), "co_1") == [200] * 4


async def test_a_co_host_may_cancel(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await with_co_host(http, tenant)
    assert (await tenant.step(http, session, "cancel", user="co_1")).json()["status"] == "cancelled"


async def test_who_is_no_co_host_any_more_does_nothing(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await with_co_host(http, tenant)
    await remove(http, tenant, session, "co_1")
    assert await acts(http, tenant, session, "co_1") == [403] * 4


async def test_a_co_host_of_one_session_is_none_of_another(http: httpx.AsyncClient, tenant: Tenant) -> None:
    await with_co_host(http, tenant)
    assert await acts(http, tenant, await tenant.session(http), "co_1") == [403] * 4


@pytest.mark.parametrize("user", ["co_1", "stranger", "patient_1", "HOST_1"])
async def test_only_the_host_chooses_co_hosts(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, user: str) -> None:
    session = await with_co_host(http, tenant)
    for other in ("co_1", "co_2", user, "host_1"):
        for change in (add, remove):
            assert_refused(await change(http, tenant, session, other, by=user), "forbidden", names="host or manage:live")
    assert await traces(owner, session) == (2, 2)


@pytest.mark.parametrize("scope", ["manage:live", "admin:live", "admin:*"])
async def test_who_manages_the_brand_may(http: httpx.AsyncClient, tenant: Tenant, scope: str) -> None:
    session = await tenant.session(http)
    headers = tenant.bearer("manager", scope=scope)
    assert (await http.put(path_of(session, "co_1"), headers=headers)).json()["co_host_ids"] == ["co_1"]
    assert (await http.delete(path_of(session, "co_1"), headers=headers)).json()["co_host_ids"] == []


async def test_reading_is_not_enough(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    for method in ("PUT", "DELETE"):
        refused = await http.request(method, path_of(session, "co_1"), headers=tenant.bearer(scope="read:live"))
        assert_refused(refused, "insufficient_scope", names="write:live")


async def test_a_change_is_one_version_one_audit_row_and_one_event(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    session = await with_co_host(http, tenant)
    await remove(http, tenant, session, "co_1")
    assert (await audit_of(owner, session))[1:] == [Audited(version, "session.updated", ["co_host_ids"]) for version in (2, 3)]
    assert (await events_of(owner, session))[1:] == [
        Told("live.session.updated.v1", {"session_id": session["id"], "version": version, "changed": ["co_host_ids"]})
        for version in (2, 3)
    ]


async def test_a_change_makes_an_edit_stale_and_updated_at_rise(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await with_co_host(http, tenant)
    read = await http.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())
    assert (read.headers["etag"], read.json()["updated_at"] > session["updated_at"]) == ('"2.0.0.0"', True)
    assert_refused(await tenant.patch(http, session, {"title": "x"}, If_Match='"1.0.0.0"'), "precondition_failed")


async def test_adding_and_removing_twice_is_the_same_as_once(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    for change, expected, left in ((add, ["co_1"], 2), (remove, [], 3)):
        once, twice = [await change(http, tenant, session, "co_1") for _ in range(2)]
        assert once.json() == twice.json() == {"session_id": session["id"], "co_host_ids": expected}
        assert await traces(owner, session) == (left, left)


@pytest.mark.parametrize("user", ["nobody", "host_1"])
async def test_removing_who_was_no_co_host_leaves_no_trace(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, user: str
) -> None:
    session = await tenant.session(http)
    assert (await remove(http, tenant, session, user)).json()["co_host_ids"] == []
    assert await traces(owner, session) == (1, 1)


async def test_the_host_is_no_co_host(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    assert_refused(await add(http, tenant, session, "host_1"), "validation_error", names="user_id: expected", never=["host_1"])
    assert await traces(owner, session) == (1, 1)


async def test_a_live_session_takes_co_hosts(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await session_that_is(http, tenant, "live")
    assert (await add(http, tenant, session, "co_1")).json()["co_host_ids"] == ["co_1"]
    assert (await tenant.step(http, session, "end", user="co_1")).status_code == 200


@pytest.mark.parametrize("verbs", [["start", "end"], ["cancel"]])
async def test_a_session_that_is_over_keeps_the_co_hosts_it_has(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, verbs: list[str]
) -> None:
    session = await with_co_host(http, tenant)
    for verb in verbs:
        await tenant.step(http, session, verb)
    before = await traces(owner, session)
    for user in ("co_1", "co_2", "host_1"):
        for change in (add, remove):
            assert_refused(await change(http, tenant, session, user), "invalid_status")
    assert await traces(owner, session) == before


async def test_there_are_100_at_most(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    await administered(http, tenant, session, {"co_host_ids": [f"co_{number}" for number in range(99)]})
    assert len((await add(http, tenant, session, "co_99")).json()["co_host_ids"]) == 100
    assert_refused(await add(http, tenant, session, "one_more"), "validation_error", names="user_id", never=["one_more"])
    assert (await add(http, tenant, session, "co_99")).status_code == 200
    assert await traces(owner, session) == (3, 3)
    await remove(http, tenant, session, "co_0")
    assert (await add(http, tenant, session, "one_more")).json()["co_host_ids"][-1] == "one_more"


@pytest.mark.parametrize("user", ODD, ids=ascii)
async def test_an_odd_id_is_kept_as_it_is(server: Server, http: httpx.AsyncClient, tenant: Tenant, user: str) -> None:
    session = await tenant.session(http)
    encoded = quote(user, safe="")
    added = await raw(server, tenant, "PUT", session, encoded)
    assert (added.status_code, added.json()["co_host_ids"]) == (200, [user])
    assert (await tenant.patch(http, session, {"title": "By an odd one"}, user=user)).status_code == 200
    assert (await raw(server, tenant, "DELETE", session, encoded)).json()["co_host_ids"] == []


@pytest.mark.parametrize("encoded", [*BAD, *UNDECODABLE], ids=lambda text: text[:20])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_an_id_that_no_token_can_carry_is_refused(
    *, server: Server, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, method: str, encoded: str
) -> None:
    session = await tenant.session(http)
    refused = await raw(server, tenant, method, session, encoded)
    assert_refused(refused, "validation_error", names="user_id: expected", never=[encoded] if len(encoded) > 5 else [])
    assert await traces(owner, session) == (1, 1)


async def test_a_path_without_an_id_is_none(server: Server, tenant: Tenant) -> None:
    target = b"/v1/sessions/0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11/co-hosts"
    assert_refused(await exchange(server, request_of("PUT", target, authorized(tenant))), "not_found")


async def test_other_methods_are_not_taken(http: httpx.AsyncClient, tenant: Tenant) -> None:
    refused = await http.post(path_of(await tenant.session(http), "co_1"), headers=tenant.bearer())
    assert_refused(refused, "method_not_allowed")
    assert refused.headers["allow"] == "DELETE, OPTIONS, PUT"


async def test_another_brands_session_is_not_there(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session, other = await tenant.session(http), another_brand()
    for headers in (other.bearer(), other.bearer("m", scope="admin:live"), operator() | {"X-Brand-Id": other.brand}):
        for method in ("PUT", "DELETE"):
            assert_refused(await http.request(method, path_of(session, "co_1"), headers=headers), "not_found")
    assert await traces(owner, session) == (1, 1)


async def test_the_operator_reaches_the_session_of_any_brand(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    assert (await http.put(path_of(session, "co_1"), headers=operator())).json()["co_host_ids"] == ["co_1"]


@pytest.mark.parametrize("session_id", ["0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11", "no-uuid"])
async def test_an_unknown_session_is_not_found(http: httpx.AsyncClient, tenant: Tenant, session_id: str) -> None:
    assert_refused(await add(http, tenant, {"id": session_id}, "co_1"), "not_found")
    assert_refused(await remove(http, tenant, {"id": session_id}, "co_1"), "not_found")


async def test_the_bad_id_is_told_before_the_unknown_session_and_the_stranger(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.ended(http)
    for known, user in ({"id": "no-uuid"}, "host_1"), (session, "stranger"), (session, "host_1"):
        refused = await add(http, tenant, known, "x" * 201, by=user)
        assert_refused(refused, "validation_error", names="user_id")


async def test_the_stranger_is_told_before_the_status(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert_refused(await add(http, tenant, await tenant.ended(http), "co_1", by="stranger"), "forbidden")
