"""What a body may not say: told as 400, 413 or 415 in the contract's form, and without effect."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.postgres import Owner
from tests.server import Server
from tests.sessions.faults import CREATE_FAULTS, FAULTS, named, pairs
from tests.tenant import Json, Tenant
from tests.wire import SENTINEL, assert_refused, assert_unchanged, authorized, body_with, exchange, request_of

JSON_TYPE = {"Content-Type": "application/json"}
BODY_OCTETS = 64 * 1024

NOT_AN_OBJECT = [b"[]", b'[{"title":"x"}]', b"null", b"5", b"true", f'"{SENTINEL}"'.encode()]
NOT_JSON = [
    b"",
    b"   ",
    SENTINEL.encode(),
    b"{",
    f'{{"title":"{SENTINEL}"'.encode(),
    f'{{"title":"{SENTINEL}'.encode(),
    b"{'title':'x'}",
    b'{"title":"x",}',
    b'{"title":"x"/* why */}',
    b'{"max_participants":NaN}',
    b'{"max_participants":05}',
    b'\xff\xfe{"title":"x"}',
    b"\xef\xbb\xbf{}",
    '{"title":"x"}'.encode("utf-16"),
    b"title=x&kind=live",
]
UNREAD = [*NOT_AN_OBJECT, *NOT_JSON]


async def patch_with(
    http: httpx.AsyncClient, tenant: Tenant, session: Json, body: bytes, *, media_type: str = "application/json"
) -> httpx.Response:
    headers = tenant.bearer(Content_Type=media_type)
    return await http.patch(f"/v1/sessions/{session['id']}", content=body, headers=headers)


async def create_with(
    http: httpx.AsyncClient, tenant: Tenant, body: bytes, *, media_type: str = "application/json"
) -> httpx.Response:
    return await http.post("/v1/sessions", content=body, headers=tenant.bearer(Content_Type=media_type))


async def sessions_of(owner: Owner, tenant: Tenant) -> int:
    found: int = await owner.fetchval("select count(*) from sessions where brand_id = $1", tenant.brand)
    return found


def parts_of(fault: str) -> list[str]:
    return [fault] if len(fault) > 1 else []


@pytest.mark.parametrize(("field", "fault"), pairs(FAULTS), ids=named)
async def test_a_change_refuses_a_bad_field_by_its_name(
    http: httpx.AsyncClient, tenant: Tenant, field: str, fault: str
) -> None:
    session = await tenant.session(http)
    response = await patch_with(http, tenant, session, body_with({}, **{field: fault}))
    assert_refused(response, "validation_error", names=field, never=parts_of(fault))
    await assert_unchanged(http, tenant, session)


@pytest.mark.parametrize(("field", "fault"), pairs(CREATE_FAULTS), ids=named)
async def test_a_creation_refuses_a_bad_field_by_its_name(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, field: str, fault: str
) -> None:
    response = await create_with(http, tenant, body_with(tenant.wanted(), **{field: fault}))
    assert_refused(response, "validation_error", names=field, never=parts_of(fault))
    assert await sessions_of(owner, tenant) == 0


async def test_a_bad_field_takes_the_good_ones_with_it(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    response = await tenant.patch(http, session, {"title": SENTINEL, "kind": "office_hours", "max_participants": 0})
    assert_refused(response, "validation_error", names="max_participants")
    await assert_unchanged(http, tenant, session)


@pytest.mark.parametrize("field", ["host_id", "brand_id", "title", "scheduled_at", "max_participants"])
async def test_a_creation_names_the_field_that_is_missing(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, field: str
) -> None:
    wanted = tenant.wanted()
    del wanted[field]
    assert_refused(await http.post("/v1/sessions", json=wanted, headers=tenant.bearer()), "validation_error", names=field)
    assert await sessions_of(owner, tenant) == 0


@pytest.mark.parametrize("body", UNREAD, ids=named)
async def test_a_change_refuses_what_is_no_json_object(http: httpx.AsyncClient, tenant: Tenant, body: bytes) -> None:
    session = await tenant.session(http)
    assert_refused(await patch_with(http, tenant, session, body), "validation_error", names="body")
    await assert_unchanged(http, tenant, session)


@pytest.mark.parametrize("body", UNREAD, ids=named)
async def test_a_creation_refuses_what_is_no_json_object(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, body: bytes
) -> None:
    assert_refused(await create_with(http, tenant, body), "validation_error", names="body")
    assert await sessions_of(owner, tenant) == 0


async def test_nothing_may_follow_the_object(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    assert_refused(await patch_with(http, tenant, session, b'{"title":"x"} and more'), "validation_error", names="body")
    assert_refused(await create_with(http, tenant, body_with(tenant.wanted()) + b"{}"), "validation_error", names="body")
    await assert_unchanged(http, tenant, session)
    assert await sessions_of(owner, tenant) == 1


async def test_a_change_of_64_kib_is_read(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    body = b'{"unknown":"' + b"x" * (BODY_OCTETS - 14) + b'"}'
    assert len(body) == BODY_OCTETS
    assert (await patch_with(http, tenant, session, body)).status_code == 200


async def test_a_change_over_64_kib_is_refused_by_its_length(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    body = b'{"title":"x"}'.ljust(BODY_OCTETS + 1)
    assert_refused(await patch_with(http, tenant, session, body), "payload_too_large")
    await assert_unchanged(http, tenant, session)


async def test_a_change_over_64_kib_is_refused_as_it_comes_in_chunks(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)

    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"title":"x"}'
        for _ in range(65):
            yield b" " * 1024

    response = await http.patch(f"/v1/sessions/{session['id']}", content=chunks(), headers=tenant.bearer(**JSON_TYPE))
    assert "content-length" not in response.request.headers
    assert_refused(response, "payload_too_large")
    await assert_unchanged(http, tenant, session)


async def test_chunks_that_never_end_are_refused_all_the_same(server: Server, http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    headers = authorized(tenant, ("Content-Type", b"application/json"), ("Transfer-Encoding", b"chunked"))
    head = request_of("PATCH", f"/v1/sessions/{session['id']}".encode(), headers)
    chunks = b"".join(b"400\r\n" + b" " * 1024 + b"\r\n" for _ in range(70))
    assert_refused(await exchange(server, head + chunks), "payload_too_large")


async def test_a_small_body_in_chunks_is_read(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)

    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"title":'
        yield b'"In two"}'

    response = await http.patch(f"/v1/sessions/{session['id']}", content=chunks(), headers=tenant.bearer(**JSON_TYPE))
    assert response.json()["title"] == "In two"


async def test_a_creation_over_64_kib_is_refused(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    body = body_with(tenant.wanted()).ljust(BODY_OCTETS + 1)
    assert_refused(await create_with(http, tenant, body), "payload_too_large")
    assert await sessions_of(owner, tenant) == 0


@pytest.mark.parametrize("verb", ["start", "end", "cancel"])
async def test_a_step_over_64_kib_is_refused(http: httpx.AsyncClient, tenant: Tenant, verb: str) -> None:
    session = await tenant.session(http)
    response = await http.post(
        f"/v1/sessions/{session['id']}/{verb}", content=b" " * (BODY_OCTETS + 1), headers=tenant.bearer()
    )
    assert_refused(response, "payload_too_large")
    await assert_unchanged(http, tenant, session)


async def test_a_body_that_is_announced_too_long_is_refused_before_it_comes(
    server: Server, http: httpx.AsyncClient, tenant: Tenant
) -> None:
    session = await tenant.session(http)
    target = f"/v1/sessions/{session['id']}".encode()
    announced = authorized(tenant, ("Content-Type", b"application/json"), ("Content-Length", b"9" * 15))
    assert_refused(await exchange(server, request_of("PATCH", target, announced)), "payload_too_large")


@pytest.mark.parametrize("media_type", [
    "text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp",
    "application/json-patch+json", "application/problem+json", "json", "", f"text/{SENTINEL}",
])  # fmt: skip
async def test_a_change_of_another_type_is_refused(http: httpx.AsyncClient, tenant: Tenant, media_type: str) -> None:
    session = await tenant.session(http)
    response = await patch_with(http, tenant, session, b'{"title":"x"}', media_type=media_type)
    assert_refused(response, "unsupported_media_type", names="Content-Type")
    await assert_unchanged(http, tenant, session)


@pytest.mark.parametrize("media_type", ["text/plain", "application/merge-patch+json", ""])
async def test_a_creation_of_another_type_is_refused(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, media_type: str
) -> None:
    response = await create_with(http, tenant, body_with(tenant.wanted()), media_type=media_type)
    assert_refused(response, "unsupported_media_type", names="Content-Type")
    assert await sessions_of(owner, tenant) == 0


async def test_a_change_without_a_type_is_refused(server: Server, http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    target = f"/v1/sessions/{session['id']}".encode()
    response = await exchange(server, request_of("PATCH", target, authorized(tenant), b'{"title":"x"}'))
    assert_refused(response, "unsupported_media_type", names="Content-Type")
    await assert_unchanged(http, tenant, session)


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON", " application/json "])
async def test_a_type_is_read_without_its_parameters_and_in_any_case(
    server: Server, http: httpx.AsyncClient, tenant: Tenant, media_type: str
) -> None:
    session = await tenant.session(http)
    target = f"/v1/sessions/{session['id']}".encode()
    headers = authorized(tenant, ("Content-Type", media_type.encode()))
    response = await exchange(server, request_of("PATCH", target, headers, b'{"title":"Typed"}'))
    assert response.json()["title"] == "Typed"
