"""Who was there: a page, or all of them in bounded pages, each with a transaction of its own; and how many at which time."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct, UnsetType

from greenroom.attendance import queries
from greenroom.attendance.queries import KeptAttendee, Page
from greenroom.attendance.schemas import AttendanceList, AttendancePage, AttendanceTotals, Attendee
from greenroom.attendance.service import Attendance
from greenroom.identity.caller import Caller
from greenroom.kit.clock import wire_text
from greenroom.kit.errors import Forbidden, NotFound
from greenroom.kit.http.spreadsheet import csv_head, csv_lines
from greenroom.kit.ids import BrandId, SessionId
from greenroom.kit.wire import PageLimit, sent
from greenroom.sessions.service import brand_of, known_id_in

ROWS_AT_ONCE = 1000  # of a list that is given whole
BEFORE_ALL = ""
MOST_STEPS = 500  # of a crowd: more than a picture of it can show

_totals = msgspec.json.Decoder(AttendanceTotals)


class Asked(Struct, frozen=True, kw_only=True):
    """Whose attendance is listed, and who asks."""

    brand: BrandId
    session: SessionId
    by: Caller

    @property
    def name(self) -> str:
        """What a cursor is bound to."""
        return msgspec.json.encode(["attendance", self.brand, self.session]).decode()


class Whole(Struct, frozen=True):
    """A list that is given whole: its first rows, which show that it may be, and how to go on."""

    there: Attendance
    asked: Asked
    first: Page

    async def pages(self) -> AsyncIterator[list[KeptAttendee]]:
        """All rows, some at a time; nobody is left out or listed twice."""
        rows = self.first.rows
        while rows:
            yield rows
            rows = (
                [] if len(rows) < ROWS_AT_ONCE else (await _page(self.there, self.asked, rows[-1].user_id, ROWS_AT_ONCE)).rows
            )


class CrowdStep(Struct, frozen=True):
    """An instant: the most who were inside in it, and how many after it. Of a large crowd: in the seconds before it."""

    at: datetime
    most: int
    inside: int


class Crowd(Struct, frozen=True):
    """How many were inside, step by step, and whether there was a call to be in. Two devices at once are one person."""

    has_call: bool
    steps: list[CrowdStep]


async def listed(there: Attendance, caller: Caller, session_id: str, wanted: AttendancePage) -> AttendanceList:
    """A page of a session's attendance for its hosts. Raises ValidationFailed, NotFound, Forbidden."""
    asked = await _asked(there, caller, session_id)
    after = BEFORE_ALL
    if not isinstance(wanted.cursor, UnsetType):
        after = there.cursors.open(wanted.cursor, of=asked.name).decode()
    limit = sent(wanted.limit) or PageLimit.USUAL
    page = await _page(there, asked, after, limit + 1)
    shown = page.rows[:limit]
    return AttendanceList(
        attendance=[as_attendee(kept) for kept in shown],
        totals=_totals.decode(page.totals or ""),
        status=page.status,
        next_cursor=None if len(page.rows) <= limit else there.cursors.seal(shown[-1].user_id.encode(), of=asked.name),
    )


async def whole(there: Attendance, caller: Caller, session_id: str) -> Whole:
    """All of a session's attendance. Raises NotFound, Forbidden."""
    asked = await _asked(there, caller, session_id)
    return Whole(there, asked, await _page(there, asked, BEFORE_ALL, ROWS_AT_ONCE))


async def as_csv(it: Whole) -> AsyncIterator[bytes]:
    """The list as CSV (RFC 4180) with a header."""
    yield csv_head(Attendee)
    async for rows in it.pages():
        yield csv_lines(as_attendee(kept) for kept in rows)


async def crowd(there: Attendance, caller: Caller, session_id: str) -> Crowd:
    """How many were inside when, for the session's hosts. Raises NotFound, Forbidden."""
    asked = await _asked(there, caller, session_id)
    found = await queries.crowd(there.db, asked.brand, asked.session, caller, most=MOST_STEPS)
    if found is None:
        raise NotFound("There is no such session.")
    _refuse_unless_host(caller, found.host, found.co_hosts)
    return Crowd(found.has_call, [CrowdStep(_instant(step.at), step.most, step.inside) for step in found.rows])


def as_attendee(kept: KeptAttendee) -> Attendee:
    """The row as the wire shows it."""
    return Attendee(
        user_id=kept.user_id,
        role=kept.role,
        registration_status=kept.registration_status,
        first_joined_at=None if kept.first_joined_at is None else wire_text(kept.first_joined_at),
        last_left_at=None if kept.last_left_at is None else wire_text(kept.last_left_at),
        minutes=kept.minutes,
        is_inside=kept.is_inside,
        is_estimated=kept.is_estimated,
        outcome=kept.outcome,
    )


async def _asked(there: Attendance, caller: Caller, session_id: str) -> Asked:
    known_id = known_id_in(session_id)
    return Asked(brand=await brand_of(there.db, caller, known_id), session=known_id, by=caller)


async def _page(there: Attendance, asked: Asked, after: str, rows: int) -> Page:
    page = await queries.page(there.db, asked.brand, asked.session, asked.by, after=after, rows=rows)
    if page is None:
        raise NotFound("There is no such session.")
    _refuse_unless_host(asked.by, page.host, page.co_hosts)
    return page


def _refuse_unless_host(caller: Caller, host: str, co_hosts: Sequence[str]) -> None:
    if not (caller.manages or caller.user == host or caller.user in co_hosts):
        raise Forbidden("Only the session's host, a co-host or manage:live may do this.")


def _instant(stored: str) -> datetime:
    return datetime.fromisoformat(wire_text(stored))
