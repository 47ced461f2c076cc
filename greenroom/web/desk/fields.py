"""The fields of a session in a form, and what was typed into them as the API would take it."""

import re
from typing import Final, get_args

import msgspec
from msgspec import Struct

from greenroom.kit.documents import checked_document
from greenroom.kit.errors import ValidationFailed
from greenroom.sessions.schemas import Kind, Session, Status
from greenroom.web.forms import Form
from greenroom.web.local_times import field_of, instant_in
from greenroom.web.texts import text
from greenroom.web.times import Clock, zone_named

FIELDS: Final = ("title", "scheduled_at", "kind", "max_participants", "metadata")
MAY_CHANGE: Final[dict[Status, frozenset[str]]] = {
    "scheduled": frozenset(FIELDS),
    "live": frozenset({"title", "max_participants", "metadata"}),
    "ended": frozenset(),
    "cancelled": frozenset(),
}
KINDS: Final = get_args(Kind)
LINE_ENDS: Final = dict.fromkeys(map(ord, "\r\n"))
_DIGITS: Final = re.compile(r"[0-9]{1,15}")
INSTANT: Final = "instant"  # the instant that the field of the time was made from
ZONE: Final = "zone"  # in which it was shown: by when the form is sent, the browser may have moved


class Problem(Struct, frozen=True):
    """What is wrong with what was typed, and in which field; None: with none of them."""

    field: str | None
    told: str


def shown(session: Session, clock: Clock) -> dict[str, str]:
    """What the fields show of the session as it is."""
    return {
        "title": _of_one_line(session.title),
        "scheduled_at": field_of(session.scheduled_at, clock),
        INSTANT: session.scheduled_at,
        "kind": session.kind,
        "max_participants": str(session.max_participants),
        "metadata": pretty(bytes(session.metadata)),
    }


def clock_of(form: Form, viewers: Clock) -> Clock:
    """The clock by which the form was shown; the viewer's where it does not say."""
    zone = form.text(ZONE)
    return viewers if zone_named(zone) is None else Clock(zone)


def typed_in_vain(form: Form, now: dict[str, str], name: str) -> str | None:
    """What was typed into a field that can be changed no longer, as people read it; None where that is what it is anyway."""
    typed = form.get(name, now[name])
    if typed.strip() == now[name].strip():
        return None
    return text(f"kind.{typed}") if name == "kind" and typed in KINDS else typed


def pretty(document: bytes) -> str:
    """JSON as people read it, every digit kept."""
    return msgspec.json.format(document, indent=2).decode()


def typed_in(form: Form, now: dict[str, str]) -> dict[str, str]:
    """What the fields hold: what was typed, else what they show of the session as it is."""
    return {name: form.get(name, value) for name, value in now.items()}


def wire_of(form: Form, clock: Clock, *, unchanged: dict[str, str] | None = None) -> bytes:
    """The JSON body that the API would be sent: the fields that the form has. Raises ValidationFailed.

    `unchanged`: what the fields show of the session as it is. Fields that say the same are left out: one line shows no line
    ends, and what is indented is not as it was sent. A time that was not touched is its instant: the field shows minutes alone.
    """
    body: dict[str, object] = {}
    for name in FIELDS:
        if name not in form:
            continue
        typed = form.text(name)
        if unchanged is not None and name != "scheduled_at" and typed.strip() == unchanged[name].strip():
            continue
        match name:
            case "title":
                body[name] = typed.strip()
            case "kind":
                body[name] = typed
            case "max_participants":
                number = typed.strip()
                body[name] = int(number) if _DIGITS.fullmatch(number) else number
            case "scheduled_at":
                body[name] = _instant(form, clock)
            case _:
                checked_document(typed.encode("utf-8", "surrogatepass"), field=name)
                body[name] = msgspec.Raw(typed.encode())
    return msgspec.json.encode(body)


def problem_of(error: ValidationFailed) -> Problem:
    """The error as a form says it: with the field's own label."""
    name, colon, told = error.text.partition(": ")
    if not colon or name not in FIELDS:
        return Problem(None, error.text)
    return Problem(name, text("form.problem", field=text(f"field.{name}"), told=told))


def _of_one_line(title: str) -> str:
    """What a field of one line holds of it (HTML standard, value sanitization of type=text)."""
    return title.translate(LINE_ENDS)


def _instant(form: Form, clock: Clock) -> str:
    kept = form.text(INSTANT)
    typed = form.line("scheduled_at")
    try:
        if kept and field_of(kept, clock) == typed:
            return kept
    except ValueError:
        pass
    return instant_in(typed, clock, field="scheduled_at")
