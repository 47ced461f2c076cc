"""What is on: live first, then by the viewer's days; a month; by kind and category; and a card for other sites."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from greenroom.kit.wire import Month
from greenroom.web.participants.months import grid_of, months_of_utc
from greenroom.web.times import Clock
from tests.postgres import TestDatabase
from tests.server import Server, running_server
from tests.tenant import Json, Tenant
from tests.web.pages.visiting import Page, visiting

ORIGIN = "https://www.example.com"


async def opened(server: Server, tenant: Tenant, path: str = "/", user: str | None = "ada", **more: str) -> Page:
    async with visiting(server.url, user, tenant.brand, **more) as visitor:
        return await visitor.get(path)


async def at(http: httpx.AsyncClient, tenant: Tenant, when: str, title: str, **more: Any) -> Json:
    return await tenant.session(http, scheduled_at=when, title=title, **more)


def days(page: Page) -> dict[str, list[str]]:
    """The titles by their headings."""
    return {
        section.select("h2")[0].get_text(): [one.get_text() for one in section.select("h3")]
        for section in page.all("section.card")
    }


@pytest.fixture(scope="module")
def public(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that shows pages to anybody, and cards to one site."""
    settings = {"GREENROOM_PUBLIC_PAGES": "on", "GREENROOM_EMBED_ORIGINS": ORIGIN}
    with running_server(database, tmp_path_factory.mktemp("public"), settings=settings) as running:
        yield running


async def test_live_ones_are_first_and_the_others_by_the_viewers_days(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    await at(http, tenant, "2027-03-01T23:30:00Z", "late")
    await at(http, tenant, "2027-03-01T08:00:00Z", "early")
    await tenant.step(http, await at(http, tenant, "2027-03-01T12:00:00Z", "on now"), "start")
    page = await opened(server, tenant)
    assert list(days(page).items()) == [("Live now", ["on now"]), ("Monday, 1 March 2027", ["early", "late"])]
    page = await opened(server, tenant, zone="Pacific/Kiritimati")
    assert list(days(page).items()) == [
        ("Live now", ["on now"]),
        ("Monday, 1 March 2027", ["early"]),
        ("Tuesday, 2 March 2027", ["late"]),
    ]
    assert "Times are those of Line Islands Time, Pacific/Kiritimati." in page.text
    assert [one.get_text() for one in page.all("time.entry-time")] == ["02:00", "22:00", "13:30"]


async def test_each_says_what_is_left_and_what_is_ones_own(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    mine = await at(http, tenant, "2027-03-01T08:00:00Z", "mine", max_participants=1)
    await at(http, tenant, "2027-03-02T08:00:00Z", "free", max_participants=1)
    await http.post(f"/v1/sessions/{mine['id']}/registrations", headers=tenant.bearer("ada"))
    page = await opened(server, tenant)
    (first, second) = [" ".join(one.get_text().split()) for one in page.all("li.entry")]
    assert first.endswith("You have a seat Full")
    assert second.endswith("1 seat left")


async def test_a_brand_without_sessions_says_so(server: Server, tenant: Tenant) -> None:
    assert "Nothing is planned yet." in (await opened(server, tenant)).text


async def test_kind_narrows_and_says_when_nothing_is_left(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    await at(http, tenant, "2027-03-01T08:00:00Z", "hours", kind="office_hours")
    assert "hours" in (await opened(server, tenant, "/?kind=office_hours")).text
    page = await opened(server, tenant, "/?kind=live")
    assert "Nothing of this kind is planned." in page.text
    assert page.one("#kind option[selected]")["value"] == "live"


async def test_categories_that_are_there_can_be_chosen(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    for title, category in (("one", "back"), ("two", "neck & <b>")):
        made = await at(http, tenant, "2027-03-01T08:00:00Z", title)
        admin = tenant.bearer("admin", scope="admin:live")
        await http.patch(f"/v1/admin/sessions/{made['id']}", json={"category": category}, headers=admin)
    page = await opened(server, tenant)
    assert [one.get_text() for one in page.all("#category option")] == ["Every category", "back", "neck & <b>"]
    async with visiting(server.url, "ada", tenant.brand) as visitor:
        chosen = Page(await visitor.http.get("/", params={"category": "neck & <b>"}))
    assert days(chosen) == {"Monday, 1 March 2027": ["two"]}


async def test_later_sessions_are_a_page_away(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    for number in range(23):
        await at(http, tenant, f"2027-03-01T08:{number:02}:00Z", f"session {number}", kind="office_hours")
    first = await opened(server, tenant, "/?kind=office_hours")
    later = str(first.one("a[rel=next]")["href"])
    assert parse_qs(urlsplit(later).query)["kind"] == ["office_hours"]
    second = await opened(server, tenant, later)
    assert [*days(first).values(), *days(second).values()] == [
        [f"session {number}" for number in range(20)],
        [f"session {number}" for number in range(20, 23)],
    ]
    assert not second.has("a[rel=next]")


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


@pytest.mark.parametrize(
    "query", ["month=0000-01", "month=2027-13", "kind=zzz", "cursor=x", "category=" + "x" * 201, "month=%00"]
)
async def test_what_no_list_knows_is_a_page_that_says_so(server: Server, tenant: Tenant, query: str) -> None:
    page = await opened(server, tenant, f"/?{query}")
    assert page.status == 400
    assert "expected" in page.text


async def test_another_brands_page_is_not_there(server: Server, tenant: Tenant) -> None:
    assert (await opened(server, tenant, f"/b/{tenant.brand}")).status == 200
    assert (await opened(server, tenant, "/b/another")).status == 404


async def test_who_is_not_signed_in_sees_nothing_unless_pages_are_public(
    http: httpx.AsyncClient, server: Server, public: Server, tenant: Tenant
) -> None:
    session = await at(http, tenant, "2027-03-01T08:00:00Z", "seen")
    for path in ("/", f"/b/{tenant.brand}", f"/s/{session['id']}"):
        assert (await opened(server, tenant, path, None)).text.startswith("Sign in")
    assert days(await opened(public, tenant, f"/b/{tenant.brand}", None)) == {"Monday, 1 March 2027": ["seen"]}
    assert "Open the page of the one" in (await opened(public, tenant, "/", None)).text
    page = await opened(public, tenant, f"/s/{session['id']}", None)
    assert "Sign in to take part" in page.text
    assert not page.has("main form:not([hidden])")
    assert days(await opened(public, tenant, "/b/another", None)) == {}


async def test_who_only_looks_sees_the_stream_as_everybody_does(
    http: httpx.AsyncClient, public: Server, tenant: Tenant
) -> None:
    session = await at(http, tenant, "2027-03-01T08:00:00Z", "seen")
    async with visiting(public.url) as visitor:
        await visitor.get(f"/s/{session['id']}")
        async with visitor.http.stream("GET", f"/v1/sessions/{session['id']}/stream") as stream:
            told = ""
            async for line in stream.aiter_lines():
                told += line
                if "event: me" in told and line.startswith("data: ") and told.count("data: ") > 1:
                    break
    assert '"is_moderator":false' in told


async def test_a_card_is_shown_to_the_sites_that_are_named_and_to_no_other(
    http: httpx.AsyncClient, server: Server, public: Server, tenant: Tenant
) -> None:
    session = await at(http, tenant, "2027-03-01T08:00:00Z", '<img src=x onerror="alert(1)">')
    path = f"/embed/s/{session['id']}"
    assert (await opened(server, tenant, path)).status == 404
    card = await opened(public, tenant, path, None)
    assert card.answer.headers["content-security-policy"].endswith(f"frame-ancestors {ORIGIN}")
    assert "x-frame-options" not in card.answer.headers
    assert card.one("h1").get_text() == '<img src=x onerror="alert(1)">'
    assert card.one("a.button")["href"] == f"/s/{session['id']}"
    assert not card.has("form")
    page = await opened(public, tenant, f"/s/{session['id']}")
    assert page.answer.headers["content-security-policy"].endswith("frame-ancestors 'none'")
    assert page.answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("origins", ["www.example.com", "https://a.example/path", "javascript:alert(1)", "https://a b"])
def test_an_origin_that_is_none_is_refused_in_a_line(database: TestDatabase, tmp_path: Path, origins: str) -> None:
    settings = {"GREENROOM_EMBED_ORIGINS": origins}
    with (
        pytest.raises(AssertionError, match="GREENROOM_EMBED_ORIGINS: expected origins"),
        running_server(database, tmp_path, settings=settings),
    ):
        pass


def test_a_month_of_utc_has_its_neighbours_but_at_the_calendars_ends() -> None:
    assert months_of_utc(Month("2027-01")) == ["2026-12", "2027-01", "2027-02"]
    assert months_of_utc(Month("0001-01")) == ["0001-01", "0001-02"]
    assert months_of_utc(Month("9999-12")) == ["9999-11", "9999-12"]


def test_a_grid_has_every_day_of_the_month_once() -> None:
    grid = grid_of(Month("2028-02"), [], Clock(None), at=datetime(2028, 2, 29, 12, tzinfo=UTC))
    assert [day.number for week in grid.weeks for day in week if day.number] == list(range(1, 30))
    assert [day.number for week in grid.weeks for day in week if day.is_today] == [29]
