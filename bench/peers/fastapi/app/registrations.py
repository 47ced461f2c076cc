"""A seat in a session while there is one, else a place in its line, in one transaction."""

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import and_, bindparam, exists, func, insert, literal, literal_column, select, update
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from app.errors import at_capacity, invalid_status, not_found, removed
from app.models import SessionRow, audit_log, outbox, registrations
from app.sessions import parsed, wire_time
from app.tokens import Caller

_held = and_(
    registrations.c.brand_id == bindparam("brand"),
    registrations.c.session_id == bindparam("session"),
    registrations.c.user_id == bindparam("user"),
    registrations.c.status != literal_column("'cancelled'"),  # in the text, as the index has it
)
_gone = registrations.alias("gone")
_barred = exists().where(
    _gone.c.brand_id == bindparam("brand"),
    _gone.c.session_id == bindparam("session"),
    _gone.c.user_id == bindparam("user"),
    _gone.c.removed_at.is_not(None),
    _gone.c.allowed_at.is_(None),
)
_one = select(literal(1).label("one")).subquery()

# Columns, and not the ORM's object: nothing of it is shown, and four numbers of it are changed.
_LOCK = (
    select(
        SessionRow.status,
        SessionRow.max_participants,
        SessionRow.registered_count,
        SessionRow.waitlist_count,
        SessionRow.next_position,
        SessionRow.next_admission,
        SessionRow.version,
    )
    .where(SessionRow.brand_id == bindparam("brand"), SessionRow.id == bindparam("session"))
    .with_for_update(key_share=True)
)

# Asked once the lock is held, so that it sees what the transaction before it has done.
_LOOK = select(
    func.date_trunc("milliseconds", func.clock_timestamp()),
    _barred,
    registrations.c.id,
    registrations.c.status,
    registrations.c.registered_at,
).select_from(_one.outerjoin(registrations, _held))

_sessions = SessionRow.__table__
_COUNT = (
    update(_sessions)
    .where(_sessions.c.brand_id == bindparam("brand"), _sessions.c.id == bindparam("session"))
    .values(
        registered_count=_sessions.c.registered_count + bindparam("seats"),
        waitlist_count=_sessions.c.waitlist_count + bindparam("waiting"),
        next_position=_sessions.c.next_position + 1,
        next_admission=_sessions.c.next_admission + bindparam("seats"),
    )
)
_REGISTER = insert(registrations)
_AUDIT = insert(audit_log)
_EVENT = insert(outbox)


def register_caller(db: Session, caller: Caller, session_id: str, *, request_id: str) -> bytes:
    """The body of the answer. Raises Refusal. For `AsyncSession.run_sync`, as sessions.update is."""
    known = {"brand": caller.brand, "session": parsed(session_id), "user": caller.user}
    with db.begin():
        connection = db.connection()
        session = connection.execute(_LOCK, known).first()
        if session is None:
            raise not_found()
        if session.status in ("ended", "cancelled"):
            raise invalid_status()
        now, barred, held_id, held_status, held_since = connection.execute(_LOOK, known).one()
        if barred:
            raise removed()
        if held_id is not None:
            return _body(known, held_id, held_status, held_since)
        is_free = session.waitlist_count == 0 and session.registered_count < session.max_participants
        if not is_free and session.status != "scheduled":
            raise at_capacity()
        registration_id, status = uuid7(), "registered" if is_free else "waitlist"
        connection.execute(
            _REGISTER,
            {
                "brand_id": caller.brand,
                "id": registration_id,
                "session_id": known["session"],
                "user_id": caller.user,
                "role": "participant",
                "status": status,
                "position": session.next_position,
                "capacity_at_admission": session.max_participants if is_free else None,
                "admission": session.next_admission if is_free else None,
                "registered_at": now,
                "registered_by": caller.user,
            },
        )
        connection.execute(_COUNT, {**known, "seats": int(is_free), "waiting": int(not is_free)})
        connection.execute(
            _AUDIT,
            {
                "brand_id": caller.brand,
                "entity": "registration",
                "entity_id": registration_id,
                "entity_version": 1,
                "action": "registration.created" if is_free else "registration.waitlisted",
                "changed": [],
                "actor_user_id": caller.user,
                "actor_client_id": caller.client,
                "request_id": request_id,
                "occurred_at": now,
            },
        )
        connection.execute(
            _EVENT,
            {
                "id": uuid7(),
                "name": "live.registration.created.v1" if is_free else "live.registration.waitlisted.v1",
                "brand_id": caller.brand,
                "session_id": known["session"],
                "session_version": session.version,
                "occurred_at": now,
                "payload": {
                    "session_id": str(known["session"]),
                    "registration_id": str(registration_id),
                    "version": 1,
                    "user_id": caller.user,
                    "role": "participant",
                    "position": session.next_position,
                    "registered_at": wire_time(now),
                },
            },
        )
    return _body(known, registration_id, status, now)


def _body(known: dict[str, Any], registration_id: UUID, status: str, since: datetime) -> bytes:
    return orjson.dumps(
        {
            "id": str(registration_id),
            "session_id": str(known["session"]),
            "user_id": known["user"],
            "status": status,
            "registered_at": wire_time(since),
            "cancelled_at": None,
        }
    )
