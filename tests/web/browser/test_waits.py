"""What takes long shows that it waits, what fails is said, and what was typed stays."""

import asyncio

from playwright.async_api import Route, expect

from tests.web.browser.people import People

# The driver waits for a page that is being left, so the page itself tells what it shows meanwhile.
SENT_TWICE = """() => [1, 2].map(() => {
  const form = document.querySelector("form[action='/host/new']");
  form.requestSubmit();
  return form.getAttribute("aria-busy");
})"""


async def test_a_form_that_waits_shows_it_and_is_not_sent_twice(people: People) -> None:
    session = await people.session()
    page = await people.page("ada", f"/s/{session}")
    sent: list[str] = []
    released = asyncio.Event()

    async def slow(route: Route) -> None:
        sent.append(route.request.url)
        await released.wait()
        await route.continue_()

    await page.route("**/register", slow)
    button = page.get_by_role("button", name="Take a seat")
    await button.click()
    await expect(page.locator("form[action$='/register']")).to_have_attribute("aria-busy", "true")
    await button.click(force=True)
    released.set()
    await expect(page.get_by_text("You have a seat.")).to_be_visible()
    assert len(sent) == 1


async def test_what_does_not_get_through_is_said_and_kept(people: People) -> None:
    session = await people.session()
    await people.registered(session, "ada")
    window = await people.window("ada")
    window.allowed.append("ERR_INTERNET_DISCONNECTED")
    page = window.page
    await page.goto(f"/s/{session}")
    await window.context.set_offline(True)
    await expect(page.get_by_text("You are offline.")).to_be_visible()
    await page.get_by_label("Your question").fill("Which chair?")
    await page.get_by_role("button", name="Ask").click()
    await expect(page.get_by_text("That did not get through.")).to_be_visible()
    await expect(page.get_by_label("Your question")).to_have_value("Which chair?")
    await window.context.set_offline(False)
    await expect(page.get_by_text("You are offline.")).to_be_hidden()
    await page.get_by_role("button", name="Ask").click()
    await expect(page.locator("[data-list=own] .body")).to_have_text("Which chair?")


async def test_a_form_that_leaves_the_page_is_marked_and_sent_once(people: People) -> None:
    page = await people.page("host_1", "/host/new")
    await page.get_by_label("Title").fill("Slow")
    marked = await page.evaluate(SENT_TWICE)
    await expect(page.get_by_text("The session is scheduled.")).to_be_visible()
    assert marked == ["true", "true"]
    assert len((await people.call("GET", "/live/sessions"))["sessions"]) == 1
