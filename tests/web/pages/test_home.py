"""What is on: live first, then by the viewer's days; by kind and category, and a page after another."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest

from greenroom.kit.ids import BrandId
from greenroom.web.participants.home import without_empty
from greenroom.web.participants.titles import headline
from tests.postgres import Owner
from tests.server import Server
from tests.sessions.lists import plant, session_at
from tests.tenant import Tenant
from tests.web.pages.shown import at, days, in_category, opened, told
from tests.web.pages.visiting import Page, visiting

NOT_LONG_AGO = timedelta(minutes=10)


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
        await in_category(http, tenant, await at(http, tenant, "2027-03-01T08:00:00Z", title), category)
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


@pytest.mark.parametrize(
    "query",
    [
        "month=0000-01", "month=0000-13", "month=2027-13", "month=10000-01", "month=%FF", "month=%00", "month=2027-3",
        "month=2027-01&month=2027-02", "kind=zzz", "cursor=x", "cursor=%F0%9F%98%80", "category=" + "x" * 201,
        "&".join(["x=y"] * 101),
    ],
)  # fmt: skip
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


async def test_the_zones_name_is_that_of_summer_and_winter(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    await at(http, tenant, "2027-03-27T17:00:00Z", "on the day before")
    await at(http, tenant, "2027-03-28T17:00:00Z", "when it is summer time")
    page = await opened(server, tenant, zone="Europe/Berlin")
    assert [one.get_text() for one in page.all("time.entry-time")] == ["18:00", "19:00"]
    assert [one["datetime"] for one in page.all("time")] == ["2027-03-27T17:00:00.000Z", "2027-03-28T17:00:00.000Z"]
    assert page.text.count("Times are those of Central European Time, Europe/Berlin.") == 1


async def test_an_hour_that_comes_twice_is_told_apart(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    for when in ("2027-11-07T04:30:00Z", "2027-11-07T05:30:00Z", "2027-11-07T06:30:00Z", "2027-11-07T07:30:00Z"):
        await at(http, tenant, when, "one of four")
    page = await opened(server, tenant, zone="America/New_York")
    assert [one.get_text() for one in page.all("time.entry-time")] == ["00:30", "01:30 (UTC-0400)", "01:30 (UTC-0500)", "02:30"]


@pytest.mark.parametrize(
    ("zone", "day"), [("Pacific/Kiritimati", "Saturday, 2 January"), ("America/New_York", "Thursday, 31 December")]
)
async def test_the_day_is_the_viewers_even_where_the_year_is_another(
    http: httpx.AsyncClient, server: Server, tenant: Tenant, zone: str, day: str
) -> None:
    await at(http, tenant, "2027-01-01T12:00:00Z" if zone.startswith("Pacific") else "2027-01-01T03:00:00Z", "one")
    year = 2027 if zone.startswith("Pacific") else 2026
    assert days(await opened(server, tenant, zone=zone)) == {f"{day} {year}": ["one"]}


async def test_a_zone_that_is_none_is_that_of_utc(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    await at(http, tenant, "2027-03-01T23:30:00Z", "late")
    page = await opened(server, tenant, zone="../../etc/passwd")
    assert days(page) == {"Monday, 1 March 2027": ["late"]}
    assert "Times are those of UTC." in page.text


async def test_a_session_says_its_kind_its_category_and_that_it_is_live(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    session = await at(http, tenant, "2027-03-01T08:00:00Z", "one", kind="office_hours", max_participants=3)
    await in_category(http, tenant, session, "neck")
    await tenant.step(http, session, "start")
    page = await opened(server, tenant)
    assert told(page) == ["one Office hours · neck Live 3 seats left"]
    assert page.one("h3 a")["href"] == f"/s/{session['id']}"


async def test_what_nobody_has_begun_is_not_lost_when_its_time_has_come(server: Server, tenant: Tenant, owner: Owner) -> None:
    await plant(owner, tenant, session_at(datetime.now(UTC) - NOT_LONG_AGO, title="late host"))
    page = await opened(server, tenant)
    assert days(page) == {"Not begun yet": ["late host"]}
    assert "Whoever hosts it has not begun." in page.text


async def test_what_is_over_or_called_off_is_not_on(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    await tenant.ended(http)
    await tenant.step(http, await at(http, tenant, "2027-03-02T08:00:00Z", "called off"), "cancel")
    assert days(await opened(server, tenant)) == {}


async def test_what_is_chosen_leads_back_to_everything(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    await at(http, tenant, "2027-03-01T08:00:00Z", "broadcast")
    page = await opened(server, tenant, "/?kind=office_hours&category=knee")
    assert page.one(".empty a")["href"] == "/"
    assert page.one("#category option[selected]").get_text() == "knee"
    assert not (await opened(server, tenant, "/")).has(".empty")


async def test_the_form_as_a_browser_sends_it_narrows_nothing(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    await at(http, tenant, "2027-03-01T08:00:00Z", "one")
    page = await opened(server, tenant, "/?kind=&category=")
    assert days(page) == {"Monday, 1 March 2027": ["one"]}
    assert page.form("/") == {"kind": ""}


async def test_a_category_is_sent_as_it_is_spaces_and_all(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    await in_category(http, tenant, await at(http, tenant, "2027-03-01T08:00:00Z", "one"), " a  b ")
    page = await opened(server, tenant)
    value = str(page.all("#category option")[1]["value"])
    assert days(await opened(server, tenant, f"/?category={quote(value)}")) == {"Monday, 1 March 2027": ["one"]}


async def test_live_ones_are_on_the_first_page_alone(server: Server, tenant: Tenant, owner: Owner) -> None:
    coming = [session_at(datetime(2031, 5, 1, 12, tzinfo=UTC), title=f"{number}") for number in range(21)]
    await plant(owner, tenant, session_at(title="on now", status="live"), *coming)
    first = await opened(server, tenant)
    second = await opened(server, tenant, str(first.one("a[rel=next]")["href"]))
    assert list(days(first)) == ["Live now", "Thursday, 1 May 2031"]
    assert days(second) == {"Thursday, 1 May 2031": ["20"]}


async def test_a_page_is_kept_by_no_browser_and_framed_by_no_site(server: Server, public: Server, tenant: Tenant) -> None:
    for shown_by in (server, public):
        for path in ("/", "/?month=2027-03", "/?kind=zzz"):
            headers = (await opened(shown_by, tenant, path)).answer.headers
            assert headers["cache-control"] == "private, no-store"
            assert "etag" not in headers
            assert headers["x-frame-options"] == "DENY"
            assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
            assert headers["content-security-policy"].endswith("frame-ancestors 'none'")
    async with visiting(server.url, "ada", tenant.brand) as visitor:
        again = await visitor.http.get("/", headers={"accept": "text/html", "if-none-match": "*"})
    assert again.status_code == 200


HOSTILE = {
    "markup": '</bdi></a><script>alert(1)</script><img src=x onerror="alert(1)">',
    "an attribute": '" autofocus onfocus="alert(1)',
    "a template": "{{ 7 * 7 }}{% raw %}",
    "turned": "\u202egnp.exe\u2066\u2067",
    "of many characters": "x" * 10_000,
    "of many words": "w " * 5_000,
}


@pytest.mark.parametrize("title", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("path", ["/", "/?month=2027-03"])
async def test_a_title_is_text_and_nothing_else(
    http: httpx.AsyncClient, server: Server, tenant: Tenant, title: str, path: str
) -> None:
    session = await at(http, tenant, "2027-03-01T08:00:00Z", title)
    await in_category(http, tenant, session, title[:200])
    page = await opened(server, tenant, path)
    link = page.one(f'a[href="/s/{session["id"]}"]')
    shown = link.select("bdi")[0].get_text()
    assert title.startswith(shown.removesuffix("…"))
    assert len(shown) <= 200
    assert {one.get("src") for one in page.all("script[src]")} == {page.all("script[src]")[0]["src"]}
    assert not page.has("main img, main script, [onerror], [onfocus], [autofocus]")
    assert len(page.answer.content) < 100_000


@pytest.mark.parametrize("title", [" ", "\u200b", "\u202e", "\n\t", "\u2060 \ufeff"])
async def test_a_title_that_nobody_sees_has_a_link_that_can_be_read(
    http: httpx.AsyncClient, server: Server, tenant: Tenant, title: str
) -> None:
    await at(http, tenant, "2027-03-01T08:00:00Z", title)
    assert days(await opened(server, tenant)) == {"Monday, 1 March 2027": ["(no title)"]}


async def test_a_brand_whose_name_is_odd_has_its_page(
    http: httpx.AsyncClient, server: Server, public: Server, tenant: Tenant
) -> None:
    odd = Tenant(BrandId(f'{tenant.brand}/a&b="<b>"?#%'))
    await at(http, odd, "2027-03-01T08:00:00Z", "one")
    path = f"/b/{quote(odd.brand, safe='')}"
    for page in (await opened(server, odd, path), await opened(public, odd, path, None)):
        assert days(page) == {"Monday, 1 March 2027": ["one"]}
        month = str(page.all("nav.row a")[1]["href"])
        assert (await opened(server, odd, month)).has("table.month")
        assert not page.has("h1 b")


@pytest.mark.parametrize("brand", ["", "x" * 201, "%00"])
async def test_what_can_be_no_brand_is_not_there(public: Server, tenant: Tenant, brand: str) -> None:
    assert (await opened(public, tenant, f"/b/{brand}", None)).status == 404


async def test_who_is_signed_in_sees_no_other_brand_where_pages_are_public(
    http: httpx.AsyncClient, public: Server, tenant: Tenant
) -> None:
    other = Tenant(BrandId(f"{tenant.brand}-other"))
    await at(http, other, "2027-03-01T08:00:00Z", "theirs")
    page = await opened(public, tenant, f"/b/{other.brand}")
    assert page.status == 404
    assert "theirs" not in page.answer.text
    assert "theirs" not in (await opened(public, tenant)).text


async def test_signing_in_leads_back_to_what_was_asked_for(server: Server, tenant: Tenant) -> None:
    async with visiting(server.url) as visitor:
        page = await visitor.get(f"/b/{tenant.brand}?month=2027-03", follow=False)
    assert page.status == 303
    assert parse_qs(urlsplit(page.answer.headers["location"]).query)["next"] == [f"/b/{tenant.brand}?month=2027-03"]


def test_a_headline_is_cut_where_it_is_too_long() -> None:
    assert headline("x" * 200, 200) == "x" * 200
    assert headline("x" * 201, 200) == "x" * 199 + "…"


def test_of_a_query_what_is_empty_is_left_out() -> None:
    assert without_empty(b"kind=&category=a&month&x==&=y") == b"category=a&x==&=y"
