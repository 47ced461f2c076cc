"""What a path and a header may not say; by raw sockets, because an HTTP client would tidy them up."""

from uuid import UUID, uuid4

import httpx
import pytest

from tests.postgres import Owner
from tests.server import Server
from tests.tenant import Json, Tenant
from tests.wire import SENTINEL, assert_refused, assert_unchanged, authorized, exchange, request_of

JSON_TYPE = ("Content-Type", b"application/json")
UNKNOWN = "0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11"

BAD_IDS = [
    SENTINEL,
    "a" * 60_000,
    "a" * 2000,
    "0",
    "null",
    "%00",
    f"{UNKNOWN}%00",
    f"%00{UNKNOWN}",
    f"%20{UNKNOWN}",
    f"{UNKNOWN}%0A",
    f"{UNKNOWN}%2F",
    f"..%2F{UNKNOWN}",
    "%2e%2e%2fhealthz",
    "%FF%FE",
    "%",
    "%zz",
    "'%20or%201=1",
    f"%7B{UNKNOWN}%7D",
    f"{{{UNKNOWN}}}",
    f"urn:uuid:{UNKNOWN}",
    UNKNOWN.replace("-", ""),
    f"{UNKNOWN}0",
    UNKNOWN[:-1],
    "%D9%A0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11",  # a digit, but not of ASCII
]


def written(path_id: str) -> bytes:
    return b"/v1/sessions/" + path_id.encode()


async def patch_raw(
    server: Server, tenant: Tenant, session: Json, *headers: tuple[str, bytes], body: bytes = b'{"title":"Changed"}'
) -> httpx.Response:
    target = written(session["id"])
    return await exchange(server, request_of("PATCH", target, authorized(tenant, JSON_TYPE, *headers), body))


@pytest.mark.parametrize("path_id", BAD_IDS, ids=lambda path_id: ascii(path_id)[:40])
async def test_an_id_that_is_no_uuid_is_not_found(server: Server, tenant: Tenant, path_id: str) -> None:
    request = request_of("PATCH", written(path_id), authorized(tenant, JSON_TYPE), b'{"title":"x"}')
    assert_refused(await exchange(server, request), "not_found", never=[path_id] if len(path_id) > 4 else [])


@pytest.mark.parametrize("form", ["{%s}", "urn:uuid:%s", "%%7B%s%%7D", "%s%%00", "%s%%0A", "..%%2F%s"])
async def test_an_id_of_a_session_in_another_form_is_not_found(
    server: Server, http: httpx.AsyncClient, tenant: Tenant, form: str
) -> None:
    session = await tenant.session(http)
    target = written(form % session["id"])
    request = request_of("PATCH", target, authorized(tenant, JSON_TYPE), b'{"title":"x"}')
    assert_refused(await exchange(server, request), "not_found", never=[session["id"]])
    await assert_unchanged(http, tenant, session)


async def test_an_id_without_hyphens_is_not_found(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    path = f"/v1/sessions/{UUID(session['id']).hex}"
    assert_refused(await http.patch(path, json={"title": "x"}, headers=tenant.bearer()), "not_found")


async def test_an_empty_id_is_no_session(server: Server, tenant: Tenant) -> None:
    request = request_of("PATCH", b"/v1/sessions/", authorized(tenant, JSON_TYPE), b"{}")
    assert_refused(await exchange(server, request), "not_found")


async def test_an_id_is_found_in_any_case(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    shouted = {**session, "id": session["id"].upper()}
    response = await tenant.patch(http, shouted, {"title": "Found"})
    assert (response.json()["title"], response.json()["id"]) == ("Found", session["id"])


@pytest.mark.parametrize("target", [
    b"/v1/sessions/../sessions", b"/v1/../v1/sessions/%2e%2e", b"/../../etc/passwd", b"//v1//sessions",
    b"/v1/sessions/x/../../healthz", b"/docs/../openapi.yaml", b"/docs/%2e%2e%2fsettings.py",
])  # fmt: skip
async def test_dots_lead_nowhere(server: Server, tenant: Tenant, target: bytes) -> None:
    assert_refused(await exchange(server, request_of("GET", target, authorized(tenant))), "not_found")


@pytest.mark.parametrize("sent", [b"a", b"req-1", b"0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11", b"A.b_c:d-9", b"x" * 128])
async def test_a_well_formed_request_id_comes_back(server: Server, tenant: Tenant, sent: bytes) -> None:
    request = request_of("GET", written(UNKNOWN), authorized(tenant, ("X-Request-Id", sent)))
    assert (await exchange(server, request)).headers["x-request-id"] == sent.decode()


@pytest.mark.parametrize("sent", [
    b"", b"x" * 129, b"two words", b"a,b", b"a;b", b'"a"', b"<script>", b"a\tb", b"\xe9", b"a%0d%0aSet-Cookie:%20x=1",
    b"a\\r\\nSet-Cookie: x=1", f"{SENTINEL}!".encode(), b"a\x85b", b"../../x", b"{a}", b"$(id)",
])  # fmt: skip
async def test_a_malformed_request_id_is_replaced(server: Server, tenant: Tenant, sent: bytes) -> None:
    request = request_of("GET", written(UNKNOWN), authorized(tenant, ("X-Request-Id", sent)))
    response = await exchange(server, request)
    assert_refused(response, "not_found")
    assert UUID(response.headers["x-request-id"]).version == 7


async def test_a_request_id_is_made_where_none_came(server: Server, tenant: Tenant) -> None:
    request = request_of("GET", written(UNKNOWN), authorized(tenant))
    first, second = [(await exchange(server, request)).headers["x-request-id"] for _ in range(2)]
    assert first != second


@pytest.mark.parametrize("break_", [b"\r", b"\n", b"\r\n ", b"\x00"])
async def test_a_line_break_in_a_request_id_sets_no_header(server: Server, tenant: Tenant, break_: bytes) -> None:
    forged = b"good" + break_ + b"Set-Cookie: forged=1"
    response = await exchange(server, request_of("GET", written(UNKNOWN), authorized(tenant, ("X-Request-Id", forged))))
    assert response.status_code in {400, 404}  # as it reads the octets: no HTTP, or an id that is not well-formed
    assert "set-cookie" not in response.headers
    assert "forged" not in f"{response.text} {response.headers}"
    assert set(response.json()) == {"error", "message"}


async def test_what_is_no_http_is_told_in_the_contracts_form(server: Server) -> None:
    response = await exchange(server, f"{SENTINEL}\r\n\r\n".encode())
    assert (response.status_code, response.json()["error"]) == (400, "validation_error")
    assert SENTINEL not in response.text


@pytest.mark.parametrize("sent", [
    b"", b"1.0.0.0", b"'1.0.0.0'", b'"1.0.0.0', b'1.0.0.0"', b'"1.0.0.0" "', b'"1.0.0.0", x', b"W/", b"w/*", b"* x",
    SENTINEL.encode(), b'*, "1.0.0.0"', b"\xff",
])  # fmt: skip
async def test_a_malformed_if_match_is_refused(server: Server, http: httpx.AsyncClient, tenant: Tenant, sent: bytes) -> None:
    session = await tenant.session(http)
    assert_refused(await patch_raw(server, tenant, session, ("If-Match", sent)), "validation_error", names="If-Match")
    await assert_unchanged(http, tenant, session)


@pytest.mark.parametrize("sent", [b"", b"1.0.0.0", b'"1.0.0.0', b'"1.0.0.0", x', SENTINEL.encode(), b'*, "1.0.0.0"'])
async def test_a_malformed_if_none_match_is_refused(
    server: Server, http: httpx.AsyncClient, tenant: Tenant, sent: bytes
) -> None:
    session = await tenant.session(http)
    request = request_of("GET", written(session["id"]), authorized(tenant, ("If-None-Match", sent)))
    assert_refused(await exchange(server, request), "validation_error", names="If-None-Match")


@pytest.mark.parametrize("key", [b"", b"x" * 129, SENTINEL.encode() * 20], ids=len)
async def test_an_idempotency_key_has_1_to_128_characters(server: Server, tenant: Tenant, owner: Owner, key: bytes) -> None:
    body = httpx.Request("POST", "http://x", json=tenant.wanted()).content
    headers = authorized(tenant, JSON_TYPE, ("Idempotency-Key", key))
    response = await exchange(server, request_of("POST", b"/v1/sessions", headers, body))
    assert_refused(response, "validation_error", names="Idempotency-Key")
    assert await owner.fetchval("select count(*) from sessions where brand_id = $1", tenant.brand) == 0


@pytest.mark.parametrize("verb", ["start", "end", "cancel"])
async def test_a_step_refuses_a_bad_idempotency_key(http: httpx.AsyncClient, tenant: Tenant, verb: str) -> None:
    session = await tenant.session(http)
    headers = tenant.bearer(Idempotency_Key="x" * 129)
    response = await http.post(f"/v1/sessions/{session['id']}/{verb}", headers=headers)
    assert_refused(response, "validation_error", names="Idempotency-Key")
    await assert_unchanged(http, tenant, session)


async def test_an_unknown_id_and_a_bad_one_read_the_same(http: httpx.AsyncClient, tenant: Tenant) -> None:
    unknown = await http.get(f"/v1/sessions/{uuid4()}", headers=tenant.bearer())
    bad = await http.get("/v1/sessions/bad", headers=tenant.bearer())
    assert (unknown.status_code, unknown.content) == (bad.status_code, bad.content) == (404, bad.content)
