"""Timers as a running server has them: planned by what comes over HTTP, fired by the server itself."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import httpx

from tests.administration.admins import administered, events_of
from tests.faults.waiting import eventually
from tests.postgres import Owner
from tests.session_settings.said import brand_says, session_says
from tests.tenant import Json, Tenant
from tests.wire import id_of

BEGIN = datetime(2031, 3, 1, 17, tzinfo=UTC)
LATER = datetime(2031, 4, 1, 17, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def planned(owner: Owner, session: Json) -> tuple[str, datetime] | None:
    """What is next for it, and when."""
    row = await owner.fetchrow(
        "select kind, due_at from timers where brand_id = $1 and subject_id = $2", session["brand_id"], id_of(session)
    )
    return None if row is None else (row["kind"], row["due_at"])


def has_told(owner: Owner, session: Json, name: str) -> Callable[[], Awaitable[bool]]:
    """Whether the event is among the session's."""

    async def told() -> bool:
        return name in [event.name for event in await events_of(owner, session)]

    return told


async def test_each_request_that_moves_a_session_moves_its_timer(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http, scheduled_at=BEGIN.isoformat())
    assert await planned(owner, session) == ("first_reminder", BEGIN - 24 * HOUR)
    await tenant.patch(http, session, {"scheduled_at": LATER.isoformat()})
    assert await planned(owner, session) == ("first_reminder", LATER - 24 * HOUR)
    await session_says(http, tenant, session, first_reminder_minutes=60)
    assert await planned(owner, session) == ("first_reminder", LATER - HOUR)
    await tenant.step(http, session, "cancel")
    assert await planned(owner, session) is None
    await administered(http, tenant, session, {"status": "scheduled", "scheduled_at": BEGIN.isoformat()})
    assert await planned(owner, session) == ("first_reminder", BEGIN - HOUR)
    live = (await tenant.step(http, session, "start")).json()
    assert await planned(owner, session) == ("overrun", datetime.fromisoformat(live["started_at"]) + 4 * HOUR)
    await administered(http, tenant, session, {"duration_minutes": 300})
    assert await planned(owner, session) == ("overrun", datetime.fromisoformat(live["started_at"]) + 10 * HOUR)
    await tenant.step(http, session, "end")
    assert await planned(owner, session) is None


async def test_a_server_opens_the_doors_by_itself(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http, scheduled_at=datetime.now(UTC).isoformat())
    await eventually(has_told(owner, session, "live.session.doors_opened.v1"), "the doors open")
    names = [event.name for event in await events_of(owner, session)]
    assert names == ["live.session.created.v1", "live.session.doors_opened.v1"]


async def test_a_server_ends_what_is_told_to_end_at_once(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    await tenant.step(http, session, "start")
    await session_says(http, tenant, session, overrun_minutes=0)
    await eventually(has_told(owner, session, "live.session.ended.v1"), "it is ended")
    read = (await http.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())).json()
    assert read["status"] == "ended"


async def test_a_server_hears_what_a_brand_says(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http, scheduled_at=BEGIN.isoformat())
    await brand_says(http, tenant, first_reminder_minutes=120)

    async def moved() -> bool:
        return await planned(owner, session) == ("first_reminder", BEGIN - 2 * HOUR)

    await eventually(moved, "the timer moves")
