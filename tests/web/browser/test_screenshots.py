"""The pictures in docs/: GREENROOM_SCREENSHOTS=docs/screenshots keeps them there, else they go with the test's directory."""

import os
import struct
import zlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from greenroom.kit.ids import BrandId
from tests.chromium import Look
from tests.tenant import Tenant
from tests.web.browser.people import People

LOOKS = {
    "light": Look(still=True),
    "dark": Look(still=True, scheme="dark"),
    "phone": Look(still=True, width=390, height=844),
}
PEOPLE = ("ada", "bob", "chloe", "dev", "emre", "fatima", "grace", "hugo")
TITLE = "Sleeping better: ask the sleep coach"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
FEWEST_OCTETS_THAT_DIFFER = 16  # of a picture that shows something

Shown = tuple[str, str, str]  # who looks, at what, and a text that is there once all is


async def _asked(people: People, session: str) -> None:
    """Questions in all states, with votes."""
    bodies = {
        "Is a nap after lunch a good idea, or does it cost me the night?": PEOPLE[:5],
        "How long before bed should the screen be off?": PEOPLE[2:5],
        "I wake up at three every night. What can I do then?": PEOPLE[:7],
        "Does magnesium help?": PEOPLE[:1],
    }
    asked = {}
    for turn, (body, voters) in enumerate(bodies.items()):
        asked[body] = await people.question(session, body, PEOPLE[turn])
        for voter in voters:
            await people.call("PUT", f"/sessions/{session}/questions/{asked[body]}/vote", voter)
    first, _, _, last = asked.values()
    await people.call("POST", f"/sessions/{session}/questions/{first}/pin")
    await people.call("PATCH", f"/sessions/{session}/questions/{last}", body={"status": "answered"})
    for user, body in (("grace", "Which mattress would you buy?"), ("hugo", "Can my dog stay in the bedroom?")):
        await people.question(session, body, user, status=None)


async def live_session(people: People, **fields: object) -> str:
    soon = (datetime.now(UTC) + timedelta(minutes=10)).replace(second=0, microsecond=0)
    session = await people.session(title=TITLE, category="sleep", duration_minutes=45, scheduled_at=soon.isoformat(), **fields)
    await people.registered(session, *PEOPLE)
    await people.step(session, "start")
    await _asked(people, session)
    return session


async def home(people: People) -> Shown:
    await live_session(people, max_participants=20)
    day = (datetime.now(UTC) + timedelta(days=1)).replace(hour=15, minute=0, second=0, microsecond=0)
    for days, title, category in (
        (0, "Running with a sore knee", "movement"),
        (0, "Breakfast for people in a hurry", "nutrition"),
        (1, "Your first ten kilometres", "movement"),
        (3, "Open door: bring your own question", "sleep"),
    ):
        at = day + timedelta(days=days, hours=2 * len(title) % 5)
        await people.session(title=title, category=category, duration_minutes=45, scheduled_at=at.isoformat())
    return "ada", "/", "Running with a sore knee"


async def session(people: People) -> Shown:
    return "ada", f"/s/{await live_session(people, max_participants=20)}", "You have a seat."


async def host(people: People) -> Shown:
    full = await people.session(title=TITLE, category="sleep", duration_minutes=45, max_participants=5)
    await people.registered(full, *PEOPLE)
    return "host_1", f"/host/{full}", TITLE


async def questions(people: People) -> Shown:
    return "host_1", f"/host/{await live_session(people, max_participants=20)}/questions", "Which mattress would you buy?"


PICTURES: list[Callable[[People], Awaitable[Shown]]] = [home, session, host, questions]


@pytest.fixture
def tenant(picture: Callable[[People], Awaitable[Shown]]) -> Tenant:
    """A brand by its name, where the picture shows it."""
    return Tenant(BrandId("riverside" if picture is home else f"riverside-{uuid4().hex[:12]}"))


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.__name__)
async def test_pictures_are_taken(people: People, picture: Callable[[People], Awaitable[Shown]], tmp_path: Path) -> None:
    directory = Path(os.environ.get("GREENROOM_SCREENSHOTS", tmp_path))
    directory.mkdir(parents=True, exist_ok=True)
    user, path, there = await picture(people)
    for name, look in LOOKS.items():
        page = (await people.window(user, look=look)).page
        await without_bars(page)
        await page.goto(path)
        await expect(page.get_by_text(there).first).to_be_visible()
        await at_rest(page)
        taken = directory / f"{picture.__name__}-{name}.png"
        await page.screenshot(path=taken, animations="disabled", caret="hide")
        size, kinds = seen_in(taken)
        assert size == (look.width, look.height)
        assert kinds >= FEWEST_OCTETS_THAT_DIFFER


async def without_bars(page: Page) -> None:
    """Phones show none beside a page."""
    chromium = await page.context.new_cdp_session(page)
    await chromium.send("Emulation.setScrollbarsHidden", {"hidden": True})


async def at_rest(page: Page) -> None:
    """Fonts are there, and what was loaded is painted."""
    await page.evaluate("() => document.fonts.ready.then(() => new Promise(requestAnimationFrame))")


def seen_in(picture: Path) -> tuple[tuple[int, int], int]:
    """Its width and height, and how many different octets its pixels have (PNG, section 5.3)."""
    octets = picture.read_bytes()
    assert octets.startswith(SIGNATURE)
    position, pixels = len(SIGNATURE), b""
    while position < len(octets):
        length, kind = struct.unpack(">I4s", octets[position : position + 8])
        if kind == b"IDAT":
            pixels += octets[position + 8 : position + 8 + length]
        position += 12 + length
    width, height = struct.unpack(">II", octets[16:24])
    return (width, height), len(set(zlib.decompress(pixels)))
