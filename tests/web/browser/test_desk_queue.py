"""The moderation queue in a browser: one thumb, and others who moderate at the same time."""

from itertools import pairwise

from playwright.async_api import Locator, Page, expect

from tests.chromium import Look
from tests.web.browser.people import People

PHONE = Look(width=320, height=640)
LONG = "A question that goes over several lines of a phone. " * 5
TOP = "element => Math.round(element.getBoundingClientRect().top)"
SOON = 5_000


async def asked(people: People, session: str, *bodies: str) -> list[str]:
    return [await people.question(session, body, f"asker_{turn}", status=None) for turn, body in enumerate(bodies)]


async def moderated(people: People, session: str, question: str, status: str) -> None:
    await people.call("PATCH", f"/sessions/{session}/questions/{question}", body={"status": status})


async def opened(people: People, session: str, *, listens: bool = True) -> Page:
    """The queue on a phone; `listens`: what others do comes by the live stream."""
    window = await people.window("host_1", look=PHONE)
    if not listens:
        await window.page.route("**/stream", lambda route: route.fulfill(status=200, content_type="text/event-stream", body=""))
    await window.page.goto(f"/host/{session}/questions")
    return window.page


async def live(people: People) -> str:
    session = await people.session()
    await people.step(session, "start")
    return session


def bodies(page: Page, section: str = "pending") -> Locator:
    return page.locator(f"#{section} .ask-body")


def button(page: Page, question: str, name: str) -> Locator:
    return page.locator(f"#question-{question}").get_by_role("button", name=name, exact=True)


async def test_the_next_cards_button_comes_to_where_the_thumb_is(people: People) -> None:
    session = await live(people)
    them = await asked(people, session, f"first {LONG}", "second", f"third {LONG}", "fourth")
    page = await opened(people, session)
    await button(page, them[0], "Approve").scroll_into_view_if_needed()
    top = await button(page, them[0], "Approve").evaluate(TOP)
    for this, following in pairwise(them):
        await button(page, this, "Approve").click()
        await expect(button(page, following, "Approve")).to_be_focused()
        await expect(page.locator("#queue.is-moving")).to_have_count(0)
        assert await button(page, following, "Approve").evaluate(TOP) == top
    await button(page, them[3], "Approve").click()
    await expect(page.get_by_text("No questions wait.")).to_be_focused()
    await expect(bodies(page, "approved")).to_have_count(4)


async def test_a_mistaken_state_is_told_and_the_card_goes_where_its_question_is(people: People) -> None:
    session = await live(people)
    this, following = await asked(people, session, "this", "following")
    page = await opened(people, session, listens=False)
    await moderated(people, session, this, "dismissed")
    await button(page, this, "Approve").click()
    await expect(page.get_by_text("status does not allow this")).to_be_visible()
    await expect(bodies(page)).to_have_text(["following"])
    await expect(bodies(page, "dismissed")).to_have_text(["this"])
    await expect(button(page, following, "Approve")).to_be_focused()


async def test_what_is_newly_asked_is_told_at_the_end_and_moves_nothing(people: People) -> None:
    session = await live(people)
    first, _ = await asked(people, session, f"first {LONG}", "second")
    page = await opened(people, session)
    await button(page, first, "Dismiss").focus()
    top = await button(page, first, "Dismiss").evaluate(TOP)
    await people.question(session, "newly asked", "somebody", status=None)
    await expect(bodies(page)).to_have_text([f"first {LONG}".strip(), "second", "newly asked"], timeout=SOON)
    await expect(page.get_by_role("status").get_by_text("1 new question waits.")).to_be_visible(timeout=SOON)
    await expect(page.locator("#pending [data-count]")).to_have_text("3")
    await expect(button(page, first, "Dismiss")).to_be_focused()
    assert await button(page, first, "Dismiss").evaluate(TOP) == top


async def test_what_another_moderator_does_takes_cards_away_and_neither_focus_nor_place(people: People) -> None:
    session = await live(people)
    above, this, _ = await asked(people, session, f"above {LONG}", "this", "below")
    page = await opened(people, session)
    await button(page, this, "Approve").focus()
    top = await button(page, this, "Approve").evaluate(TOP)
    await moderated(people, session, above, "approved")
    await expect(bodies(page)).to_have_text(["this", "below"], timeout=SOON)
    await expect(bodies(page, "approved")).to_have_text([f"above {LONG}".strip()])
    await expect(button(page, this, "Approve")).to_be_focused()
    assert await button(page, this, "Approve").evaluate(TOP) == top


async def test_who_is_about_to_press_is_told_that_another_did_and_goes_on(people: People) -> None:
    session = await live(people)
    this, following = await asked(people, session, "this", "following")
    page = await opened(people, session)
    await button(page, this, "Approve").focus()
    top = await button(page, this, "Approve").evaluate(TOP)
    await moderated(people, session, this, "dismissed")
    await expect(page.locator(f"#question-{this} [data-gone]")).to_contain_text("dismissed", timeout=SOON)
    await expect(button(page, this, "Approve")).to_be_focused()
    assert await button(page, this, "Approve").evaluate(TOP) == top
    await page.keyboard.press("Enter")
    await expect(button(page, following, "Approve")).to_be_focused()
    await expect(bodies(page, "dismissed")).to_have_text(["this"])


async def test_votes_order_what_was_approved(people: People) -> None:
    session = await live(people)
    await people.question(session, "first")
    second = await people.question(session, "second")
    page = await opened(people, session)
    await expect(bodies(page, "approved")).to_have_text(["first", "second"])
    await people.call("PUT", f"/sessions/{session}/questions/{second}/vote", "voter")
    await expect(bodies(page, "approved")).to_have_text(["second", "first"], timeout=SOON)
    await expect(page.locator(f"#question-{second} [data-told-votes]")).to_have_text("1 vote")


async def test_a_question_is_pinned_taken_down_and_pinned_again(people: People) -> None:
    session = await live(people)
    question = await people.question(session, "first")
    page = await opened(people, session)
    mark = page.locator(f"#question-{question} [data-mark]")
    for act, other in (("Pin", "Unpin"), ("Unpin", "Pin"), ("Pin", "Unpin")):
        await button(page, question, act).click()
        await expect(button(page, question, other)).to_be_focused()
    await expect(mark).to_be_visible()
    told = await people.call("GET", f"/sessions/{session}/questions")
    assert [one["is_pinned"] for one in told["questions"]] == [True]


async def test_what_follows_is_fetched_into_the_list(people: People) -> None:
    session = await live(people)
    for turn in range(52):
        await people.question(session, f"question {turn}", f"asker_{turn}", status=None)
    page = await opened(people, session)
    await expect(page.locator("#pending [data-count]")).to_have_text("50+")
    await page.get_by_role("link", name="More of these").click()
    await expect(bodies(page)).to_have_count(52)
    await expect(page.locator("#pending [data-count]")).to_have_text("52")
    await expect(page.locator("#pending .ask").nth(50)).to_be_focused()
    await expect(page.get_by_role("link", name="More of these")).to_have_count(0)


async def test_a_stream_that_was_refused_is_opened_again_with_another_ticket(people: People) -> None:
    session = await live(people)
    window = await people.window("host_1", look=PHONE)
    tickets: list[str] = []
    window.page.on("request", lambda request: tickets.append(request.url) if request.url.endswith("/ticket") else None)
    await window.page.route("**/stream", lambda route: route.fulfill(status=204), times=1)
    await window.page.goto(f"/host/{session}/questions")
    await asked(people, session, "asked while nobody listened")
    await expect(bodies(window.page)).to_have_text(["asked while nobody listened"], timeout=15_000)
    assert tickets == [f"{people.url}/host/{session}/questions/ticket"]
