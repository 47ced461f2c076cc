"""The stream is lost, or its ticket has expired: the page says so, comes again, and loses nothing that was typed."""

from playwright.async_api import Route, expect

from tests.web.browser.people import People


async def test_a_ticket_that_has_expired_is_renewed_without_loading_the_page(people: People) -> None:
    session = await people.session()
    await people.registered(session, "ada")
    window = await people.window("ada")
    refused: list[str] = []

    async def refuse(route: Route) -> None:
        if refused:
            await route.continue_()
        else:
            refused.append(route.request.url)
            await route.fulfill(status=401, body="{}")

    await window.page.route("**/stream", refuse)
    await window.page.goto(f"/s/{session}")
    await window.page.get_by_label("Your question").fill("Half a thou")
    await expect(window.page.locator("#watching")).not_to_be_empty(timeout=15_000)
    await expect(window.page.get_by_label("Your question")).to_have_value("Half a thou")
    assert len(refused) == 1


async def test_a_stream_that_is_away_is_said_to_be_and_comes_back(people: People) -> None:
    session = await people.session()
    window = await people.window("ada")
    is_away = [True]

    async def answer(route: Route) -> None:
        await (route.abort() if is_away[0] else route.continue_())

    await window.page.route("**/stream", answer)
    await window.page.goto(f"/s/{session}")
    await expect(window.page.get_by_text("The connection was lost.")).to_be_visible(timeout=15_000)
    is_away[0] = False
    await expect(window.page.get_by_text("The connection was lost.")).to_be_hidden(timeout=15_000)
    await people.call("PATCH", f"/sessions/{session}", body={"title": "It is back"})
    await expect(window.page.get_by_role("heading", level=1)).to_have_text("It is back")
