"""Opening the stream: who may, with what, and what is answered to whom may not."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from greenroom.identity.tokens import Signer, new_grant
from greenroom.kit.ids import BrandId, ClientId, UserId
from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, SECRET_KEY, running_server
from tests.stream.listening import listening, stream_of
from tests.stream.stage import Stage, staged
from tests.tenant import Tenant
from tests.wire import assert_refused


async def test_a_token_opens_it(stage: Stage) -> None:
    async with stage.watching("ann") as ann:
        await ann.begun()
    assert (ann.status, ann.names) == (200, ["snapshot", "me"])


async def test_without_anything_it_stays_shut(stage: Stage) -> None:
    assert_refused(await stage.http.get(stream_of(stage.session)), "unauthenticated")


@pytest.mark.parametrize("scheme", ["Bearer garbage", "Bearer " + "x" * 500, "Bearer grt_"])
async def test_a_token_that_nobody_signed_is_refused(stage: Stage, scheme: str) -> None:
    response = await stage.http.get(stream_of(stage.session), headers={"Authorization": scheme})
    assert_refused(response, "invalid_token")


async def test_a_token_that_has_expired_is_refused(stage: Stage) -> None:
    token = stage.tenant.token("ann", lifetime=timedelta(minutes=1), issued=datetime.now(UTC) - timedelta(hours=1))
    response = await stage.http.get(stream_of(stage.session), headers={"Authorization": f"Bearer {token}"})
    assert_refused(response, "invalid_token")


async def test_a_token_that_may_not_read_is_refused(stage: Stage) -> None:
    response = await stage.http.get(stream_of(stage.session), headers=stage.tenant.bearer("ann", scope="write:live"))
    assert_refused(response, "insufficient_scope")
    assert "read:live" in response.headers["www-authenticate"]


@pytest.mark.parametrize("scope", ["read:live", "manage:live", "admin:live"])
async def test_every_scope_that_reads_opens_it(stage: Stage, scope: str) -> None:
    assert (await stage.seen_by("ann", scope=scope)).status == 200


@pytest.mark.parametrize("unknown", ["0199c8a0-6e21-7b55-9d8f-1e7a3c0b2d44", "0", "not-a-uuid", "%00", "..%2f", "é"])
async def test_a_session_that_is_not_there_is_not_found(stage: Stage, unknown: str) -> None:
    response = await stage.http.get(f"/v1/sessions/{unknown}/stream", headers=stage.tenant.bearer())
    assert_refused(response, "not_found")


async def test_another_brands_session_is_not_found(stage: Stage) -> None:
    other = Tenant(BrandId(f"brand-{uuid4().hex[:12]}"))
    answered = await stage.http.get(stream_of(stage.session), headers=other.bearer())
    unknown = await stage.http.get(f"/v1/sessions/{uuid4()}/stream", headers=other.bearer())
    assert_refused(answered, "not_found")
    assert answered.json() == unknown.json()


async def test_the_id_may_be_written_in_capitals(stage: Stage) -> None:
    target = f"/v1/sessions/{stage.session['id'].upper()}/stream"
    async with listening(stage.server.port, target, stage.tenant.bearer("ann")) as ann:
        await ann.begun()
    assert ann.known.session["id"] == stage.session["id"]


async def test_who_acts_in_every_brand_may_watch_in_any(stage: Stage) -> None:
    token = Signer([SECRET_KEY]).sign(
        new_grant(
            user=UserId("root"), brand=None, scope="admin:*", client=ClientId("ops"), lifetime=timedelta(hours=1),
            now=datetime.now(UTC),
        )
    )  # fmt: skip
    async with listening(stage.server.port, stream_of(stage.session), {"Authorization": f"Bearer {token}"}) as root:
        await root.begun()
    assert root.known.me["is_moderator"]


@pytest.mark.parametrize("brand", ["", "other"])
async def test_a_brand_that_is_not_the_tokens_is_forbidden(stage: Stage, brand: str) -> None:
    response = await stage.http.get(stream_of(stage.session), headers=stage.tenant.bearer("ann", X_Brand_Id=brand))
    assert_refused(response, "forbidden")


async def test_a_head_request_ends_at_once(stage: Stage) -> None:
    response = await stage.http.head(stream_of(stage.session), headers=stage.tenant.bearer("ann"), timeout=3)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == "text/event-stream"


async def test_the_connection_of_a_head_request_takes_another(stage: Stage) -> None:
    async with httpx.AsyncClient(
        verify=AUTHORITIES, base_url=stage.server.url, limits=httpx.Limits(max_connections=1), timeout=3
    ) as one:
        await one.head(stream_of(stage.session), headers=stage.tenant.bearer("ann"))
        assert (await one.get(stage.path, headers=stage.tenant.bearer("ann"))).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_other_methods_are_not_allowed(stage: Stage, method: str) -> None:
    response = await stage.http.request(method, stream_of(stage.session), headers=stage.tenant.bearer())
    assert_refused(response, "method_not_allowed")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_the_headers_keep_everybody_on_the_way_from_holding_it_back(stage: Stage) -> None:
    ann = await stage.seen_by("ann")
    assert ann.header("content-type") == "text/event-stream"
    assert ann.header("cache-control") == "no-store"
    assert ann.header("x-accel-buffering") == "no"
    assert ann.header("transfer-encoding") == "chunked"
    assert ann.header("content-length") is None
    assert ann.header("x-request-id")


async def test_clients_are_told_to_come_again_at_different_times(stage: Stage) -> None:
    heard = [(await stage.seen_by(f"p{number}")).retry for number in range(8)]
    assert all(one is not None and 1000 <= one <= 5000 for one in heard)
    assert len(set(heard)) > 1


async def test_the_retry_hint_comes_before_everything_else(stage: Stage) -> None:
    ann = await stage.seen_by("ann")
    assert ann.octets.startswith(b"retry: ")


async def test_opening_it_counts_as_a_read(
    database: TestDatabase, tenant: Tenant, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("strict")
    with running_server(database, directory, settings={"GREENROOM_RATE_LIMIT_READS": "2"}) as strict:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=strict.url, timeout=30) as http:
            stage = await staged(strict, http, tenant)
            await stage.seen_by("ann")
            await stage.seen_by("ann")
            refused = await http.get(stream_of(stage.session), headers=tenant.bearer("ann"))
            assert_refused(refused, "rate_limited")
            await stage.seen_by("bob")


async def test_a_body_that_comes_with_it_is_of_no_consequence(stage: Stage) -> None:
    headers = {**stage.tenant.bearer("ann"), "Content-Length": "100000"}
    async with listening(stage.server.port, stream_of(stage.session), headers) as ann:
        await ann.begun()
        await stage.edit(title="Another")
        await ann.until(lambda: ann.known.session["title"] == "Another", "the title changes")
