"""What a session may become, in one transaction, and what it looks like on the wire."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Interval, RowMapping, bindparam, exists, func, insert, literal, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from app.errors import forbidden, invalid_status, not_found, stale
from app.models import SessionRow, audit_log, outbox, registrations
from app.schemas import SessionPatch
from app.tokens import Caller

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_OUR_TAG = re.compile(r'"(\d{1,9})\.\d+\.\d+\.[01]"')

_is_registered = (
    exists()
    .where(
        registrations.c.brand_id == bindparam("brand"),
        registrations.c.session_id == bindparam("id"),
        registrations.c.user_id == bindparam("user"),
        registrations.c.status == literal_column("'registered'"),  # in the text: only so an index of the active ones fits
    )
    .label("is_registered")
)
_the_session = (SessionRow.brand_id == bindparam("brand"), SessionRow.id == bindparam("id"))

_READ = select(*SessionRow.__table__.c, _is_registered).where(*_the_session)

_LOCK = (
    select(
        SessionRow,
        _is_registered,
        func.greatest(
            func.date_trunc("milliseconds", func.clock_timestamp()),
            SessionRow.updated_at + literal("1 millisecond").cast(Interval),
        ),
    )
    .where(*_the_session)
    .with_for_update(key_share=True, of=SessionRow)
)

_AUDIT = insert(audit_log)
_EVENT = insert(outbox)


@dataclass(frozen=True, slots=True)
class Tagged:
    """A session as JSON, and its entity tag."""

    body: bytes
    tag: str


async def get(db: AsyncSession, caller: Caller, session_id: str) -> Tagged:
    """The session as the caller sees it. Raises Refusal."""
    known = {"brand": caller.brand, "id": parsed(session_id), "user": caller.user}
    row = (await db.execute(_READ, known)).mappings().first()
    if row is None:
        raise not_found()
    return _tagged(row, metadata=row["metadata"], is_registered=row["is_registered"])


def update(
    db: Session, caller: Caller, session_id: str, patch: SessionPatch, *, if_match: str | None, request_id: str
) -> Tagged:
    """Change what the session's status allows to change, with its audit row and events. Raises Refusal.

    For `AsyncSession.run_sync`: one greenlet for the whole transaction instead of one for each statement.
    """
    known = {"brand": caller.brand, "id": parsed(session_id), "user": caller.user}
    expected = _versions_in(if_match)
    with db.begin():
        found = db.execute(_LOCK, known).first()
        if found is None:
            raise not_found()
        session, is_registered, now = found
        _refuse_unless_changeable(session, caller, expected)
        old_time = session.scheduled_at
        changed = _change(session, patch)
        if changed:
            session.version += 1
            session.updated_at = now
            db.flush()
            _leave_traces(db, session, caller, changed, old_time=old_time, request_id=request_id)
    return _tagged(vars(session), metadata=session.document, is_registered=is_registered)


def _refuse_unless_changeable(session: SessionRow, caller: Caller, expected: list[int] | None) -> None:
    if not (caller.manages or caller.user == session.host_id or caller.user in session.co_host_ids):
        raise forbidden()
    if expected is not None and session.version not in expected:
        raise stale()
    if session.status in ("ended", "cancelled"):
        raise invalid_status()


def _change(session: SessionRow, patch: SessionPatch) -> list[str]:
    """Set what differs, and answer its names. Raises Refusal."""
    changed = []
    for name in patch.model_fields_set:
        attribute = "document" if name == "metadata" else name
        value = getattr(patch, name)
        if getattr(session, attribute) != value:
            if session.status == "live" and name in ("scheduled_at", "kind"):
                raise invalid_status()
            setattr(session, attribute, value)
            changed.append(name)
    return changed


def _leave_traces(
    db: Session, session: SessionRow, caller: Caller, changed: list[str], *, old_time: datetime, request_id: str
) -> None:
    connection = db.connection()
    connection.execute(
        _AUDIT,
        {
            "brand_id": session.brand_id,
            "entity": "session",
            "entity_id": session.id,
            "entity_version": session.version,
            "action": "session.updated",
            "changed": changed,
            "actor_user_id": caller.user,
            "actor_client_id": caller.client,
            "request_id": request_id,
            "occurred_at": session.updated_at,
        },
    )
    about = {"session_id": str(session.id), "version": session.version}
    events = [_event(session, "live.session.updated.v1", {**about, "changed": changed})]
    if session.scheduled_at != old_time:
        times = {"old_scheduled_at": wire_time(old_time), "new_scheduled_at": wire_time(session.scheduled_at)}
        events.append(_event(session, "live.session.rescheduled.v1", {**about, **times}))
    connection.execute(_EVENT, events if len(events) > 1 else events[0])


def _event(session: SessionRow, name: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "name": name,
        "brand_id": session.brand_id,
        "session_id": session.id,
        "session_version": session.version,
        "occurred_at": session.updated_at,
        "payload": payload,
    }


def _tagged(row: Mapping[str, Any] | RowMapping, *, metadata: dict[str, Any], is_registered: bool) -> Tagged:
    started, ended = row["started_at"], row["ended_at"]
    body = orjson.dumps(
        {
            "id": str(row["id"]),
            "host_id": row["host_id"],
            "brand_id": row["brand_id"],
            "title": row["title"],
            "kind": row["kind"],
            "category": row["category"],
            "scheduled_at": wire_time(row["scheduled_at"]),
            "started_at": started and wire_time(started),
            "ended_at": ended and wire_time(ended),
            "status": row["status"],
            "stream_call_id": row["stream_call_id"],
            "max_participants": row["max_participants"],
            "duration_minutes": row["duration_minutes"],
            "recording_url": row["recording_url"],
            "metadata": metadata,
            "created_at": wire_time(row["created_at"]),
            "updated_at": wire_time(row["updated_at"]),
            "registered_count": row["registered_count"],
            "is_registered": is_registered,
        }
    )
    return Tagged(body, f'"{row["version"]}.{row["revision"]}.{row["registered_count"]}.{is_registered:d}"')


def wire_time(instant: datetime) -> str:
    """UTC, milliseconds, Z."""
    return instant.isoformat(timespec="milliseconds")[:-6] + "Z"


def parsed(session_id: str) -> UUID:
    """The id. Raises Refusal for a text that can be no session's."""
    if not _UUID.fullmatch(session_id):
        raise not_found()
    return UUID(session_id)


def _versions_in(if_match: str | None) -> list[int] | None:
    """None: any version will do. Weak tags never match."""
    if if_match is None or if_match.strip() == "*":
        return None
    return [int(ours[1]) for tag in if_match.split(",") if (ours := _OUR_TAG.fullmatch(tag.strip()))]
