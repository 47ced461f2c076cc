"""Two faults in one request for a seat: DESIGN section 4, "Order of answers", says which is told."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from greenroom.kit.idempotency import idempotency_key
from greenroom.kit.ids import BrandId
from tests.postgres import Owner, TestDatabase
from tests.registrations.people import Room, room, seats_of
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Tenant
from tests.wire import assert_refused

TOO_LARGE = b"{" + b" " * (64 * 1024) + b"}"
BAD = b'{"role":""}'
UNKNOWN = {"id": "0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11"}
KEY = "key-1"
WRITES = 3

CHANGES = [
    ("POST", "register"), ("POST", "registrations"),
    ("DELETE", "registrations/me"), ("DELETE", f"registrations/{UNKNOWN['id']}"),
    ("POST", f"registrations/{UNKNOWN['id']}/allow"), ("POST", f"registrations/{UNKNOWN['id']}/link"),
]  # fmt: skip
READING = [("POST", "register"), ("POST", "registrations"), ("POST", f"registrations/{UNKNOWN['id']}/allow")]  # the whole body


async def ask(
    there: Room, body: bytes = b"{}", *, user: str = "a", scope: str = "read:live write:live", **headers: str
) -> httpx.Response:
    """POST register with these octets."""
    named = there.tenant.bearer(user, scope=scope, **{"Content_Type": "application/json", **headers})
    return await there.http.post(f"{there.path}/register", content=body, headers=named)


async def over(there: Room, verbs: str) -> None:
    for verb in verbs.split():
        await there.step(verb)


async def hold(owner: Owner, there: Room, path: str, *, user: str = "a") -> None:
    """As a request with this key would, while it runs."""
    claimed = idempotency_key(
        KEY, brand=there.tenant.brand, client="test", subject=user, method="POST", path=f"{there.path}/{path}", body=b""
    )
    assert claimed is not None
    await owner.execute("select pg_advisory_lock($1)", claimed.lock)


@pytest.mark.parametrize(("method", "path", "allowed"), [
    ("GET", "register", "OPTIONS, POST"),
    ("PUT", "registrations", "GET, HEAD, OPTIONS, POST"),
    ("POST", "registrations/me", "DELETE, GET, HEAD, OPTIONS"),
    ("GET", f"registrations/{UNKNOWN['id']}", "DELETE, OPTIONS"),
    ("DELETE", f"registrations/{UNKNOWN['id']}/allow", "OPTIONS, POST"),
    ("GET", f"registrations/{UNKNOWN['id']}/link", "OPTIONS, POST"),
])  # fmt: skip
async def test_a_wrong_method_is_told_before_the_missing_token(
    *, http: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    response = await http.request(method, f"/v1/sessions/{UNKNOWN['id']}/{path}")
    assert_refused(response, "method_not_allowed")
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["registrations/me/allow/x", "registrations/me/x", "registration", "register/me"])
async def test_an_unknown_path_is_told_before_the_missing_token(http: httpx.AsyncClient, path: str) -> None:
    assert_refused(await http.post(f"/v1/sessions/{UNKNOWN['id']}/{path}"), "not_found")


@pytest.mark.parametrize(("method", "path"), CHANGES)
async def test_a_missing_token_is_told_before_all_the_rest(http: httpx.AsyncClient, method: str, path: str) -> None:
    headers = {"X-Brand-Id": "other", "Content-Type": "text/plain"}
    response = await http.request(method, f"/v1/sessions/no-uuid/{path}", content=TOO_LARGE, headers=headers)
    assert_refused(response, "unauthenticated")


@pytest.mark.parametrize(("method", "path"), CHANGES)
async def test_a_missing_scope_is_told_before_the_brand(
    http: httpx.AsyncClient, tenant: Tenant, method: str, path: str
) -> None:
    headers = tenant.bearer(scope="read:live", X_Brand_Id="other")
    assert_refused(await http.request(method, f"/v1/sessions/no-uuid/{path}", headers=headers), "insufficient_scope")


@pytest.mark.parametrize(("method", "path"), CHANGES)
async def test_a_wrong_brand_is_told_before_the_size(http: httpx.AsyncClient, tenant: Tenant, method: str, path: str) -> None:
    headers = tenant.bearer(X_Brand_Id="other", Content_Type="text/plain")
    response = await http.request(method, f"/v1/sessions/no-uuid/{path}", content=TOO_LARGE, headers=headers)
    assert_refused(response, "forbidden", names="X-Brand-Id")


@pytest.mark.parametrize(("method", "path"), READING)
async def test_the_size_is_told_before_the_bad_key_and_the_unknown_session(
    http: httpx.AsyncClient, tenant: Tenant, method: str, path: str
) -> None:
    headers = tenant.bearer(Idempotency_Key="x" * 129, Content_Type="application/json")
    response = await http.request(method, f"/v1/sessions/no-uuid/{path}", content=TOO_LARGE, headers=headers)
    assert_refused(response, "payload_too_large")


async def test_the_size_is_told_before_the_type(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    assert_refused(await ask(there, TOO_LARGE, Content_Type="text/plain"), "payload_too_large")


async def test_the_type_is_told_before_the_body(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    assert_refused(await ask(there, b"{", Content_Type="text/plain"), "unsupported_media_type")


async def test_a_bad_body_is_told_before_the_key_that_is_in_use(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    await hold(owner, there, "register")
    assert_refused(await ask(there, BAD, Idempotency_Key=KEY), "validation_error", names="role")


@pytest.mark.parametrize("body", [BAD, b'{"patient_id":"a","guest_email":"a@example.com"}', b'{"guest_email":"a"}'])
@pytest.mark.parametrize("session_id", ["no-uuid", UNKNOWN["id"]])
async def test_a_bad_body_is_told_before_the_unknown_session(
    http: httpx.AsyncClient, tenant: Tenant, body: bytes, session_id: str
) -> None:
    assert_refused(await ask(Room(http, tenant, {"id": session_id}), body), "validation_error")


async def test_a_patient_and_a_guest_are_told_before_the_key_that_is_in_use(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await room(http, tenant)
    await hold(owner, there, "register")
    both = b'{"patient_id":"a","guest_email":"a@example.com"}'
    assert_refused(await ask(there, both, Idempotency_Key=KEY), "validation_error", names="patient_id")


@pytest.mark.parametrize("path", ["register", "registrations"])
async def test_a_bad_key_is_told_before_the_unknown_session(http: httpx.AsyncClient, tenant: Tenant, path: str) -> None:
    headers = tenant.bearer("a", Idempotency_Key="x" * 129)
    response = await http.post(f"/v1/sessions/no-uuid/{path}", json={}, headers=headers)
    assert_refused(response, "validation_error", names="Idempotency-Key")


@pytest.mark.parametrize("path", ["register", "registrations", f"registrations/{UNKNOWN['id']}/allow"])
async def test_the_key_is_told_before_the_unknown_session(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, path: str
) -> None:
    nowhere = Room(http, tenant, {"id": str(uuid4())})
    await hold(owner, nowhere, path)
    response = await http.post(f"{nowhere.path}/{path}", json={}, headers=tenant.bearer("a", Idempotency_Key=KEY))
    assert_refused(response, "conflict")
    assert "retry-after" in response.headers


async def test_the_key_is_told_before_who_may_not(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    await hold(owner, there, "register")
    response = await ask(there, b'{"role":"host"}', Idempotency_Key=KEY)
    assert_refused(response, "conflict")


@pytest.mark.parametrize("body", [b'{"patient_id":"b"}', b'{"guest_email":"b@example.com"}', b'{"role":"host"}'])
async def test_an_unknown_session_is_told_before_who_may_not(http: httpx.AsyncClient, tenant: Tenant, body: bytes) -> None:
    assert_refused(await ask(Room(http, tenant, UNKNOWN), body), "not_found")


@pytest.mark.parametrize("body", [b'{"patient_id":"b"}', b'{"guest_email":"b@example.com"}', b'{"role":"host"}'])
async def test_a_session_of_another_brand_is_told_as_unknown_before_who_may_not(
    http: httpx.AsyncClient, tenant: Tenant, body: bytes
) -> None:
    there = await room(http, tenant)
    elsewhere = Room(http, Tenant(BrandId(f"{tenant.brand}-other")), there.session)
    assert_refused(await ask(elsewhere, body), "not_found")


@pytest.mark.parametrize("verbs", ["start end", "cancel"], ids=["ended", "cancelled"])
@pytest.mark.parametrize("body", [b'{"patient_id":"b"}', b'{"guest_email":"b@example.com"}', b'{"role":"host"}'])
async def test_who_may_not_is_told_before_the_status(http: httpx.AsyncClient, tenant: Tenant, verbs: str, body: bytes) -> None:
    there = await room(http, tenant)
    await over(there, verbs)
    assert_refused(await ask(there, body), "forbidden")


async def test_who_may_not_remove_is_told_before_the_status_and_the_unknown_registration(
    http: httpx.AsyncClient, tenant: Tenant
) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    await over(there, "start end")
    assert_refused(await there.remove(registration, user="stranger"), "forbidden")
    assert_refused(await there.remove(UNKNOWN, user="stranger"), "forbidden")
    assert_refused(await there.remove(UNKNOWN), "not_found")
    assert_refused(await there.remove(registration), "invalid_status")


async def test_who_may_not_link_is_told_before_that_there_is_no_way_in(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    assert_refused(await there.link(registration, user="stranger"), "forbidden")
    assert_refused(await there.link(registration), "not_joinable")


@pytest.mark.parametrize("path", ["register", "registrations"])
async def test_the_status_is_told_before_a_removal(http: httpx.AsyncClient, tenant: Tenant, path: str) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    await there.remove(registration)
    await over(there, "start end")
    response = await http.post(f"{there.path}/{path}", json={}, headers=tenant.bearer("a"))
    assert_refused(response, "invalid_status")


async def test_the_status_is_told_before_who_is_there_already(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    await there.enter("a")
    await over(there, "cancel")
    assert_refused(await ask(there), "invalid_status")


async def test_the_status_is_told_before_the_want_of_seats(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("b")
    await over(there, "start end")
    assert_refused(await ask(there), "invalid_status")


@pytest.mark.parametrize("path", ["register", "registrations"])
async def test_a_removal_is_told_before_the_want_of_seats(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, path: str
) -> None:
    there = await room(http, tenant, seats=1)
    [registration] = await there.enter("a")
    await there.remove(registration)
    await there.enter("b")
    await over(there, "start")
    response = await http.post(f"{there.path}/{path}", json={}, headers=tenant.bearer("a"))
    assert_refused(response, "forbidden")
    assert await seats_of(owner, there) == (1, 0)


async def test_who_is_there_already_is_told_before_the_want_of_seats(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("a")
    assert_refused(await ask(there), "conflict")
    assert_refused(await ask(there, user="b"), "at_capacity")


async def test_that_there_is_none_is_told_before_the_end(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    await there.enter("a")
    await over(there, "start end")
    assert_refused(await there.leave("b"), "not_found")
    assert_refused(await there.leave("a"), "invalid_status")


@pytest.fixture
def strict(database: TestDatabase, tmp_path: Path) -> Iterator[Server]:
    """A server where a caller changes little in a minute."""
    with running_server(database, tmp_path, settings={"GREENROOM_RATE_LIMIT_WRITES": str(WRITES)}) as running:
        yield running


@pytest.fixture
async def limited(strict: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=strict.url, timeout=30) as client:
        yield client


@pytest.mark.parametrize(("method", "path"), [CHANGES[0], CHANGES[1], CHANGES[3]])
async def test_too_many_changes_are_told_before_the_missing_scope_and_after_the_bad_token(
    limited: httpx.AsyncClient, tenant: Tenant, method: str, path: str
) -> None:
    target = f"/v1/sessions/no-uuid/{path}"
    reader = tenant.bearer("eager", scope="read:live")
    answers = [(await limited.request(method, target, headers=reader)).status_code for _ in range(2 * WRITES + 1)]
    assert (answers[0], answers[-1]) == (403, 429)  # a minute that ends meanwhile lets some more pass, and never so many
    assert_refused(await limited.request(method, target, headers={"Authorization": "Bearer x.y.z"}), "invalid_token")
    assert_refused(await limited.request("PUT", "/v1/sessions/no-uuid/register", headers=reader), "method_not_allowed")
