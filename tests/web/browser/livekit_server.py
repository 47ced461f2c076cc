"""A small LiveKit server: what its web SDK needs to come in, to be seen and heard, to be put out. Its API is the fake's.

Signalling is spoken in LiveKit's own protocol (version 1 of its path: one connection, whose offer comes with the join). Picture
and sound go through a page in the same browser, which answers offers as the provider's own side would.
"""

import base64
import gzip
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import aiohttp
import jwt
from aiohttp import WSMsgType, web
from livekit.protocol import models, rtc
from livekit.protocol.room import RoomParticipantIdentity
from playwright.async_api import Browser, Page

from tests.providers.fake.credentials import LIVEKIT_KEYS, LIVEKIT_SECRETS
from tests.providers.fake_provider import FakeServer
from tests.web.browser.media_side import opened_media

VERSION = "1.9.0"

Manner = Literal["answers", "silent", "refuses", "closes"]


class Member:
    """Somebody in a room, by one connection."""

    def __init__(self, told: web.WebSocketResponse, claims: dict[str, Any], number: int) -> None:
        self.socket = told
        self.room: str = claims["video"]["room"]
        self.info = models.ParticipantInfo(
            sid=f"PA_{number}",
            identity=claims["sub"],
            state=models.ParticipantInfo.State.ACTIVE,
            attributes=claims.get("attributes", {}),
            permission=models.ParticipantPermission(
                can_subscribe=True, can_publish=claims["video"]["canPublish"], can_publish_data=True
            ),
        )
        self.wanted: dict[str, models.TrackInfo] = {}  # by the name that the browser gave the track
        self.mids: dict[str, str] = {}  # track -> where it is sent
        self.connection = ""

    async def say(self, **message: Any) -> None:
        """Tell this one."""
        if not self.socket.closed:
            await self.socket.send_bytes(rtc.SignalResponse(**message).SerializeToString())


class LiveKitServer:
    """Rooms for browsers; what the service asks is handed to the fake."""

    def __init__(self, fake: FakeServer, media: Page) -> None:
        self.fake = fake
        self.media = media
        self.manner: Manner = "answers"
        self.members: list[Member] = []
        self.joins = 0
        self.refused = 0
        self.url = ""
        self._http = aiohttp.ClientSession()

    def app(self) -> web.Application:
        """Where it is asked."""
        app = web.Application()
        app.router.add_get("/rtc/v1", self._signal)
        app.router.add_get("/rtc/v1/validate", self._validate)
        app.router.add_post("/twirp/{method:.+}", self._hand_on)
        return app

    async def close(self) -> None:
        """Everybody is cut off."""
        await self.cut()
        await self._http.close()

    async def cut(self) -> None:
        """The connections of all are gone, without a word."""
        for one in list(self.members):
            line = one.socket.get_extra_info("socket")
            if line is not None and line.fileno() >= 0:
                line.shutdown(socket.SHUT_RDWR)

    def inside(self, user: str) -> Member:
        """Somebody who is in."""
        return next(one for one in self.members if one.info.identity == user)

    async def tell_recording(self, on: bool) -> None:
        """A recording of the room runs now, or no longer."""
        for one in self.members:
            room = models.Room(sid="RM_1", name=one.room, active_recording=on)
            await one.say(room_update=rtc.RoomUpdate(room=room))

    async def said(self, sid: str, octets: list[int]) -> None:
        """Somebody says something to one, or to all: they hear from whom it is, by what the token says."""
        packet = models.DataPacket.FromString(bytes(octets))
        member = next((one for one in self.members if one.info.sid == sid), None)
        if member is None:
            return
        packet.participant_sid, packet.participant_identity = sid, member.info.identity
        wanted = set(packet.destination_identities) | set(packet.user.destination_identities)
        for one in self.members:
            if one is not member and one.room == member.room and (not wanted or one.info.identity in wanted):
                await self.media.evaluate("(args) => tell(...args)", [one.info.sid, list(packet.SerializeToString())])

    async def _validate(self, _request: web.Request) -> web.Response:
        answer = web.Response(text="no permissions to access the room", status=401)
        answer.headers["Access-Control-Allow-Origin"] = "*"
        return answer

    async def _signal(self, request: web.Request) -> web.StreamResponse:
        self.joins += 1
        claims = _claims_in(request.query.get("access_token", ""))
        if claims is None or self.manner == "refuses":
            self.refused += 1
            return web.Response(text="invalid token", status=401)
        answer = web.WebSocketResponse()
        await answer.prepare(request)
        if self.manner == "closes":
            await answer.close()
        elif self.manner == "silent":
            await answer.receive()
        else:
            await self._serve(Member(answer, claims, self.joins), request)
        return answer

    async def _serve(self, member: Member, request: web.Request) -> None:
        asked = _join_request_in(request.query["join_request"])
        if asked.reconnect:  # who was cut off is not remembered, and comes in anew
            action = rtc.LeaveRequest.Action.RECONNECT
            await member.say(leave=rtc.LeaveRequest(reason=models.DisconnectReason.STATE_MISMATCH, action=action))
            return
        others = [one for one in self.members if one.room == member.room]
        for one in others:
            if one.info.identity == member.info.identity:  # an identity is inside once, with its latest device
                await self._put_out(one, models.DisconnectReason.DUPLICATE_IDENTITY)
        others = [one for one in self.members if one.room == member.room]
        member.connection = self.fake.livekit.join(member.room, member.info.identity)
        self.members.append(member)
        join = rtc.JoinResponse(
            room=models.Room(sid="RM_1", name=member.room),
            participant=member.info,
            other_participants=[one.info for one in others],
            server_version=VERSION,
            server_info=models.ServerInfo(version=VERSION, protocol=16),
            ping_interval=10,
            ping_timeout=30,
        )
        await member.say(join=join)
        try:
            await self._answer(member, asked.publisher_offer)
            await self._tell_of(member)
            async for message in member.socket:
                if message.type is WSMsgType.BINARY:
                    await self._hear(member, rtc.SignalRequest.FromString(message.data))
        finally:
            if member in self.members:
                self.fake.livekit.leave(member.connection)
                await self._gone(member)

    async def _hear(self, member: Member, said: rtc.SignalRequest) -> None:
        match said.WhichOneof("message"):
            case "offer":
                before = len(member.info.tracks)
                await self._answer(member, said.offer)
                if len(member.info.tracks) != before:
                    await self._tell_of(member, sends_more=len(member.info.tracks) > before)
            case "add_track":
                await self._add(member, said.add_track)
            case "mute":
                for track in member.info.tracks:
                    if track.sid == said.mute.sid:
                        track.muted = said.mute.muted
                await self._tell_of(member)
            case "ping_req":
                await member.say(pong_resp=rtc.Pong(last_ping_timestamp=said.ping_req.timestamp))
            case "leave":
                await member.socket.close()

    async def _add(self, member: Member, asked: rtc.AddTrackRequest) -> None:
        sid = f"TR_{member.info.sid}_{len(member.wanted)}"
        track = models.TrackInfo(sid=sid, type=asked.type, name=asked.name, source=asked.source, muted=asked.muted)
        member.wanted[asked.cid] = track
        await member.say(track_published=rtc.TrackPublishedResponse(cid=asked.cid, track=track))

    async def _answer(self, member: Member, offer: rtc.SessionDescription) -> None:
        """With what the others send; what this one sends is known from then on."""
        sends = [
            {"from": one.info.sid, "mid": one.mids[track.sid], "stream": f"{one.info.sid}|{track.sid}", "id": track.sid}
            for one in self.members
            if one is not member and one.room == member.room
            for track in one.info.tracks
        ]
        found = await self.media.evaluate("(args) => answer(...args)", [member.info.sid, offer.sdp, sends])
        there = {cid: mid for mid, cid in found["sent"].items()}
        member.mids = {track.sid: there[cid] for cid, track in member.wanted.items() if cid in there}
        known = {track.sid: track for track in member.info.tracks}
        del member.info.tracks[:]
        member.info.tracks.extend(known.get(one.sid, one) for one in member.wanted.values() if one.sid in member.mids)
        answer = rtc.SessionDescription(type="answer", sdp=found["sdp"], id=offer.id, mid_to_track_id=found["mids"])
        await member.say(answer=answer)

    async def _tell_of(self, member: Member, *, sends_more: bool = False) -> None:
        """All hear of it, and the others make room for what is sent anew."""
        for one in self.members:
            if one.room != member.room:
                continue
            await one.say(update=rtc.ParticipantUpdate(participants=[member.info]))
            if one is not member and sends_more:
                await one.say(media_sections_requirement=rtc.MediaSectionsRequirement(num_audios=1, num_videos=1))

    async def _gone(self, member: Member) -> None:
        self.members.remove(member)
        await self.media.evaluate("(id) => forget(id)", member.info.sid)
        member.info.state = models.ParticipantInfo.State.DISCONNECTED
        await self._tell_of(member)

    async def _put_out(self, member: Member, reason: Any) -> None:
        """As the fake has done already."""
        action = rtc.LeaveRequest.Action.DISCONNECT
        await member.say(leave=rtc.LeaveRequest(reason=reason, action=action))
        await self._gone(member)

    async def _hand_on(self, request: web.Request) -> web.Response:
        """To the fake; who is put out there is put out here."""
        body = await request.read()
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type")}
        async with self._http.post(f"{self.fake.url}{request.path}", data=body, headers=headers) as answer:
            told = web.Response(body=await answer.read(), status=answer.status, content_type=answer.content_type)
        if request.path.endswith("/RemoveParticipant"):
            who = RoomParticipantIdentity.FromString(body)
            for one in [one for one in self.members if one.room == who.room and one.info.identity == who.identity]:
                await self._put_out(one, models.DisconnectReason.PARTICIPANT_REMOVED)
        if request.path.endswith("/DeleteRoom"):
            room = RoomParticipantIdentity.FromString(body).room
            for one in [one for one in self.members if one.room == room]:
                await self._put_out(one, models.DisconnectReason.ROOM_DELETED)
        return told


def _claims_in(token: str) -> dict[str, Any] | None:
    pairs = dict(zip(LIVEKIT_KEYS, LIVEKIT_SECRETS, strict=True))
    try:
        issuer = jwt.decode(token, options={"verify_signature": False})["iss"]
        found: dict[str, Any] = jwt.decode(token, pairs[issuer], algorithms=["HS256"], options={"require": ["exp", "sub"]})
    except (jwt.InvalidTokenError, KeyError):
        return None
    return found if found["video"].get("roomJoin") else None


def _join_request_in(text: str) -> rtc.JoinRequest:
    wrapped = rtc.WrappedJoinRequest.FromString(base64.urlsafe_b64decode(text))
    is_zipped = wrapped.compression == rtc.WrappedJoinRequest.Compression.GZIP
    return rtc.JoinRequest.FromString(gzip.decompress(wrapped.join_request) if is_zipped else wrapped.join_request)


@asynccontextmanager
async def running_livekit(fake: FakeServer, browser: Browser) -> AsyncIterator[LiveKitServer]:
    """On a free port, in the test's own loop; its media side is a page of this browser."""
    async with opened_media(browser) as media:
        server = LiveKitServer(fake, media)
        await media.expose_function("said", server.said)
        runner = web.AppRunner(server.app())
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield server
        finally:
            await server.close()
            await runner.cleanup()
