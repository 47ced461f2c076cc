"""A host's page of one session, live in a browser: what is typed is left alone."""

import pytest
from playwright.async_api import expect

from tests.chromium import Look
from tests.web.browser.judging import overflow, violations
from tests.web.browser.people import People
from tests.web.browser.test_accessibility import LONG, LOOKS

SOON = 5_000
CHANGED = "The session was changed elsewhere."


async def test_seats_and_line_change_while_the_host_types(people: People) -> None:
    session = await people.session(max_participants=1)
    await people.registered(session, "ada", "bob")
    page = await people.page("host_1", f"/host/{session}")
    await page.get_by_label("Title").fill("Half a ti")
    await people.registered(session, "rosa")
    await expect(page.locator("[data-desk=line]")).to_have_text("2 people wait in line.", timeout=SOON)
    await expect(page.locator("#move-up")).to_have_text("With more seats, up to 2 who wait move up.")
    await expect(page.get_by_label("Title")).to_have_value("Half a ti")
    await expect(page.get_by_label("Title")).to_be_focused()
    await expect(page.get_by_text(CHANGED)).to_be_hidden()


async def test_the_number_that_is_typed_says_who_would_move_up(people: People) -> None:
    session = await people.session(max_participants=1)
    await people.registered(session, "ada", "bob", "rosa")
    page = await people.page("host_1", f"/host/{session}")
    hint = page.locator("#move-up")
    for typed, told in (
        ("2", "1 in line will move up."),
        ("9", "2 in line will move up."),
        ("1", "With more seats, up to 2 who"),
    ):
        await page.get_by_role("textbox", name="Seats").fill(typed)
        await expect(hint).to_contain_text(told)
    await page.get_by_role("textbox", name="Seats").fill("3")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved. 2 people moved up from the line.")).to_be_visible()
    await expect(hint).to_be_hidden()


async def test_a_change_elsewhere_is_said_and_touches_no_field(people: People) -> None:
    session = await people.session()
    page = await people.page("host_1", f"/host/{session}")
    await page.get_by_label("Title").fill("Mine")
    await expect(page.get_by_text(CHANGED)).to_be_hidden()
    await people.call("PATCH", f"/sessions/{session}", body={"kind": "office_hours"})  # which the stream's title does not show
    await expect(page.get_by_text(CHANGED)).to_be_visible(timeout=SOON)
    await expect(page.get_by_label("Title")).to_have_value("Mine")
    await expect(page.get_by_label("Kind")).to_have_value("live")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#kind-now")).to_have_text("Now: Office hours")
    await expect(page.get_by_label("Title")).to_have_value("Mine")
    await expect(page.locator("#problems")).to_be_focused()


async def test_a_title_of_several_lines_is_no_change_elsewhere(people: People) -> None:
    session = await people.session(title="One\nTwo\r\nThree", max_participants=1)
    page = await people.page("host_1", f"/host/{session}")
    await people.registered(session, "ada")
    await expect(page.locator("[data-desk=seats]")).to_have_text("1 of 1 seats taken", timeout=SOON)
    await expect(page.get_by_text(CHANGED)).to_be_hidden()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Nothing was different")).to_be_visible()


async def test_a_stream_that_was_refused_is_opened_again_and_what_is_typed_stays(people: People) -> None:
    session = await people.session(max_participants=1)
    window = await people.window("host_1")
    page = window.page
    await page.route("**/stream", lambda route: route.fulfill(status=204), times=1)
    await page.goto(f"/host/{session}")
    await page.get_by_label("Title").fill("Half a ti")
    await people.registered(session, "ada")
    await expect(page.locator("#stream-state")).to_be_visible(timeout=SOON)
    await expect(page.locator("[data-desk=seats]")).to_have_text("1 of 1 seats taken", timeout=20_000)
    await expect(page.locator("#stream-state")).to_be_hidden()
    await expect(page.get_by_label("Title")).to_have_value("Half a ti")


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
async def test_everybody_can_use_a_conflict(people: People, look: Look) -> None:
    session = await people.session(max_participants=1, metadata={"a": "x" * 200})
    await people.registered(session, "ada", "bob")
    page = await people.page("host_1", f"/host/{session}", look=look)
    await page.get_by_label("Title").fill(LONG)
    await page.get_by_role("textbox", name="Seats").fill("none")
    await people.call("PATCH", f"/sessions/{session}", body={"title": "x" * 300, "metadata": {"b": "y" * 200}})
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#metadata-now")).to_be_visible()
    assert [*await violations(page), await overflow(page)] == [0]
    await people.step(session, "cancel")
    await page.get_by_role("button", name="Save this over it").click()
    await expect(page.locator("#title-why")).to_contain_text(f"You typed: {LONG[:60]}")
    assert [*await violations(page), await overflow(page)] == [0]
