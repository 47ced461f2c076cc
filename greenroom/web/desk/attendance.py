"""Who was there."""

from datetime import UTC, datetime
from typing import Final, Literal

from greenroom.attendance import listing
from greenroom.attendance.listing import Crowd
from greenroom.attendance.schemas import AttendanceList, AttendancePage, Attendee
from greenroom.attendance.service import Attendance
from greenroom.kit.http.answer import Answer
from greenroom.kit.http.query import QueryReader
from greenroom.kit.wire import PageLimit
from greenroom.sessions import service as sessions
from greenroom.sessions.schemas import Session, Status
from greenroom.sessions.service import Sessions
from greenroom.web.binding import shows
from greenroom.web.desk.chart import Chart, chart_of, told_number, told_to_the_second
from greenroom.web.times import Clock
from greenroom.web.visit import Visit

WANTED_PAGE: Final = QueryReader(AttendancePage)
SHOWN: Final = PageLimit(50)

State = Literal["before", "early", "running", "called_off", "no_call", "nobody", "ended"]


@shows("/host/{id}/attendance")
async def attendance_page(visit: Visit, id: str) -> Answer:
    """The totals, the picture and the people of a session, for its hosts. Raises NotFound, Forbidden."""
    caller, there = visit.caller, visit.service("attendance", Attendance)
    cursor = WANTED_PAGE.read(visit.request.query).cursor
    page = await listing.listed(there, caller, id, AttendancePage(cursor=cursor, limit=SHOWN))
    crowd = await listing.crowd(there, caller, id)
    session = (await sessions.get(visit.service("sessions", Sessions), caller, id)).session
    return visit.page(
        "desk_attendance.html",
        session=session,
        page=page,
        crowd=crowd,
        state=state_of(page, crowd),
        chart=picture_of(session, crowd, visit.clock, at=datetime.now(UTC)),
        is_first=not visit.parameter("cursor"),
        became_of=became_of,
        number=told_number,
        second=told_to_the_second,
    )


def state_of(page: AttendanceList, crowd: Crowd) -> State:
    """What there is to say of the whole."""
    came = page.totals.people > 0
    match page.status:
        case "scheduled":
            return "early" if came else "before"
        case "live":
            return "running"
        case "cancelled":
            return "called_off"
        case "ended":
            return "ended" if came else "nobody" if crowd.has_call else "no_call"


def picture_of(session: Session, crowd: Crowd, clock: Clock, *, at: datetime) -> Chart | None:
    """From when the first came to the end, or to this moment; None where nobody came."""
    if not crowd.steps:
        return None
    last = crowd.steps[-1]
    over = at if session.ended_at is None else datetime.fromisoformat(session.ended_at)
    ends = max(last.at, over) if last.inside or session.status in {"live", "ended"} else last.at
    return chart_of(crowd.steps, begins=crowd.steps[0].at, ends=ends, clock=clock)


def became_of(one: Attendee, status: Status) -> str:
    """The name of what became of somebody; before the end, of how it stands."""
    if one.outcome is not None:
        return one.outcome
    if status in {"ended", "cancelled"}:
        return "unknown"
    if one.is_inside:
        return "inside"
    return "awaited" if one.first_joined_at is None else "out"


ROUTES = [attendance_page]
