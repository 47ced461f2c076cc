"""ETag, If-Match, If-None-Match (RFC 9110, section 13): what they compare, and what a registration does to them."""

import re
from uuid import uuid4

import httpx
import pytest

from tests.planted import hold_together
from tests.postgres import Owner
from tests.server import Server
from tests.tenant import Json, Tenant
from tests.wire import assert_refused, assert_unchanged, authorized, exchange, id_of, request_of

CHANGE = {"title": "Changed"}


async def get(
    http: httpx.AsyncClient, tenant: Tenant, session: Json, *, user: str = "host_1", **headers: str
) -> httpx.Response:
    return await http.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer(user, **headers))


async def register(owner: Owner, session: Json, user: str) -> None:
    """A seat taken, whatever the session's status and capacity."""
    await owner.execute(
        "insert into registrations (brand_id, id, session_id, user_id, status, position, capacity_at_admission, registered_at)"
        " values ($1, $2, $3, $4, 'registered', 1, 100, now())", session["brand_id"], uuid4(), id_of(session), user,
    )  # fmt: skip
    await owner.execute("update sessions set registered_count = registered_count + 1 where id = $1", id_of(session))
    await hold_together(owner, session["brand_id"])


async def test_every_answer_of_a_session_has_a_strong_tag(http: httpx.AsyncClient, tenant: Tenant) -> None:
    created = await http.post("/v1/sessions", json=tenant.wanted(), headers=tenant.bearer())
    session = created.json()
    changed = await tenant.patch(http, session, CHANGE)
    read = await get(http, tenant, session)
    started = await tenant.step(http, session, "start")
    tags = [answer.headers["etag"] for answer in (created, changed, read, started)]
    assert tags == ['"1.0.0.0"', '"2.0.0.0"', '"2.0.0.0"', '"3.0.0.0"']
    assert all(re.fullmatch(r'"\d+\.\d+\.\d+\.[01]"', tag) for tag in tags)


async def test_a_session_is_a_callers_own_view(http: httpx.AsyncClient, tenant: Tenant) -> None:
    read = await get(http, tenant, await tenant.session(http))
    assert "private" in read.headers["cache-control"]


@pytest.mark.parametrize("tag", [
    '"1.0.0.0"', '"1.7.9.1"', "*", '"9.0.0.0", "1.0.0.0"', '"other","1.0.0.0"', '"x" , "1.0.0.0"',
    ', "1.0.0.0",', '"a,b", "1.0.0.0"',
])  # fmt: skip
async def test_a_change_is_made_when_if_match_names_the_version(http: httpx.AsyncClient, tenant: Tenant, tag: str) -> None:
    session = await tenant.session(http)
    assert (await tenant.patch(http, session, CHANGE, If_Match=tag)).status_code == 200


@pytest.mark.parametrize("tag", [
    '"2.0.0.0"', '"0.0.0.0"', 'W/"1.0.0.0"', 'W/"1.0.0.0", "2.0.0.0"', '"other"', '""', '"1"', '"1.0.0"', '"1.0.0.0.0"',
    '"01.0.0.x"', '"-1.0.0.0"', '"99999999999999999999.0.0.0"', '"4294967297.0.0.0"', '"1.0.0.2"',
])  # fmt: skip
async def test_a_change_is_refused_when_if_match_names_another(http: httpx.AsyncClient, tenant: Tenant, tag: str) -> None:
    session = await tenant.session(http)
    assert_refused(await tenant.patch(http, session, CHANGE, If_Match=tag), "precondition_failed")
    await assert_unchanged(http, tenant, session)


async def test_several_if_match_lines_are_one_list(server: Server, http: httpx.AsyncClient, tenant: Tenant) -> None:
    """RFC 9110, section 5.3."""
    session = await tenant.session(http)
    headers = authorized(tenant, ("Content-Type", b"application/json"), ("If-Match", b'"9.0.0.0"'), ("If-Match", b'"1.0.0.0"'))
    request = request_of("PATCH", f"/v1/sessions/{session['id']}".encode(), headers, b"{}")
    assert (await exchange(server, request)).status_code == 200


async def test_who_edits_second_with_the_first_tag_is_told(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    first = await tenant.patch(http, session, {"title": "First"}, If_Match='"1.0.0.0"')
    second = await tenant.patch(http, session, {"title": "Second"}, If_Match='"1.0.0.0"')
    assert_refused(second, "precondition_failed")
    assert (await get(http, tenant, session)).json() == first.json()


async def test_a_transition_makes_an_edit_stale(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await tenant.step(http, session, "start")
    assert_refused(await tenant.patch(http, session, CHANGE, If_Match='"1.0.0.0"'), "precondition_failed")


async def test_a_stale_edit_of_an_ended_session_is_told_as_stale(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.ended(http)
    assert_refused(await tenant.patch(http, session, CHANGE, If_Match='"1.0.0.0"'), "precondition_failed")
    assert_refused(await tenant.patch(http, session, CHANGE, If_Match='"3.0.0.0"'), "invalid_status")
    assert_refused(await tenant.patch(http, session, CHANGE, If_Match="*"), "invalid_status")


async def test_a_change_of_nothing_is_checked_all_the_same(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    assert_refused(await tenant.patch(http, session, {}, If_Match='"2.0.0.0"'), "precondition_failed")
    kept = await tenant.patch(http, session, {}, If_Match='"1.0.0.0"')
    assert (kept.status_code, kept.headers["etag"]) == (200, '"1.0.0.0"')


async def test_a_registration_makes_no_edit_stale(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    await register(owner, session, "patient_1")
    response = await tenant.patch(http, session, CHANGE, If_Match='"1.0.0.0"')
    assert (response.status_code, response.headers["etag"]) == (200, '"2.0.1.0"')


async def test_a_recording_makes_no_edit_stale(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    await owner.execute("update sessions set revision = 4, recording_url = 'x' where id = $1", id_of(session))
    response = await tenant.patch(http, session, CHANGE, If_Match='"1.0.0.0"')
    assert (response.status_code, response.headers["etag"]) == (200, '"2.4.0.0"')


@pytest.mark.parametrize("tag", ['"1.0.0.0"', 'W/"1.0.0.0"', "*", '"x", "1.0.0.0"', '"1.0.0.0" , "y"'])
async def test_a_copy_that_is_right_is_not_sent_again(http: httpx.AsyncClient, tenant: Tenant, tag: str) -> None:
    response = await get(http, tenant, await tenant.session(http), If_None_Match=tag)
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == '"1.0.0.0"'
    assert "private" in response.headers["cache-control"]
    assert response.headers["x-request-id"]


@pytest.mark.parametrize("tag", ['"2.0.0.0"', '"1.0.0.1"', '"1.0.1.0"', '"1.1.0.0"', '"x"', '"1"'])
async def test_a_copy_that_differs_in_anything_is_sent_anew(http: httpx.AsyncClient, tenant: Tenant, tag: str) -> None:
    session = await tenant.session(http)
    response = await get(http, tenant, session, If_None_Match=tag)
    assert (response.status_code, response.json()) == (200, session)


async def test_a_registration_makes_every_copy_old(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    await register(owner, session, "patient_1")
    theirs = await get(http, tenant, session, If_None_Match='"1.0.0.0"')
    mine = await get(http, tenant, session, user="patient_1", If_None_Match='"1.0.0.0"')
    assert (theirs.status_code, theirs.headers["etag"]) == (200, '"1.0.1.0"')
    assert (mine.status_code, mine.headers["etag"]) == (200, '"1.0.1.1"')


async def test_a_copy_of_somebody_elses_view_is_old(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    await register(owner, session, "patient_1")
    assert (await get(http, tenant, session, If_None_Match='"1.0.1.1"')).status_code == 200


async def test_head_is_get_without_the_body(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    path = f"/v1/sessions/{session['id']}"
    head = await http.head(path, headers=tenant.bearer())
    read = await http.get(path, headers=tenant.bearer())
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "content-type", "content-length", "cache-control"):
        assert head.headers[name] == read.headers[name]


async def test_head_answers_304_as_get_does(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    head = await http.head(f"/v1/sessions/{session['id']}", headers=tenant.bearer(If_None_Match='"1.0.0.0"'))
    assert (head.status_code, head.headers["etag"]) == (304, '"1.0.0.0"')


async def test_head_needs_a_token_as_get_does(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    assert (await http.head(f"/v1/sessions/{session['id']}")).status_code == 401
