// A room that GetStream carries, by its own web SDK.

import { carriedBy, forEach } from "./room_carried.js";
import { Out, inTime } from "./room_sdk.js";

const PREFIX = "_x-"; // before ids that GetStream could not hold as they are
const WAITS = ["reconnecting", "migrating", "offline"];
const SIZE = { width: 1280, height: 720 }; // of pictures that are asked for
const EVENT = "greenroom";

function textOf(base64) {
  const octets = atob(base64.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(octets, (one) => one.charCodeAt(0)));
}

/** The user's id as Greenroom has it. */
function userOf(encoded) {
  try {
    return encoded.startsWith(PREFIX) ? textOf(encoded.slice(PREFIX.length)) : encoded;
  } catch {
    return encoded; // of somebody who came by another way
  }
}

/** Of what was refused over the WebSocket the error's own text tells, in JSON. */
function statusIn(error) {
  try {
    return JSON.parse(error.message).StatusCode;
  } catch {
    return null;
  }
}

class GetStream {
  constructor(sdk, { key, type, base }, told) {
    this.sdk = sdk;
    this.told = told;
    this.type = type;
    const { AUDIO, VIDEO, SCREEN_SHARE } = sdk.SfuModels.TrackType;
    this.types = { microphone: AUDIO, camera: VIDEO, screen: SCREEN_SHARE };
    this.sent = { microphone: null, camera: null, screen: null };
    const own = base ? { baseURL: `${base}/video`, locationHintUrl: base, locationHintMaxAttempts: 1 } : {};
    this.client = new sdk.StreamVideoClient({ apiKey: key, options: own });
  }

  /** Throws Out, and what `renewed` throws. */
  async enter({ token, call_id: callId }, renewed) {
    const tokens = [token];
    const asked = async () => tokens.pop() ?? (await renewed()).token;
    this.you = JSON.parse(textOf(token.split(".")[1])).user_id;
    try {
      await inTime(this.client.connectUser({ id: this.you }, asked), "unreachable");
      const call = this.client.call(this.type, callId);
      this.call = call;
      await Promise.all([call.camera.disable(), call.microphone.disable()]); // the page has its own, and sends what it wants
      this.listen(call);
      await inTime(call.join(), "unreachable");
    } catch (error) {
      this.leave();
      throw error instanceof Out || error.said ? error : new Out(this.refusalOf(error), error);
    }
    this.isIn = true;
    this.told.recording(this.call.state.recording);
  }

  listen(call) {
    const { KICKED } = this.sdk.SfuModels.CallEndedReason;
    const { state } = call;
    const isOwn = (event) => event.user.id === this.you;
    const stops = [
      call.on("call.kicked_user", (event) => isOwn(event) && this.note("removed")),
      call.on("call.blocked_user", (event) => isOwn(event) && this.note("removed")),
      call.on("call.ended", () => this.note("ended")),
      call.on("callEnded", (event) => this.note(event.reason === KICKED ? "removed" : "ended")),
      call.on("custom", (event) => event.custom.type === EVENT && this.hear(event)),
    ];
    const watched = [
      state.callingState$.subscribe((now) => this.went(now)),
      state.participants$.subscribe(() => this.isIn && this.look()),
      state.recording$.subscribe((yes) => this.isIn && this.told.recording(yes)),
    ];
    this.deaf = () => {
      for (const stop of stops) stop();
      for (const one of watched) one.unsubscribe();
    };
  }

  note(why) {
    if (this.why !== "removed") this.why = why;
  }

  went(now) {
    if (!this.isIn) return;
    // Why it was left is told in the same moment, to whoever listened first.
    if (now === "left") setTimeout(() => this.isIn && this.gone(this.why ?? (this.call.state.endedAt ? "ended" : "lost")));
    else if (now === "reconnecting-failed") this.gone("lost");
    else this.told.waits(WAITS.includes(now));
  }

  /** Pictures are sent to who asks for them. */
  look() {
    const { state, trackSubscriptionManager: subscriptions } = this.call;
    const { hasScreenShare, hasVideo } = this.sdk;
    const others = state.remoteParticipants;
    const asked = (one) => [one.sessionId, { dimension: SIZE }];
    const missing = (of, size) => others.filter((one) => of(one) && !one[size]).map(asked);
    const cameras = missing(hasVideo, "videoDimension");
    const screens = missing(hasScreenShare, "screenShareDimension");
    if (cameras.length) state.updateParticipantTracks("videoTrack", Object.fromEntries(cameras));
    if (screens.length) state.updateParticipantTracks("screenShareTrack", Object.fromEntries(screens));
    if (cameras.length || screens.length) subscriptions.apply(); // after which it is told of them again
    this.told.changed();
  }

  people() {
    const { hasAudio, hasScreenShare, hasVideo } = this.sdk;
    const first = (stream) => stream?.getTracks()[0] ?? null;
    return this.call.state.participants.map((one) => ({
      id: one.sessionId,
      user: userOf(one.userId),
      role: this.roleOf(one),
      isOwn: Boolean(one.isLocalParticipant),
      camera: hasVideo(one),
      microphone: hasAudio(one),
      screen: hasScreenShare(one),
      tracks: { microphone: first(one.audioStream), camera: first(one.videoStream), screen: first(one.screenShareStream) },
    }));
  }

  roleOf(one) {
    if (one.roles.includes("host")) return "host";
    const isLive = document.getElementById("room").dataset.kind === "live";
    return isLive ? "viewer" : "speaker";
  }

  /** The SDK sends a copy of each track, which knows nothing of a microphone that is silent: that is not sent at all. */
  publish(lines) {
    return forEach(Object.entries(this.types), async ([line, type]) => {
      if (this.sent[line] === lines[line]) return;
      delete this.sent[line]; // until it has worked, nobody knows
      if (lines[line]) await this.call.publish(new MediaStream([lines[line]]), type);
      else await this.call.stopPublish(type);
      this.sent[line] = lines[line];
    });
  }

  say(data, peer) {
    const said = this.call.sendCustomEvent({ type: EVENT, to: peer ?? null, data });
    said.catch((error) => console.warn("it could not be told", error));
  }

  hear({ user, custom }) {
    const from = this.call.state.participants.find((one) => one.userId === user.id);
    const own = this.call.state.localParticipant?.sessionId;
    if (!from || from.sessionId === own || (custom.to !== null && custom.to !== own)) return;
    this.told.heard(from.sessionId, custom.data ?? {});
  }

  async leave() {
    this.isIn = false;
    this.deaf?.();
    const { call, client } = this;
    if (call && call.state.callingState !== "left") await call.leave().catch(() => {}); // it never came in
    await client.disconnectUser().catch(() => {});
  }

  gone(why) {
    this.leave();
    this.told.out(why);
  }

  refusalOf(error) {
    return [401, 403].includes(error.status ?? error.response?.status ?? statusIn(error)) ? "refused" : "unreachable";
  }
}

export function carry(how) {
  return carriedBy((...given) => new GetStream(...given), how);
}
