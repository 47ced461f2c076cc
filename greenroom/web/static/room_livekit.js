// A room that LiveKit carries, by its own web SDK.

import { carriedBy, forEach } from "./room_carried.js";
import { Out, inTime } from "./room_sdk.js";

const TOPIC = "greenroom";
const ROLE = "greenroom.role"; // an attribute that our token gives, and that nobody may change

class LiveKit {
  constructor(sdk, { server }, told) {
    this.sdk = sdk;
    this.server = server;
    this.told = told;
    const { Source } = sdk.Track;
    this.sources = { microphone: Source.Microphone, camera: Source.Camera, screen: Source.ScreenShare };
    sdk.setLogLevel("silent"); // what went wrong is said by the page; the addresses that it would log have the token in them
  }

  /** Throws Out. */
  async enter({ token }) {
    const room = new this.sdk.Room({ dynacast: true, stopLocalTrackOnUnpublish: false }); // the tracks are the page's
    this.room = room;
    this.listen(room, this.sdk.RoomEvent);
    try {
      await inTime(room.connect(this.server, token), "unreachable");
    } catch (error) {
      this.leave();
      throw error instanceof Out ? error : new Out(this.refusalOf(error), error);
    }
    this.isIn = true;
    this.told.recording(room.isRecording);
  }

  listen(room, Event) {
    const changes = [
      ...[Event.ParticipantConnected, Event.ParticipantDisconnected, Event.ParticipantPermissionsChanged],
      ...[Event.ParticipantAttributesChanged, Event.TrackSubscribed, Event.TrackUnsubscribed],
      ...[Event.TrackMuted, Event.TrackUnmuted],
      ...[Event.TrackPublished, Event.TrackUnpublished, Event.LocalTrackPublished, Event.LocalTrackUnpublished],
    ];
    for (const event of changes) room.on(event, () => this.told.changed());
    room.on(Event.SignalReconnecting, () => this.told.waits(true));
    room.on(Event.Reconnecting, () => this.told.waits(true));
    room.on(Event.Reconnected, () => this.told.waits(false));
    room.on(Event.RecordingStatusChanged, (yes) => this.told.recording(yes));
    room.on(Event.DataReceived, (octets, from, _kind, topic) => topic === TOPIC && from && this.hear(from, octets));
    room.on(Event.Disconnected, (reason) => room === this.room && this.isIn && this.gone(reason));
  }

  people() {
    const { localParticipant: own, remoteParticipants: others } = this.room;
    return [own, ...others.values()].map((one) => ({
      id: one.sid,
      user: one.identity,
      role: one.attributes[ROLE] ?? (one.permissions?.canPublish ? "speaker" : "viewer"),
      isOwn: one === own,
      camera: this.isOn(one, "camera"),
      microphone: this.isOn(one, "microphone"),
      screen: this.isOn(one, "screen"),
      tracks: Object.fromEntries(Object.keys(this.sources).map((line) => [line, this.trackOf(one, line)])),
    }));
  }

  isOn(person, line) {
    const found = person.getTrackPublication(this.sources[line]);
    return Boolean(found?.track && !found.isMuted);
  }

  trackOf(person, line) {
    return person.getTrackPublication(this.sources[line])?.track?.mediaStreamTrack ?? null;
  }

  /** The tracks are the page's own: it stops them. */
  async publish(lines) {
    const own = this.room.localParticipant;
    if (!own.permissions?.canPublish) return;
    await forEach(Object.entries(this.sources), async ([line, source]) => {
      const before = this.trackOf(own, line);
      if (before === lines[line]) return;
      if (before) await own.unpublishTrack(before, false);
      if (lines[line]) await own.publishTrack(lines[line], { source, name: line });
    });
  }

  say(data, peer) {
    const to = [...this.room.remoteParticipants.values()].find((one) => one.sid === peer);
    const octets = new TextEncoder().encode(JSON.stringify(data));
    const how = { reliable: true, topic: TOPIC, ...(to ? { destinationIdentities: [to.identity] } : {}) };
    this.room.localParticipant.publishData(octets, how).catch((error) => console.warn("it could not be told", error));
  }

  hear(from, octets) {
    try {
      this.told.heard(from.sid, JSON.parse(new TextDecoder().decode(octets)));
    } catch {
      // not written by a page of ours
    }
  }

  leave() {
    const { room } = this;
    this.room = null;
    this.isIn = false;
    room?.disconnect(false);
  }

  gone(reason) {
    const { DisconnectReason: Told } = this.sdk;
    this.isIn = false;
    if (reason === Told.PARTICIPANT_REMOVED) this.told.out("removed");
    else if (reason === Told.DUPLICATE_IDENTITY) this.told.out("replaced");
    else if (reason === Told.ROOM_DELETED || reason === Told.ROOM_CLOSED) this.told.out("ended");
    else this.told.out("lost");
  }

  refusalOf(error) {
    const { ConnectionError, ConnectionErrorReason: Told } = this.sdk;
    return error instanceof ConnectionError && error.reason === Told.NotAllowed ? "refused" : "unreachable";
  }
}

export function carry(how) {
  return carriedBy((...given) => new LiveKit(...given), how);
}
