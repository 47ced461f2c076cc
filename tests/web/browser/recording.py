"""What a host's browser records, looked into: its recorders, and what they have made."""

from typing import Final

import asyncpg
from playwright.async_api import Page

from tests.faults.waiting import eventually
from tests.web.browser.roommates import PATIENCE_SECONDS, Roommates
from tests.wire import id_of

# The page's recorders and connections, as the browser makes them. While `isUnheard`, what is said of recording is lost.
RECORDERS: Final = """
window.recordersOfTest = [];
window.octetsOfTest = 0;
window.MediaRecorder = class extends MediaRecorder {
  constructor(...given) {
    super(...given);
    window.recordersOfTest.push(this);
    this.addEventListener("dataavailable", ({ data }) => (window.octetsOfTest += data.size));
  }
};
window.socketsOfTest = [];
window.isUnheard = false;
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    window.socketsOfTest.push(this);
  }
  send(said) {
    if (!window.isUnheard || !said.includes('"record"')) super.send(said);
  }
};
"""
# A browser that keeps nothing for pages.
NO_STORE: Final = "Object.defineProperty(window, 'indexedDB', { get() { throw new DOMException('', 'SecurityError'); } });"
# The page's connections to the browser's store, to be closed under it.
STORES: Final = """
window.storesOfTest = [];
const { open } = IDBFactory.prototype;
IDBFactory.prototype.open = function (...given) {
  const asked = open.apply(this, given);
  asked.addEventListener("success", () => window.storesOfTest.push(asked.result));
  return asked;
};
"""
# A piece that the browser has made, and cannot read.
UNREADABLE: Final = """
() => {
  const data = new Blob(["lost"]);
  data.slice = () => ({ arrayBuffer: () => Promise.reject(new Error("it cannot be read")) });
  recorder.recorder.dispatchEvent(new BlobEvent("dataavailable", { data }));
}
"""

BROUGHT: Final = """
select count(distinct p.part) as parts, coalesce(sum(p.octets), 0) as octets
from room_pieces p join room_recordings r on r.brand_id = p.brand_id and r.id = p.recording_id
where r.brand_id = $1 and r.call_id = $2
"""


async def brought(roommates: Roommates, session: str, *, parts: int = 1, more_than: int = 0) -> None:
    """The server has pieces of so many parts, and more than so many octets."""
    owner = await asyncpg.connect(roommates.database.owner_url)

    async def has() -> bool:
        (found,) = await owner.fetch(BROUGHT, roommates.tenant.brand, id_of({"id": session}))
        return bool(found["parts"] >= parts and found["octets"] > more_than)

    try:
        await eventually(has, f"pieces of {parts} parts are there, more than {more_than} octets", seconds=PATIENCE_SECONDS)
    finally:
        await owner.close()


async def recorders(page: Page, *states: str) -> None:
    """The page's recorders come to be in these states."""

    async def reached() -> bool:
        return bool(await page.evaluate("() => recordersOfTest.map((one) => one.state)") == list(states))

    await eventually(reached, f"recorders are {states}", seconds=PATIENCE_SECONDS)


async def not_heard(page: Page, *, yes: bool) -> None:
    """What the page says of recording is lost on its way; or not any more, and then its connection is lost too."""
    await page.evaluate("(yes) => { isUnheard = yes; if (!yes) socketsOfTest.at(-1).close(); }", yes)


async def made(page: Page) -> int:
    """How many octets were recorded since the page was loaded."""
    return int(await page.evaluate("octetsOfTest"))
