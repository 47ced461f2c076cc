"""The page of a session, live in a browser."""

from playwright.async_api import expect

from tests.web.browser.people import People


async def test_who_waits_moves_up_before_their_own_eyes(people: People) -> None:
    session = await people.session(max_participants=1)
    await people.registered(session, "bob", "ada")
    page = await people.page("ada", f"/s/{session}")
    await expect(page.get_by_text("You are number 1 in line")).to_be_visible()
    await people.call("PATCH", f"/sessions/{session}", body={"max_participants": 2})
    await expect(page.get_by_text("You have a seat.")).to_be_visible(timeout=5_000)
    await people.step(session, "start")
    await expect(page.locator("[data-now=status_text]")).to_have_text("Live", timeout=5_000)


async def test_a_seat_is_taken_without_leaving_the_page(people: People) -> None:
    session = await people.session(max_participants=2)
    page = await people.page("ada", f"/s/{session}")
    await page.get_by_role("button", name="Take a seat").click()
    await expect(page.get_by_text("You have a seat.")).to_be_visible()
    await expect(page.get_by_text("1 seat left")).to_be_visible()
    await page.get_by_label("Your question").fill("Which chair?")
    await page.get_by_role("button", name="Ask").click()
    await expect(page.locator("[data-list=own] .body")).to_have_text("Which chair?")
    await expect(page.get_by_label("Your question")).to_have_value("")


async def test_votes_and_order_are_seen_by_all(people: People) -> None:
    session = await people.session()
    await people.step(session, "start")
    first = await people.question(session, "first")
    second = await people.question(session, "second")
    ada, bob = await people.page("ada", f"/s/{session}"), await people.page("bob", f"/s/{session}")
    await expect(bob.locator("[data-list=all] .body")).to_have_text(["first", "second"])
    vote = ada.locator(f"#question-{second} button")
    await vote.click()
    await expect(vote).to_have_attribute("aria-pressed", "true")
    await expect(bob.locator("[data-list=all] .body")).to_have_text(["second", "first"])
    await people.call("POST", f"/sessions/{session}/questions/{first}/pin")
    await expect(bob.locator("[data-list=all] .body")).to_have_text(["first", "second"])
    await expect(bob.locator(f"#question-{first} .is-pinned")).to_be_visible()


async def test_seats_that_others_take_are_counted_without_asking_the_server(people: People) -> None:
    session = await people.session(max_participants=5)
    window = await people.window("ada")
    asked: list[str] = []
    window.page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/now") else None)
    async with window.page.expect_response("**/now"):
        await window.page.goto(f"/s/{session}")
    await people.registered(session, "bob")
    await expect(window.page.get_by_text("4 seats left")).to_be_visible()
    await people.registered(session, "cyd", "dan")
    await expect(window.page.get_by_text("2 seats left")).to_be_visible()
    before = len(asked)
    await people.registered(session, "eve")
    await expect(window.page.get_by_text("1 seat left")).to_be_visible()
    assert before == 1
    await people.registered(session, "fay")
    await expect(window.page.get_by_text("All seats are taken.")).to_be_visible(timeout=8_000)
    await expect(window.page.get_by_role("button", name="Stand in line")).to_be_visible()
    assert len(asked) == 2
