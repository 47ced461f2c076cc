"""What one hosts, and scheduling another."""

from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

import msgspec

from greenroom.identity.scopes import WRITE_LIVE
from greenroom.kit.errors import Forbidden, ValidationFailed
from greenroom.kit.http.answer import Answer
from greenroom.kit.http.body import BodyReader
from greenroom.kit.http.query import QueryReader
from greenroom.kit.wire import Month, sent
from greenroom.sessions import service
from greenroom.sessions.schemas import Session, SessionCreate, SessionFilters
from greenroom.sessions.service import Sessions
from greenroom.web.binding import does, shows
from greenroom.web.desk.fields import INSTANT, Problem, problem_of, read, wire_of
from greenroom.web.local_times import field_of
from greenroom.web.participants.months import Grid, grid_of, months_of_utc, this_month
from greenroom.web.visit import Visit, see_other

FILTERS: Final = QueryReader(SessionFilters)
CREATE: Final = BodyReader(SessionCreate)
EVERYBODYS: Final = "all"
PAGES_OF_A_MONTH: Final = 5
USUAL_SEATS: Final = "100"


@shows("/host")
async def desk(visit: Visit) -> Answer:
    """Live, to come, and a month with all that was and will be in it."""
    caller = visit.caller
    if WRITE_LIVE not in caller.scopes:
        raise Forbidden("You are signed in to read only.")
    at = datetime.now(UTC)
    everybodys = caller.manages and visit.parameter("whose") == EVERYBODYS
    of = {} if everybodys else {"host_user_id": str(caller.user)}
    month = Month(
        sent(FILTERS.read(urlencode({"month": visit.parameter("month") or this_month(visit.clock, at=at)}).encode()).month)
    )
    cursor = visit.parameter("cursor")
    coming, later = await _listed(visit, {**of, "upcoming": "true", **({"cursor": cursor} if cursor else {})})
    live, _ = await _listed(visit, {**of, "status": "live", "limit": "100"})
    return visit.page(
        "desk_list.html",
        live=live,
        coming=coming,
        later=later,
        grid=await _month(visit, of, month, at=at),
        everybodys=everybodys,
        whose={"whose": EVERYBODYS} if everybodys else {},
        with_query=lambda **more: f"/host?{urlencode(more)}" if more else "/host",
    )


@shows("/host/new")
async def new(visit: Visit) -> Answer:
    """The form, for a session in a week."""
    if WRITE_LIVE not in visit.caller.scopes:
        raise Forbidden("You are signed in to read only.")
    in_a_week = (datetime.now(UTC) + timedelta(days=7)).replace(minute=0, second=0, microsecond=0)
    fields = {"title": "", "kind": "live", "scheduled_at": field_of(in_a_week.isoformat(), visit.clock)}
    return _form(visit, {**fields, "max_participants": USUAL_SEATS}, None)


@does("/host/new")
async def create(visit: Visit) -> Answer:
    """Schedule it, once for one sending of the form."""
    caller = visit.caller
    try:
        body: dict[str, msgspec.Raw] = msgspec.json.decode(wire_of(visit.form, visit.clock), type=dict[str, msgspec.Raw])
        named = {"host_id": caller.user, "brand_id": caller.brand}
        wanted = read(CREATE, msgspec.json.encode({**body, **named}))
        key = visit.key(brand=caller.brand or "")
        there = visit.service("sessions", Sessions)
        made = await service.create(there, caller, wanted, request_id=visit.request.id, key=key)
    except ValidationFailed as error:
        typed = {name: visit.form.text(name) for name in ("title", "kind", "scheduled_at", "max_participants")}
        return _form(visit, typed, problem_of(error))
    return see_other(f"/host/{made.session.id}?said=scheduled")


def _form(visit: Visit, typed: dict[str, str], problem: Problem | None) -> Answer:
    return visit.page(
        "desk_new.html",
        status=200 if problem is None else 400,
        typed={**typed, INSTANT: ""},
        problem=problem,
        now=typed,
        why={},
    )


async def _month(visit: Visit, of: dict[str, str], month: Month, *, at: datetime) -> Grid:
    found: list[Session] = []
    for one in months_of_utc(month):
        cursor: str | None = ""
        for _ in range(PAGES_OF_A_MONTH):
            page = {"cursor": cursor} if cursor else {}
            sessions, cursor = await _listed(visit, {**of, "month": one, "limit": "100", **page})
            found += sessions
            if cursor is None:
                break
    return grid_of(month, found, visit.clock, at=at)


async def _listed(visit: Visit, query: dict[str, str]) -> tuple[list[Session], str | None]:
    filters = FILTERS.read(urlencode(query).encode())
    page = await service.listed(visit.service("sessions", Sessions), visit.caller, filters)
    return page.sessions, page.next_cursor


ROUTES = [desk, new, create]
