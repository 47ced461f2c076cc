"""The page that tells a host who was there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import httpx
import pytest

from greenroom.kit.database import Database
from tests.attendance.stage import Stage, stage
from tests.postgres import Owner
from tests.registrations.people import answered
from tests.server import Server
from tests.tenant import Json, Tenant
from tests.web.pages.visiting import Page, Visitor, visiting

HOSTILE = "<script>alert(1)</script>\"'&{{ 7 * 7 }}"
CO_HOST = "cohost_1"


@pytest.fixture
async def it(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, db: Database) -> Stage:
    """A session that should begin two hours ago, and its call."""
    return await stage(http, tenant, owner, db)


def path_of(it: Stage) -> str:
    return f"/host/{it.there.session['id']}/attendance"


@asynccontextmanager
async def looking(
    it: Stage, user: str = "host_1", *, brand: str | None = None, scope: str = "read:live write:live", zone: str | None = None
) -> AsyncIterator[Visitor]:
    url = str(it.there.http.base_url)
    async with visiting(url, user, brand or it.there.tenant.brand, scope=scope, zone=zone) as visitor:
        yield visitor


async def shown(it: Stage, *, zone: str | None = None, query: str = "") -> Page:
    async with looking(it, zone=zone) as visitor:
        page = await visitor.get(f"{path_of(it)}{query}")
    assert page.status == 200, page.text
    return page


def rows_of(page: Page, table: str = "people") -> list[list[str]]:
    return [[" ".join(cell.get_text(" ").split()) for cell in row.select("th, td")] for row in page.all(f"#{table} tbody tr")]


def totals_of(page: Page) -> dict[str, str]:
    return {str(one["data-total"]): one.select("dd")[0].get_text() for one in page.all("[data-total]")}


def state_of(page: Page) -> str:
    return str(page.one("[data-state]")["data-state"])


async def test_everybody_is_there_with_what_became_of_them(it: Stage) -> None:
    await it.there.enter("away")
    await it.hosted(it.stay("anna", 5, 60), it.stay("ben", 10, 20))
    page = await shown(it)
    assert state_of(page) == "ended"
    assert [(row[0], row[1], row[2]) for row in rows_of(page)] == [
        ("anna", "Attended", "55"),
        ("away", "Never came", "0"),
        ("ben", "Left early", "10"),
        ("host_1 Host", "Attended", "60"),
    ]
    assert totals_of(page) == {
        "people": "3", "peak": "3", "minutes": "125", "attended": "2", "left_early": "1", "no_show": "1", "removed": "0",
        "cancelled_in_time": "0",
    }  # fmt: skip


async def test_times_are_those_of_the_viewers_zone_whose_name_is_said(it: Stage) -> None:
    await it.hosted(it.stay("ben", 10, 20))
    page = await shown(it, zone="Asia/Kathmandu")
    (row,) = [row for row in page.all("#people tbody tr") if row["data-user"] == "ben"]
    first, last = row.select("time")
    assert first["datetime"] == it.wire(10)
    assert "(Nepal Time, Asia/Kathmandu)" in str(first["title"])
    assert "Times are those of Nepal Time, Asia/Kathmandu." in page.one("#people caption").get_text()
    assert "(Nepal Time, Asia/Kathmandu)" in page.one("svg desc").get_text()
    assert rows_of(page)[0][3].endswith(it.at(10).astimezone(ZoneInfo("Asia/Kathmandu")).strftime("%H:%M"))
    assert rows_of(await shown(it))[0][3].endswith(it.at(10).strftime("%H:%M"))
    assert last["datetime"] == it.wire(20)


async def test_the_picture_says_in_words_what_it_shows(it: Stage) -> None:
    await it.hosted(it.stay("anna", 5, 40), it.stay("anna", 10, 60))
    page = await shown(it)
    picture = page.one("svg")
    assert (picture["role"], picture["aria-labelledby"]) == ("img", "chart-title chart-desc")
    assert picture.select("title#chart-title")[0].get_text() == "How many were inside over time: at most 2 people"
    assert picture.select("desc#chart-desc")
    assert page.all(".chart-line")[0]["d"].count("V") == 3
    assert [row[1:] for row in rows_of(page, "steps")] == [["1", "1"], ["2", "2"], ["0", "2"]]
    assert rows_of(page, "steps")[1][0].endswith(it.at(5).strftime("%H:%M:%S"))
    assert page.one("details summary").get_text() == "Same as a table"


async def test_the_picture_goes_on_to_the_end_where_all_had_left_before(it: Stage) -> None:
    await it.end(60)
    await it.tell(it.stay("host_1", 0, 30))
    assert f"{it.at(60):%H:%M} (UTC) that goes up" in (await shown(it)).one("svg desc").get_text()


async def test_the_picture_of_what_runs_goes_on_to_this_moment(it: Stage) -> None:
    await it.begin()
    await it.tell(it.stay("anna", 0, 30))
    before = datetime.now(UTC)
    told = (await shown(it)).one("svg desc").get_text()
    assert any(f"{at:%H:%M} (UTC) that goes up" in told for at in (before, datetime.now(UTC)))


async def test_the_picture_scrolls_in_a_box_that_the_keyboard_reaches(it: Stage) -> None:
    await it.hosted()
    page = await shown(it)
    boxes = page.all(".scroll")
    assert [box["tabindex"] for box in boxes] == ["0", "0", "0"]
    assert all(box.get("aria-label") or page.has(f"#{box['aria-labelledby']}") for box in boxes)
    ids = [one["id"] for one in page.all("[id]")]
    assert len(ids) == len(set(ids))
    assert all(cell.get("scope") for cell in page.all("th"))


async def test_nothing_on_the_page_is_styled_or_scripted_in_place(it: Stage) -> None:
    await it.hosted(it.stay("anna", 5, 40))
    page = await shown(it)
    everything = page.all("*")
    assert not [one for one in everything if any(name == "style" or name.startswith("on") for name in one.attrs)]
    assert not page.has("style")


async def test_who_is_estimated_is_marked_in_words(it: Stage) -> None:
    await it.hosted(it.stay("guess", None, 60))
    page = await shown(it)
    assert rows_of(page)[0][:2] == ["guess", "Attended (estimated)"]
    assert "(estimated)" not in rows_of(page)[1][1]
    assert "Some of it is estimated." in page.text


async def test_before_it_begins_there_is_nothing_yet(it: Stage) -> None:
    page = await shown(it)
    assert state_of(page) == "before"
    assert "nobody was in the call yet" in page.text
    assert not page.has("svg.chart, table")


async def test_who_comes_before_it_begins_is_there(it: Stage) -> None:
    await it.tell(it.stay("anna", -5, None))
    page = await shown(it)
    assert state_of(page) == "early"
    assert rows_of(page)[0][:2] == ["anna", "Inside now"]
    assert rows_of(page)[1][:2] == ["host_1 Host", "Has not come yet"]
    assert page.has("svg.chart")


async def test_while_it_runs_the_page_says_so_far(it: Stage) -> None:
    await it.there.enter("away")
    await it.begin()
    await it.tell(it.stay("host_1", 0, None), it.stay("anna", 5, 10))
    page = await shown(it)
    assert state_of(page) == "running"
    assert "so far" in page.text
    assert [row[:2] for row in rows_of(page)] == [
        ["anna", "Was inside, and is not now"],
        ["away", "Has not come yet"],
        ["host_1 Host", "Inside now"],
    ]
    assert rows_of(page)[2][4] == "Inside now"
    assert [row[1] for row in rows_of(page, "steps")] == ["1", "2", "1"]
    assert page.one(f'[data-state] a[href="{path_of(it)}"]')


async def test_where_it_was_called_off_nothing_became_of_anybody(it: Stage) -> None:
    await it.there.enter("anna")
    await it.there.step("cancel")
    page = await shown(it)
    assert state_of(page) == "called_off"
    assert not page.has("svg.chart, table")


async def test_who_was_there_before_it_was_called_off_is_still_listed(it: Stage) -> None:
    await it.tell(it.stay("anna", -5, 5))
    await it.there.step("cancel")
    page = await shown(it)
    assert (state_of(page), rows_of(page)[0][:2]) == ("called_off", ["anna", "Cannot be told"])


async def test_where_there_was_no_call_nobody_can_tell(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, db: Database
) -> None:
    it = await stage(http, tenant, owner, db, call=False)
    await it.there.enter("anna")
    await it.end()
    page = await shown(it)
    assert state_of(page) == "no_call"
    assert {row[1] for row in rows_of(page)} == {"Cannot be told"}
    assert not page.has("svg.chart, dl")


async def test_where_nobody_came_the_page_says_so(it: Stage) -> None:
    await it.there.enter("anna")
    await it.end()
    page = await shown(it)
    assert state_of(page) == "nobody"
    assert totals_of(page)["people"] == "0"
    assert [row[1] for row in rows_of(page)] == ["Never came", "Host who never came"]
    assert not page.has("svg.chart")


async def test_a_long_list_comes_in_pages(it: Stage) -> None:
    names = [f"user_{number:03}" for number in range(120)]
    await it.hosted(*(it.stay(name, 5, 60) for name in names))
    seen: list[str] = []
    page = await shown(it)
    assert page.has("svg.chart")
    async with looking(it) as visitor:
        while True:
            seen += [str(row["data-user"]) for row in page.all("#people tbody tr")]
            following = page.all("a[rel=next]")
            if not following:
                break
            page = await visitor.get(str(following[0]["href"]))
            assert not page.has("svg.chart")
            assert page.one(f'nav a.quiet[href="{path_of(it)}"]')
    assert seen == ["host_1", *names]


async def test_a_cursor_of_something_else_is_refused(it: Stage) -> None:
    async with looking(it) as visitor:
        assert (await visitor.get(f"{path_of(it)}?cursor=x")).status == 400


async def test_any_name_is_shown_as_it_is(it: Stage) -> None:
    await it.hosted(it.stay(HOSTILE, 5, 60))
    page = await shown(it)
    assert HOSTILE in [row[0] for row in rows_of(page)]
    assert not [one for one in page.all("script") if "alert" in one.get_text()]


@pytest.mark.parametrize(
    ("user", "scope", "status"),
    [
        ("host_1", "read:live write:live", 200),
        (CO_HOST, "read:live write:live", 200),
        ("somebody", "manage:live", 200),
        ("anna", "read:live write:live", 403),
        ("anna", "read:live", 403),
    ],
)
async def test_hosts_and_who_manages_may_see_it(it: Stage, user: str, scope: str, status: int) -> None:
    session: Json = it.there.session
    added = await it.there.http.put(f"/v1/sessions/{session['id']}/co-hosts/{CO_HOST}", headers=it.there.tenant.bearer())
    answered(added, 200)
    await it.there.enter("anna")
    async with looking(it, user, scope=scope) as visitor:
        page = await visitor.get(path_of(it))
    assert page.status == status
    assert page.has("[data-state]") == (status == 200)


async def test_another_brands_session_is_not_there(it: Stage, server: Server) -> None:
    async with looking(it, brand="another-brand", scope="manage:live") as visitor:
        assert (await visitor.get(path_of(it))).status == 404
        assert (await visitor.get("/host/no-id/attendance")).status == 404
    async with visiting(server.url) as nobody:
        page = await nobody.get(path_of(it), follow=False)
    assert page.status == 303
    assert page.answer.headers["location"].startswith("/signin?next=")
