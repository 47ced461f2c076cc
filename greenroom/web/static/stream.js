// The live stream of a session: EventSource comes again by itself, and goes on where it was.

import { text } from "./texts.js";

const AGAIN_MS = [2_000, 10_000];

/**
 * Opens the stream; `heard` is called with an event's name and data. `renew` asks for another ticket where one has expired: the
 * page must not be loaded again, because somebody may be typing in it.
 */
export function listen(session, heard, renew) {
  const place = document.getElementById("stream-state");
  let source;
  let late;

  function open() {
    source = new EventSource(`/v1/sessions/${session}/stream`);
    source.addEventListener("open", () => {
      clearTimeout(late);
      if (place) place.hidden = true;
    });
    source.addEventListener("error", lost);
    for (const name of ["snapshot", "me", "session", "question", "votes", "pin", "presence"]) {
      source.addEventListener(name, (event) => heard(name, JSON.parse(event.data)));
    }
  }

  function lost() {
    clearTimeout(late);
    if (source.readyState === EventSource.CLOSED) openAgain();
    late = setTimeout(() => {
      if (!place || source.readyState === EventSource.OPEN) return;
      place.textContent = text("connecting");
      place.hidden = false;
    }, 2_000);
  }

  /** With another ticket, and not all in the same moment. */
  function openAgain() {
    const [least, most] = AGAIN_MS;
    setTimeout(() => renew().then(open, openAgain), least + Math.random() * (most - least));
  }

  open();
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}
