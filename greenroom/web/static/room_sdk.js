// A provider's web SDK, as the page names it: it is loaded beside our modules, with its checksum where the operator gave one.

const place = document.getElementById("sdk");

/** Why somebody is not in the room, or not any more: a name that the page has words for. */
export class Out extends Error {
  constructor(reason, cause) {
    super(reason, { cause });
    this.reason = reason;
  }
}

// Modules are run in the order of the page, and this one is before: neither event has been missed.
const settled =
  place &&
  new Promise((resolve, reject) => {
    place.addEventListener("load", () => resolve(import(place.src)));
    place.addEventListener("error", () => reject(new Out("no_sdk")));
  });
settled?.catch(() => {}); // said when somebody wants to come in

/** What the SDK exports. Throws Out where it was blocked, is not there, or is not what it should be. */
export async function loaded() {
  if (!settled) throw new Out("no_sdk");
  return settled.catch((error) => {
    throw error instanceof Out ? error : new Out("no_sdk", error);
  });
}

/** What a client of the SDK is made with, from the page. */
export function facts() {
  return JSON.parse(place.dataset.facts);
}

const SLOWEST_MS = 20_000;

/** The promise, or Out when it takes too long: nobody looks at a page that waits for ever. */
export function inTime(promise, reason) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Out(reason)), SLOWEST_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
