"""The way in, over HTTP: tokens, scopes, brands, and the headers that say why not (RFC 6750, section 3)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import get_args

import httpx
import pytest

from greenroom.identity import service
from greenroom.identity.tokens import Signer, new_grant
from greenroom.kit.database import Database
from greenroom.kit.ids import BrandId, ClientId, UserId
from greenroom.sessions.service import Step
from tests.server import SECRET_KEY, Server
from tests.tenant import Json, Tenant
from tests.wire import SENTINEL, assert_refused, exchange, request_of

UNKNOWN = "/v1/sessions/0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11"
POLL_SECONDS = 5.0


def operator(*, scope: str = "admin:*") -> dict[str, str]:
    """The headers of a token that names no brand."""
    grant = new_grant(user=UserId("operator"), brand=None, scope=scope, client=ClientId("test"), lifetime=timedelta(hours=1))
    return {"Authorization": f"Bearer {Signer([SECRET_KEY]).sign(grant)}"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("headers", [
    {}, {"Authorization": ""}, {"Authorization": "Bearer"}, {"Authorization": "Bearer   "},
    {"Authorization": f"Basic {SENTINEL}"}, {"Authorization": SENTINEL}, {"Cookie": f"token={SENTINEL}"},
])  # fmt: skip
async def test_a_request_without_a_token_is_asked_for_one(server: Server, headers: dict[str, str]) -> None:
    octets = [(name, value.encode()) for name, value in headers.items()]
    response = await exchange(server, request_of("GET", UNKNOWN.encode(), octets))
    assert_refused(response, "unauthenticated")
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_token_in_the_query_is_no_token(http: httpx.AsyncClient, tenant: Tenant) -> None:
    response = await http.get(UNKNOWN, params={"access_token": tenant.token()})
    assert_refused(response, "unauthenticated")


@pytest.mark.parametrize("token", [
    SENTINEL,
    f"{SENTINEL}.b.c",
    Signer(["another key of nobody's, and long enough"]).sign(
        new_grant(
            user=UserId("host_1"), brand=BrandId("acme"), scope="admin:*", client=ClientId("x"), lifetime=timedelta(hours=1)
        )
    ),
], ids=["text", "dots", "another key"])  # fmt: skip
async def test_a_token_that_is_not_ours_is_refused(http: httpx.AsyncClient, token: str) -> None:
    response = await http.get(UNKNOWN, headers=bearer(token))
    assert_refused(response, "invalid_token", never=[token])
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_an_expired_token_is_refused(http: httpx.AsyncClient, tenant: Tenant) -> None:
    token = tenant.token(issued=datetime.now(UTC) - timedelta(hours=2))
    assert_refused(await http.get(UNKNOWN, headers=bearer(token)), "invalid_token")


async def test_a_token_expires_between_two_requests(http: httpx.AsyncClient, tenant: Tenant) -> None:
    token = tenant.token(lifetime=timedelta(seconds=3))
    assert_refused(await http.get(UNKNOWN, headers=bearer(token)), "not_found")
    await asyncio.sleep(3.1)
    assert_refused(await http.get(UNKNOWN, headers=bearer(token)), "invalid_token")


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
async def test_the_scheme_is_known_in_any_case(http: httpx.AsyncClient, tenant: Tenant, scheme: str) -> None:
    response = await http.get(UNKNOWN, headers={"Authorization": f"{scheme} {tenant.token()}"})
    assert_refused(response, "not_found")


async def test_a_revoked_token_is_refused_within_the_poll(http: httpx.AsyncClient, tenant: Tenant, db: Database) -> None:
    token = await service.mint(
        db, Signer([SECRET_KEY]), user=UserId("host_1"), brand=tenant.brand, scope="read:live", client=ClientId("test"),
        lifetime=timedelta(hours=1),
    )  # fmt: skip
    assert_refused(await http.get(UNKNOWN, headers=bearer(token)), "not_found")
    kept = next(kept for kept in await service.minted(db) if kept.brand == tenant.brand)
    assert await service.revoke(db, kept.id)
    async with asyncio.timeout(POLL_SECONDS + 3):
        while (await http.get(UNKNOWN, headers=bearer(token))).status_code != 401:  # noqa: ASYNC110  # the server tells nobody of its poll
            await asyncio.sleep(0.2)
    assert_refused(await http.get(UNKNOWN, headers=bearer(token)), "invalid_token")


@pytest.mark.parametrize(("method", "path", "needed"), [
    ("GET", UNKNOWN, "read:live"),
    ("PATCH", UNKNOWN, "write:live"),
    ("POST", "/v1/sessions", "write:live"),
    *(("POST", f"{UNKNOWN}/{verb}", "write:live") for verb in get_args(Step)),
])  # fmt: skip
async def test_a_scope_that_is_lacking_is_named(
    http: httpx.AsyncClient, tenant: Tenant, method: str, path: str, needed: str
) -> None:
    lacking = "write:live" if needed == "read:live" else "read:live"
    response = await http.request(method, path, headers=tenant.bearer(scope=lacking))
    assert_refused(response, "insufficient_scope", names=needed)
    assert response.headers["www-authenticate"] == f'Bearer error="insufficient_scope", scope="{needed}"'


@pytest.mark.parametrize("scope", ["manage:live", "admin:live", "admin:*"])
async def test_a_wider_scope_contains_reading_and_writing(http: httpx.AsyncClient, tenant: Tenant, scope: str) -> None:
    session = await tenant.session(http)
    headers = tenant.bearer("somebody", scope=scope)
    assert (await http.get(f"/v1/sessions/{session['id']}", headers=headers)).status_code == 200
    assert (await http.patch(f"/v1/sessions/{session['id']}", json={}, headers=headers)).status_code == 200


async def test_a_header_may_name_the_tokens_own_brand(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    headers = tenant.bearer(X_Brand_Id=tenant.brand)
    assert (await http.get(f"/v1/sessions/{session['id']}", headers=headers)).status_code == 200


@pytest.mark.parametrize("brand", [SENTINEL, "", "x" * 201, "*"])
@pytest.mark.parametrize("scope", ["read:live", "admin:*"])
async def test_a_header_may_not_name_another_brand(http: httpx.AsyncClient, tenant: Tenant, brand: str, scope: str) -> None:
    session = await tenant.session(http)
    headers = tenant.bearer(scope=scope, X_Brand_Id=brand)
    response = await http.get(f"/v1/sessions/{session['id']}", headers=headers)
    assert_refused(response, "forbidden", names="X-Brand-Id")


@pytest.mark.parametrize("scope", ["read:live", "read:live write:live", "manage:live", "admin:live"])
async def test_a_token_without_a_brand_needs_admin_all(http: httpx.AsyncClient, tenant: Tenant, scope: str) -> None:
    session: Json = await tenant.session(http)
    for brand in ({}, {"X-Brand-Id": tenant.brand}):
        response = await http.get(f"/v1/sessions/{session['id']}", headers={**operator(scope=scope), **brand})
        assert response.status_code == 403


async def test_admin_all_without_a_brand_reaches_every_brand(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    path = f"/v1/sessions/{session['id']}"
    assert (await http.get(path, headers=operator())).json() == session
    assert (await http.patch(path, json={"title": "Ours"}, headers=operator())).json()["title"] == "Ours"
    assert (await http.post(f"{path}/start", headers=operator())).json()["status"] == "live"
    created = await http.post("/v1/sessions", json=tenant.wanted(), headers=operator())
    assert (created.status_code, created.json()["brand_id"]) == (201, tenant.brand)


async def test_admin_all_is_confined_by_the_header(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    path = f"/v1/sessions/{session['id']}"
    inside, outside = ({**operator(), "X-Brand-Id": brand} for brand in (tenant.brand, f"{tenant.brand}-other"))
    assert (await http.get(path, headers=inside)).status_code == 200
    assert_refused(await http.get(path, headers=outside), "not_found")
    assert_refused(await http.patch(path, json={"title": "x"}, headers=outside), "not_found")
    assert_refused(await http.post(f"{path}/start", headers=outside), "not_found")
    assert_refused(await http.post("/v1/sessions", json=tenant.wanted(), headers=outside), "forbidden", names="brand_id")


async def test_admin_all_of_one_brand_stays_in_it(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    other = Tenant(BrandId(f"{tenant.brand}-other"))
    response = await http.get(f"/v1/sessions/{session['id']}", headers=other.bearer(scope="admin:*"))
    assert_refused(response, "not_found")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"])
async def test_what_the_operators_machines_read_needs_no_token(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code == 200


@pytest.mark.parametrize("user", ["", "x" * 201, "x" * 3000, "a\0b"], ids=["empty", "201", "3000", "NUL"])
async def test_a_token_of_somebody_whose_id_cannot_be_kept_is_refused(
    http: httpx.AsyncClient, tenant: Tenant, user: str
) -> None:
    assert_refused(await http.get(UNKNOWN, headers=tenant.bearer(user)), "invalid_token", names="")


async def test_a_token_of_the_longest_id_is_let_in(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert_refused(await http.get(UNKNOWN, headers=tenant.bearer("é" * 200)), "not_found")
