"""Two faults in one request: DESIGN section 4, "Order of answers", says which is told."""

from collections.abc import Mapping
from uuid import uuid4

import httpx
import pytest

from greenroom.kit.idempotency import idempotency_key
from greenroom.kit.ids import BrandId
from tests.postgres import Owner
from tests.tenant import Json, Tenant
from tests.wire import assert_refused

JSON_TYPE = {"Content-Type": "application/json"}
TEXT_TYPE = {"Content-Type": "text/plain"}
TOO_LARGE = b"{" + b" " * (64 * 1024) + b"}"
BAD = b'{"title":""}'
GOOD = b'{"title":"Changed"}'
STALE = {"If-Match": '"9.0.0.0"'}


def bearer(tenant: Tenant, user: str = "host_1", *, scope: str = "read:live write:live") -> dict[str, str]:
    return tenant.bearer(user, scope=scope)


async def patch(http: httpx.AsyncClient, session_id: str, body: bytes, *headers: Mapping[str, str]) -> httpx.Response:
    named: dict[str, str] = {}
    for some in headers:
        named.update(some)
    return await http.patch(f"/v1/sessions/{session_id}", content=body, headers=named)


@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v1/nothing", "/v1/sessions/x/nothing", "/v2/sessions"])
async def test_an_unknown_path_is_told_before_the_missing_token(http: httpx.AsyncClient, path: str) -> None:
    assert_refused(await http.get(path), "not_found")


@pytest.mark.parametrize(("method", "path", "allowed"), [
    ("DELETE", "/v1/sessions", "OPTIONS, POST"),
    ("GET", "/v1/sessions", "OPTIONS, POST"),
    ("PUT", "/v1/sessions/0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11", "GET, HEAD, OPTIONS, PATCH"),
    ("POST", "/v1/sessions/0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11", "GET, HEAD, OPTIONS, PATCH"),
    ("GET", "/v1/sessions/0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11/start", "OPTIONS, POST"),
    ("POST", "/healthz", "GET, HEAD, OPTIONS"),
])  # fmt: skip
async def test_a_wrong_method_is_told_before_the_missing_token(
    http: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    response = await http.request(method, path)
    assert_refused(response, "method_not_allowed")
    assert response.headers["allow"] == allowed


async def test_a_missing_token_is_told_before_all_the_rest(http: httpx.AsyncClient) -> None:
    assert_refused(await patch(http, "no-uuid", TOO_LARGE, TEXT_TYPE, {"X-Brand-Id": "other"}), "unauthenticated")


async def test_a_bad_token_is_told_before_the_brand(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    headers = {"Authorization": "Bearer garbage", "X-Brand-Id": "other"}
    assert_refused(await patch(http, session["id"], TOO_LARGE, TEXT_TYPE, headers), "invalid_token")


async def test_a_missing_scope_is_told_before_the_size(http: httpx.AsyncClient, tenant: Tenant) -> None:
    reader = bearer(tenant, scope="read:live")
    assert_refused(await patch(http, "no-uuid", TOO_LARGE, TEXT_TYPE, reader), "insufficient_scope")


async def test_a_missing_scope_is_told_before_the_brand(http: httpx.AsyncClient, tenant: Tenant) -> None:
    reader = bearer(tenant, scope="read:live")
    assert_refused(await patch(http, "no-uuid", GOOD, JSON_TYPE, reader, {"X-Brand-Id": "x"}), "insufficient_scope")


async def test_a_wrong_brand_is_told_before_the_size(http: httpx.AsyncClient, tenant: Tenant) -> None:
    response = await patch(http, "no-uuid", TOO_LARGE, TEXT_TYPE, bearer(tenant), {"X-Brand-Id": "other"})
    assert_refused(response, "forbidden", names="X-Brand-Id")


async def test_the_size_is_told_before_the_type(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert_refused(await patch(http, "no-uuid", TOO_LARGE, TEXT_TYPE, bearer(tenant)), "payload_too_large")


async def test_the_type_is_told_before_the_body(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert_refused(await patch(http, "no-uuid", b"{", TEXT_TYPE, bearer(tenant)), "unsupported_media_type")


@pytest.mark.parametrize("body", [BAD, b'{"metadata":[]}', b'{"metadata":{"a":"' + b"x" * 17_000 + b'"}}'])
async def test_a_bad_body_is_told_before_the_unknown_session(http: httpx.AsyncClient, tenant: Tenant, body: bytes) -> None:
    for session_id in ("no-uuid", str(uuid4())):
        assert_refused(await patch(http, session_id, body, JSON_TYPE, bearer(tenant)), "validation_error")


async def test_a_bad_if_match_is_told_before_the_unknown_session(http: httpx.AsyncClient, tenant: Tenant) -> None:
    response = await patch(http, str(uuid4()), GOOD, JSON_TYPE, bearer(tenant), {"If-Match": "x"})
    assert_refused(response, "validation_error", names="If-Match")


@pytest.mark.parametrize("session_id", ["no-uuid", "0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11"])
async def test_a_bad_if_none_match_is_told_before_the_unknown_session(
    http: httpx.AsyncClient, tenant: Tenant, session_id: str
) -> None:
    response = await http.get(f"/v1/sessions/{session_id}", headers=tenant.bearer(If_None_Match="x"))
    assert_refused(response, "validation_error", names="If-None-Match")


async def test_a_bad_body_is_told_before_it_is_somebody_elses(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    stranger = bearer(tenant, "stranger")
    assert_refused(await patch(http, session["id"], BAD, JSON_TYPE, stranger), "validation_error")


@pytest.mark.parametrize("body", [BAD, b'{"metadata":null}', b'{"metadata":{"a":"' + b"x" * 17_000 + b'"}}'])
async def test_a_bad_body_is_told_before_the_stale_tag_and_the_status(
    http: httpx.AsyncClient, tenant: Tenant, body: bytes
) -> None:
    session = await tenant.ended(http)
    assert_refused(await patch(http, session["id"], body, JSON_TYPE, STALE, bearer(tenant)), "validation_error")


async def test_an_unknown_session_is_told_before_the_stale_tag(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert_refused(await patch(http, str(uuid4()), GOOD, JSON_TYPE, STALE, bearer(tenant, "stranger")), "not_found")


async def test_a_session_of_another_brand_is_unknown_before_it_is_somebody_elses(
    http: httpx.AsyncClient, tenant: Tenant
) -> None:
    session = await tenant.session(http)
    stranger = bearer(Tenant(BrandId(f"{tenant.brand}-other")), "stranger")
    assert_refused(await patch(http, session["id"], GOOD, JSON_TYPE, STALE, stranger), "not_found")


async def test_who_may_not_is_told_before_the_stale_tag(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    assert_refused(await patch(http, session["id"], GOOD, JSON_TYPE, STALE, bearer(tenant, "stranger")), "forbidden")


async def test_who_may_not_is_told_before_the_status(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.ended(http)
    assert_refused(await patch(http, session["id"], GOOD, JSON_TYPE, bearer(tenant, "stranger")), "forbidden")
    assert_refused(await tenant.step(http, session, "start", user="stranger"), "forbidden")


async def test_the_stale_tag_is_told_before_the_status(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.ended(http)
    assert_refused(await patch(http, session["id"], GOOD, JSON_TYPE, STALE, bearer(tenant)), "precondition_failed")


async def hold(owner: Owner, tenant: Tenant, path: str, key: str, *, user: str = "host_1") -> None:
    """As a request with this key would, while it runs."""
    claimed = idempotency_key(key, brand=tenant.brand, client="test", subject=user, method="POST", path=path, body=b"")
    assert claimed is not None
    await owner.execute("select pg_advisory_lock($1)", claimed.lock)


async def test_a_bad_body_is_told_before_the_key(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await hold(owner, tenant, "/v1/sessions", "key-1")
    wanted: Json = tenant.wanted(metadata=[])
    response = await http.post("/v1/sessions", json=wanted, headers=tenant.bearer(Idempotency_Key="key-1"))
    assert_refused(response, "validation_error", names="metadata")


async def test_the_size_is_told_before_the_bad_key(http: httpx.AsyncClient, tenant: Tenant) -> None:
    headers = tenant.bearer(Idempotency_Key="x" * 129)
    response = await http.post(f"/v1/sessions/{uuid4()}/start", content=TOO_LARGE, headers=headers)
    assert_refused(response, "payload_too_large")


async def test_the_key_is_told_before_the_unknown_session(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    path = f"/v1/sessions/{uuid4()}/start"
    await hold(owner, tenant, path, "key-1")
    assert_refused(await http.post(path, headers=tenant.bearer(Idempotency_Key="key-1")), "conflict")


async def test_the_key_is_told_before_it_is_somebody_elses(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    path = f"/v1/sessions/{session['id']}/start"
    await hold(owner, tenant, path, "key-1", user="stranger")
    assert_refused(await http.post(path, headers=tenant.bearer("stranger", Idempotency_Key="key-1")), "conflict")


async def test_the_key_is_told_before_the_status(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.ended(http)
    path = f"/v1/sessions/{session['id']}/start"
    await hold(owner, tenant, path, "key-1")
    assert_refused(await http.post(path, headers=tenant.bearer(Idempotency_Key="key-1")), "conflict")
