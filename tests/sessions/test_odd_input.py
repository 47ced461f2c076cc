"""What looks odd and is right: accepted, and stored as it was meant."""

import json

import httpx
import pytest

from tests.sessions.faults import NUL, nested
from tests.tenant import Json, Tenant
from tests.wire import SENTINEL, assert_refused, assert_unchanged, body_with


async def patch_raw(http: httpx.AsyncClient, tenant: Tenant, session: Json, **raw: str) -> httpx.Response:
    headers = tenant.bearer(Content_Type="application/json")
    return await http.patch(f"/v1/sessions/{session['id']}", content=body_with({}, **raw), headers=headers)


async def create_raw(http: httpx.AsyncClient, tenant: Tenant, **raw: str) -> httpx.Response:
    headers = tenant.bearer(Content_Type="application/json")
    return await http.post("/v1/sessions", content=body_with(tenant.wanted(), **raw), headers=headers)


@pytest.mark.parametrize(("sent", "kept"), [
    ("5.0", "5"), ("5e0", "5"), ("1e2", "100"), ("1", "1"), ("2147483647", "2147483647"), ("2147483647.0", "2147483647"),
])  # fmt: skip
async def test_a_whole_number_of_any_spelling_is_an_integer(
    http: httpx.AsyncClient, tenant: Tenant, sent: str, kept: str
) -> None:
    session = await tenant.session(http)
    for response in (
        await patch_raw(http, tenant, session, max_participants=sent),
        await create_raw(http, tenant, max_participants=sent),
    ):
        assert response.is_success
        assert f'"max_participants":{kept},' in response.text


@pytest.mark.parametrize(("sent", "kept"), [
    ("2027-03-01T17:00:00+14:00", "2027-03-01T03:00:00.000Z"),
    ("2027-03-01T17:00:00-14:00", "2027-03-02T07:00:00.000Z"),
    ("2027-03-01t17:00:00z", "2027-03-01T17:00:00.000Z"),
    ("2027-03-01T17:00:00-00:00", "2027-03-01T17:00:00.000Z"),
    ("2027-03-01T17:00:00+23:59", "2027-02-28T17:01:00.000Z"),
    ("2027-03-01T17:00:00.1Z", "2027-03-01T17:00:00.100Z"),
    ("2027-03-01T17:00:00.123999999999Z", "2027-03-01T17:00:00.123Z"),
    ("1969-07-20T20:17:40Z", "1969-07-20T20:17:40.000Z"),
    ("2028-02-29T00:00:00Z", "2028-02-29T00:00:00.000Z"),
    ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
    ("9999-12-31T23:59:59.9999Z", "9999-12-31T23:59:59.999Z"),
])  # fmt: skip
async def test_any_rfc_3339_instant_is_kept_in_utc(http: httpx.AsyncClient, tenant: Tenant, sent: str, kept: str) -> None:
    session = await tenant.session(http)
    for response in (
        await tenant.patch(http, session, {"scheduled_at": sent}),
        await create_raw(http, tenant, scheduled_at=f'"{sent}"'),
    ):
        assert response.is_success, response.text
        assert response.json()["scheduled_at"] == kept


@pytest.mark.parametrize("title", ["x" * 10_000, "\U0001f600" * 10_000, " ", "'; drop table sessions; --", "\u202e\t\n\x7f"])
async def test_a_title_may_hold_up_to_10_000_characters_of_any_kind(
    http: httpx.AsyncClient, tenant: Tenant, title: str
) -> None:
    session = await tenant.session(http)
    assert (await tenant.patch(http, session, {"title": title})).json()["title"] == title


async def test_a_surrogate_pair_is_one_character(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    response = await patch_raw(http, tenant, session, title=r'"\ud83d\ude00"')
    assert response.json()["title"] == "\U0001f600"


async def test_metadata_may_be_64_levels_deep(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    for deep in (nested(64), nested(64, arrays=True)):
        for response in (
            await patch_raw(http, tenant, session, metadata=deep),
            await create_raw(http, tenant, metadata=deep),
        ):
            assert response.json()["metadata"] == json.loads(deep)


async def test_brackets_in_a_string_are_no_levels(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    metadata = {"a": '[{"' * 100}
    assert (await tenant.patch(http, session, {"metadata": metadata})).json()["metadata"] == metadata


@pytest.mark.parametrize("number", [
    "1.10", "12345678901234567890.123", "-0.5", "100", "9007199254740993", "0.1000000000000000055511151231257827",
])  # fmt: skip
async def test_a_number_in_metadata_comes_back_digit_for_digit(http: httpx.AsyncClient, tenant: Tenant, number: str) -> None:
    session = await tenant.session(http)
    sent = f'{{"n":{number}}}'
    for response in (
        await patch_raw(http, tenant, session, metadata=sent),
        await create_raw(http, tenant, metadata=sent),
    ):
        assert f'"metadata":{sent},' in response.text.replace(" ", "")


async def test_metadata_of_exactly_16_kib_is_kept(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    metadata = {"a": "x" * (16 * 1024 - len('{"a":""}'))}
    assert (await tenant.patch(http, session, {"metadata": metadata})).json()["metadata"] == metadata


async def test_metadata_is_measured_compact(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    sparse = '{ "a" : [' + " , ".join(["1"] * 4000) + "]," + " " * 8000 + '"b":1}'
    assert len(sparse) > 16 * 1024
    response = await patch_raw(http, tenant, session, metadata=sparse)
    assert response.json()["metadata"] == {"a": [1] * 4000, "b": 1}


async def test_metadata_one_octet_over_16_kib_is_refused(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    response = await tenant.patch(http, session, {"metadata": {"a": "x" * (16 * 1024 - len('{"a":""}') + 1)}})
    assert_refused(response, "validation_error", names="metadata")
    await assert_unchanged(http, tenant, session)


async def test_metadata_is_measured_in_octets_and_not_in_characters(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    response = await tenant.patch(http, session, {"metadata": {"a": "\u00e9" * 9000}})
    assert_refused(response, "validation_error", names="metadata", never=["\u00e9"])


async def test_of_duplicate_keys_the_last_wins(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    body = b'{"title":"first","metadata":{"a":1,"a":{"b":2,"b":3}},"title":"last"}'
    response = await http.patch(
        f"/v1/sessions/{session['id']}", content=body, headers=tenant.bearer(Content_Type="application/json")
    )
    assert response.json()["title"] == "last"
    assert response.json()["metadata"] == {"a": {"b": 3}}


async def test_of_duplicate_keys_a_bad_one_is_refused_wherever_it_stands(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    body = f'{{"title":"good","max_participants":1,"max_participants":"{SENTINEL}"}}'.encode()
    response = await http.patch(
        f"/v1/sessions/{session['id']}", content=body, headers=tenant.bearer(Content_Type="application/json")
    )
    assert_refused(response, "validation_error", names="max_participants")


@pytest.mark.parametrize("held", [
    "null", "1e999", "[[[]]]", NUL, '"' + "x" * 20_000 + '"', nested(70), '{"status":"ended"}', "-1e-999",
])  # fmt: skip
async def test_an_unknown_field_is_ignored_whatever_it_holds(http: httpx.AsyncClient, tenant: Tenant, held: str) -> None:
    session = await tenant.session(http)
    response = await patch_raw(http, tenant, session, unknown=held)
    assert response.json() == session
    assert (await create_raw(http, tenant, unknown=held)).status_code == 201


async def test_a_field_that_only_the_service_writes_is_ignored(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    forged = {"id": "x", "status": "ended", "brand_id": "other", "host_id": "other", "registered_count": 9, "version": 9}
    assert (await tenant.patch(http, session, forged)).json() == session
