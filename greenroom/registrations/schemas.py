"""The wire of registrations. Source: contract, /v1/sessions/{id}/register and /registrations."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from greenroom.kit.wire import EmailAddress
from greenroom.sessions.schemas import Cursor, Limit, Name, Session, WireTime, said

Role = Literal["host", "participant", "guest"]
RegistrationStatus = Literal["registered", "waitlist", "cancelled"]

IdField = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
RoleField = Annotated[Role, Meta(description="host, participant or guest")]
StatusField = Annotated[RegistrationStatus, Meta(description="registered, waitlist or cancelled")]
GuestEmail = Annotated[EmailAddress, Meta(description="an e-mail address of at most 254 characters in ASCII")]
LinePosition = Annotated[int | None, Meta(description="1 is next. Null for who is not in the line.")]
Place = Annotated[int, Meta(description="The order in which people came, from 1 on; cancelled registrations keep theirs.")]


class RegisterRequest(Struct, frozen=True, kw_only=True):
    """Whom to register: a user, a guest by e-mail, or with neither the caller."""

    patient_id: Name | UnsetType = UNSET
    guest_email: GuestEmail | UnsetType = UNSET
    role: RoleField | UnsetType = UNSET


class SeatTaken(Struct, frozen=True, kw_only=True):
    """A registration that has a seat."""

    id: IdField
    session_id: IdField
    patient_id: str | None
    guest_email: str | None
    role: Role
    registered_at: WireTime


class Registration(Struct, frozen=True, gc=False):
    """A registration of the caller: a seat, or a place in line."""

    id: IdField
    session_id: IdField
    user_id: str
    status: RegistrationStatus
    registered_at: WireTime
    cancelled_at: WireTime | None


class OwnRegistration(Struct, frozen=True, kw_only=True):
    """A registration as the person sees it."""

    id: IdField
    session_id: IdField
    user_id: str
    role: Role
    status: RegistrationStatus
    waitlist_position: LinePosition
    registered_at: WireTime
    promoted_at: WireTime | None
    cancelled_at: WireTime | None


class MyRegistration(OwnRegistration, frozen=True, kw_only=True):
    """A registration of the caller's, and what it is for."""

    session: Session


class MyRegistrations(Struct, frozen=True, kw_only=True):
    """A page of the caller's registrations; `next_cursor` begins the next one, and is null on the last."""

    registrations: list[MyRegistration]
    next_cursor: str | None


class HostRegistration(Struct, frozen=True, kw_only=True):
    """A registration as hosts see it."""

    id: IdField
    session_id: IdField
    user_id: str
    guest_email: str | None
    role: Role
    status: RegistrationStatus
    position: Place
    registered_at: WireTime
    promoted_at: WireTime | None
    cancelled_at: WireTime | None
    is_removed: Annotated[bool, Meta(description="Removed by a host, and not able to register again until allowed.")]


class RegistrationCounts(Struct, frozen=True, kw_only=True):
    """How many there are of each status, whatever the filter."""

    registered: int
    waitlist: int
    cancelled: int


class RegistrationList(Struct, frozen=True, kw_only=True):
    """A page of a session's registrations; `next_cursor` begins the next one, and is null on the last."""

    registrations: list[HostRegistration]
    counts: RegistrationCounts
    next_cursor: str | None


class AdminRegistration(Struct, frozen=True, kw_only=True):
    """A registration as administrators see it."""

    id: IdField
    session_id: IdField
    user_id: str
    status: RegistrationStatus
    registered_at: WireTime


class AdminRegistrationList(Struct, frozen=True, kw_only=True):
    """A session's registrations, in the order in which people came."""

    registrations: list[AdminRegistration]
    total: Annotated[int, Meta(description="How many there are that the filter lets pass, on this page and others.")]


class RegistrationLink(Struct, frozen=True, kw_only=True):
    """A link for a guest, who needs no account to open it."""

    url: str
    expires_at: WireTime


class GuestView(Struct, frozen=True, kw_only=True):
    """What a guest's link shows."""

    registration: OwnRegistration
    session: Session


class MyRegistrationFilters(Struct, frozen=True, kw_only=True):
    """Which page of the caller's registrations."""

    cursor: Annotated[Cursor, said("The next_cursor of the page before.")] | UnsetType = UNSET
    limit: (
        Annotated[Limit, said("How many registrations a page may have: 20 when absent, 100 when larger than that.")] | UnsetType
    ) = UNSET


class RegistrationFilters(Struct, frozen=True, kw_only=True):
    """Which registrations to list."""

    status: Annotated[StatusField, said("Of this status.")] | UnsetType = UNSET
    cursor: Annotated[Cursor, said("The next_cursor of the page before; the filter must be that of that page.")] | UnsetType = (
        UNSET
    )
    limit: (
        Annotated[Limit, said("How many registrations a page may have: 20 when absent, 100 when larger than that.")] | UnsetType
    ) = UNSET


class AdminRegistrationFilters(Struct, frozen=True, kw_only=True):
    """Which registrations to list: all of them, unless a page is asked for."""

    status: Annotated[StatusField, said("Of this status.")] | UnsetType = UNSET
    cursor: Annotated[Cursor, said("From the Link of the page before; the filter must be that of that page.")] | UnsetType = (
        UNSET
    )
    limit: (
        Annotated[Limit, said("How many registrations a page may have, at most 100. Absent, without a cursor: all.")]
        | UnsetType
    ) = UNSET

    @property
    def asks_for_page(self) -> bool:
        """Whether not all are wanted at once."""
        return not (isinstance(self.cursor, UnsetType) and isinstance(self.limit, UnsetType))
