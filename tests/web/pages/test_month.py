"""A month of the viewer's calendar, whatever the months of UTC."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from greenroom.kit.wire import Month
from greenroom.web.participants.months import Span, grid_of, span_of
from greenroom.web.participants.shelves import MOST_IN_A_MONTH
from greenroom.web.times import Clock
from tests.postgres import Owner
from tests.server import Server
from tests.sessions.lists import plant, session_at
from tests.tenant import Tenant
from tests.web.pages.shown import at, in_grid, opened
from tests.web.pages.visiting import Page

MARCH = datetime(2027, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


async def test_a_month_is_the_viewers_month(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    await at(http, tenant, "2027-02-28T23:30:00Z", "february in London")
    await at(http, tenant, "2027-03-31T23:30:00Z", "march in London")
    march = "/?month=2027-03"
    assert [one.get_text().split(maxsplit=1)[1] for one in (await opened(server, tenant, march)).all(".month a")] == [
        "march in London"
    ]
    page = await opened(server, tenant, march, zone="Asia/Tokyo")
    assert [one.get_text().split(maxsplit=1)[1] for one in page.all(".month a")] == ["february in London"]
    assert page.one(".month td:has(a) .day-number").get_text().split() == ["Mon", "1"]
    assert [str(one["href"]).rpartition("=")[2] for one in page.all("a[rel=prev], a[rel=next]")] == ["2027-02", "2027-04"]


async def test_today_is_marked(server: Server, tenant: Tenant) -> None:
    today = datetime.now(UTC)
    page = await opened(server, tenant, f"/?month={today:%Y-%m}")
    assert page.one("td[aria-current=date] .day-number").get_text().split()[1] in {
        str(today.day),
        str((today + timedelta(minutes=1)).day),
    }


@pytest.mark.parametrize("month", ["0001-01", "9999-12"])
@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati"])
async def test_the_calendars_ends_have_months_too(server: Server, tenant: Tenant, month: str, zone: str) -> None:
    page = await opened(server, tenant, f"/?month={month}", zone=zone)
    assert page.status == 200
    assert "Nothing is on in this month." in page.text
    assert len(page.all("a[rel=prev], a[rel=next]")) == 1


async def test_a_month_has_all_that_was_and_will_be_with_what_became_of_it(
    server: Server, tenant: Tenant, owner: Owner
) -> None:
    states = ("ended", "live", "scheduled", "cancelled")
    await plant(
        owner, tenant, *(session_at(datetime(2020, 5, 4 + day, 12, tzinfo=UTC), status=one) for day, one in enumerate(states))
    )
    page = await opened(server, tenant, "/?month=2020-05")
    assert list(in_grid(page)) == [4, 5, 6, 7]
    assert [" ".join(one.get_text(" ").split()) for one in page.all(".month li p")] == [
        "Broadcast Ended", "Broadcast Live 100 seats left", "Broadcast 100 seats left", "Broadcast Cancelled",
    ]  # fmt: skip


async def test_a_day_has_its_sessions_by_time_and_says_what_is_ones_own(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    await at(http, tenant, "2027-03-09T17:00:00Z", "second", max_participants=1)
    mine = await at(http, tenant, "2027-03-09T08:00:00Z", "first", max_participants=1, kind="office_hours")
    await http.post(f"/v1/sessions/{mine['id']}/registrations", headers=tenant.bearer("ada"))
    page = await opened(server, tenant, "/?month=2027-03")
    assert in_grid(page) == {9: ["08:00 first", "17:00 second"]}
    assert [" ".join(one.get_text(" ").split()) for one in page.all(".month li p")] == [
        "Office hours You have a seat Full", "Broadcast 1 seat left",
    ]  # fmt: skip


async def test_a_seat_is_said_to_be_had_as_long_as_there_is_one(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    states: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("1", ()),
        ("2", ("start",)),
        ("3", ("start", "end")),
        ("4", ("cancel",)),
    )
    for day, steps in states:
        session = await at(http, tenant, f"2027-03-0{day}T12:00:00Z", day)
        await http.post(f"/v1/sessions/{session['id']}/registrations", headers=tenant.bearer("ada"))
        for step in steps:
            await tenant.step(http, session, step)
    page = await opened(server, tenant, "/?month=2027-03")
    assert [" ".join(one.get_text(" ").split()) for one in page.all(".month li p")] == [
        "Broadcast You have a seat 99 seats left", "Broadcast Live You have a seat 99 seats left",
        "Broadcast Ended You had a seat", "Broadcast Cancelled",
    ]  # fmt: skip


async def test_weeks_without_anything_are_left_out_on_a_phone_and_the_one_with_today_is_not(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    await at(http, tenant, "2027-03-09T12:00:00Z", "one")
    weeks = (await opened(server, tenant, "/?month=2027-03")).all(".month tbody tr")
    assert [one.has_attr("class") for one in weeks] == [True, False, True, True, True]
    assert (await opened(server, tenant, "/?month=2027-04")).has("table.month.free")
    this_one = await opened(server, tenant, f"/?month={datetime.now(UTC):%Y-%m}")
    assert not this_one.has("table.month.free")
    assert not this_one.has("tr.free td[aria-current]")


async def test_the_first_and_the_last_minute_of_a_month_are_in_it(server: Server, tenant: Tenant, owner: Owner) -> None:
    begins, ends = datetime(2027, 3, 1, 5, tzinfo=UTC), datetime(2027, 4, 1, 4, tzinfo=UTC)  # summer time since the 14th
    await plant(
        owner, tenant,
        session_at(begins - MINUTE, title="before"), session_at(begins, title="first"),
        session_at(ends - MINUTE, title="last"), session_at(ends, title="after"),
    )  # fmt: skip
    page = await opened(server, tenant, "/?month=2027-03", zone="America/New_York")
    assert in_grid(page) == {1: ["00:00 first"], 31: ["23:59 last"]}


async def test_a_month_is_narrowed_and_leads_on_with_what_was_chosen(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    await at(http, tenant, "2027-03-09T08:00:00Z", "broadcast")
    await at(http, tenant, "2027-03-10T08:00:00Z", "hours", kind="office_hours")
    page = await opened(server, tenant, "/?month=2027-03&kind=office_hours")
    assert in_grid(page) == {10: ["08:00 hours"]}
    assert page.form("/")["month"] == "2027-03"
    assert [one["href"] for one in page.all("a[rel]")] == [
        "/?kind=office_hours&month=2027-02", "/?kind=office_hours&month=2027-04",
    ]  # fmt: skip
    nothing = await opened(server, tenant, "/?month=2027-03&category=knee")
    assert "Nothing of this kind is on in this month." in nothing.text
    assert nothing.one(".empty a")["href"] == "/?month=2027-03"


async def test_the_month_before_and_after_are_named(server: Server, tenant: Tenant) -> None:
    page = await opened(server, tenant, "/?month=2027-01")
    assert [" ".join(one.get_text().split()) for one in page.all("a[rel]")] == ["← December 2026", "February 2027 →"]
    assert page.title.startswith("January 2027")


async def test_a_month_of_many_pages_is_read_whole_and_of_too_many_says_that_it_is_cut(
    server: Server, tenant: Tenant, owner: Owner
) -> None:
    begins, ends = datetime(2027, 3, 1, 5, tzinfo=UTC), datetime(2027, 4, 1, 4, tzinfo=UTC)
    many = (session_at(begins + number * MINUTE, title=f"{number}") for number in range(MOST_IN_A_MONTH))
    await plant(owner, tenant, *many, session_at(ends, title="of the next month"))
    whole = await opened(server, tenant, "/?month=2027-03", zone="America/New_York")
    assert len(in_grid(whole)[1]) == MOST_IN_A_MONTH
    assert "These are the first" not in whole.text
    await plant(owner, tenant, session_at(ends - MINUTE, title="one too many"))
    cut = await opened(server, tenant, "/?month=2027-03", zone="America/New_York")
    assert list(in_grid(cut)) == [1]
    assert f"These are the first {MOST_IN_A_MONTH} sessions of the month." in cut.text


async def test_a_month_of_utc_before_it_that_is_full_hides_nothing(server: Server, tenant: Tenant, owner: Owner) -> None:
    before = (session_at(datetime(2027, 2, 1, tzinfo=UTC) + number * MINUTE) for number in range(MOST_IN_A_MONTH + 1))
    await plant(owner, tenant, *before, session_at(MARCH - 30 * MINUTE, title="at half past midnight"))
    page = await opened(server, tenant, "/?month=2027-03", zone="Europe/Berlin")
    assert in_grid(page) == {1: ["00:30 at half past midnight"]}


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati", "Europe/Berlin"])
async def test_sessions_at_the_calendars_ends_are_in_their_months(
    http: httpx.AsyncClient, server: Server, tenant: Tenant, zone: str
) -> None:
    await at(http, tenant, "0001-01-01T00:00:00Z", "first of all")
    await at(http, tenant, "9999-12-31T23:59:59Z", "last of all")
    assert "first of all" in str(in_grid(await opened(server, tenant, "/?month=0001-01", zone=zone))[1])
    assert "last of all" in str(in_grid(await opened(server, tenant, "/?month=9999-12", zone=zone))[31])
    assert (await opened(server, tenant, zone=zone)).status == 200


async def test_it_is_a_table_with_a_heading_for_each_day_of_the_week(server: Server, tenant: Tenant) -> None:
    page = await opened(server, tenant, "/?month=2027-03")
    assert [one.get_text() for one in page.all("table.month th[scope=col]")] == [
        "Mon",
        "Tue",
        "Wed",
        "Thu",
        "Fri",
        "Sat",
        "Sun",
    ]
    assert {len(row.select("td")) for row in page.all("table.month tbody tr")} == {7}
    assert page.one(f"#{page.one('table')['aria-labelledby']}").get_text() == "March 2027"


async def test_today_is_the_viewers_and_in_words(server: Server, tenant: Tenant) -> None:
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):  # never the same day
        before, page = today_in(zone), None
        page = await opened(server, tenant, f"/?month={before:%Y-%m}", zone=zone)
        assert_today(page, {before.day, today_in(zone).day})
        assert not (await opened(server, tenant, "/?month=2020-05", zone=zone)).has("[aria-current=date]")


def today_in(zone: str) -> datetime:
    return Clock(zone).local(datetime.now(UTC))


def assert_today(page: Page, days: set[int]) -> None:
    cell = page.one("td[aria-current=date]")
    assert int(cell.select(".number")[0].get_text()) in days
    assert cell.select(".badge")[0].get_text() == "Today"


@pytest.mark.parametrize(
    ("zone", "begins", "ends", "months"),
    [
        (None, "2027-03-01T00:00", "2027-04-01T00:00", ["2027-03"]),
        ("Europe/Berlin", "2027-02-28T23:00", "2027-03-31T22:00", ["2027-02", "2027-03"]),
        ("America/New_York", "2027-03-01T05:00", "2027-04-01T04:00", ["2027-03", "2027-04"]),
        ("Pacific/Kiritimati", "2027-02-28T10:00", "2027-03-31T10:00", ["2027-02", "2027-03"]),
    ],
)
def test_a_month_begins_and_ends_at_midnight_in_the_zone(zone: str | None, begins: str, ends: str, months: list[str]) -> None:
    span = span_of(Month("2027-03"), Clock(zone))
    assert span == Span(datetime.fromisoformat(f"{begins}Z"), datetime.fromisoformat(f"{ends}Z"))
    assert list(span.months_of_utc()) == months


@pytest.mark.parametrize("zone", [None, "America/New_York", "Pacific/Kiritimati"])
def test_the_calendars_ends_are_those_of_utc(zone: str | None) -> None:
    assert span_of(Month("0001-01"), Clock(zone)).begins == datetime(1, 1, 1, tzinfo=UTC)
    assert span_of(Month("9999-12"), Clock(zone)).ends is None
    assert list(span_of(Month("9999-12"), Clock(zone)).months_of_utc())[-1] == "9999-12"
    assert span_of(Month("0001-02"), Clock(zone)).begins.year == 1


def test_a_grid_has_every_day_of_the_month_once() -> None:
    grid = grid_of(Month("2028-02"), [], Clock(None), at=datetime(2028, 2, 29, 12, tzinfo=UTC), is_cut=False)
    assert [day.number for week in grid.weeks for day in week if day.number] == list(range(1, 30))
    assert [day.number for week in grid.weeks for day in week if day.is_today] == [29]
