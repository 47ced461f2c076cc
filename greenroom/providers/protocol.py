"""What Greenroom asks of a provider of video or chat, and what a provider tells of a call.

Calls are named by us, before the provider knows of them. What a provider tells is put as facts that can be merged in any order
and any number of times (docs/decisions/0025): nothing in them depends on what was told before.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, Protocol

from msgspec import Struct

from greenroom.kit.ids import UserId

CallRole = Literal["host", "speaker", "viewer"]  # a viewer sees and hears, and is neither seen nor heard
RecordingState = Literal["processing", "failed", "ready"]


class ProviderError(Exception):
    """The provider failed, refused, or did not answer in time. One line, without secrets and without a person's data.

    What it refused it will refuse again, however often it is asked.
    """

    def __init__(self, reason: str, *, retry_after_seconds: float | None = None, is_refusal: bool = False) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds
        self.is_refusal = is_refusal


class BadWebhookError(Exception):
    """The webhook is not the provider's: not signed by it, or signed for another body."""


class UnusableIdError(Exception):
    """The provider cannot hold a user's id of this length."""


class CallPlan(Struct, frozen=True, kw_only=True):
    """A call as it should be. `id` is ours, and the provider's name for the call."""

    id: str
    title: str
    starts_at: datetime | None
    host: UserId
    records: bool


class Span(Struct, frozen=True, kw_only=True):
    """One sitting of a call, from the first who came until the last who left: a call may have several."""

    id: str
    started_at: datetime | None = None
    ended_at: datetime | None = None


class Connection(Struct, frozen=True, kw_only=True):
    """One person's stay, by one device: who comes back has another. `id` is the provider's, unique within the call."""

    id: str
    user: str
    span: str | None = None
    joined_at: datetime | None = None
    left_at: datetime | None = None


class Recording(Struct, frozen=True, kw_only=True):
    """A recording. Where one of a span is ready, those of the same span that are not are the same one under another id."""

    id: str
    state: RecordingState
    span: str | None = None
    url: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


class Facts(Struct, frozen=True, kw_only=True):
    """What is known for certain of a call."""

    spans: list[Span] = []
    connections: list[Connection] = []
    recordings: list[Recording] = []


class ProviderEvent(Struct, frozen=True, kw_only=True):
    """A webhook, verified and read. `call` is None for an event that concerns none; `id` is the same when it is sent again."""

    id: str
    type: str
    call: str | None
    occurred_at: datetime
    facts: Facts


class CallState(Struct, frozen=True, kw_only=True):
    """A call as the provider sees it now. `inside` are the connections that are open; every other one has ended."""

    is_live: bool
    span: str | None
    ended_at: datetime | None
    facts: Facts
    inside: list[str]


class VideoProvider(Protocol):
    """Who carries picture and sound. Every method that asks the provider raises ProviderError, within a bounded time."""

    @property
    def name(self) -> str:
        """As the settings call it."""

    @property
    def call_type(self) -> str:
        """The provider's type of the calls that are made."""

    async def ensure_call(self, plan: CallPlan) -> None:
        """Make the call; where it exists already nothing happens."""

    async def update_call(self, plan: CallPlan) -> None:
        """Tell the title and the time."""

    async def end_call(self, call: str) -> None:
        """Send everybody out and close the call; where it is over, or not there, nothing happens."""

    async def state_of(self, call: str) -> CallState | None:
        """The call as it is now; None where the provider knows of none."""

    async def recordings_of(self, call: str) -> list[Recording]:
        """Every recording of the call."""

    async def remove(self, call: str, user: UserId) -> None:
        """Put somebody out of the call, with each device; where they are not inside nothing happens."""

    def token(self, call: str, user: UserId, role: CallRole, *, lifetime: timedelta) -> str:
        """A token for this call, this user and this role, signed here. Raises UnusableIdError."""

    def event_in(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        """The webhook's event; `headers` by their names in lower case. Raises BadWebhookError.

        `body` is what was signed, decompressed.
        """

    async def close(self) -> None:
        """Let go of connections."""


class ChatProvider(Protocol):
    """Who carries chat. Methods that ask the provider raise ProviderError, within a bounded time."""

    @property
    def name(self) -> str:
        """As the settings call it."""

    @property
    def api_key(self) -> str:
        """What a browser names beside its token; no secret."""

    @property
    def channel_type(self) -> str:
        """The provider's type of the channels that are made."""

    async def ensure_channel(self, channel: str, *, title: str, host: UserId) -> None:
        """Make the channel; where it exists already nothing happens."""

    def chat_user(self, user: UserId) -> str:
        """The user's id as the provider has it. Raises UnusableIdError."""

    def chat_token(self, channel: str, user: UserId, *, lifetime: timedelta) -> str:
        """A token for this channel and this user, signed here. Raises UnusableIdError."""

    async def close(self) -> None:
        """Let go of connections."""
