"""A small drop for the demonstration: many people press "register" at once, there are seats for some, and then one gives up."""

import http.client
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from msgspec import Struct

PEOPLE, SEATS = 200, 50
AT_ONCE = 50
BAR = 40
SECONDS = 30.0


class Person(Struct, frozen=True):
    """Somebody with a token."""

    name: str
    token: str


class Place(Struct, frozen=True):
    """What somebody got."""

    person: Person
    status: str
    waitlist_position: int | None


class Drop(Struct, frozen=True):
    """A session, and who wants to come."""

    host: str
    port: int
    session: str
    people: Sequence[Person]

    def run(self) -> None:
        """Everybody at once, then what became of them, then a cancellation and who moves up."""
        for _ in _progress(self._all(self._register), len(self.people)):
            pass
        places = list(self._all(self._place))
        seated = [it.person for it in places if it.status == "registered"]
        line = sorted((it.waitlist_position, it.person.name, it.person) for it in places if it.waitlist_position)
        print(f"{len(seated)} have a seat, {len(line)} stand in line; the first of them is {line[0][1]}.")
        leaver, next_one = seated[0], line[0][2]
        self._ask("DELETE", "/registrations/me", leaver)
        moved = self._place(next_one)
        print(f"{leaver.name} gives the seat back, and {moved.person.name} moves up: {moved.status}.", flush=True)

    def _register(self, person: Person) -> Place:
        return Place(person, str(self._ask("POST", "/registrations", person)["status"]), None)

    def _place(self, person: Person) -> Place:
        own = self._ask("GET", "/registrations/me", person)
        position = own["waitlist_position"]
        return Place(person, str(own["status"]), position if isinstance(position, int) else None)

    def _all(self, each: Callable[[Person], Place]) -> Iterator[Place]:
        with ThreadPoolExecutor(AT_ONCE) as crowd:
            for done in as_completed([crowd.submit(each, person) for person in self.people]):
                yield done.result()

    def _ask(self, method: str, path: str, person: Person) -> dict[str, object]:
        """The answer's body. Raises OSError, RuntimeError."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=SECONDS)
        try:
            headers = {"Authorization": f"Bearer {person.token}"}
            connection.request(method, f"/v1/sessions/{self.session}{path}", headers=headers)
            response = connection.getresponse()
            body: dict[str, object] = json.loads(response.read())
        finally:
            connection.close()
        if response.status >= http.client.BAD_REQUEST:
            raise RuntimeError(f"{method} {path}: HTTP {response.status} {body}")
        return body


def _progress(done: Iterator[Place], total: int) -> Iterator[Place]:
    """Shows how far it is: a bar that grows on a terminal, its end alone elsewhere."""
    seats = line = 0
    for place in done:
        seats, line = seats + (place.status == "registered"), line + (place.status == "waitlist")
        if sys.stdout.isatty() or seats + line == total:
            filled = (seats + line) * BAR // total
            start = "\r" if sys.stdout.isatty() else ""
            print(f"{start}[{'#' * filled:{BAR}}] {seats + line}/{total}: {seats} seats, {line} in line", end="", flush=True)
        yield place
    print()
