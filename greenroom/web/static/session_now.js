// What the server says of a session in words: asked for when something changed, not by everybody in the same moment.

import { signedOut, tell } from "./page.js";

const LONGEST_MS = 2 ** 31 - 1; // that a timer takes

/** What one has just used may be gone after the change: then the focus goes to the heading of its part, or to this one. */
export function keepingFocus(change, heading) {
  const focused = document.activeElement;
  const part = focused?.closest("section");
  change();
  if (part && !focused.checkVisibility()) (heading ?? part.querySelector("h2")).focus({ preventScroll: true });
}

/** Keeps the page's words up to date; `shown` is called with what the server said. Answers how to look within some milliseconds. */
export function followNow(page, session, shown) {
  let planned = null;
  let looks = 0;
  let youngest = 0;
  let later;

  function lookWithin(milliseconds) {
    const at = performance.now() + Math.random() * milliseconds;
    if (planned && planned.at <= at) return;
    if (planned) clearTimeout(planned.timer);
    planned = { at, timer: setTimeout(look, at - performance.now()) };
  }

  async function look() {
    planned = null;
    looks += 1;
    const turn = looks;
    const asked = performance.now();
    let now;
    try {
      const answer = await fetch(`/s/${session}/now`, { headers: { Accept: "application/json" } });
      if (answer.status === 401) signedOut();
      if (!answer.ok) throw new Error(answer.status);
      now = await answer.json();
    } catch {
      lookWithin(10_000);
      return;
    }
    if (turn < youngest) return; // a younger one was quicker
    youngest = turn;
    keepingFocus(() => {
      showWords(page, now);
      shown(now, asked);
    });
    lookLater(now);
  }

  /** Where nothing will be told: the doors open by the clock, and the stream says nothing of recordings. */
  function lookLater(now) {
    clearTimeout(later);
    const left = Date.parse(now.doors_at) - Date.now();
    if (now.status === "scheduled" && left > 0 && left < LONGEST_MS) later = setTimeout(() => lookWithin(3_000), left);
    if (now.recording && !now.recording_url) later = setTimeout(() => lookWithin(30_000), 30_000);
  }

  return lookWithin;
}

function showWords(page, now) {
  if (page.dataset.status !== now.status) tell(now.status_text);
  page.dataset.status = now.status;
  page.querySelector("[data-now=status_text]").className = `badge ${now.status}`;
  for (const one of page.querySelectorAll("[data-now]")) {
    const words = now[one.dataset.now];
    if (words && one.textContent !== words) one.textContent = words;
  }
  for (const one of page.querySelectorAll("[data-shown-if]")) one.hidden = !now[one.dataset.shownIf];
  for (const one of page.querySelectorAll("[data-shown-unless]")) one.hidden = Boolean(now[one.dataset.shownUnless]);
  for (const one of page.querySelectorAll("[data-href]")) if (now[one.dataset.href]) one.href = now[one.dataset.href];
}
