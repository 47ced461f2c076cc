// The tiles of a room: each peer's picture, or their first letter; who shares a screen has a second one, which comes first.

import { text } from "./texts.js";

const MARKS = { camera: "camera_off", microphone: "microphone_off" };

export class Tiles {
  /** `template`: an empty tile, which has what a host may do on it. `sound`: shown where the browser wants a click before it plays. */
  constructor({ list, template, sound }) {
    this.list = list;
    this.template = template;
    this.sound = sound;
    this.tiles = new Map(); // by "camera ID" and "screen ID"
    this.sink = null;
    sound.querySelector("button").addEventListener("click", () => this.hear());
  }

  /**
   * Shows these peers as they are now, in their order. A peer: id, user, isOwn, isHost, sends, camera, microphone, screen,
   * hand_raised_at, its tracks by their lines, and its link.
   */
  show(peers) {
    const wanted = [
      ...peers.filter((one) => one.screen && !one.isOwn).map((one) => ["screen", one]),
      ...peers.filter((one) => one.screen && one.isOwn).map((one) => ["screen", one]),
      ...peers.map((one) => ["camera", one]),
    ];
    const names = new Set(wanted.map(([line, peer]) => `${line} ${peer.id}`));
    for (const [name, tile] of this.tiles) {
      if (names.has(name)) continue;
      this.tiles.delete(name);
      for (const one of tile.querySelectorAll("video, audio")) one.srcObject = null;
      this.letGo(tile);
    }
    for (const [line, peer] of wanted) this.draw(line, peer);
    const order = wanted.map(([line, peer]) => this.tiles.get(`${line} ${peer.id}`));
    for (const [at, tile] of order.entries()) {
      // Only what stands elsewhere is moved: a video that is taken out and put back stops for a moment.
      if (this.list.children[at] !== tile) this.list.insertBefore(tile, this.list.children[at] ?? null);
    }
    this.list.dataset.count = String(peers.length);
    this.list.classList.toggle("has-screen", wanted.some(([line]) => line === "screen"));
  }

  /** The focus of who was about to do something with it goes to the stage. */
  letGo(tile) {
    const hadFocus = tile.contains(document.activeElement);
    tile.remove();
    if (hadFocus) document.getElementById("stage-title").focus({ preventScroll: true });
  }

  draw(line, peer) {
    const name = `${line} ${peer.id}`;
    let tile = this.tiles.get(name);
    if (!tile) {
      tile = this.template.content.querySelector("li").cloneNode(true);
      tile.dataset.peer = peer.id;
      tile.classList.add(line);
      tile.classList.toggle("own", Boolean(peer.isOwn));
      tile.classList.toggle("watches", !peer.sends);
      if (line === "screen" || peer.isOwn || peer.isHost) tile.querySelector(".tile-acts")?.remove();
      if (line === "screen" || peer.isOwn) tile.querySelector("audio").remove();
      this.tiles.set(name, tile);
    }
    const called = peer.isOwn ? text("you", { user: peer.user }) : peer.user;
    say(tile.querySelector("bdi"), line === "screen" ? text("screen_of", { user: called }) : called);
    this.play(tile.querySelector("video"), peer.tracks?.[line], peer[line]);
    tile.querySelector("video").setAttribute("aria-label", text(line === "screen" ? "screen_of" : "picture_of", { user: called }));
    const off = tile.querySelector(".tile-off");
    off.hidden = peer[line];
    say(off, [...peer.user][0]?.toUpperCase() ?? "");
    this.wait(tile, peer);
    if (line === "screen") return;
    const audio = tile.querySelector("audio");
    if (audio) this.play(audio, peer.tracks?.microphone, true);
    say(tile.querySelector(".tile-marks"), marksOf(peer));
    tile.classList.toggle("raised", Boolean(peer.hand_raised_at));
    for (const one of tile.querySelectorAll(".tile-acts .unseen")) say(one, ` ${peer.user}`);
    const mute = tile.querySelector("[data-does=mute]");
    if (mute) {
      mute.hidden = !peer.sends;
      mute.setAttribute("aria-disabled", String(!peer.microphone)); // and not disabled: who has just pressed it keeps the focus
    }
    const user = tile.querySelector(".remove [name=user]");
    if (user) user.value = peer.user;
  }

  wait(tile, peer) {
    const place = tile.querySelector(".tile-waits");
    const waits = !peer.isOwn && peer.link && peer.link !== "up";
    place.hidden = !waits;
    if (waits) say(place, text(peer.link === "hopeless" ? "no_way_to" : "connecting_to", { user: peer.user }));
  }

  play(element, track, isOn) {
    const now = element.srcObject?.getTracks()[0] ?? null;
    const wanted = isOn && track ? track : null;
    if (element.tagName === "VIDEO") element.hidden = !wanted;
    if (now === wanted) return;
    element.srcObject = wanted ? new MediaStream([wanted]) : null;
    if (!wanted) return;
    if (this.sink && element.tagName === "AUDIO") element.setSinkId(this.sink).catch(() => {});
    element.play().catch((error) => {
      if (error.name === "NotAllowedError") this.sound.hidden = false; // the browser wants a click before it plays sound
    });
  }

  hear() {
    this.sound.hidden = true;
    for (const one of this.list.querySelectorAll("audio, video")) if (one.srcObject) one.play().catch(() => {});
    document.getElementById("stage-title").focus({ preventScroll: true });
  }

  /** The device that everybody is heard by; the system's own where it is empty. */
  speaker(device) {
    if (device === this.sink) return;
    this.sink = device;
    for (const one of this.list.querySelectorAll("audio")) one.setSinkId?.(device).catch(() => {});
  }

  /** For who records: each picture that is to be seen. */
  seen() {
    return [...this.tiles].filter(([, tile]) => !tile.classList.contains("watches")).map(([name, tile]) => {
      const video = tile.querySelector("video");
      const label = tile.querySelector("bdi").textContent;
      return { id: name, label, video: video.srcObject ? video : null, isScreen: name.startsWith("screen ") };
    });
  }
}

function marksOf(peer) {
  const marks = Object.entries(MARKS).filter(([line]) => !peer[line]).map(([, name]) => text(name));
  if (peer.hand_raised_at) marks.unshift(text("hand_up"));
  return peer.sends ? marks.join(" · ") : peer.hand_raised_at ? text("hand_up") : "";
}

function say(element, words) {
  if (element && element.textContent !== words) element.textContent = words;
}
