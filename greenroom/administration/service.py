"""The operations of the administration: pure decisions around one call of queries."""

from typing import Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from greenroom.administration import queries
from greenroom.administration.queries import AdminEdit, AdminKept, AdminListing
from greenroom.administration.schemas import AdminFilters, AdminSession, AdminSessionPatch
from greenroom.identity.caller import Caller
from greenroom.kit import recording_links
from greenroom.kit.database import Database
from greenroom.kit.documents import checked_document
from greenroom.kit.ids import BrandId, RequestId, new_id
from greenroom.kit.pagination import Cursors
from greenroom.kit.wire import PageLimit, sent
from greenroom.sessions.kept import as_session
from greenroom.sessions.service import brand_of, known_id_in, refuse_unless_done, stored

AFTER_ALL = UUID(int=2**128 - 1)
Clearable = Literal["community_slug", "cover_image_url"]
CLEARABLE: tuple[Clearable, ...] = ("community_slug", "cover_image_url")


class Administration(Struct, frozen=True):
    """What the operations need of a process."""

    db: Database
    cursors: Cursors


class AdminPage(Struct, frozen=True):
    """Some sessions, and the cursor of those after them; None after the last."""

    sessions: list[AdminSession]
    next_cursor: str | None


class AdminSeen(Struct, frozen=True, kw_only=True):
    """A session as the administrator sees it, and what its entity tag is made of."""

    session: AdminSession
    version: int
    revision: int
    is_registered: bool
    until: int | None


async def listed(there: Administration, caller: Caller, filters: AdminFilters) -> AdminPage:
    """A page of sessions, the last created first. Raises ValidationFailed, Forbidden."""
    listing = listing_of(filters, caller, there.cursors)
    if listing.brand is None:
        kept = await queries.page_any_brand(there.db, listing)
    else:
        kept = await queries.page(there.db, listing)
    shown = kept[: listing.rows - 1]
    is_last = len(kept) < listing.rows
    return AdminPage(
        sessions=[admin_session(one) for one in shown],
        next_cursor=None if is_last else there.cursors.seal(shown[-1].kept.id.bytes, of=named(filters, listing.brand)),
    )


async def update(
    there: Administration,
    caller: Caller,
    session_id: str,
    patch: AdminSessionPatch,
    *,
    merges: bool,
    expected: list[int] | None,
    request_id: RequestId,
) -> AdminSeen:
    """Change, move, cancel or reinstate, as the status allows that results from it.

    Raises ValidationFailed, NotFound, PreconditionFailed, InvalidStatus.
    """
    metadata = None if isinstance(patch.metadata, UnsetType) else checked_document(bytes(patch.metadata), field="metadata")
    known_id = known_id_in(session_id)
    edit = AdminEdit(
        id=known_id,
        brand=await brand_of(there.db, caller, known_id),
        expected_versions=expected,
        status=sent(patch.status),
        title=sent(patch.title),
        description=sent(patch.description),
        community_slug=sent(patch.community_slug),
        scheduled_at=sent(patch.scheduled_at),
        max_participants=sent(patch.max_participants),
        duration_minutes=sent(patch.duration_minutes),
        co_host_ids=_once_each(patch.co_host_ids),
        cover_image_url=sent(patch.cover_image_url),
        tags=_once_each(patch.tags),
        kind=sent(patch.kind),
        category=sent(patch.category),
        metadata=metadata,
        merges_metadata=merges,
        clears=[field for field in CLEARABLE if getattr(patch, field) is None],
        by=caller,
        request_id=request_id,
        event_ids=[new_id(), new_id(), new_id()],
    )
    outcome = await stored(queries.update(there.db, edit))
    refuse_unless_done(outcome.how)
    if outcome.session is None:
        raise AssertionError(f"{outcome.how} comes with a session")
    kept = outcome.session.kept
    return AdminSeen(
        session=admin_session(outcome.session),
        version=kept.version,
        revision=kept.revision,
        is_registered=kept.is_registered,
        until=recording_links.until(kept.recording_url),
    )


def listing_of(filters: AdminFilters, caller: Caller, cursors: Cursors) -> AdminListing:
    """The rows to ask for: one more than a page, which tells whether there is another. Raises ValidationFailed, Forbidden."""
    brand = caller.within(filters.brand_id)
    before_id = AFTER_ALL
    if not isinstance(filters.cursor, UnsetType):
        before_id = UUID(bytes=cursors.open(filters.cursor, of=named(filters, brand)))
    return AdminListing(
        brand=brand,
        before_id=before_id,
        status=sent(filters.status),
        kind=sent(filters.kind),
        rows=(sent(filters.limit) or PageLimit.USUAL) + 1,
    )


def named(filters: AdminFilters, brand: BrandId | None) -> str:
    """What a cursor is bound to: this list, in this brand, with these filters."""
    lasting = msgspec.structs.replace(filters, brand_id=UNSET, cursor=UNSET, limit=UNSET)
    return msgspec.json.encode(["admin sessions", brand, lasting]).decode()


def admin_session(it: AdminKept) -> AdminSession:
    """The row as the wire shows it."""
    shown = msgspec.structs.asdict(as_session(it.kept))
    del shown["is_registered"]
    return AdminSession(
        **shown, description=it.description, co_host_ids=it.co_host_ids, cover_image_url=it.cover_image_url, tags=it.tags
    )


def _once_each(names: list[str] | UnsetType) -> list[str] | None:
    """The names in their order, each once."""
    return None if isinstance(names, UnsetType) else list(dict.fromkeys(names))
