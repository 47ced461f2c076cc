"""The list of sessions: which are wanted, and where its pages begin and end. Nothing here asks the database."""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

import msgspec
from msgspec import UnsetType

from greenroom.identity.caller import Caller
from greenroom.kit.errors import ValidationFailed
from greenroom.kit.ids import BrandId
from greenroom.kit.pagination import Cursors
from greenroom.kit.wire import PageLimit, sent
from greenroom.sessions.kept import Kept, as_session
from greenroom.sessions.queries import Listing
from greenroom.sessions.schemas import SessionFilters, SessionList, Status

T = TypeVar("T")

BEFORE_ALL = UUID(int=0)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
POSITION = struct.Struct(">q16s")  # microseconds since 1970, and the id
SET = frozenset({"true", "1"})


def listing_of(filters: SessionFilters, caller: Caller, cursors: Cursors, *, now: datetime) -> Listing:
    """The rows to ask for: one more than a page, which tells whether there is another. Raises ValidationFailed, Forbidden."""
    brand = caller.within(filters.brand_id)
    month = sent(filters.month)
    upcoming = _same(upcoming_only=_flag(filters.upcoming_only), upcoming=_flag(filters.upcoming))
    after, after_id = None if month is None else month.first, BEFORE_ALL
    if upcoming:
        after = now if after is None else max(after, now)
    if not isinstance(filters.cursor, UnsetType):
        begun, known_id = opened(cursors.open(filters.cursor, of=named(filters, brand)))
        if after is None or begun >= after:
            after, after_id = begun, known_id
    return Listing(
        brand=brand,
        user=caller.user,
        after=after,
        after_id=after_id,
        before=None if month is None else month.after,
        statuses=_statuses(sent(filters.status), upcoming=upcoming),
        host=_same(host_user_id=sent(filters.host_user_id), host_id=sent(filters.host_id)),
        community=sent(filters.community_id),
        category=sent(filters.category),
        kind=sent(filters.kind),
        rows=(sent(filters.limit) or PageLimit.USUAL) + 1,
    )


def is_quick(filters: SessionFilters) -> bool:
    """Whether one index leads straight to the rows: then nobody waits long for a list that it shares a round trip with."""
    host = filters.host_user_id if isinstance(filters.host_id, UnsetType) else filters.host_id
    narrowing = (host, filters.community_id, filters.category, filters.status)
    return isinstance(filters.kind, UnsetType) and sum(not isinstance(one, UnsetType) for one in narrowing) <= 1


def page_of(kept: Sequence[Kept], filters: SessionFilters, listing: Listing, cursors: Cursors) -> SessionList:
    """The page, and the cursor of the next when there is one."""
    shown = kept[: listing.rows - 1]
    is_last = len(kept) < listing.rows
    return SessionList(
        sessions=[as_session(one) for one in shown],
        next_cursor=None if is_last else cursors.seal(position_of(shown[-1]), of=named(filters, listing.brand)),
    )


def named(filters: SessionFilters, brand: BrandId | None) -> str:
    """What a cursor is bound to: this list, in this brand, with these filters, however they are spelled."""
    host = sent(filters.host_user_id) or sent(filters.host_id)
    upcoming = bool(_flag(filters.upcoming_only) or _flag(filters.upcoming))
    others = [sent(one) for one in (filters.community_id, filters.category, filters.kind, filters.status, filters.month)]
    return msgspec.json.encode(["sessions", brand, host, upcoming, *others], enc_hook=str).decode()


def position_of(kept: Kept) -> bytes:
    """Where the list goes on after this session."""
    return _packed(datetime.fromisoformat(kept.scheduled_at), kept.id)


def position_at(instant: datetime) -> bytes:
    """Where the list begins with the first session at the instant or after it."""
    return _packed(instant, BEFORE_ALL)


def opened(position: bytes) -> tuple[datetime, UUID]:
    """The time and the id of a position."""
    microseconds, octets = POSITION.unpack(position)
    return EPOCH + microseconds * MICROSECOND, UUID(bytes=octets)


def _packed(instant: datetime, known_id: UUID) -> bytes:
    return POSITION.pack((instant - EPOCH) // MICROSECOND, known_id.bytes)


def _same(**named_twice: T | None) -> T | None:
    """The value of a filter that has two names. Raises ValidationFailed when they differ."""
    given = {name: value for name, value in named_twice.items() if value is not None}
    if len(set(given.values())) > 1:
        raise ValidationFailed(f"{' and '.join(given)}: expected the same, or one of them.")
    return next(iter(given.values()), None)


def _statuses(status: Status | None, *, upcoming: bool | None) -> tuple[Status, ...]:
    wanted: list[Status] = [] if status is None else [status]
    return (*wanted, "scheduled") if upcoming else tuple(wanted)


def _flag(text: str | UnsetType) -> bool | None:
    return None if isinstance(text, UnsetType) else text in SET
