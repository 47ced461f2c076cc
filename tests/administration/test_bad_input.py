"""What an administrator's change may not say: a 400 that names the field, never repeats its value, and changes nothing."""

import httpx
import pytest

from tests.administration.admins import ADMIN_SESSIONS, CHANGES, admin, administer, administered, traces
from tests.postgres import Owner
from tests.sessions.faults import (
    ENCODED_SURROGATE,
    FAULTS,
    LONE_SURROGATE,
    NUL,
    TRAILING_SURROGATE,
    WRONG_TEXTS,
    named,
    pairs,
    text,
)
from tests.tenant import Json, Tenant
from tests.wire import SENTINEL, assert_refused, body_with

NUMBERS = FAULTS["max_participants"]
NULLABLE = [fault for fault in WRONG_TEXTS if fault != "null"]
TEXTS = [fault for fault in WRONG_TEXTS if fault != '""']
UNREADABLE = [NUL, LONE_SURROGATE, TRAILING_SURROGATE, ENCODED_SURROGATE]


def list_faults(*, longest: int, most: int) -> list[str]:
    """What is no list of texts of up to so many characters."""
    items = ["null", "5", "true", "1e999", "[]", "{}", '""', text(longest + 1), *UNREADABLE]
    return [
        "null", "5", "true", "{}", f'"{SENTINEL}"', f'{{"0":"{SENTINEL}"}}',
        *(f"[{item}]" for item in items),
        *(f'["good","{SENTINEL}",{item}]' for item in items),
        "[" + ",".join(f'"{number}"' for number in range(most + 1)) + "]",
        "[" + ",".join(['"same"'] * (most + 1)) + "]",
        "[" * 5000 + "]" * 5000,
    ]  # fmt: skip


ADDRESSES = [
    f"javascript:alert('{SENTINEL}')",
    "JavaScript://a.example/%0aalert(1)",
    "data:text/html;base64,PHNjcmlwdD4=",
    "vbscript:msgbox",
    "file:///etc/passwd",
    "ftp://a.example/b.jpg",
    "blob:https://a.example/x",
    f"https://{SENTINEL}@a.example/b.jpg",
    f"https://{SENTINEL}:password@a.example/b.jpg",
    "https://a.example:443@b.example/",
    "https://@a.example/",
    "https://a.example%40b.example/",
    "//a.example/b.jpg",
    "/b.jpg",
    "b.jpg",
    "a.example/b.jpg",
    "https:",
    "https://",
    "https:///b.jpg",
    "https:/a.example",
    "https:a.example",
    "https:\\\\a.example",
    "https://a.example\\\\b",
    "https://a.example\\b",  # a backspace in JSON
    "https://a.example/ b",
    " https://a.example/",
    "https://a.example/ ",
    "https://a.example/\\n",
    "https://a.example/\\u0000",
    "https://a.example/\\t",
    'https://a.example/\\"onerror=x',
    "https://a.example/<script>",
    "https://a.example/`",
    "https://a.example/{x}",
    "https://a.example/%",
    "https://a.example/%2",
    "https://a.example/%zz",
    "https://a.example:port/",
    "https://a.example:123456/",
    "https://a.example:-1/",
    "https://ä.example/",
    "https://a.example/ä",
    "https://a.example/\\u202e",
    "https://a.example/" + "x" * 1983,
]

ADMIN_FAULTS: dict[str, list[str]] = {
    **FAULTS,
    "duration_minutes": NUMBERS,
    "description": [*TEXTS, text(10_001), "[" * 5000 + "]" * 5000],
    "category": [*TEXTS, text(201)],
    "community_slug": [*NULLABLE, text(201)],
    "co_host_ids": list_faults(longest=200, most=100),
    "tags": list_faults(longest=100, most=50),
    "cover_image_url": [*NULLABLE, text(50), *(f'"{address}"' for address in ADDRESSES)],
    "status": [*WRONG_TEXTS, '"live"', '"ended"', '"Cancelled"', '"canceled"', '"reinstated"', '" scheduled"', text(10_001)],
}  # fmt: skip


async def change_with(
    http: httpx.AsyncClient, tenant: Tenant, session: Json, body: bytes, *, media_type: str = "application/json"
) -> httpx.Response:
    headers = admin(tenant, Content_Type=media_type)
    return await http.patch(f"{ADMIN_SESSIONS}/{session['id']}", content=body, headers=headers)


def test_every_field_has_its_faults() -> None:
    assert ADMIN_FAULTS.keys() == {*CHANGES, "status"}


@pytest.mark.parametrize(("field", "fault"), pairs(ADMIN_FAULTS), ids=named)
async def test_a_bad_field_is_refused_by_its_name(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, field: str, fault: str
) -> None:
    session = await tenant.session(http)
    response = await change_with(http, tenant, session, body_with({}, **{field: fault}))
    assert_refused(response, "validation_error", names=field, never=[fault] if len(fault) > 12 else [])
    assert await traces(owner, session) == (1, 1)


@pytest.mark.parametrize("field", sorted(ADMIN_FAULTS.keys() - {"community_slug", "cover_image_url"}))
async def test_only_what_the_contract_makes_nullable_is_cleared(http: httpx.AsyncClient, tenant: Tenant, field: str) -> None:
    session = await tenant.session(http)
    before = await administered(http, tenant, session, CHANGES)
    assert_refused(await administer(http, tenant, session, {field: None}), "validation_error", names=f"{field}: expected")
    assert await administered(http, tenant, session, {}) == before


async def test_a_bad_field_takes_the_good_ones_with_it(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    body = {**CHANGES, "status": "cancelled", "tags": [SENTINEL, ""]}
    assert_refused(await administer(http, tenant, session, body), "validation_error", names="tags")
    assert await traces(owner, session) == (1, 1)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"x"', b"{", b'{"tags":["x"]', b'{"tags":["x"]}}', b'{"tags":[NaN]}'])
async def test_what_is_no_json_object_is_refused(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, body: bytes) -> None:
    session = await tenant.session(http)
    assert_refused(await change_with(http, tenant, session, body), "validation_error", names="body")
    assert await traces(owner, session) == (1, 1)


async def test_another_type_than_json_is_refused(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    response = await change_with(http, tenant, session, b"title=x", media_type="application/x-www-form-urlencoded")
    assert_refused(response, "unsupported_media_type")


async def test_a_body_over_64_kib_is_refused(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    response = await change_with(http, tenant, session, b'{"unknown":"' + b"x" * (64 * 1024) + b'"}')
    assert_refused(response, "payload_too_large")


@pytest.mark.parametrize("session_id", ["0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11", "no-uuid", "0199c8a04b7e7c319d523f1b6c0a7e11"])
async def test_an_unknown_session_is_not_found(http: httpx.AsyncClient, tenant: Tenant, session_id: str) -> None:
    assert_refused(await administer(http, tenant, {"id": session_id}, {}), "not_found", never=[session_id])


async def test_an_id_may_be_in_any_case(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    answer = await administered(http, tenant, {"id": session["id"].upper()}, {"tags": ["x"]})
    assert (answer["id"], answer["tags"]) == (session["id"], ["x"])


async def test_a_bad_field_is_told_before_the_unknown_session(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert_refused(await administer(http, tenant, {"id": "no-uuid"}, {"tags": "x"}), "validation_error", names="tags")


async def test_a_bad_field_is_told_before_the_stale_tag_and_the_status(http: httpx.AsyncClient, tenant: Tenant) -> None:
    response = await administer(http, tenant, await tenant.ended(http), {"tags": "x"}, If_Match='"9.0.0.0"')
    assert_refused(response, "validation_error", names="tags")
