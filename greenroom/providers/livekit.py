"""Video by LiveKit, through its package: its cloud, or a server of one's own.

A call is a room of the same name. LiveKit forgets a room in which nobody is, so that one that is not there is no failure.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TypeVar

import aiohttp
import msgspec
from livekit.api import AccessToken, LiveKitAPI, TokenVerifier, TwirpError, VideoGrants, WebhookReceiver
from livekit.protocol.egress import EncodedFileOutput, ListEgressRequest, RoomCompositeEgressRequest
from livekit.protocol.room import (
    CreateRoomRequest,
    DeleteRoomRequest,
    ListParticipantsRequest,
    ListRoomsRequest,
    RoomEgress,
    RoomParticipantIdentity,
    UpdateRoomMetadataRequest,
)
from livekit.protocol.webhook import WebhookEvent

from greenroom.kit.ids import UserId
from greenroom.providers.instants import of_seconds
from greenroom.providers.livekit_events import call_of, connections_of, facts_of, recording_of
from greenroom.providers.protocol import (
    BadWebhookError,
    CallPlan,
    CallRole,
    CallState,
    Facts,
    ProviderEvent,
    Recording,
    Span,
    UnusableIdError,
)
from greenroom.providers.resilience import AskFailed, Guarded, Trouble, trouble_of

NAME = "livekit"
ROLE = "greenroom.role"  # an attribute that others see, and that nobody may change without a grant that is not given here
EMPTY = timedelta(hours=1)  # for the first to come, after the time of the call: a room that is made anew records nothing
DEPARTURE_SECONDS = 60  # for the last to come back: a page that is loaded anew begins no other sitting
IDENTITY_OCTETS = 256  # the server's own limit
ID_CHARACTERS = 200

Answer = TypeVar("Answer")

_encode = msgspec.json.Encoder().encode


class LiveKit:
    """The VideoProvider. Keys and secrets are pairs: the first signs, and every one of them verifies webhooks."""

    name = NAME
    call_type = "room"

    def __init__(self, *, url: str, api_keys: Sequence[str], api_secrets: Sequence[str], seconds: float) -> None:
        self._url = url
        self._pairs = tuple(zip(api_keys, api_secrets, strict=True))
        self._guarded = Guarded(NAME, seconds=seconds, read=_trouble_in)
        self._opened: LiveKitAPI | None = None

    async def ensure_call(self, plan: CallPlan) -> None:
        """Make the call; where it exists already nothing happens."""
        if plan.records and await self._is_there(plan.id):
            return  # older servers begin another recording each time a room is asked for
        create = CreateRoomRequest(
            name=plan.id,
            empty_timeout=_empty_seconds(plan),
            departure_timeout=DEPARTURE_SECONDS,
            metadata=_metadata_of(plan),
            egress=_recording_of(plan.id) if plan.records else None,
        )
        await self._ask("ensure_call", lambda: self._api.room.create_room(create))

    async def update_call(self, plan: CallPlan) -> None:
        """Tell the title and the time; where the room is not there nothing happens."""
        update = UpdateRoomMetadataRequest(room=plan.id, metadata=_metadata_of(plan))
        await self._ask_if_there("update_call", lambda: self._api.room.update_room_metadata(update))

    async def end_call(self, call: str) -> None:
        """Send everybody out and close the room; where it is not there nothing happens."""
        await self._ask_if_there("end_call", lambda: self._api.room.delete_room(DeleteRoomRequest(room=call)))

    async def state_of(self, call: str) -> CallState | None:
        """The call as it is now; None where there is no room."""
        rooms = await self._ask("state_of", lambda: self._api.room.list_rooms(ListRoomsRequest(names=[call])))
        if not rooms.rooms:
            return None
        room = rooms.rooms[0]
        asked = ListParticipantsRequest(room=call)
        told = await self._ask_if_there("state_of", lambda: self._api.room.list_participants(asked))
        if told is None:  # it went meanwhile
            return None
        inside = connections_of(list(told.participants), room)
        facts = Facts(spans=[Span(id=room.sid)], connections=inside)
        return CallState(is_live=bool(inside), span=room.sid, ended_at=None, facts=facts, inside=[one.id for one in inside])

    async def recordings_of(self, call: str) -> list[Recording]:
        """Every recording of the call that LiveKit remembers."""
        listed = await self._ask("recordings_of", lambda: self._api.egress.list_egress(ListEgressRequest(room_name=call)))
        return [recording_of(egress) for egress in listed.items]

    async def remove(self, call: str, user: UserId) -> None:
        """Put somebody out of the call; an identity is inside once, with its latest device."""
        who = RoomParticipantIdentity(room=call, identity=user)
        await self._ask_if_there("remove", lambda: self._api.room.remove_participant(who))

    def token(self, call: str, user: UserId, role: CallRole, *, lifetime: timedelta) -> str:
        """A token for this call, this user and this role, signed here. Raises UnusableIdError."""
        if not 0 < len(user.encode(errors="surrogatepass")) <= IDENTITY_OCTETS:
            raise UnusableIdError(f"LiveKit holds identities of 1 to {IDENTITY_OCTETS} octets.")
        grants = VideoGrants(
            room_join=True,
            room=call,
            room_admin=True if role == "host" else None,
            can_publish=role != "viewer",
            can_subscribe=True,
            can_publish_data=True,
        )
        made = AccessToken(*self._pairs[0]).with_identity(user).with_grants(grants).with_ttl(lifetime)
        return made.with_attributes({ROLE: role}).to_jwt()

    def event_in(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        """The webhook's event. Raises BadWebhookError."""
        event = self._verified(body, headers.get("authorization", "").removeprefix("Bearer "))
        if not event.event:
            raise BadWebhookError("The webhook is no event with a type.")
        occurred_at = of_seconds(event.created_at) or datetime.now(UTC)
        return ProviderEvent(
            id=event.id if 0 < len(event.id) <= ID_CHARACTERS else hashlib.sha256(body).hexdigest(),
            type=event.event,
            call=call_of(event),
            occurred_at=occurred_at,
            facts=facts_of(event, occurred_at),
        )

    async def close(self) -> None:
        """Let go of connections."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.aclose()

    @property
    def _api(self) -> LiveKitAPI:
        """Opened when it is first needed, for its session belongs to the loop that runs then."""
        if self._opened is None:
            key, secret = self._pairs[0]
            timeout = aiohttp.ClientTimeout(total=self._guarded.seconds * 2)  # `Guarded` is first
            self._opened = LiveKitAPI(self._url, key, secret, timeout=timeout, failover=False)
        return self._opened

    async def _is_there(self, call: str) -> bool:
        rooms = await self._ask("ensure_call", lambda: self._api.room.list_rooms(ListRoomsRequest(names=[call])))
        return bool(rooms.rooms)

    async def _ask(self, operation: str, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """Every question may be repeated: it asks for a state, not for a step."""
        return await self._guarded.ask(operation, call, repeatable=True)

    async def _ask_if_there(self, operation: str, call: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """What is answered, and None for something that is not there."""
        try:
            return await self._ask(operation, call)
        except AskFailed as failed:
            if failed.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def _verified(self, body: bytes, token: str) -> WebhookEvent:
        for pair in self._pairs:
            try:
                return WebhookReceiver(TokenVerifier(*pair)).receive(body.decode(), token)
            except Exception:  # noqa: BLE001, S112  # the package raises plain Exceptions; whatever it is, it is no proof
                continue
        raise BadWebhookError("The webhook is not LiveKit's: not signed with its keys, not for this body, or no event.")


def _recording_of(call: str) -> RoomEgress:
    file = EncodedFileOutput(filepath=f"greenroom/{call}-{{time}}")  # LiveKit puts the time in, and the suffix behind
    return RoomEgress(room=RoomCompositeEgressRequest(room_name=call, file_outputs=[file]))


def _empty_seconds(plan: CallPlan) -> int:
    """For how long the room waits for the first one: until an hour after the call's time, within a day."""
    now = datetime.now(UTC)
    left = max((plan.starts_at or now) - now, timedelta()) + EMPTY
    return int(min(left, timedelta(days=1)).total_seconds())


def _metadata_of(plan: CallPlan) -> str:
    return _encode({"title": plan.title, "starts_at": plan.starts_at}).decode()


def _trouble_in(error: Exception) -> Trouble:
    if isinstance(error, TwirpError):
        return trouble_of(error.status, code=error.code)
    if isinstance(error, asyncio.TimeoutError):
        return Trouble(outcome="timeout", detail="no answer in time")
    if isinstance(error, aiohttp.ClientError | OSError):
        return Trouble(outcome="unreachable", detail=f"not reached: {type(error).__name__}")
    return Trouble(outcome="nonsense", detail=f"an answer that its package cannot read: {type(error).__name__}")
