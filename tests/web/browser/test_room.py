"""A room in a real browser: who is in it sees and hears the others, through whatever happens to it."""

from playwright.async_api import expect

from tests.faults.waiting import eventually
from tests.tenant import Json
from tests.web.browser.roommates import PATIENCE, PATIENCE_SECONDS, Roommates, go_in, sees, sees_and_hears, tile


async def test_everybody_sees_and_hears_the_host_of_a_broadcast_and_nobody_else(roommates: Roommates) -> None:
    session = await roommates.live("ada", "bob")
    host = await roommates.inside(session, "host_1")
    ada = await roommates.inside(session, "ada")
    bob = await roommates.inside(session, "bob")
    for page in (ada, bob):
        await sees_and_hears(page, "host_1")
        await expect(page.locator("#tiles .tile")).to_have_count(1)
        await expect(page.locator("#do-camera")).to_have_count(0)
    for user in ("ada", "bob"):
        await expect(tile(host, user)).to_be_visible()
    assert await ada.evaluate("() => connectionsOfTest.length") == 1
    senders = "() => connectionsOfTest.flatMap((one) => one.getSenders()).filter((one) => one.track).length"
    assert await ada.evaluate(senders) == 0


async def test_in_office_hours_all_see_and_hear_all(roommates: Roommates) -> None:
    session = await roommates.live("ada", "bob", kind="office_hours")
    pages = {user: await roommates.inside(session, user) for user in ("host_1", "ada", "bob")}
    for user, page in pages.items():
        for other in pages:
            if other != user:
                await sees_and_hears(page, other)
        await expect(page.locator("#tiles .tile")).to_have_count(3)


async def test_before_the_host_comes_there_is_a_lobby(roommates: Roommates) -> None:
    session = await roommates.live("ada", "bob", kind="office_hours")
    ada = await roommates.inside(session, "ada")
    bob = await roommates.inside(session, "bob")
    await expect(ada.get_by_text("The host is not here yet.")).to_be_visible()
    await expect(ada.locator("#room")).to_have_attribute("data-state", "lobby")
    await expect(ada.locator("#tiles .tile")).to_have_count(1)
    await roommates.inside(session, "host_1")
    await expect(ada.get_by_text("The host is not here yet.")).to_be_hidden(timeout=PATIENCE)
    await sees_and_hears(ada, "host_1")
    await sees_and_hears(bob, "ada")


async def test_the_host_leaves_and_returns(roommates: Roommates) -> None:
    session = await roommates.live("ada")
    host = await roommates.inside(session, "host_1")
    ada = await roommates.inside(session, "ada")
    await sees(ada, "host_1")
    await host.get_by_role("button", name="Leave").click()
    await expect(host.get_by_role("heading", name="You have left")).to_be_focused()
    await expect(ada.get_by_text("No host is in the room just now.")).to_be_visible(timeout=PATIENCE)
    await expect(tile(ada, "host_1")).to_have_count(0)
    await host.get_by_role("button", name="Come back in").click()
    await go_in(host)
    await sees_and_hears(ada, "host_1")
    await expect(ada.get_by_text("No host is in the room just now.")).to_be_hidden()


async def test_who_loads_the_page_anew_takes_the_place_of_who_was_there(roommates: Roommates) -> None:
    session = await roommates.live("ada", kind="office_hours")
    host = await roommates.inside(session, "host_1")
    ada = await roommates.inside(session, "ada")
    await sees(host, "ada")
    await ada.reload()
    await expect(ada.locator("#room")).to_have_attribute("data-state", "inside", timeout=PATIENCE)
    await sees_and_hears(ada, "host_1")
    await sees_and_hears(host, "ada")
    await expect(tile(host, "ada")).to_have_count(1)


async def test_who_is_removed_is_out_and_cannot_come_back(roommates: Roommates) -> None:
    session = await roommates.live("ada", "bob", kind="office_hours")
    host = await roommates.inside(session, "host_1")
    ada = await roommates.inside(session, "ada")
    bob = await roommates.inside(session, "bob")
    await sees(host, "ada")
    await tile(host, "ada").locator("summary").click()
    await tile(host, "ada").get_by_role("button", name="Yes: Remove").click()
    await expect(ada.get_by_role("heading", name="You were removed")).to_be_visible(timeout=PATIENCE)
    for page in (host, bob):
        await expect(tile(page, "ada")).to_have_count(0, timeout=PATIENCE)
    await ada.reload()
    await expect(ada.get_by_text("A host has removed you from this session.")).to_be_visible()
    await expect(ada.get_by_role("button", name="Go in")).to_have_count(0)
    await sees_and_hears(bob, "host_1")


async def test_the_end_is_seen_by_all_and_attendance_tells_who_was_there(roommates: Roommates) -> None:
    session = await roommates.live("ada", "bob")
    host = await roommates.inside(session, "host_1")
    ada = await roommates.inside(session, "ada")
    await sees(ada, "host_1")
    users: dict[str, Json] = {}

    async def is_told(*, outcome: bool) -> bool:
        told = await roommates.call("GET", f"/sessions/{session}/attendance")
        users.update({one["user_id"]: one for one in told["attendance"]})
        return bool(users["ada"]["outcome"]) if outcome else users["ada"]["minutes"] > 0

    await eventually(lambda: is_told(outcome=False), "ada has been there for a while", seconds=PATIENCE_SECONDS)
    await host.locator("#do-end summary").click()
    await host.get_by_role("button", name="Yes: End for everybody").click()
    for page in (host, ada):
        await expect(page.get_by_role("heading", name="The session has ended")).to_be_focused(timeout=PATIENCE)
    await eventually(lambda: is_told(outcome=True), "attendance is told", seconds=PATIENCE_SECONDS)
    assert (users["ada"]["outcome"], users["bob"]["outcome"]) == ("attended", "no_show")
    assert users["ada"]["minutes"] > 0
    assert users["host_1"]["minutes"] >= users["ada"]["minutes"]
