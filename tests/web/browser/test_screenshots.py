"""Pictures of the pages for the docs: GREENROOM_SCREENSHOTS=docs/screenshots writes them there."""

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.chromium import PHONE, Look
from tests.web.browser.people import People

DARK = Look(scheme="dark")
PNG = b"\x89PNG\r\n\x1a\n"
ASKED = {
    "ada": "Which chair do you recommend for long days?",
    "bob": "How often should one stand up?",
    "cyd": "Do standing desks help with a stiff neck?",
    "dan": "Is it bad to cross one's legs?",
}


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    """Where pictures go."""
    return Path(os.environ.get("GREENROOM_SCREENSHOTS") or tmp_path)


async def live_session(people: People) -> str:
    """As it may be in the middle of an hour."""
    session = await people.session(title="Sitting well, all day", max_participants=40, kind="office_hours")
    await people.registered(session, *ASKED, "eve", "fay")
    await people.step(session, "start")
    ids = [await people.question(session, body, user) for user, body in ASKED.items()]
    for question, voters in zip(ids, (3, 5, 2, 0), strict=True):
        for user in ("ada", "bob", "cyd", "eve", "fay")[:voters]:
            await people.call("PUT", f"/sessions/{session}/questions/{question}/vote", user)
    await people.call("POST", f"/sessions/{session}/questions/{ids[2]}/pin")
    await people.question(session, "What about cushions?", "eve", status=None)
    await people.question(session, "Can you show the exercise again?", "fay", status=None)
    return session


async def picture(page: Page, gallery: Path, name: str) -> None:
    """One of them."""
    gallery.mkdir(parents=True, exist_ok=True)
    file = gallery / f"{name}.png"
    await page.screenshot(path=file, animations="disabled")
    assert file.read_bytes().startswith(PNG)
    assert file.stat().st_size > 5_000


async def test_pictures_of_the_pages(people: People, gallery: Path) -> None:
    for title, when, seats in (
        ("Back to running", "2027-03-01T17:00:00Z", 30),
        ("Ask the physiotherapist", "2027-03-02T17:00:00Z", 250),
        ("Sleep and pain", "2027-03-02T19:00:00Z", 1),
    ):
        await people.session(title=title, scheduled_at=when, max_participants=seats)
    session = await live_session(people)
    views = {
        "home": ("ada", "/"),
        "month": ("ada", "/?month=2027-03"),
        "session": ("ada", f"/s/{session}"),
        "host": ("host_1", f"/host/{session}"),
        "questions": ("host_1", f"/host/{session}/questions"),
        "people": ("host_1", f"/host/{session}/people"),
    }
    light, others = {"light": Look()}, {"dark": DARK, "phone": PHONE}
    for view, (user, path) in views.items():
        for name, look in {**light, **(others if view in {"session", "questions"} else {})}.items():
            page = await people.page(user, path, look=look)
            await expect(page.get_by_role("heading", level=1)).to_be_visible()
            await picture(page, gallery, f"{view}-{name}")
