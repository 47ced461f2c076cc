"""The page of a session: what it says, and what it offers, in each state and to each who looks."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from tests.postgres import TestDatabase
from tests.server import Server, running_server
from tests.tenant import Json, Tenant
from tests.web.pages.visiting import Page, visiting

HOSTILE = '<script>alert(1)</script> & "quotes" \u202e\u200b {{ 7 * 7 }}'


def offers(page: Page) -> set[str]:
    """What can be done on the page."""
    return {
        str(form["action"]).rpartition("/")[2] for form in page.all("main form[method=post]") if not form.has_attr("hidden")
    }


async def opened(server: Server, tenant: Tenant, session: Json, user: str | None = "ada", **more: str) -> Page:
    async with visiting(server.url, user, tenant.brand, **more) as visitor:
        return await visitor.get(f"/s/{session['id']}")


async def register(http: httpx.AsyncClient, tenant: Tenant, session: Json, *users: str) -> None:
    for user in users:
        answer = await http.post(f"/v1/sessions/{session['id']}/registrations", headers=tenant.bearer(user))
        assert answer.status_code == 201


async def test_who_comes_sees_what_it_is_and_may_take_a_seat(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    page = await opened(server, tenant, await tenant.session(http))
    assert page.status == 200
    assert page.one("h1").get_text() == "Ask the physiotherapist"
    assert "With host_1" in page.text
    assert "100 seats left" in page.text
    assert offers(page) == {"register"}
    assert page.one("time")["datetime"] == "2027-03-01T17:00:00.000Z"


async def test_the_time_is_told_in_the_viewers_zone_with_its_name(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    session = await tenant.session(http)
    page = await opened(server, tenant, session, zone="America/New_York")
    assert page.one("time").get_text() == "Monday, 1 March 2027, 12:00 (Eastern Standard Time, America/New_York)"
    page = await opened(server, tenant, session)
    assert page.one("time").get_text() == "Monday, 1 March 2027, 17:00 (UTC)"


async def test_who_has_a_seat_may_give_it_up_and_ask(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await register(http, tenant, session, "ada")
    page = await opened(server, tenant, session)
    assert "You have a seat." in page.text
    assert offers(page) == {"cancel", "ask"}


async def test_a_full_session_offers_the_line_and_says_ones_place(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    session = await tenant.session(http, max_participants=1)
    await register(http, tenant, session, "bob", "cyd")
    page = await opened(server, tenant, session)
    assert "All seats are taken. Who stands in line moves up" in page.text
    assert page.one("button[data-now=register]").get_text() == "Stand in line"
    await register(http, tenant, session, "ada")
    page = await opened(server, tenant, session)
    assert "You are number 2 in line" in page.text
    assert offers(page) == {"cancel"}


async def test_a_live_session_that_is_full_offers_no_line(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http, max_participants=1)
    await register(http, tenant, session, "bob", "cyd")
    await tenant.step(http, session, "start")
    assert offers(await opened(server, tenant, session)) == set()
    assert "now that it has begun" in (await opened(server, tenant, session, "cyd")).text


async def test_a_live_session_with_free_seats_may_be_asked_in(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await tenant.step(http, session, "start")
    page = await opened(server, tenant, session)
    assert page.one("[data-now=status_text]").get_text() == "Live"
    assert offers(page) == {"register", "ask"}


async def test_what_was_called_off_says_so_and_offers_nothing(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await register(http, tenant, session, "ada")
    await tenant.step(http, session, "cancel")
    page = await opened(server, tenant, session)
    assert page.one("[data-now=status_text]").get_text() == "Cancelled"
    assert "It was called off." in page.text
    assert "Questions are closed." in page.text
    assert offers(page) == set()


async def test_what_has_ended_says_so_and_offers_nothing(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await register(http, tenant, session, "ada")
    await tenant.step(http, session, "start")
    await tenant.step(http, session, "end")
    page = await opened(server, tenant, session)
    assert page.one("[data-now=status_text]").get_text() == "Ended"
    assert "You had a seat." in page.text
    assert offers(page) == set()


async def test_who_was_removed_is_told_so_and_may_not_come_back(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    session = await tenant.session(http)
    await register(http, tenant, session, "ada")
    await http.delete(f"/v1/sessions/{session['id']}/participants/ada", headers=tenant.bearer())
    page = await opened(server, tenant, session)
    assert "A host has removed you" in page.text
    assert offers(page) == set()


async def test_a_host_finds_the_way_to_the_desk(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    page = await opened(server, tenant, session, "host_1")
    assert page.has(f'a[href="/host/{session["id"]}"]')
    assert offers(page) == {"ask"}
    assert not (await opened(server, tenant, session)).has(f'a[href="/host/{session["id"]}"]')


async def test_who_may_only_read_is_offered_nothing(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    page = await opened(server, tenant, await tenant.session(http), scope="read:live")
    assert page.status == 200
    assert offers(page) == set()


async def test_hostile_texts_are_shown_as_texts(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http, title=HOSTILE)
    await tenant.step(http, session, "start")
    asked = await http.post(f"/v1/sessions/{session['id']}/questions", json={"body": HOSTILE}, headers=tenant.bearer("ada"))
    assert asked.status_code == 201
    page = await opened(server, tenant, session)
    assert page.one("h1").get_text() == HOSTILE
    assert page.one("[data-list=own] .body").get_text() == HOSTILE
    assert all(one.get("src") or one.get("type") == "application/json" for one in page.all("script"))


async def test_questions_are_in_order_pinned_first_then_by_votes_answered_last(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    session = await tenant.session(http)
    await tenant.step(http, session, "start")
    path = f"/v1/sessions/{session['id']}/questions"
    ids = {}
    for body in ("first", "second", "third", "fourth"):
        made = await http.post(path, json={"body": body}, headers=tenant.bearer("host_1"))
        ids[body] = made.json()["id"]
        await http.patch(f"{path}/{ids[body]}", json={"status": "approved"}, headers=tenant.bearer())
    await http.put(f"{path}/{ids['third']}/vote", headers=tenant.bearer("ada"))
    await http.post(f"{path}/{ids['fourth']}/pin", headers=tenant.bearer())
    await http.patch(f"{path}/{ids['first']}", json={"status": "answered"}, headers=tenant.bearer())
    page = await opened(server, tenant, session)
    assert [one.get_text() for one in page.all("[data-list=all] .body")] == ["fourth", "third", "second", "first"]
    voted = page.one(f"#question-{ids['third']} button")
    assert voted["aria-pressed"] == "true"
    assert " ".join(voted.get_text().split()) == "▲ 1 vote for: third"


async def test_what_waits_is_seen_by_who_asked_alone(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await register(http, tenant, session, "ada", "bob")
    await http.post(f"/v1/sessions/{session['id']}/questions", json={"body": "Mine"}, headers=tenant.bearer("ada"))
    page = await opened(server, tenant, session)
    assert page.one("[data-list=own] .body").get_text() == "Mine"
    assert "withdraw" in offers(page)
    other = await opened(server, tenant, session, "bob")
    assert "Mine" not in other.text
    assert "No questions yet." in other.text


async def test_another_brands_session_is_not_there(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    async with visiting(server.url, "ada", "another-brand") as visitor:
        there, nowhere = await visitor.get(f"/s/{session['id']}"), await visitor.get("/s/00000000-0000-0000-0000-000000000000")
    assert (there.status, nowhere.status) == (404, 404)
    assert there.text == nowhere.text


async def test_who_is_not_signed_in_is_led_to_sign_in_and_back(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    async with visiting(server.url) as visitor:
        page = await visitor.get(f"/s/{session['id']}", follow=False)
    assert page.status == 303
    assert page.answer.headers["location"] == f"/signin?next=%2Fs%2F{session['id']}"


async def test_the_stream_opens_with_the_pages_cookie_and_for_this_session_alone(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    session, other = await tenant.session(http), await tenant.session(http)
    async with visiting(server.url, "ada", tenant.brand) as visitor:
        await visitor.get(f"/s/{session['id']}")
        async with visitor.http.stream("GET", f"/v1/sessions/{session['id']}/stream") as stream:
            assert stream.status_code == 200
        visitor.http.cookies.delete("greenroom_stream")
        assert (await visitor.http.get(f"/s/{session['id']}/ticket")).status_code == 204
        async with visitor.http.stream("GET", f"/v1/sessions/{session['id']}/stream") as stream:
            assert stream.status_code == 200
        refused = await visitor.http.get(f"/v1/sessions/{other['id']}/stream")
        assert refused.status_code == 401
        assert (await visitor.http.get(f"/v1/sessions/{session['id']}")).status_code == 401


async def test_where_joining_is_set_up_it_is_offered_when_the_doors_open(
    http: httpx.AsyncClient, database: TestDatabase, tenant: Tenant, tmp_path: Path
) -> None:
    soon, later = (datetime.now(UTC) + timedelta(minutes=minutes) for minutes in (5, 50))
    settings = {"GREENROOM_JOIN_URL": "https://app.example.com/live/{session_id}"}
    with running_server(database, tmp_path, settings=settings) as joining:
        for begins, offered in ((soon, True), (later, False)):
            session = await tenant.session(http, scheduled_at=begins.isoformat())
            await register(http, tenant, session, "ada")
            page = await opened(joining, tenant, session)
            assert ("join" in offers(page)) is offered
            assert ("The doors open 15 minutes before" in page.text) is not offered


async def test_the_module_is_told_the_same_words_as_the_page(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http, max_participants=1)
    await register(http, tenant, session, "bob", "ada")
    async with visiting(server.url, "ada", tenant.brand, zone="Asia/Kolkata") as visitor:
        page = await visitor.get(f"/s/{session['id']}")
        answer = await visitor.http.get(f"/s/{session['id']}/now", headers={"accept": "application/json"})
    now = answer.json()
    assert answer.headers["cache-control"] == "private, no-store"
    for element in page.all("[data-now]"):
        if not element.has_attr("hidden"):
            assert now[str(element["data-now"])] == element.get_text(), element
    for element in page.all("[data-shown-if]"):
        assert bool(now[str(element["data-shown-if"])]) is not element.has_attr("hidden"), element
    for element in page.all("[data-shown-unless]"):
        assert bool(now[str(element["data-shown-unless"])]) is element.has_attr("hidden"), element


async def test_an_entry_for_the_calendar_is_the_viewers_own(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    async with visiting(server.url, "ada", tenant.brand) as visitor:
        entry = await visitor.http.get(f"/s/{session['id']}/calendar.ics")
    assert entry.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "SUMMARY:Ask the physiotherapist" in entry.text
