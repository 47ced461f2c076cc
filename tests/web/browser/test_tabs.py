"""Two tabs of one browser, and two hosts at once."""

from playwright.async_api import expect

from tests.web.browser.people import People


async def test_of_two_who_edit_the_second_is_told_and_nothing_is_overwritten(people: People) -> None:
    session = await people.session()
    window = await people.window("host_1")
    first, second = window.page, await window.context.new_page()
    for page in (first, second):
        await page.goto(f"/host/{session}")
    await second.get_by_label("Title").fill("From the second")
    await first.get_by_label("Title").fill("From the first")
    await first.get_by_role("button", name="Save").click()
    await expect(first.get_by_text("Saved.")).to_be_visible()
    await expect(second.get_by_text("The session was changed elsewhere.")).to_be_visible(timeout=8_000)
    await expect(second.get_by_label("Title")).to_have_value("From the second")
    await second.get_by_role("button", name="Save").click()
    await expect(second.get_by_text("nothing was overwritten")).to_be_visible()
    await expect(second.get_by_text("Now: From the first")).to_be_visible()
    await expect(second.get_by_label("Title")).to_have_value("From the second")
    assert (await people.call("GET", f"/sessions/{session}"))["title"] == "From the first"


async def test_signing_out_in_one_tab_ends_all(people: People) -> None:
    session = await people.session()
    window = await people.window("ada")
    first, second = window.page, await window.context.new_page()
    await first.goto("/")
    await second.goto(f"/s/{session}")
    await first.get_by_role("button", name="Sign out").click()
    await expect(first.get_by_text("You are signed out, in every tab")).to_be_visible()
    await expect(second.get_by_role("heading", name="Sign in")).to_be_visible(timeout=8_000)


async def test_a_zone_that_the_server_does_not_know_yet_is_told_and_used(people: People) -> None:
    session = await people.session()
    page = await people.page("ada", f"/s/{session}", zone=False)
    await expect(page.locator("#when")).to_contain_text("18:00 (Central European Standard Time, Europe/Berlin)")
