"""What a session's events tell, replayed: who had a seat and who stood in line when, and what of it was against the rules.

The events of a session are told under its lock, so their order is the order in which things happened. Written from DESIGN
section 4, not from the code.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from tests.tenant import Json

OPEN = frozenset({"scheduled", "live"})
STATUS_AFTER = {"started": "live", "ended": "ended", "cancelled": "cancelled", "reinstated": "scheduled"}


class Told(Struct, frozen=True):
    """An event: `live.<entity>.<action>.v1`, the session's version when it was told, its payload."""

    name: str
    version: int
    payload: Json


class Story(Struct):
    """A session as its events have told it so far. `capacities`: by the version from which on they held."""

    capacities: Mapping[int, int]
    status: str = "scheduled"
    version: int = 1
    seats: list[str] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def capacity(self) -> int:
        """How many seats there are now."""
        return self.capacities[max(version for version in self.capacities if version <= self.version)]

    def hear(self, event: Told) -> None:
        """What is told next."""
        _, entity, action, _ = event.name.split(".")
        if entity == "session":
            self._session(action, event)
            return
        person = event.payload["user_id"]
        if event.version != self.version:
            self._fault(f"{person} {action} at version {event.version} when it was {self.version}")
        match action:
            case "created":
                self._seat(person)
            case "waitlisted":
                self._queue(person)
            case "promoted":
                self._promote(person)
            case "cancelled" | "removed":
                self._leave(person, event.payload["was"])

    def _session(self, action: str, event: Told) -> None:
        self.version = event.version
        self.status = STATUS_AFTER.get(action, self.status)
        if action == "cancelled":
            said = (event.payload["registered_count"], event.payload["waitlist_count"])
            if said != (len(self.seats), len(self.line)):
                self._fault(f"cancelled with {said} people, and they were {len(self.seats)}, {len(self.line)}")

    def _seat(self, person: str) -> None:
        if self.status not in OPEN:
            self._fault(f"{person} got a seat when {self.status}")
        if self.status == "scheduled" and self.line:
            self._fault(f"{person} passed the line")
        self._take_seat(person)

    def _queue(self, person: str) -> None:
        if self.status != "scheduled":
            self._fault(f"{person} stood in line when {self.status}")
        if len(self.seats) < self.capacity:
            self._fault(f"{person} stood in line beside a free seat")
        if person in {*self.seats, *self.line}:
            self._fault(f"{person} is there twice")
        self.line.append(person)

    def _promote(self, person: str) -> None:
        if self.status != "scheduled":
            self._fault(f"{person} was promoted when {self.status}")
        if self.line[:1] != [person]:
            self._fault(f"{person} was promoted from {self.line}")
        if person in self.line:
            self.line.remove(person)
        self._take_seat(person)

    def _take_seat(self, person: str) -> None:
        if len(self.seats) >= self.capacity:
            self._fault(f"{person} got seat {len(self.seats) + 1} of {self.capacity}")
        if person in {*self.seats, *self.line}:
            self._fault(f"{person} is there twice")
        self.seats.append(person)

    def _leave(self, person: str, was: str) -> None:
        place = {"registered": self.seats, "waitlist": self.line}.get(was)
        if place is None:
            return  # somebody is removed who had left
        if person in place:
            place.remove(person)
        else:
            self._fault(f"{person} left a {was} that was not theirs")

    def _fault(self, what: str) -> None:
        self.faults.append(what)


def retold(events: Sequence[Told], capacities: Mapping[int, int]) -> Story:
    """The whole story. In the end nobody may wait beside a free seat."""
    story = Story(capacities)
    for event in events:
        story.hear(event)
    if story.status == "scheduled" and story.line and len(story.seats) < story.capacity:
        story.faults.append(f"{story.line} wait beside a free seat")
    return story
