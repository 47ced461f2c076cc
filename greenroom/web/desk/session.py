"""One session of a host: its edit, its start and end, its seats and line."""

from http import HTTPStatus
from typing import Final

from msgspec import Struct

from greenroom.kit.errors import Forbidden, GreenroomError, InvalidStatus, PreconditionFailed, ValidationFailed
from greenroom.kit.http.answer import Answer, json_answer
from greenroom.kit.http.body import BodyReader
from greenroom.kit.wire import PageLimit
from greenroom.registrations import listing
from greenroom.registrations.schemas import RegistrationFilters
from greenroom.registrations.service import Registrations
from greenroom.sessions import service
from greenroom.sessions.schemas import Session, SessionPatch, Status
from greenroom.sessions.service import Seen, Sessions, Step
from greenroom.stream import service as stream
from greenroom.stream.service import Streams
from greenroom.web.binding import does, shows
from greenroom.web.desk.fields import FIELDS, MAY_CHANGE, Problem, problem_of, read, shown, typed_in, wire_of
from greenroom.web.texts import text
from greenroom.web.visit import Visit

PATCH: Final = BodyReader(SessionPatch)
NO_STORE: Final = (b"cache-control", b"private, no-store")
STEPS: Final[dict[Step, str]] = {"start": "started", "end": "ended", "cancel": "cancelled"}
LONGEST_VERSION: Final = 10


class DeskNow(Struct, frozen=True, kw_only=True):
    """What changes on the page by itself."""

    status: Status
    status_text: str
    registered: int
    max_participants: int
    waiting: int
    seats: str
    line: str


class Trouble(Struct, frozen=True):
    """Why an edit was not made: a field that is wrong, or somebody who was quicker."""

    problem: Problem | None = None
    is_stale: bool = False


@shows("/host/{id}")
async def desk_session(visit: Visit, id: str) -> Answer:
    """The page. Raises NotFound, Forbidden."""
    return await _page(visit, id, await hosted(visit, id), Trouble())


@shows("/host/{id}/now")
async def desk_now(visit: Visit, id: str) -> Answer:
    """What has changed on it, for its module."""
    return json_answer(await _now(visit, id, (await hosted(visit, id)).session), headers=[NO_STORE])


@does("/host/{id}/edit")
async def edit(visit: Visit, id: str) -> Answer:
    """PATCH with If-Match: what the form was made from must be what there is, or the difference is shown."""
    before = await hosted(visit, id)
    try:
        body = wire_of(visit.form, visit.clock, unchanged=shown(before.session, visit.clock))
        updated = await service.update(
            visit.service("sessions", Sessions),
            visit.caller,
            id,
            read(PATCH, body),
            merges=False,
            expected=[_version_in(visit.form.text("version"))],
            request_id=visit.request.id,
        )
    except ValidationFailed as error:
        return await _page(visit, id, before, Trouble(problem_of(error)), status=400)
    except PreconditionFailed:
        return await _page(visit, id, await hosted(visit, id), Trouble(is_stale=True), status=412)
    except InvalidStatus as error:
        problem = Problem(None, error.text)
        return await _page(visit, id, await hosted(visit, id), Trouble(problem), status=412)
    if updated.version == before.version:
        return visit.done(f"/host/{id}", said="nothing_changed")
    moved_up = updated.session.registered_count - before.session.registered_count
    is_larger = updated.session.max_participants > before.session.max_participants
    if is_larger and moved_up > 0:
        return visit.done(f"/host/{id}", said="moved_up", n=moved_up)
    return visit.done(f"/host/{id}", said="saved")


@does("/host/{id}/start")
async def start(visit: Visit, id: str) -> Answer:
    """Open the session."""
    return await _step(visit, id, "start")


@does("/host/{id}/end")
async def end(visit: Visit, id: str) -> Answer:
    """End it, which is final."""
    return await _step(visit, id, "end")


@does("/host/{id}/cancel")
async def cancel(visit: Visit, id: str) -> Answer:
    """Call it off."""
    return await _step(visit, id, "cancel")


async def hosted(visit: Visit, id: str) -> Seen:
    """The session, for who may change it. Raises NotFound, Forbidden."""
    caller = visit.caller
    if not await service.may_change(visit.request.db, caller, id):
        raise Forbidden("Only the session's host, a co-host or manage:live may do this.")
    return await service.get(visit.service("sessions", Sessions), caller, id)


async def stream_cookie(visit: Visit, id: str) -> tuple[bytes, bytes]:
    """The header with which the page may open the session's stream."""
    given = await stream.ticket(visit.service("streams", Streams), visit.caller, id, address=visit.request.address)
    return b"set-cookie", given.cookie.encode()


async def _step(visit: Visit, id: str, step: Step) -> Answer:
    there = visit.service("sessions", Sessions)
    try:
        await service.move(there, visit.caller, id, step, request_id=visit.request.id, key=None)
    except InvalidStatus as error:
        if visit.wants_json:
            raise
        return await _page(visit, id, await hosted(visit, id), Trouble(Problem(None, _refused(error))), status=412)
    return visit.done(f"/host/{id}", said=STEPS[step])


def _refused(error: GreenroomError) -> str:
    return f"{error.text} {text('desk.look_again')}"


async def _page(visit: Visit, id: str, seen: Seen, trouble: Trouble, *, status: int = HTTPStatus.OK) -> Answer:
    """The page of this moment, with what was typed where that was not taken."""
    session = seen.session
    now = shown(session, visit.clock)
    may = MAY_CHANGE[session.status]
    why = {name: text(f"desk.fixed.{session.status}") for name in FIELDS if name not in may}
    return visit.page(
        "desk_session.html",
        status=status,
        headers=[await stream_cookie(visit, id)],
        session=session,
        version=seen.version,
        now=now,
        typed={name: now[name] if name in why else value for name, value in typed_in(visit.form, now).items()},
        why=why,
        trouble=trouble,
        problem=trouble.problem,
        desk=await _now(visit, id, session),
    )


async def _now(visit: Visit, id: str, session: Session) -> DeskNow:
    filters = RegistrationFilters(limit=PageLimit(1))
    counts = (await listing.listed(visit.service("registrations", Registrations), visit.caller, id, filters)).counts
    free = session.max_participants - counts.registered
    return DeskNow(
        status=session.status,
        status_text=text(f"status.{session.status}"),
        registered=counts.registered,
        max_participants=session.max_participants,
        waiting=counts.waitlist,
        seats=text("desk.seats", taken=counts.registered, most=session.max_participants),
        line=text("desk.over", n=-free) if free < 0 else text("desk.line", n=counts.waitlist),
    )


def _version_in(typed: str) -> int:
    """The version that the form was made from; one that there never is for what is none."""
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < LONGEST_VERSION else -1


ROUTES = [desk_session, desk_now, edit, start, end, cancel]
