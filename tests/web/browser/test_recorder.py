"""The module that records a room, in a real Chromium: its pieces, what survives a reload and a cut, and the film at last."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route

from tests.faults.waiting import eventually
from tests.postgres import Cluster, TestDatabase, fresh_database
from tests.recordings.films import seen
from tests.recordings.studio import Studio, in_studio, running_studio
from tests.server import Server
from tests.tenant import Json, Tenant
from tests.web.browser.people import People
from tests.web.browser.recording import NO_STORE, STORES, UNREADABLE

# A room as the recorder sees it: a picture that moves, a screen beside it when that is asked for, and a tone.
ROOM = """
async ({ session, isScreen }) => {
  const module = document.querySelector("script[src*='/static/']").src.replace(/[^/]+$/, "recorder.js");
  const { Recorder, canRecord, wasRecording } = await import(module);
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
  const context = canvas.getContext("2d");
  let count = 0;
  setInterval(() => {
    context.fillStyle = `hsl(${(count += 7) % 360} 80% 60%)`;
    context.fillRect(0, 0, 320, 180);
  }, 50);
  const video = Object.assign(document.createElement("video"), { muted: true, srcObject: canvas.captureStream(20) });
  await video.play();
  const sound = new AudioContext();
  await sound.resume();
  const tone = new OscillatorNode(sound, { frequency: 440 });
  const out = sound.createMediaStreamDestination();
  tone.connect(out);
  tone.start();
  window.told = [];
  window.was = await wasRecording(session);
  window.can = canRecord();
  const tiles = [
    { id: "a", label: "Ada Lovelace", video, isScreen: false },
    { id: "b", label: "Bob", video: null, isScreen: false },
  ];
  if (isScreen) tiles.push({ id: "screen a", label: "A screen", video, isScreen: true });
  window.recorder = new Recorder({
    session,
    csrf: document.querySelector("input[name=csrf]").value,
    tiles: () => tiles,
    tracks: () => out.stream.getAudioTracks(),
    told: (state) => window.told.push(state),
  });
  await window.recorder.start();
  window.begun = performance.now();
}
"""
STOP = "() => { const seconds = (performance.now() - begun) / 1000; return recorder.stop().then(() => seconds); }"
SO_FAR = "(performance.now() - begun) / 1000"

LEFT = """
async () => {
  const open = indexedDB.open("greenroom-recordings", 1);
  await new Promise((done) => (open.onsuccess = open.onerror = done));
  if (!open.result?.objectStoreNames.contains("pieces")) return 0;
  const asked = open.result.transaction("pieces").objectStore("pieces").count();
  await new Promise((done) => (asked.onsuccess = done));
  open.result.close();
  return asked.result;
}
"""

PLAYED = """
async (second) => {
  const video = document.querySelector("video");
  if (video.readyState < 1) await new Promise((done) => video.addEventListener("loadedmetadata", done, { once: true }));
  const seeked = new Promise((done) => video.addEventListener("seeked", done, { once: true }));
  video.currentTime = second;
  await seeked;
  const at = video.currentTime;
  video.muted = true;
  await video.play();
  while (!video.webkitAudioDecodedByteCount || video.getVideoPlaybackQuality().totalVideoFrames < 3) {
    await new Promise((done) => setTimeout(done, 50));
  }
  return { duration: video.duration, at, width: video.videoWidth, height: video.videoHeight };
}
"""

ALLOWED_SECONDS = 3.0

PIECES = "select count(*) from room_pieces p join room_recordings r on r.id = p.recording_id where r.call_id = $1"

LARGEST = """
select max(p.octets) from room_pieces p join room_recordings r on r.id = p.recording_id where r.call_id = $1
"""
RECORDINGS = "select count(*) from room_recordings where call_id = $1"
WAS = """
async (session) => {
  const module = document.querySelector("script[src*='/static/']").src.replace(/[^/]+$/, "recorder.js");
  return (await import(module)).wasRecording(session);
}
"""
# A machine that was busy hands over much at once.
LARGE = """
() => recorder.recorder.dispatchEvent(new BlobEvent("dataavailable", { data: new Blob([new Uint8Array(1_200_000)]) }))
"""


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> TestDatabase:
    return asyncio.run(fresh_database(cluster))


@pytest.fixture(scope="module")
def studio_server(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_studio(database, tmp_path_factory.mktemp("recorder"), GREENROOM_RECORDING_WAIT_SECONDS="5") as server:
        yield server


@pytest.fixture
async def studio(studio_server: Server, database: TestDatabase, tenant: Tenant) -> AsyncIterator[Studio]:
    async with in_studio(studio_server, database, tenant) as standing:
        yield standing


@pytest.fixture
async def people(browser: Browser, studio_server: Server, database: TestDatabase, tenant: Tenant) -> AsyncIterator[People]:
    async with AsyncExitStack() as windows:
        yield People(browser, studio_server.url, tenant, windows, database=database)


async def entered(page: Page, session: Json, *, screen: bool = False) -> None:
    """The host is in the room, and records."""
    await page.goto(f"/s/{session['id']}")
    await page.mouse.click(5, 5)  # who has touched a page may hear something of it
    await page.evaluate(ROOM, {"session": session["id"], "isScreen": screen})


async def brought(studio: Studio, session: Json, count: int) -> None:
    """The server has so many pieces."""

    async def has() -> bool:
        return bool(await studio.owner.fetchval(PIECES, session["id"]) >= count)

    await eventually(has, f"{count} pieces are there", seconds=90)


def is_as_long(duration: float, seconds: float) -> bool:
    """Whether a film is as long as it was recorded for; a machine that has much to do is slow to begin."""
    return seconds / 2 < duration < seconds + ALLOWED_SECONDS


async def held(page: Page, count: int) -> None:
    """So many pieces wait in the browser."""

    async def are() -> bool:
        return bool(await page.evaluate(LEFT) >= count)

    await eventually(are, f"{count} pieces wait in the browser", seconds=60)


async def nothing_left(page: Page) -> None:
    """The browser has nothing left to bring."""

    async def is_empty() -> bool:
        return bool(await page.evaluate(LEFT) == 0)

    await eventually(is_empty, "the browser has brought everything", seconds=60)


async def played(people: People, url: str, second: float) -> Any:
    """The film in Chromium's own player, from this second on."""
    page = (await people.window()).page
    await page.goto(url)
    return await page.evaluate(PLAYED, second)


async def test_what_a_host_sees_and_hears_becomes_a_film_that_plays_and_seeks(studio: Studio, people: People) -> None:
    session = await studio.session()
    page = (await people.window("host_1")).page
    await entered(page, session, screen=True)
    await brought(studio, session, 2)
    await page.evaluate("recorder.refresh()")
    seconds = await page.evaluate(STOP)
    (ready,) = await studio.until(session, "ready")
    found = seen((await studio.watched(ready["url"])).content)
    assert is_as_long(found.duration, seconds)
    assert found.loudness > 0.05
    assert len(found.pictures) > 10
    assert found.pictures == sorted(found.pictures)
    there = await played(people, ready["url"], found.duration / 2)
    assert there["duration"] == pytest.approx(found.duration, abs=0.2)
    assert there["at"] == pytest.approx(found.duration / 2, abs=0.1)
    assert (there["width"], there["height"]) == (1280, 720)
    await nothing_left(page)
    assert [one for one in await page.evaluate("told") if one != "waiting"] == ["recording", "done"]


async def test_a_page_that_is_loaded_anew_goes_on_with_the_same_recording(studio: Studio, people: People) -> None:
    session = await studio.session()
    page = (await people.window("host_1")).page
    await entered(page, session)
    await brought(studio, session, 2)
    seconds = await page.evaluate(SO_FAR)
    await entered(page, session)
    assert await page.evaluate("was")
    before = await studio.owner.fetchval(PIECES, session["id"])
    await brought(studio, session, before + 2)
    seconds += await page.evaluate(STOP)
    (ready,) = await studio.until(session, "ready")
    found = seen((await studio.watched(ready["url"])).content)
    assert is_as_long(found.duration, seconds)
    assert max(after - earlier for earlier, after in zip(found.pictures, found.pictures[1:], strict=False)) < 3
    there = await played(people, ready["url"], found.duration - 2)
    assert there["at"] == pytest.approx(found.duration - 2, abs=0.1)


async def test_a_page_that_is_loaded_anew_waits_for_who_brings_what_was_left(studio: Studio, people: People) -> None:
    session = await studio.session()
    window = await people.window("host_1")
    page = window.page
    await entered(page, session)
    await brought(studio, session, 1)
    let = asyncio.Event()

    async def slowly(route: Route) -> None:
        await let.wait()
        await route.continue_()

    window.allowed.append("ERR_")
    await page.route("**/pieces/*", slowly)
    await held(page, 1)
    entering = asyncio.create_task(entered(page, session))  # the page brings what it finds, as every page does

    await page.wait_for_function("async () => (await navigator.locks.query()).pending.length > 0", timeout=60_000)
    let.set()
    await entering
    await page.evaluate(STOP)
    assert await studio.owner.fetchval(RECORDINGS, session["id"]) == 1
    await studio.until(session, "ready")


async def test_another_tab_of_the_host_does_not_record_too(studio: Studio, people: People) -> None:
    session = await studio.session()
    window = await people.window("host_1")
    await entered(window.page, session)
    await brought(studio, session, 1)
    other = await window.context.new_page()
    await other.goto(f"/s/{session['id']}")
    assert not await other.evaluate(WAS, session["id"])
    await window.page.close()

    async def was() -> bool:
        return bool(await other.evaluate(WAS, session["id"]))

    await eventually(was, "nobody records any more", seconds=60)


async def test_what_a_cut_has_held_back_is_brought_by_the_next_page(studio: Studio, people: People) -> None:
    session = await studio.session()
    window = await people.window("host_1")
    page = window.page
    await entered(page, session)
    await brought(studio, session, 1)
    await window.context.set_offline(True)
    window.allowed.append("ERR_INTERNET_DISCONNECTED")
    await held(page, 2)
    assert "waiting" in await page.evaluate("told")
    seconds = await page.evaluate(STOP)
    await window.context.set_offline(False)
    await page.goto("/")  # the room is gone, and any page of ours brings the rest
    await nothing_left(page)
    (ready,) = await studio.until(session, "ready")
    assert is_as_long(seen((await studio.watched(ready["url"])).content).duration, seconds)


async def test_no_piece_is_larger_than_what_proxies_take(studio: Studio, people: People) -> None:
    session = await studio.session()
    page = (await people.window("host_1")).page
    await entered(page, session)
    await brought(studio, session, 1)
    await page.evaluate(LARGE)
    await page.evaluate(STOP)
    await nothing_left(page)
    assert await studio.owner.fetchval(LARGEST, session["id"]) == 512 * 1024
    await studio.until(session, "ready")


@pytest.mark.parametrize("status", [413, 403, 400])
async def test_what_somebody_between_refuses_is_told_and_kept(studio: Studio, people: People, status: int) -> None:
    session = await studio.session()
    window = await people.window("host_1")
    page = window.page
    window.allowed.append(str(status))
    await page.route("**/pieces/*", lambda route: route.fulfill(status=status, body="<p>No.</p>"))
    await entered(page, session)

    async def is_told() -> bool:
        return "failed" in await page.evaluate("told")

    await eventually(is_told, "the host is told", seconds=60)
    await page.evaluate(STOP)
    assert await page.evaluate(LEFT) > 0
    await page.unroute_all()
    await page.goto("/")
    await nothing_left(page)
    (ready,) = await studio.until(session, "ready")
    assert seen((await studio.watched(ready["url"])).content).pictures


async def test_a_browser_that_is_gone_for_good_leaves_what_it_had_brought(studio: Studio, people: People) -> None:
    session = await studio.session()
    page = (await people.window("host_1")).page
    await entered(page, session)
    await brought(studio, session, 2)
    seconds = await page.evaluate(SO_FAR)
    await page.close()
    await studio.step(session, "end")
    (ready,) = await studio.until(session, "ready")
    found = seen((await studio.watched(ready["url"])).content)
    assert len(found.pictures) > 10
    assert found.duration < seconds + ALLOWED_SECONDS


async def test_who_may_not_record_is_told_why(studio: Studio, people: People) -> None:
    session = await studio.session()
    page = (await people.window("somebody")).page
    with pytest.raises(Exception, match="Only the session's host"):
        await entered(page, session)
    assert await page.evaluate("can")


async def test_where_a_browser_keeps_nothing_a_recording_is_brought_and_finished_all_the_same(
    studio: Studio, people: People
) -> None:
    session = await studio.session()
    window = await people.window("host_1")
    await window.context.add_init_script(NO_STORE)
    await entered(window.page, session)
    await brought(studio, session, 2)
    seconds = await window.page.evaluate(STOP)
    (ready,) = await studio.until(session, "ready")
    assert is_as_long(seen((await studio.watched(ready["url"])).content).duration, seconds)


async def test_a_store_that_is_closed_under_the_page_is_opened_again(studio: Studio, people: People) -> None:
    session = await studio.session()
    window = await people.window("host_1")
    page = window.page
    await window.context.add_init_script(STORES)
    await entered(page, session)
    await brought(studio, session, 1)
    await page.route("**/pieces/*", lambda route: route.abort())
    window.allowed.append("ERR_FAILED")
    await page.evaluate("() => storesOfTest.forEach((one) => one.close())")
    await held(page, 2)
    await page.unroute_all()
    await page.evaluate(STOP)
    await nothing_left(page)
    await studio.until(session, "ready")


async def test_a_piece_that_cannot_be_read_is_told_and_holds_back_none_behind_it(studio: Studio, people: People) -> None:
    session = await studio.session()
    page = (await people.window("host_1")).page
    await entered(page, session)
    await brought(studio, session, 1)
    await page.evaluate(UNREADABLE)
    await page.wait_for_function("() => told.includes('failed')")
    before = await studio.owner.fetchval(PIECES, session["id"])
    await brought(studio, session, before + 2)
    await page.evaluate(STOP)
    await studio.until(session, "ready")


async def test_what_is_recorded_while_one_is_signed_out_is_kept_and_brought(studio: Studio, people: People) -> None:
    session = await studio.session()
    window = await people.window("host_1")
    page = window.page
    await entered(page, session)
    await brought(studio, session, 1)
    window.allowed.append("401")
    await page.route("**/pieces/*", lambda route: route.fulfill(status=401, body="{}"))
    await held(page, 2)
    await page.unroute_all()
    await page.evaluate(STOP)
    await nothing_left(page)
    assert "failed" not in await page.evaluate("told")
    await studio.until(session, "ready")
