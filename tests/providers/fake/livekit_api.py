"""The part of LiveKit's API that is asked: Twirp with protobuf, and the webhooks in protobuf's JSON."""

import base64
import calendar
import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

import jwt
from google.protobuf.json_format import MessageToDict, MessageToJson
from google.protobuf.message import Message
from livekit.protocol import egress as egress_pb
from livekit.protocol import models as models_pb
from livekit.protocol import room as room_pb
from livekit.protocol.webhook import WebhookEvent
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.providers.fake.credentials import LIVEKIT_KEYS, LIVEKIT_SECRETS
from tests.providers.fake.troubles import Bad, Troubles
from tests.providers.fake.webhooks import Post, Webhook
from tests.providers.fake.world import Call, Happening, NotThereError, Sitting, Stay, Tape, World, now

EVENTS: dict[Happening, str] = {
    "sitting_started": "room_started",
    "sitting_ended": "room_finished",
    "joined": "participant_joined",
    "left": "participant_left",
    "recording_started": "egress_started",
    "recording_stopped": "egress_updated",
    "recording_ready": "egress_ended",
    "recording_failed": "egress_ended",
}
CODES = {400: "invalid_argument", 401: "unauthenticated", 403: "permission_denied", 404: "not_found", 429: "resource_exhausted"}
TOKEN_SECONDS = 300
STATUSES = {
    "running": egress_pb.EgressStatus.EGRESS_ACTIVE,
    "stopped": egress_pb.EgressStatus.EGRESS_ENDING,
    "ready": egress_pb.EgressStatus.EGRESS_COMPLETE,
    "failed": egress_pb.EgressStatus.EGRESS_FAILED,
}


class LiveKitApi:
    """LiveKit's server."""

    def __init__(self, post: Post, troubles: Troubles) -> None:
        self.world = World(self._tell, prefixes=("RM_", "PA_", "EG_"))
        self.pairs = dict(zip(LIVEKIT_KEYS, LIVEKIT_SECRETS, strict=True))
        self.signs_with = LIVEKIT_KEYS[0]
        self._post = post
        self._troubles = troubles

    def routes(self) -> list[Route]:
        """Where it is asked."""
        room, egress = "RoomService", "Egress"
        return [
            self._route(room, "CreateRoom", room_pb.CreateRoomRequest, "roomCreate", self._create),
            self._route(room, "DeleteRoom", room_pb.DeleteRoomRequest, "roomCreate", self._delete),
            self._route(room, "ListRooms", room_pb.ListRoomsRequest, "roomList", self._list),
            self._route(room, "ListParticipants", room_pb.ListParticipantsRequest, "roomAdmin", self._participants),
            self._route(room, "RemoveParticipant", room_pb.RoomParticipantIdentity, "roomAdmin", self._remove),
            self._route(room, "UpdateRoomMetadata", room_pb.UpdateRoomMetadataRequest, "roomAdmin", self._update),
            self._route(egress, "ListEgress", egress_pb.ListEgressRequest, "roomRecord", self._egresses),
        ]

    def _route(self, service: str, method: str, read: type[Message], grant: str, handler: Callable[[Any], Message]) -> Route:
        async def endpoint(request: Request) -> Response:
            bad = await self._troubles.met_by("livekit", method)
            if bad is not None:
                return _badly(bad)
            asked: Any = read.FromString(await request.body())
            status = self._refusal(request, grant, getattr(asked, "room", ""))
            if status is not None:
                return _error(status, "permissions denied")
            try:
                answer = handler(asked)
            except NotThereError as missing:
                return _error(404, str(missing))
            return Response(answer.SerializeToString(), media_type="application/protobuf")

        return Route(f"/twirp/livekit.{service}/{method}", endpoint, methods=["POST"])

    def _refusal(self, request: Request, grant: str, room: str) -> int | None:
        """A token of one of the keys, with the grant, for this room."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            key = jwt.decode(token, options={"verify_signature": False}).get("iss", "")
            claims = jwt.decode(
                token, self.pairs.get(key, ""), algorithms=["HS256"], issuer=key, options={"require": ["exp", "nbf"]}
            )
        except (jwt.InvalidTokenError, jwt.InvalidKeyError):
            return 401
        grants = claims.get("video", {})
        allowed = grants.get(grant) is True and (grant != "roomAdmin" or grants.get("room") == room)
        return None if allowed else 403

    def _open(self, name: str) -> Call:
        found = self.world.calls.get(name)
        if found is None or found.open_sitting is None:
            raise NotThereError("requested room does not exist")
        return found

    def _create(self, asked: room_pb.CreateRoomRequest) -> Message:
        found = self.world.calls.setdefault(asked.name, Call("room", asked.name, records=False))
        if found.open_sitting is None:
            found.asked = MessageToDict(asked)
            found.records = asked.egress.HasField("room")
            found.ended_at = None
            self.world.sit(found)
        return _room(found)

    def join(self, name: str, user: str, *, called: str, kind: str) -> Stay:
        """A room is made by whoever comes first; of an identity that comes again the first connection goes."""
        found = self.world.calls.setdefault(name, Call("room", name, records=False))
        self.world.put_out(found, user)
        return self.world.join(found, user, name=called, kind=kind)

    def _delete(self, asked: room_pb.DeleteRoomRequest) -> Message:
        self.world.end_sitting(self._open(asked.room))
        return room_pb.DeleteRoomResponse()

    def _list(self, asked: room_pb.ListRoomsRequest) -> Message:
        rooms = [found for found in self.world.calls.values() if found.open_sitting]
        return room_pb.ListRoomsResponse(rooms=[_room(found) for found in rooms if not asked.names or found.id in asked.names])

    def _participants(self, asked: room_pb.ListParticipantsRequest) -> Message:
        sitting = self._open(asked.room).open_sitting
        inside = sitting.inside if sitting else []
        return room_pb.ListParticipantsResponse(participants=[_participant(stay) for stay in inside])

    def _remove(self, asked: room_pb.RoomParticipantIdentity) -> Message:
        if not self.world.put_out(self._open(asked.room), asked.identity):
            raise NotThereError("participant does not exist")
        return room_pb.RemoveParticipantResponse()

    def _update(self, asked: room_pb.UpdateRoomMetadataRequest) -> Message:
        found = self._open(asked.room)
        found.asked = found.asked | {"metadata": asked.metadata}
        return _room(found)

    def _egresses(self, asked: egress_pb.ListEgressRequest) -> Message:
        found = self.world.calls.get(asked.room_name)
        return egress_pb.ListEgressResponse(items=[_egress(found, tape) for tape in found.tapes] if found else [])

    def _tell(self, happening: Happening, found: Call, about: Any) -> None:
        if happening not in EVENTS:
            return
        event = WebhookEvent(event=EVENTS[happening], id=f"EV_{secrets.token_hex(6)}", created_at=_seconds(now()))
        match about:
            case Sitting():
                event.room.CopyFrom(_room(found))
            case Stay():
                event.room.CopyFrom(_room(found))
                event.participant.CopyFrom(_participant(about))
            case Tape():
                event.egress_info.CopyFrom(_egress(found, about))
        body = MessageToJson(event, indent=None).encode()
        self._post.send(Webhook("livekit", event.id, event.event, body, lambda _attempt: self.headers_for(body)))

    def headers_for(self, body: bytes) -> dict[str, str]:
        """A webhook's headers: the body's hash is in the token."""
        moment = _seconds(now())
        claims = {
            "iss": self.signs_with,
            "nbf": moment,
            "exp": moment + TOKEN_SECONDS,
            "sha256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
        }
        token = jwt.encode(claims, self.pairs[self.signs_with], algorithm="HS256")
        return {"content-type": "application/webhook+json", "authorization": token}


def _room(found: Call) -> models_pb.Room:
    sitting = found.sitting
    assert sitting is not None
    return models_pb.Room(
        sid=sitting.id,
        name=found.id,
        empty_timeout=int(found.asked.get("emptyTimeout", 300)),
        departure_timeout=int(found.asked.get("departureTimeout", 20)),
        creation_time=_seconds(sitting.started_at),
        creation_time_ms=_milliseconds(sitting.started_at),
        metadata=found.asked.get("metadata", ""),
        num_participants=len(sitting.inside),
        active_recording=any(tape.state == "running" for tape in found.tapes),
    )


def _participant(stay: Stay) -> models_pb.ParticipantInfo:
    states = models_pb.ParticipantInfo.State
    return models_pb.ParticipantInfo(
        sid=stay.id,
        identity=stay.user,
        name=stay.name,
        metadata=f'{{"picture": "https://pictures.example/{stay.id}.jpg"}}',
        state=states.ACTIVE if stay.left_at is None else states.DISCONNECTED,
        joined_at=_seconds(stay.joined_at),
        joined_at_ms=_milliseconds(stay.joined_at),
        kind=stay.kind,
    )


def _egress(found: Call, tape: Tape) -> egress_pb.EgressInfo:
    has_file = tape.state == "ready"
    location = f"https://recordings.example/greenroom/{found.id}-{tape.id}.mp4"
    file = egress_pb.FileInfo(filename=f"greenroom/{found.id}.mp4", location=location, size=1_000_000)
    return egress_pb.EgressInfo(
        egress_id=tape.id,
        room_id=tape.sitting.id,
        room_name=found.id,
        status=STATUSES[tape.state],
        started_at=_nanoseconds(tape.started_at),
        ended_at=_nanoseconds(tape.ended_at) if tape.ended_at else 0,
        file_results=[file] if has_file else [],
        error="it failed, as ordered" if tape.state == "failed" else "",
    )


def _seconds(moment: datetime) -> int:
    return calendar.timegm(moment.utctimetuple())


def _milliseconds(moment: datetime) -> int:
    return _seconds(moment) * 1000 + moment.microsecond // 1000


def _nanoseconds(moment: datetime) -> int:
    return _seconds(moment) * 10**9 + moment.microsecond * 1000


def _badly(bad: Bad) -> Response:
    if bad.status < 400:
        return Response(b"\xff\xff it works", media_type="text/html")
    answer = _error(bad.status, "it fails for Hedda Host, as ordered")
    if bad.retry_after is not None:
        answer.headers["Retry-After"] = bad.retry_after
    return answer


def _error(status: int, message: str) -> Response:
    return JSONResponse({"code": CODES.get(status, "internal"), "msg": message}, status)
