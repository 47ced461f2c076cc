"""What a registration may not say: told as 400, 404, 413 or 415 in the contract's form, and without effect."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.postgres import Owner
from tests.registrations.people import Room, answered, room, seats_of
from tests.server import Server
from tests.sessions.faults import WRONG_TEXTS, named, pairs, text
from tests.sessions.test_bad_input import BODY_OCTETS, UNREAD
from tests.sessions.test_bad_paths_and_headers import BAD_IDS, UNKNOWN
from tests.tenant import Tenant
from tests.wire import SENTINEL, assert_refused, authorized, body_with, exchange, request_of

HUGE_NUMBERS = ["1e999", "-1e999", "9223372036854775808", "1e-20000"]
ADDRESSES = [
    f"{SENTINEL}", "@", "a@", "@a", f"{SENTINEL}@", "a@b@c", "a b@example.com", " a@example.com", "a@example.com ",
    "a@example.com\\n", "\\na@example.com", "a@example.com\\u0000", ".a@example.com", "a.@example.com", "a..b@example.com",
    "a@example..com", "a@.example.com", "a@example.com.", "a@-example.com", "a@example-.com", "a@exa_mple.com",
    "a@[127.0.0.1]", "a@example.com,b@example.com", "<a@example.com>", "A <a@example.com>", "mailto:a@example.com",
    '\\"a b\\"@example.com', "a@example.com?bcc=b@example.com", "ä@example.com", "a@exämple.com", "\\u0430@example.com",
    "a\\u200b@example.com", "a@example.com\\r\\nBcc: b@example.com", "a(b)@example.com", f"{'a' * 65}@example.com",
    f"a@{'b' * 64}.com", f"a@{'b.' * 130}com",
]  # fmt: skip
FAULTS: dict[str, list[str]] = {
    "patient_id": [*WRONG_TEXTS, *HUGE_NUMBERS, text(201), "1.5", "false"],
    "guest_email": [*WRONG_TEXTS, *HUGE_NUMBERS, text(255), *(f'"{address}"' for address in ADDRESSES)],
    "role": [*WRONG_TEXTS, *HUGE_NUMBERS, text(10_001), '"Host"', '"host "', '"admin"', '"moderator"', '"participant,host"'],
}
# What takes a body that it does not read, and of whom.
WITHOUT_BODY = ["registrations", "registrations/{guest}/allow"]


async def register_with(
    there: Room, body: bytes | AsyncIterator[bytes], *, user: str = "manager", media_type: str = "application/json"
) -> httpx.Response:
    """POST register as somebody who may do it all, so that nothing but the body is wrong."""
    headers = there.tenant.bearer(user, scope="admin:live", Content_Type=media_type)
    return await there.http.post(f"{there.path}/register", content=body, headers=headers)


@pytest.mark.parametrize(("field", "fault"), pairs(FAULTS), ids=named)
async def test_a_bad_field_is_refused_by_its_name(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, field: str, fault: str
) -> None:
    there = await room(http, tenant)
    response = await register_with(there, body_with({}, **{field: fault}))
    assert_refused(response, "validation_error", names=field, never=[fault] if len(fault) > 8 else [])
    assert await seats_of(owner, there) == (0, 0)


@pytest.mark.parametrize("fault", ['"no address"', '""', "5", "null"])
async def test_a_bad_address_takes_good_fields_with_it(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, fault: str
) -> None:
    there = await room(http, tenant)
    response = await register_with(there, body_with({"role": "participant"}, guest_email=fault))
    assert_refused(response, "validation_error", names="guest_email")
    assert await seats_of(owner, there) == (0, 0)


@pytest.mark.parametrize("patient", ["manager", "patient_1"])
async def test_a_seat_is_for_a_patient_or_a_guest_and_not_for_both(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, patient: str
) -> None:
    there = await room(http, tenant)
    response = await register_with(there, body_with({"patient_id": patient, "guest_email": "guest@example.com"}))
    assert_refused(response, "validation_error", names="patient_id and guest_email", never=["guest@example.com"])
    assert await seats_of(owner, there) == (0, 0)


@pytest.mark.parametrize("address", [
    "a@b", "A.B+c@Example.COM", "!#$%&'*+/=?^_`{|}~-@example.com", "a@1.2.3.4", "a.b.c@example.com", "a@" + "b" * 63 + ".com",
    "a" * 64 + "@" + ".".join(["b" * 62] * 3),
])  # fmt: skip
async def test_an_address_is_kept_as_it_was_given(http: httpx.AsyncClient, tenant: Tenant, address: str) -> None:
    there = await room(http, tenant)
    response = await register_with(there, body_with({"guest_email": address}))
    assert answered(response, 201)["guest_email"] == address


@pytest.mark.parametrize("body", UNREAD, ids=named)
async def test_what_is_no_json_object_is_refused(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, body: bytes) -> None:
    there = await room(http, tenant)
    assert_refused(await register_with(there, body), "validation_error", names="body")
    assert await seats_of(owner, there) == (0, 0)


@pytest.mark.parametrize("body", [
    b'{"unknown":"\\ud800"}', b'{"unknown":' + b"[" * 20_000 + b"]" * 20_000 + b"}", b'{"unknown":"\xff"}', b"{} {}",
], ids=named)  # fmt: skip
async def test_an_unknown_field_must_be_json_all_the_same(http: httpx.AsyncClient, tenant: Tenant, body: bytes) -> None:
    assert_refused(await register_with(await room(http, tenant), body), "validation_error", names="body")


@pytest.mark.parametrize(
    "body", [b'{"unknown":1e999}', b'{"unknown":"\\u0000"}', b'{"\\u0000":1}', b'{"unknown":[[{}]]}', b"{}"]
)
async def test_an_unknown_field_is_ignored_whatever_it_holds(http: httpx.AsyncClient, tenant: Tenant, body: bytes) -> None:
    answered(await register_with(await room(http, tenant), body), 201)


@pytest.mark.parametrize(("body", "field", "kept"), [
    (b'{"role":"host","role":"guest"}', "role", "guest"),
    (b'{"patient_id":"a","patient_id":"b"}', "patient_id", "b"),
    (b'{"guest_email":"a@example.com","guest_email":"b@example.com"}', "guest_email", "b@example.com"),
])  # fmt: skip
async def test_of_duplicate_keys_the_last_wins(
    *, http: httpx.AsyncClient, tenant: Tenant, body: bytes, field: str, kept: str
) -> None:
    there = await room(http, tenant)
    assert answered(await register_with(there, body), 201)[field] == kept


async def test_a_duplicate_key_does_not_hide_what_the_caller_may_not_do(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await room(http, tenant)
    body = b'{"role":"participant","role":"host","patient_id":"patient_1"}'
    headers = tenant.bearer("patient_1", Content_Type="application/json")
    assert_refused(await http.post(f"{there.path}/register", content=body, headers=headers), "forbidden")
    assert await seats_of(owner, there) == (0, 0)


async def test_a_body_of_64_kib_is_read_and_one_octet_more_is_not(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await room(http, tenant)
    assert_refused(await register_with(there, b"{}".ljust(BODY_OCTETS + 1)), "payload_too_large")
    assert await seats_of(owner, there) == (0, 0)
    answered(await register_with(there, b"{}".ljust(BODY_OCTETS)), 201)


async def test_a_body_over_64_kib_is_refused_as_it_comes_in_chunks(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await room(http, tenant)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(65):
            yield b" " * 1024
        yield b"{}"

    response = await register_with(there, chunks())
    assert "content-length" not in response.request.headers
    assert_refused(response, "payload_too_large")
    assert await seats_of(owner, there) == (0, 0)


@pytest.mark.parametrize("path", WITHOUT_BODY)
async def test_a_body_that_nobody_reads_may_not_be_too_large_either(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, path: str
) -> None:
    there = await room(http, tenant)
    guest = await there.invite()
    target = f"{there.path}/{path.format(guest=guest['id'])}"
    response = await http.post(target, content=b" " * (BODY_OCTETS + 1), headers=tenant.bearer())
    assert_refused(response, "payload_too_large")
    assert await seats_of(owner, there) == (1, 0)


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'{"user_id":"b","patient_id":"b","status":"waitlist"}'])
@pytest.mark.parametrize("media_type", ["application/json", "text/plain"])
async def test_registering_oneself_reads_no_body(http: httpx.AsyncClient, tenant: Tenant, body: bytes, media_type: str) -> None:
    there = await room(http, tenant)
    headers = tenant.bearer("a", Content_Type=media_type)
    response = await http.post(f"{there.path}/registrations", content=body, headers=headers)
    registration = answered(response, 201)
    assert (registration["user_id"], registration["status"]) == ("a", "registered")


@pytest.mark.parametrize("media_type", [
    "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/merge-patch+json", "json", "",
    f"text/{SENTINEL}",
])  # fmt: skip
async def test_a_body_of_another_type_is_refused(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, media_type: str
) -> None:
    there = await room(http, tenant)
    assert_refused(await register_with(there, b"{}", media_type=media_type), "unsupported_media_type", names="Content-Type")
    assert await seats_of(owner, there) == (0, 0)


@pytest.mark.parametrize("body", [None, b"", b"{}"])
async def test_a_body_without_a_type_is_refused(
    server: Server, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, body: bytes | None
) -> None:
    there = await room(http, tenant)
    request = request_of("POST", f"{there.path}/register".encode(), authorized(tenant), body)
    assert_refused(await exchange(server, request), "unsupported_media_type", names="Content-Type")
    assert await seats_of(owner, there) == (0, 0)


@pytest.mark.parametrize("path_id", BAD_IDS, ids=lambda path_id: ascii(path_id)[:40])
@pytest.mark.parametrize(("method", "path"), [
    ("POST", "/v1/sessions/{}/registrations"), ("POST", "/v1/sessions/{}/register"),
    ("GET", "/v1/sessions/{}/registrations/me"), ("DELETE", "/v1/sessions/{}/registrations/me"),
    ("DELETE", f"/v1/sessions/{{}}/registrations/{UNKNOWN}"),
    ("POST", f"/v1/sessions/{{}}/registrations/{UNKNOWN}/link"),
])  # fmt: skip
async def test_an_id_that_can_be_no_sessions_is_not_found(
    *, server: Server, tenant: Tenant, method: str, path: str, path_id: str
) -> None:
    headers = authorized(tenant, ("Content-Type", b"application/json"))
    response = await exchange(server, request_of(method, path.format(path_id).encode(), headers, b"{}"))
    assert_refused(response, "not_found", never=[path_id] if len(path_id) > 4 else [])


@pytest.mark.parametrize("path_id", BAD_IDS, ids=lambda path_id: ascii(path_id)[:40])
@pytest.mark.parametrize(("method", "verb"), [("DELETE", ""), ("POST", "/allow"), ("POST", "/link")])
async def test_an_id_that_can_be_no_registrations_is_not_found(
    *, server: Server, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, method: str, verb: str, path_id: str
) -> None:
    there = await room(http, tenant)
    await there.enter("a")
    target = f"{there.path}/registrations/{path_id}{verb}".encode()
    assert_refused(await exchange(server, request_of(method, target, authorized(tenant))), "not_found")
    assert await seats_of(owner, there) == (1, 0)


@pytest.mark.parametrize("form", ["{%s}", "urn:uuid:%s", "%s%%00", "%s%%0A", "%%20%s"])
async def test_the_id_of_a_registration_in_another_form_is_not_found(
    server: Server, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, form: str
) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    target = f"{there.path}/registrations/{form % registration['id']}".encode()
    assert_refused(await exchange(server, request_of("DELETE", target, authorized(tenant))), "not_found")
    assert await seats_of(owner, there) == (1, 0)


@pytest.mark.parametrize("key", ["", "x" * 129, "x" * 10_000])
@pytest.mark.parametrize("path", ["register", *WITHOUT_BODY])
async def test_a_key_of_no_or_too_many_characters_is_refused(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, path: str, key: str
) -> None:
    there = await room(http, tenant)
    guest = await there.invite()
    target = f"{there.path}/{path.format(guest=guest['id'])}"
    body: Any = {} if path == "register" else None
    response = await http.post(target, json=body, headers=tenant.bearer(Idempotency_Key=key))
    assert_refused(response, "validation_error", names="Idempotency-Key")
    assert await seats_of(owner, there) == (1, 0)


@pytest.mark.parametrize("key", ["k", "x" * 128, "with space", "\u00e9"])
async def test_a_key_may_be_any_text_of_up_to_128_characters(http: httpx.AsyncClient, tenant: Tenant, key: str) -> None:
    there = await room(http, tenant)
    headers = [(b"Authorization", f"Bearer {tenant.token('a')}".encode()), (b"Idempotency-Key", key.encode("latin-1"))]
    answers = [await http.post(f"{there.path}/registrations", headers=headers) for _ in range(2)]
    assert [answer.headers.get("idempotency-replayed") for answer in answers] == [None, "true"]


async def test_a_caller_whose_name_cannot_be_stored_is_refused_alone(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await room(http, tenant)
    assert_refused(await there.register("a\0b"), "invalid_token")
    assert_refused(await there.own("a\0b"), "invalid_token")
    await there.enter("ab")
    assert await seats_of(owner, there) == (1, 0)
