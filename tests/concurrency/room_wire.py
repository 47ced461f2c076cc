"""The model's commands as requests, and the answers in its words."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import httpx
from msgspec import Struct

from tests.administration.admins import ADMIN_SESSIONS
from tests.concurrency.room import Command, Verb, listed
from tests.tenant import Json, Tenant


class Here(Struct, frozen=True):
    """The session's path and id, and the id of a registration of whom the command is about."""

    path: str
    session: str
    registration: str


class Request(Struct, frozen=True):
    """What to send."""

    method: str
    path: str
    user: str
    scope: str = "read:live write:live"
    body: Json | None = None

    def arguments(self, tenant: Tenant) -> dict[str, Any]:
        """For httpx."""
        sent: dict[str, Any] = {"headers": tenant.bearer(self.user, scope=self.scope)}
        return sent if self.body is None else {**sent, "json": self.body}


def request_of(command: Command, session: Json, ids: Mapping[str, str]) -> Request:
    """The command about this session. `ids`: a registration of each person that has one."""
    here = Here(f"/v1/sessions/{session['id']}", session["id"], ids.get(command.who, str(uuid4())))
    return REQUESTS[command.verb](here, command)


def answer_of(command: Command, response: httpx.Response) -> str:
    """What was answered, in the words of the model."""
    body: Json = response.json()
    if "error" in body:
        return str(body["error"])
    assert response.status_code == (201 if command.verb in CREATES else 200)
    return ANSWERS[command.verb](body)


def person(row: Json) -> str:
    """Whom the model means."""
    return str(row["user_id"] if row["guest_email"] is None else row["guest_email"].lower())


def _place(body: Json) -> str:
    place = body["waitlist_position"]
    return str(body["status"]) if place is None else f"{body['status']} {place}"


def _session(body: Json) -> str:
    return f"{body['status']}, {body['registered_count']} of {body['max_participants']}"


def _listed(body: Json) -> str:
    rows: list[Json] = body["registrations"]
    seats, line = ([person(row) for row in rows if row["status"] == status] for status in ("registered", "waitlist"))
    counted = [sum(row["status"] == status for row in rows) for status in ("registered", "waitlist", "cancelled")]
    assert counted == list(body["counts"].values()), "the counts are those of the rows"
    return listed(seats, line, frozenset(person(row) for row in rows if row["is_removed"]))


def _as_written(email: str, number: int) -> str:
    """One of the ways to write an address, whose case does not matter."""
    return [email, email.upper(), email.title()][number % 3]


def _step(here: Here, it: Command) -> Request:
    return Request("POST", f"{here.path}/{it.verb}", "host_1")


REQUESTS: dict[Verb, Callable[[Here, Command], Request]] = {
    "register": lambda here, it: Request("POST", f"{here.path}/registrations", it.who),
    "take_seat": lambda here, it: Request("POST", f"{here.path}/register", it.who, body={}),
    "seat_for": lambda here, it: Request("POST", f"{here.path}/register", "manager", "manage:live", {"patient_id": it.who}),
    "bring": lambda here, it: Request(
        "POST", f"{here.path}/register", "host_1", body={"guest_email": _as_written(it.who, it.number)}
    ),
    "leave": lambda here, it: Request("DELETE", f"{here.path}/registrations/me", it.who),
    "remove": lambda here, _: Request("DELETE", f"{here.path}/registrations/{here.registration}", "host_1"),
    "allow": lambda here, _: Request("POST", f"{here.path}/registrations/{here.registration}/allow", "host_1"),
    "resize": lambda here, it: Request("PATCH", here.path, "host_1", body={"max_participants": it.number}),
    "start": _step,
    "end": _step,
    "cancel": _step,
    "reinstate": lambda here, _: Request(
        "PATCH", f"{ADMIN_SESSIONS}/{here.session}", "admin", "admin:live", {"status": "scheduled"}
    ),
    "ask": lambda here, it: Request("GET", f"{here.path}/registrations/me", it.who),
    "look": lambda here, it: Request("GET", here.path, it.who),
    "list": lambda here, _: Request("GET", f"{here.path}/registrations?limit=100", "host_1"),
}

CREATES = frozenset({"register", "take_seat", "seat_for", "bring"})
ANSWERS: dict[Verb, Callable[[Json], str]] = {
    **dict.fromkeys(("register", "leave"), lambda body: str(body["status"])),
    **dict.fromkeys(("take_seat", "seat_for", "bring"), lambda _: "a seat"),
    **dict.fromkeys(("remove", "allow"), lambda body: "removed" if body["is_removed"] else "allowed"),
    **dict.fromkeys(("resize", "start", "end", "cancel", "reinstate"), _session),
    "ask": _place,
    "look": lambda body: f"{_session(body)}, {body['is_registered']}",
    "list": _listed,
}
