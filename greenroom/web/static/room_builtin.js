// The built-in carrier of picture and sound: the signalling, and browsers that send to each other.

import { Mesh } from "./room_mesh.js";
import { Signal } from "./room_signal.js";

const RENEW_MS = [15_000, 300_000]; // a connection that brings nothing: at first, and where nobody can be reached at all

/**
 * Carries the room; every carrier is begun so, and can do what the object can that this answers.
 *
 * `enter()` asks for a token. `replaces`: what a page kept that was loaded anew. `told` hears `welcome({you, role, room})`,
 * `room(room)`, `peer(peer)`, `gone(id)`, `tracks(id, {microphone, camera, screen})`, `link(id, "up" | "waits" | "hopeless")`,
 * `muted()`, `lowered()`, `waits(bool)` and, at last, `out({reason, message})`.
 */
export function carry({ enter, replaces, told }) {
  let mesh = null;
  let own = null; // what was said last of what is switched on
  let tracks = { microphone: null, camera: null, screen: null };
  let hand = false;
  let isHandSaid = true; // or is said when the connection is there again
  let records = false; // whether this browser does, or wants to
  let isAnswered = true; // by the room: until then it is said again whenever the connection is there again
  let isRecording = false; // as the room said last
  let renewedAt = 0;
  let patience = RENEW_MS[0];
  const signal = new Signal({ enter, heard, lost: told.waits, replaces });
  const looking = setInterval(() => {
    if (!mesh?.isCutOff) patience = RENEW_MS[0];
    else if (performance.now() - renewedAt >= patience) {
      renewedAt = performance.now();
      patience = Math.min(2 * patience, RENEW_MS[1]);
      signal.renew();
    }
  }, 1_000);

  const hears = {
    welcome(message) {
      const isSame = mesh?.you === message.you;
      if (!isSame) begin(message);
      if (!isSame) isAnswered = !records; // what a peer records is over when it is gone
      const isOpen = !isAnswered;
      answeredBy(message.room);
      told.welcome({ you: message.you, role: message.role, room: known(message.room) });
      const there = new Set(message.peers.map((one) => one.id));
      for (const id of mesh.links.keys()) if (!there.has(id)) hears.gone({ peer: id });
      for (const peer of message.peers) hears.peer({ peer });
      if (own) signal.send({ type: "state", ...own });
      if (isOpen && (records || !isAnswered)) signal.send({ type: "record", on: records });
      if (isSame ? !isHandSaid : hand) sayHand();
      if (isSame) mesh.renew();
    },
    room(message) {
      answeredBy(message.room);
      told.room(known(message.room));
    },
    peer({ peer }) {
      mesh.add(peer);
      told.peer(peer);
    },
    gone({ peer }) {
      mesh.remove(peer);
      told.gone(peer);
    },
    signal: ({ from, data }) => mesh.hear(from, data),
    lowered() {
      hand = false;
      isHandSaid = true;
      told.lowered();
    },
    muted: () => told.muted(),
    out(message) {
      stop();
      told.out(message);
    },
  };

  /** A room that is as it was asked to be is the answer. After that, another host may end it. */
  function answeredBy(room) {
    isRecording = room.is_recording;
    if (isRecording === records) isAnswered = true;
    else if (isAnswered) records = false;
  }

  const known = (room) => ({ ...room, is_asked: records && !isAnswered });

  function sayHand() {
    isHandSaid = signal.send({ type: "hand", raised: hand });
  }

  function heard(message) {
    hears[message.type]?.(message);
  }

  /** As somebody whom the others do not know yet. */
  function begin({ you, role, ice_servers: iceServers }) {
    for (const id of mesh?.links.keys() ?? []) told.gone(id);
    mesh?.close();
    mesh = new Mesh({ you, sends: role !== "viewer", iceServers, send: (message) => signal.send(message), told });
    mesh.publish(tracks);
  }

  function stop() {
    clearInterval(looking);
    mesh?.close();
  }

  signal.open();
  return {
    publish(now) {
      tracks = now;
      mesh?.publish(now);
    },
    state(now) {
      own = now;
      signal.send({ type: "state", ...now });
    },
    hand(raised) {
      hand = raised;
      sayHand();
    },
    lower: (peer) => signal.send({ type: "lower", peer }),
    mute: (peer) => signal.send({ type: "mute", peer }),
    record(on) {
      records = on;
      const isSaid = signal.send({ type: "record", on });
      isAnswered = isSaid && isRecording === on;
    },
    kept: () => signal.secret,
    leave() {
      signal.leave();
      stop();
    },
  };
}
