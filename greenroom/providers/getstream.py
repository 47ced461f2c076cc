"""Video and chat by GetStream, through its package.

Its sessions are our spans, and a participant's `user_session_id` is a connection. What its roles allow is said by the call
type at GetStream: where everybody is a `user`, `default` lets everybody be seen and heard, and `livestream` the host alone.
"""

import hashlib
import logging
import time
import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from getstream import AsyncStream
from getstream.exceptions import StreamApiException, StreamTransportException
from getstream.models import CallRequest, CallSettingsRequest, ChannelInput, RecordSettingsRequest, UserRequest
from getstream.stream import BASE_URL
from getstream.webhook import verify_signature

from greenroom.kit.ids import UserId
from greenroom.providers import user_ids
from greenroom.providers.getstream_events import call_of, event_of, facts_of, recording_id
from greenroom.providers.instants import of_wire
from greenroom.providers.protocol import (
    BadWebhookError,
    CallPlan,
    CallRole,
    CallState,
    Connection,
    Facts,
    ProviderError,
    ProviderEvent,
    Recording,
    Span,
)
from greenroom.providers.resilience import AskFailed, Guarded, Trouble, trouble_of
from greenroom.providers.signing import TokenSigner

NAME = "getstream"
CONNECTIONS = 32
IDLE_SECONDS = 15.0
TITLE_CHARACTERS = 1000  # of up to four octets: GetStream takes 5 KB of data that is its customer's own
CLOCK_SECONDS = 5  # a token is dated back by what two clocks may differ
QUALITY = "720p"
WEBHOOK_ID_CHARACTERS = 200
ROLES: dict[CallRole, str] = {"host": "host", "speaker": "user", "viewer": "user"}


class GetStream:
    """Both the VideoProvider and the ChatProvider. The first secret signs, and every one of them verifies webhooks."""

    name = NAME
    channel_type = "livestream"  # whoever has a token may read and write: nobody need be made a member

    def __init__(
        self, *, api_key: str, api_secrets: Sequence[str], base_url: str | None, call_type: str, seconds: float
    ) -> None:
        for name in ("getstream", "httpx", "httpcore"):  # they log addresses, and what went wrong with a request
            logging.getLogger(name).setLevel(logging.CRITICAL if name == NAME else logging.WARNING)
        # Its models miss fields in nearly every answer, and would say so on standard error.
        warnings.filterwarnings("ignore", "Missing value of non-optional type", RuntimeWarning, "dataclasses_json")
        self.api_key = api_key
        self.call_type = call_type
        self._secrets = tuple(api_secrets)
        self._signer = TokenSigner(self._secrets[0])
        self._guarded = Guarded(NAME, seconds=seconds, read=_trouble_in)
        self._stream = AsyncStream(
            api_key=api_key,
            api_secret=self._secrets[0],
            base_url=base_url or BASE_URL,  # not None, and nothing else left out: the package would read STREAM_*
            request_timeout=seconds * 2,  # `Guarded` is first
            connect_timeout=seconds * 2,
            max_conns_per_host=CONNECTIONS,
            idle_timeout=IDLE_SECONDS,
            retry=None,
        )
        _ = self._stream.video, self._stream.chat  # which set up TLS when they are first used, while somebody waits to come in

    async def ensure_call(self, plan: CallPlan) -> None:
        """Make the call; where it exists already nothing happens."""
        recording = (
            RecordSettingsRequest(mode="auto-on", quality=QUALITY) if plan.records else RecordSettingsRequest(mode="disabled")
        )
        call = CallRequest(
            created_by=UserRequest(id=user_ids.encode(plan.host)),  # the user, and not the id alone: it makes the user
            starts_at=plan.starts_at,
            custom={"title": plan.title[:TITLE_CHARACTERS]},
            settings_override=CallSettingsRequest(recording=recording),
        )
        await self._ask("ensure_call", lambda: self._stream.video.get_or_create_call(self.call_type, plan.id, data=call))

    async def update_call(self, plan: CallPlan) -> None:
        """Tell the title and the time; where the call is not there nothing happens."""
        custom: dict[str, object] = {"title": plan.title[:TITLE_CHARACTERS]}
        await self._ask_if_there(
            "update_call",
            lambda: self._stream.video.update_call(self.call_type, plan.id, starts_at=plan.starts_at, custom=custom),
        )

    async def end_call(self, call: str) -> None:
        """Send everybody out and close the call; where it is over, or not there, nothing happens."""
        try:
            await self._ask_if_there("end_call", lambda: self._stream.video.end_call(self.call_type, call))
        except AskFailed as failed:
            if failed.outcome != "refused" or not await self._has_ended(call):
                raise

    async def state_of(self, call: str) -> CallState | None:
        """The call as it is now; None where GetStream knows of none."""
        answer = await self._ask_if_there("state_of", lambda: self._stream.video.get_call(self.call_type, call))
        if answer is None:
            return None
        session = answer.data.call.session
        if session is None:
            return CallState(is_live=False, span=None, ended_at=answer.data.call.ended_at, facts=Facts(), inside=[])
        over_at = session.ended_at or answer.data.call.ended_at
        inside = [] if over_at else await self._inside(call, session)
        is_live = over_at is None and (bool(inside) or session.started_at is not None)
        span = Span(id=session.id, started_at=session.started_at, ended_at=over_at)
        facts = Facts(spans=[span], connections=inside)
        return CallState(is_live=is_live, span=session.id, ended_at=over_at, facts=facts, inside=[one.id for one in inside])

    async def recordings_of(self, call: str) -> list[Recording]:
        """Every recording of the call that has a file; GetStream lists no others."""
        answer = await self._ask_if_there("recordings_of", lambda: self._stream.video.list_recordings(self.call_type, call))
        return [] if answer is None else [_recording(told) for told in answer.data.recordings or []]

    async def remove(self, call: str, user: UserId) -> None:
        """Put somebody out of the call, with each device; nobody is blocked, so that they may be let in again."""
        encoded = user_ids.encode(user)
        await self._ask_if_there("remove", lambda: self._stream.video.kick_user(self.call_type, call, user_id=encoded))

    def token(self, call: str, user: UserId, role: CallRole, *, lifetime: timedelta) -> str:
        """A token for this call, this user and this role, signed here. Raises UnusableIdError."""
        return self._signed({"call_cids": [f"{self.call_type}:{call}"], "role": ROLES[role]}, user, lifetime)

    def event_in(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        """The webhook's event. Raises BadWebhookError."""
        signature = headers.get("x-signature", "")
        if not signature.isascii() or not any(verify_signature(body, signature, secret) for secret in self._secrets):
            raise BadWebhookError("The webhook is not signed by GetStream.")
        event = event_of(body)
        occurred_at = of_wire(event.get("created_at")) or datetime.now(UTC)
        return ProviderEvent(
            id=_id_in(headers) or hashlib.sha256(body).hexdigest(),
            type=event["type"],
            call=call_of(event),
            occurred_at=occurred_at,
            facts=facts_of(event, occurred_at),
        )

    async def ensure_channel(self, channel: str, *, title: str, host: UserId) -> None:
        """Make the channel; where it exists already nothing happens."""
        made = ChannelInput(created_by=UserRequest(id=user_ids.encode(host)), custom={"name": title[:TITLE_CHARACTERS]})
        await self._ask(
            "ensure_channel", lambda: self._stream.chat.get_or_create_channel(self.channel_type, channel, data=made)
        )

    def chat_user(self, user: UserId) -> str:
        """The user's id as GetStream has it. Raises UnusableIdError."""
        return user_ids.encode(user)

    def chat_token(self, channel: str, user: UserId, *, lifetime: timedelta) -> str:
        """A token for this channel and this user, signed here. Raises UnusableIdError."""
        return self._signed({"channel_cids": [f"{self.channel_type}:{channel}"]}, user, lifetime)

    async def close(self) -> None:
        """Let go of connections."""
        await self._stream.aclose()

    def _signed(self, scope: dict[str, Any], user: UserId, lifetime: timedelta) -> str:
        """With the claims that the package gives its tokens: those for a channel it makes in a method of its own alone."""
        now = int(time.time())
        about = {"iat": now - CLOCK_SECONDS, "user_id": user_ids.encode(user), "exp": now + int(lifetime.total_seconds())}
        return self._signer.sign({**about, **scope})

    async def _ask(self, operation: str, call: Any) -> Any:
        """Every question may be repeated: it asks for a state, not for a step."""
        return await self._guarded.ask(operation, call, repeatable=True)

    async def _ask_if_there(self, operation: str, call: Any) -> Any:
        """What is answered, and None for something that is not there."""
        try:
            return await self._ask(operation, call)
        except AskFailed as failed:
            if failed.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def _has_ended(self, call: str) -> bool:
        answer = await self._ask_if_there("state_of", lambda: self._stream.video.get_call(self.call_type, call))
        return answer is None or answer.data.call.ended_at is not None

    async def _inside(self, call: str, session: Any) -> list[Connection]:
        """Everybody inside. A call tells the first few hundred; the rest must be asked for, or they would seem to have left."""
        told = list(session.participants or [])
        expected = sum((session.participants_count_by_role or {}).values())
        if expected > len(told):
            answer = await self._ask(
                "state_of", lambda: self._stream.video.query_call_participants(call, self.call_type, limit=expected)
            )
            told = list(answer.data.participants or [])
            if len(told) < answer.data.total_participants:
                raise ProviderError(f"{NAME}: it tells {len(told)} of {answer.data.total_participants} who are inside")
        return [
            Connection(id=one.user_session_id, user=user_ids.decode(one.user.id), span=session.id, joined_at=one.joined_at)
            for one in told
        ]


def _recording(told: Any) -> Recording:
    return Recording(
        id=recording_id(told.session_id, told.filename),
        state="ready",
        span=told.session_id,
        url=told.url,
        started_at=told.start_time,
        ended_at=told.end_time,
    )


def _id_in(headers: Mapping[str, str]) -> str | None:
    given = headers.get("x-webhook-id", "")
    is_sane = 0 < len(given) <= WEBHOOK_ID_CHARACTERS and given.isascii() and given.isprintable()
    return given if is_sane else None


def _trouble_in(error: Exception) -> Trouble:
    if isinstance(error, StreamApiException):
        if error.status_code < HTTPStatus.BAD_REQUEST:  # a success whose body is none of its JSON
            return Trouble(outcome="nonsense", detail="an answer that it cannot have meant")
        wait = getattr(error, "retry_after", None)
        seconds = None if wait is None else wait.total_seconds()
        return trouble_of(error.status_code, code=error.code or None, retry_after_seconds=seconds)
    if isinstance(error, StreamTransportException):
        if error.error_type == "timeout":
            return Trouble(outcome="timeout", detail="no answer in time")
        return Trouble(outcome="unreachable", detail=f"not reached: {error.error_type}")
    return Trouble(outcome="nonsense", detail=f"an answer that its package cannot read: {type(error).__name__}")
