"""People in a room: what each sees and hears of the others, measured in their browsers."""

import re
import time
from typing import Any, Final

from msgspec import Struct
from playwright.async_api import Locator, Page, expect

from tests.chromium import Look, Window
from tests.faults.waiting import eventually
from tests.web.browser.people import People

PATIENCE_SECONDS: Final = 60.0
PATIENCE: Final = PATIENCE_SECONDS * 1000
FRAMES: Final = 5  # more of them than that, and it is no still picture

# The page's connections, to look into: they are as the browser makes them.
LOOK_IN = """
window.connectionsOfTest = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) {
    super(...given);
    window.connectionsOfTest.push(this);
  }
};
"""
# A screen, where there is none to be shared: a canvas that changes.
SCREEN = """
if (navigator.mediaDevices) navigator.mediaDevices.getDisplayMedia = async () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
  const drawn = canvas.getContext("2d");
  let turn = 0;
  setInterval(() => {
    drawn.fillStyle = `hsl(${(turn += 37) % 360} 80% 50%)`;
    drawn.fillRect(0, 0, 640, 360);
  }, 100);
  return canvas.captureStream(10);
};
"""
# What one gets of somebody: decoded frames of the picture in their tile, and the energy of the sound that plays.
RECEIVED = """async ([user, kind]) => {
  const tiles = [...document.querySelectorAll(`#tiles .tile.${kind}:not(.own)`)];
  const tile = tiles.find((one) => one.querySelector("bdi").textContent.includes(user));
  const of = async (element) => {
    const track = element?.srcObject?.getTracks()[0];
    for (const connection of window.connectionsOfTest) {
      const receiver = track && connection.getReceivers().find((one) => one.track === track);
      if (!receiver) continue;
      const found = [...(await receiver.getStats()).values()].find((one) => one.type === "inbound-rtp");
      if (found) return found;
    }
    return {};
  };
  const [picture, sound] = [await of(tile?.querySelector("video")), await of(tile?.querySelector("audio"))];
  return {
    frames: picture.framesDecoded ?? 0,
    energy: sound.totalAudioEnergy ?? 0,
    shown: tile?.querySelector("video")?.getVideoPlaybackQuality().totalVideoFrames ?? 0,
    is_playing: tile?.querySelector("audio")?.paused === false,
  };
}"""


class Received(Struct, frozen=True):
    """Of one person, until now."""

    frames: int
    energy: float
    shown: int
    is_playing: bool


class Roommates(People):
    """People with cameras and microphones, which they allow the page to use."""

    async def door(
        self,
        session: str,
        user: str,
        *,
        look: Look | None = None,
        allows: bool = True,
        path: str = "",
        script: str = "",
    ) -> Page:
        """A window at the room's door; `script` runs before those of its pages."""
        window = await self.window(user, look=look)
        await self.prepare(window, allows=allows)
        if script:
            await window.context.add_init_script(script)
        await window.page.goto(path or f"/s/{session}/room")
        return window.page

    async def prepare(self, window: Window, *, allows: bool = True) -> None:
        """What its pages do can be looked into; whether they may use camera and microphone."""
        await window.context.add_init_script(LOOK_IN)
        await window.context.add_init_script(SCREEN)
        if allows:
            await window.context.grant_permissions(["camera", "microphone"])

    async def inside(self, session: str, user: str, **more: Any) -> Page:
        """A window of somebody who has gone in."""
        page = await self.door(session, user, **more)
        await go_in(page)
        return page

    async def live(self, *users: str, **fields: Any) -> str:
        """A session that is live, in which these have seats."""
        session = await self.session(**fields)
        await self.registered(session, *users)
        await self.step(session, "start")
        return session


async def go_in(page: Page) -> None:
    """Press the button, and be known to the room."""
    await page.get_by_role("button", name="Go in").click()
    await expect(page.locator("#room")).to_have_attribute("data-state", in_state("inside", "lobby"), timeout=PATIENCE)


def in_state(*names: str) -> Any:
    """One of these states of the room."""
    return re.compile("|".join(f"^{name}$" for name in names))


def tile(page: Page, user: str, kind: str = "camera") -> Locator:
    """Somebody's tile in a window."""
    return page.locator(f"#tiles .tile.{kind}", has=page.locator("bdi", has_text=user))


async def received(page: Page, user: str, kind: str = "camera") -> Received:
    """What the window has got of them."""
    return Received(**await page.evaluate(RECEIVED, [user, kind]))


async def sees_and_hears(page: Page, user: str) -> None:
    """The picture moves, and the sound is not silence, from now on."""
    before = await received(page, user)

    async def more() -> bool:
        now = await received(page, user)
        return now.frames > before.frames + FRAMES and now.shown > 0 and now.energy > before.energy and now.is_playing

    await eventually(more, f"{user} is seen and heard", seconds=PATIENCE_SECONDS)


async def sees(page: Page, user: str, kind: str = "camera") -> None:
    """The picture moves, from now on."""
    before = await received(page, user, kind)

    async def more() -> bool:
        now = await received(page, user, kind)
        return now.frames > before.frames + FRAMES and now.shown > 0

    await eventually(more, f"{user} is seen", seconds=PATIENCE_SECONDS)


async def still_for(page: Page, user: str, seconds: float) -> None:
    """Nothing new comes of them for so long, within the patience of tests."""
    last, since = (await received(page, user)).frames, time.monotonic()

    async def is_still() -> bool:
        nonlocal last, since
        now = (await received(page, user)).frames
        if now != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since >= seconds

    await eventually(is_still, f"{user} is not seen any longer", seconds=PATIENCE_SECONDS)
