"""PATCH /v1/admin/sessions/{id}: each field set, cleared, left alone; and what is kept is what was sent."""

from typing import Any

import httpx
import pytest

from tests.administration.admins import (
    ADMIN_SESSIONS,
    CHANGES,
    MERGE_PATCH,
    UNSHOWN,
    admin,
    administer,
    administered,
    traces,
)
from tests.contract.schemas import CONTRACT, answer_schema, faults_in, operations
from tests.planted import hold_together
from tests.postgres import Owner
from tests.sessions.lists import listed
from tests.tenant import Json, Tenant
from tests.wire import assert_refused, id_of

PATCH_OF_CONTRACT = operations(CONTRACT)["/v1/admin/sessions/{id}", "patch"]
SHOWN = [field for field in CHANGES if field != UNSHOWN]

# What a caller sends, and what is kept of it.
SPELLINGS: list[tuple[str, Any, Any]] = [
    ("max_participants", 5.0, 5),
    ("max_participants", 2147483647, 2147483647),
    ("duration_minutes", 90.0, 90),
    ("duration_minutes", 1, 1),
    ("scheduled_at", "2027-04-01t11:00:00.123999+02:00", "2027-04-01T09:00:00.123Z"),
    ("scheduled_at", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
    ("scheduled_at", "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
    ("co_host_ids", ["b", "a", "b", "a"], ["b", "a"]),
    ("co_host_ids", [f"user {number}" for number in range(100)], [f"user {number}" for number in range(100)]),
    ("co_host_ids", ["\U0001f600" * 200, 'a,"{b}"\\', "null", " "], ["\U0001f600" * 200, 'a,"{b}"\\', "null", " "]),
    ("tags", ["x", "x", "X"], ["x", "X"]),
    ("tags", [f"{number:0100}" for number in range(50)], [f"{number:0100}" for number in range(50)]),
    ("tags", ["{}", "NULL", 'a"b'], ["{}", "NULL", 'a"b']),
    ("title", "\U0001f600" * 10_000, "\U0001f600" * 10_000),
    ("title", " ", " "),
    ("description", "", ""),
    ("description", "é" * 10_000, "é" * 10_000),
    ("description", "two\nlines\t<b>&amp;\x01\u2028", "two\nlines\t<b>&amp;\x01\u2028"),
    ("category", "", ""),
    ("category", "ß" * 200, "ß" * 200),
    ("cover_image_url", "http://a", "http://a"),
    ("cover_image_url", "https://a.example/" + "x" * 1982, "https://a.example/" + "x" * 1982),
    ("cover_image_url", "https://a.example/@me?user:password@", "https://a.example/@me?user:password@"),
    ("metadata", {"deep": [{"a": None}], "": ""}, {"deep": [{"a": None}], "": ""}),
    ("metadata", {}, {}),
]


async def plain(http: httpx.AsyncClient, tenant: Tenant, **fields: Any) -> Json:
    """A new session as the administrator sees it."""
    session = await tenant.session(http, **fields)
    return await administered(http, tenant, session, {})


async def community_of(owner: Owner, session: Json) -> str | None:
    """What the contract's AdminSession does not show."""
    found: str | None = await owner.fetchval("select community_slug from sessions where id = $1", id_of(session))
    return found


async def test_the_answer_is_the_contracts_admin_session_and_nothing_more(http: httpx.AsyncClient, tenant: Tenant) -> None:
    schema = answer_schema(CONTRACT, PATCH_OF_CONTRACT, "200")
    session = await tenant.session(http)
    for body in ({}, CHANGES, {"status": "cancelled"}):
        answer = await administered(http, tenant, session, body)
        assert not faults_in(answer, schema)
        assert set(answer) == set(schema["properties"])


async def test_a_new_session_has_nothing_of_what_administrators_say(http: httpx.AsyncClient, tenant: Tenant) -> None:
    answer = await plain(http, tenant)
    assert [answer[field] for field in ("description", "cover_image_url", "duration_minutes", "category")] == [None] * 4
    assert (answer["co_host_ids"], answer["tags"]) == ([], [])


@pytest.mark.parametrize("field", SHOWN)
async def test_a_field_is_set_and_no_other(http: httpx.AsyncClient, tenant: Tenant, field: str) -> None:
    before = await plain(http, tenant)
    after = await administered(http, tenant, before, {field: CHANGES[field]})
    assert after[field] == CHANGES[field] != before[field]
    assert {**after, field: None, "updated_at": None} == {**before, field: None, "updated_at": None}


async def test_the_community_is_set_and_nothing_else(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    before = await plain(http, tenant)
    after = await administered(http, tenant, before, {"community_slug": "knees"})
    assert {**after, "updated_at": before["updated_at"]} == before
    assert await community_of(owner, before) == "knees"


async def test_a_session_is_listed_in_the_community_it_was_given(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await administered(http, tenant, session, {"community_slug": "knees"})
    assert await listed(http, tenant, community_id="knees") == [session["id"]]


@pytest.mark.parametrize("field", CHANGES)
async def test_updated_at_rises_with_each_field(http: httpx.AsyncClient, tenant: Tenant, field: str) -> None:
    before = await plain(http, tenant)
    after = await administered(http, tenant, before, {field: CHANGES[field]})
    assert after["updated_at"] > before["updated_at"]


async def test_updated_at_never_goes_back_though_the_clock_does(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    await owner.execute("update sessions set updated_at = '2091-01-01Z' where id = $1", id_of(session))
    assert (await administered(http, tenant, session, {"tags": ["x"]}))["updated_at"] == "2091-01-01T00:00:00.001Z"


async def test_all_fields_at_once_are_one_change(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    response = await administer(http, tenant, session, CHANGES)
    assert response.headers["etag"] == '"2.0.0.0"'
    assert {field: response.json()[field] for field in SHOWN} == {field: CHANGES[field] for field in SHOWN}
    assert await community_of(owner, session) == CHANGES[UNSHOWN]


@pytest.mark.parametrize(("field", "sent", "kept"), SPELLINGS, ids=lambda value: ascii(value)[:40])
async def test_what_is_kept_is_what_was_meant(
    *, http: httpx.AsyncClient, tenant: Tenant, field: str, sent: Any, kept: Any
) -> None:
    assert (await administered(http, tenant, await tenant.session(http), {field: sent}))[field] == kept


async def test_the_host_reads_what_the_administrator_wrote(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    after = await administered(http, tenant, session, CHANGES)
    read = (await http.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())).json()
    del read["is_registered"]
    assert read == {field: after[field] for field in read}


async def test_the_administrator_sees_what_the_host_wrote(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await tenant.patch(http, session, {"title": "The host's", "metadata": {"a": 1}})
    answer = await administered(http, tenant, session, {"tags": ["x"]})
    assert (answer["title"], answer["metadata"]) == ("The host's", {"a": 1})


@pytest.mark.parametrize("field", [*CHANGES, "status"])
async def test_a_field_sent_as_it_is_leaves_no_trace(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, field: str) -> None:
    session = await tenant.session(http)
    once = await administer(http, tenant, session, CHANGES)
    before = await traces(owner, session)
    again = await administer(http, tenant, session, {field: {**CHANGES, "status": "scheduled"}[field]})
    assert (again.status_code, again.json(), again.headers["etag"]) == (200, once.json(), once.headers["etag"])
    assert await traces(owner, session) == before


@pytest.mark.parametrize("body", [
    {}, {"unknown": [{"deep": None}]}, {"host_id": "me", "brand_id": "mine", "id": "x", "version": 9, "settings": {}},
    {"registered_count": 5, "started_at": "2027-01-01T00:00:00Z", "recording_url": "x", "created_at": None},
    {"community_slug": None}, {"cover_image_url": None}, {"scheduled_at": "2027-03-01T18:00:00.000999+01:00"},
    {"co_host_ids": [], "tags": []}, {"max_participants": 100.0},
])  # fmt: skip
async def test_what_says_nothing_new_leaves_no_trace(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, body: Json) -> None:
    before = await plain(http, tenant)
    assert await administered(http, tenant, before, body) == before
    assert await traces(owner, before) == (1, 1)


@pytest.mark.parametrize("field", ["co_host_ids", "tags"])
async def test_another_order_is_a_change(http: httpx.AsyncClient, tenant: Tenant, field: str) -> None:
    session = await tenant.session(http)
    await administered(http, tenant, session, {field: ["a", "b"]})
    response = await administer(http, tenant, session, {field: ["b", "a"]})
    assert (response.json()[field], response.headers["etag"]) == (["b", "a"], '"3.0.0.0"')


async def test_null_clears_the_community(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    await administered(http, tenant, session, {"community_slug": "knees"})
    await administered(http, tenant, session, {"community_slug": None})
    assert await community_of(owner, session) is None


async def test_null_clears_the_cover_image(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await administered(http, tenant, session, {"cover_image_url": "https://a.example/b.jpg"})
    assert (await administered(http, tenant, session, {"cover_image_url": None}))["cover_image_url"] is None


async def test_clearing_one_field_lets_the_other_be(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    await administered(http, tenant, session, CHANGES)
    answer = await administered(http, tenant, session, {"community_slug": None, "tags": ["kept"]})
    assert (answer["cover_image_url"], await community_of(owner, session)) == (CHANGES["cover_image_url"], None)


@pytest.mark.parametrize("field", ["co_host_ids", "tags"])
async def test_a_list_is_emptied_by_an_empty_list(http: httpx.AsyncClient, tenant: Tenant, field: str) -> None:
    session = await tenant.session(http)
    await administered(http, tenant, session, CHANGES)
    assert (await administered(http, tenant, session, {field: []}))[field] == []


async def test_a_merge_patch_merges_metadata(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http, metadata={"a": 1, "b": {"c": 1, "d": 2}})
    body = {"metadata": {"a": None, "b": {"c": 3}}}
    assert (await administered(http, tenant, session, body, Content_Type=MERGE_PATCH))["metadata"] == {"b": {"c": 3, "d": 2}}


async def test_json_replaces_metadata(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http, metadata={"a": 1})
    assert (await administered(http, tenant, session, {"metadata": {"b": None}}))["metadata"] == {"b": None}


async def test_a_merge_patch_clears_by_null(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await administered(http, tenant, session, CHANGES)
    body = {"cover_image_url": None, "metadata": {"room": None}}
    answer = await administered(http, tenant, session, body, Content_Type=MERGE_PATCH)
    assert (answer["cover_image_url"], answer["metadata"], answer["tags"]) == (None, {}, CHANGES["tags"])


async def test_a_merge_that_grows_over_16_kib_is_refused_whole(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http, metadata={"a": "x" * 9000})
    body = {"title": "Half", "metadata": {"b": "y" * 9000}}
    assert_refused(
        await administer(http, tenant, session, body, Content_Type=MERGE_PATCH), "validation_error", names="metadata"
    )
    assert await traces(owner, session) == (1, 1)


async def test_digits_in_metadata_are_kept(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    body = '{"metadata":{"n":12345678901234567890.1230}}'
    headers = admin(tenant, Content_Type="application/json")
    response = await http.patch(f"{ADMIN_SESSIONS}/{session['id']}", content=body, headers=headers)
    assert '"n": 12345678901234567890.1230' in response.text


async def test_the_last_of_duplicate_keys_wins(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    headers = admin(tenant, Content_Type="application/json")
    response = await http.patch(
        f"{ADMIN_SESSIONS}/{session['id']}", content='{"tags":["a"],"title":"x","tags":["b"]}', headers=headers
    )
    assert response.json()["tags"] == ["b"]


async def test_seats_taken_are_counted_and_kept_when_there_are_fewer(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    session = await tenant.session(http, max_participants=2)
    await owner.execute(
        "insert into registrations (brand_id, id, session_id, user_id, status, position, capacity_at_admission, registered_at)"
        " select $1, gen_random_uuid(), $2, 'person ' || n, 'registered', n, 2, now() from generate_series(1, 2) n",
        tenant.brand, id_of(session),
    )  # fmt: skip
    await owner.execute("update sessions set registered_count = 2 where id = $1", id_of(session))
    await hold_together(owner, tenant.brand)
    answer = await administered(http, tenant, session, {"max_participants": 1})
    assert (answer["max_participants"], answer["registered_count"]) == (1, 2)
