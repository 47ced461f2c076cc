"""`greenroom serve` with all three sources of tokens, and a real OAuth server beside it."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.commands.command import greenroom
from tests.identity.oidc import AUDIENCE, CLIENT_ID, CLIENT_SECRET, OidcProvider
from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, Server, environment_of, running_server
from tests.tenant import Tenant
from tests.wire import assert_refused

UNKNOWN = "/v1/sessions/0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11"
CACHE_SECONDS = 1
NOBODY = "http://127.0.0.1:1"  # where nobody listens
OPAQUE, JWT = "urn:greenroom:opaque", "urn:greenroom:rs256"


def settings_of(issuer: str, **changed: str) -> dict[str, str]:
    return {
        "GREENROOM_IDENTITY": "introspection,jwt,local",
        "GREENROOM_INTROSPECTION_URL": f"{issuer}/token/introspection",
        "GREENROOM_INTROSPECTION_CLIENT_ID": CLIENT_ID,
        "GREENROOM_INTROSPECTION_CLIENT_SECRET": CLIENT_SECRET,
        "GREENROOM_INTROSPECTION_AUDIENCE": AUDIENCE,
        "GREENROOM_INTROSPECTION_CACHE_SECONDS": str(CACHE_SECONDS),
        "GREENROOM_IDENTITY_SECONDS": "10",
        "GREENROOM_JWT_ISSUER": issuer,
        "GREENROOM_JWT_AUDIENCE": AUDIENCE,
        **changed,
    }


@pytest.fixture(scope="module")
def trusting(database: TestDatabase, oidc: OidcProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(database, tmp_path_factory.mktemp("trusting"), settings=settings_of(oidc.issuer)) as running:
        yield running


@pytest.fixture
async def http(trusting: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=trusting.url, timeout=30) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("source", ["local", "jwt", "introspection"])
async def test_a_host_changes_a_session_with_a_token_of_each_source(
    http: httpx.AsyncClient, tenant: Tenant, oidc: OidcProvider, source: str
) -> None:
    session = await tenant.session(http)
    token = {
        "local": lambda: tenant.token("host_1"),
        "jwt": lambda: oidc.user_token("host_1", JWT, brand=tenant.brand),
        "introspection": lambda: oidc.user_token("host_1", OPAQUE, brand=tenant.brand),
    }[source]()
    changed = await http.patch(f"/v1/sessions/{session['id']}", json={"title": source}, headers=bearer(token))
    assert (changed.status_code, changed.json()["title"]) == (200, source)


@pytest.mark.parametrize("resource", [JWT, OPAQUE])
async def test_a_backend_may_do_what_its_scope_says_in_its_brand(
    http: httpx.AsyncClient, tenant: Tenant, oidc: OidcProvider, resource: str
) -> None:
    session = await tenant.session(http)
    path = f"/v1/sessions/{session['id']}"
    manages = bearer(oidc.client_token(resource, scope="manage:live", brand=tenant.brand))
    reads = bearer(oidc.client_token(resource, scope="read:live", brand=tenant.brand))
    abroad = bearer(oidc.client_token(resource, scope="admin:*", brand=f"{tenant.brand}-other"))
    assert (await http.patch(path, json={"title": "Managed"}, headers=manages)).status_code == 200
    assert_refused(await http.patch(path, json={"title": "x"}, headers=reads), "insufficient_scope", names="write:live")
    assert_refused(await http.patch(path, json={"title": "x"}, headers=abroad), "not_found")


@pytest.mark.parametrize("resource", [JWT, OPAQUE])
async def test_a_token_without_a_brand_needs_admin_all(http: httpx.AsyncClient, oidc: OidcProvider, resource: str) -> None:
    lacking = await http.get(UNKNOWN, headers=bearer(oidc.client_token(resource, scope="manage:live", brand="")))
    assert_refused(lacking, "forbidden")
    operator = await http.get(UNKNOWN, headers=bearer(oidc.client_token(resource, scope="admin:*", brand="")))
    assert_refused(operator, "not_found")


@pytest.mark.parametrize("resource", ["urn:elsewhere:jwt", "urn:elsewhere:opaque", "urn:greenroom:early"])
async def test_a_token_that_is_not_for_us_is_refused(http: httpx.AsyncClient, oidc: OidcProvider, resource: str) -> None:
    token = oidc.client_token(resource)
    response = await http.get(UNKNOWN, headers=bearer(token))
    assert_refused(response, "invalid_token", never=[token])
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "\u00e9", "a b", "x" * 5000, "e30.e30.e30"])
async def test_garbage_is_refused(http: httpx.AsyncClient, token: str) -> None:
    response = await http.get(UNKNOWN, headers=[(b"Authorization", b"Bearer " + token.encode("latin-1"))])
    assert_refused(response, "invalid_token")


async def test_a_revocation_is_seen_when_the_answer_is_no_longer_believed(http: httpx.AsyncClient, oidc: OidcProvider) -> None:
    token = oidc.client_token(OPAQUE)
    assert_refused(await http.get(UNKNOWN, headers=bearer(token)), "not_found")
    oidc.revoke(token)
    await asyncio.sleep(CACHE_SECONDS)
    assert_refused(await http.get(UNKNOWN, headers=bearer(token)), "invalid_token")


async def test_a_token_expires_between_two_requests(http: httpx.AsyncClient, oidc: OidcProvider) -> None:
    token = oidc.client_token("urn:greenroom:brief")
    assert_refused(await http.get(UNKNOWN, headers=bearer(token)), "not_found")
    await asyncio.sleep(3)
    assert_refused(await http.get(UNKNOWN, headers=bearer(token)), "invalid_token")


async def test_the_identity_server_is_measured_and_no_token_is_logged(
    http: httpx.AsyncClient, oidc: OidcProvider, trusting: Server
) -> None:
    tokens = [oidc.client_token(resource) for resource in (JWT, OPAQUE)]
    for token in tokens:
        await http.get(UNKNOWN, headers=bearer(token))
    page = (await http.get("/metrics")).text
    for source in ("jwt", "introspection"):
        assert f'greenroom_identity_call_duration_seconds_count{{outcome="answered",source="{source}"}}' in page
    log = trusting.log_text()
    assert not [word for word in (*tokens, CLIENT_SECRET, "/token/introspection") if word in log]


async def test_an_identity_server_that_is_down_stops_its_own_tokens_alone(
    database: TestDatabase, tenant: Tenant, oidc: OidcProvider, tmp_path: Path
) -> None:
    settings = settings_of(oidc.issuer, GREENROOM_INTROSPECTION_URL=NOBODY, GREENROOM_JWT_JWKS_URL=NOBODY)
    with running_server(database, tmp_path, settings=settings) as alone:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=alone.url, timeout=30) as http:
            for resource in (JWT, OPAQUE):
                token = oidc.client_token(resource, brand=tenant.brand)
                response = await http.get(UNKNOWN, headers=bearer(token))
                assert_refused(response, "unavailable", names="identity server", never=[token])
                assert int(response.headers["retry-after"]) >= 1
            assert (await http.get("/readyz")).status_code == 200
            assert_refused(await http.get(UNKNOWN, headers=tenant.bearer()), "not_found")
        assert '"identity_server_failed"' in alone.log_text()


async def test_tokens_of_a_source_that_is_not_named_are_not_taken(
    database: TestDatabase, tenant: Tenant, oidc: OidcProvider, tmp_path: Path
) -> None:
    settings = settings_of(oidc.issuer, GREENROOM_IDENTITY="jwt")
    with running_server(database, tmp_path, settings=settings) as strict:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=strict.url, timeout=30) as http:
            assert_refused(await http.get(UNKNOWN, headers=bearer(oidc.client_token(JWT))), "not_found")
            assert_refused(await http.get(UNKNOWN, headers=bearer(oidc.client_token(OPAQUE))), "invalid_token")
            assert_refused(await http.get(UNKNOWN, headers=tenant.bearer()), "invalid_token")


@pytest.mark.parametrize("command", ["token --user host_1 --brand acme", "demo --once"])
def test_no_token_is_minted_that_nobody_would_take(database: TestDatabase, command: str) -> None:
    env = environment_of(database, settings_of(NOBODY, GREENROOM_IDENTITY="jwt"))
    assert "GREENROOM_IDENTITY" in greenroom(*command.split(), env=env).only_line()


def test_who_has_local_tokens_alone_does_not_pay_for_the_others() -> None:
    script = "import sys, greenroom.app; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
