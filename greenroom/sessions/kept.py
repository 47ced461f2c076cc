"""A session as its row says, and that row as the wire shows it."""

from uuid import UUID

import msgspec
from msgspec import Struct

from greenroom.kit.clock import wire_text
from greenroom.kit.recording_links import shown
from greenroom.sessions.schemas import Kind, Session, Status


class Kept(Struct, frozen=True, gc=False):
    """A session as its row says, and as the caller stands to it. Times and metadata are the database's text."""

    id: UUID
    brand_id: str
    host_id: str
    title: str
    kind: Kind
    category: str | None
    status: Status
    scheduled_at: str
    started_at: str | None
    ended_at: str | None
    duration_minutes: int | None
    max_participants: int
    registered_count: int
    stream_call_id: str | None
    recording_url: str | None
    metadata: str
    version: int
    revision: int
    created_at: str
    updated_at: str
    is_registered: bool


def as_session(kept: Kept) -> Session:
    """The row as the wire shows it. By place: names would take as long as all the rest, and a page has a hundred of them."""
    return Session(
        str(kept.id),
        kept.host_id,
        kept.brand_id,
        kept.title,
        kept.kind,
        kept.category,
        wire_text(kept.scheduled_at),
        None if kept.started_at is None else wire_text(kept.started_at),
        None if kept.ended_at is None else wire_text(kept.ended_at),
        kept.status,
        kept.stream_call_id,
        kept.max_participants,
        kept.duration_minutes,
        shown(kept.recording_url),
        msgspec.Raw(kept.metadata),
        wire_text(kept.created_at),
        wire_text(kept.updated_at),
        kept.registered_count,
        kept.is_registered,
    )
