// The pieces of recordings that the server has not taken yet: kept in the browser, through a reload, a crash and a cut, until it has.

const NAME = "greenroom-recordings";
const FLAG = "greenroom_recording"; // whether there is anything to look for: other pages read it, and load this module only then
const OLDEST_MS = 7 * 86_400_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
const HELD_OCTETS = 64 * 1024 * 1024; // in memory, where the browser gives no room to keep them

// --- where they are kept

let opened = null; // again, where it could not be opened, or was closed under the page

function database() {
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("recordings", { keyPath: "id" });
      asked.result.createObjectStore("pieces", { keyPath: ["recording", "part", "number"] });
    };
    asked.onsuccess = () => {
      asked.result.onclose = () => {
        opened = null;
      };
      resolve(asked.result);
    };
    asked.onerror = () => reject(asked.error);
  });
  return opened;
}

async function begun(...how) {
  try {
    return (await database()).transaction(...how);
  } catch (error) {
    opened = null;
    throw error;
  }
}

/** Do it in one transaction; answers what the last request answered, once all of it is stored. */
async function stored(store, mode, act) {
  const transaction = await begun(store, mode, { durability: "strict" });
  return new Promise((resolve, reject) => {
    const asked = act(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(asked?.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

const of = (recording) => IDBKeyRange.bound([recording], [recording, []]);

/** A recording as this browser knows it: which parts it has, of how many pieces, and whether those are all. */
export const known = (id) => stored("recordings", "readonly", (all) => all.get(id));
export const recordings = () => stored("recordings", "readonly", (all) => all.getAll());

export async function note(recording) {
  await stored("recordings", "readwrite", (all) => all.put(recording));
  try {
    localStorage.setItem(FLAG, "yes");
  } catch {
    // where nothing may be kept, this page alone brings them
  }
}

export async function forget(id) {
  await stored("pieces", "readwrite", (all) => all.delete(of(id)));
  await stored("recordings", "readwrite", (all) => all.delete(id));
  if (!(await recordings()).length) localStorage.removeItem(FLAG);
}

// --- and how they are brought

/**
 * Brings a recording's pieces, one after another, and says at the end that these were all. One at a time does: see `alone`.
 * `recording`: as the page that records holds it, which knows more than the store.
 */
export class Bringer {
  constructor({ id, session, csrf, recording = null, told = () => {} }) {
    Object.assign(this, { id, csrf, recording, told, held: new Map(), heldOctets: 0, isRunning: null, isOver: false });
    this.path = `/s/${session}/room/recordings/${id}`;
    this.mayBeStored = !recording || Object.keys(recording.parts).length > 0; // else there is nothing to miss in the store
  }

  /** Keep a piece until the server has it. */
  async keep(part, number, octets) {
    const piece = { recording: this.id, part, number, octets };
    try {
      await stored("pieces", "readwrite", (all) => all.put(piece));
      this.mayBeStored = true;
    } catch {
      this.held.set(`${part} ${number}`, piece);
      this.heldOctets += octets.byteLength;
      if (this.heldOctets > HELD_OCTETS) this.told("failed");
    }
    this.bring();
  }

  /** Bring whatever there is; resolves when nothing is left, or when it is of no use to go on. */
  bring() {
    this.isRunning ??= this.#drain().finally(() => {
      this.isRunning = null;
    });
    return this.isRunning;
  }

  /** The piece, "later" where the store has some and does not answer, or undefined: there is none. */
  async #next() {
    const [held] = this.held.values();
    if (held) return held;
    try {
      const cursor = await stored("pieces", "readonly", (all) => all.openCursor(of(this.id)));
      this.mayBeStored = Boolean(cursor);
      return cursor?.value;
    } catch {
      return this.mayBeStored ? "later" : undefined;
    }
  }

  async #drain() {
    let wait = FIRST_WAIT_MS;
    while (!this.isOver) {
      const piece = await this.#next();
      let answer = piece === "later" ? piece : await (piece ? this.#put(piece) : this.#finish());
      if (answer === "nothing") return;
      if (answer === "done" && !(await this.#let(piece))) answer = "later";
      if (answer === "later") {
        this.told("waiting");
        await pause(wait * (0.5 + Math.random()));
        wait = Math.min(2 * wait, LONGEST_WAIT_MS);
        continue;
      }
      wait = FIRST_WAIT_MS;
      if (answer === "done") continue;
      this.isOver = true;
      if (answer !== "gone") this.told("failed"); // of what is refused all is kept: its owner may come back
      if (answer !== "refused") await forget(this.id).catch(() => {}); // what cannot be forgotten now grows old
    }
  }

  /** The server has it; answers whether it could be let go of. */
  async #let({ part, number, octets }) {
    if (this.held.delete(`${part} ${number}`)) {
      this.heldOctets -= octets.byteLength;
      return true;
    }
    return stored("pieces", "readwrite", (all) => all.delete([this.id, part, number])).then(() => true, () => false);
  }

  async #put({ part, number, octets }) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", octets));
    const answer = await this.#sent(`${this.path}/parts/${part}/pieces/${number}`, {
      method: "PUT",
      body: octets,
      headers: {
        Accept: "application/json",
        "Content-Digest": `sha-256=:${btoa(String.fromCharCode(...digest))}:`,
        "Content-Type": "application/octet-stream",
        "X-Form-Proof": this.csrf,
      },
    });
    return answer === "not this" ? "done" : answer; // another piece has its number, and always will
  }

  async #finish() {
    const recording = this.recording ?? (await known(this.id).catch(() => null));
    if (!recording?.isFinished) return "nothing";
    const parts = Object.entries(recording.parts).map(([part, pieces]) => `${part}:${pieces}`);
    if (!parts.length) return "gone";
    const body = new URLSearchParams({ csrf: this.csrf, parts: parts.join(" ") });
    const answer = await this.#sent(`${this.path}/finish`, { method: "POST", body, headers: { Accept: "application/json" } });
    if (answer === "done") this.told("done");
    if (answer === "not this") return "refused";
    return answer === "later" || answer === "refused" ? answer : "gone"; // it was said before, if all is joined already
  }

  /** done | not this | later | over (nothing of it is wanted any more) | refused (by whoever stands between, or as somebody else's) */
  async #sent(path, options) {
    let answer;
    try {
      answer = await fetch(path, { ...options, redirect: "error" });
    } catch {
      return "later";
    }
    if (answer.ok) return "done";
    if (answer.status === 412) return "over";
    if (answer.status === 400 && (await answer.json().catch(() => null))?.error === "validation_error") return "not this";
    if (answer.status === 401 && this.recording) return "later"; // signed out in the midst of it: all is kept until they are in again
    if ([400, 401, 403, 404, 413].includes(answer.status)) return "refused";
    const seconds = Number(answer.headers.get("Retry-After"));
    if (seconds > 0) await pause(Math.min(1_000 * seconds, LONGEST_WAIT_MS));
    return "later";
  }
}

/**
 * Do it, unless another tab has this recording; answers whether. It has it until what is done resolves. With a signal it is waited
 * for until that comes.
 */
export async function alone(id, act, signal) {
  try {
    return await navigator.locks.request(`greenroom recording ${id}`, signal ? { signal } : { ifAvailable: true }, async (lock) => {
      if (lock) await act();
      return lock !== null;
    });
  } catch (error) {
    if (signal?.aborted && error === signal.reason) return false;
    throw error;
  }
}

/**
 * Bring what earlier pages have left. A recording that was not finished can be gone on with (recorder.js): in its own session's
 * room (`inRoom`) it is left to that.
 */
export async function bringLeftOver(csrf, inRoom) {
  for (const one of await recordings().catch(() => [])) {
    if (one.session === inRoom && !one.isFinished) continue;
    await alone(one.id, async () => {
      if (Date.now() - one.changedAt > OLDEST_MS) await forget(one.id);
      else await new Bringer({ id: one.id, session: one.session, csrf }).bring();
    });
  }
}

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
