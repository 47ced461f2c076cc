"""Chromium's own EventSource watches: it comes again by itself, goes on where it was, and interprets nothing."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, Server, running_server
from tests.stream.chromium import chromium_at, installed
from tests.stream.front import Front, front_of
from tests.stream.stage import Stage, staged
from tests.tenant import Json, Tenant

VIEWER = "viewer_1"
PLAIN_ELEMENTS = 9  # html, head, meta, link, title, body, p, ol, script; and an li for each question

NASTY = {
    "a script": "<script>wasInterpreted()</script>",
    "an image that fails": '<img src=x onerror="wasInterpreted()">',
    "the end of the list": "</li></ol><svg/onload=wasInterpreted()>",
    "an event of its own": '\n\nevent: pin\ndata: {"question_id": "forged"}\nid: 999999999\n\ndata: hello\r\rid: 7\r\n\r\n',
    "line ends of other kinds": "a\u2028b\u2029c\x0bd\x0ce\x85f",
    "right to left": "safe\u202e\u2066gnp.exe\u2069",
    "nothing to be seen": "\u200b\u200d\ufeff",
    "a body's worth of emoji": "\U0001f9d1\u200d\U0001f680" * 133 + "\U0001f44d",
    "markup that is data": "&lt;b&gt; &amp; ${wasInterpreted()} {{7*7}} ]]>",
}


class PageStage(Stage):
    """A live session that Chromium watches, and the ways to it: the page's and the stream's."""

    def __init__(self, stage: Stage, *, page: Front, stream: Front) -> None:
        super().__init__(stage.server, stage.http, stage.tenant, stage.session)
        self.page = page
        self.stream = stream

    async def page_with_ticket(self) -> str:
        """The page's address; it opens the stream by the ticket in the address that it is given."""
        given = await self.ticket(VIEWER)
        return f"{self.page.url}/?{urlencode({'stream': given['url'].replace(self.server.url, self.stream.url, 1)})}"

    def page_with_cookie(self) -> str:
        """The page's address; it asks for a ticket itself, and opens the stream with nothing but the cookie."""
        token = self.tenant.token(VIEWER)
        return f"{self.page.url}/?{urlencode({'stream': f'{self.path}/stream', 'token': token})}"


@pytest.fixture
async def fronts() -> AsyncIterator[tuple[Front, Front]]:
    """A front for the page, and another for the stream: two origins."""
    installed()
    async with front_of() as page, front_of() as stream:
        yield page, stream


@pytest.fixture
def server_for_pages(fronts: tuple[Front, Front], database: TestDatabase, tmp_path: Path) -> Iterator[Server]:
    """A server that lets the page's origin in."""
    with running_server(database, tmp_path, settings={"GREENROOM_CORS_ORIGINS": fronts[0].url}) as running:
        yield running


@pytest.fixture
async def stage(fronts: tuple[Front, Front], server_for_pages: Server, tenant: Tenant) -> AsyncIterator[PageStage]:
    page, stream = fronts
    page.service_port = stream.service_port = server_for_pages.port
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server_for_pages.url, timeout=30) as http:
        staged_there = await staged(server_for_pages, http, tenant)
        await staged_there.say(open_questions=100)
        yield PageStage(staged_there, page=page, stream=stream)


def counts(report: Json) -> dict[str, int]:
    """The page's questions and their votes."""
    return {question: one["vote_count"] for question, one in report["questions"].items()}


async def test_a_page_of_another_origin_watches_by_its_ticket(stage: PageStage) -> None:
    question = await stage.asked("How long should one rest?")
    async with chromium_at(await stage.page_with_ticket()):
        first = await stage.page.report_of(lambda page: page["me"] is not None)
        assert (first["snapshots"], counts(first), first["me"]["user_id"]) == (1, {question["id"]: 0}, VIEWER)
        await stage.vote(question, user="fan_1")
        await stage.vote(question, user="fan_2")
        await stage.page.report_of(lambda page: counts(page) == {question["id"]: 2})


async def test_a_connection_that_is_cut_is_made_again_and_goes_on_where_it_was(stage: PageStage) -> None:
    one, other = await stage.asked("What was there before?"), await stage.asked("What is dismissed meanwhile?")
    async with chromium_at(await stage.page_with_ticket()):
        before = await stage.page.report_of(lambda page: page["me"] is not None and page["lastId"] != "")
        stage.stream.cut()
        await stage.page.report_of(lambda page: page["retried"] == 1)
        third = await stage.asked("What came while nobody was there?")
        await stage.vote(one, user="fan_1")
        await stage.pin(third)
        await stage.judge(other, "dismissed")
        after = await stage.page.report_of(lambda page: counts(page) == {one["id"]: 1, third["id"]: 0})
        after = await stage.page.report_of(lambda page: page["pinned"] == third["id"])
    heads = stage.stream.heads_of(f"{stage.path}/stream")
    assert len(heads) == 2
    assert f"\r\nlast-event-id: {before['lastId']}\r\n" in heads[1].lower()
    assert (after["snapshots"], after["opened"], after["broken"]) == (1, 2, [])
    listed = await stage.http.get(f"{stage.path}/questions", headers=stage.tenant.bearer(VIEWER))
    assert {shown["id"]: shown["vote_count"] for shown in listed.json()["questions"]} == counts(after)


async def test_a_page_of_the_same_origin_watches_by_its_cookie(stage: PageStage) -> None:
    question = await stage.asked("Who is there?")
    async with chromium_at(stage.page_with_cookie()):
        await stage.page.report_of(lambda page: page["me"] is not None)
        stage.page.cut()
        await stage.page.report_of(lambda page: page["opened"] == 2)
        await stage.vote(question, user="fan_1")
        report = await stage.page.report_of(lambda page: counts(page) == {question["id"]: 1})
    heads = stage.page.heads_of(f"{stage.path}/stream")
    assert ["ticket=" in head.split(" ")[1] for head in heads] == [False, False]
    assert report["me"]["user_id"] == VIEWER


async def test_no_body_is_ever_interpreted(stage: PageStage) -> None:
    before = [await stage.asked(body) for body in list(NASTY.values())[::2]]  # in the snapshot, and as they come
    async with chromium_at(await stage.page_with_ticket()):
        await stage.page.report_of(lambda page: page["me"] is not None)
        after = [await stage.asked(body) for body in list(NASTY.values())[1::2]]
        report = await stage.page.report_of(lambda page: len(page["questions"]) == len(NASTY))
        await stage.pin(before[0])
        report = await stage.page.report_of(lambda page: page["pinned"] == before[0]["id"])
    bodies = {one["id"]: one["body"] for one in (*before, *after)}
    assert {question: shown["body"] for question, shown in report["questions"].items()} == bodies
    assert sorted(bodies.values()) == sorted(NASTY.values())
    assert sorted(report["shown"]) == sorted(NASTY.values())
    assert (report["dialogs"], report["elements"], report["broken"]) == (0, PLAIN_ELEMENTS, [])


async def test_a_page_that_takes_bodies_for_markup_is_found_out(stage: PageStage) -> None:
    """The negative control: the same bodies, shown by a page that does what none should."""
    async with chromium_at(f"{await stage.page_with_ticket()}&careless=1"):
        await stage.page.report_of(lambda page: page["me"] is not None)
        for body in NASTY.values():
            await stage.asked(body)
        report = await stage.page.report_of(lambda page: page["dialogs"] > 0 and page["elements"] > PLAIN_ELEMENTS)
    assert report["broken"] == []


async def test_a_browser_that_is_told_no_stops_to_ask(stage: PageStage) -> None:
    stream = f"{stage.stream.url}{stage.path}/stream?{urlencode({'ticket': 'nobody wrote this'})}"
    async with chromium_at(f"{stage.page.url}/?{urlencode({'stream': stream})}"):
        report = await stage.page.report_of(lambda page: page["failed"] == 1)
    assert (report["opened"], report["retried"]) == (0, 0)


async def test_no_other_origin_may_read(stage: PageStage) -> None:
    """The negative control of the list of origins: the same page at another address."""
    async with AsyncExitStack() as stack:
        elsewhere = await stack.enter_async_context(front_of(stage.page.service_port))
        address = (await stage.page_with_ticket()).replace(stage.page.url, elsewhere.url, 1)
        await stack.enter_async_context(chromium_at(address))
        report = await elsewhere.report_of(lambda page: page["failed"] == 1)
    assert (report["opened"], report["questions"], report["me"]) == (0, {}, None)
