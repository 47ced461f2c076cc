"""A small GetStream: what its web SDK needs to come in, to be seen and heard, to be put out. Its API for servers is the fake's.

A browser asks the coordinator (JSON, and a WebSocket for events), which names a server of media (protobuf, over a WebSocket
and by Twirp in JSON). Picture and sound go through a page in the same browser, as for LiveKit.
"""

import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import jwt
from aiohttp import WSMsgType, web
from google.protobuf.json_format import ParseDict
from playwright.async_api import Browser, Page

from tests.providers.fake.credentials import GETSTREAM_KEY, GETSTREAM_SECRETS
from tests.providers.fake.pb import events, models, signal
from tests.providers.fake_provider import FakeServer
from tests.web.browser.media_side import opened_media

NAMES = {1: "TRACK_TYPE_AUDIO", 2: "TRACK_TYPE_VIDEO", 3: "TRACK_TYPE_SCREEN_SHARE"}
AUDIO, VIDEO, SCREEN = 1, 2, 3
SENDERS = ["send-audio", "send-video", "screenshare", "join-call", "send-event"]
READ = {name: getattr(signal, f"{name}Request") for name in ("SetPublisher", "SendAnswer", "UpdateMuteStates")}
NANOSECONDS = 10**17

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Member:
    """Somebody in a call, by one connection to the server of media."""

    def __init__(self, told: web.WebSocketResponse, call: str, user: str, session: str, *, hosts: bool) -> None:
        self.socket = told
        self.call = call
        self.info = models.Participant(
            user_id=user, session_id=session, track_lookup_prefix=f"L{session}", roles=["host" if hosts else "user"]
        )
        self.mids: dict[int, str] = {}  # type of track -> where it is sent
        self.connection = ""

    async def say(self, **event: Any) -> None:
        """Tell this one."""
        if not self.socket.closed:
            await self.socket.send_bytes(events.SfuEvent(**event).SerializeToString())


class GetStreamServer:
    """Calls for browsers; what the service asks is handed to the fake."""

    def __init__(self, fake: FakeServer, media: Page) -> None:
        self.fake = fake
        self.media = media
        self.refuses = False
        self.members: list[Member] = []
        self.listening: list[web.WebSocketResponse] = []
        self.url = ""
        self.asked: list[str] = []
        self.connections = 0  # to the server of media, until now
        self._http = aiohttp.ClientSession()

    def app(self) -> web.Application:
        """Where it is asked."""
        app = web.Application(middlewares=[_open_to_all])
        app.router.add_route("HEAD", "/", self._nothing)
        app.router.add_get("/video/connect", self._connect)
        app.router.add_post("/video/call/{type}/{id}/join", self._join)
        app.router.add_post("/video/call/{type}/{id}/event", self._event)
        app.router.add_route("*", "/video/{rest:.+}", self._nothing)
        app.router.add_get("/sfu", self._sfu)
        app.router.add_post("/twirp/stream.video.sfu.signal.SignalServer/{method}", self._rpc)
        app.router.add_route("*", "/api/v2/{rest:.+}", self._hand_on)
        return app

    async def close(self) -> None:
        """Nobody is heard any more."""
        await self._http.close()

    def cut(self) -> None:
        """The connections of all to the server of media are gone, without a word."""
        for one in self.members:
            line = one.socket.get_extra_info("socket")
            if line is not None and line.fileno() >= 0:
                line.shutdown(socket.SHUT_RDWR)

    async def _nothing(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response({})

    # --- the coordinator

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        there = web.WebSocketResponse()
        await there.prepare(request)
        said = json.loads((await there.receive()).data)
        claims = _claims_in(said["token"])
        if claims is None or self.refuses:
            error = {"code": 5, "message": "signature is not valid", "StatusCode": 401, "duration": "", "more_info": ""}
            await there.send_json({"type": "connection.error", "error": error})
            await there.close()
            return there
        user = _user(claims["user_id"])
        await there.send_json({"type": "connection.ok", "connection_id": f"c{len(self.listening)}", "me": user})
        self.listening.append(there)
        async for _ in there:
            await there.send_json({"type": "health.check"})
        self.listening.remove(there)
        return there

    async def _join(self, request: web.Request) -> web.StreamResponse:
        claims = _claims_in(request.headers.get("authorization", ""))
        if claims is None or self.refuses:
            return web.json_response({"code": 5, "message": "signature is not valid", "StatusCode": 401}, status=401)
        call = request.match_info["id"]
        self.asked.append(claims["user_id"])
        described = await self._described(request.match_info["type"], call)
        server = {"url": f"{self.url}/twirp", "ws_endpoint": f"{self.url.replace('http', 'ws', 1)}/sfu", "edge_name": "here"}
        token = jwt.encode(
            {"call": call, "user": claims["user_id"], "hosts": claims.get("role") == "host"},
            "the server's own key, which nobody else has",
        )
        more = {"credentials": {"server": server, "token": token, "ice_servers": []}, "own_capabilities": SENDERS}
        stats = {"stats_options": {"reporting_interval_ms": 60_000, "enable_rtc_stats": False}}
        return web.json_response({**described, **more, **stats, "created": False, "duration": "1ms"})

    async def _described(self, kind: str, call: str) -> dict[str, Any]:
        token = jwt.encode({"server": True}, GETSTREAM_SECRETS[0])
        url = f"{self.fake.url}/api/v2/video/call/{kind}/{call}?api_key={GETSTREAM_KEY}"
        async with self._http.get(url, headers={"authorization": token, "stream-auth-type": "jwt"}) as answer:
            assert answer.status == web.HTTPOk.status_code, await answer.text()
            told: dict[str, Any] = _in_text(await answer.json())
        return told

    async def _event(self, request: web.Request) -> web.StreamResponse:
        claims = _claims_in(request.headers.get("authorization", "")) or {}
        cid = f"{request.match_info['type']}:{request.match_info['id']}"
        custom = (await request.json())["custom"]
        told = {"type": "custom", "call_cid": cid, "user": _user(claims["user_id"]), "custom": custom, "created_at": _now()}
        for one in self.listening:
            await one.send_json(told)
        return web.json_response({"duration": "1ms"})

    # --- the server of media

    async def _sfu(self, request: web.Request) -> web.StreamResponse:
        there = web.WebSocketResponse()
        await there.prepare(request)
        asked = events.SfuRequest.FromString((await there.receive()).data).join_request
        claims = jwt.decode(asked.token, options={"verify_signature": False})
        self.connections += 1
        member = next((one for one in self.members if one.info.session_id == asked.session_id), None)
        is_back = member is not None
        if member is None:
            member = Member(there, claims["call"], claims["user"], asked.session_id, hosts=claims["hosts"])
            self.members.append(member)
            member.connection = self.fake.getstream.join(member.call, claims["user"])
        member.socket = there
        await self._welcome(member, is_back=is_back)
        try:
            await self._listen(member)
        finally:
            is_cut = there.close_code != aiohttp.WSCloseCode.OK  # who is cut off is remembered, and comes back
            if member in self.members and not is_cut:
                self.fake.getstream.leave(member.connection)
                await self._gone(member)
        return there

    async def _welcome(self, member: Member, *, is_back: bool) -> None:
        others = self._others(member)
        state = models.CallState(participants=[one.info for one in [*others, member]])
        options = [_option(AUDIO, "opus"), _option(VIDEO, "vp8"), _option(SCREEN, "vp8")]
        welcome = events.JoinResponse(
            call_state=state, publish_options=options, reconnected=is_back, fast_reconnect_deadline_seconds=60
        )
        await member.say(join_response=welcome)
        if is_back:
            return
        for one in others:
            await one.say(participant_joined=events.ParticipantJoined(call_cid=member.call, participant=member.info))
        await self._offer(member)

    async def _listen(self, member: Member) -> None:
        async for message in member.socket:
            if message.type is WSMsgType.BINARY:
                said = events.SfuRequest.FromString(message.data)
                if said.WhichOneof("request_payload") == "health_check_request":
                    await member.say(health_check_response=events.HealthCheckResponse())

    def _others(self, member: Member) -> list[Member]:
        return [one for one in self.members if one.call == member.call and one is not member]

    async def _offer(self, member: Member) -> None:
        sends = [
            {
                "from": one.info.session_id,
                "mid": mid,
                "stream": f"{one.info.track_lookup_prefix}:{NAMES[kind]}",
                "id": f"{one.info.session_id}-{kind}",
            }
            for one in self._others(member)
            for kind, mid in one.mids.items()
        ]
        offer = await self.media.evaluate("(args) => offer(...args)", [f"to {member.info.session_id}", sends])
        if offer is not None:
            await member.say(subscriber_offer=events.SubscriberOffer(sdp=offer))

    async def _rpc(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        asked = READ.get(method)
        if asked is None:  # which nothing here depends on: measurements, ways that were found later
            return web.json_response({})
        said = ParseDict(await request.json(), asked(), ignore_unknown_fields=True)
        member = next((one for one in self.members if one.info.session_id == said.session_id), None)
        answer: dict[str, Any] = {}
        if member is not None and method == "SetPublisher":
            answer = await self._published(member, said)
        elif member is not None and method == "SendAnswer":
            await self.media.evaluate("(args) => answered(...args)", [f"to {said.session_id}", said.sdp])
        elif member is not None and method == "UpdateMuteStates":
            for one in said.mute_states:
                await self._switched(member, one.track_type, on=not one.muted)
        return web.json_response(answer)

    async def _published(self, member: Member, said: Any) -> dict[str, Any]:
        found = await self.media.evaluate("(args) => answer(...args)", [member.info.session_id, said.sdp, []])
        member.mids = {one.track_type: one.mid for one in said.tracks}
        for kind in member.mids:
            await self._switched(member, kind, on=True)
        for one in self._others(member):
            await self._offer(one)
        return {"sdp": found["sdp"], "session_id": said.session_id}

    async def _switched(self, member: Member, kind: int, *, on: bool) -> None:
        tracks = set(member.info.published_tracks)
        if (kind in tracks) is on or kind not in NAMES:
            return
        del member.info.published_tracks[:]
        member.info.published_tracks.extend(sorted(tracks | {kind} if on else tracks - {kind}))
        told = {"user_id": member.info.user_id, "session_id": member.info.session_id, "type": kind, "participant": member.info}
        for one in self._others(member):
            if on:
                await one.say(track_published=events.TrackPublished(**told))
            else:
                await one.say(track_unpublished=events.TrackUnpublished(**told))

    async def _gone(self, member: Member) -> None:
        self.members.remove(member)
        for name in (member.info.session_id, f"to {member.info.session_id}"):
            await self.media.evaluate("(id) => forget(id)", name)
        for one in self._others(member):
            await one.say(participant_left=events.ParticipantLeft(call_cid=member.call, participant=member.info))

    # --- what the service asks

    async def _hand_on(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name: request.headers[name] for name in ("authorization", "stream-auth-type") if name in request.headers}
        url = f"{self.fake.url}{request.rel_url}"
        async with self._http.request(request.method, url, data=body or None, headers=headers) as answer:
            told = web.Response(body=await answer.read(), status=answer.status, content_type=answer.content_type)
        _, _, act = request.path.rpartition("/")
        if act in {"kick", "mark_ended"} and answer.status < web.HTTPBadRequest.status_code:
            who = json.loads(body)["user_id"] if act == "kick" else None
            reason = models.CallEndedReason.Value(f"CALL_ENDED_REASON_{'KICKED' if who else 'ENDED'}")
            call = request.path.split("/")[-2]
            for one in [one for one in self.members if one.call == call and who in {None, one.info.user_id}]:
                await one.say(call_ended=events.CallEnded(reason=reason))
                await self._gone(one)
        return told


@web.middleware
async def _open_to_all(request: web.Request, handler: Handler) -> web.StreamResponse:
    answer = web.Response() if request.method == "OPTIONS" else await handler(request)
    if not answer.prepared:
        answer.headers["Access-Control-Allow-Origin"] = "*"
        answer.headers["Access-Control-Allow-Methods"] = "GET, HEAD, POST, PATCH, DELETE"
        answer.headers["Access-Control-Allow-Headers"] = request.headers.get("Access-Control-Request-Headers", "*")
    return answer


def _option(kind: int, codec: str) -> Any:
    size = models.VideoDimension(width=640, height=360)
    made = models.Codec(name=codec)
    return models.PublishOption(
        id=kind,
        track_type=kind,
        codec=made,
        bitrate=500_000,
        fps=15,
        max_spatial_layers=1,
        max_temporal_layers=1,
        video_dimension=size,
    )


def _claims_in(token: str) -> dict[str, Any] | None:
    for secret in GETSTREAM_SECRETS:
        try:
            found: dict[str, Any] = jwt.decode(token, secret, algorithms=["HS256"], options={"require": ["exp", "user_id"]})
        except jwt.InvalidTokenError:
            continue
        return found
    return None


def _user(name: str) -> dict[str, Any]:
    return {"id": name, "role": "user", "created_at": _now(), "updated_at": _now(), "custom": {}, "teams": [], "devices": []}


def _now() -> str:
    return _as_text(time.time_ns())


def _as_text(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest // 10**6:03}Z"


def _in_text(told: Any) -> Any:
    """For browsers, times are texts; for servers they are nanoseconds."""
    match told:
        case dict():
            return {name: _in_text(value) for name, value in told.items()}
        case list():
            return [_in_text(value) for value in told]
        case int() if told > NANOSECONDS:
            return _as_text(told)
    return told


@asynccontextmanager
async def running_getstream(fake: FakeServer, browser: Browser) -> AsyncIterator[GetStreamServer]:
    """On a free port, in the test's own loop; its media side is a page of this browser."""
    async with opened_media(browser) as media:
        server = GetStreamServer(fake, media)
        runner = web.AppRunner(server.app())
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield server
        finally:
            await server.close()
            await runner.cleanup()
