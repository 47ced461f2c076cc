"""POST /v1/sessions/{id}/start, /end, /cancel: guarded, told once, and final where DESIGN section 4 says so."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.postgres import Owner
from tests.tenant import Json, Tenant
from tests.wire import assert_refused, id_of

STEPS_TO = {"scheduled": [], "live": ["start"], "ended": ["start", "end"], "cancelled": ["cancel"]}

# What each step makes of each status; None: refused.
OUTCOMES = [
    ("scheduled", "start", "live"), ("scheduled", "end", None), ("scheduled", "cancel", "cancelled"),
    ("live", "start", "live"), ("live", "end", "ended"), ("live", "cancel", None),
    ("ended", "start", None), ("ended", "end", "ended"), ("ended", "cancel", None),
    ("cancelled", "start", None), ("cancelled", "end", None), ("cancelled", "cancel", "cancelled"),
]  # fmt: skip

Making = Callable[[str], Awaitable[Json]]


@pytest.fixture
def session_that_is(http: httpx.AsyncClient, tenant: Tenant) -> Making:
    """Makes a session of the status."""

    async def make(status: str) -> Json:
        session = await tenant.session(http)
        for verb in STEPS_TO[status]:
            response = await tenant.step(http, session, verb)
            assert response.status_code == 200
            session = response.json()
        return session

    return make


async def traces(owner: Owner, session: Json) -> tuple[int, int]:
    audit = await owner.fetchval("select count(*) from audit_log where entity_id = $1", id_of(session))
    told = await owner.fetchval("select count(*) from all_events_any_brand_v1() where session_id = $1", id_of(session))
    return audit, told


async def read(http: httpx.AsyncClient, tenant: Tenant, session: Json) -> Json:
    found: Json = (await http.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())).json()
    return found


@pytest.mark.parametrize(("status", "verb", "becomes"), OUTCOMES)
async def test_a_step_does_what_the_status_allows(
    *, http: httpx.AsyncClient, tenant: Tenant, session_that_is: Making, status: str, verb: str, becomes: str | None
) -> None:
    session = await session_that_is(status)
    response = await tenant.step(http, session, verb)
    if becomes is None:
        assert_refused(response, "invalid_status")
        assert await read(http, tenant, session) == session
    else:
        assert response.status_code == 200
        assert response.json()["status"] == becomes
        assert await read(http, tenant, session) == response.json()


@pytest.mark.parametrize(("status", "verb"), [("live", "start"), ("ended", "end"), ("cancelled", "cancel")])
async def test_a_step_repeated_answers_the_same_with_no_second_effect(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, session_that_is: Making, status: str, verb: str
) -> None:
    session = await session_that_is(status)
    before = await traces(owner, session)
    response = await tenant.step(http, session, verb)
    assert (response.status_code, response.json()) == (200, session)
    assert await traces(owner, session) == before


@pytest.mark.parametrize(("status", "verb", "action", "said"), [
    ("scheduled", "start", "started", "started_at"),
    ("live", "end", "ended", "ended_at"),
    ("scheduled", "cancel", "cancelled", "reason"),
])  # fmt: skip
async def test_a_step_leaves_one_audit_row_and_one_event(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, session_that_is: Making,
    status: str, verb: str, action: str, said: str,
) -> None:  # fmt: skip
    session = await session_that_is(status)
    audit, told = await traces(owner, session)
    await tenant.step(http, session, verb)
    assert await traces(owner, session) == (audit + 1, told + 1)
    row = await owner.fetchrow(
        "select a.action, a.changed, e.name, e.payload ? $2 as says, a.occurred_at = e.occurred_at as at_once"
        " from audit_log a join all_events_any_brand_v1() e"
        " on e.session_id = a.entity_id and e.session_version = a.entity_version"
        " where a.entity_id = $1 order by a.entity_version desc limit 1", id_of(session), said,
    )  # fmt: skip
    assert row is not None
    assert tuple(row) == (f"session.{action}", ["status"], f"live.session.{action}.v1", True, True)


async def test_a_start_tells_when(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    started = (await tenant.step(http, session, "start")).json()
    assert (started["started_at"], started["ended_at"]) == (started["updated_at"], None)
    ended = (await tenant.step(http, session, "end")).json()
    assert (ended["started_at"], ended["ended_at"]) == (started["started_at"], ended["updated_at"])
    assert ended["ended_at"] > ended["started_at"]


async def test_a_session_cancelled_was_never_started(http: httpx.AsyncClient, tenant: Tenant) -> None:
    cancelled = (await tenant.step(http, await tenant.session(http), "cancel")).json()
    assert (cancelled["started_at"], cancelled["ended_at"]) == (None, None)


async def test_a_host_may_start_long_before_the_time(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http, scheduled_at="2999-01-01T00:00:00Z")
    assert (await tenant.step(http, session, "start")).json()["status"] == "live"


@pytest.mark.parametrize("verb", ["start", "cancel"])
async def test_a_co_host_may_do_what_the_host_may(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, verb: str) -> None:
    session = await tenant.session(http)
    await owner.execute("update sessions set co_host_ids = '{host_2,host_3}' where id = $1", id_of(session))
    changed = await tenant.patch(http, session, {"title": "Ours"}, user="host_3")
    assert (changed.status_code, (await tenant.step(http, session, verb, user="host_3")).status_code) == (200, 200)


@pytest.mark.parametrize("verb", ["start", "end", "cancel"])
async def test_a_participant_may_not(http: httpx.AsyncClient, tenant: Tenant, verb: str) -> None:
    session = await tenant.session(http)
    assert_refused(await tenant.step(http, session, verb, user="patient_1"), "forbidden", never=["patient_1", "host_1"])
    assert_refused(await tenant.patch(http, session, {"title": "Mine"}, user="patient_1"), "forbidden")
    assert await read(http, tenant, session) == session


@pytest.mark.parametrize("scope", ["manage:live", "admin:live", "admin:*"])
async def test_who_manages_the_brand_may(http: httpx.AsyncClient, tenant: Tenant, scope: str) -> None:
    session = await tenant.session(http)
    manager = tenant.bearer("manager", scope=scope)
    path = f"/v1/sessions/{session['id']}"
    assert (await http.patch(path, json={"title": "Managed"}, headers=manager)).status_code == 200
    for verb, status in (("start", "live"), ("end", "ended")):
        assert (await http.post(f"{path}/{verb}", headers=manager)).json()["status"] == status


@pytest.mark.parametrize("verb", ["start", "end", "cancel"])
async def test_reading_does_not_allow_a_step(http: httpx.AsyncClient, tenant: Tenant, verb: str) -> None:
    session = await tenant.session(http)
    response = await http.post(f"/v1/sessions/{session['id']}/{verb}", headers=tenant.bearer(scope="read:live"))
    assert_refused(response, "insufficient_scope", names="write:live")


@pytest.mark.parametrize("verb", ["start", "end", "cancel"])
async def test_a_step_of_an_unknown_session_is_not_found(http: httpx.AsyncClient, tenant: Tenant, verb: str) -> None:
    for unknown in ("0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11", "no-uuid"):
        assert_refused(await tenant.step(http, {"id": unknown}, verb), "not_found", never=[unknown])


async def test_a_step_takes_any_body_and_reads_none(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    response = await http.post(f"/v1/sessions/{session['id']}/start", content=b"not json", headers=tenant.bearer())
    assert response.status_code == 200
