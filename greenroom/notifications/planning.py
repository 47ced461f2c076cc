"""A sink (greenroom/events/sinks.py) that writes down whom an event asks to be told what.

Nothing is judged here: a row is a hint, and what holds is asked when it is sent (mailing.py). docs/decisions/0030.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from greenroom.events.feed import ToldEvent
from greenroom.kit.database import Database
from greenroom.kit.telemetry import logger
from greenroom.notifications import queries
from greenroom.notifications.queries import Planned


class _Registration(Struct, frozen=True):
    registration_id: UUID


class _Removal(Struct, frozen=True):
    registration_id: UUID
    was: str


class _Reminder(Struct, frozen=True):
    registration_id: UUID
    reminder: Literal["first", "last"]
    scheduled_at: datetime
    session_version: int


class _Move(Struct, frozen=True):
    old_scheduled_at: datetime
    new_scheduled_at: datetime


_registration_in = msgspec.json.Decoder(_Registration).decode
_removal_in = msgspec.json.Decoder(_Removal).decode
_reminder_in = msgspec.json.Decoder(_Reminder).decode
_move_in = msgspec.json.Decoder(_Move).decode

Plan = Callable[[ToldEvent, UUID], Planned | None]


def _of_person(kind: str) -> Plan:
    return lambda event, session: _planned(event, session, kind, registration=_registration_in(event.payload).registration_id)


def _of_everybody(kind: str) -> Plan:
    return lambda event, session: _planned(event, session, kind)


def _removed(event: ToldEvent, session: UUID) -> Planned | None:
    """Who had left already has heard so."""
    said = _removal_in(event.payload)
    return None if said.was == "cancelled" else _planned(event, session, "removed", registration=said.registration_id)


def _reminded(event: ToldEvent, session: UUID) -> Planned:
    said = _reminder_in(event.payload)
    return Planned(
        position=event.position,
        brand=event.brand_id,
        session=session,
        registration=said.registration_id,
        kind=f"reminder_{said.reminder}",
        version=said.session_version,
        scheduled_at=said.scheduled_at.isoformat(),
    )


def _moved(event: ToldEvent, session: UUID) -> Planned:
    said = _move_in(event.payload)
    return Planned(
        position=event.position,
        brand=event.brand_id,
        session=session,
        registration=None,
        kind="moved",
        old_scheduled_at=said.old_scheduled_at.isoformat(),
        scheduled_at=said.new_scheduled_at.isoformat(),
    )


def _planned(event: ToldEvent, session: UUID, kind: str, *, registration: UUID | None = None) -> Planned:
    return Planned(position=event.position, brand=event.brand_id, session=session, registration=registration, kind=kind)


PLANS: Final[dict[str, Plan]] = {
    "live.registration.created.v1": _of_person("registered"),
    "live.registration.waitlisted.v1": _of_person("waitlisted"),
    "live.registration.promoted.v1": _of_person("promoted"),
    "live.registration.cancelled.v1": _of_person("left"),
    "live.registration.removed.v1": _removed,
    "live.registration.reminder_due.v1": _reminded,
    "live.session.rescheduled.v1": _moved,
    "live.session.cancelled.v1": _of_everybody("cancelled"),
    "live.session.reinstated.v1": _of_everybody("reinstated"),
    "live.recording.ready.v1": _of_everybody("recording_ready"),
}


class Planning:
    """The sink."""

    name = "notifications"

    def __init__(self, db: Database) -> None:
        self._db = db

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["Planning"]:
        """There is nothing to connect to but our own database."""
        yield self

    async def publish(self, events: Sequence[ToldEvent]) -> None:
        """Write down what they ask to be told, all at once. Raises Unavailable."""
        planned = [it for event in events if (it := plan_of(event)) is not None]
        if planned:
            await queries.plan_any_brand(self._db, planned)


def plan_of(event: ToldEvent) -> Planned | None:
    """What the event asks to be told; None for nothing. What a newer release says in another way, that release tells."""
    plan = PLANS.get(event.name)
    if plan is None or event.session_id is None:
        return None
    try:
        return plan(event, event.session_id)
    except msgspec.ValidationError:
        logger().warning("notification_not_understood", name=event.name, position=event.position)
        return None
