"""The operations of registrations: pure decisions around one call of queries."""

from collections.abc import Hashable, Sequence
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct, UnsetType

from greenroom.identity.caller import Caller
from greenroom.kit.clock import wire_time
from greenroom.kit.database import Database
from greenroom.kit.errors import (
    AlreadyRegistered,
    AtCapacity,
    Forbidden,
    NotFound,
    NotJoinable,
    ValidationFailed,
)
from greenroom.kit.idempotency import IdempotencyKey
from greenroom.kit.ids import BrandId, RequestId, SessionId, UserId, new_id, parse_id
from greenroom.kit.lane import Lanes
from greenroom.kit.pagination import Cursors
from greenroom.registrations import queries
from greenroom.registrations.kept import KeptRegistration, as_own
from greenroom.registrations.links import PATH, Ticket, Tickets, expiry
from greenroom.registrations.queries import Cancelling, Guest, HostsAct, Needs, Outcome, Registering
from greenroom.registrations.schemas import GuestView, OwnRegistration, RegisterRequest, RegistrationLink
from greenroom.sessions.kept import as_session
from greenroom.sessions.service import brand_of, known_id_in, refuse_unless_done

Change = Registering | Cancelling
HotRow = tuple[BrandId, SessionId]


class Answered(Struct, frozen=True):
    """A registration, and whether the answer is one that was given before."""

    registration: KeptRegistration
    replayed: bool = False


class Registrations:
    """Registrations for all requests of a process: those for one session share transactions."""

    def __init__(self, db: Database, cursors: Cursors, tickets: Tickets, *, public_url: str | None) -> None:
        self.db = db
        self.cursors = cursors
        self.tickets = tickets
        self.public_url = public_url
        self.lanes: Lanes[HotRow, Change, Outcome] = Lanes(
            self._carry, kind=type, claims=claims_of, under_way=lambda outcome: outcome.how == "key_in_progress"
        )

    async def _carry(self, row: HotRow, changes: Sequence[Change]) -> Sequence[Outcome]:
        """One transaction; asked again, it does nothing twice: see register_v1, cancel_registrations_v1."""
        if registering := [one for one in changes if isinstance(one, Registering)]:
            return await queries.register(self.db, *row, registering)
        return await queries.cancel(self.db, *row, [one for one in changes if isinstance(one, Cancelling)])


async def register_caller(
    there: Registrations, caller: Caller, session_id: str, *, request_id: RequestId, key: IdempotencyKey | None
) -> Answered:
    """Give the caller a seat, else a place in line. Twice is the same registration.

    Raises NotFound, Forbidden, InvalidStatus, AtCapacity (live and full), Conflict, IdempotencyKeyPayloadMismatch.
    """
    wanted = Registering(
        id=new_id(),
        user=caller.user,
        guest_email=None,
        role="participant",
        waits=True,
        needs=None,
        by=caller,
        request_id=request_id,
        event_id=new_id(),
        key=key,
    )
    return await _registered(there, caller, session_id, wanted)


async def register(
    there: Registrations,
    caller: Caller,
    session_id: str,
    wanted: RegisterRequest,
    *,
    request_id: RequestId,
    key: IdempotencyKey | None,
) -> Answered:
    """Give somebody a seat, now or not at all.

    Raises ValidationFailed, NotFound, Forbidden, AlreadyRegistered, InvalidStatus, AtCapacity, Conflict,
    IdempotencyKeyPayloadMismatch.
    """
    registering = registering_of(wanted, by=caller, request_id=request_id, key=key)
    return await _registered(there, caller, session_id, registering)


class Standing(Struct, frozen=True):
    """How somebody stands to a session: with a seat, in line, or with neither; and whether a host has removed them."""

    registration: OwnRegistration | None
    is_removed: bool


async def standing(there: Registrations, caller: Caller, session_id: str) -> Standing:
    """How the caller stands to the session. Raises NotFound."""
    known_id = known_id_in(session_id)
    found = await queries.of_person(there.db, await brand_of(there.db, caller, known_id), known_id, caller.user)
    if found is None:
        raise NotFound("There is no such session.")
    if found.registration is None:
        return Standing(None, is_removed=False)
    return Standing(as_own(found.registration, found.waitlist_position), found.registration.is_removed)


async def own(there: Registrations, caller: Caller, session_id: str) -> OwnRegistration:
    """The caller's registration, the last one if it was cancelled. Raises NotFound."""
    known_id = known_id_in(session_id)
    found = await queries.of_person(there.db, await brand_of(there.db, caller, known_id), known_id, caller.user)
    if found is None:
        raise NotFound("There is no such session.")
    if found.registration is None:
        raise NotFound("You have not registered for this session.")
    return as_own(found.registration, found.waitlist_position)


async def cancel(there: Registrations, caller: Caller, session_id: str, *, request_id: RequestId) -> OwnRegistration:
    """Give up the caller's seat or place in line; the next in line moves up. Twice is once.

    Raises NotFound, InvalidStatus (ended).
    """
    known_id = known_id_in(session_id)
    row = (await brand_of(there.db, caller, known_id), known_id)
    outcome = await there.lanes.send(row, Cancelling(by=caller, request_id=request_id, event_id=new_id()))
    return as_own(answer_to(outcome).registration, None)


async def remove(
    there: Registrations, caller: Caller, session_id: str, registration_id: str, *, request_id: RequestId
) -> KeptRegistration:
    """Take somebody's seat or place in line, who may not register again until allowed.

    Raises NotFound, Forbidden, InvalidStatus (ended).
    """
    act = await _hosts_act(there.db, caller, session_id, registration_id, request_id=request_id)
    return answer_to(await queries.remove(there.db, act)).registration


async def allow(
    there: Registrations,
    caller: Caller,
    session_id: str,
    registration_id: str,
    *,
    request_id: RequestId,
    key: IdempotencyKey | None,
) -> Answered:
    """Let somebody register again who was removed. Raises NotFound, Forbidden, Conflict, IdempotencyKeyPayloadMismatch."""
    act = await _hosts_act(there.db, caller, session_id, registration_id, request_id=request_id)
    return answer_to(await queries.allow(there.db, act, key))


async def link(
    there: Registrations, caller: Caller, session_id: str, registration_id: str, *, address: str
) -> RegistrationLink:
    """A link for a guest; `address` is where we were asked. Raises NotFound, Forbidden, NotJoinable."""
    known_id = known_id_in(session_id)
    brand = await brand_of(there.db, caller, known_id)
    guest = await queries.guest(there.db, brand, known_id, _registration_id_in(registration_id))
    now = datetime.now(UTC)
    kept = guest_to_link(guest, caller)
    expires_at = expiry(kept.scheduled_at, now=now)
    ticket = there.tickets.write(Ticket(brand, known_id, kept.registration, expires_at))
    return RegistrationLink(url=f"{there.public_url or address}{PATH}{ticket}", expires_at=wire_time(expires_at))


async def guest_view(there: Registrations, ticket_text: str) -> GuestView:
    """What a guest's link shows. Raises InvalidToken, NotFound."""
    ticket = there.tickets.read(ticket_text, now=datetime.now(UTC))
    guest = await queries.guest(there.db, ticket.brand, ticket.session, ticket.registration)
    if guest is None or guest.registration is None:
        raise NotFound("There is no such registration.")
    return GuestView(registration=as_own(guest.registration, guest.waitlist_position), session=as_session(guest.session))


def registering_of(wanted: RegisterRequest, *, by: Caller, request_id: RequestId, key: IdempotencyKey | None) -> Registering:
    """Whom to register, and what the caller must be for it. Raises ValidationFailed."""
    is_guest = not isinstance(wanted.guest_email, UnsetType)
    if is_guest and not isinstance(wanted.patient_id, UnsetType):
        raise ValidationFailed("patient_id and guest_email: expected one of them, or neither.")
    usual: Literal["guest", "participant"] = "guest" if is_guest else "participant"
    role = usual if isinstance(wanted.role, UnsetType) else wanted.role
    user = by.user if isinstance(wanted.patient_id, UnsetType) else UserId(wanted.patient_id)
    known_id = new_id()
    needs: Needs | None = None
    if role == "host" or user != by.user:
        needs = "manages"
    elif is_guest:
        needs = "hosts"
    return Registering(
        id=known_id,
        user=UserId(f"guest:{known_id}") if is_guest else user,
        guest_email=None if isinstance(wanted.guest_email, UnsetType) else str(wanted.guest_email),
        role=role,
        waits=False,
        needs=needs,
        by=by,
        request_id=request_id,
        event_id=new_id(),
        key=key,
    )


def claims_of(change: Change) -> Sequence[Hashable]:
    """What no two changes of a transaction may share: the person, and the idempotency key."""
    match change:
        case Cancelling(by=by):
            return (by.user,)
        case Registering(user=user, guest_email=None, key=None):
            return (user,)
        case Registering(user=user, guest_email=email, key=key):
            person: Hashable = user if email is None else ("mailto", email.lower())
            return (person,) if key is None else (person, key.scope)


def answer_to(outcome: Outcome) -> Answered:
    """The registration, or the error that the outcome is."""
    match outcome.how:
        case "already":
            raise AlreadyRegistered
        case "at_capacity":
            raise AtCapacity
        case "not_manager":
            raise Forbidden(
                "patient_id: expected your own id; role: expected participant or guest. manage:live may name others."
            )
        case "barred":
            raise Forbidden("A host has removed this person from the session; a host may allow them again.")
        case "no_registration":
            raise NotFound("There is no such registration.")
    refuse_unless_done(outcome.how)
    if outcome.registration is None:
        raise AssertionError(f"{outcome.how} comes with a registration")
    return Answered(outcome.registration, replayed=outcome.how == "replayed")


class Linkable(Struct, frozen=True):
    """A registration that a link may lead to, and when it begins."""

    registration: UUID
    scheduled_at: datetime


def guest_to_link(guest: Guest | None, caller: Caller) -> Linkable:
    """Whom the caller may give a link. Raises NotFound, Forbidden, NotJoinable."""
    if guest is None:
        raise NotFound("There is no such session.")
    hosts = caller.manages or caller.user == guest.session.host_id or caller.user in guest.co_hosts
    if not hosts and (guest.registration is None or guest.registered_by != caller.user):
        raise Forbidden("Only who registered the guest, the session's host, a co-host or manage:live may do this.")
    if guest.registration is None:
        raise NotFound("There is no such registration.")
    if guest.registration.guest_email is None:
        raise NotJoinable("This registration is of somebody with an account, who needs no link.")
    if guest.registration.status == "cancelled":
        raise NotJoinable("This registration was cancelled.")
    return Linkable(guest.registration.id, datetime.fromisoformat(guest.session.scheduled_at))


async def _registered(there: Registrations, caller: Caller, session_id: str, wanted: Registering) -> Answered:
    known_id = known_id_in(session_id)
    outcome = await there.lanes.send((await brand_of(there.db, caller, known_id), known_id), wanted)
    answered = answer_to(outcome)
    if answered.replayed and answered.registration.id == wanted.id:  # our own, found again after a lost COMMIT
        return Answered(answered.registration)
    return answered


async def _hosts_act(db: Database, caller: Caller, session_id: str, registration_id: str, *, request_id: RequestId) -> HostsAct:
    known_id = known_id_in(session_id)
    return HostsAct(
        session=known_id,
        brand=await brand_of(db, caller, known_id),
        registration=_registration_id_in(registration_id),
        by=caller,
        request_id=request_id,
        event_id=new_id(),
    )


def _registration_id_in(text: str) -> UUID:
    """The id; for a text that can be nobody's, one that nobody has, so that who may not ask learns nothing of it."""
    return parse_id(text) or UUID(int=0)
