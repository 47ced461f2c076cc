"""Who has registered, who waits, who was removed."""

from datetime import UTC, datetime
from typing import Final, Literal, get_args
from urllib.parse import urlencode

from msgspec import Struct

from greenroom.kit.errors import InvalidStatus, ValidationFailed
from greenroom.kit.http.answer import Answer, StreamedAnswer
from greenroom.kit.http.spreadsheet import csv_headers
from greenroom.kit.wire import PageLimit
from greenroom.registrations import listing, service
from greenroom.registrations.kept import KeptRegistration, as_hosts_see
from greenroom.registrations.listing import Sought
from greenroom.registrations.schemas import RegistrationFilters, RegistrationStatus
from greenroom.registrations.service import Registrations
from greenroom.sessions import service as sessions
from greenroom.sessions.service import Sessions
from greenroom.web.binding import does, shows
from greenroom.web.texts import text
from greenroom.web.visit import Visit, refuse_unless_writing

STATUSES: Final[tuple[RegistrationStatus, ...]] = get_args(RegistrationStatus)
SHOWN: Final = PageLimit(50)
NO_STORE: Final = (b"cache-control", b"private, no-store")


class Looked(Struct, frozen=True):
    """What the page's form of search says, as it was typed; `cursor`: from where on."""

    q: str = ""
    status: str = ""
    cursor: str = ""

    @property
    def is_search(self) -> bool:
        """Whether not everybody is meant."""
        return bool(self.q or self.status)

    def address(self, path: str, *, cursor: str = "") -> str:
        """The page with these, from a place on."""
        given = {name: value for name, value in (("q", self.q), ("status", self.status), ("cursor", cursor)) if value}
        return f"{path}?{urlencode(given)}" if given else path

    def sought(self) -> Sought:
        """Whom they mean. Raises ValidationFailed."""
        known: dict[str, RegistrationStatus | None] = {"": None, **{one: one for one in STATUSES}}
        if self.status not in known:
            raise ValidationFailed(text("people.status_is"))
        return Sought(text=self.q or None, status=known[self.status], cursor=self.cursor or None, limit=SHOWN)


@shows("/host/{id}/people")
async def people(visit: Visit, id: str) -> Answer:
    """The page; a search that cannot be made is shown again, with everybody."""
    refuse_unless_writing(visit.caller)
    looked = Looked(visit.parameter("q").strip(), visit.parameter("status"), visit.parameter("cursor"))
    try:
        return await _page(visit, id, looked)
    except ValidationFailed as error:
        return await _page(visit, id, Looked(), typed=looked, problems=(error.text,), status=error.status)


@shows("/host/{id}/people.csv")
async def people_as_csv(visit: Visit, id: str) -> Answer:
    """Everybody, as the API gives them."""
    refuse_unless_writing(visit.caller)
    everybody = await listing.whole(_registrations(visit), visit.caller, id, RegistrationFilters())
    return StreamedAnswer(listing.as_csv(everybody), headers=[*csv_headers("registrations.csv"), NO_STORE])


@does("/host/{id}/people/{registration_id}/remove")
async def remove(visit: Visit, id: str, registration_id: str) -> Answer:
    """Take somebody's seat or place in line, who may not register again until allowed. Twice is once."""
    there, request_id = _registrations(visit), visit.request.id
    try:
        removed = await service.remove(there, visit.caller, id, registration_id, request_id=request_id)
    except InvalidStatus as error:
        return await _page(visit, id, _looked_before(visit), problems=(error.text,), status=error.status)
    return _done(visit, removed, said="person_removed")


@does("/host/{id}/people/{registration_id}/allow")
async def allow(visit: Visit, id: str, registration_id: str) -> Answer:
    """Let somebody register again. Once for one sending of the form: sent again, it undoes no removal since."""
    there, key = _registrations(visit), visit.key()
    allowed = await service.allow(there, visit.caller, id, registration_id, request_id=visit.request.id, key=key)
    return _done(visit, allowed.registration, said="person_allowed")


def _done(visit: Visit, registration: KeptRegistration, *, said: Literal["person_removed", "person_allowed"]) -> Answer:
    """Back to the person's place in the list."""
    looked = _looked_before(visit)
    path = looked.address(f"/host/{registration.session_id}/people", cursor=looked.cursor)
    return visit.done(f"{path}#person-{registration.id}", said=said, body=as_hosts_see(registration))


async def _page(
    visit: Visit, id: str, looked: Looked, *, typed: Looked | None = None, problems: tuple[str, ...] = (), status: int = 200
) -> Answer:
    found = await listing.people(_registrations(visit), visit.caller, id, looked.sought())
    seen = await sessions.get(visit.service("sessions", Sessions), visit.caller, id)
    path = f"/host/{seen.session.id}/people"
    return visit.page(
        "desk_people.html",
        status=status,
        session=seen.session,
        found=found,
        looked=looked,
        typed=typed or looked,
        statuses=STATUSES,
        zone=visit.clock.zone_name(visit.clock.local(datetime.now(UTC))),
        next_page=None if found.next_cursor is None else looked.address(path, cursor=found.next_cursor),
        problems=problems,
    )


def _looked_before(visit: Visit) -> Looked:
    """What was looked at when the form was sent."""
    return Looked(visit.form.text("q"), visit.form.text("status"), visit.form.text("cursor"))


def _registrations(visit: Visit) -> Registrations:
    return visit.service("registrations", Registrations)


ROUTES = [people, people_as_csv, remove, allow]
