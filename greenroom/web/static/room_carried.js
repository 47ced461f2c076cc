// A room that a provider carries, by its own web SDK: what every such carrier does. `builtin` is carried by room_builtin.js.
//
// A client of the SDK has `enter(entry, enter)`, `people()`, `publish(lines)`, `say(data, peer)`, `leave()`, and tells what
// happens: `changed()`, `waits(yes)`, `out(reason)`, `recording(yes)`, `heard(peer, data)`.

import { REFUSALS } from "./room_signal.js";
import { Out, facts, loaded } from "./room_sdk.js";

const FIRST_MS = 1_000;
const LONGEST_MS = 15_000;
const NOTHING = { microphone: null, camera: null, screen: null };

class Carried {
  constructor(makeClient, { enter, told }) {
    this.makeClient = makeClient;
    this.askIn = enter;
    this.told = told;
    this.known = new Map(); // what was told of each, by id
    this.hands = new Map(); // since when, by id
    this.lines = NOTHING;
    this.own = { camera: false, microphone: false, screen: false };
    this.handAt = null;
    this.tries = 0;
    this.unsent = 0; // how often in a row what is switched on could not be sent
    this.isOver = false;
    this.again = () => this.timer && this.open();
    addEventListener("online", this.again);
  }

  /** Comes in, and until then tries again: each time with another token, so that who was removed meanwhile is refused. */
  async open() {
    clearTimeout(this.timer);
    this.timer = null;
    try {
      const sdk = await loaded();
      const entry = await this.askIn();
      if (this.isOver) return;
      this.client = this.makeClient(sdk, facts(), this.events());
      await this.client.enter(entry, this.askIn);
      if (this.isOver) this.client.leave();
      else this.came();
    } catch (error) {
      console.warn("not in the room yet", error.cause ?? error);
      const refused = REFUSALS[error.said?.error];
      if (refused) this.end({ reason: refused, message: error.message });
      else if (error instanceof Out && error.reason !== "unreachable") this.end({ reason: error.reason });
      else this.later();
    }
  }

  later() {
    if (this.isOver) return;
    this.told.waits(true);
    this.tries += 1;
    const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.tries);
    this.timer = setTimeout(() => this.open(), most * (0.25 + 0.75 * Math.random()));
  }

  events() {
    return {
      changed: () => this.sync(),
      waits: (yes) => this.told.waits(yes),
      out: (reason) => this.wentOut(reason),
      recording: (yes) => this.tellRoom(yes),
      heard: (peer, data) => this.hear(peer, data),
    };
  }

  came() {
    this.tries = 0;
    for (const id of this.known.keys()) if (id !== this.you) this.told.gone(id); // after a cut all have other ids
    this.known.clear();
    this.hands.clear();
    const own = this.client.people().find((one) => one.isOwn);
    this.you = own.id;
    this.isIn = true;
    if (this.handAt) this.hands.set(own.id, this.handAt);
    this.told.waits(false);
    this.told.welcome({ you: own.id, role: own.role, room: this.room });
    this.sync();
    this.send();
  }

  get room() {
    const { kind } = document.getElementById("room").dataset;
    return { kind, is_open: true, is_recorded: false, is_recording: Boolean(this.isRecording), most: null }; // not by this page
  }

  tellRoom(isRecording) {
    this.isRecording = isRecording;
    if (this.isIn) this.told.room(this.room);
  }

  /** Tells what has changed since it was told last. */
  sync() {
    if (!this.isIn) return;
    const people = this.client.people();
    const there = new Set(people.map((one) => one.id));
    for (const id of this.known.keys()) {
      if (there.has(id)) continue;
      this.known.delete(id);
      this.hands.delete(id);
      this.told.gone(id);
    }
    for (const one of people) this.tell(one);
  }

  tell({ id, user, role, camera, microphone, screen, tracks, isOwn }) {
    const before = this.known.get(id);
    const peer = { id, user, role, camera, microphone, screen, hand_raised_at: this.hands.get(id) ?? null };
    const words = JSON.stringify(peer);
    const isSame = before && Object.keys(NOTHING).every((line) => before.tracks[line] === tracks[line]);
    this.known.set(id, { words, tracks, role });
    if (isOwn) return;
    if (words !== before?.words) this.told.peer(peer);
    if (!isSame) this.told.tracks(id, tracks);
    if (before) return;
    this.told.link(id, "up");
    if (this.handAt) this.client.say({ hand_raised_at: this.handAt }, id); // who comes later has not heard of it
  }

  // --- what people tell each other, over the provider

  hear(peer, data) {
    const isHost = this.known.get(peer)?.role === "host";
    if (data.lower && isHost) {
      this.raise(null);
      this.told.lowered();
    } else if (data.mute && isHost) this.told.muted();
    else if ("hand_raised_at" in data && this.known.has(peer)) {
      const at = Date.parse(data.hand_raised_at ?? "");
      if (Number.isNaN(at)) this.hands.delete(peer);
      else this.hands.set(peer, new Date(at).toISOString());
      this.sync();
    }
  }

  raise(at) {
    this.handAt = at;
    if (!this.isIn) return;
    if (at) this.hands.set(this.you, at);
    else this.hands.delete(this.you);
    this.client.say({ hand_raised_at: at });
    this.sync();
  }

  /** Sends what is switched on, one change after the other; what could not be sent is tried again. */
  send() {
    clearTimeout(this.resend);
    if (!this.isIn) return;
    const { client } = this;
    const lines = { ...this.lines, microphone: this.own.microphone ? this.lines.microphone : null };
    this.sending = Promise.resolve(this.sending)
      .then(() => this.isIn && client === this.client && client.publish(lines))
      .then(() => {
        this.unsent = 0;
      })
      .catch((error) => {
        console.warn("what is switched on could not be sent", error);
        this.unsent += 1;
        clearTimeout(this.resend);
        this.resend = setTimeout(() => this.send(), Math.min(LONGEST_MS, FIRST_MS * 2 ** this.unsent));
      });
  }

  wentOut(reason) {
    this.isIn = false;
    if (this.isOver) return;
    if (reason === "lost") this.later();
    else this.end({ reason });
  }

  end(message) {
    this.close();
    this.told.out(message);
  }

  close() {
    this.isOver = true;
    this.isIn = false;
    clearTimeout(this.timer);
    clearTimeout(this.resend);
    removeEventListener("online", this.again);
    this.client?.leave();
  }
}

/** Does it for each, one after the other. One that fails holds back none behind it, and is thrown when all are through. */
export async function forEach(all, act) {
  const failed = [];
  for (const one of all) await act(one).catch((error) => failed.push(error));
  if (failed.length) throw failed[0];
}

/** As `carry` of room_builtin.js; `makeClient(sdk, facts, told)` makes a client of the SDK. */
export function carriedBy(makeClient, { enter, told }) {
  const room = new Carried(makeClient, { enter, told });
  room.open();
  return {
    publish(lines) {
      room.lines = lines;
      room.send();
    },
    state(now) {
      room.own = now;
      room.send();
    },
    hand: (raised) => room.raise(raised ? new Date().toISOString() : null),
    lower: (peer) => room.client?.say({ lower: true }, peer),
    mute: (peer) => room.client?.say({ mute: true }, peer),
    record() {}, // the provider records, from the first who comes
    kept: () => null,
    leave: () => room.close(),
  };
}
