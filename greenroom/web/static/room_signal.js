// The signalling of a room: a WebSocket that comes again by itself, as the same peer while that one is remembered.

const PROTOCOL = "greenroom.room.v1";
const FIRST_MS = 500;
const LONGEST_MS = 8_000;
const AGAIN_MS = 60_000; // for so long a page that is loaded anew takes the place of the one before
const REASONS = { 4403: "removed", 4404: "not_joinable", 4409: "replaced", 4410: "ended", 4413: "full" };
export const REFUSALS = {
  forbidden: "refused",
  not_found: "refused",
  not_configured: "refused",
  not_joinable: "not_joinable",
  at_capacity: "not_joinable",
};

/** Where a page keeps, for the one that is loaded after it, what it was: not while it is open, for a copy of its tab has this too. */
export class Kept {
  constructor(session) {
    this.name = `greenroom room ${session}`;
  }

  /** What the page before has left, once. */
  take() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.name));
      sessionStorage.removeItem(this.name);
      return kept && Date.now() - kept.at < AGAIN_MS ? kept : null;
    } catch {
      return null; // where a browser keeps nothing for pages
    }
  }

  leave(what) {
    try {
      sessionStorage.setItem(this.name, JSON.stringify({ ...what, at: Date.now() }));
    } catch {
      // then a page that is loaded anew comes as somebody else, beside the one before for a moment
    }
  }
}

/**
 * `enter` asks the server for a token, each time; `heard` gets each message, an `out` also where the server said it otherwise;
 * `lost(true)` when the connection is away, `lost(false)` when it is there.
 */
export class Signal {
  constructor({ enter, heard, lost, replaces }) {
    this.enter = enter;
    this.heard = heard;
    this.lost = lost;
    this.secret = replaces ?? null;
    this.how = "replace";
    this.socket = null;
    this.timer = null;
    this.tries = 0;
    this.isOver = false;
    this.again = () => this.hurry();
    addEventListener("online", this.again);
  }

  async open() {
    clearTimeout(this.timer);
    this.timer = null;
    this.isOpening = true;
    try {
      const entry = await this.enter();
      if (!this.isOver) this.connect(entry);
    } catch (error) {
      const reason = REFUSALS[error.said?.error];
      if (reason) this.end({ type: "out", reason, message: error.message });
      else this.later();
    } finally {
      this.isOpening = false;
    }
  }

  connect(entry) {
    const address = new URL(`/v1/live/calls/${entry.call_id}/signal`, location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const as = this.secret ? [`${this.how}.${this.secret}`] : [];
    const socket = new WebSocket(address, [PROTOCOL, entry.token, ...as]);
    this.socket = socket;
    socket.addEventListener("message", (event) => {
      if (socket === this.socket) this.take(JSON.parse(event.data));
    });
    socket.addEventListener("close", (event) => {
      if (socket === this.socket) this.closed(event.code);
    });
  }

  take(message) {
    if (message.type === "welcome") {
      this.secret = message.resume;
      this.how = "resume";
      this.tries = 0;
      this.lost(false);
    }
    if (message.type === "out") this.end(message);
    else this.heard(message);
  }

  closed(code) {
    this.socket = null;
    if (this.isOver) return;
    if (REASONS[code]) this.end({ type: "out", reason: REASONS[code] });
    else this.later(code === 4429 ? LONGEST_MS : 0);
  }

  /** Comes again, and not with all the others in the same moment. */
  later(least = 0) {
    if (this.isOver) return;
    this.lost(true);
    this.tries += 1;
    const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.tries);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), least + most * (0.25 + 0.75 * Math.random()));
  }

  /** There is a network again: at once, where it waits to come again; else the connection may be of the network before, and dead. */
  hurry() {
    if (this.timer && !this.isOver) this.open();
    else this.renew();
  }

  /** By another connection: this one seems to be there and brings nothing. */
  renew() {
    if (this.isOver || this.isOpening || this.timer) return;
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    this.lost(true);
    this.open();
  }

  /** Whether it went out: what is said while the connection is away is not said later, for it may be true no longer. */
  send(message) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  leave() {
    this.send({ type: "leave" });
    this.close();
  }

  end(message) {
    this.close();
    this.heard(message);
  }

  close() {
    this.isOver = true;
    clearTimeout(this.timer);
    removeEventListener("online", this.again);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }
}
