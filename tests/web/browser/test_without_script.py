"""Without script: register, cancel, ask, edit."""

from playwright.async_api import expect

from tests.chromium import Look
from tests.web.browser.people import People

BARE = Look(script=False)


async def test_a_seat_is_taken_a_question_asked_and_the_seat_given_up(people: People) -> None:
    session = await people.session()
    page = await people.page("ada", f"/s/{session}", look=BARE)
    await page.get_by_role("button", name="Take a seat").click()
    await expect(page.locator(".notice.good")).to_have_text("You have a seat.")
    await page.get_by_label("Your question").fill("Which chair?")
    await page.get_by_role("button", name="Ask").click()
    await expect(page.locator("[data-list=own] .body")).to_have_text("Which chair?")
    await page.get_by_role("button", name="Give up the seat").click()
    await expect(page.locator(".notice.good")).to_have_text("Your place is given up.")


async def test_a_vote_is_given_and_a_question_moderated(people: People) -> None:
    session = await people.session()
    await people.registered(session, "ada")
    await people.question(session, "Which chair?", status=None)
    desk = await people.page("host_1", f"/host/{session}/questions", look=BARE)
    await desk.get_by_role("button", name="Approve").click()
    page = await people.page("ada", f"/s/{session}", look=BARE)
    await page.locator(".vote button").click()
    await expect(page.locator(".vote button")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator(".count")).to_have_text("1")


async def test_a_session_is_scheduled_edited_and_called_off(people: People) -> None:
    page = await people.page("host_1", "/host/new", look=BARE)
    await page.get_by_label("Title").fill("Bare")
    await page.get_by_role("button", name="Schedule a session").click()
    await page.get_by_label("Title").fill("Barer")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".notice.good")).to_have_text("Saved.")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Barer")
    await page.locator("details.sure summary").click()
    await page.get_by_role("button", name="Yes: Cancel the session").click()
    await expect(page.locator(".notice.good")).to_have_text("The session is cancelled.")


async def test_a_link_signs_in_by_its_button(people: People) -> None:
    page = await people.page("ada", "/signin", look=BARE)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.locator(".notice.good")).to_contain_text("You are signed out")
