// A host's button that records the room. The browser of the host who presses it does the work: see recorder.js.

import { tell } from "./page.js";
import { text } from "./texts.js";

/** `made`: what the recorder needs. `tell(on)` tells the room. */
export function recordingOf({ button, made, tell: say }) {
  let tool = null; // recorder.js, once it is loaded: whoever may not record does not load it
  let recorder = null;
  let loading = null;
  let isOn = false;

  async function load() {
    tool = await import("./recorder.js").catch(() => null);
    button.hidden = !tool?.canRecord();
    if (!button.hidden && isOn && (await tool.wasRecording(made.session))) begin(); // this page was loaded anew meanwhile
  }

  async function begin() {
    if (recorder) return;
    const started = new tool.Recorder({ ...made, told: (state) => hear(started, state) });
    recorder = started;
    try {
      await started.start();
      if (recorder === started) say(true);
    } catch (error) {
      fail(started, error.message);
    }
  }

  function hear(from, state) {
    if (state === "failed") fail(from);
    if (state === "waiting" && from === recorder) tell(text("recording_waits"));
  }

  function fail(from, why) {
    tell(why || text("not_recorded"), { isBad: true });
    if (from !== recorder) return;
    recorder = null;
    say(false);
  }

  async function stop() {
    const running = recorder;
    recorder = null;
    await running?.stop();
  }

  async function end() {
    say(false);
    await stop();
  }

  return {
    press: () => (recorder || isOn ? end() : begin()),
    /** Before one leaves: nobody is recorded any more by this browser. */
    leave: () => recorder && end(),
    stop,
    refresh: () => recorder?.refresh(),
    told(room) {
      const was = isOn;
      isOn = room.is_recording;
      if (was && !isOn) stop(); // another host may have ended it
      if (!button) return;
      button.dataset.on = isOn ? "yes" : "no";
      const words = text(isOn ? "record_stop" : "record");
      if (button.textContent !== words) button.textContent = words;
      if (room.is_recorded) loading ??= load();
    },
  };
}
