// The room of a session: before, inside and after. Picture and sound are brought by a carrier (see room_builtin.js).

import { send, tell } from "./page.js";
import { beforeOf, troubleWith } from "./room_before.js";
import { Hands } from "./room_hands.js";
import { Media } from "./room_media.js";
import { recordingOf } from "./room_recording.js";
import { Kept } from "./room_signal.js";
import { Tiles } from "./room_tiles.js";
import { renewTicket, sendForms } from "./session_forms.js";
import { followNow } from "./session_now.js";
import { questionsOf } from "./session_questions.js";
import { listen } from "./stream.js";
import { text } from "./texts.js";

const page = document.getElementById("session");
const room = document.getElementById("room");
const session = page.dataset.session;
const at = (id) => document.getElementById(id);
const OUTS = {
  removed: ["out_removed", "out_removed_text"],
  ended: ["out_ended", "out_ended_text"],
  full: ["out_full", "out_full_text"],
  replaced: ["out_replaced", "out_replaced_text"],
  not_joinable: ["out_not_joinable", "out_not_joinable_text"],
  refused: ["out_refused", "out_refused_text"],
  no_sdk: ["not_loaded", "out_no_sdk_text"],
};
const SWITCHES = { camera: ["camera_stop", "camera_start"], microphone: ["microphone_stop", "microphone_start"] };

if (room.dataset.state === "closed") waitAtTheDoor();
else begin();

/** Who may not come in yet is let in by the page itself, as soon as they may. */
function waitAtTheDoor() {
  const lookWithin = followNow(page, session, (now) => now.can_join && room.dataset.provider && location.reload());
  const told = (name) => name !== "presence" && lookWithin(1_000);
  listen(session, told, () => renewTicket(session));
  lookWithin(1_000);
}

function begin() {
  const hosts = room.dataset.hosts === "yes";
  const sends = hosts || room.dataset.kind === "office_hours";
  const me = { id: "own", user: document.documentElement.dataset.user, isOwn: true, isHost: hosts, sends, hand_raised_at: null };
  const peers = new Map();
  const state = { carrier: null, room: null, over: null, isComing: false, isIn: false, published: "" };
  const kept = new Kept(session);
  const before = kept.take();
  const media = new Media({ people: room.dataset.kind === "office_hours" ? 8 : 2, changed: () => changed(), lost });
  const tiles = new Tiles({ list: at("tiles"), template: at("tile-template"), sound: at("sound") });
  const hands = new Hands();
  const lobby = beforeOf({ media, enter, speaker: (device) => tiles.speaker(device) });
  const recording = recordingOf({
    button: at("do-record"),
    made: { session, csrf: at("enter").elements.csrf.value, tiles: () => tiles.seen(), tracks: heardTracks },
    tell: (on) => state.carrier?.record(on),
  });
  const questions = questionsOf(page, session);

  // --- what is seen

  function changed() {
    lobby.draw();
    if (!state.isIn || !state.carrier) return;
    const now = JSON.stringify([media.state, Object.values(media.tracks).map((one) => one?.id)]);
    if (now !== state.published) {
      state.published = now;
      state.carrier.publish({ ...media.tracks });
      state.carrier.state(media.state);
    }
    draw();
  }

  /** Before one comes in, the page shows it beside the picture. */
  function lost(line) {
    if (state.isIn) tell(troubleWith(media, line), { isBad: true });
  }

  function draw() {
    Object.assign(me, media.state, { tracks: media.tracks });
    const others = [...peers.values()].sort((a, b) => Number(b.isHost) - Number(a.isHost) || (a.id < b.id ? -1 : 1));
    tiles.show(me.sends ? [...others.filter((one) => one.isHost), me, ...others.filter((one) => !one.isHost)] : others);
    hands.show([...others, me]);
    for (const [line, [stop, start]] of Object.entries(SWITCHES)) {
      press(`do-${line}`, media.state[line], text(media.state[line] ? stop : start));
    }
    press("do-screen", media.state.screen, text(media.state.screen ? "unshare" : "share"));
    press("do-hand", Boolean(me.hand_raised_at), text(me.hand_raised_at ? "lower_hand" : "raise_hand"));
    drawLobby(others);
    recording.refresh();
  }

  function drawLobby(others) {
    const isAlone = state.room?.is_open && !hosts && !others.some((one) => one.isHost);
    const words = state.room && !state.room.is_open && !hosts ? text("lobby") : isAlone ? text("host_away") : "";
    at("lobby").hidden = !words;
    if (at("lobby").textContent !== words) at("lobby").textContent = words;
    room.dataset.state = state.room ? (state.room.is_open || hosts ? "inside" : "lobby") : "connecting";
  }

  /** The words say what the button does. */
  function press(id, isOn, words) {
    const button = at(id);
    if (!button) return;
    button.dataset.on = isOn ? "yes" : "no";
    if (button.textContent !== words) button.textContent = words;
  }

  function heardTracks() {
    const others = [...peers.values()].map((one) => one.tracks?.microphone);
    return [media.tracks.microphone, ...others].filter(Boolean);
  }

  // --- coming in

  async function enter({ isBack = false } = {}) {
    if (state.isComing) return;
    state.isComing = true; // for good: who comes again loads the page anew
    const button = at("enter").querySelector("button");
    button.setAttribute("aria-busy", "true");
    try {
      const { carry } = await import(`./room_${room.dataset.provider}.js`);
      state.isIn = true;
      lobby.move();
      at("inside").hidden = false;
      room.dataset.state = "connecting";
      if (!isBack) at("stage-title").focus({ preventScroll: true });
      waits(text("connecting_room"));
      state.carrier = await carry({ session, enter: token, replaces: before?.secret ?? null, told });
      changed();
    } catch {
      over(text("not_loaded"), text("not_loaded_text"), { mayCome: true });
    } finally {
      button.removeAttribute("aria-busy");
    }
  }

  /** Asked for each time that one comes: who may not any more is refused. */
  async function token() {
    const entry = await send(at("enter")).catch((error) => {
      if (error.status === 401) location.reload(); // who was signed out meanwhile can come again once they have signed in
      throw error;
    });
    if (entry.provider !== room.dataset.provider) location.reload(); // another carries it since the page was loaded
    return entry;
  }

  const told = {
    welcome({ you, role, room: now }) {
      me.id = you;
      state.isNew = true; // whoever is there already is not announced
      queueMicrotask(() => (state.isNew = false));
      me.sends = role !== "viewer";
      waits("");
      told.room(now);
    },
    room(now) {
      const was = state.room;
      state.room = now;
      if (was && !was.is_open && now.is_open && !hosts) hands.say(text("opened"));
      at("recording").hidden = !now.is_recording;
      if (now.is_recording && !was?.is_recording) tell(text("recording_begins"));
      if (!now.is_recording && was?.is_recording && !recording.hasFailed()) tell(text("recording_ends"));
      recording.told(now);
      draw();
    },
    peer(peer) {
      const known = peers.get(peer.id);
      if (!known?.user && !state.isNew) hands.say(text("comes", { user: peer.user }));
      peers.set(peer.id, { ...known, ...peer, isHost: peer.role === "host", sends: peer.role !== "viewer" });
      draw();
    },
    gone(id) {
      const known = peers.get(id);
      peers.delete(id);
      if (known?.user) hands.say(text("leaves", { user: known.user }));
      draw();
    },
    tracks: (id, tracks) => note(id, { tracks }),
    link: (id, link) => note(id, { link }),
    muted() {
      if (!media.state.microphone) return;
      media.switch("microphone", false);
      tell(text("muted"));
    },
    lowered() {
      me.hand_raised_at = null;
      tell(text("called_on"));
      draw();
    },
    waits(isAway) {
      recording.away(isAway);
      waits(isAway ? text(state.room ? "reconnecting" : "connecting_room") : "");
    },
    out({ reason, message }) {
      const [title, words] = OUTS[reason];
      over(text(title), message || text(words), { mayCome: ["replaced", "full", "no_sdk"].includes(reason) });
    },
  };

  /** What is known of somebody before they are: a carrier may tell of a track first. */
  function note(id, what) {
    peers.set(id, { id, user: "", ...peers.get(id), ...what });
    if (peers.get(id).user) draw();
  }

  function waits(words) {
    at("room-waits").hidden = !words;
    if (at("room-waits").textContent !== words) at("room-waits").textContent = words;
  }

  // --- and out again

  function over(title, words, { mayCome }) {
    if (state.over) return;
    state.over = title;
    state.isIn = false;
    recording.stop();
    media.stop();
    peers.clear();
    tiles.show([]);
    waits("");
    at("recording").hidden = true;
    at("inside").hidden = true;
    at("before").hidden = true;
    at("after-title").textContent = title;
    at("after-text").textContent = words;
    at("again").hidden = !mayCome;
    at("after").hidden = false;
    room.dataset.state = "over";
    at("after-title").focus();
  }

  const does = {
    "do-camera": () => media.switch("camera", !media.state.camera),
    async "do-microphone"() {
      if (media.tracks.microphone) return media.switch("microphone", !media.state.microphone);
      await media.open({ microphone: true });
    },
    async "do-screen"() {
      if (media.state.screen) return media.unshare();
      await media.share().catch((error) => error.name !== "NotAllowedError" && tell(text("not_shared"), { isBad: true }));
    },
    "do-hand"() {
      me.hand_raised_at = me.hand_raised_at ? null : new Date().toISOString();
      state.carrier.hand(Boolean(me.hand_raised_at));
      draw();
    },
    "do-record": () => recording.press(),
    "do-leave"() {
      recording.leave();
      state.carrier.leave();
      over(text("left"), text("left_text"), { mayCome: true });
    },
    again: () => location.reload(),
  };

  room.addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (!button || button.getAttribute("aria-busy") === "true") return;
    const peer = button.closest("[data-peer]")?.dataset.peer;
    if (button.dataset.does === "mute") state.carrier.mute(peer);
    if (button.dataset.does === "lower") state.carrier.lower(peer);
    if (!does[button.id]) return;
    button.setAttribute("aria-busy", "true");
    await Promise.resolve(does[button.id]()).finally(() => button.removeAttribute("aria-busy"));
    const trouble = troubleWith(media, button.id.slice("do-".length));
    if (trouble) tell(trouble, { isBad: true });
  });

  // --- questions beside it

  const lookWithin = followNow(page, session, (now) => {
    questions.show(now);
    if (at("do-end")) at("do-end").hidden = now.status !== "live";
    if (["ended", "cancelled"].includes(now.status) && !state.isIn) told.out({ reason: "ended" });
  });
  sendForms(page, questions.typed, (form, answer, typed) => {
    questions.sent(form, answer, typed);
    lookWithin(100);
  });
  const heard = { ...questions.heard, presence() {} };
  heard.snapshot = (now) => {
    questions.heard.snapshot(now);
    lookWithin(3_000);
  };
  heard.session = () => lookWithin(1_000);
  listen(session, (name, now) => heard[name](now), () => renewTicket(session));

  // --- the beginning

  addEventListener("pagehide", () => {
    if (state.isIn) kept.leave({ secret: state.carrier?.kept(), state: media.state });
  });
  if (media.chosen.speaker) tiles.speaker(media.chosen.speaker);
  if (!media.canShare) at("do-screen")?.remove();
  if (before) {
    if (sends) media.open(before.state).then(() => media.switch("microphone", before.state.microphone));
    enter({ isBack: true });
  } else {
    lobby.show();
    room.dataset.state = "before";
    if (sends) lobby.ask();
    else lobby.draw();
  }
}
