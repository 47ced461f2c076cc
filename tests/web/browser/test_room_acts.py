"""What people do in a room: switch, share, raise a hand; and what a host does for the others."""

from playwright.async_api import expect

from tests.web.browser.roommates import PATIENCE, Roommates, go_in, in_state, sees, sees_and_hears, still_for, tile

# Speakers that come and go, one of which was chosen; by which one is heard is noted.
SPEAKERS = """
localStorage.setItem("greenroom devices", JSON.stringify({ speaker: "chosen" }));
window.speakersOfTest = ["other", "chosen"];
navigator.mediaDevices.enumerateDevices = async () =>
  window.speakersOfTest.map((one) => ({ kind: "audiooutput", deviceId: one, label: one }));
HTMLMediaElement.prototype.setSinkId = async function (sink) {
  this.dataset.sink = sink;
};
"""
# What the page tells from now on.
NOTED = """() => {
  window.toldOfTest = [];
  const told = document.getElementById("told");
  new MutationObserver(() => toldOfTest.push(told.textContent)).observe(told, { childList: true, subtree: true });
}"""


async def test_a_camera_that_is_switched_off_is_off_for_all_and_comes_back(roommates: Roommates) -> None:
    session = await roommates.live("ada", kind="office_hours")
    host = await roommates.inside(session, "host_1")
    ada = await roommates.inside(session, "ada")
    await sees(host, "ada")
    await ada.get_by_role("button", name="Turn the camera off").click()
    await expect(tile(host, "ada").get_by_text("Camera off")).to_be_visible(timeout=PATIENCE)
    await expect(tile(host, "ada").locator("video")).to_be_hidden()
    assert (
        await ada.evaluate("() => connectionsOfTest[0].getSenders().filter((one) => one.track?.kind === 'video').length") == 0
    )
    await ada.get_by_role("button", name="Turn the camera on").click()
    await expect(tile(host, "ada").get_by_text("Camera off")).to_be_hidden(timeout=PATIENCE)
    await sees_and_hears(host, "ada")


async def test_a_host_mutes_somebody_who_switches_the_microphone_on_again(roommates: Roommates) -> None:
    session = await roommates.live("ada", kind="office_hours")
    host = await roommates.inside(session, "host_1")
    ada = await roommates.inside(session, "ada")
    await sees_and_hears(host, "ada")
    await tile(host, "ada").get_by_role("button", name="Mute").click()
    await expect(ada.get_by_text("A host has muted you.")).to_be_visible(timeout=PATIENCE)
    await expect(ada.locator("#do-microphone")).to_have_text("Turn the microphone on")
    await expect(tile(host, "ada").get_by_text("Microphone off")).to_be_visible(timeout=PATIENCE)
    await ada.get_by_role("button", name="Turn the microphone on").click()
    await expect(tile(host, "ada").get_by_text("Microphone off")).to_be_hidden(timeout=PATIENCE)
    await sees_and_hears(host, "ada")


async def test_hands_are_in_the_order_in_which_they_were_raised_and_a_host_calls_on_the_first(roommates: Roommates) -> None:
    session = await roommates.live("ada", "bob", kind="office_hours")
    host = await roommates.inside(session, "host_1")
    ada = await roommates.inside(session, "ada")
    bob = await roommates.inside(session, "bob")
    await bob.get_by_role("button", name="Raise your hand").click()
    await expect(ada.locator("#hands bdi")).to_have_text(["bob"], timeout=PATIENCE)
    await ada.get_by_role("button", name="Raise your hand").click()
    for page, names in ((host, ["bob", "ada"]), (ada, ["bob", "ada (you)"]), (bob, ["bob (you)", "ada"])):
        await expect(page.locator("#hands bdi")).to_have_text(names, timeout=PATIENCE)
    await expect(host.locator("#room-told")).to_have_text("ada raises a hand, number 2")
    await host.locator("#hands").get_by_role("button", name="Call on bob").click()
    await expect(bob.get_by_text("The host calls on you")).to_be_visible(timeout=PATIENCE)
    for page, names in ((host, ["ada"]), (ada, ["ada (you)"]), (bob, ["ada"])):
        await expect(page.locator("#hands bdi")).to_have_text(names, timeout=PATIENCE)
    await expect(bob.get_by_role("button", name="Raise your hand")).to_be_visible()
    await ada.get_by_role("button", name="Lower your hand").click()
    await expect(host.locator("#hands li")).to_have_count(0, timeout=PATIENCE)


async def test_a_viewer_of_a_broadcast_raises_a_hand_that_hosts_see(roommates: Roommates) -> None:
    session = await roommates.live("ada", "bob")
    host = await roommates.inside(session, "host_1")
    ada = await roommates.inside(session, "ada")
    bob = await roommates.inside(session, "bob")
    await ada.get_by_role("button", name="Raise your hand").click()
    await expect(host.locator("#hands bdi")).to_have_text(["ada"], timeout=PATIENCE)
    await host.get_by_role("button", name="Call on ada").click()
    await expect(ada.get_by_text("The host calls on you")).to_be_visible(timeout=PATIENCE)
    await expect(bob.locator("#hands li")).to_have_count(0)


async def test_a_screen_comes_first_beside_the_camera_and_goes_again(roommates: Roommates) -> None:
    session = await roommates.live("ada")
    host = await roommates.inside(session, "host_1")
    ada = await roommates.inside(session, "ada")
    await sees(ada, "host_1")
    await host.get_by_role("button", name="Share your screen").click()
    await expect(ada.locator("#tiles .tile").first).to_contain_text("Screen of host_1", timeout=PATIENCE)
    await sees(ada, "host_1", "screen")
    await sees_and_hears(ada, "host_1")
    await host.get_by_role("button", name="Stop sharing").click()
    await expect(ada.locator("#tiles .tile.screen")).to_have_count(0, timeout=PATIENCE)
    await sees(ada, "host_1")


async def test_questions_are_asked_and_voted_on_beside_the_picture(roommates: Roommates) -> None:
    session = await roommates.live("ada", "bob")
    question = await roommates.question(session, "Which chair?", "bob")
    ada = await roommates.inside(session, "ada")
    await ada.locator(f"#question-{question} button").click()
    await expect(ada.locator(f"#question-{question} button")).to_have_attribute("aria-pressed", "true")
    await ada.get_by_label("Your question").fill("And how long?")
    await ada.get_by_role("button", name="Ask").click()
    await expect(ada.locator("[data-list=own] .body")).to_have_text("And how long?")
    await roommates.question(session, "It arrives", "bob")
    await expect(ada.locator("[data-list=all] .body")).to_have_text(["Which chair?", "It arrives"], timeout=PATIENCE)


async def test_a_track_that_stops_is_no_longer_seen(roommates: Roommates) -> None:
    session = await roommates.live("ada")
    host = await roommates.inside(session, "host_1")
    ada = await roommates.inside(session, "ada")
    await sees(ada, "host_1")
    await host.get_by_role("button", name="Turn the camera off").click()
    await still_for(ada, "host_1", 2)
    await expect(tile(ada, "host_1").get_by_text("Camera off")).to_be_visible()


async def test_who_presses_twice_comes_in_once(roommates: Roommates) -> None:
    page = await roommates.door(await roommates.live("ada"), "ada")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/room/token") else None)
    await page.evaluate("() => { for (const _ of [1, 2]) document.getElementById('enter').requestSubmit(); }")
    await expect(page.locator("#room")).to_have_attribute("data-state", in_state("lobby"), timeout=PATIENCE)
    assert len(asked) == 1


async def test_a_screen_that_is_chosen_after_one_has_left_is_not_shared(roommates: Roommates) -> None:
    page = await roommates.inside(await roommates.live("ada"), "host_1")
    await page.evaluate("""() => {
      const { mediaDevices } = navigator;
      const share = mediaDevices.getDisplayMedia;
      mediaDevices.getDisplayMedia = async () => {
        await new Promise((done) => (window.choose = done));
        window.screenOfTest = (await share()).getVideoTracks()[0];
        return new MediaStream([window.screenOfTest]);
      };
    }""")
    await page.get_by_role("button", name="Share your screen").click()
    await page.wait_for_function("() => window.choose")
    await page.get_by_role("button", name="Leave").click()
    await expect(page.locator("#room")).to_have_attribute("data-state", in_state("over"), timeout=PATIENCE)
    await page.evaluate("choose()")
    await page.wait_for_function("() => window.screenOfTest?.readyState === 'ended'", timeout=PATIENCE)


async def test_a_host_at_the_keyboard_does_not_lose_their_place(roommates: Roommates) -> None:
    session = await roommates.live("ada", kind="office_hours")
    host = await roommates.inside(session, "host_1")
    ada = await roommates.inside(session, "ada")
    await sees_and_hears(host, "ada")
    await ada.get_by_role("button", name="Raise your hand").click()
    await host.get_by_role("button", name="Call on ada").press("Enter", timeout=PATIENCE)
    await expect(host.locator("#hands li")).to_have_count(0, timeout=PATIENCE)
    await expect(host.get_by_role("heading", name="Raised hands")).to_be_focused()
    mute = tile(host, "ada").get_by_role("button", name="Mute")
    await mute.press("Enter")
    await expect(mute).to_be_disabled(timeout=PATIENCE)
    await expect(ada.get_by_text("A host has muted you.")).to_be_hidden(timeout=PATIENCE)
    await ada.evaluate(NOTED)
    await mute.press("Enter")
    await expect(mute).to_be_focused()
    await ada.get_by_role("button", name="Raise your hand").click()  # what is said later has come
    await expect(host.locator("#hands li")).to_have_count(1, timeout=PATIENCE)
    assert await ada.evaluate("toldOfTest") == []


async def test_a_camera_that_is_unplugged_is_told(roommates: Roommates) -> None:
    host = await roommates.inside(await roommates.live(), "host_1")
    await expect(host.get_by_role("button", name="Turn the camera off")).to_be_visible(timeout=PATIENCE)
    await host.evaluate("""() => {
      const [track] = document.querySelector("#tiles .own video").srcObject.getTracks();
      track.dispatchEvent(new Event("ended"));
    }""")
    await expect(host.locator("#told")).to_have_text("No camera was found. Connect one, or go in without.")
    await expect(host.get_by_role("button", name="Turn the camera on")).to_be_visible()


async def test_while_a_chosen_speaker_is_not_there_it_is_the_systems_own(roommates: Roommates) -> None:
    session = await roommates.live("ada", kind="office_hours")
    await roommates.inside(session, "host_1")
    ada = await roommates.inside(session, "ada", script=SPEAKERS)
    heard = tile(ada, "host_1").locator("audio")
    await expect(heard).to_have_attribute("data-sink", "chosen", timeout=PATIENCE)
    for speakers, sink in ((["other"], ""), (["other", "chosen"], "chosen")):
        await ada.evaluate(
            "(now) => { speakersOfTest = now; navigator.mediaDevices.dispatchEvent(new Event('devicechange')); }", speakers
        )
        await expect(heard).to_have_attribute("data-sink", sink)


async def test_whose_sign_in_ends_stays_in_the_room(roommates: Roommates) -> None:
    session = await roommates.live("ada", kind="office_hours")
    window = await roommates.window("host_1")
    await roommates.prepare(window)
    host = window.page
    await host.goto(f"/s/{session}/room")
    await go_in(host)
    await roommates.inside(session, "ada")
    await sees_and_hears(host, "ada")
    window.allowed.append("401")
    await window.context.clear_cookies()
    async with host.expect_response("**/now", timeout=PATIENCE) as asked:
        await roommates.call("PATCH", f"/sessions/{session}", body={"title": "Another"})
    assert (await asked.value).status == 401
    await sees_and_hears(host, "ada")
    await expect(host.locator("#room")).to_have_attribute("data-state", "inside")
