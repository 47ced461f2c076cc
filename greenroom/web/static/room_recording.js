// A host's button that records the room. The browser of the host who presses it does the work: see recorder.js.

import { tell } from "./page.js";
import { text } from "./texts.js";

/** `made`: what the recorder needs. `tell(on)` tells the room. */
export function recordingOf({ button, made, tell: say }) {
  let recorder = null;
  let isRecorded = false;

  async function press() {
    if (recorder || button.dataset.on === "yes") return say(false) ?? stop();
    try {
      const { Recorder } = await import("./recorder.js");
      recorder = new Recorder({ ...made, told });
      await recorder.start();
      say(true);
    } catch (error) {
      recorder = null;
      tell(error.message || text("not_recorded"), { isBad: true });
    }
  }

  function told(state) {
    if (state !== "failed" || !recorder) return;
    tell(text("not_recorded"), { isBad: true });
    say(false);
    stop();
  }

  function stop() {
    const running = recorder;
    recorder = null;
    return running?.stop();
  }

  return {
    press,
    stop,
    refresh: () => recorder?.refresh(),
    /** Another host may have ended it. */
    told(room) {
      const wasRecording = button?.dataset.on === "yes";
      if (!button) return;
      isRecorded = room.is_recorded;
      button.hidden = !isRecorded;
      button.dataset.on = room.is_recording ? "yes" : "no";
      const words = text(room.is_recording ? "record_stop" : "record");
      if (button.textContent !== words) button.textContent = words;
      if (wasRecording && !room.is_recording) stop();
    },
  };
}
