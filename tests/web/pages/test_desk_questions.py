"""The moderation queue: oldest first, one act on each card, told apart by status; for moderators alone."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.questions.forum import STATUSES, Forum, forum
from tests.registrations.people import answered
from tests.server import Server
from tests.tenant import Tenant
from tests.web.pages.queue import act_on, bodies, buttons, card, queue_of
from tests.web.pages.visiting import Visitor, visiting

HOSTILE = [
    "<script>alert(1)</script>",
    "\" onfocus=alert(1) autofocus x='",
    "{{ 7 * 7 }} {% raw %}",
    "\u202egnirts desrever\u202c",
    "zero\u200bwidth\u200djoined",
    "👩🏽‍⚕️ und Grüße",
    "100 % of a_b",
    "line\nafter line",
]


@pytest.fixture
async def there(http: httpx.AsyncClient, tenant: Tenant) -> Forum:
    return await forum(http, tenant)


@pytest.fixture
async def host(server: Server, tenant: Tenant) -> AsyncIterator[Visitor]:
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        yield visitor


async def test_what_waits_stands_in_the_order_in_which_it_was_asked(there: Forum, host: Visitor) -> None:
    for body in ("first", "second", "third"):
        await there.asked("anna", body)
    page = await host.get(queue_of(there))
    assert (page.status, bodies(page, "pending")) == (200, ["first", "second", "third"])
    assert page.one("#pending [data-count]").get_text() == "3"


async def test_what_was_approved_stands_by_its_votes_and_says_which_is_pinned(there: Forum, host: Visitor) -> None:
    none, many, few = [await there.question(f"asker_{body}", body) for body in ("none", "many", "few")]
    await there.voted(many, "carl", "dora")
    await there.voted(few, "carl")
    answered(await there.pin(none), 200)
    page = await host.get(queue_of(there))
    assert bodies(page, "approved") == ["many", "few", "none"]
    assert [not one.has_attr("hidden") for one in page.all("#approved [data-mark]")] == [False, False, True]
    assert ["2 votes" in card(page, many), "1 vote" in card(page, few), "0 votes" in card(page, none)] == [True] * 3


async def test_what_is_done_with_is_folded(there: Forum, host: Visitor) -> None:
    await there.question("anna", "was answered", status="answered")
    await there.question("ben", "was dismissed", status="dismissed")
    page = await host.get(queue_of(there))
    assert bodies(page, "answered") == ["was answered"]
    assert bodies(page, "dismissed") == ["was dismissed"]
    assert [one.has_attr("open") for one in page.all("#answered > details, #dismissed > details")] == [False, False]
    assert not page.has("#pending details, #approved details")


async def test_a_card_says_who_asked_and_when_by_the_viewers_clock(server: Server, tenant: Tenant, there: Forum) -> None:
    question = await there.asked("anna", "Why?")
    async with visiting(server.url, "host_1", tenant.brand, zone="Asia/Tokyo") as host:
        page = await host.get(queue_of(there))
    assert "Asked by anna" in card(page, question)
    assert page.one(f"#question-{question['id']} time")["datetime"] == question["asked_at"]
    hour = (int(question["asked_at"][11:13]) + 9) % 24
    assert f"{hour:02}:{question['asked_at'][14:16]}" in card(page, question)
    assert "Japan Standard Time, Asia/Tokyo" in page.text


@pytest.mark.parametrize(
    ("status", "offered"),
    [("pending", ["Approve", "Dismiss"]), ("approved", ["Answered", "Dismiss", "Pin"]), ("answered", []), ("dismissed", [])],
)
async def test_a_card_offers_what_its_status_allows(there: Forum, host: Visitor, status: str, offered: list[str]) -> None:
    question = await there.asked()
    for step in STATUSES[status]:  # type: ignore[index]
        answered(await there.moderate(question, step), 200)
    assert buttons(await host.get(queue_of(there)), question) == offered


@pytest.mark.parametrize("status", ["approved", "dismissed"])
async def test_a_question_that_waits_is_let_through_or_dismissed_and_one_comes_back_to_the_next(
    there: Forum, host: Visitor, status: str
) -> None:
    first, second = await there.asked("anna", "first"), await there.asked("ben", "second")
    sent = await host.send(queue_of(there), act_on(there, first), {"status": status}, follow=False)
    assert sent.status == 303
    where = urlsplit(sent.answer.headers["location"])
    assert where.fragment == f"question-{second['id']}"
    page = await host.get(sent.answer.headers["location"])
    assert page.one(".notice.good[role=status]").get_text().startswith(status.capitalize())
    assert bodies(page, "pending") == ["second"]
    assert bodies(page, status) == ["first"]


async def test_after_the_last_of_a_list_one_comes_back_to_the_one_before_or_to_the_queue(there: Forum, host: Visitor) -> None:
    first, second = await there.asked("anna", "first"), await there.asked("ben", "second")
    sent = await host.send(queue_of(there), act_on(there, second), {"status": "approved"}, follow=False)
    assert urlsplit(sent.answer.headers["location"]).fragment == f"question-{first['id']}"
    sent = await host.send(queue_of(there), act_on(there, first), {"status": "approved"}, follow=False)
    assert urlsplit(sent.answer.headers["location"]).fragment == "queue"


@pytest.mark.parametrize("following", ["//evil.example", "x#y", "\r\nset-cookie: a=b", "<b>"])
async def test_where_one_comes_back_to_is_a_place_of_the_queue_whatever_the_form_says(
    there: Forum, host: Visitor, following: str
) -> None:
    question = await there.asked()
    fields = {"status": "approved", "next": following}
    sent = await host.send(queue_of(there), act_on(there, question), fields, follow=False)
    assert sent.answer.headers["location"] == f"{queue_of(there)}?said=question_approved#queue"


async def test_an_approved_question_is_called_answered(there: Forum, host: Visitor) -> None:
    question = await there.question()
    page = await host.send(queue_of(there), act_on(there, question), {"status": "answered"})
    assert (bodies(page, "approved"), bodies(page, "answered")) == ([], ["Why?"])
    assert "Marked as answered" in page.text


async def test_a_question_is_pinned_in_the_place_of_another_and_taken_down(there: Forum, host: Visitor) -> None:
    one, other = await there.question("anna", "one"), await there.question("ben", "other")
    answered(await there.pin(other), 200)
    sent = await host.send(queue_of(there), act_on(there, one, "pin"), follow=False)
    assert urlsplit(sent.answer.headers["location"]).fragment == f"question-{one['id']}"
    page = await host.get(sent.answer.headers["location"])
    assert "Pinned: it stands above all others." in page.text
    assert [buttons(page, question) for question in (one, other)] == [
        ["Answered", "Dismiss", "Unpin"],
        ["Answered", "Dismiss", "Pin"],
    ]
    page = await host.send(queue_of(there), act_on(there, one, "unpin"))
    assert "no question is pinned" in page.text
    assert buttons(page, one) == ["Answered", "Dismiss", "Pin"]


async def test_an_answered_question_that_is_pinned_can_be_taken_down(there: Forum, host: Visitor) -> None:
    question = await there.question()
    answered(await there.pin(question), 200)
    answered(await there.moderate(question, "answered"), 200)
    assert buttons(await host.get(queue_of(there)), question) == ["Unpin"]
    page = await host.send(queue_of(there), act_on(there, question, "unpin"))
    assert buttons(page, question) == []


async def test_a_pin_that_is_sent_twice_does_not_come_back_over_what_was_pinned_since(there: Forum, host: Visitor) -> None:
    one, other = await there.question("anna", "one"), await there.question("ben", "other")
    form = (await host.get(queue_of(there))).form(act_on(there, one, "pin"))
    await host.post(act_on(there, one, "pin"), form)
    answered(await there.pin(other), 200)
    page = await host.post(act_on(there, one, "pin"), form)
    assert page.status == 200
    assert (await there.seen(other) or {})["is_pinned"]


async def test_approving_twice_is_once(there: Forum, host: Visitor) -> None:
    question = await there.asked()
    form = {**(await host.get(queue_of(there))).form(act_on(there, question)), "status": "approved"}
    pages = [await host.post(act_on(there, question), form) for _ in range(2)]
    assert [page.status for page in pages] == [200, 200]
    assert bodies(pages[1], "approved") == ["Why?"]


async def test_a_mistaken_state_is_told_and_the_list_is_right(there: Forum, host: Visitor) -> None:
    question, other = await there.asked("anna", "mine"), await there.asked("ben", "other")
    form = {**(await host.get(queue_of(there))).form(act_on(there, question)), "status": "approved"}
    answered(await there.moderate(question, "dismissed"), 200)
    page = await host.post(act_on(there, question), form)
    assert page.status == 412
    assert "status does not allow" in page.one("[role=alert]").get_text()
    assert (bodies(page, "pending"), bodies(page, "dismissed")) == (["other"], ["mine"])
    assert buttons(page, other) == ["Approve", "Dismiss"]


async def test_a_module_is_told_how_the_question_is_when_its_state_was_mistaken(there: Forum, host: Visitor) -> None:
    question = await there.asked()
    form = {**(await host.get(queue_of(there))).form(act_on(there, question)), "status": "approved"}
    answered(await there.moderate(question, "dismissed"), 200)
    said = await host.ask(act_on(there, question), form)
    assert said.status_code == 412
    assert said.json()["error"] == "invalid_status"
    assert said.json()["question"]["status"] == "dismissed"


async def test_a_module_gets_the_question_as_it_is_now(there: Forum, host: Visitor) -> None:
    question = await there.asked("anna", "Why?")
    form = (await host.get(queue_of(there))).form(act_on(there, question))
    said = await host.ask(act_on(there, question), {**form, "status": "approved"})
    assert said.status_code == 200
    assert said.headers["cache-control"] == "no-store"
    told = said.json()
    assert (told["status"], told["asker_user_id"], told["is_pinned"]) == ("approved", "anna", False)


@pytest.mark.parametrize("status", ["", "pending", "gone", "approved,dismissed"])
async def test_a_status_that_no_button_has_is_refused(there: Forum, host: Visitor, status: str) -> None:
    question = await there.asked()
    page = await host.send(queue_of(there), act_on(there, question), {"status": status})
    assert page.status == 400
    assert (await there.seen(question) or {})["status"] == "pending"


@pytest.mark.parametrize("over", ["ended", "cancelled"])
async def test_when_the_session_is_over_nothing_can_be_pinned_and_the_page_says_so(
    http: httpx.AsyncClient, tenant: Tenant, host: Visitor, over: str
) -> None:
    there = await forum(http, tenant, starts=False)
    await there.enter("anna")
    question = await there.question("anna")
    form = (await host.get(queue_of(there))).form(act_on(there, question, "pin"))
    await there.comes_to(over)
    page = await host.get(queue_of(there))
    assert "no question can be pinned" in page.text
    assert buttons(page, question) == ["Answered", "Dismiss"]
    mistaken = await host.post(act_on(there, question, "pin"), form)
    assert (mistaken.status, mistaken.has("[role=alert]")) == (412, True)


async def test_an_empty_queue_says_so_in_each_section(there: Forum, host: Visitor) -> None:
    page = await host.get(queue_of(there))
    shown = [one.get_text() for one in page.all("[data-empty]:not([hidden])")]
    assert shown == [
        "No questions wait.",
        "No approved question waits for an answer.",
        "No question has been answered yet.",
        "No question has been dismissed.",
    ]
    await there.asked()
    page = await host.get(queue_of(there))
    assert page.one("#pending [data-empty]").has_attr("hidden")


@pytest.mark.parametrize("body", HOSTILE)
async def test_a_body_is_text_and_nothing_else(there: Forum, host: Visitor, body: str) -> None:
    question = await there.asked("anna", body)
    page = await host.get(queue_of(there))
    assert bodies(page, "pending") == [body]
    shown = page.one(f"#question-{question['id']} .ask-body")
    assert (shown["dir"], shown.find(True)) == ("auto", None)
    assert not page.has("[onfocus], [autofocus]")


@pytest.mark.parametrize("name", ["<b>anna</b>", '"><img src=x>', "\u202eanna", "👩🏽‍⚕️"])
async def test_a_name_is_text_and_keeps_its_direction_to_itself(there: Forum, host: Visitor, name: str) -> None:
    question = await there.asked(name, "Why?")
    shown = (await host.get(queue_of(there))).one(f"#question-{question['id']} bdi[data-asker]")
    assert (shown.get_text(), shown.find(True)) == (name, None)


async def asked_many(there: Forum, count: int) -> list[str]:
    told = [f"question {number:03}" for number in range(count)]
    for number, body in enumerate(told):
        await there.asked(f"asker_{number // 3}", body)
    return told


async def test_a_long_queue_is_paged_and_every_question_is_on_one_page(there: Forum, host: Visitor) -> None:
    told = await asked_many(there, 120)
    seen: list[str] = []
    path = queue_of(there)
    for _ in range(3):
        page = await host.get(path)
        seen += bodies(page, "pending")
        links = page.all("[data-more]")
        path = f"{queue_of(there)}{links[0]['href']}" if links else ""
    assert (seen, path) == (told, "")
    assert page.one("#queue > p > a").get_text() == "From the first"


async def test_more_is_told_to_the_module_where_the_page_ended(there: Forum, host: Visitor) -> None:
    told = await asked_many(there, 60)
    link = str((await host.get(queue_of(there))).one("[data-more]")["href"])
    more = await host.get(f"{queue_of(there)}/more{link}")
    section = more.answer.json()
    assert [one["question"]["body"] for one in section["cards"]] == told[50:]
    assert section["next_cursor"] is None
    assert all(len(one["asked"]) == len("18:00") for one in section["cards"])
    assert more.answer.headers["cache-control"] == "private, no-store"


async def test_from_a_later_page_one_comes_back_to_that_page(there: Forum, host: Visitor) -> None:
    await asked_many(there, 52)
    later = f"{queue_of(there)}{(await host.get(queue_of(there))).one('[data-more]')['href']}"
    page = await host.get(later)
    action = str(page.all("#pending form[data-act=moderate]")[0]["action"])
    sent = await host.send(later, action, {"status": "approved"}, follow=False)
    there_again = parse_qs(urlsplit(sent.answer.headers["location"]).query)
    assert there_again["status"] == ["pending"]
    assert bodies(await host.get(sent.answer.headers["location"]), "pending") == ["question 051"]


async def test_one_status_alone_is_shown_unfolded(there: Forum, host: Visitor) -> None:
    await there.question("anna", "was answered", status="answered")
    await there.asked("ben", "waits")
    page = await host.get(f"{queue_of(there)}?status=answered")
    assert [section["id"] for section in page.all("#queue section")] == ["answered"]
    assert page.one("#answered details").has_attr("open")
    assert page.one("#queue nav [aria-current]").get_text() == "Answered"


@pytest.mark.parametrize("query", ["status=gone", "status=%00", "status=pending&cursor=x"])
async def test_a_filter_or_a_cursor_that_is_none_is_refused(there: Forum, host: Visitor, query: str) -> None:
    page = await host.get(f"{queue_of(there)}?{query}")
    assert (page.status, page.has("h1")) == (400, True)


async def test_every_status_has_a_card_for_the_module_to_fill(there: Forum, host: Visitor) -> None:
    page = await host.get(queue_of(there))
    acts = {str(one["id"]): [str(button.string) for button in one.select("button")] for one in page.all("template")}
    assert acts == {
        "card-pending": ["Approve", "Dismiss"],
        "card-approved": ["Answered", "Dismiss", "Pin", "Unpin"],
        "card-answered": ["Pin", "Unpin"],
        "card-dismissed": [],
    }
    for named in ("[data-gone]", "[data-asker]", "[data-told-votes]", "[data-mark]", "time", ".ask-body"):
        assert all(len(one.select(named)) == 1 for one in page.all("template"))


async def test_no_id_stands_twice_on_the_page_and_buttons_are_told_apart(there: Forum, host: Visitor) -> None:
    await there.asked("anna", "one")
    await there.question("ben", "other")
    page = await host.get(queue_of(there))
    for template in page.all("template"):
        template.decompose()
    ids = [one["id"] for one in page.all("[id]")]
    assert len(ids) == len(set(ids))
    assert all(one["aria-describedby"] in ids for one in page.all("#queue button"))
    assert page.all("#queue button")
