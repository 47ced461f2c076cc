"""What the service decides with no database: whom to register, what a transaction may hold, what an outcome means."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import UNSET

from greenroom.identity.caller import Caller
from greenroom.identity.scopes import scopes_in
from greenroom.kit.errors import (
    AlreadyRegistered,
    AtCapacity,
    Conflict,
    Forbidden,
    GreenroomError,
    IdempotencyKeyPayloadMismatch,
    InvalidStatus,
    NotFound,
    NotJoinable,
    ValidationFailed,
)
from greenroom.kit.idempotency import IdempotencyKey
from greenroom.kit.ids import BrandId, ClientId, RequestId, UserId, new_id
from greenroom.kit.wire import EmailAddress
from greenroom.registrations.kept import KeptRegistration
from greenroom.registrations.queries import Cancelling, Guest, Outcome, Registering
from greenroom.registrations.schemas import RegisterRequest, Role
from greenroom.registrations.service import Answered, Linkable, answer_to, claims_of, guest_to_link, registering_of
from greenroom.sessions.kept import Kept

REQUEST = RequestId("request-7")
KEY = IdempotencyKey(scope=b"scope", lock=1, body_hash=b"hash")
EMAIL = EmailAddress("Ada@Example.com")
SESSION = new_id()


def caller(user: str = "ada", *, scope: str = "write:live") -> Caller:
    return Caller(user=UserId(user), client=ClientId("test"), brand=BrandId("acme"), scopes=scopes_in(scope))


def decided(by: Caller | None = None, *, key: IdempotencyKey | None = None, **fields: Any) -> Registering:
    """Whom a request with these fields registers."""
    wanted = RegisterRequest(**{name: UNSET if value is None else value for name, value in fields.items()})
    return registering_of(wanted, by=by or caller(), request_id=REQUEST, key=key)


def kept(**fields: Any) -> KeptRegistration:
    usual = KeptRegistration(
        id=new_id(),
        session_id=SESSION,
        user_id="ada",
        guest_email=None,
        role="participant",
        status="registered",
        position=1,
        registered_at="2026-11-23 09:00:00+00",
        promoted_at=None,
        cancelled_at=None,
        is_removed=False,
    )
    return msgspec.structs.replace(usual, **fields)


def test_nobody_named_is_the_caller() -> None:
    it = decided(caller("ada"), key=KEY)
    assert (it.user, it.guest_email, it.role, it.needs, it.waits) == ("ada", None, "participant", None, False)
    assert (it.by.user, it.request_id, it.key) == ("ada", REQUEST, KEY)


def test_ids_are_made_beforehand_and_are_nobody_elses() -> None:
    one, other = decided(), decided()
    assert len({one.id, one.event_id, other.id, other.event_id}) == 4
    assert {made.version for made in (one.id, one.event_id)} == {7}


@pytest.mark.parametrize(("fields", "needs"), [
    ({}, None),
    ({"patient_id": "ada"}, None),
    ({"role": "participant"}, None),
    ({"role": "guest"}, None),
    ({"patient_id": "Ada"}, "manages"),
    ({"patient_id": "bob"}, "manages"),
    ({"role": "host"}, "manages"),
    ({"patient_id": "ada", "role": "host"}, "manages"),
    ({"guest_email": EMAIL}, "hosts"),
    ({"guest_email": EMAIL, "role": "participant"}, "hosts"),
    ({"guest_email": EMAIL, "role": "host"}, "manages"),
], ids=str)  # fmt: skip
def test_what_the_caller_must_be(fields: dict[str, Any], needs: str | None) -> None:
    assert decided(caller("ada"), **fields).needs == needs


def test_the_database_judges_managers_too() -> None:
    it = decided(caller("manager", scope="manage:live"), patient_id="bob")
    assert (it.user, it.by.user, it.by.manages, it.needs) == ("bob", "manager", True, "manages")


def test_a_guest_is_named_by_the_registration() -> None:
    it = decided(guest_email=EMAIL)
    assert (it.user, it.guest_email, it.role) == (f"guest:{it.id}", "Ada@Example.com", "guest")
    assert type(it.guest_email) is str


@pytest.mark.parametrize("role", ["host", "participant", "guest"])
def test_a_role_that_was_sent_is_the_role(role: Role) -> None:
    assert decided(role=role).role == decided(guest_email=EMAIL, role=role).role == role


@pytest.mark.parametrize("patient", ["ada", "bob"])
def test_nobody_is_a_patient_and_a_guest(patient: str) -> None:
    with pytest.raises(ValidationFailed, match=r"^patient_id and guest_email: expected one of them, or neither\.$"):
        decided(patient_id=patient, guest_email=EMAIL)


def cancelling(user: str) -> Cancelling:
    return Cancelling(by=caller(user), request_id=REQUEST, event_id=new_id())


def share(one: Registering | Cancelling, other: Registering | Cancelling) -> bool:
    """Whether the two may not stand in one transaction."""
    return not set(claims_of(one)).isdisjoint(claims_of(other))


def test_one_person_stands_in_a_transaction_once() -> None:
    manager = caller("manager", scope="manage:live")
    assert share(decided(caller("ada")), decided(manager, patient_id="ada"))
    assert share(decided(caller("ada"), key=KEY), decided(caller("ada")))
    assert share(cancelling("ada"), cancelling("ada"))


def test_two_people_share_a_transaction() -> None:
    manager = caller("manager", scope="manage:live")
    assert not share(decided(caller("ada")), decided(caller("bob")))
    assert not share(decided(manager, patient_id="ada"), decided(manager, patient_id="bob"))
    assert not share(cancelling("ada"), cancelling("bob"))


def test_a_guest_stands_in_a_transaction_once_in_whatever_case() -> None:
    assert share(decided(guest_email=EMAIL), decided(guest_email=EmailAddress("ADA@example.COM")))
    assert not share(decided(guest_email=EMAIL), decided(guest_email=EmailAddress("bob@example.com")))


def test_an_address_is_no_users_name() -> None:
    named = decided(caller("ada@example.com"))
    assert not share(named, decided(guest_email=EmailAddress("ada@example.com")))


def test_a_key_stands_in_a_transaction_once() -> None:
    manager = caller("manager", scope="manage:live")
    one, other = decided(manager, key=KEY, patient_id="ada"), decided(manager, key=KEY, patient_id="bob")
    assert share(one, other)
    assert share(one, decided(manager, key=KEY, guest_email=EMAIL))
    another = msgspec.structs.replace(KEY, scope=b"another")
    assert not share(one, decided(manager, key=another, patient_id="bob"))


@pytest.mark.parametrize("how", ["created", "unchanged", "left", "removed", "allowed"])
def test_what_was_done_is_answered_with_the_registration(how: str) -> None:
    registration = kept()
    assert answer_to(Outcome(how, registration)) == Answered(registration, replayed=False)


def test_what_was_answered_before_is_marked_so() -> None:
    registration = kept()
    assert answer_to(Outcome("replayed", registration)) == Answered(registration, replayed=True)


@pytest.mark.parametrize(("how", "error"), [
    ("already", AlreadyRegistered), ("at_capacity", AtCapacity), ("barred", Forbidden), ("no_registration", NotFound),
    ("not_found", NotFound), ("forbidden", Forbidden), ("not_manager", Forbidden), ("invalid_status", InvalidStatus),
    ("key_in_progress", Conflict), ("key_mismatch", IdempotencyKeyPayloadMismatch),
])  # fmt: skip
@pytest.mark.parametrize("shown", [None, kept()], ids=["without a row", "with a row"])
def test_what_was_not_done_is_its_error(how: str, error: type[GreenroomError], shown: KeptRegistration | None) -> None:
    with pytest.raises(error) as raised:
        answer_to(Outcome(how, shown))
    assert type(raised.value) is error


def test_an_outcome_without_its_registration_is_a_fault_of_ours() -> None:
    with pytest.raises(AssertionError, match="created"):
        answer_to(Outcome("created", None))


def guest(*, by: str | None = "assistant", **fields: Any) -> Guest:
    """A guest of host_1's session, with host_2 as its co-host, whom somebody has registered."""
    invited = kept(user_id="guest:1", guest_email="ada@example.com", role="guest", **fields)
    return Guest(session(), ["host_2"], by, invited, None)


def session() -> Kept:
    blank: dict[str, Any] = dict.fromkeys(Kept.__struct_fields__)
    return Kept(**{**blank, "id": SESSION, "host_id": "host_1", "scheduled_at": "2027-03-01 17:00:00.25+00"})


@pytest.mark.parametrize("by", [
    caller("host_1"), caller("host_2"), caller("assistant"), caller("manager", scope="manage:live"),
    caller("admin", scope="admin:live"),
], ids=lambda by: by.user)  # fmt: skip
def test_who_hosts_or_registered_the_guest_may_give_a_link(by: Caller) -> None:
    found = guest()
    assert found.registration is not None
    linkable = guest_to_link(found, by)
    assert linkable == Linkable(found.registration.id, linkable.scheduled_at)
    assert linkable.scheduled_at.isoformat() == "2027-03-01T17:00:00.250000+00:00"


@pytest.mark.parametrize("by", [None, "assistant", "host_2"])
def test_nobody_else_may_give_a_link(by: str | None) -> None:
    with pytest.raises(Forbidden):
        guest_to_link(guest(by=by), caller("stranger"))


def nobody() -> Guest:
    return Guest(session(), ["host_2"], None, None, None)


def test_that_there_is_no_such_guest_is_told_to_hosts_alone() -> None:
    with pytest.raises(NotFound):
        guest_to_link(nobody(), caller("host_2"))
    with pytest.raises(Forbidden):
        guest_to_link(nobody(), caller("stranger"))


def test_no_session_is_not_found() -> None:
    with pytest.raises(NotFound):
        guest_to_link(None, caller("manager", scope="manage:live"))


def test_who_has_an_account_gets_no_link() -> None:
    with pytest.raises(NotJoinable, match="account"):
        guest_to_link(Guest(session(), [], "ada", kept(), None), caller("host_1"))


def test_a_cancelled_registration_gets_no_link() -> None:
    with pytest.raises(NotJoinable, match="cancelled"):
        guest_to_link(guest(status="cancelled"), caller("host_1"))


def test_a_guest_in_line_may_have_a_link() -> None:
    assert isinstance(guest_to_link(guest(status="waitlist"), caller("host_1")).registration, UUID)
