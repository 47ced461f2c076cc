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
from greenroom.web.binding import does, shows
from greenroom.web.desk.fields import (
    FIELDS,
    MAY_CHANGE,
    Problem,
    clock_of,
    problem_of,
    shown,
    typed_in,
    typed_in_vain,
    wire_of,
)
from greenroom.web.forms import Form
from greenroom.web.live import stream_cookie
from greenroom.web.local_times import told_if_twice
from greenroom.web.texts import text
from greenroom.web.visit import Visit, refuse_unless_writing

PATCH: Final = BodyReader(SessionPatch)
NO_STORE: Final = (b"cache-control", b"private, no-store")
STEPS: Final[dict[Step, str]] = {"start": "started", "end": "ended", "cancel": "cancelled"}
LONGEST_VERSION: Final = 10


class DeskNow(Struct, frozen=True, kw_only=True):
    """What changes on the page by itself. `moves_up`: what more seats would do; empty where they would do nothing."""

    version: int
    status: Status
    status_text: str
    registered: int
    max_participants: int
    waiting: int
    seats: str
    line: str
    moves_up: str


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
    return json_answer(await _now(visit, id, await hosted(visit, id)), headers=[NO_STORE])


@does("/host/{id}/edit")
async def edit(visit: Visit, id: str) -> Answer:
    """PATCH with If-Match: what the form was made from must be what there is, or the difference is shown."""
    before = await hosted(visit, id)
    clock, made_from = clock_of(visit.form, visit.clock), _version_in(visit.form.text("version"))
    try:
        body = wire_of(visit.form, clock, unchanged=shown(before.session, clock))
        updated = await service.update(
            visit.service("sessions", Sessions),
            visit.caller,
            id,
            PATCH.decode(body),
            merges=False,
            expected=[made_from],
            request_id=visit.request.id,
        )
    except ValidationFailed as error:
        # The page that comes back holds the present version: what somebody else has changed must be seen on it.
        trouble = Trouble(problem_of(error), is_stale=made_from != before.version)
        return await _page(visit, id, before, trouble, status=400)
    except PreconditionFailed:
        return await _page(visit, id, await hosted(visit, id), Trouble(is_stale=True), status=412)
    except InvalidStatus as error:
        problem = Problem(None, error.text)
        return await _page(visit, id, await hosted(visit, id), Trouble(problem), status=412)
    if updated.version == before.version:
        return visit.done(f"/host/{id}", said="nothing_changed")
    if n := moved_up(before.session, updated.session):
        return visit.done(f"/host/{id}", said="moved_up", n=n)
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
    refuse_unless_writing(caller)
    if not await service.may_change(visit.request.db, caller, id):
        raise Forbidden("Only the session's host, a co-host or manage:live may do this.")
    return await service.get(visit.service("sessions", Sessions), caller, id)


def moved_up(before: Session, after: Session) -> int:
    """How many an edit gave seats: a line is only where all were taken, and there nobody else comes in meanwhile."""
    was_full = before.registered_count >= before.max_participants
    return max(0, after.registered_count - before.registered_count) if was_full else 0


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
    clock = clock_of(visit.form, visit.clock)
    now = shown(session, clock)
    why = {name: _why(visit.form, now, name, session.status) for name in FIELDS if name not in MAY_CHANGE[session.status]}
    typed = {name: now[name] if name in why else value for name, value in typed_in(visit.form, now).items()}
    return visit.page(
        "desk_session.html",
        status=status,
        headers=[await stream_cookie(visit, visit.caller, id)],
        session=session,
        clock=clock,
        version=seen.version,
        now=now,
        typed=typed,
        why=why,
        trouble=trouble,
        problem=trouble.problem,
        twice=told_if_twice(session.scheduled_at, clock) if typed["scheduled_at"] == now["scheduled_at"] else None,
        desk=await _now(visit, id, seen),
    )


def _why(form: Form, now: dict[str, str], name: str, status: Status) -> str:
    """Why a field cannot be changed; with what was typed into it while it still could, for that would be gone."""
    typed = typed_in_vain(form, now, name)
    fixed = text(f"desk.fixed.{status}")
    return fixed if typed is None else f"{fixed} {text('desk.typed', value=typed)}"


async def _now(visit: Visit, id: str, seen: Seen) -> DeskNow:
    session = seen.session
    filters = RegistrationFilters(limit=PageLimit(1))
    counts = (await listing.listed(visit.service("registrations", Registrations), visit.caller, id, filters)).counts
    return DeskNow(
        version=seen.version,
        status=session.status,
        status_text=text(f"status.{session.status}"),
        registered=counts.registered,
        max_participants=session.max_participants,
        waiting=counts.waitlist,
        seats=text("desk.seats", taken=counts.registered, most=session.max_participants),
        line=_line_told(session.status, waiting=counts.waitlist, free=session.max_participants - counts.registered),
        moves_up=text("desk.would_move_up", n=counts.waitlist) if session.status == "scheduled" and counts.waitlist else "",
    )


def _line_told(status: Status, *, waiting: int, free: int) -> str:
    """Who waits, and who is inside without a seat of the present number: the line moves only before the beginning."""
    over = [text("desk.over", n=-free)] if free < 0 else []
    name = "desk.line" if status == "scheduled" else "desk.line_closed"
    line = [text(name, n=waiting)] if waiting or not over else []
    return " ".join([*over, *line])


def _version_in(typed: str) -> int:
    """The version that the form was made from; one that there never is for what is none."""
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < LONGEST_VERSION else -1


ROUTES = [desk_session, desk_now, edit, start, end, cancel]
