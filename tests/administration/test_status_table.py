"""What an administrator may change in which status: a change is judged by the status that results from it."""

from itertools import product
from typing import Any, get_args

import httpx
import pytest

from tests.administration.admins import Audited, Status, administer, audit_of, events_of, session_that_is
from tests.postgres import Owner
from tests.tenant import Json, Tenant
from tests.wire import assert_refused

STATUSES: tuple[Status, ...] = get_args(Status)
WANTED: list[str | None] = [None, "scheduled", "cancelled"]

# Beside the status: nothing, what changes, what is sent as it is.
OTHERS: dict[str, Json] = {
    "nothing": {},
    "a title": {"title": "Another title"},
    "the present title": {"title": "Ask the physiotherapist"},
    "a time": {"scheduled_at": "2027-04-01T09:00:00Z"},
    "the present time": {"scheduled_at": "2027-03-01T17:00:00Z"},
    "a kind": {"kind": "office_hours"},
    "the present kind": {"kind": "live"},
    "tags": {"tags": ["knee"]},
    "a cleared cover image": {"cover_image_url": None},
    "a title and a time": {"title": "Another title", "scheduled_at": "2027-04-01T09:00:00Z"},
}

# What comes of: status, wanted status, and a change of nothing | of what may change while live | of the time or the kind.
REFUSED, KEPT, EDITED = "412", "as it was", "edited"
CANCELLED, REINSTATED, BOTH = "cancelled", "reinstated", "reinstated and edited"
TABLE: dict[tuple[Status, str | None], tuple[str, str, str]] = {
    ("scheduled", None): (KEPT, EDITED, EDITED),
    ("scheduled", "scheduled"): (KEPT, EDITED, EDITED),
    ("scheduled", "cancelled"): (CANCELLED, REFUSED, REFUSED),
    ("live", None): (KEPT, EDITED, REFUSED),
    ("live", "scheduled"): (REFUSED, REFUSED, REFUSED),
    ("live", "cancelled"): (REFUSED, REFUSED, REFUSED),
    ("ended", None): (REFUSED, REFUSED, REFUSED),
    ("ended", "scheduled"): (REFUSED, REFUSED, REFUSED),
    ("ended", "cancelled"): (REFUSED, REFUSED, REFUSED),
    ("cancelled", None): (REFUSED, REFUSED, REFUSED),
    ("cancelled", "scheduled"): (REINSTATED, BOTH, BOTH),
    ("cancelled", "cancelled"): (KEPT, REFUSED, REFUSED),
}
COLUMNS = {
    "nothing": 0, "the present title": 0, "the present time": 0, "the present kind": 0, "a cleared cover image": 0,
    "a title": 1, "tags": 1,
    "a time": 2, "a kind": 2, "a title and a time": 2,
}  # fmt: skip
ACTIONS = {EDITED: "updated", CANCELLED: "cancelled", REINSTATED: "reinstated", BOTH: "reinstated"}

CASES = [
    (status, wanted, other, TABLE[status, wanted][COLUMNS[other]])
    for status, wanted, other in product(STATUSES, WANTED, OTHERS)
]


def edited_in(other: str) -> list[str]:
    """The fields that are changed, in the order in which the audit names them."""
    return sorted(OTHERS[other]) if COLUMNS[other] else []


def told_of(outcome: str, edited: list[str]) -> list[str]:
    """The names of the events of a change, in their order."""
    names = {CANCELLED: ["cancelled"], REINSTATED: ["reinstated"], BOTH: ["reinstated"]}.get(outcome, [])
    names = [*names, *(["updated"] if edited else []), *(["rescheduled"] if "scheduled_at" in edited else [])]
    return [f"live.session.{name}.v1" for name in names]


def test_the_table_is_whole() -> None:
    assert TABLE.keys() == set(product(STATUSES, WANTED))
    assert COLUMNS.keys() == OTHERS.keys()


@pytest.mark.parametrize(("status", "wanted", "other", "outcome"), CASES)
async def test_a_change_is_judged_by_the_status_that_results(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, status: Status, wanted: str | None, other: str, outcome: str
) -> None:
    session = await session_that_is(http, tenant, status)
    audit, events = await audit_of(owner, session), await events_of(owner, session)
    sent: dict[str, Any] = {**OTHERS[other], **({} if wanted is None else {"status": wanted})}
    response = await administer(http, tenant, session, sent)
    read = (await http.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())).json()
    new_audit, new_events = (await audit_of(owner, session))[len(audit) :], (await events_of(owner, session))[len(events) :]
    if outcome in {REFUSED, KEPT}:
        assert read == session
        assert (new_audit, new_events) == ([], [])
        if outcome == REFUSED:
            assert_refused(response, "invalid_status")
        else:
            assert response.status_code == 200
        return
    assert response.status_code == 200, response.text
    edited = edited_in(other)
    assert response.json()["status"] == read["status"] == (wanted or status)
    changed = sorted([*edited, *([] if outcome == EDITED else ["status"])])
    assert new_audit == [Audited(len(audit) + 1, f"session.{ACTIONS[outcome]}", changed)]
    assert [event.name for event in new_events] == told_of(outcome, edited)


async def test_a_reinstated_session_can_be_held(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await session_that_is(http, tenant, "cancelled")
    await administer(http, tenant, session, {"status": "scheduled"})
    statuses = [(await tenant.step(http, session, verb)).json()["status"] for verb in ("start", "end")]
    assert statuses == ["live", "ended"]


async def test_a_session_may_be_cancelled_and_reinstated_again_and_again(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    for number in range(3):
        cancelled = await administer(http, tenant, session, {"status": "cancelled"})
        reinstated = await administer(http, tenant, session, {"status": "scheduled"})
        assert cancelled.headers["etag"] == f'"{2 * number + 2}.0.0.0"'
        assert reinstated.headers["etag"] == f'"{2 * number + 3}.0.0.0"'


async def test_a_session_that_the_administrator_cancelled_is_as_cancelled_as_by_its_host(
    http: httpx.AsyncClient, tenant: Tenant
) -> None:
    session = await tenant.session(http)
    await administer(http, tenant, session, {"status": "cancelled"})
    assert (await tenant.step(http, session, "cancel")).status_code == 200
    assert_refused(await tenant.step(http, session, "start"), "invalid_status")
    assert_refused(await tenant.patch(http, session, {}), "invalid_status")


async def test_who_hosts_cannot_reinstate(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await session_that_is(http, tenant, "cancelled")
    assert_refused(await tenant.patch(http, session, {"status": "scheduled"}), "invalid_status")


@pytest.mark.parametrize("scheduled_at", ["2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"])
async def test_a_reinstated_session_may_be_moved_to_any_time(
    http: httpx.AsyncClient, tenant: Tenant, scheduled_at: str
) -> None:
    session = await session_that_is(http, tenant, "cancelled")
    response = await administer(http, tenant, session, {"status": "scheduled", "scheduled_at": scheduled_at})
    assert response.json()["scheduled_at"] == scheduled_at.replace("Z", ".000Z")
