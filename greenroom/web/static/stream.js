// The live stream of a session: EventSource comes again by itself, and goes on where it was.

import { text } from "./texts.js";

/** Opens the stream; `heard` is called with an event's name and data. Answers what closes it. */
export function listen(session, heard) {
  const place = document.getElementById("stream-state");
  const source = new EventSource(`/v1/sessions/${session}/stream`);
  let late;
  source.addEventListener("open", () => {
    clearTimeout(late);
    if (place) place.hidden = true;
  });
  source.addEventListener("error", () => {
    clearTimeout(late);
    late = setTimeout(() => {
      if (!place || source.readyState === EventSource.OPEN) return;
      place.textContent = text("connecting");
      place.hidden = false;
      // Who was signed out, or whose ticket has expired, is not let in again: the page asks anew, and says so.
      if (source.readyState === EventSource.CLOSED && navigator.onLine) location.reload();
    }, 2_000);
  });
  for (const name of ["snapshot", "me", "session", "question", "votes", "pin", "presence"]) {
    source.addEventListener(name, (event) => heard(name, JSON.parse(event.data)));
  }
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  return () => source.close();
}
