// Picture and sound from each to each: one RTCPeerConnection for every other peer.
//
// A connection has three lines from the first: microphone, camera, screen. What is switched on or off later takes its line or
// leaves it empty, and nothing is negotiated for that. Whoever has the larger id offers first; when both offer at once, which
// happens after a cut, the one with the smaller id gives way ("perfect negotiation", WebRTC 1.0, section 10.7).

const LINES = ["microphone", "camera", "screen"];
const KINDS = { microphone: "audio", camera: "video", screen: "video" };
const LOOK_MS = 1_000;
const PATIENCE_MS = 3_000; // a short cut heals by itself
const STUCK_MS = 8_000; // after which it is tried anew
const HOPELESS = 3; // so many trials, and it is said that there is no way

/** What a sender may send to each of so many others: bits per second, and by what its picture is made smaller. */
export function shareOf(line, others) {
  if (line === "microphone") return { maxBitrate: others > 8 ? 24_000 : 40_000 };
  if (line === "screen") return { maxBitrate: Math.max(200_000, Math.min(1_500_000, 3_000_000 / others)), maxFramerate: 10 };
  const smaller = others <= 2 ? 1 : others <= 4 ? 1.5 : 2;
  return { maxBitrate: Math.max(120_000, Math.min(1_200_000, 2_400_000 / others)), scaleResolutionDownBy: smaller };
}

class Link {
  constructor(mesh, peer) {
    this.mesh = mesh;
    this.id = peer.id;
    this.receives = peer.role !== "viewer";
    this.isPolite = mesh.you < peer.id;
    this.isOffering = false;
    this.ignores = false;
    this.trials = 0;
    this.since = performance.now(); // the last trial, or when it went away
    this.work = Promise.resolve();
    this.pc = new RTCPeerConnection({ iceServers: mesh.iceServers, bundlePolicy: "max-bundle" });
    this.pc.addEventListener("icecandidate", ({ candidate }) => candidate && this.say({ candidate }));
    this.pc.addEventListener("negotiationneeded", () => this.offer());
    this.pc.addEventListener("connectionstatechange", () => this.changed());
    if (!this.isPolite) {
      for (const line of LINES) this.pc.addTransceiver(KINDS[line], { direction: this.direction });
      this.fill();
    }
  }

  get direction() {
    if (!this.mesh.sends) return "recvonly";
    return this.receives ? "sendrecv" : "sendonly";
  }

  get isUp() {
    return this.pc.connectionState === "connected";
  }

  say(data) {
    this.mesh.send({ type: "signal", to: this.id, data });
  }

  async offer() {
    try {
      this.isOffering = true;
      await this.pc.setLocalDescription();
      this.say({ description: this.pc.localDescription });
    } catch (error) {
      if (this.pc.signalingState !== "closed") console.warn("no offer could be made", error);
    } finally {
      this.isOffering = false;
    }
  }

  /** One thing after the other, as it was said. */
  hear(data) {
    this.work = this.work.then(() => this.take(data)).catch((error) => {
      if (this.pc.signalingState !== "closed" && !this.ignores) console.warn("what a peer said could not be used", error);
    });
  }

  async take({ description, candidate, again }) {
    if (this.pc.signalingState === "closed") return;
    if (again) return this.renewed();
    if (candidate) return this.pc.addIceCandidate(candidate);
    if (!description) return;
    const isOffer = description.type === "offer";
    const isClash = isOffer && (this.isOffering || this.pc.signalingState !== "stable");
    this.ignores = isClash && !this.isPolite;
    if (this.ignores || (!isOffer && this.pc.signalingState !== "have-local-offer")) return;
    await this.pc.setRemoteDescription(description);
    if (!isOffer) return;
    for (const one of this.pc.getTransceivers()) one.direction = this.direction;
    await this.fill();
    await this.pc.setLocalDescription();
    this.say({ description: this.pc.localDescription });
  }

  /** Puts what is switched on into its lines, and tells where the other's come. */
  async fill() {
    const lines = this.pc.getTransceivers();
    if (lines.length < LINES.length) return; // the other has not offered yet
    if (!this.isTold && this.receives) {
      this.isTold = true;
      this.mesh.told.tracks(this.id, Object.fromEntries(LINES.map((line, at) => [line, lines[at].receiver.track])));
    }
    if (!this.mesh.sends) return;
    await Promise.all(LINES.map((line, at) => lines[at].sender.replaceTrack(this.mesh.tracks[line])));
    await this.limit();
  }

  async limit() {
    const lines = this.pc.getTransceivers();
    for (const [at, line] of LINES.entries()) {
      const sender = lines[at]?.sender;
      const wanted = sender?.getParameters();
      if (!wanted?.encodings?.length) continue; // not negotiated yet
      Object.assign(wanted.encodings[0], shareOf(line, this.mesh.links.size));
      if (line === "screen") wanted.degradationPreference = "maintain-resolution";
      await sender.setParameters(wanted).catch(() => {}); // something was negotiated meanwhile, after which it is said again
    }
  }

  changed() {
    const state = this.pc.connectionState;
    if (state === "connected") {
      this.trials = 0;
      this.limit();
    } else if (state === "disconnected" || state === "failed") this.since = performance.now();
    this.tell();
    if (state === "failed") this.restart();
  }

  tell() {
    this.mesh.told.link(this.id, this.isUp ? "up" : this.trials >= HOPELESS ? "hopeless" : "waits");
  }

  /** Other ways are looked for (ICE restart); an offer that nobody answers any more is taken back. */
  async restart() {
    this.since = performance.now();
    this.trials += 1;
    this.tell();
    const state = this.pc.signalingState;
    if (state === "closed") return;
    if (state === "have-local-offer") await this.pc.setLocalDescription({ type: "rollback" }).catch(() => {});
    this.pc.restartIce();
  }

  /** Looked at each second: who should offer is first to try anew. */
  look() {
    if (this.isUp || this.pc.connectionState === "closed") return;
    const away = performance.now() - this.since;
    const isCut = this.pc.connectionState === "disconnected" && away > PATIENCE_MS;
    const isStuck = away > (this.isPolite ? 1.5 * STUCK_MS : STUCK_MS);
    if ((isCut && !this.isPolite) || isStuck) this.restart();
  }

  /** After one of both was away from the signalling: what was said meanwhile may not have come. */
  renewed() {
    if (this.pc.signalingState === "have-local-offer") this.say({ description: this.pc.localDescription });
    else if (!this.isUp && !this.isPolite) return this.restart();
  }

  close() {
    this.pc.close();
  }
}

export class Mesh {
  /** `send` says something to the signalling; `told.tracks(id, tracks)` and `told.link(id, "up" | "waits" | "hopeless")`. */
  constructor({ you, sends, iceServers, send, told }) {
    Object.assign(this, { you, sends, iceServers, send, told });
    this.links = new Map();
    this.tracks = { microphone: null, camera: null, screen: null };
    this.timer = setInterval(() => this.look(), LOOK_MS);
  }

  add(peer) {
    if (peer.id === this.you || this.links.has(peer.id) || !(this.sends || peer.role !== "viewer")) return;
    const link = new Link(this, peer);
    this.links.set(peer.id, link);
    this.told.link(peer.id, "waits");
    this.limit();
  }

  remove(id) {
    this.links.get(id)?.close();
    this.links.delete(id);
    this.limit();
  }

  hear(from, data) {
    this.links.get(from)?.hear(data);
  }

  publish(tracks) {
    this.tracks = tracks;
    for (const link of this.links.values()) link.fill();
  }

  limit() {
    for (const link of this.links.values()) link.limit();
  }

  look() {
    for (const link of this.links.values()) link.look();
  }

  /** Whether there are others, and none is reached. */
  get isCutOff() {
    const links = [...this.links.values()];
    return links.length > 0 && links.every((link) => !link.isUp && link.trials > 1);
  }

  renew() {
    for (const link of this.links.values()) {
      link.say({ again: true });
      link.renewed();
    }
  }

  close() {
    clearInterval(this.timer);
    for (const link of this.links.values()) link.close();
    this.links.clear();
  }
}
