"""The operations of sessions: pure decisions around one call of queries."""

from collections.abc import Awaitable
from datetime import UTC, datetime
from functools import partial
from typing import Literal, TypeVar

import msgspec
from msgspec import UnsetType

from greenroom.identity.caller import Caller
from greenroom.kit import recording_links
from greenroom.kit.database import Database
from greenroom.kit.documents import DOCUMENT_OCTETS, checked_document
from greenroom.kit.errors import Forbidden, InvalidStatus, NotFound, PreconditionFailed, ValidationFailed
from greenroom.kit.gathering import Gathering
from greenroom.kit.idempotency import IdempotencyKey, refuse_unless_usable
from greenroom.kit.ids import BrandId, RequestId, SessionId, UserId, new_id, parse_id
from greenroom.kit.lane import Lanes
from greenroom.kit.pagination import Cursors
from greenroom.kit.wire import sent
from greenroom.sessions import queries
from greenroom.sessions.kept import Kept, as_session
from greenroom.sessions.listing import is_quick, listing_of, named, page_of, position_at
from greenroom.sessions.queries import Asked, CoHostChange, Creation, Edit, Listing, Move, Outcome
from greenroom.sessions.schemas import (
    MOST_CO_HOSTS,
    NAME_CHARACTERS,
    CoHosts,
    Session,
    SessionCreate,
    SessionFilters,
    SessionList,
    SessionPatch,
    Status,
)

T = TypeVar("T")
Step = Literal["start", "end", "cancel"]
_Steps = dict[Step, tuple[Status, Status, Literal["started", "ended", "cancelled"]]]

MOST_LISTS_TOGETHER = 16  # a page of one is twenty rows and more, and who comes next waits for all of them

STEPS: _Steps = {
    "start": ("scheduled", "live", "started"),
    "end": ("live", "ended", "ended"),
    "cancel": ("scheduled", "cancelled", "cancelled"),
}


class Seen(msgspec.Struct, frozen=True):
    """A session as the caller sees it, which state of it, and whether the answer is one that was given before.

    `until`: when the address of its recording expires, where that is ours.
    """

    session: Session
    version: int
    revision: int
    until: int | None
    replayed: bool = False


class Sessions:
    """Sessions for all requests of a process: what can go together goes together."""

    def __init__(self, db: Database, cursors: Cursors, *, wait_seconds: float) -> None:
        self.db = db
        self.cursors = cursors
        self.reads: Gathering[Asked, Kept | None] = Gathering(partial(queries.get, db), wait_seconds=wait_seconds)
        self.lists: Gathering[Listing, list[Kept]] = Gathering(
            partial(queries.pages, db), wait_seconds=wait_seconds, largest=MOST_LISTS_TOGETHER
        )
        self.edits: Lanes[Literal["every session"], Edit, Outcome] = Lanes(
            lambda _, edits: queries.update(db, edits, waits=False), kind=type, claims=_session_of, is_repeatable=False
        )


async def get(there: Sessions, caller: Caller, session_id: str) -> Seen:
    """The session as the caller sees it. Raises NotFound."""
    known_id = known_id_in(session_id)
    kept = await there.reads.send(Asked(await brand_of(there.db, caller, known_id), known_id, caller.user))
    if kept is None:
        raise NotFound("There is no such session.")
    return seen(kept)


async def listed(there: Sessions, caller: Caller, filters: SessionFilters) -> SessionList:
    """A page of sessions by time. Raises ValidationFailed, Forbidden."""
    listing = listing_of(filters, caller, there.cursors, now=datetime.now(UTC))
    if listing.brand is None:
        kept = await queries.page_any_brand(there.db, listing)
    elif is_quick(filters):
        kept = await there.lists.send(listing)
    else:
        kept = await queries.page(there.db, listing)
    return page_of(kept, filters, listing, there.cursors)


def cursor_at(there: Sessions, caller: Caller, filters: SessionFilters, instant: datetime) -> str:
    """The cursor of the page that begins at the instant, in the list of these filters. Raises Forbidden."""
    return there.cursors.seal(position_at(instant), of=named(filters, caller.within(filters.brand_id)))


async def count(db: Database, brand: BrandId) -> int:
    """How many sessions the brand has."""
    return await queries.count(db, brand)


async def create(
    there: Sessions, caller: Caller, wanted: SessionCreate, *, request_id: RequestId, key: IdempotencyKey | None
) -> Seen:
    """Schedule a session that the caller hosts, or any of the brand for who manages it.

    Raises Forbidden, ValidationFailed, Conflict, IdempotencyKeyPayloadMismatch.
    """
    creation = creation_of(wanted, by=caller, request_id=request_id, key=key)
    return answer_to(await stored(queries.create(there.db, creation)))


async def update(
    there: Sessions,
    caller: Caller,
    session_id: str,
    patch: SessionPatch,
    *,
    merges: bool,
    expected: list[int] | None,
    request_id: RequestId,
) -> Seen:
    """Change what the session's status allows to change.

    Raises ValidationFailed, NotFound, Forbidden, PreconditionFailed, InvalidStatus.
    """
    metadata = None if isinstance(patch.metadata, UnsetType) else checked_document(bytes(patch.metadata), field="metadata")
    known_id = known_id_in(session_id)
    edit = Edit(
        id=known_id,
        brand=await brand_of(there.db, caller, known_id),
        expected_versions=expected,
        title=sent(patch.title),
        scheduled_at=sent(patch.scheduled_at),
        max_participants=sent(patch.max_participants),
        kind=sent(patch.kind),
        metadata=metadata,
        merges_metadata=merges,
        by=caller,
        request_id=request_id,
        updated_event_id=new_id(),
        rescheduled_event_id=new_id(),
    )
    outcome = await stored(there.edits.send("every session", edit))
    if outcome.how == "busy":
        (outcome,) = await stored(queries.update(there.db, [edit], waits=True))
    return answer_to(outcome)


async def move(
    there: Sessions, caller: Caller, session_id: str, step: Step, *, request_id: RequestId, key: IdempotencyKey | None
) -> Seen:
    """Start, end or cancel; 200 with no second effect where that was done already.

    Raises NotFound, Forbidden, InvalidStatus, Conflict, IdempotencyKeyPayloadMismatch.
    """
    known_id = known_id_in(session_id)
    from_status, to_status, event = STEPS[step]
    outcome = await queries.move(
        there.db,
        Move(
            id=known_id,
            brand=await brand_of(there.db, caller, known_id),
            from_status=from_status,
            to_status=to_status,
            event=event,
            by=caller,
            request_id=request_id,
            event_id=new_id(),
            key=key,
        ),
    )
    return answer_to(outcome)


async def may_change(db: Database, caller: Caller, session_id: str) -> bool:
    """Whether the caller hosts the session, co-hosts it, or manages. Raises NotFound."""
    known_id = known_id_in(session_id)
    may = await queries.may_change(db, await brand_of(db, caller, known_id), known_id, caller)
    if may is None:
        raise NotFound("There is no such session.")
    return may


async def change_co_host(
    db: Database, caller: Caller, session_id: str, user_id: str, *, is_co_host: bool, request_id: RequestId
) -> CoHosts:
    """Let somebody do what the host does, or no longer; 200 with no second effect where that is so already.

    Raises ValidationFailed, NotFound, Forbidden, InvalidStatus.
    """
    co_host = user_id_in(user_id)
    known_id = known_id_in(session_id)
    change = CoHostChange(
        id=known_id,
        brand=await brand_of(db, caller, known_id),
        co_host=co_host,
        is_co_host=is_co_host,
        by=caller,
        request_id=request_id,
        event_id=new_id(),
    )
    outcome = await queries.change_co_host(db, change)
    match outcome.how:
        case "forbidden":
            raise Forbidden("Only the session's host or manage:live may do this.")
        case "is_host":
            raise ValidationFailed("user_id: expected somebody other than the session's host.")
        case "too_many":
            raise ValidationFailed(f"user_id: expected at most {MOST_CO_HOSTS} co-hosts of a session.")
    refuse_unless_done(outcome.how)
    return CoHosts(session_id=str(known_id), co_host_ids=outcome.co_host_ids)


def creation_of(wanted: SessionCreate, *, by: Caller, request_id: RequestId, key: IdempotencyKey | None) -> Creation:
    """The session to insert. Raises Forbidden, ValidationFailed."""
    metadata = "{}" if isinstance(wanted.metadata, UnsetType) else checked_document(bytes(wanted.metadata), field="metadata")
    if by.brand is not None and wanted.brand_id != by.brand:
        raise Forbidden("brand_id: expected the token's own brand.")
    if wanted.host_id != by.user and not by.manages:
        raise Forbidden("host_id: expected your own id; manage:live may name another.")
    return Creation(
        id=SessionId(new_id()),
        brand=BrandId(wanted.brand_id),
        host=wanted.host_id,
        title=wanted.title,
        kind=wanted.kind,
        scheduled_at=wanted.scheduled_at,
        max_participants=wanted.max_participants,
        metadata=metadata,
        by=by,
        request_id=request_id,
        event_id=new_id(),
        key=key,
    )


def answer_to(outcome: Outcome) -> Seen:
    """The session, or the error that the outcome is."""
    refuse_unless_done(outcome.how)
    if outcome.session is None:
        raise AssertionError(f"{outcome.how} comes with a session")
    return seen(outcome.session, replayed=outcome.how == "replayed")


def refuse_unless_done(how: str) -> None:
    """Raises the error that the outcome is, for one that is no success."""
    refuse_unless_usable(how)
    match how:
        case "not_found":
            raise NotFound("There is no such session.")
        case "forbidden":
            raise Forbidden("Only the session's host, a co-host or manage:live may do this.")
        case "stale":
            raise PreconditionFailed
        case "invalid_status":
            raise InvalidStatus
        case "metadata_too_large":
            raise ValidationFailed(f"metadata: expected at most {DOCUMENT_OCTETS // 1024} KiB as it would be stored.")


def seen(kept: Kept, *, replayed: bool = False) -> Seen:
    """The row as the wire shows it."""
    return Seen(
        session=as_session(kept),
        version=kept.version,
        revision=kept.revision,
        until=recording_links.until(kept.recording_url),
        replayed=replayed,
    )


async def stored(change: Awaitable[T]) -> T:
    """The outcome of a change; of all that it stores, only metadata can hold what the database refuses."""
    try:
        return await change
    except ValidationFailed as error:
        raise ValidationFailed("metadata: expected numbers that the database can hold.") from error


def known_id_in(text: str) -> SessionId:
    """The id. Raises NotFound for a text that can be no session's."""
    known = parse_id(text)
    if known is None:
        raise NotFound("There is no such session.")
    return SessionId(known)


def user_id_in(text: str) -> UserId:
    """The person that a path names. Raises ValidationFailed."""
    if not 1 <= len(text) <= NAME_CHARACTERS or "\0" in text:
        raise ValidationFailed(f"user_id: expected 1 to {NAME_CHARACTERS} characters without NUL.")
    return UserId(text)


async def brand_of(db: Database, caller: Caller, session_id: SessionId) -> BrandId:
    """The caller's brand; for who crosses brands, the session's own. Raises NotFound."""
    if caller.brand is not None:
        return caller.brand
    brand = await queries.brand_of_any_brand(db, session_id)
    if brand is None:
        raise NotFound("There is no such session.")
    return brand


def _session_of(edit: Edit) -> tuple[SessionId]:
    """Edits of one session are made one after another."""
    return (edit.id,)
