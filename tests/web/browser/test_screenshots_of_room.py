"""The pictures of the room in docs/, with the others: see test_screenshots.py."""

import os
from pathlib import Path

from playwright.async_api import expect

from tests.web.browser.roommates import Roommates, go_in, sees
from tests.web.browser.test_screenshots import FEWEST_OCTETS_THAT_DIFFER, LOOKS, at_rest, live_session, seen_in, without_bars

# A camera that shows somebody, in place of the test pattern.
CAMERA = """
{
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await real(wanted);
    if (!wanted.video) return stream;
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
    const drawn = canvas.getContext("2d");
    const hue = (TURN * 83 + 150) % 360;
    setInterval(() => {
      const light = drawn.createLinearGradient(0, 0, 640, 360);
      light.addColorStop(0, `hsl(${hue} 35% ${62 + Math.sin(Date.now() / 900)}%)`);
      light.addColorStop(1, `hsl(${hue + 40} 30% 34%)`);
      drawn.fillStyle = light;
      drawn.fillRect(0, 0, 640, 360);
      drawn.fillStyle = `hsl(${hue + 190} 30% 26%)`;
      drawn.beginPath();
      drawn.ellipse(320, 400, 170, 190, 0, 0, 7);
      drawn.fill();
      drawn.fillStyle = `hsl(${20 + TURN * 4} 45% ${70 - TURN * 9}%)`;
      drawn.beginPath();
      drawn.ellipse(320, 150, 66, 84, 0, 0, 7);
      drawn.fill();
    }, 60);
    return new MediaStream([...canvas.captureStream(15).getVideoTracks(), ...stream.getAudioTracks()]);
  };
}
"""


async def test_a_picture_of_the_room_is_taken(roommates: Roommates, tmp_path: Path) -> None:
    directory = Path(os.environ.get("GREENROOM_SCREENSHOTS", tmp_path))
    directory.mkdir(parents=True, exist_ok=True)
    session = await live_session(roommates, kind="office_hours", max_participants=20)
    pages = []
    for turn, user in enumerate(("host_1", "ada", "bob", "chloe")):
        window = await roommates.window(user, look=LOOKS["light"])
        await window.context.add_init_script(CAMERA.replace("TURN", str(turn)))
        await roommates.prepare(window)
        await without_bars(window.page)
        await window.page.goto(f"/s/{session}/room")
        await go_in(window.page)
        pages.append(window.page)
    ada = pages[1]
    await pages[2].get_by_role("button", name="Raise your hand").click()
    await expect(ada.locator("#hands li")).to_have_count(1)
    for user in ("host_1", "bob", "chloe"):
        await sees(ada, user)
    for name, look in LOOKS.items():
        await ada.emulate_media(color_scheme=look.scheme, reduced_motion="reduce")
        await ada.set_viewport_size({"width": look.width, "height": look.height})
        await ada.evaluate("() => scrollTo(0, 0)")
        await at_rest(ada)
        taken = directory / f"room-{name}.png"
        await ada.screenshot(path=taken, animations="disabled", caret="hide")
        size, kinds = seen_in(taken)
        assert size == (look.width, look.height)
        assert kinds >= FEWEST_OCTETS_THAT_DIFFER
