"""Pages of other sites: they frame nothing of ours, send nothing for us, and nobody is led to them."""

from playwright.async_api import Route, expect

from tests.chromium import Window
from tests.web.browser.people import People

ELSEWHERE = "https://evil.example/"
FRAME = "(url) => { const frame = document.createElement('iframe'); frame.src = url; document.body.append(frame); }"


async def lured(people: People, html: str, user: str = "ada") -> Window:
    """Somebody who is signed in here, on a page of another site."""
    window = await people.window(user)
    window.allowed += [ELSEWHERE.rstrip("/"), "Refused to", "refused by the policy", "violates", "X-Frame-Options"]

    async def answer(route: Route) -> None:
        await route.fulfill(body=f"<!doctype html><title>Evil</title>{html}", content_type="text/html")

    await window.page.route(f"{ELSEWHERE}**", answer)
    await window.page.goto(ELSEWHERE)
    return window


async def test_no_page_of_ours_is_shown_in_anothers_frame(people: People) -> None:
    session = await people.session()
    for path in (f"/s/{session}", f"/host/{session}", "/signin", f"/embed/s/{session}"):
        window = await lured(people, "", "host_1")
        async with window.page.expect_event("requestfailed") as refused:
            await window.page.evaluate(FRAME, f"{people.url}{path}")
        assert (await refused.value).failure == "net::ERR_BLOCKED_BY_RESPONSE", path


async def test_a_form_of_another_site_does_nothing(people: People) -> None:
    session = await people.session()
    html = (
        f'<form method="post" action="{people.url}/s/{session}/register"><button>Win</button></form>'
        f'<form method="post" action="{people.url}/signout"><button>Leave</button></form>'
    )
    window = await lured(people, html)
    await window.page.get_by_role("button", name="Win").click()
    await expect(window.page.get_by_role("heading", level=1)).to_be_visible()
    assert (await people.call("GET", f"/sessions/{session}"))["registered_count"] == 0
    await window.page.goto(ELSEWHERE)
    await window.page.get_by_role("button", name="Leave").click()
    await window.page.goto(f"{people.url}/signin")
    await expect(window.page.get_by_text("You are signed in as ada")).to_be_visible()


async def test_nobody_is_led_to_another_site(people: People) -> None:
    page = await people.page("ada", f"/signin?next=//{ELSEWHERE.removeprefix('https://')}")
    await page.get_by_role("link", name="Continue").click()
    assert page.url == f"{people.url}/"
