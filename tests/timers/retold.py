"""What was told of reminders, held against what the session was at that moment."""

import json
from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct

from tests.postgres import Owner
from tests.tenant import Json

EVENTS = """
select session_id, name, session_version, payload::text from all_events_any_brand_v1()
where brand_id = $1 and session_id is not null order by sequence
"""
SETS_TIME = {
    "live.session.created.v1": "scheduled_at",
    "live.session.reinstated.v1": "scheduled_at",
    "live.session.rescheduled.v1": "new_scheduled_at",
}
CLOSES = ("live.session.started.v1", "live.session.ended.v1", "live.session.cancelled.v1")
ONCE = ("live.session.doors_opened.v1", "live.session.host_late.v1")


class Happened(Struct, frozen=True):
    """An event of a session, in its place among all."""

    session: UUID
    name: str
    version: int
    payload: Json


class Reminder(Struct, frozen=True):
    """That somebody was reminded."""

    registration: str
    kind: str
    version: int
    time: str


async def happened(owner: Owner, brand: str) -> list[Happened]:
    """Everything that was told of the brand's sessions, in order; within a session that is the order in which it happened."""
    return [Happened(row[0], row[1], row[2], json.loads(row[3])) for row in await owner.fetch(EVENTS, brand)]


def reminders(events: Iterable[Happened]) -> list[Reminder]:
    """Who was reminded of what."""
    return [
        Reminder(told["registration_id"], told["reminder"], told["session_version"], told["scheduled_at"])
        for told in (event.payload for event in events if event.name == "live.registration.reminder_due.v1")
    ]


def faults(events: Iterable[Happened]) -> list[str]:
    """A reminder of a time that the session did not have, or of one that was not to come, or to somebody without a seat; and
    what was told twice of one time."""
    found: list[str] = []
    times: dict[UUID, tuple[str, int]] = {}
    seated: set[str] = set()
    told: Counter[tuple[object, ...]] = Counter()
    for event in events:
        registration = str(event.payload.get("registration_id"))
        match event.name:
            case name if name in SETS_TIME:
                times[event.session] = (event.payload[SETS_TIME[name]], event.version)
            case name if name in CLOSES:
                times.pop(event.session, None)
            case "live.registration.created.v1" | "live.registration.promoted.v1":
                seated.add(registration)
            case "live.registration.cancelled.v1" | "live.registration.removed.v1":
                seated.discard(registration)
            case "live.registration.reminder_due.v1":
                is_of = (event.payload["scheduled_at"], event.payload["session_version"])
                if times.get(event.session) != is_of:
                    found.append(f"reminded of {is_of}, and the session had {times.get(event.session)}")
                if registration not in seated:
                    found.append(f"{registration} was reminded and has no seat")
                told[event.name, registration, event.payload["reminder"], is_of[1]] += 1
            case name if name in ONCE:
                told[name, event.session, times.get(event.session)] += 1
    return found + [f"{count} times: {what}" for what, count in told.items() if count > 1]
