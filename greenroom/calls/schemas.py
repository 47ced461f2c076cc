"""The wire of calls. Source: contract, /v1/sessions/{id}/join, /chat-token, /v1/live/calls."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from greenroom.kit.wire import Instant, Lifetime
from greenroom.sessions.schemas import Metadata, Name, Title, WireTime

CallStatus = Literal["scheduled", "live", "ended", "errored"]
Id = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
Seconds = Annotated[int, Meta(gt=0, extra_json_schema={"exclusiveMinimum": 0})]
TimeOrNull = Annotated[
    Instant, Meta(description="an RFC 3339 date and time with an offset, in the years 1 to 9999 of UTC, or null")
]


class JoinRequest(Struct, frozen=True, kw_only=True):
    """Who joins."""

    user_id: Name


class JoinToken(Struct, frozen=True, kw_only=True):
    """The way into the call: the provider's token for it, good for minutes."""

    token: str
    call_id: str


class ChatToken(Struct, frozen=True, kw_only=True):
    """What a client of the chat needs to connect."""

    api_key: str
    token: str
    user_id: str
    channel_id: str
    channel_type: str
    expires_in: Seconds


class CallCreate(Struct, frozen=True, kw_only=True):
    """A call to make."""

    host_user_id: Name
    title: Title
    scheduled_at: TimeOrNull | UnsetType | None = UNSET
    metadata: Metadata | UnsetType = UNSET


class Call(Struct, frozen=True, kw_only=True):
    """A call as it is kept."""

    id: Id
    host_user_id: str
    title: str
    scheduled_at: WireTime | None
    started_at: WireTime | None
    ended_at: WireTime | None
    stream_call_id: str | None
    stream_call_type: str
    recording_url: str | None
    recording_ready_at: WireTime | None
    status: CallStatus
    created_at: WireTime
    updated_at: WireTime


class LiveStatus(Struct, frozen=True, kw_only=True):
    """The call as the provider sees it now."""

    is_live: bool
    current_session_id: str | None
    ended_at: WireTime | None


class CallWithLive(Call, frozen=True, kw_only=True):
    """A call as it is kept, and as the provider sees it; `live` is null where the provider cannot say."""

    live: LiveStatus | None


class CallTokenRequest(Struct, frozen=True, kw_only=True):
    """For whom, and for how long."""

    user_id: Name
    ttl_seconds: Annotated[Lifetime, Meta(description="an integer from 1 to 86400")] | UnsetType = UNSET


class CallToken(Struct, frozen=True, kw_only=True):
    """The provider's token for one call."""

    token: str
    stream_call_id: str
    stream_call_type: str
    expires_in_seconds: Seconds
