"""What who takes part does on the page of a session: without script, and as a module does it."""

import httpx
import pytest

from tests.server import Server
from tests.tenant import Json, Tenant
from tests.web.pages.visiting import Visitor, visiting


async def status_of(http: httpx.AsyncClient, tenant: Tenant, session: Json, user: str) -> str:
    answer = await http.get(f"/v1/sessions/{session['id']}/registrations/me", headers=tenant.bearer(user))
    return str(answer.json().get("status", answer.json().get("error")))


async def questions_of(http: httpx.AsyncClient, tenant: Tenant, session: Json, user: str = "host_1") -> list[Json]:
    answer = await http.get(f"/v1/sessions/{session['id']}/questions", headers=tenant.bearer(user))
    found: list[Json] = answer.json()["questions"]
    return found


async def act(visitor: Visitor, session: Json, verb: str, **fields: str) -> str:
    page = await visitor.send(f"/s/{session['id']}", f"/s/{session['id']}/{verb}", fields)
    return page.text


async def test_a_seat_is_taken_and_given_up(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    async with visiting(server.url, "ada", tenant.brand) as visitor:
        assert "You have a seat." in await act(visitor, session, "register")
        assert await status_of(http, tenant, session, "ada") == "registered"
        assert "Your place is given up." in await act(visitor, session, "cancel")
        assert await status_of(http, tenant, session, "ada") == "cancelled"


async def test_registering_twice_is_once(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    path = f"/s/{session['id']}"
    async with visiting(server.url, "ada", tenant.brand) as visitor:
        form = (await visitor.get(path)).form(f"{path}/register")
        pages = [await visitor.post(f"{path}/register", form) for _ in range(2)]
    assert [page.status for page in pages] == [200, 200]
    seen = await http.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())
    assert seen.json()["registered_count"] == 1


async def test_who_comes_too_late_stands_in_line_and_is_told_so(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    session = await tenant.session(http, max_participants=1)
    async with visiting(server.url, "ada", tenant.brand) as ada, visiting(server.url, "bob", tenant.brand) as bob:
        await act(ada, session, "register")
        assert "You are number 1 in line" in await act(bob, session, "register")


async def test_a_form_that_was_sent_twice_asks_once(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    path = f"/s/{session['id']}"
    async with visiting(server.url, "ada", tenant.brand) as visitor:
        await act(visitor, session, "register")
        form = {**(await visitor.get(path)).form(f"{path}/ask"), "body": "  Which chair?\r\nAnd why?  "}
        first, second = [await visitor.post(f"{path}/ask", form) for _ in range(2)]
        assert "Your question is with the moderators." in first.text
        assert second.status == 200
        await act(visitor, session, "ask", body="Another")
    assert sorted(one["body"] for one in await questions_of(http, tenant, session)) == ["Another", "Which chair?\nAnd why?"]


@pytest.mark.parametrize("body", ["", "   ", "x" * 401, "a\0b"])
async def test_a_question_that_is_none_comes_back_with_what_was_typed(
    http: httpx.AsyncClient, server: Server, tenant: Tenant, body: str
) -> None:
    session = await tenant.session(http)
    async with visiting(server.url, "ada", tenant.brand) as visitor:
        await act(visitor, session, "register")
        page = await visitor.send(f"/s/{session['id']}", f"/s/{session['id']}/ask", {"body": body})
    assert page.status == 400
    assert "Your question: expected 1 to 400 characters." in page.one("[role=alert]").get_text()
    assert page.form(f"/s/{session['id']}/ask")["body"].replace("\ufffd", "\0") == body
    assert await questions_of(http, tenant, session) == []


async def test_four_hundred_emoji_are_a_question(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    async with visiting(server.url, "ada", tenant.brand) as visitor:
        await act(visitor, session, "register")
        await act(visitor, session, "ask", body="🎈" * 400)
    assert [one["body"] for one in await questions_of(http, tenant, session)] == ["🎈" * 400]


async def test_a_vote_is_given_and_taken_back(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    made = await http.post(f"/v1/sessions/{session['id']}/questions", json={"body": "Why?"}, headers=tenant.bearer())
    path = f"/v1/sessions/{session['id']}/questions/{made.json()['id']}"
    await http.patch(path, json={"status": "approved"}, headers=tenant.bearer())
    async with visiting(server.url, "ada", tenant.brand) as visitor:
        await act(visitor, session, "register")
        page = await visitor.send(f"/s/{session['id']}", f"/s/{session['id']}/questions/{made.json()['id']}/vote")
        assert page.one(".vote button")["aria-pressed"] == "true"
        assert page.one(".count").get_text() == "1"
        page = await visitor.send(f"/s/{session['id']}", f"/s/{session['id']}/questions/{made.json()['id']}/vote")
        assert page.one(".vote button")["aria-pressed"] == "false"
        assert page.one(".count").get_text() == "0"


async def test_ones_own_question_is_taken_back(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    async with visiting(server.url, "ada", tenant.brand) as visitor:
        await act(visitor, session, "register")
        await act(visitor, session, "ask", body="Why?")
        (asked,) = await questions_of(http, tenant, session)
        said = await act(visitor, session, f"questions/{asked['id']}/withdraw")
        assert "Your question is taken back." in said
    assert [one["status"] for one in await questions_of(http, tenant, session)] == ["dismissed"]


async def test_a_module_gets_what_the_service_answers(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    path = f"/s/{session['id']}"
    async with visiting(server.url, "ada", tenant.brand) as visitor:
        form = (await visitor.get(path)).form(f"{path}/register")
        made = await visitor.ask(f"{path}/register", form)
        assert (made.status_code, made.json()["status"]) == (200, "registered")
        asking = {**(await visitor.get(path)).form(f"{path}/ask"), "body": ""}
        refused = await visitor.ask(f"{path}/ask", asking)
    assert refused.status_code == 400
    assert refused.json() == {"error": "validation_error", "message": "Your question: expected 1 to 400 characters."}


@pytest.mark.parametrize("verb", ["register", "cancel", "ask", "join", "questions/x/vote", "questions/x/withdraw"])
async def test_no_form_is_taken_without_its_proof_or_from_another_site(
    http: httpx.AsyncClient, server: Server, tenant: Tenant, verb: str
) -> None:
    session = await tenant.session(http)
    async with visiting(server.url, "ada", tenant.brand) as visitor, visiting(server.url, "bob", tenant.brand) as other:
        path = f"/s/{session['id']}"
        mine = (await visitor.get(path)).one("form[action='/signout'] input[name=csrf]")["value"]
        bobs = (await other.get(path)).one("form[action='/signout'] input[name=csrf]")["value"]
        assert (await visitor.post(f"{path}/{verb}", {})).status == 403
        assert (await visitor.post(f"{path}/{verb}", {"csrf": str(bobs)})).status == 403
        told = {"sec-fetch-site": "cross-site", "accept": "text/html"}
        assert (await visitor.http.post(f"{path}/{verb}", data={"csrf": str(mine)}, headers=told)).status_code == 403
    assert await status_of(http, tenant, session, "ada") == "not_found"


async def test_what_is_refused_is_said_on_the_page(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    path = f"/s/{session['id']}"
    async with visiting(server.url, "ada", tenant.brand) as visitor:
        form = (await visitor.get(path)).form(f"{path}/register")
        await tenant.step(http, session, "cancel")
        page = await visitor.post(f"{path}/register", form)
    assert page.status == 412
    assert page.has("[role=alert]")
    assert page.one("[data-now=status_text]").get_text() == "Cancelled"


async def test_joining_where_no_video_is_set_up_is_said_in_plain_words(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    session = await tenant.session(http)
    await tenant.step(http, session, "start")
    async with visiting(server.url, "ada", tenant.brand) as visitor:
        page = await visitor.send(f"/s/{session['id']}", f"/s/{session['id']}/join")
    assert page.status == 503
    assert "No provider of video is set up" in page.one("[role=alert]").get_text()


async def test_a_question_that_is_not_there_or_not_ones_own_is_left_alone(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    session = await tenant.session(http)
    path = f"/s/{session['id']}"
    async with visiting(server.url, "ada", tenant.brand) as ada, visiting(server.url, "bob", tenant.brand) as bob:
        for one in (ada, bob):
            await act(one, session, "register")
        await act(ada, session, "ask", body="Mine")
        (asked,) = await questions_of(http, tenant, session)
        csrf = (await bob.get(path)).form("/signout")
        nowhere = "0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11"
        for question in (asked["id"], nowhere):
            for verb in ("vote", "withdraw"):
                assert (await bob.post(f"{path}/questions/{question}/{verb}", {**csrf, "wants": "yes"})).status == 404
    assert [(one["status"], one["vote_count"]) for one in await questions_of(http, tenant, session)] == [("pending", 0)]
