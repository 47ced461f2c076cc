"""One session as a model: who sits, who waits, who is barred, and what each request must be answered.

Written from DESIGN section 4, not from the code; it knows no database and no clock. A state is a value: two states that are
equal have the same future.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

Status = Literal["scheduled", "live", "ended", "cancelled"]
Verb = Literal[
    "register", "take_seat", "seat_for", "bring", "leave", "remove", "allow",
    "resize", "start", "end", "cancel", "reinstate", "ask", "look", "list",
]  # fmt: skip
STEPS: dict[str, tuple[Status, Status]] = {
    "start": ("scheduled", "live"),
    "end": ("live", "ended"),
    "cancel": ("scheduled", "cancelled"),
    "reinstate": ("cancelled", "scheduled"),
}


class Command(Struct, frozen=True):
    """A request: whom it is about, or how many seats there shall be."""

    verb: Verb
    who: str = ""
    number: int = 0

    def __str__(self) -> str:
        return " ".join(str(part) for part in (self.verb, self.who, self.number) if part)


class Room(Struct, frozen=True):
    """The state. `gone`: who has registered and has neither a seat nor a place in line."""

    capacity: int
    status: Status = "scheduled"
    seats: tuple[str, ...] = ()
    line: tuple[str, ...] = ()
    gone: frozenset[str] = frozenset()
    barred: frozenset[str] = frozenset()

    @property
    def known(self) -> frozenset[str]:
        """Who has ever registered."""
        return self.gone.union(self.seats, self.line)

    @property
    def is_open(self) -> bool:
        """Whether anybody may come in."""
        return self.status in {"scheduled", "live"}

    @property
    def is_full(self) -> bool:
        """Whether all seats are taken."""
        return len(self.seats) >= self.capacity

    def said(self) -> str:
        """The session as an answer shows it."""
        return f"{self.status}, {len(self.seats)} of {self.capacity}"

    def seated(self, who: str) -> "Room":
        """With another one who sits."""
        return replace(self, seats=(*self.seats, who), gone=self.gone - {who})

    def queued(self, who: str) -> "Room":
        """With another one who waits."""
        return replace(self, line=(*self.line, who), gone=self.gone - {who})

    def without(self, who: str) -> "Room":
        """Who sat or waited does so no more; the next moves up."""
        return replace(self, seats=_without(self.seats, who), line=_without(self.line, who), gone=self.gone | {who}).promoted()

    def promoted(self) -> "Room":
        """Those who wait in the free seats, while it is scheduled."""
        if self.status != "scheduled":
            return self
        free = max(self.capacity - len(self.seats), 0)
        return replace(self, seats=self.seats + self.line[:free], line=self.line[free:])


def after(room: Room, command: Command) -> tuple[Room, str]:
    """The state after the request, and what it is answered in a word or two."""
    return RULES[command.verb](room, command)


def listed(seats: Sequence[str], line: Sequence[str], barred: frozenset[str]) -> str:
    """Everybody, as the host sees them."""
    return f"{sorted(seats)} sit, {list(line)} wait, {sorted(barred)} are barred"


def _register(room: Room, command: Command) -> tuple[Room, str]:
    who = command.who
    if refusal := _refusal(room, who):
        return room, refusal
    if who in room.seats:
        return room, "registered"
    if who in room.line:
        return room, "waitlist"
    if not room.is_full:
        return room.seated(who), "registered"
    return (room.queued(who), "waitlist") if room.status == "scheduled" else (room, "at_capacity")


def _take_seat(room: Room, command: Command) -> tuple[Room, str]:
    who = command.who
    if refusal := _refusal(room, who):
        return room, refusal
    if who in room.seats or who in room.line:
        return room, "conflict"
    return (room, "at_capacity") if room.is_full else (room.seated(who), "a seat")


def _refusal(room: Room, who: str) -> str | None:
    if not room.is_open:
        return "invalid_status"
    return "forbidden" if who in room.barred else None


def _leave(room: Room, command: Command) -> tuple[Room, str]:
    who = command.who
    if who in room.gone:
        return room, "cancelled"
    if who not in room.known:
        return room, "not_found"
    return (room, "invalid_status") if room.status == "ended" else (room.without(who), "cancelled")


def _remove(room: Room, command: Command) -> tuple[Room, str]:
    who = command.who
    if who in room.barred:
        return room, "removed"
    if who not in room.known:
        return room, "not_found"
    if room.status == "ended":
        return room, "invalid_status"
    left = room if who in room.gone else room.without(who)
    return replace(left, barred=room.barred | {who}), "removed"


def _allow(room: Room, command: Command) -> tuple[Room, str]:
    who = command.who
    return (replace(room, barred=room.barred - {who}), "allowed") if who in room.known else (room, "not_found")


def _resize(room: Room, command: Command) -> tuple[Room, str]:
    resized = replace(room, capacity=command.number).promoted()
    return (resized, resized.said()) if room.is_open else (room, "invalid_status")


def _step(room: Room, command: Command) -> tuple[Room, str]:
    before, then = STEPS[command.verb]
    if room.status not in {before, then}:
        return room, "invalid_status"
    stepped = replace(room, status=then).promoted() if room.status == before else room
    return stepped, stepped.said()


def _ask(room: Room, command: Command) -> tuple[Room, str]:
    who = command.who
    if who in room.seats:
        return room, "registered"
    if who in room.line:
        return room, f"waitlist {room.line.index(who) + 1}"
    return room, "cancelled" if who in room.gone else "not_found"


def _look(room: Room, command: Command) -> tuple[Room, str]:
    return room, f"{room.said()}, {command.who in room.seats}"


def _list(room: Room, _: Command) -> tuple[Room, str]:
    return room, listed(room.seats, room.line, room.barred)


def _without(them: tuple[str, ...], who: str) -> tuple[str, ...]:
    return tuple(one for one in them if one != who)


RULES: dict[Verb, Callable[[Room, Command], tuple[Room, str]]] = {
    "register": _register,
    "take_seat": _take_seat,
    "seat_for": _take_seat,
    "bring": _take_seat,
    "leave": _leave,
    "remove": _remove,
    "allow": _allow,
    "resize": _resize,
    "start": _step,
    "end": _step,
    "cancel": _step,
    "reinstate": _step,
    "ask": _ask,
    "look": _look,
    "list": _list,
}
