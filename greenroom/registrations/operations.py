"""What the operations of registrations say of themselves in the OpenAPI document. Source: contract, /v1/sessions/{id}."""

from typing import Any

from greenroom.identity.scopes import ADMIN_LIVE, READ_LIVE, WRITE_LIVE
from greenroom.kit.errors import (
    AlreadyRegistered,
    AtCapacity,
    Conflict,
    IdempotencyKeyPayloadMismatch,
    InvalidStatus,
    InvalidToken,
    NotFound,
    NotJoinable,
    PayloadTooLarge,
    ValidationFailed,
)
from greenroom.kit.http.operation import AnswerShape, Link, Operation, Parameter
from greenroom.kit.http.spreadsheet import CSV
from greenroom.registrations.schemas import (
    AdminRegistrationFilters,
    AdminRegistrationList,
    GuestView,
    HostRegistration,
    MyRegistrationFilters,
    MyRegistrations,
    OwnRegistration,
    RegisterRequest,
    Registration,
    RegistrationFilters,
    RegistrationLink,
    RegistrationList,
    SeatTaken,
)
from greenroom.sessions.operations import BRAND, ID, IDEMPOTENCY_KEY, NEXT, REPLAYED, SESSION_EXAMPLE

TAG = "registrations"

REGISTRATION_ID = Parameter(
    name="registration_id",
    location="path",
    description="The registration's id: a UUID in its canonical form, in any case. Anything else is a 404.",
    schema={"type": "string"},
    example="0199c8a0-5d10-7a44-8c7e-0d6f2b9a1c33",
)
TICKET = Parameter(
    name="ticket",
    location="path",
    description="What a guest's link ends with.",
    schema={"type": "string"},
    example="AAAAAGmP",
)

_IDS = {"id": REGISTRATION_ID.example, "session_id": SESSION_EXAMPLE["id"]}
REGISTRATION_EXAMPLE: dict[str, Any] = {
    **_IDS,
    "user_id": "participant_1",
    "status": "registered",
    "registered_at": "2026-11-23T10:00:00.000Z",
    "cancelled_at": None,
}
OWN_EXAMPLE: dict[str, Any] = {
    **_IDS,
    "user_id": "participant_1",
    "role": "participant",
    "status": "waitlist",
    "waitlist_position": 3,
    "registered_at": "2026-11-23T10:00:00.000Z",
    "promoted_at": None,
    "cancelled_at": None,
}
HOST_EXAMPLE: dict[str, Any] = {
    **_IDS,
    "user_id": "participant_1",
    "guest_email": None,
    "role": "participant",
    "status": "registered",
    "position": 12,
    "registered_at": "2026-11-23T10:00:00.000Z",
    "promoted_at": None,
    "cancelled_at": None,
    "is_removed": False,
}


def _registration_at(pointer: str) -> tuple[Link, ...]:
    """What can be asked next of the registration that stands there in an answer's body."""
    return Link(parameter=ID, pointer=f"{pointer}/session_id"), Link(parameter=REGISTRATION_ID, pointer=f"{pointer}/id")


_OF_A_POST = (ValidationFailed, NotFound, Conflict, IdempotencyKeyPayloadMismatch, PayloadTooLarge)

REGISTER_CALLER = Operation(
    id="registerMe",
    at="POST /v1/sessions/{id}/registrations",
    summary="Register the authenticated user for a live session (waitlist if at capacity)",
    tag=TAG,
    scope=WRITE_LIVE,
    limit="writes",
    parameters=(ID, BRAND, IDEMPOTENCY_KEY),
    answers={
        201: AnswerShape(
            description="Registered or waitlisted",
            schema=Registration,
            example=REGISTRATION_EXAMPLE,
            headers=REPLAYED,
            links=_registration_at(""),
        )
    },
    raises=(*_OF_A_POST, InvalidStatus, AtCapacity),
)

REGISTER = Operation(
    id="register",
    at="POST /v1/sessions/{id}/register",
    summary="Register for a live session",
    tag=TAG,
    scope=WRITE_LIVE,
    limit="writes",
    parameters=(ID, BRAND, IDEMPOTENCY_KEY),
    body=RegisterRequest,
    body_example={"role": "participant"},
    answers={
        201: AnswerShape(
            description="Registration created",
            schema=SeatTaken,
            example={
                **_IDS,
                "patient_id": "participant_1",
                "guest_email": None,
                "role": "participant",
                "registered_at": "2026-11-23T10:00:00.000Z",
            },
            headers=REPLAYED,
            links=_registration_at(""),
        )
    },
    raises=(*_OF_A_POST, AlreadyRegistered, InvalidStatus, AtCapacity),
)

GET_OWN = Operation(
    id="getMyRegistration",
    at="GET /v1/sessions/{id}/registrations/me",
    summary="One's own registration, with the place in line",
    tag=TAG,
    scope=READ_LIVE,
    parameters=(ID, BRAND),
    answers={200: AnswerShape(description="The registration", schema=OwnRegistration, example=OWN_EXAMPLE)},
    raises=(NotFound,),
)

CANCEL = Operation(
    id="cancelMyRegistration",
    at="DELETE /v1/sessions/{id}/registrations/me",
    summary="Give up one's own seat or place in line",
    tag=TAG,
    scope=WRITE_LIVE,
    limit="writes",
    parameters=(ID, BRAND),
    answers={
        200: AnswerShape(
            description="The registration, cancelled now or before",
            schema=OwnRegistration,
            example={
                **OWN_EXAMPLE,
                "status": "cancelled",
                "waitlist_position": None,
                "cancelled_at": "2026-11-24T08:00:00.000Z",
            },
        )
    },
    raises=(NotFound, InvalidStatus),
)

LIST_MINE = Operation(
    id="listMyRegistrations",
    at="GET /v1/me/registrations",
    summary="What one is registered for, those to come first",
    tag=TAG,
    scope=READ_LIVE,
    parameters=(BRAND,),
    query=MyRegistrationFilters,
    answers={
        200: AnswerShape(
            description="Seats and places in line, with their sessions",
            schema=MyRegistrations,
            example={"registrations": [{**OWN_EXAMPLE, "session": SESSION_EXAMPLE}], "next_cursor": None},
            headers=NEXT,
        )
    },
)

LIST = Operation(
    id="listRegistrations",
    at="GET /v1/sessions/{id}/registrations",
    summary="Who is registered, in the order in which they came: JSON in pages, or all as CSV",
    tag=TAG,
    scope=WRITE_LIVE,
    parameters=(ID, BRAND),
    query=RegistrationFilters,
    answers={
        200: AnswerShape(
            description="Registrations: a page; with Accept: text/csv all of them, whatever cursor and limit say",
            schema=RegistrationList,
            example={
                "registrations": [HOST_EXAMPLE],
                "counts": {"registered": 1, "waitlist": 0, "cancelled": 0},
                "next_cursor": None,
            },
            headers=NEXT,
            or_as=(CSV,),
            links=_registration_at("/registrations/0"),
        )
    },
    raises=(NotFound,),
)

LIST_FOR_ADMINS = Operation(
    id="listAdminRegistrations",
    at="GET /v1/admin/sessions/{id}/registrations",
    summary="List registrations (admin)",
    tag="administration",
    scope=ADMIN_LIVE,
    limit="admin",
    parameters=(ID, BRAND),
    query=AdminRegistrationFilters,
    answers={
        200: AnswerShape(
            description="Registrations",
            schema=AdminRegistrationList,
            example={
                "registrations": [
                    {name: REGISTRATION_EXAMPLE[name] for name in REGISTRATION_EXAMPLE if name != "cancelled_at"}
                ],
                "total": 1,
            },
            headers=NEXT,
        )
    },
    raises=(NotFound,),
)

REMOVE = Operation(
    id="removeRegistration",
    at="DELETE /v1/sessions/{id}/registrations/{registration_id}",
    summary="Remove somebody, who may not register again until allowed",
    tag=TAG,
    scope=WRITE_LIVE,
    limit="writes",
    parameters=(ID, REGISTRATION_ID, BRAND),
    answers={
        200: AnswerShape(
            description="The person's registration, removed now or before",
            schema=HostRegistration,
            example={**HOST_EXAMPLE, "status": "cancelled", "cancelled_at": "2026-11-24T08:00:00.000Z", "is_removed": True},
        )
    },
    raises=(NotFound, InvalidStatus),
)

ALLOW = Operation(
    id="allowRegistration",
    at="POST /v1/sessions/{id}/registrations/{registration_id}/allow",
    summary="Let somebody register again who was removed",
    tag=TAG,
    scope=WRITE_LIVE,
    limit="writes",
    parameters=(ID, REGISTRATION_ID, BRAND, IDEMPOTENCY_KEY),
    answers={
        200: AnswerShape(
            description="The registration that was removed",
            schema=HostRegistration,
            example={**HOST_EXAMPLE, "status": "cancelled", "cancelled_at": "2026-11-24T08:00:00.000Z"},
            headers=REPLAYED,
        )
    },
    raises=_OF_A_POST,
)

LINK = Operation(
    id="linkRegistration",
    at="POST /v1/sessions/{id}/registrations/{registration_id}/link",
    summary="A link for a guest, signed and expiring",
    tag=TAG,
    scope=WRITE_LIVE,
    limit="writes",
    parameters=(ID, REGISTRATION_ID, BRAND, IDEMPOTENCY_KEY),
    answers={
        200: AnswerShape(
            description="The link; made anew each time",
            schema=RegistrationLink,
            example={"url": "https://live.example.com/v1/guest-links/AAAAAGmP", "expires_at": "2026-12-02T17:00:00.000Z"},
        )
    },
    raises=(ValidationFailed, NotFound, NotJoinable, PayloadTooLarge),
)

OPEN_LINK = Operation(
    id="openGuestLink",
    at="GET /v1/guest-links/{ticket}",
    summary="What a guest's link shows: the registration and its session",
    tag=TAG,
    parameters=(TICKET,),
    answers={
        200: AnswerShape(
            description="The guest's registration, as it is now",
            schema=GuestView,
            example={
                "registration": {**OWN_EXAMPLE, "user_id": f"guest:{REGISTRATION_ID.example}", "role": "guest"},
                "session": SESSION_EXAMPLE,
            },
        )
    },
    raises=(InvalidToken, NotFound),
)
