"""What an edit on the pages must not do: overwrite unseen, lose what was typed, change what nobody has touched."""

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from greenroom.sessions.schemas import Session
from greenroom.web.desk.session import moved_up
from greenroom.web.local_times import told_if_twice
from greenroom.web.times import Clock
from tests.server import Server
from tests.tenant import Json, Tenant
from tests.web.pages.visiting import READS_PAGES, Page, Visitor, visiting

LONE_SURROGATE = "%ED%A0%80"
SOMETHING_THAT_IS_UTF_8 = "%ED%95%9C"


async def seen(http: httpx.AsyncClient, tenant: Tenant, session: Json) -> Json:
    found: Json = (await http.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())).json()
    return found


async def form_of(visitor: Visitor, session: Json) -> dict[str, str]:
    path = f"/host/{session['id']}"
    return (await visitor.get(path)).form(f"{path}/edit")


async def sent(visitor: Visitor, session: Json, form: dict[str, str], **typed: str) -> Page:
    return await visitor.post(f"/host/{session['id']}/edit", {**form, **typed})


async def in_line(http: httpx.AsyncClient, tenant: Tenant, session: Json, count: int) -> None:
    for number in range(count):
        await http.post(f"/v1/sessions/{session['id']}/registrations", headers=tenant.bearer(f"p{number}"))


async def test_a_conflict_is_shown_beside_what_was_typed_wrongly(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    session = await tenant.session(http)
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        form = await form_of(visitor, session)
        await tenant.patch(http, session, {"title": "Theirs"})
        page = await sent(visitor, session, form, title="Mine", max_participants="0")
        assert page.status == 400
        assert page.one("#title-now").get_text() == "Now: Theirs"
        assert [one.get("id") for one in page.all("[role=alert]")] == [None, "problems"]
        again = page.form(f"/host/{session['id']}/edit")
        assert (again["title"], again["version"]) == ("Mine", "2")


async def test_what_was_typed_wrongly_alone_is_no_conflict(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        page = await sent(visitor, session, await form_of(visitor, session), title="Mine", max_participants="0")
    assert page.status == 400
    assert not page.has("#title-now")


async def test_what_was_typed_into_a_field_that_is_fixed_by_now_is_still_read(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    session = await tenant.session(http)
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        form = await form_of(visitor, session)
        await tenant.step(http, session, "cancel")
        page = await sent(visitor, session, form, title="A long title <b>", kind="office_hours", metadata='{"room": "x"}')
    assert page.status == 412
    fixed = "Cannot be changed: the session is cancelled."
    assert page.one("#title-why").get_text() == f"{fixed} You typed: A long title <b>"
    assert page.one("#kind-why").get_text() == f"{fixed} You typed: Office hours"
    assert page.one("#metadata-why").get_text() == f'{fixed} You typed: {{"room": "x"}}'
    assert page.one("#max_participants-why").get_text() == fixed
    assert page.one("#title")["value"] == "Ask the physiotherapist"


async def test_a_form_is_read_by_the_clock_that_it_was_shown_by(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    session = await tenant.session(http)
    async with visiting(server.url, "host_1", tenant.brand, zone="Europe/Berlin") as visitor:
        form = await form_of(visitor, session)
        visitor.http.cookies.set("greenroom_zone", "Asia/Tokyo", domain="127.0.0.1")
        page = await sent(visitor, session, form)
        assert "nothing was changed" in page.text
        await sent(visitor, session, form, scheduled_at="2027-03-01T19:00")
        assert (await seen(http, tenant, session))["scheduled_at"] == "2027-03-01T18:00:00.000Z"
        page = await sent(visitor, session, form, scheduled_at="2027-03-01T20:00", max_participants="x")
    assert "The time is that of Europe/Berlin." in page.text
    assert page.form(f"/host/{session['id']}/edit")["zone"] == "Europe/Berlin"
    assert page.one("#scheduled_at-now").get_text() == "Now: 2027-03-01 19:00"


async def test_a_new_session_begins_by_the_clock_that_its_form_was_shown_by(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        form = (await visitor.get("/host/new")).form("/host/new")
        visitor.http.cookies.set("greenroom_zone", "Asia/Tokyo", domain="127.0.0.1")
        await visitor.post("/host/new", {**form, "title": "By UTC", "scheduled_at": "2027-03-01T18:00"})
    (made,) = (await http.get("/v1/live/sessions", headers=tenant.bearer())).json()["sessions"]
    assert made["scheduled_at"] == "2027-03-01T18:00:00.000Z"


@pytest.mark.parametrize(("title", "as_a_browser_sends_it"), [(" padded ", " padded "), ("a\nb\r\nc", "abc")])
async def test_a_title_that_a_line_cannot_show_whole_stays_as_it_is(
    http: httpx.AsyncClient, server: Server, tenant: Tenant, title: str, as_a_browser_sends_it: str
) -> None:
    session = await tenant.session(http, title=title)
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        form = await form_of(visitor, session)
        assert form["title"] == as_a_browser_sends_it
        assert "nothing was changed" in (await sent(visitor, session, form)).text
        assert await seen(http, tenant, session) == session
        await sent(visitor, session, form, max_participants="7")
    now = await seen(http, tenant, session)
    assert (now["title"], now["max_participants"]) == (title, 7)


async def test_who_hosts_but_may_only_read_has_no_page(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    async with visiting(server.url, "host_1", tenant.brand, scope="read:live") as visitor:
        for path in ("", "/now"):
            assert (await visitor.get(f"/host/{session['id']}{path}")).status == 403


async def test_a_line_that_is_closed_is_not_said_to_move(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http, max_participants=1)
    await in_line(http, tenant, session, 3)
    path = f"/host/{session['id']}"
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        page = await visitor.get(path)
        assert page.one("#move-up").get_text() == "With more seats, up to 2 who wait move up."
        assert not page.one("#move-up").has_attr("hidden")
        await tenant.step(http, session, "start")
        page = await visitor.get(path)
    assert page.one("#move-up").has_attr("hidden")
    assert page.one("[data-desk=line]").get_text() == "The line is closed. 2 people were in it."


async def test_fewer_seats_than_taken_leave_the_line_in_sight(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http, max_participants=2)
    await in_line(http, tenant, session, 3)
    await tenant.patch(http, session, {"max_participants": 1})
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        page = await visitor.get(f"/host/{session['id']}")
    assert page.one("[data-desk=line]").get_text() == (
        "1 more than there are seats. Nobody is put out; the door is closed. 1 person waits in line."
    )


def counted(seats: int, registered: int) -> Session:
    """A session of which nothing else matters."""
    unknown: dict[str, Any] = dict.fromkeys(Session.__struct_fields__)
    return Session(**{**unknown, "max_participants": seats, "registered_count": registered})


def test_who_registers_meanwhile_has_not_moved_up() -> None:
    assert moved_up(counted(10, 5), counted(20, 6)) == 0
    assert moved_up(counted(10, 10), counted(20, 12)) == 2
    assert moved_up(counted(2, 10), counted(11, 11)) == 1
    assert moved_up(counted(10, 10), counted(20, 9)) == 0


@pytest.mark.parametrize(
    ("instant", "told"),
    [
        ("2027-10-31T00:30:00.000Z", "this is the first time, at UTC+0200."),
        ("2027-10-31T01:30:00.000Z", "this is the second time, at UTC+0100."),
        ("2027-10-31T02:30:00.000Z", None),
        ("2027-03-28T01:00:00.000Z", None),
    ],
)
async def test_of_a_time_that_comes_twice_it_is_said_which_it_is(
    http: httpx.AsyncClient, server: Server, tenant: Tenant, instant: str, told: str | None
) -> None:
    if told is None:
        assert told_if_twice(instant, Clock("Europe/Berlin")) is None
        return
    session = await tenant.session(http, scheduled_at=instant)
    async with visiting(server.url, "host_1", tenant.brand, zone="Europe/Berlin") as visitor:
        page = await visitor.get(f"/host/{session['id']}")
        assert told in page.one("#scheduled_at-hint").get_text()
        form = await form_of(visitor, session)
        assert form["scheduled_at"] == "2027-10-31T02:30"
        assert "nothing was changed" in (await sent(visitor, session, form)).text


async def test_a_lone_surrogate_changes_nothing(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        form = await form_of(visitor, session)
        fields = urlencode({name: form[name] for name in ("csrf", "version")})

        async def answered(title: str) -> int:
            answer = await visitor.http.post(
                f"/host/{session['id']}/edit",
                content=f"{fields}&title={title}",
                headers={"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin", **READS_PAGES},
            )
            return answer.status_code

        assert await answered(LONE_SURROGATE) == 400
        assert await seen(http, tenant, session) == session
        assert await answered(SOMETHING_THAT_IS_UTF_8) == 303


@pytest.mark.parametrize("typed", ["2147483648", "abc", "-1", "1.5", ""])
async def test_seats_that_are_none_are_kept_and_said(
    http: httpx.AsyncClient, server: Server, tenant: Tenant, typed: str
) -> None:
    session = await tenant.session(http)
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        page = await sent(visitor, session, await form_of(visitor, session), max_participants=typed)
    assert page.status == 400
    field = page.one("#max_participants")
    assert (field["value"], field["aria-invalid"]) == (typed, "true")
    assert "max_participants-wrong" in str(field["aria-describedby"])
    assert "expected an integer from 1 to 2147483647" in page.one("#max_participants-wrong").get_text()


@pytest.mark.parametrize("title", ["x" * 10_001, "a\0b"])
async def test_a_title_that_is_none_is_said_at_its_field(
    http: httpx.AsyncClient, server: Server, tenant: Tenant, title: str
) -> None:
    session = await tenant.session(http)
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        page = await sent(visitor, session, await form_of(visitor, session), title=title)
    assert page.status == 400
    assert page.one("#title")["aria-invalid"] == "true"
    assert await seen(http, tenant, session) == session
