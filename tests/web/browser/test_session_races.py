"""The page of a session when things come late, in another order, or not at all."""

import asyncio

from playwright.async_api import Route, expect

from tests.web.browser.people import People


async def test_without_the_stream_the_page_keeps_its_questions_and_takes_a_vote(people: People) -> None:
    session = await people.session()
    await people.registered(session, "ada")
    question = await people.question(session, "Which chair?")
    window = await people.window("ada")
    await window.page.route("**/stream", lambda route: route.abort())
    await window.page.goto(f"/s/{session}")
    vote = window.page.locator(f"#question-{question} button")
    await vote.click()
    await expect(vote).to_have_attribute("aria-pressed", "true")
    await expect(vote.locator(".count")).to_have_text("1")
    await expect(window.page.locator("[data-list=all] .body")).to_have_text("Which chair?")
    await vote.click()
    await expect(vote).to_have_attribute("aria-pressed", "false")


async def test_an_answer_that_comes_late_does_not_overwrite_a_younger_one(people: People) -> None:
    session = await people.session(max_participants=1)
    await people.registered(session, "bob", "ada")
    window = await people.window("ada")
    held = asyncio.Event()
    turns: list[str] = []
    asked = asyncio.Event()

    async def late(route: Route) -> None:
        turns.append(route.request.url)
        asked.set()
        if len(turns) > 1:
            await route.continue_()
            return
        answer = await route.fetch()  # of now, when she waits in line
        await held.wait()
        await route.fulfill(response=answer)

    await window.page.route("**/now", late)
    await window.page.goto(f"/s/{session}")
    await expect(window.page.locator("#watching")).not_to_be_empty()
    await asked.wait()
    await people.call("PATCH", f"/sessions/{session}", body={"max_participants": 2})
    await expect(window.page.get_by_text("You have a seat.")).to_be_visible(timeout=8_000)
    async with window.page.expect_response("**/now"):
        held.set()
    await window.page.wait_for_timeout(300)
    await expect(window.page.get_by_text("You have a seat.")).to_be_visible()
    await expect(window.page.get_by_text("You are number 1 in line")).to_be_hidden()


async def test_what_is_typed_while_a_question_is_sent_stays(people: People) -> None:
    session = await people.session()
    await people.registered(session, "ada")
    window = await people.window("ada")
    held = asyncio.Event()

    async def slow(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await window.page.route("**/ask", slow)
    await window.page.goto(f"/s/{session}")
    field = window.page.get_by_label("Your question")
    await field.fill("The first")
    await window.page.get_by_role("button", name="Ask", exact=True).click()
    await field.fill("The second")
    held.set()
    await expect(window.page.locator("[data-list=own] .body")).to_have_text("The first")
    await expect(field).to_have_value("The second")


async def test_a_question_whose_answer_was_lost_stands_in_nobodys_way(people: People) -> None:
    session = await people.session()
    await people.registered(session, "ada")
    window = await people.window("ada")
    lost: list[str] = []

    async def lose(route: Route) -> None:
        if lost:
            await route.continue_()
            return
        lost.append(route.request.url)
        await route.fetch()  # it was asked
        await route.abort()

    await window.page.route("**/ask", lose)
    await window.page.goto(f"/s/{session}")
    field, button = window.page.get_by_label("Your question"), window.page.get_by_role("button", name="Ask", exact=True)
    await field.fill("Asked")
    await button.click()
    await expect(window.page.get_by_text("That did not get through.")).to_be_visible()
    await field.fill("Another")
    await button.click()
    await expect(window.page.get_by_text("was used with another body")).to_be_visible()
    await button.click()
    await expect(window.page.locator("[data-list=own] .body")).to_have_text(["Another", "Asked"])


async def test_what_is_typed_is_not_taken_away_when_asking_is_over(people: People) -> None:
    session = await people.session()
    await people.step(session, "start")
    page = await people.page("ada", f"/s/{session}")
    await page.get_by_label("Your question").fill("Half a thou")
    await people.step(session, "end")
    await expect(page.get_by_text("Questions are closed.")).to_be_visible(timeout=8_000)
    await expect(page.get_by_label("Your question")).to_be_visible()
    await expect(page.get_by_label("Your question")).to_have_value("Half a thou")
    await expect(page.locator("#told").get_by_text("Ended")).to_be_visible()


async def test_the_focus_goes_to_the_heading_when_what_was_pressed_is_gone(people: People) -> None:
    session = await people.session()
    page = await people.page("ada", f"/s/{session}")
    await page.get_by_role("button", name="Take a seat").press("Enter")
    await expect(page.get_by_text("You have a seat.")).to_be_visible()
    await expect(page.locator("#seat-title")).to_be_focused()
    await page.get_by_role("button", name="Give up the seat").press("Enter")
    await expect(page.get_by_text("Your place is given up.")).to_be_visible()
    await expect(page.locator("#seat-title")).to_be_focused()


async def test_join_appears_when_the_clock_says_that_the_doors_are_open(people: People) -> None:
    session = await people.session()
    await people.registered(session, "ada")
    window = await people.window("ada")
    answers: list[bool] = []

    async def soon(route: Route) -> None:
        answer = await route.fetch()
        now = await answer.json()
        is_open = bool(answers)
        answers.append(is_open)
        at = await window.page.evaluate("() => new Date(Date.now() + 1000).toISOString()")
        await route.fulfill(response=answer, json={**now, "doors_at": at, "can_join": is_open, "why_not_join": ""})

    await window.page.route("**/now", soon)
    await window.page.goto(f"/s/{session}")
    await expect(window.page.get_by_role("button", name="Join")).to_be_visible(timeout=8_000)
