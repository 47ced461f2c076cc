"""Idempotency-Key on POST: the first answer again, to the same caller for the same request, for a day."""

from uuid import uuid4

import httpx
import pytest

from greenroom.kit.idempotency import idempotency_key
from greenroom.kit.ids import BrandId
from tests.postgres import Owner
from tests.tenant import Json, Tenant
from tests.wire import assert_refused, id_of

KEY = "key-1"


async def create(
    http: httpx.AsyncClient, tenant: Tenant, body: Json | None = None, *, key: str = KEY, token: str | None = None
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token or tenant.token()}", "Idempotency-Key": key}
    return await http.post("/v1/sessions", json=body or tenant.wanted(), headers=headers)


async def step(
    http: httpx.AsyncClient, tenant: Tenant, session: Json, verb: str, *, key: str = KEY, content: bytes = b""
) -> httpx.Response:
    headers = tenant.bearer(Idempotency_Key=key)
    return await http.post(f"/v1/sessions/{session['id']}/{verb}", headers=headers, content=content)


async def sessions_of(owner: Owner, tenant: Tenant) -> int:
    found: int = await owner.fetchval("select count(*) from sessions where brand_id = $1", tenant.brand)
    return found


def was_replayed(response: httpx.Response) -> bool:
    return bool(response.headers.get("idempotency-replayed") == "true")


async def test_a_repeat_gets_the_first_answer_and_makes_no_second_session(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    body = tenant.wanted(metadata={"n": 1, "deep": {"a": [1, None]}})
    first, second = await create(http, tenant, body), await create(http, tenant, body)
    assert (first.status_code, was_replayed(first)) == (201, False)
    assert (second.status_code, was_replayed(second)) == (201, True)
    assert second.content == first.content
    for name in ("etag", "location"):
        assert second.headers[name] == first.headers[name]
    assert await sessions_of(owner, tenant) == 1


async def test_a_repeat_gets_the_first_answer_though_the_session_has_changed(http: httpx.AsyncClient, tenant: Tenant) -> None:
    first = await create(http, tenant)
    await tenant.patch(http, first.json(), {"title": "Changed since"})
    assert (await create(http, tenant)).content == first.content


async def test_a_repeat_leaves_no_second_trace(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = (await create(http, tenant)).json()
    await create(http, tenant)
    assert await owner.fetchval("select count(*) from audit_log where brand_id = $1", tenant.brand) == 1
    assert await owner.fetchval("select count(*) from all_events_any_brand_v1() where session_id = $1", id_of(session)) == 1


async def test_a_key_keeps_the_digits_of_numbers(http: httpx.AsyncClient, tenant: Tenant) -> None:
    headers = tenant.bearer(Idempotency_Key=KEY, Content_Type="application/json")
    body = httpx.Request("POST", "http://x", json=tenant.wanted()).content
    content = body[:-1] + b',"metadata":{"n":12345678901234567890.120}}'
    answers = [await http.post("/v1/sessions", content=content, headers=headers) for _ in range(2)]
    assert was_replayed(answers[1])
    assert answers[1].content == answers[0].content


async def test_a_key_with_another_body_is_refused(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await create(http, tenant)
    response = await create(http, tenant, tenant.wanted(title="Another"))
    assert_refused(response, "idempotency_key_payload_mismatch", never=[KEY, "Another"])
    assert not was_replayed(response)
    assert await sessions_of(owner, tenant) == 1


async def test_a_request_that_still_runs_is_not_run_again(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    running = idempotency_key(
        KEY, brand=tenant.brand, client="test", subject="host_1", method="POST", path="/v1/sessions", body=b""
    )
    assert running is not None
    await owner.execute("select pg_advisory_lock($1)", running.lock)
    response = await create(http, tenant)
    assert_refused(response, "conflict", never=[KEY])
    assert int(response.headers["retry-after"]) >= 1
    assert await sessions_of(owner, tenant) == 0
    await owner.execute("select pg_advisory_unlock($1)", running.lock)
    assert (await create(http, tenant)).status_code == 201


async def test_another_key_is_another_request(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await create(http, tenant, key="key-1")
    assert not was_replayed(await create(http, tenant, key="key-2"))
    assert await sessions_of(owner, tenant) == 2


async def test_without_a_key_every_request_is_another(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await tenant.session(http)
    await tenant.session(http)
    assert await sessions_of(owner, tenant) == 2


async def test_a_key_is_the_clients_own(http: httpx.AsyncClient, tenant: Tenant) -> None:
    await create(http, tenant)
    response = await create(http, tenant, token=tenant.token(client="another"))
    assert (response.status_code, was_replayed(response)) == (201, False)


async def test_a_key_is_the_subjects_own(http: httpx.AsyncClient, tenant: Tenant) -> None:
    first = await create(http, tenant, token=tenant.token("manager_1", scope="manage:live"))
    second = await create(http, tenant, token=tenant.token("manager_2", scope="manage:live"))
    assert (second.status_code, was_replayed(second)) == (201, False)
    assert second.json()["id"] != first.json()["id"]


async def test_a_key_is_the_brands_own(http: httpx.AsyncClient, tenant: Tenant) -> None:
    other = Tenant(BrandId(f"{tenant.brand}-other"))
    session = (await create(http, tenant)).json()
    response = await create(http, other)
    assert (response.status_code, was_replayed(response)) == (201, False)
    assert response.json()["brand_id"] == other.brand
    assert response.json()["id"] != session["id"]


async def test_a_key_is_the_paths_own(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = (await create(http, tenant)).json()
    for verb, status in (("start", "live"), ("end", "ended")):
        response = await step(http, tenant, session, verb)
        assert (response.json()["status"], was_replayed(response)) == (status, False)


async def test_a_key_is_case_sensitive(http: httpx.AsyncClient, tenant: Tenant) -> None:
    await create(http, tenant, key="key-a")
    assert not was_replayed(await create(http, tenant, key="KEY-A"))


@pytest.mark.parametrize("key", ["k", "x" * 128, "with space", "\u00e9"])
async def test_a_key_may_be_any_text_of_up_to_128_characters(http: httpx.AsyncClient, tenant: Tenant, key: str) -> None:
    headers = [(b"Authorization", f"Bearer {tenant.token()}".encode()), (b"Idempotency-Key", key.encode("latin-1"))]
    answers = [await http.post("/v1/sessions", json=tenant.wanted(), headers=headers) for _ in range(2)]
    assert [was_replayed(answer) for answer in answers] == [False, True]


async def test_a_refused_creation_may_be_repeated_with_its_key(http: httpx.AsyncClient, tenant: Tenant) -> None:
    refused = await create(http, tenant, tenant.wanted(host_id="host_2"))
    assert_refused(refused, "forbidden")
    response = await create(http, tenant, token=tenant.token(scope="manage:live"), body=tenant.wanted(host_id="host_2"))
    assert (response.status_code, was_replayed(response)) == (201, False)


async def test_a_refused_body_does_not_bind_its_key(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert_refused(await create(http, tenant, tenant.wanted(max_participants=0)), "validation_error")
    assert (await create(http, tenant)).status_code == 201


async def test_a_refused_step_may_be_repeated_with_its_key(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    assert_refused(await step(http, tenant, session, "end"), "invalid_status")
    await tenant.step(http, session, "start")
    response = await step(http, tenant, session, "end")
    assert (response.json()["status"], was_replayed(response)) == ("ended", False)


async def test_a_step_of_an_unknown_session_does_not_keep_its_key(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    assert_refused(await step(http, tenant, {"id": str(uuid4())}, "start"), "not_found")
    assert await owner.fetchval("select count(*) from idempotency_keys where brand_id = $1", tenant.brand) == 0


async def test_a_start_repeated_with_its_key_gets_the_earlier_answer(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    session = await tenant.session(http)
    first = await step(http, tenant, session, "start")
    await tenant.step(http, session, "end")
    again = await step(http, tenant, session, "start")
    assert (again.status_code, was_replayed(again)) == (200, True)
    assert (again.content, again.json()["status"]) == (first.content, "live")
    assert again.headers["etag"] == first.headers["etag"]
    assert await owner.fetchval("select status from sessions where id = $1", id_of(session)) == "ended"


async def test_a_step_with_its_key_and_another_body_is_refused(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await step(http, tenant, session, "start")
    assert_refused(await step(http, tenant, session, "start", content=b"{}"), "idempotency_key_payload_mismatch")


async def age(owner: Owner, tenant: Tenant, interval: str) -> None:
    await owner.execute(
        "update idempotency_keys set created_at = created_at - $2::text::interval where brand_id = $1", tenant.brand, interval
    )


async def test_a_key_is_kept_for_24_hours(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await create(http, tenant)
    await age(owner, tenant, "23 hours 59 minutes")
    assert was_replayed(await create(http, tenant))


async def test_a_key_is_free_again_after_24_hours(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await create(http, tenant)
    await age(owner, tenant, "24 hours")
    response = await create(http, tenant, tenant.wanted(title="Another day"))
    assert (response.status_code, was_replayed(response)) == (201, False)
    assert was_replayed(await create(http, tenant, tenant.wanted(title="Another day")))
    assert await sessions_of(owner, tenant) == 2


async def test_a_kept_key_holds_neither_the_key_nor_the_token(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    token = tenant.token()
    await create(http, tenant, key="a-key-of-the-caller", token=token)
    row = await owner.fetchrow("select * from idempotency_keys where brand_id = $1", tenant.brand)
    assert row is not None
    assert "a-key-of-the-caller" not in str(dict(row))
    assert token not in str(dict(row))
