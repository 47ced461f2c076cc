"""HTTP of attendance: read the request, call the service, write the answer."""

from typing import cast

from greenroom.attendance import listing, operations, service
from greenroom.attendance.schemas import AttendancePage
from greenroom.attendance.service import Attendance
from greenroom.identity.request import CallerRequest
from greenroom.kit.http.answer import PRIVATE, Answer, StreamedAnswer, json_answer
from greenroom.kit.http.path import refuse_unless_sent
from greenroom.kit.http.query import QueryReader, next_links
from greenroom.kit.http.routing import performs
from greenroom.kit.http.spreadsheet import asks_for_csv, csv_headers
from greenroom.registrations.kept import as_hosts_see

WANTED_PAGE = QueryReader(AttendancePage)
CSV = csv_headers("attendance.csv")
BY_ACCEPT = (b"vary", b"Accept")


@performs(operations.LIST)
async def get_attendance(request: CallerRequest, id: str) -> Answer:
    """Who was there: a page of JSON, or all of them as CSV."""
    there, wanted = _attendance(request), WANTED_PAGE.read(request.query)
    if asks_for_csv(request.list_header(b"accept")):
        everybody = await listing.whole(there, request.caller, id)
        return StreamedAnswer(listing.as_csv(everybody), headers=[*CSV, PRIVATE, BY_ACCEPT])
    page = await listing.listed(there, request.caller, id, wanted)
    return json_answer(page, headers=[PRIVATE, BY_ACCEPT, *next_links(request.path, request.query, page.next_cursor)])


@performs(operations.RECORDINGS)
async def list_recordings(request: CallerRequest, id: str) -> Answer:
    """What was recorded, for who has a seat and for hosts."""
    return json_answer(await service.recordings(_attendance(request), request.caller, id), headers=[PRIVATE])


@performs(operations.REMOVE_PARTICIPANT)
async def remove_participant(request: CallerRequest, id: str, user_id: str) -> Answer:
    """A host puts somebody out."""
    refuse_unless_sent(request, user_id)
    removed = await service.remove(_attendance(request), request.caller, id, user_id, request_id=request.id)
    return json_answer(as_hosts_see(removed), headers=[PRIVATE])


def _attendance(request: CallerRequest) -> Attendance:
    return cast("Attendance", request.scope["state"]["attendance"])


ROUTES = [get_attendance, list_recordings, remove_participant]
