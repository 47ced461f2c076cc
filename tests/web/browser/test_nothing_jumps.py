"""Live data arrives, and what one reads stays where it is; the order changes before one's eyes, the focus stays."""

from playwright.async_api import Page, expect

from tests.chromium import PHONE, Look
from tests.web.browser.people import People

WATCH = """() => {
  window.shifted = 0;
  const add = (list) => { for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifted += one.value; };
  new PerformanceObserver(add).observe({ type: "layout-shift", buffered: false });
}"""
TOP_OF = "(id) => document.getElementById(id).getBoundingClientRect().top"
HARDLY = 0.1  # "good" by the Core Web Vitals


async def crowded(people: People) -> tuple[str, list[str]]:
    """A live session with twelve questions."""
    session = await people.session()
    await people.step(session, "start")
    return session, [await people.question(session, f"Question number {number}", f"fan_{number}") for number in range(12)]


async def vote(people: People, session: str, question: str, *users: str) -> None:
    for user in users:
        await people.call("PUT", f"/sessions/{session}/questions/{question}/vote", user)


async def bodies(page: Page) -> list[str]:
    return await page.locator("[data-list=all] .body").all_inner_texts()


async def test_the_focus_stays_on_the_button_of_a_question_that_moves(people: People) -> None:
    session, questions = await crowded(people)
    page = await people.page("ada", f"/s/{session}")
    button = page.locator(f"#question-{questions[5]} button")
    await button.focus()
    await vote(people, session, questions[5], "bob", "cyd")
    await expect(page.locator("[data-list=all] .body").first).to_have_text("Question number 5")
    await expect(button).to_be_focused()
    await vote(people, session, questions[7], "bob", "cyd", "dan")
    await expect(page.locator("[data-list=all] .body").first).to_have_text("Question number 7")
    await expect(button).to_be_focused()


async def test_the_order_glides_unless_one_has_asked_for_less_motion(people: People) -> None:
    session, questions = await crowded(people)
    page = await people.page("ada", f"/s/{session}")
    calm = await people.page("ada", f"/s/{session}", look=Look(still=True))
    for one in (page, calm):
        await one.evaluate(
            "() => { window.animated = 0; const animate = Element.prototype.animate;"
            "Element.prototype.animate = function (...a) { window.animated += 1; return animate.apply(this, a); }; }"
        )
    await vote(people, session, questions[11], "bob")
    for one in (page, calm):
        await expect(one.locator("[data-list=all] .body").first).to_have_text("Question number 11")
    assert await page.evaluate("() => window.animated") > 0
    assert await calm.evaluate("() => window.animated") == 0


async def test_a_question_that_arrives_below_moves_nothing(people: People) -> None:
    session, questions = await crowded(people)
    for look in (Look(), PHONE):
        page = await people.page("ada", f"/s/{session}", look=look)
        await expect(page.locator("#watching")).not_to_be_empty()
        await page.locator(f"#question-{questions[3]}").scroll_into_view_if_needed()
        await page.evaluate(WATCH)
        before = await page.evaluate(TOP_OF, f"question-{questions[3]}")
        body = f"It arrives {look.width}"
        await people.question(session, body, f"fan_{look.width}")
        await expect(page.locator("[data-list=all] .body").last).to_have_text(body)
        assert await page.evaluate(TOP_OF, f"question-{questions[3]}") == before
        assert await page.evaluate("() => window.shifted") < HARDLY


async def test_what_one_types_is_left_alone(people: People) -> None:
    session, questions = await crowded(people)
    page = await people.page("ada", f"/s/{session}")
    field = page.get_by_label("Your question")
    await field.fill("Half a thou")
    await field.focus()
    await vote(people, session, questions[2], "bob")
    await people.call("PATCH", f"/sessions/{session}", body={"title": "Another title"})
    await expect(page.get_by_role("heading", level=1)).to_have_text("Another title")
    await expect(page.locator("[data-list=all] .body").first).to_have_text("Question number 2")
    await expect(field).to_be_focused()
    await expect(field).to_have_value("Half a thou")


async def test_the_countdown_and_the_seats_take_no_more_room_as_they_change(people: People) -> None:
    session = await people.session(max_participants=3)
    page = await people.page("ada", f"/s/{session}")
    await expect(page.locator("#countdown")).to_be_visible()
    await page.evaluate(WATCH)
    await people.registered(session, "bob", "cyd")
    await expect(page.get_by_text("1 seat left")).to_be_visible(timeout=8_000)
    assert await page.evaluate("() => window.shifted") < HARDLY
