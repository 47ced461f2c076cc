// One's own camera, microphone and screen: asked for, chosen, switched, and what to say where there is none.

const CHOSEN = "greenroom devices";
const CAUSES = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};
const SHAPES = {
  camera: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 24, max: 30 } },
  microphone: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
};
const KINDS = { camera: "video", microphone: "audio" };
const DEVICES = { camera: "videoinput", microphone: "audioinput", speaker: "audiooutput" };

function kept() {
  try {
    return JSON.parse(localStorage.getItem(CHOSEN)) ?? {};
  } catch {
    return {};
  }
}

/**
 * `changed()` is called whenever a track or a device comes, goes, or is switched; `lost(line)` before, where a camera or microphone
 * went that nobody has switched off.
 */
export class Media {
  constructor({ people, changed, lost }) {
    this.changed = changed;
    this.lost = lost;
    this.tracks = { microphone: null, camera: null, screen: null };
    this.troubles = {}; // by camera and microphone: denied, missing, busy, insecure
    this.chosen = kept();
    this.isSmall = people > 2;
    this.isOver = false;
    this.isAsking = false; // somebody looks at the browser's question
    navigator.mediaDevices?.addEventListener("devicechange", changed);
  }

  get state() {
    return {
      camera: this.tracks.camera !== null,
      microphone: this.tracks.microphone !== null && this.tracks.microphone.enabled,
      screen: this.tracks.screen !== null,
    };
  }

  /** Asks once for those that are wanted: one question for both, and one for each where they are not to be had together. */
  async open(wanted) {
    const lines = Object.keys(KINDS).filter((line) => wanted[line]);
    if (lines.length > 1 && (await this.take(lines))) return;
    for (const line of lines) await this.take([line]);
  }

  /** `how`: whether another device will do, where the one that was chosen is not there. */
  async take(lines, how = "ideal") {
    let stream;
    try {
      if (!navigator.mediaDevices) throw Object.assign(new Error(), { name: "insecure" });
      const wanted = Object.fromEntries(lines.map((line) => [KINDS[line], this.shape(line, how)]));
      stream = await navigator.mediaDevices.getUserMedia(wanted);
    } catch (error) {
      for (const line of lines) this.troubles[line] = CAUSES[error.name] ?? (error.name === "insecure" ? "insecure" : "busy");
      this.changed();
      return false;
    }
    for (const line of lines) {
      const [track] = line === "camera" ? stream.getVideoTracks() : stream.getAudioTracks();
      if (this.isOver) track.stop();
      else this.keep(line, track);
    }
    this.changed();
    return true;
  }

  shape(line, how) {
    const small = line === "camera" && this.isSmall ? { width: { ideal: 640 }, height: { ideal: 360 } } : {};
    const device = this.chosen[line] ? { deviceId: { [how]: this.chosen[line] } } : {};
    return { ...SHAPES[line], ...small, ...device };
  }

  keep(line, track) {
    this.tracks[line]?.stop();
    this.tracks[line] = track;
    delete this.troubles[line];
    if (line === "screen") track.contentHint = "detail";
    track.addEventListener("ended", () => {
      if (this.tracks[line] !== track) return; // unplugged, or sharing was ended in the browser's own bar
      this.tracks[line] = null;
      if (line !== "screen") {
        this.troubles[line] = "missing";
        this.lost(line);
      }
      this.changed();
    });
  }

  /** A camera that is off is let go of, so that its light goes out; a microphone is only silent, to be back at once. */
  async switch(line, on) {
    const track = this.tracks[line];
    if (line === "microphone" && track) track.enabled = on;
    else if (on && !track) await this.take([line]);
    else if (!on && track) {
      this.tracks[line] = null;
      track.stop();
    }
    this.changed();
  }

  async share() {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 15 } }, audio: false });
    const [track] = stream.getVideoTracks();
    if (this.isOver) return track.stop(); // the browser asked for longer than one stayed
    this.keep("screen", track);
    this.changed();
  }

  get canShare() {
    return Boolean(navigator.mediaDevices?.getDisplayMedia);
  }

  unshare() {
    this.tracks.screen?.stop();
    this.tracks.screen = null;
    this.changed();
  }

  async choose(line, device) {
    this.chosen = { ...this.chosen, [line]: device };
    try {
      localStorage.setItem(CHOSEN, JSON.stringify(this.chosen));
    } catch {
      // then it is chosen anew the next time
    }
    if (line === "speaker" || !this.tracks[line]) return this.changed();
    const isOn = this.tracks[line].enabled;
    if (line === "camera") await this.switch("camera", false); // some devices are given to one stream at a time
    await this.take([line], "exact");
    if (this.tracks[line]) this.tracks[line].enabled = isOn;
    else if (!this.isOver) this.lost(line);
    this.changed();
  }

  /** What there is to choose from; until one was allowed, browsers give them no names. */
  async devices() {
    const all = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    const of = (line) => all.filter((one) => one.kind === DEVICES[line] && one.deviceId);
    return { camera: of("camera"), microphone: of("microphone"), speaker: of("speaker") };
  }

  stop() {
    this.isOver = true;
    for (const [line, track] of Object.entries(this.tracks)) {
      this.tracks[line] = null;
      track?.stop();
    }
    navigator.mediaDevices?.removeEventListener("devicechange", this.changed);
  }
}

/** How loud a track is, shown in the element; answers how to look at another track. */
export function meterOf(element) {
  let context = null;
  let source = null;
  let heard = null;
  const samples = new Float32Array(512);

  setInterval(() => {
    if (!source) return;
    heard.getFloatTimeDomainData(samples);
    const loudest = samples.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
    element.value = Math.min(1, Math.sqrt(loudest)); // as the ear has it, more or less
  }, 100);
  for (const name of ["pointerdown", "keydown"]) addEventListener(name, () => context?.resume());

  return (track) => {
    source?.disconnect();
    source = null;
    element.value = 0;
    if (!track) return;
    context ??= new AudioContext(); // which browsers let run after the first click on the page
    heard ??= Object.assign(context.createAnalyser(), { fftSize: 512 });
    source = context.createMediaStreamSource(new MediaStream([track]));
    source.connect(heard);
  };
}
