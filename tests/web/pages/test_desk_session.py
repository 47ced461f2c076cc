"""A host's page of one session: its edit is the PATCH, and nothing is overwritten unseen."""

from typing import Any

import httpx
import pytest

from tests.server import Server
from tests.tenant import Json, Tenant
from tests.web.pages.visiting import Page, visiting

ALL = {"title", "scheduled_at", "kind", "max_participants", "metadata"}


async def opened(server: Server, tenant: Tenant, session: Json, user: str = "host_1", **more: str) -> Page:
    async with visiting(server.url, user, tenant.brand, **more) as visitor:
        return await visitor.get(f"/host/{session['id']}")


async def edited(server: Server, tenant: Tenant, session: Json, changes: dict[str, str], **more: str) -> Page:
    path = f"/host/{session['id']}"
    async with visiting(server.url, "host_1", tenant.brand, **more) as visitor:
        return await visitor.send(path, f"{path}/edit", changes)


async def seen(http: httpx.AsyncClient, tenant: Tenant, session: Json) -> Json:
    found: Json = (await http.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())).json()
    return found


async def with_people(http: httpx.AsyncClient, tenant: Tenant, count: int, **fields: Any) -> Json:
    session = await tenant.session(http, **fields)
    for number in range(count):
        await http.post(f"/v1/sessions/{session['id']}/registrations", headers=tenant.bearer(f"p{number}"))
    return session


def enabled(page: Page) -> set[str]:
    return {str(one["name"]) for one in page.all("#edit [name]") if not one.has_attr("disabled")} & ALL


async def test_while_scheduled_all_can_be_changed(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    page = await opened(server, tenant, await tenant.session(http))
    assert enabled(page) == ALL
    assert page.form(f"/host/{page.answer.url.path.split('/')[-1]}/edit")["scheduled_at"] == "2027-03-01T17:00"


async def test_while_live_what_is_fixed_says_why(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await tenant.step(http, session, "start")
    page = await opened(server, tenant, session)
    assert enabled(page) == {"title", "max_participants", "metadata"}
    for name in ("scheduled_at", "kind"):
        assert page.one(f"#{name}-why").get_text() == "Cannot be changed while the session is live."
        assert f"{name}-why" in str(page.one(f"#{name}")["aria-describedby"])


async def test_after_the_end_nothing_can_be_changed(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    page = await opened(server, tenant, await tenant.ended(http))
    assert enabled(page) == set()
    assert not page.has("#edit button")
    assert "Cannot be changed: the session has ended." in page.text


async def test_an_edit_changes_what_was_typed(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http, metadata={"room": "blue", "n": 1.50})
    page = await edited(
        server,
        tenant,
        session,
        {"title": "New", "scheduled_at": "2027-03-02T18:00", "max_participants": "7", "metadata": '{"room": "green"}'},
        zone="Europe/Berlin",
    )
    assert "Saved." in page.text
    now = await seen(http, tenant, session)
    assert (now["title"], now["scheduled_at"], now["max_participants"]) == ("New", "2027-03-02T17:00:00.000Z", 7)
    assert now["metadata"] == {"room": "green"}


async def test_a_form_that_was_not_touched_changes_nothing(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http, scheduled_at="2027-03-01T17:00:12.345Z", metadata={"a": [1, {"b": 2.50}]})
    page = await edited(server, tenant, session, {}, zone="Asia/Kolkata")
    assert "nothing was changed" in page.text
    assert await seen(http, tenant, session) == session


async def test_an_edit_of_the_title_leaves_the_seconds_of_the_time(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    session = await tenant.session(http, scheduled_at="2027-03-01T17:00:12.345Z")
    await edited(server, tenant, session, {"title": "New"})
    assert (await seen(http, tenant, session))["scheduled_at"] == "2027-03-01T17:00:12.345Z"


async def test_a_conflict_is_shown_and_not_overwritten_until_it_is_sent_again(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    session = await tenant.session(http)
    path = f"/host/{session['id']}"
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        form = {**(await visitor.get(path)).form(f"{path}/edit"), "title": "Mine", "max_participants": "55"}
        await tenant.patch(http, session, {"title": "Theirs", "kind": "office_hours"})
        page = await visitor.post(f"{path}/edit", form)
        assert page.status == 412
        assert "Somebody has changed the session" in page.one("[role=alert]").get_text()
        kept = page.form(f"{path}/edit")
        assert (kept["title"], kept["max_participants"], kept["kind"]) == ("Mine", "55", "live")
        assert page.one("#title-now").get_text() == "Now: Theirs"
        assert page.one("#kind-now").get_text() == "Now: Office hours"
        assert page.one("#max_participants-now").get_text() == "Now: 100"
        assert not page.has("#scheduled_at-now")
        assert (await seen(http, tenant, session))["title"] == "Theirs"
        again = await visitor.post(f"{path}/edit", kept)
    assert again.status == 200
    now = await seen(http, tenant, session)
    assert (now["title"], now["max_participants"], now["kind"]) == ("Mine", 55, "live")


async def test_a_conflict_with_an_end_keeps_what_was_typed_out_of_the_way(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    session = await tenant.session(http)
    path = f"/host/{session['id']}"
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        form = {**(await visitor.get(path)).form(f"{path}/edit"), "title": "Mine"}
        await tenant.step(http, session, "cancel")
        page = await visitor.post(f"{path}/edit", form)
    assert page.status == 412
    assert enabled(page) == set()


@pytest.mark.parametrize(
    "case",
    [
        ("title", " ", "Title: expected"),
        ("max_participants", "0", "Seats: expected an integer"),
        ("max_participants", "1e999", "Seats: expected an integer"),
        ("scheduled_at", "tomorrow", "Begins: expected a date"),
        ("metadata", "{", "Metadata (JSON): expected JSON"),
        ("metadata", "[]", "Metadata (JSON): expected an object"),
        ("metadata", '{"a": 1e999}', "Metadata (JSON): expected numbers"),
        ("metadata", '{"a": "' + "x" * 17_000 + '"}', "Metadata (JSON): expected at most 16 KiB"),
        ("metadata", '{}, "title": "smuggled"', "Metadata (JSON): expected JSON"),
    ],
)
async def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    http: httpx.AsyncClient, server: Server, tenant: Tenant, case: tuple[str, str, str]
) -> None:
    field, typed, told = case
    session = await tenant.session(http)
    page = await edited(server, tenant, session, {field: typed})
    assert page.status == 400
    assert told in page.one("[role=alert]").get_text()
    assert page.form(f"/host/{session['id']}/edit")[field] == typed
    assert await seen(http, tenant, session) == session


async def test_more_seats_let_who_waits_move_up_and_say_how_many(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    session = await with_people(http, tenant, 4, max_participants=1)
    page = await opened(server, tenant, session)
    assert "1 of 1 seats taken" in page.text
    assert "3 people wait in line." in page.text
    page = await edited(server, tenant, session, {"max_participants": "3"})
    assert "Saved. 2 people moved up from the line." in page.text
    assert "1 person waits in line." in page.text


async def test_fewer_seats_than_taken_put_nobody_out(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await with_people(http, tenant, 3)
    page = await edited(server, tenant, session, {"max_participants": "1"})
    assert "2 more than there are seats. Nobody is put out" in page.text


async def test_a_session_is_started_and_ended(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    path = f"/host/{session['id']}"
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        assert "The session is live." in (await visitor.send(path, f"{path}/start")).text
        page = await visitor.get(path)
        assert page.one("details.sure form")["action"] == f"{path}/end"
        assert "The session has ended." in (await visitor.send(path, f"{path}/end")).text
    assert (await seen(http, tenant, session))["status"] == "ended"


async def test_a_session_is_called_off_and_says_whom_that_concerns(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    session = await with_people(http, tenant, 2, max_participants=1)
    path = f"/host/{session['id']}"
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        assert "Calls it off, and tells 2 people." in (await visitor.get(path)).text
        assert "The session is cancelled." in (await visitor.send(path, f"{path}/cancel")).text
    assert (await seen(http, tenant, session))["status"] == "cancelled"


async def test_a_step_that_came_too_late_says_how_it_is(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    path = f"/host/{session['id']}"
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        form = (await visitor.get(path)).form(f"{path}/start")
        await tenant.step(http, session, "cancel")
        page = await visitor.post(f"{path}/start", form)
    assert page.status == 412
    assert "This is how it is now." in page.one("[role=alert]").get_text()
    assert page.one(".badge[data-status]").get_text() == "Cancelled"


async def test_only_hosts_have_the_page(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await http.put(f"/v1/sessions/{session['id']}/co-hosts/co", headers=tenant.bearer())
    before = await seen(http, tenant, session)
    assert (await opened(server, tenant, session, "ada")).status == 403
    assert (await opened(server, tenant, session, "co")).status == 200
    assert (await opened(server, tenant, session, "boss", scope="manage:live")).status == 200
    async with visiting(server.url, "host_1", "another") as visitor:
        assert (await visitor.get(f"/host/{session['id']}")).status == 404
        assert (await visitor.get("/host/no-uuid")).status == 404
    async with visiting(server.url, "ada", tenant.brand) as visitor:
        csrf = (await visitor.get("/")).form("/signout")
        for verb in ("edit", "start", "end", "cancel"):
            assert (await visitor.post(f"/host/{session['id']}/{verb}", {**csrf, "title": "x"})).status == 403
    assert await seen(http, tenant, session) == before


async def test_hostile_titles_are_shown_as_texts(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    hostile = '"><script>alert(1)</script>\u202e{{ 7 * 7 }}'
    page = await opened(server, tenant, await tenant.session(http, title=hostile))
    assert page.one("h1").get_text() == hostile
    assert page.one("#title")["value"] == hostile
    assert page.one("#edit")["data-title"] == hostile


async def test_what_changes_by_itself_is_told_to_the_module(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await with_people(http, tenant, 3, max_participants=1)
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        now = (await visitor.http.get(f"/host/{session['id']}/now")).json()
    assert now == {
        "version": 1,
        "status": "scheduled",
        "status_text": "Scheduled",
        "registered": 1,
        "max_participants": 1,
        "waiting": 2,
        "seats": "1 of 1 seats taken",
        "line": "2 people wait in line.",
        "moves_up": "With more seats, up to 2 who wait move up.",
    }
