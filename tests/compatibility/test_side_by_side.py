"""Both releases at once on the same sessions, as in a rolling upgrade or its way back."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from tests.compatibility.releases import Both
from tests.compatibility.today import leave_traces_of_everything
from tests.server import AUTHORITIES
from tests.tenant import Tenant

DIRECTIONS = pytest.mark.parametrize(("first", "second"), [("old", "new"), ("new", "old")])

Clients = Mapping[str, httpx.AsyncClient]


@pytest.fixture
async def at(both: Both) -> AsyncIterator[Clients]:
    """A client of each release."""
    async with (
        httpx.AsyncClient(verify=AUTHORITIES, base_url=both.old.url, timeout=30) as old,
        httpx.AsyncClient(verify=AUTHORITIES, base_url=both.new.url, timeout=30) as new,
    ):
        yield {"old": old, "new": new}


@DIRECTIONS
async def test_a_session_that_one_made_the_other_changes_and_ends(at: Clients, tenant: Tenant, first: str, second: str) -> None:
    session = await tenant.session(at[first])
    changed = await tenant.patch(at[second], session, {"title": "Knees", "metadata": {"room": "red"}})
    assert changed.status_code == 200, changed.text
    read = await at[first].get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())
    assert read.json() == changed.json()
    assert read.headers["etag"] == changed.headers["etag"]
    assert (await tenant.step(at[first], session, "start")).json()["status"] == "live"
    assert (await tenant.step(at[second], session, "end")).json()["status"] == "ended"
    assert (await tenant.patch(at[first], session, {})).json()["error"] == "invalid_status"


@DIRECTIONS
async def test_a_key_that_one_has_seen_the_other_answers_alike(at: Clients, tenant: Tenant, first: str, second: str) -> None:
    headers = tenant.bearer(Idempotency_Key="k")
    created = await at[first].post("/v1/sessions", json=tenant.wanted(), headers=headers)
    again = await at[second].post("/v1/sessions", json=tenant.wanted(), headers=headers)
    assert (again.status_code, again.json(), again.headers["idempotency-replayed"]) == (201, created.json(), "true")
    assert again.headers["location"] == created.headers["location"]
    assert again.headers["etag"] == created.headers["etag"]
    other = await at[second].post("/v1/sessions", json=tenant.wanted(title="Other"), headers=headers)
    assert other.json()["error"] == "idempotency_key_payload_mismatch"
    path = f"{created.headers['location']}/start"
    started = await at[first].post(path, headers=headers)
    repeated = await at[second].post(path, headers=headers)
    assert (repeated.json(), repeated.headers["idempotency-replayed"]) == (started.json(), "true")


@DIRECTIONS
async def test_a_version_that_one_has_raised_is_stale_at_the_other(
    at: Clients, tenant: Tenant, first: str, second: str
) -> None:
    session = await tenant.session(at[first])
    held = '"1.0.0.0"'
    for turn in range(4):
        mine, theirs = (first, second) if turn % 2 == 0 else (second, first)
        done = await tenant.patch(at[mine], session, {"title": f"Turn {turn}"}, If_Match=held)
        assert done.status_code == 200, done.text
        stale = await tenant.patch(at[theirs], session, {"title": "Too late"}, If_Match=held)
        assert stale.json()["error"] == "precondition_failed"
        held = done.headers["etag"]


async def test_of_many_edits_of_one_version_at_both_exactly_one_wins(at: Clients, tenant: Tenant) -> None:
    session = await tenant.session(at["old"])
    edits = [
        tenant.patch(at[release], session, {"title": f"{release} {turn}"}, If_Match='"1.0.0.0"')
        for turn in range(20)
        for release in ("old", "new")
    ]
    answers = [response.status_code for response in await asyncio.gather(*edits)]
    assert sorted(answers) == [200, *([412] * 39)]


async def test_of_many_edits_at_both_none_is_lost(at: Clients, tenant: Tenant) -> None:
    session = await tenant.session(at["new"])
    edits = [
        tenant.patch(
            at[release], session, {"metadata": {f"{release} {turn}": turn}}, Content_Type="application/merge-patch+json"
        )
        for turn in range(20)
        for release in ("old", "new")
    ]
    assert {response.status_code for response in await asyncio.gather(*edits)} == {200}
    read = await at["old"].get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())
    assert len(read.json()["metadata"]) == 40
    assert read.headers["etag"].startswith('"41.')


async def test_of_many_starts_at_both_one_takes_effect(at: Clients, tenant: Tenant, both: Both) -> None:
    session = await tenant.session(at["old"])
    steps = [tenant.step(at[release], session, "start") for _ in range(10) for release in ("old", "new")]
    answers = await asyncio.gather(*steps)
    assert {response.status_code for response in answers} == {200}
    assert len({response.headers["etag"] for response in answers}) == 1
    assert both.old.process.poll() is both.new.process.poll() is None


async def test_what_only_today_can_do_does_not_confuse_the_previous_release(at: Clients, tenant: Tenant) -> None:
    session = await leave_traces_of_everything(at["new"], tenant)
    seen = [await at[release].get(f"/v1/sessions/{session['id']}", headers=tenant.bearer()) for release in ("old", "new")]
    assert seen[0].status_code == 200
    assert seen[0].json() == seen[1].json()
    assert seen[0].headers["etag"] == seen[1].headers["etag"]


async def test_a_co_host_of_today_may_change_the_session_at_the_previous_release(at: Clients, tenant: Tenant) -> None:
    session = await tenant.session(at["new"])
    assert (await tenant.patch(at["old"], session, {"title": "No"}, user="host_2")).status_code == 403
    await at["new"].put(f"/v1/sessions/{session['id']}/co-hosts/host_2", headers=tenant.bearer())
    assert (await tenant.patch(at["old"], session, {"title": "Yes"}, user="host_2")).status_code == 200


async def test_what_the_previous_release_changes_keeps_what_it_does_not_know(at: Clients, tenant: Tenant) -> None:
    session = await tenant.session(at["new"])
    path = f"/v1/admin/sessions/{session['id']}"
    unknown = {"description": "Bring your knees.", "tags": ["knee"], "co_host_ids": ["host_2"], "duration_minutes": 45}
    admin = tenant.bearer(scope="admin:live")
    assert (await at["new"].patch(path, json=unknown, headers=admin)).status_code == 200
    assert (await tenant.patch(at["old"], session, {"title": "Knees", "metadata": {"a": 1}})).status_code == 200
    assert (await tenant.step(at["old"], session, "start")).status_code == 200
    kept = (await at["new"].patch(path, json={}, headers=admin)).json()
    assert kept.items() >= {**unknown, "title": "Knees", "status": "live"}.items()
