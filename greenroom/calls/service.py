"""The operations of calls: who is let in, and calls that belong to no session."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import UnsetType

from greenroom.calls import queries
from greenroom.calls.making import Making, asked
from greenroom.calls.queries import CallCreation, Carriers, Joined, Joining, KeptCall
from greenroom.calls.schemas import (
    Call,
    CallCreate,
    CallToken,
    CallTokenRequest,
    CallWithLive,
    ChatToken,
    JoinRequest,
    JoinToken,
    LiveStatus,
)
from greenroom.identity.caller import Caller
from greenroom.kit.clock import wire_text, wire_time
from greenroom.kit.database import Database
from greenroom.kit.documents import checked_document
from greenroom.kit.errors import (
    AtCapacity,
    Forbidden,
    GreenroomError,
    InvalidStatus,
    NotConfigured,
    NotFound,
    NotJoinable,
    Unavailable,
    ValidationFailed,
)
from greenroom.kit.idempotency import IdempotencyKey
from greenroom.kit.ids import BrandId, RequestId, SessionId, UserId, new_id, parse_id
from greenroom.kit.lane import Lanes
from greenroom.kit.recording_links import shown
from greenroom.providers.protocol import CallPlan, CallRole, UnusableIdError, VideoProvider
from greenroom.providers.registry import Providers
from greenroom.sessions.service import brand_of, known_id_in, refuse_unless_done, stored

JOIN_LIFETIME = timedelta(minutes=10)  # to come in, not to stay: who was removed has no old token to come back with
CHAT_LIFETIME = timedelta(hours=1)
LIVE_SECONDS = 2.0
SHORT_CHARACTERS = 40  # an id of so many is held by every provider

HotRow = tuple[BrandId, SessionId]


class Entry(msgspec.Struct, frozen=True):
    """What lets somebody into a call: a token of the provider who carries it."""

    token: str
    call_id: str
    provider: str


class Calls:
    """Calls for all requests of a process: those who join one session together share transactions."""

    def __init__(self, db: Database, providers: Providers, *, default: str, records: bool) -> None:
        self.db = db
        self.providers = providers
        self.carriers = carriers_of(providers, default=default, records=records)
        self.making = Making(db, providers)
        self.lanes: Lanes[HotRow, Joining, Joined] = Lanes(
            lambda row, them: queries.join(db, *row, self.carriers, them), kind=type, claims=_person_of
        )

    async def close(self) -> None:
        """Give up what is under way."""
        await self.making.close()


def carriers_of(providers: Providers, *, default: str, records: bool) -> Carriers:
    """Who can carry a call, as the database is told."""
    types = {one.name: one.call_type for one in providers.videos()}
    return Carriers(default, msgspec.json.encode(types).decode(), records)


async def join(there: Calls, caller: Caller, session_id: str, wanted: JoinRequest, *, request_id: RequestId) -> JoinToken:
    """`enter`, as the wire shows it."""
    entry = await enter(there, caller, session_id, wanted, request_id=request_id)
    return JoinToken(token=entry.token, call_id=entry.call_id)


async def enter(there: Calls, caller: Caller, session_id: str, wanted: JoinRequest, *, request_id: RequestId) -> Entry:
    """Let somebody into the session's call. Who has no seat takes one on the spot, once the session is live.

    Raises NotFound, Forbidden, NotJoinable, AtCapacity, NotConfigured, ProviderFailed, ValidationFailed.
    """
    user = UserId(wanted.user_id)
    known_id = known_id_in(session_id)
    brand = await brand_of(there.db, caller, known_id)
    may = caller.manages or user == caller.user
    return await _let_in(there, (brand, known_id), user, by=caller, may=may, request_id=request_id, lifetime=JOIN_LIFETIME)


async def carrier(there: Calls, caller: Caller, session_id: str, *, planned: str) -> str | None:
    """Who carries the session's call: the provider that made it, else the one `planned`; None where that is not set up."""
    known_id = known_id_in(session_id)
    call = await queries.get(there.db, await brand_of(there.db, caller, known_id), known_id)
    name = call.provider if call is not None and call.is_made else planned
    return name if there.providers.video(name) is not None else None


async def chat_token(there: Calls, caller: Caller, session_id: str) -> ChatToken:
    """What a client of the session's chat needs. Raises NotFound, Forbidden, NotJoinable, NotConfigured, ProviderFailed."""
    known_id = known_id_in(session_id)
    brand = await brand_of(there.db, caller, known_id)
    seat = await queries.chat_seat(there.db, brand, known_id, caller.user)
    if seat is None:
        raise NotFound("There is no such session.")
    if not (seat.is_host or seat.has_seat):
        raise Forbidden("Only who has a seat, the session's host or a co-host may chat.")
    if seat.status == "cancelled":
        raise NotJoinable("The session was cancelled.")
    chat = there.providers.chat()
    if chat is None:
        raise NotConfigured("No provider of chat is set up.")
    channel = str(known_id)
    if not seat.is_made:
        await there.making.ensure_channel(chat, brand, known_id, title=seat.title, host=seat.host)
    try:
        return ChatToken(
            api_key=chat.api_key,
            token=chat.chat_token(channel, caller.user, lifetime=CHAT_LIFETIME),
            user_id=chat.chat_user(caller.user),
            channel_id=channel,
            channel_type=chat.channel_type,
            expires_in=int(CHAT_LIFETIME.total_seconds()),
        )
    except UnusableIdError as error:
        raise Forbidden("The provider of chat cannot hold an id as long as yours.") from error


async def create(
    there: Calls, caller: Caller, wanted: CallCreate, *, request_id: RequestId, key: IdempotencyKey | None
) -> tuple[Call, bool]:
    """Make a call that belongs to no session; whether the answer was given before.

    The provider is asked first: a row without a call would be half a thing, a call in which nobody is is none.

    Raises ValidationFailed, Forbidden, NotConfigured, ProviderFailed, Conflict, IdempotencyKeyPayloadMismatch.
    """
    metadata = "{}" if isinstance(wanted.metadata, UnsetType) else checked_document(bytes(wanted.metadata), field="metadata")
    if caller.brand is None:
        raise ValidationFailed("X-Brand-Id: expected the brand whose call this is.")
    if wanted.host_user_id != caller.user and not caller.manages:
        raise Forbidden("host_user_id: expected your own id; manage:live may name another.")
    named, is_new = await queries.before_creation(there.db, caller.brand, key)
    provider = there.providers.video(named or there.carriers.default)
    if provider is None:
        raise NotConfigured("No provider of video is set up.")
    _refuse_unless_held(there, UserId(wanted.host_user_id), field="host_user_id")
    creation = CallCreation(
        id=new_id(),
        brand=caller.brand,
        provider=provider.name,
        call_type=provider.call_type,
        host=UserId(wanted.host_user_id),
        title=wanted.title,
        scheduled_at=None if isinstance(wanted.scheduled_at, UnsetType) else wanted.scheduled_at,
        metadata=metadata,
        records=there.carriers.records,
        by=caller,
        request_id=request_id,
        key=key,
    )
    plan = CallPlan(
        id=str(creation.id),
        title=creation.title,
        starts_at=None if creation.scheduled_at is None else datetime.fromisoformat(creation.scheduled_at.isoformat()),
        host=creation.host,
        records=creation.records,
    )
    if is_new:  # else a call would be left over at the provider
        await asked(provider.ensure_call(plan))
    outcome = await stored(queries.create(there.db, creation))
    refuse_unless_done(outcome.how)
    return as_call(_there(outcome.call)), outcome.how == "replayed"


async def get(there: Calls, caller: Caller, call_id: str) -> CallWithLive:
    """The call, and how the provider sees it, where the provider can say. Raises NotFound."""
    _, call = await _known(there, caller, call_id)
    return msgspec.convert({**msgspec.structs.asdict(as_call(call)), "live": await _live(there, call)}, CallWithLive)


async def token(there: Calls, caller: Caller, call_id: str, wanted: CallTokenRequest, *, request_id: RequestId) -> CallToken:
    """A token for one call. Into a session's call one comes as by joining the session; its hosts may bring others.

    Raises NotFound, Forbidden, NotJoinable, AtCapacity, NotConfigured, ProviderFailed, ValidationFailed.
    """
    brand, call = await _known(there, caller, call_id)
    user = UserId(wanted.user_id)
    lifetime = JOIN_LIFETIME if isinstance(wanted.ttl_seconds, UnsetType) else timedelta(seconds=wanted.ttl_seconds)
    may = user == caller.user or _hosts(caller, call)
    if call.session_id is not None:
        row = (brand, SessionId(call.id))
        entry = await _let_in(there, row, user, by=caller, may=may, request_id=request_id, lifetime=lifetime)
        signed = entry.token
    else:
        if not may:
            raise Forbidden("user_id: expected your own id; the call's host and manage:live may name others.")
        if call.status == "ended":
            raise NotJoinable("The call has ended.")
        role: Literal["host", "speaker"] = "host" if user == call.host_user_id else "speaker"
        signed = _signed(_provider(there, call.provider), call.id, user, role, lifetime)
    return CallToken(
        token=signed,
        stream_call_id=str(call.id),
        stream_call_type=call.call_type,
        expires_in_seconds=int(lifetime.total_seconds()),
    )


async def end(there: Calls, caller: Caller, call_id: str, *, request_id: RequestId) -> Call:
    """End the call, with the session whose call it is. Twice is once.

    Raises NotFound, Forbidden, InvalidStatus (the session has not begun), NotConfigured, ProviderFailed.
    """
    brand, call = await _known(there, caller, call_id)
    if not _hosts(caller, call):
        raise Forbidden("Only the call's host, a co-host or manage:live may do this.")
    if call.is_closed:  # which a call that everybody has left is not: who has a token may come back
        return as_call(call)
    if call.session_id is not None and call.status == "scheduled":
        raise InvalidStatus
    if call.is_made:
        await asked(_provider(there, call.provider).end_call(str(call.id)))
    outcome = await queries.end(there.db, brand, call.id, caller, request_id=request_id, event_id=new_id())
    refuse_unless_done(outcome.how)
    return as_call(_there(outcome.call))


def as_call(call: KeptCall) -> Call:
    """The row as the wire shows it."""
    return Call(
        id=str(call.id),
        host_user_id=call.host_user_id,
        title=call.title,
        scheduled_at=_wire(call.scheduled_at),
        started_at=_wire(call.started_at),
        ended_at=_wire(call.ended_at),
        stream_call_id=str(call.id) if call.is_made else None,
        stream_call_type=call.call_type,
        recording_url=shown(call.recording_url),
        recording_ready_at=_wire(call.recording_ready_at),
        status=call.status,
        created_at=wire_text(call.created_at),
        updated_at=wire_text(call.updated_at),
    )


async def _let_in(
    there: Calls, row: HotRow, user: UserId, *, by: Caller, may: bool, request_id: RequestId, lifetime: timedelta
) -> Entry:
    """A token for whom the session lets in. While the call is not made nobody takes a seat: it is made first."""
    _refuse_unless_held(there, user, field="user_id")
    joining = Joining(id=new_id(), user=user, may=may, by=by, request_id=request_id, event_id=new_id())
    joined = await _joined(there, row, joining)
    _refuse_unless_in(joined.how)
    provider = _provider(there, joined.provider)
    return Entry(_signed(provider, row[1], user, _role_of(joined), lifetime), str(row[1]), provider.name)


async def _joined(there: Calls, row: HotRow, joining: Joining) -> Joined:
    """What comes of it, once the call is made; who comes while it is being made here is not asked about before."""
    if row not in there.making:
        joined = await there.lanes.send(row, joining)
        if joined.how != "call_needed":
            return joined
    trouble: GreenroomError | None = None
    try:
        await there.making.ensure_call(*row)
    except GreenroomError as error:  # of no concern to who would not be let in, or is by now
        trouble = error
    joined = await there.lanes.send(row, joining)
    if joined.how == "call_needed" and trouble is not None:
        raise trouble
    return joined


def _refuse_unless_held(there: Calls, user: UserId, *, field: str) -> None:
    """Before a seat is taken, for which there would be no token. Raises ValidationFailed.

    The provider that is part of Greenroom holds every id, and so says nothing of those beside it.
    """
    asked = [one for one in there.providers.videos() if one.name != "builtin" or there.carriers.default == "builtin"]
    if len(user) > SHORT_CHARACTERS and asked:
        for provider in asked:
            with suppress(UnusableIdError):
                provider.token("", user, "viewer", lifetime=JOIN_LIFETIME)
                return
        raise _too_long(field)


def _refuse_unless_in(how: str) -> None:
    match how:
        case "not_manager":
            raise Forbidden("user_id: expected your own id; manage:live may name others.")
        case "barred":
            raise Forbidden("A host has removed this person from the session; a host may allow them again.")
        case "not_joinable":
            raise NotJoinable("The session is over, or was cancelled.")
        case "too_early":
            raise NotJoinable("The doors of this session are not open yet.")
        case "no_seat":
            raise NotJoinable("This person has no seat, and the session has not begun.")
        case "at_capacity":
            raise AtCapacity
        case "not_configured":
            raise NotConfigured
        case "call_needed":
            raise Unavailable("The call of this session was just given up; try again.")
    refuse_unless_done(how)


def _role_of(joined: Joined) -> CallRole:
    """Hosts run the call. In a broadcast the others watch; in office hours everybody speaks."""
    if joined.how == "host":
        return "host"
    return "speaker" if joined.kind == "office_hours" else "viewer"


def _signed(provider: VideoProvider, call: UUID, user: UserId, role: CallRole, lifetime: timedelta) -> str:
    try:
        return provider.token(str(call), user, role, lifetime=lifetime)
    except UnusableIdError as error:
        raise _too_long("user_id") from error


def _too_long(field: str) -> ValidationFailed:
    return ValidationFailed(f"{field}: expected an id as short as the provider of video can hold.")


def _provider(there: Calls, name: str | None) -> VideoProvider:
    provider = None if name is None else there.providers.video(name)
    if provider is None:
        raise NotConfigured
    return provider


async def _live(there: Calls, call: KeptCall) -> LiveStatus | None:
    provider = there.providers.video(call.provider)
    if provider is None or not call.is_made:
        return None
    try:
        async with asyncio.timeout(LIVE_SECONDS):
            state = await provider.state_of(str(call.id))
    except Exception:  # noqa: BLE001  # a package may raise anything over an answer that it does not expect, and this never fails
        return None
    if state is None:
        return LiveStatus(is_live=False, current_session_id=None, ended_at=_wire(call.ended_at))
    ended_at = None if state.ended_at is None else wire_time(state.ended_at.astimezone(UTC))
    return LiveStatus(is_live=state.is_live, current_session_id=state.span, ended_at=ended_at)


async def _known(there: Calls, caller: Caller, call_id: str) -> tuple[BrandId, KeptCall]:
    """The call that the caller may know of. Raises NotFound."""
    known_id = parse_id(call_id)
    if known_id is not None:
        brand = caller.brand or await queries.brand_of_any_brand(there.db, known_id)
        call = None if brand is None else await queries.get(there.db, brand, known_id)
        if brand is not None and call is not None:
            return brand, call
    raise NotFound("There is no such call.")


def _hosts(caller: Caller, call: KeptCall) -> bool:
    return caller.manages or caller.user == call.host_user_id or caller.user in call.co_host_ids


def _there(call: KeptCall | None) -> KeptCall:
    if call is None:
        raise AssertionError("this outcome comes with a call")
    return call


def _wire(stored: str | None) -> str | None:
    return None if stored is None else wire_text(stored)


def _person_of(joining: Joining) -> tuple[UserId]:
    """Somebody who asks twice is answered one after the other."""
    return (joining.user,)
