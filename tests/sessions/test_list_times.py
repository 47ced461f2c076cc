"""Lists narrowed by time: `upcoming`, and `month` to its first and last instant in UTC."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.postgres import Owner
from tests.sessions.lists import NOON, Planted, ids_of, in_order, listed, page, plant, session_at, walked
from tests.tenant import Tenant

HOUR = timedelta(hours=1)
MILLISECOND = timedelta(milliseconds=1)


def around_now() -> dict[str, Planted]:
    """A session of every status, an hour ago and in an hour."""
    now = datetime.now(UTC)
    return {
        f"{status} {when}": session_at(now + hours * HOUR, status=status)
        for status in ("scheduled", "live", "ended", "cancelled")
        for when, hours in (("past", -1), ("to come", 1))
    }


@pytest.mark.parametrize("sent", [
    {"upcoming": "true"}, {"upcoming": "1"}, {"upcoming_only": "true"}, {"upcoming_only": "1"},
    {"upcoming": "1", "upcoming_only": "true"}, {"upcoming": "1", "status": "scheduled"},
])  # fmt: skip
async def test_upcoming_is_what_is_scheduled_and_not_past(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, sent: dict[str, str]
) -> None:
    sessions = around_now()
    await plant(owner, tenant, *sessions.values())
    assert await listed(http, tenant, **sent) == [str(sessions["scheduled to come"].id)]


@pytest.mark.parametrize(
    "sent", [{}, {"upcoming": "false"}, {"upcoming_only": "0"}, {"upcoming": "0", "upcoming_only": "false"}]
)
async def test_without_upcoming_the_past_is_listed_too(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, sent: dict[str, str]
) -> None:
    sessions = around_now().values()
    await plant(owner, tenant, *sessions)
    assert await listed(http, tenant, **sent) == in_order(list(sessions))


@pytest.mark.parametrize("status", ["live", "ended", "cancelled"])
async def test_nothing_upcoming_is_of_another_status(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, status: str
) -> None:
    await plant(owner, tenant, *around_now().values())
    assert await listed(http, tenant, upcoming="true", status=status) == []


async def test_a_session_stops_being_upcoming_when_its_time_comes(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    far = session_at(datetime.now(UTC) + HOUR)
    await plant(owner, tenant, session_at(datetime.now(UTC) + timedelta(seconds=1)), far)
    async with asyncio.timeout(20):
        while len(await listed(http, tenant, upcoming="1")) > 1:  # noqa: ASYNC110  # the clock tells nobody
            await asyncio.sleep(0.1)
    assert await listed(http, tenant, upcoming="1") == [str(far.id)]


@pytest.mark.parametrize("borders", [
    ("2031-05", "2031-05-01T00:00:00.000Z", "2031-05-31T23:59:59.999Z"),
    ("2031-12", "2031-12-01T00:00:00.000Z", "2031-12-31T23:59:59.999Z"),
    ("2032-02", "2032-02-01T00:00:00.000Z", "2032-02-29T23:59:59.999Z"),
    ("2100-02", "2100-02-01T00:00:00.000Z", "2100-02-28T23:59:59.999Z"),
    ("0001-12", "0001-12-01T00:00:00.000Z", "0001-12-31T23:59:59.999Z"),
    ("9999-11", "9999-11-01T00:00:00.000Z", "9999-11-30T23:59:59.999Z"),
])  # fmt: skip
async def test_a_month_goes_from_its_first_instant_in_utc_to_its_last(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, borders: tuple[str, str, str]
) -> None:
    month, *instants = borders
    first, last = map(datetime.fromisoformat, instants)
    _, found_first, found_last, _ = await plant(
        owner, tenant, *[session_at(at) for at in (first - MILLISECOND, first, last, last + MILLISECOND)]
    )
    assert await listed(http, tenant, month=month) == [found_first, found_last]


async def test_the_first_month_of_the_calendar(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    first, last, after = (
        datetime.min.replace(tzinfo=UTC),
        datetime(1, 1, 31, 23, 59, 59, tzinfo=UTC),
        datetime(1, 2, 1, tzinfo=UTC),
    )
    sessions = [session_at(at) for at in (first, last, after)]
    await plant(owner, tenant, *sessions)
    assert await walked(http, tenant.bearer(), month="0001-01", limit=1) == [[one] for one in in_order(sessions)[:2]]


async def test_the_last_month_of_the_calendar(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    before, first = datetime(9999, 11, 30, 23, 59, 59, tzinfo=UTC), datetime(9999, 12, 1, tzinfo=UTC)
    last = datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
    sessions = [session_at(at) for at in (before, first, last)]
    await plant(owner, tenant, *sessions)
    assert await walked(http, tenant.bearer(), month="9999-12", limit=1) == [[one] for one in in_order(sessions)[1:]]


async def test_a_month_goes_on_on_its_next_page_and_ends_with_its_last(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    sessions = [session_at(NOON + days * timedelta(days=10)) for days in range(-1, 5)]
    await plant(owner, tenant, *sessions)
    assert await walked(http, tenant.bearer(), month="2031-05", limit=2) == [in_order(sessions)[1:3], in_order(sessions)[3:5]]


async def test_a_time_with_an_offset_is_in_its_month_of_utc(http: httpx.AsyncClient, tenant: Tenant) -> None:
    created = await tenant.session(http, scheduled_at="2031-06-01T01:30:00+02:00")
    assert await listed(http, tenant, month="2031-05") == [created["id"]]
    assert await listed(http, tenant, month="2031-06") == []


async def test_of_this_month_the_upcoming_part_is_listed(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    now = datetime.now(UTC)
    past, soon = session_at(now - timedelta(seconds=2)), session_at(now + timedelta(minutes=1))
    await plant(owner, tenant, past, soon)
    found = await listed(http, tenant, month=soon.at.strftime("%Y-%m"), upcoming="true")
    assert found == [str(soon.id)]


async def test_of_a_month_that_is_over_nothing_is_upcoming(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await plant(owner, tenant, session_at(datetime(2020, 2, 3, tzinfo=UTC)))
    assert len(await listed(http, tenant, month="2020-02")) == 1
    assert await listed(http, tenant, month="2020-02", upcoming="true") == []


async def test_the_upcoming_pages_go_on_where_the_last_one_ended(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    soon = datetime.now(UTC) + HOUR
    sessions = [session_at(soon) for _ in range(5)]
    await plant(owner, tenant, *sessions, *[session_at(soon, status="cancelled") for _ in range(5)])
    assert [len(read) for read in await walked(http, tenant.bearer(), upcoming="true", limit=2)] == [2, 2, 1]


async def test_a_next_page_of_upcoming_sessions_leaves_out_those_whose_time_came_meanwhile(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1)
    sessions = [session_at(soon), session_at(soon + MILLISECOND), session_at(soon + HOUR)]
    await plant(owner, tenant, *sessions)
    first = await page(http, tenant.bearer(), upcoming="true", limit=1)
    assert ids_of(first) == [str(sessions[0].id)]
    await asyncio.sleep(1.2)
    second = await page(http, tenant.bearer(), upcoming="true", limit=1, cursor=first["next_cursor"])
    assert ids_of(second) == [str(sessions[2].id)]
