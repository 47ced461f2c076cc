// The side of a provider that carries picture and sound, for tests: a page of its own that answers the offers of others, and
// sends on to each what the others send. What is said over signalling is the test server's.

const peers = new Map(); // by id: the connection, and what came by it, by mid

function gathered(pc) {
  if (pc.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    pc.addEventListener("icegatheringstatechange", () => pc.iceGatheringState === "complete" && resolve());
  });
}

/** Where in the offer each of its own tracks is: mid -> the id that its sender gave the track. */
function sentIn(sdp) {
  const found = {};
  for (const part of sdp.split("\r\nm=").slice(1)) {
    const mid = /\r\na=mid:(\S+)/.exec(part)?.[1];
    const track = /\r\na=msid:\S+ (\S+)/.exec(part)?.[1];
    if (mid && track && /\r\na=(sendrecv|sendonly)/.test(part)) found[mid] = track;
  }
  return found;
}

/** In the answer, each track gets the name that the provider has for it. */
function named(sdp, names) {
  const [head, ...parts] = sdp.split("\r\nm=");
  const all = parts.map((part) => {
    const mid = /\r\na=mid:(\S+)/.exec(part)?.[1];
    return names[mid] ? part.replace(/\r\na=msid:\S+ \S+/, `\r\na=msid:${names[mid].stream} ${names[mid].id}`) : part;
  });
  return [head, ...all].join("\r\nm=");
}

/** Answers an offer. `sends`: tracks of others that this one shall get: {from, mid, stream, id}. */
window.answer = async (id, offer, sends) => {
  if (!peers.has(id)) {
    const pc = new RTCPeerConnection();
    const peer = { pc, came: new Map(), gives: new Map() };
    pc.addEventListener("track", ({ track, transceiver }) => {
      peer.came.set(transceiver.mid, track);
      if (track.kind !== "audio") return;
      const ear = Object.assign(new Audio(), { muted: true, srcObject: new MediaStream([track]) });
      ear.play(); // sound that nobody listens to does not come, and cannot be sent on
    });
    pc.addEventListener("datachannel", ({ channel }) => {
      if (channel.label !== "_reliable") return;
      channel.binaryType = "arraybuffer";
      peer.says = channel;
      channel.addEventListener("message", ({ data }) => window.said(id, [...new Uint8Array(data)]));
    });
    peers.set(id, peer);
  }
  const { pc, gives } = peers.get(id);
  await pc.setRemoteDescription({ type: "offer", sdp: offer });
  for (const wanted of sends) {
    if ([...gives.values()].some((one) => one.id === wanted.id)) continue;
    const track = peers.get(wanted.from)?.came.get(wanted.mid);
    const isFree = (one) => !gives.has(one.mid) && !one.sender.track && !sentIn(offer)[one.mid];
    const line = track && pc.getTransceivers().find((one) => one.receiver.track.kind === track.kind && isFree(one));
    if (!line) continue;
    line.direction = "sendonly";
    line.sender.setStreams(new MediaStream());
    await line.sender.replaceTrack(track);
    gives.set(line.mid, wanted);
  }
  await pc.setLocalDescription();
  await gathered(pc);
  const names = Object.fromEntries(gives);
  const mids = Object.fromEntries([...gives].map(([mid, one]) => [mid, one.id]));
  return { sdp: named(pc.localDescription.sdp, names), mids, sent: sentIn(offer) };
};

/** Offers to one what others send: {from, mid, stream, id}; all of it anew each time. */
window.offer = async (id, sends) => {
  if (!peers.has(id)) peers.set(id, { pc: new RTCPeerConnection(), came: new Map(), gives: new Map() });
  const { pc, gives } = peers.get(id);
  for (const wanted of sends) {
    const track = peers.get(wanted.from)?.came.get(wanted.mid);
    if (!track || [...gives.values()].some((one) => one.id === wanted.id)) continue;
    const line = pc.addTransceiver(track, { direction: "sendonly", streams: [new MediaStream()] });
    gives.set(line, wanted);
  }
  if (gives.size === 0) return null;
  await pc.setLocalDescription();
  await gathered(pc);
  return named(pc.localDescription.sdp, Object.fromEntries([...gives].map(([line, one]) => [line.mid, one])));
};

window.answered = (id, sdp) => peers.get(id).pc.setRemoteDescription({ type: "answer", sdp });

/** What somebody said, to somebody else. */
window.tell = (id, octets) => {
  const says = peers.get(id)?.says;
  if (says?.readyState === "open") says.send(new Uint8Array(octets));
};

window.forget = (id) => {
  peers.get(id)?.pc.close();
  peers.delete(id);
};
