"""PATCH with application/merge-patch+json: metadata is merged by RFC 7396; every other field is as in application/json."""

import json
from typing import Any

import httpx
import pytest

from tests.postgres import Owner
from tests.tenant import Json, Tenant
from tests.wire import SENTINEL, assert_refused, assert_unchanged, id_of

MERGE_PATCH = "application/merge-patch+json"

# RFC 7396, appendix A: those whose target and patch are objects.
APPENDIX: list[tuple[Json, Json, Json]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]

OTHERS: list[tuple[Json, Json, Json]] = [
    ({"a": 1}, {}, {"a": 1}),
    ({"a": {"b": 1}}, {"a": 5}, {"a": 5}),
    ({"a": 5}, {"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 1}}}),
    ({"a": 1}, {"b": None}, {"a": 1}),
    ({"a": 1}, {"b": [None, {"c": None}]}, {"a": 1, "b": [None, {"c": None}]}),
    ({"": {"": 1}}, {"": {"": None, " ": 2}}, {"": {" ": 2}}),
    ({"a": {"b": {"c": 1, "d": 2}}}, {"a": {"b": {"c": None}}}, {"a": {"b": {"d": 2}}}),
]


async def merge(http: httpx.AsyncClient, tenant: Tenant, session: Json, body: Any, **headers: str) -> httpx.Response:
    named = tenant.bearer(Content_Type=MERGE_PATCH, **headers)
    return await http.patch(f"/v1/sessions/{session['id']}", content=json.dumps(body), headers=named)


@pytest.mark.parametrize(("target", "patch", "merged"), [*APPENDIX, *OTHERS])
async def test_metadata_is_merged(http: httpx.AsyncClient, tenant: Tenant, target: Json, patch: Json, merged: Json) -> None:
    session = await tenant.session(http, metadata=target)
    response = await merge(http, tenant, session, {"metadata": patch})
    assert response.status_code == 200
    assert response.json()["metadata"] == merged


async def test_a_merge_that_changes_nothing_leaves_no_trace(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http, metadata={"a": {"b": 1}})
    response = await merge(http, tenant, session, {"metadata": {"a": {"b": 1}, "gone": None}})
    assert response.json() == session
    assert await owner.fetchval("select count(*) from all_events_any_brand_v1() where session_id = $1", id_of(session)) == 1


async def test_json_replaces_metadata_whole(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http, metadata={"a": 1, "b": {"c": 2}})
    response = await tenant.patch(http, session, {"metadata": {"b": {"d": None}}})
    assert response.json()["metadata"] == {"b": {"d": None}}


async def test_json_replaces_metadata_with_nothing(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http, metadata={"a": 1})
    assert (await tenant.patch(http, session, {"metadata": {}})).json()["metadata"] == {}


@pytest.mark.parametrize("field", ["metadata", "title", "scheduled_at", "max_participants", "kind"])
async def test_no_field_can_be_removed(http: httpx.AsyncClient, tenant: Tenant, field: str) -> None:
    session = await tenant.session(http, metadata={"a": 1})
    assert_refused(await merge(http, tenant, session, {field: None}), "validation_error", names=field)
    await assert_unchanged(http, tenant, session)


@pytest.mark.parametrize("metadata", [[], "x", 5, [{"a": 1}]])
async def test_metadata_is_merged_with_an_object_only(http: httpx.AsyncClient, tenant: Tenant, metadata: Any) -> None:
    session = await tenant.session(http, metadata={"a": 1})
    assert_refused(await merge(http, tenant, session, {"metadata": metadata}), "validation_error", names="metadata")
    await assert_unchanged(http, tenant, session)


@pytest.mark.parametrize("body", [[], None, "x", [{"title": "x"}]])
async def test_a_merge_patch_that_is_no_object_is_refused(http: httpx.AsyncClient, tenant: Tenant, body: Any) -> None:
    session = await tenant.session(http)
    assert_refused(await merge(http, tenant, session, body), "validation_error", names="body")
    await assert_unchanged(http, tenant, session)


async def test_the_other_fields_change_as_in_json(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http, metadata={"a": 1})
    response = await merge(http, tenant, session, {"title": "Merged", "max_participants": 5.0})
    changed = response.json()
    assert (changed["title"], changed["max_participants"], changed["metadata"]) == ("Merged", 5, {"a": 1})


async def test_a_merge_that_grows_over_16_kib_is_refused_and_changes_nothing(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http, metadata={"a": "x" * 9000})
    response = await merge(http, tenant, session, {"title": SENTINEL, "metadata": {"b": "y" * 9000}})
    assert_refused(response, "validation_error", names="metadata", never=["yyyy"])
    await assert_unchanged(http, tenant, session)


async def test_a_merge_may_make_room_for_what_it_adds(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http, metadata={"a": "x" * 9000})
    response = await merge(http, tenant, session, {"metadata": {"a": None, "b": "y" * 9000}})
    assert response.json()["metadata"] == {"b": "y" * 9000}


async def test_a_merge_keeps_the_digits_of_numbers(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http, metadata={"a": {"b": 1}})
    named = tenant.bearer(Content_Type=MERGE_PATCH)
    body = '{"metadata":{"a":{"c":12345678901234567890.120}}}'
    response = await http.patch(f"/v1/sessions/{session['id']}", content=body, headers=named)
    assert "12345678901234567890.120}" in response.text


async def test_a_merge_of_metadata_is_told_by_its_name(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    await merge(http, tenant, session, {"metadata": {"a": 1}})
    changed = await owner.fetchval("select changed from audit_log where entity_id = $1 and entity_version = 2", id_of(session))
    assert changed == ["metadata"]
