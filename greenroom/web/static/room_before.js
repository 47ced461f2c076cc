// Before one comes in: a look into the mirror, the devices, and what to do where there are none.

import { meterOf } from "./room_media.js";
import { text } from "./texts.js";

const LINES = ["camera", "microphone", "speaker"];
const SWITCHED = ["camera", "microphone"];
const TROUBLES = {
  camera: { denied: "camera_denied", missing: "camera_missing", busy: "camera_busy", insecure: "devices_insecure" },
  microphone: { denied: "microphone_denied", missing: "microphone_missing", busy: "microphone_busy", insecure: "devices_insecure" },
};

/** What is wrong with a device, and what can be done; an empty text where nothing is. */
export function troubleWith(media, line) {
  const cause = media.troubles[line];
  return cause ? text(TROUBLES[line][cause]) : "";
}

/** The part of the page for it; `enter()` is called when one wants to come in. */
export function beforeOf({ media, enter, speaker }) {
  const part = document.getElementById("before");
  const preview = document.getElementById("preview");
  const level = document.getElementById("level");
  const measure = level && meterOf(level);
  let measured = null;

  for (const line of SWITCHED) {
    const box = document.getElementById(`with-${line}`);
    box?.addEventListener("change", () => media.isAsking || media.switch(line, box.checked));
  }
  for (const line of LINES) {
    const choice = document.getElementById(line);
    choice?.addEventListener("change", () => {
      media.choose(line, choice.value);
      if (line === "speaker") speaker(choice.value);
    });
  }
  document.getElementById("enter").addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation(); // it is no form that is sent like the others
    enter();
  });

  async function draw() {
    if (preview && !part.hidden) {
      const track = media.tracks.camera;
      if (preview.srcObject?.getTracks()[0] !== track) preview.srcObject = track && new MediaStream([track]);
      preview.hidden = !track;
      document.getElementById("preview-off").hidden = Boolean(track);
      if (!media.isAsking) for (const line of SWITCHED) document.getElementById(`with-${line}`).checked = media.state[line];
      tellTroubles();
    }
    if (measure && !part.hidden && measured !== media.tracks.microphone) {
      measured = media.tracks.microphone;
      measure(measured);
    }
    const devices = await media.devices();
    for (const line of LINES) offer(line, devices[line]);
    hearBy(media.chosen.speaker, devices.speaker);
  }

  /** While a speaker that was chosen is not there, browsers may play nothing: then it is the system's own. */
  function hearBy(chosen, devices) {
    if (!chosen || devices.length < 1) return; // browsers name none before they are allowed to
    speaker(devices.some((one) => one.deviceId === chosen) ? chosen : "");
  }

  function offer(line, devices) {
    const choice = document.getElementById(line);
    if (!choice) return;
    const isThere = line !== "speaker" || (devices.length > 0 && "setSinkId" in HTMLMediaElement.prototype);
    if (line === "speaker") document.getElementById("speaker-field").hidden = !isThere;
    const named = devices.map((one, at) => [one.deviceId, one.label || text("device", { n: at + 1 })]);
    const options = named.length ? named : [["", text("no_device")]];
    const before = [...choice.options].map((one) => [one.value, one.textContent]);
    if (JSON.stringify(before) !== JSON.stringify(options)) {
      choice.replaceChildren(...options.map(([value, label]) => new Option(label, value)));
    }
    choice.disabled = named.length < 1;
    const used = media.tracks[line]?.getSettings().deviceId ?? media.chosen[line];
    if (named.some(([value]) => value === used)) choice.value = used;
  }

  function tellTroubles() {
    const place = document.getElementById("device-trouble");
    const words = [...new Set(SWITCHED.map((line) => troubleWith(media, line)))].filter(Boolean);
    if ([...place.children].map((one) => one.textContent).join() === words.join()) return;
    place.replaceChildren(...words.map((one) => {
      const line = document.createElement("p");
      line.className = "notice warn";
      line.textContent = one;
      return line;
    }));
  }

  /** The boxes may be changed while the browser asks. */
  async function ask() {
    media.isAsking = true;
    await media.open({ camera: true, microphone: true });
    for (const line of SWITCHED) {
      if (!document.getElementById(`with-${line}`).checked) await media.switch(line, false);
    }
    media.isAsking = false;
    draw();
  }

  return {
    draw,
    ask,
    show() {
      part.hidden = false;
    },
    /** Once one is inside, the devices are chosen there. */
    move() {
      part.hidden = true;
      measure?.(null);
      if (preview) preview.srcObject = null;
      const place = document.getElementById("devices-place");
      for (const line of LINES) {
        const field = document.getElementById(line)?.closest(".field");
        if (field) place.append(field);
      }
    },
  };
}
