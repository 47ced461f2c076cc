"""Who opens the moderation queue and who is refused; its live stream is the moderators'."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.questions.forum import Forum, forum
from tests.registrations.people import answered
from tests.server import Server
from tests.tenant import Json, Tenant
from tests.web.pages.queue import act_on, bodies, queue_of
from tests.web.pages.visiting import Visitor, visiting


@pytest.fixture
async def there(http: httpx.AsyncClient, tenant: Tenant) -> Forum:
    return await forum(http, tenant)


@pytest.fixture
async def host(server: Server, tenant: Tenant) -> AsyncIterator[Visitor]:
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        yield visitor


async def test_a_co_host_moderates(server: Server, tenant: Tenant, there: Forum) -> None:
    answered(await there.http.put(f"{there.path}/co-hosts/host_2", headers=tenant.bearer()), 200)
    question = await there.asked()
    async with visiting(server.url, "host_2", tenant.brand) as co_host:
        page = await co_host.send(queue_of(there), act_on(there, question), {"status": "approved"})
    assert (page.status, bodies(page, "approved")) == (200, ["Why?"])


async def test_who_manages_moderates_a_session_of_somebody_else(server: Server, tenant: Tenant, there: Forum) -> None:
    question = await there.asked()
    scope = "read:live write:live manage:live"
    async with visiting(server.url, "manager", tenant.brand, scope=scope) as manager:
        page = await manager.send(queue_of(there), act_on(there, question), {"status": "dismissed"})
    assert (page.status, bodies(page, "dismissed")) == (200, ["Why?"])


async def refused(visitor: Visitor, there: Forum, question: Json) -> set[int]:
    """What somebody is told who opens the queue, its parts, and sends its forms."""
    proof = (await visitor.get("/signin")).form("/signout")["csrf"]
    pages = [await visitor.get(queue_of(there) + part) for part in ("", "/more")]
    pages += [
        await visitor.post(act_on(there, question, act), {"csrf": proof, "status": "dismissed"})
        for act in ("moderate", "pin", "unpin")
    ]
    return {page.status for page in pages}


async def test_a_participant_is_refused(server: Server, tenant: Tenant, there: Forum) -> None:
    question = await there.question("anna", "seen by all")
    async with visiting(server.url, "ben", tenant.brand) as participant:
        assert await refused(participant, there, question) == {403}


async def test_who_may_only_read_is_refused_even_as_the_host(server: Server, tenant: Tenant, there: Forum) -> None:
    question = await there.question()
    async with visiting(server.url, "host_1", tenant.brand, scope="read:live") as reader:
        assert await refused(reader, there, question) == {403}
        assert (await reader.get(f"{queue_of(there)}/ticket")).status == 403


async def test_another_brands_host_finds_nothing(server: Server, there: Forum) -> None:
    question = await there.question()
    async with visiting(server.url, "host_1", "another-brand", scope="read:live write:live manage:live") as stranger:
        assert await refused(stranger, there, question) == {404}


async def test_who_is_signed_out_is_led_to_sign_in_and_back(server: Server, there: Forum) -> None:
    async with visiting(server.url) as nobody:
        page = await nobody.get(queue_of(there), follow=False)
    assert page.status == 303
    assert parse_qs(urlsplit(page.answer.headers["location"]).query)["next"] == [queue_of(there)]


async def test_a_form_without_its_proof_changes_nothing(there: Forum, host: Visitor) -> None:
    question = await there.asked()
    page = await host.post(act_on(there, question), {"status": "approved"})
    assert page.status == 403
    assert (await there.seen(question) or {})["status"] == "pending"


async def test_a_question_that_is_not_there_is_not_found(there: Forum, host: Visitor) -> None:
    question = await there.asked()
    form = (await host.get(queue_of(there))).form(act_on(there, question))
    page = await host.post(act_on(there, {"id": "0" * 8}), {**form, "status": "approved"})
    assert page.status == 404


@pytest.mark.parametrize("part", ["", "/ticket"])
async def test_the_page_opens_the_moderators_live_stream(server: Server, there: Forum, host: Visitor, part: str) -> None:
    await there.asked("anna", "waits for moderators")
    answer = (await host.get(queue_of(there) + part)).answer
    cookie = answer.headers["set-cookie"]
    assert f"Path={there.path}/stream;" in cookie
    assert "HttpOnly; SameSite=Strict" in cookie
    named = {"cookie": cookie.partition(";")[0]}
    async with (
        httpx.AsyncClient(base_url=server.url) as browser,
        browser.stream("GET", f"{there.path}/stream", headers=named) as live,
    ):
        told = ""
        async for chunk in live.aiter_text():
            told += chunk
            if "waits for moderators" in told:
                break
    assert "event: snapshot" in told
