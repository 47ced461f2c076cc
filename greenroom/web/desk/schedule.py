"""What one hosts, and scheduling another."""

from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET, Struct, UnsetType

from greenroom.kit.errors import ValidationFailed
from greenroom.kit.http.answer import Answer
from greenroom.kit.http.body import BodyReader
from greenroom.kit.http.query import QueryReader
from greenroom.kit.wire import sent
from greenroom.sessions import service
from greenroom.sessions.schemas import Cursor, MonthField, SessionCreate
from greenroom.sessions.service import Sessions
from greenroom.web.binding import does, shows
from greenroom.web.desk.fields import INSTANT, Problem, clock_of, problem_of, wire_of
from greenroom.web.local_times import field_of
from greenroom.web.once import done_once
from greenroom.web.participants.months import this_month
from greenroom.web.participants.shelves import Chosen, Looker, grid, shelf
from greenroom.web.participants.titles import headline
from greenroom.web.visit import Visit, refuse_unless_writing, see_other

CREATE: Final = BodyReader(SessionCreate)
EVERYBODYS: Final = "all"
USUAL_SEATS: Final = "100"


class Wanted(Struct, frozen=True, kw_only=True):
    """What an address of the desk asks for."""

    month: MonthField | UnsetType = UNSET
    cursor: Cursor | UnsetType = UNSET


WANTED: Final = QueryReader(Wanted)


@shows("/host")
async def desk(visit: Visit) -> Answer:
    """Live, to come, and a month with all that was and will be in it."""
    caller = visit.caller
    refuse_unless_writing(caller)
    wanted = WANTED.read(visit.request.query)
    everybodys = caller.manages and visit.parameter("whose") == EVERYBODYS
    chosen = Chosen() if everybodys else Chosen(host=caller.user)
    looker = Looker(visit.service("sessions", Sessions), caller, visit.clock, datetime.now(UTC))
    month = sent(wanted.month) or this_month(visit.clock, at=looker.at)
    return visit.page(
        "desk_list.html",
        on=await shelf(looker, chosen, wanted.cursor),
        grid=await grid(looker, chosen, month),
        everybodys=everybodys,
        whose={"whose": EVERYBODYS} if everybodys else {},
        with_query=lambda **more: f"/host?{urlencode(more)}" if more else "/host",
        headline=headline,
    )


@shows("/host/new")
async def new(visit: Visit) -> Answer:
    """The form, for a session in a week."""
    refuse_unless_writing(visit.caller)
    in_a_week = (datetime.now(UTC) + timedelta(days=7)).replace(minute=0, second=0, microsecond=0)
    fields = {"title": "", "kind": "live", "scheduled_at": field_of(in_a_week.isoformat(), visit.clock)}
    return _form(visit, {**fields, "max_participants": USUAL_SEATS}, None)


@does("/host/new")
async def create(visit: Visit) -> Answer:
    """Schedule it, once for one sending of the form."""
    caller = visit.caller
    try:
        wire = wire_of(visit.form, clock_of(visit.form, visit.clock))
        body: dict[str, msgspec.Raw] = msgspec.json.decode(wire, type=dict[str, msgspec.Raw])
        named = {"host_id": caller.user, "brand_id": caller.brand}
        wanted = CREATE.decode(msgspec.json.encode({**body, **named}))
        key = visit.key()
        there = visit.service("sessions", Sessions)
        made = await done_once(lambda: service.create(there, caller, wanted, request_id=visit.request.id, key=key))
    except ValidationFailed as error:
        typed = {name: visit.form.text(name) for name in ("title", "kind", "scheduled_at", "max_participants")}
        return _form(visit, typed, problem_of(error))
    return see_other(f"/host/{made.session.id}?said=scheduled")


def _form(visit: Visit, typed: dict[str, str], problem: Problem | None) -> Answer:
    return visit.page(
        "desk_new.html",
        status=200 if problem is None else 400,
        clock=clock_of(visit.form, visit.clock),
        typed={**typed, INSTANT: ""},
        problem=problem,
        now=typed,
        why={},
    )


ROUTES = [desk, new, create]
