"""What a calendar shows, as the rows say it, and that as an entry."""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from greenroom.calendar.entries import USUAL_DURATION, Attendee, Entry, Standing
from greenroom.registrations.schemas import RegistrationStatus
from greenroom.sessions.schemas import Status

STANDINGS: dict[RegistrationStatus, Standing] = {"registered": "ACCEPTED", "waitlist": "TENTATIVE", "cancelled": "DECLINED"}


class KeptEntry(Struct, frozen=True, gc=False):
    """A session, and somebody's registration for it, if any. Times are the database's text."""

    session_id: UUID
    title: str
    description: str | None
    scheduled_at: str
    duration_minutes: int | None
    status: Status
    calendar_sequence: int
    updated_at: str
    registration_id: UUID | None
    registration_status: RegistrationStatus | None
    registration_version: int | None
    registration_changed_at: str | None
    guest_email: str | None


class Publisher(Struct, frozen=True):
    """Who publishes the entries: the organizer's address, and where the service is reached, if that is known."""

    organizer: str
    public_url: str | None


def as_entry(kept: KeptEntry, by: Publisher) -> Entry:
    """The rows as one person's entry. Both of the numbers that make its SEQUENCE only rise, and so does their sum.

    Of all people an address is known of guests alone, and an ATTENDEE is nobody without one (RFC 5545, section 3.3.3):
    the others' entries have none.
    """
    standing = None if kept.registration_status is None else STANDINGS[kept.registration_status]
    changes = [datetime.fromisoformat(at) for at in (kept.updated_at, kept.registration_changed_at) if at is not None]
    return Entry(
        uid=str(kept.registration_id or kept.session_id),
        sequence=kept.calendar_sequence + (kept.registration_version or 0),
        title=kept.title,
        description=kept.description,
        starts_at=datetime.fromisoformat(kept.scheduled_at),
        duration=USUAL_DURATION if kept.duration_minutes is None else timedelta(minutes=kept.duration_minutes),
        is_held=kept.status != "cancelled" and kept.registration_status != "cancelled",
        is_certain=kept.registration_status != "waitlist",
        changed_at=max(changes),
        organizer=by.organizer,
        attendee=None if kept.guest_email is None or standing is None else Attendee(email=kept.guest_email, standing=standing),
        url=None if by.public_url is None else f"{by.public_url}/v1/sessions/{kept.session_id}",
    )
