"""With a keyboard alone: every act is reached by Tab, done by Enter or Space, and the focus can be seen."""

from playwright.async_api import Page, expect

from tests.web.browser.people import People

OUTLINE = "() => getComputedStyle(document.activeElement).outlineStyle"
NAME = "() => (document.activeElement.innerText || document.activeElement.name || '').trim()"
MOST_TABS = 40


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until something of this name has the focus, which is always to be seen."""
    for _ in range(MOST_TABS):
        await page.keyboard.press("Tab")
        assert await page.evaluate(OUTLINE) != "none", await page.evaluate(NAME)
        if (await page.evaluate(NAME)).startswith(name):
            return
    raise AssertionError(f"{name} is not reached")


async def test_a_seat_a_question_and_a_vote(people: People) -> None:
    session = await people.session()
    await people.question(session, "Which chair?")
    page = await people.page("ada", f"/s/{session}")
    await tab_to(page, "Take a seat")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("You have a seat.")).to_be_visible()
    await page.reload()
    await tab_to(page, "body")
    await page.keyboard.type("And how long?")
    await tab_to(page, "Ask")
    await page.keyboard.press("Space")
    await expect(page.locator("[data-list=own] .body")).to_have_text("And how long?")
    await tab_to(page, "▲")
    await page.keyboard.press("Enter")
    await expect(page.locator(".vote button")).to_have_attribute("aria-pressed", "true")


async def test_the_first_tab_skips_to_the_content(people: People) -> None:
    page = await people.page("ada", "/")
    await page.keyboard.press("Tab")
    link = page.get_by_role("link", name="Skip to the content")
    await expect(link).to_be_focused()
    await expect(link).to_be_in_viewport()
    await page.keyboard.press("Enter")
    assert await page.evaluate("() => document.activeElement.id") == "main"


async def test_what_is_wrong_in_a_form_has_the_focus(people: People) -> None:
    page = await people.page("host_1", "/host/new")
    await page.get_by_label("Title").fill("x")
    await page.get_by_role("textbox", name="Seats").fill("none")
    await page.get_by_role("button", name="Schedule a session").click()
    await expect(page.locator("#problems")).to_be_focused()
    await expect(page.get_by_role("textbox", name="Seats")).to_have_attribute("aria-invalid", "true")


async def test_a_grave_act_asks_once_more(people: People) -> None:
    session = await people.session()
    page = await people.page("host_1", f"/host/{session}")
    await tab_to(page, "Cancel the session")
    await page.keyboard.press("Enter")
    await tab_to(page, "Yes: Cancel the session")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("The session is cancelled.", exact=True)).to_be_visible()
