// How long until it begins, for who reads; every minute, and every second within the last one.

import { text } from "./texts.js";

const UNITS = [["days", 86_400], ["hours", 3_600], ["minutes", 60], ["seconds", 1]];

/** The two largest units of a time to wait, in seconds. */
export function told(seconds) {
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  const parts = [];
  let left = seconds;
  for (const [name, size] of UNITS.slice(first, first + 2)) {
    if (name === "seconds" && first < 2) break;
    const n = Math.floor(left / size);
    left -= n * size;
    if (n) parts.push(text(name, { n }));
  }
  return parts.join(" ");
}

/** Keeps the element up to date; `begins` answers the instant in milliseconds, or null where nothing is counted down to. */
export function countDown(element, begins) {
  const tick = () => {
    const at = begins();
    element.hidden = at === null;
    if (at === null) return;
    const seconds = Math.ceil((at - Date.now()) / 1_000);
    element.textContent = seconds > 0 ? text("starts_in", { left: told(seconds) }) : text("starts_soon");
  };
  tick();
  setInterval(tick, 1_000);
  return tick;
}
