// Records a room in the browser of its host: what is seen and heard there, as one film, in pieces that the server joins.

import { Bringer, alone, known, note, recordings } from "./recorder_pieces.js";
import { HEIGHT, WIDTH, draw } from "./recorder_scene.js";

export { bringLeftOver } from "./recorder_pieces.js";

const FLAT = "2d";
const KINDS = ["video/webm;codecs=vp8,opus", "video/webm"];
const PICTURE_BITS = 1_200_000;
const SOUND_BITS = 64_000;
const PIECE_MS = 4_000;
const PIECE_OCTETS = 512 * 1024; // proxies take a megabyte, if they are not told otherwise
const FRAMES_A_SECOND = 20;
const SOUND_MS = 3_000;
const BRINGS_MS = 10_000; // for how long it is waited for a tab that brings what was left of it
const SAME_MS = 12 * 3_600_000; // for how long a recording that was cut off is gone on with

/** Whether this browser can record. */
export const canRecord = () =>
  Boolean(globalThis.MediaRecorder && globalThis.AudioWorkletNode && navigator.locks && KINDS.some((one) => MediaRecorder.isTypeSupported(one)));

/** Whether this browser was recording this session when its page went, and so should go on. */
export async function wasRecording(session) {
  const { held } = await navigator.locks.query();
  if (held.some((one) => one.name === records(session))) return false; // another tab does, and goes on
  return (await recordings().catch(() => [])).some((one) => isOpen(one, session));
}

const records = (session) => `greenroom records ${session}`; // the lock that a tab has while it records

const isOpen = (one, session) => one.session === session && !one.isFinished && Date.now() - one.changedAt < SAME_MS;

/**
 * `tiles()`: [{ id, label, video, isScreen }] as they are now; `tracks()`: whatever sounds, one's own microphone too. `refresh()` when
 * either has changed. `allowed()` is waited for before anything is recorded. `told(state)`: "recording", "waiting" (the server does not take pieces just now), "failed", "done".
 */
export class Recorder {
  constructor({ session, csrf, tiles, tracks, allowed = () => {}, told = () => {} }) {
    Object.assign(this, { session, csrf, tiles, tracks, allowed, told, isHeld: false, sources: new Map(), state: "new", shown: [] });
  }

  /** Resolves once it records. Rejects with an error whose message can be shown. */
  async start() {
    if (this.state !== "new") return;
    this.state = "starting";
    try {
      this.sound = new AudioContext();
      await this.sound.audioWorklet.addModule(new URL("./recorder_clock.js", import.meta.url));
      await Promise.race([this.sound.resume(), new Promise((done) => setTimeout(done, SOUND_MS))]);
      if (this.sound.state !== "running") throw new Error(""); // nobody has touched this page yet: browsers let it make no sound
      await this.#begin();
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  /** What is seen or heard has changed. */
  refresh() {
    if (!this.mixed) return;
    this.shown = this.tiles();
    const heard = this.tracks().filter((one) => one.kind === "audio" && one.readyState === "live");
    const wanted = new Set(heard.map((one) => one.id));
    for (const [id, source] of this.sources) {
      if (wanted.has(id)) continue;
      source.disconnect();
      this.sources.delete(id);
    }
    for (const track of heard) {
      if (this.sources.has(track.id)) continue;
      const source = this.sound.createMediaStreamSource(new MediaStream([track]));
      source.connect(this.mixed);
      this.sources.set(track.id, source);
    }
  }

  /** Resolves once all is recorded that was seen; what is still to be brought is brought in the background, or later. */
  async stop() {
    if (this.state === "starting") this.state = "stopping";
    if (this.state !== "recording") return;
    this.state = "stopping";
    if (this.recorder.state !== "inactive") {
      const ended = new Promise((done) => this.recorder.addEventListener("stop", done, { once: true }));
      this.recorder.stop();
      await ended;
    }
    await this.finished;
  }

  /** Record nothing for a while, or go on. */
  hold(yes) {
    this.isHeld = yes;
    if (this.state !== "recording") return;
    if (yes && this.recorder.state === "recording") this.recorder.pause();
    if (!yes && this.recorder.state === "paused") this.recorder.resume();
  }

  async #begin() {
    const { promise, resolve } = deferred();
    this.release = resolve;
    const left = (await recordings().catch(() => [])).filter((one) => isOpen(one, this.session));
    navigator.locks.request(records(this.session), { mode: "shared" }, () => promise);
    for (const one of left) if (await this.#goesOn(one.id, promise)) return this.#record();
    await this.#holds({ id: await this.#new(), session: this.session, parts: {}, isFinished: false, changedAt: Date.now() }, promise);
    return this.#record();
  }

  /** Have what was left to oneself, once nobody brings it any more; answers whether, and whether it is to be gone on with still. */
  async #goesOn(id, until) {
    const { promise: isOurs, resolve: take } = deferred();
    const had = await this.#holds({ id }, Promise.race([until, isOurs]), AbortSignal.timeout(BRINGS_MS));
    if (!had) return false;
    const recording = await known(id).catch(() => null);
    if (recording && isOpen(recording, this.session)) {
      this.recording = recording;
      return true;
    }
    take();
    return false;
  }

  /** Have this recording to oneself until it is released; answers whether. */
  #holds(recording, until, signal) {
    return new Promise((done, failed) => {
      const act = () => {
        this.recording = recording;
        done(true);
        return until;
      };
      alone(recording.id, act, signal).then((had) => had || done(false), failed);
    });
  }

  async #new() {
    const body = new URLSearchParams({ csrf: this.csrf });
    const answer = await fetch(`/s/${this.session}/room/recordings`, { method: "POST", body, headers: { Accept: "application/json" } });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(said.message ?? "");
    return said.id;
  }

  async #record() {
    await this.allowed();
    this.part = Math.max(Date.now(), ...Object.keys(this.recording.parts).map((one) => Number(one) + 1));
    this.number = 0;
    this.kept = Promise.resolve();
    const { recording, session, csrf } = this;
    this.bringer = new Bringer({ id: recording.id, session, csrf, recording, told: (state) => this.told(state) });
    await this.#note();
    this.bringer.bring();

    this.mixed = this.sound.createMediaStreamDestination();
    this.silence = new ConstantSourceNode(this.sound, { offset: 0 }); // so that there is sound while nobody has a microphone
    this.silence.connect(this.mixed);
    this.silence.start();
    const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
    this.context = canvas.getContext(FLAT, { alpha: false });
    this.clock = new AudioWorkletNode(this.sound, "clock");
    this.clock.port.onmessage = () => draw(this.context, this.shown);
    this.clock.connect(this.mixed);
    this.refresh();
    draw(this.context, this.shown);

    this.stream = new MediaStream([...canvas.captureStream(FRAMES_A_SECOND).getTracks(), ...this.mixed.stream.getTracks()]);
    this.recorder = new MediaRecorder(this.stream, {
      mimeType: KINDS.find((one) => MediaRecorder.isTypeSupported(one)),
      videoBitsPerSecond: PICTURE_BITS,
      audioBitsPerSecond: SOUND_BITS,
      videoKeyFrameIntervalDuration: PIECE_MS, // what browsers do not know, they pass over
    });
    this.recorder.addEventListener("dataavailable", ({ data }) => this.#keep(data));
    this.recorder.addEventListener("error", () => this.told("failed"));
    this.recorder.addEventListener("stop", () => {
      this.finished = this.#ended();
    });
    if (this.state === "stopping") return this.#ended();
    this.recorder.start(PIECE_MS);
    this.state = "recording";
    this.hold(this.isHeld);
    this.told("recording");
  }

  /** The pieces in their order, whatever takes how long. */
  #keep(data) {
    for (let at = 0; at < data.size; at += PIECE_OCTETS) {
      const piece = data.slice(at, at + PIECE_OCTETS);
      this.kept = this.kept.then(async () => {
        await this.bringer.keep(this.part, this.number, await piece.arrayBuffer());
        this.number += 1;
        await this.#note();
      }).catch(() => this.told("failed")); // one piece is lost, and not all that come after it
    }
  }

  #note() {
    this.recording.changedAt = Date.now();
    if (this.number) this.recording.parts[this.part] = this.number;
    return note(this.recording).catch(() => {}); // where nothing may be kept, this page alone knows
  }

  async #ended() {
    const wasStopped = this.state === "stopping";
    this.#close();
    await this.kept;
    this.recording.isFinished = wasStopped; // else it is gone on with, or the server finishes it
    await this.#note();
    this.bringer.bring().finally(this.release);
    if (!wasStopped) this.told("failed");
  }

  #close() {
    this.state = "over";
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    if (this.clock) this.clock.port.onmessage = null;
    this.sources.clear();
    this.sound?.close().catch(() => {});
    this.mixed = null;
    if (!this.bringer) this.release?.();
  }
}

function deferred() {
  let resolve;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
