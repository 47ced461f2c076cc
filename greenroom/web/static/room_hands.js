// Who wants to speak, in the order in which they raised their hands.

import { reorder } from "./moving.js";
import { keepingFocus } from "./session_now.js";
import { text } from "./texts.js";

export class Hands {
  constructor() {
    this.list = document.getElementById("hands");
    this.title = document.getElementById("hands-title");
    this.template = document.getElementById("hand-template");
    this.told = document.getElementById("room-told");
    this.raised = [];
  }

  show(peers) {
    const raised = peers
      .filter((one) => one.hand_raised_at)
      .sort((a, b) => (a.hand_raised_at + a.id < b.hand_raised_at + b.id ? -1 : 1));
    keepingFocus(() => reorder(this.list, raised.map((one) => this.line(one))), this.title);
    this.list.hidden = raised.length === 0;
    document.getElementById("no-hands").hidden = raised.length > 0;
    const before = new Set(this.raised);
    for (const [at, one] of raised.entries()) {
      if (!before.has(one.id) && !one.isOwn) this.say(text("raises_hand", { user: one.user, place: at + 1 }));
    }
    this.raised = raised.map((one) => one.id);
  }

  line(peer) {
    const found = this.list.querySelector(`[data-peer="${peer.id}"]`);
    const line = found ?? this.template.content.querySelector("li").cloneNode(true);
    line.dataset.peer = peer.id;
    const called = peer.isOwn ? text("you", { user: peer.user }) : peer.user;
    if (line.querySelector("bdi").textContent !== called) line.querySelector("bdi").textContent = called;
    const lower = line.querySelector("[data-does=lower] .unseen");
    if (lower) lower.textContent = ` ${peer.user}`;
    return line;
  }

  /** Says it to who cannot see it. */
  say(words) {
    this.told.textContent = words;
  }
}
