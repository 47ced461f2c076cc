// A host's button that records the room. The browser of the host who presses it does the work: see recorder.js.
//
// Nobody is recorded who has not been told: the room is told first, and only while it says to everybody that it is recorded does
// this browser record.

import { tell } from "./page.js";
import { text } from "./texts.js";

const AGREED_MS = 10_000; // for how long the room may take to say so
const AWAY_MS = 8_000; // less than the room waits for who is away before it says that the recording is over

/** `made`: what the recorder needs. `tell(on)` tells the room. */
export function recordingOf({ button, made, tell: say }) {
  let tool = null; // recorder.js, once it is loaded: whoever may not record does not load it
  let recorder = null;
  let loading = null;
  let isOn = false; // what the room says
  let isAway = false;
  let hasFailed = false;
  const lost = new WeakSet(); // of each it is told once
  let isAsked = false; // the room was told that this browser records
  let isAgreed = false; // and has told everybody
  let waiting = null; // for the room to say that it is recorded
  let patience = null;

  async function load() {
    tool = await import("./recorder.js").catch(() => null);
    button.hidden = !tool?.canRecord();
    if (!button.hidden && isOn && (await tool.wasRecording(made.session))) begin({ isBack: true }); // this page was loaded anew meanwhile
    else tool?.bringLeftOver(made.csrf);
  }

  async function begin({ isBack = false } = {}) {
    if (recorder) return;
    hasFailed = false;
    isAsked = isBack;
    isAgreed = false;
    const started = new tool.Recorder({ ...made, told: (state) => hear(started, state), allowed: () => allowed(started) });
    recorder = started;
    try {
      await started.start();
    } catch (error) {
      await fail(started, error.message);
    }
  }

  /** Resolves once everybody is told. */
  function allowed(asking) {
    if (recorder !== asking) return null;
    isAsked = true;
    say(true);
    isAgreed = isOn && !isAway;
    if (isAgreed) return null;
    return new Promise((done, failed) => {
      waiting = { done, failed };
      within(AGREED_MS, () => failed(new Error(text("not_agreed"))));
    });
  }

  function within(milliseconds, act) {
    clearTimeout(patience);
    patience = setTimeout(act, milliseconds);
  }

  function settled() {
    clearTimeout(patience);
    waiting?.done();
    waiting = null;
  }

  function hear(from, state) {
    if (state === "failed") fail(from);
    if (state === "waiting" && from === recorder) tell(text("recording_waits"));
  }

  function fail(from, why) {
    if (!lost.has(from)) tell(why || text("not_recorded"), { isBad: true });
    lost.add(from);
    if (from === recorder) {
      recorder = null;
      hasFailed = true;
      settled();
      if (isAsked) say(false);
    }
    return from.stop(); // nothing is recorded of which the room is not told
  }

  async function stop() {
    const running = recorder;
    recorder = null;
    const stopped = running?.stop();
    settled();
    await stopped;
  }

  async function end() {
    if (isOn || isAsked) say(false);
    await stop();
  }

  /** The room says that it is recorded, or not; or it has not answered yet. */
  function obey(answers) {
    const running = recorder;
    if (isOn && (waiting || isAgreed)) {
      isAgreed = true;
      settled();
      running.hold(false);
    } else if (isAgreed && answers) {
      stop(); // another host has ended it
    } else if (isAgreed) {
      running.hold(true);
      within(AGREED_MS, () => fail(running, text("not_agreed")));
    }
  }

  return {
    press: () => (recorder || isOn ? end() : begin()),
    /** Before one leaves: nobody is recorded any more by this browser. */
    leave: () => recorder && end(),
    stop,
    /** The host was told why it is over. */
    hasFailed: () => hasFailed,
    refresh: () => recorder?.refresh(),
    /** What the room tells is not heard, or is again: `told` comes then. */
    away(yes) {
      const running = recorder;
      if (yes && !isAway && running && isAgreed) within(AWAY_MS, () => running.hold(true));
      isAway = yes;
    },
    /** `is_asked`: this browser has asked for it, and the room has not answered. */
    told(room) {
      isOn = room.is_recording;
      if (recorder) obey(!room.is_asked);
      if (!button) return;
      button.dataset.on = isOn ? "yes" : "no";
      const words = text(isOn ? "record_stop" : "record");
      if (button.textContent !== words) button.textContent = words;
      if (room.is_recorded) loading ??= load();
    },
  };
}
