"""A registration as its row says, and that row as the wire shows it."""

from uuid import UUID

from msgspec import Struct

from greenroom.kit.clock import wire_text
from greenroom.registrations.schemas import (
    AdminRegistration,
    HostRegistration,
    OwnRegistration,
    Registration,
    RegistrationStatus,
    Role,
    SeatTaken,
)


class KeptRegistration(Struct, frozen=True, gc=False):
    """A registration as its row says. Times are the database's text."""

    id: UUID
    session_id: UUID
    user_id: str
    guest_email: str | None
    role: Role
    status: RegistrationStatus
    position: int
    registered_at: str
    promoted_at: str | None
    cancelled_at: str | None
    is_removed: bool


def as_registration(kept: KeptRegistration) -> Registration:
    """The row as the contract's POST registrations shows it."""
    return Registration(
        str(kept.id),
        str(kept.session_id),
        kept.user_id,
        kept.status,
        wire_text(kept.registered_at),
        _time(kept.cancelled_at),
    )


def as_seat_taken(kept: KeptRegistration) -> SeatTaken:
    """The row as the contract's POST register shows it: a guest is no patient."""
    return SeatTaken(
        id=str(kept.id),
        session_id=str(kept.session_id),
        patient_id=kept.user_id if kept.guest_email is None else None,
        guest_email=kept.guest_email,
        role=kept.role,
        registered_at=wire_text(kept.registered_at),
    )


def as_own(kept: KeptRegistration, waitlist_position: int | None) -> OwnRegistration:
    """The row as the person sees it."""
    return OwnRegistration(
        id=str(kept.id),
        session_id=str(kept.session_id),
        user_id=kept.user_id,
        role=kept.role,
        status=kept.status,
        waitlist_position=waitlist_position,
        registered_at=wire_text(kept.registered_at),
        promoted_at=_time(kept.promoted_at),
        cancelled_at=_time(kept.cancelled_at),
    )


def as_hosts_see(kept: KeptRegistration) -> HostRegistration:
    """The row as hosts see it."""
    return HostRegistration(
        id=str(kept.id),
        session_id=str(kept.session_id),
        user_id=kept.user_id,
        guest_email=kept.guest_email,
        role=kept.role,
        status=kept.status,
        position=kept.position,
        registered_at=wire_text(kept.registered_at),
        promoted_at=_time(kept.promoted_at),
        cancelled_at=_time(kept.cancelled_at),
        is_removed=kept.is_removed,
    )


def as_admins_see(kept: KeptRegistration) -> AdminRegistration:
    """The row as the contract's list shows it."""
    return AdminRegistration(
        id=str(kept.id),
        session_id=str(kept.session_id),
        user_id=kept.user_id,
        status=kept.status,
        registered_at=wire_text(kept.registered_at),
    )


def _time(stored: str | None) -> str | None:
    return None if stored is None else wire_text(stored)
