"""The story, in one test: from a host's link to the list of who was there, before the eyes of all."""

import re
import subprocess
import sys

from playwright.async_api import Page, expect

from tests.chromium import PHONE
from tests.postgres import TestDatabase
from tests.server import environment_of
from tests.web.browser.people import People

SOON = 8_000  # milliseconds within which what happened is seen by all


def link_for(database: TestDatabase, people: People, user: str, leads_to: str) -> str:
    """What `greenroom token --link` prints."""
    command = [
        sys.executable, "-m", "greenroom.cli", "token", "--link", "--user", user, "--brand", people.tenant.brand,
        "--leads-to", leads_to, "--at", people.url,
    ]  # fmt: skip
    printed = subprocess.run(command, env=environment_of(database), capture_output=True, text=True, check=True)
    return printed.stdout.strip()


async def by_link(database: TestDatabase, people: People, user: str, leads_to: str) -> Page:
    """A window in which somebody has opened a link."""
    window = await people.window(look=PHONE if user == "host_1" else None)
    await window.page.goto(link_for(database, people, user, leads_to))
    await expect(window.page.locator(".who")).to_have_text(user)
    return window.page


async def test_a_session_from_its_schedule_to_its_attendance(database: TestDatabase, people: People) -> None:
    host = await by_link(database, people, "host_1", "/host/new")
    await host.get_by_label("Title").fill("Sitting well")
    await host.get_by_role("textbox", name="Seats").fill("1")
    await host.get_by_role("button", name="Schedule a session").click()
    await expect(host.get_by_text("The session is scheduled.")).to_be_visible()
    session = re.sub(r"\?.*", "", host.url).rpartition("/")[2]

    ada = await by_link(database, people, "ada", f"/s/{session}")
    bob = await by_link(database, people, "bob", f"/s/{session}")
    await ada.get_by_role("button", name="Take a seat").click()
    await expect(ada.get_by_text("You have a seat.")).to_be_visible()
    await expect(bob.get_by_text("All seats are taken.")).to_be_visible(timeout=SOON)
    await bob.get_by_role("button", name="Stand in line").click()
    await expect(bob.get_by_text("You are number 1 in line")).to_be_visible()
    await expect(host.get_by_text("1 person waits in line.")).to_be_visible(timeout=SOON)

    await host.get_by_role("textbox", name="Seats").fill("2")
    await host.get_by_role("button", name="Save").click()
    await expect(host.get_by_text("1 person moved up from the line.")).to_be_visible()
    await expect(bob.get_by_text("You have a seat.")).to_be_visible(timeout=SOON)

    await host.get_by_role("button", name="Start").click()
    for page in (ada, bob):
        await expect(page.locator("[data-now=status_text]")).to_have_text("Live", timeout=SOON)

    await ada.get_by_label("Your question").fill("Which chair?")
    await ada.get_by_role("button", name="Ask").click()
    await expect(ada.locator("[data-list=own] .body")).to_have_text("Which chair?")
    await host.get_by_role("link", name="Questions").click()
    await host.get_by_role("button", name=re.compile("^Approve")).first.click()
    await expect(bob.locator("[data-list=all] .body")).to_have_text("Which chair?", timeout=SOON)
    await bob.locator("[data-list=all] .vote button").click()
    for page in (ada, bob):
        await expect(page.locator("[data-list=all] .count")).to_have_text("1", timeout=SOON)
    await host.get_by_role("button", name=re.compile("^Pin")).first.click()
    for page in (ada, bob):
        await expect(page.locator("[data-list=all] .is-pinned")).to_be_visible(timeout=SOON)

    await host.get_by_role("link", name="Session", exact=True).click()
    await host.locator("details.sure summary").click()
    await host.get_by_role("button", name="Yes: End").click()
    await expect(host.get_by_text("The session has ended.", exact=True)).to_be_visible()
    for page in (ada, bob):
        await expect(page.locator("[data-now=status_text]")).to_have_text("Ended", timeout=SOON)
        await expect(page.get_by_text("Questions are closed.")).to_be_visible()
    await host.get_by_role("link", name="Attendance").click()
    await expect(host.get_by_role("heading", level=1)).to_have_text("Sitting well")
    await host.get_by_role("link", name="People").click()
    await expect(host.get_by_text("ada").first).to_be_visible()
    await expect(host.get_by_text("bob").first).to_be_visible()
