"""What the operations of attendance say of themselves in the OpenAPI document."""

from typing import Any

from greenroom.attendance.schemas import AttendanceList, AttendancePage, RecordingList
from greenroom.identity.scopes import READ_LIVE, WRITE_LIVE
from greenroom.kit.errors import InvalidStatus, NotFound, ValidationFailed
from greenroom.kit.http.operation import AnswerShape, Operation
from greenroom.kit.http.spreadsheet import CSV
from greenroom.registrations.operations import HOST_EXAMPLE
from greenroom.registrations.schemas import HostRegistration
from greenroom.sessions.operations import BRAND, ID, NEXT, USER_ID

TAG = "attendance"

ATTENDEE_EXAMPLE: dict[str, Any] = {
    "user_id": "participant_1",
    "role": "participant",
    "registration_status": "registered",
    "first_joined_at": "2026-12-01T16:58:12.000Z",
    "last_left_at": "2026-12-01T18:00:00.000Z",
    "minutes": 61.8,
    "is_inside": False,
    "is_estimated": False,
    "outcome": "attended",
}

LIST = Operation(
    id="getAttendance",
    at="GET /v1/sessions/{id}/attendance",
    summary="Who was there and for how long: JSON in pages, or all as CSV",
    tag=TAG,
    scope=WRITE_LIVE,
    parameters=(ID, BRAND),
    query=AttendancePage,
    answers={
        200: AnswerShape(
            description="People by their ids: a page; with Accept: text/csv all of them, whatever cursor and limit say",
            schema=AttendanceList,
            example={
                "attendance": [ATTENDEE_EXAMPLE],
                "totals": {
                    "people": 1,
                    "peak": 1,
                    "minutes": 61.8,
                    "attended": 1,
                    "left_early": 0,
                    "no_show": 1,
                    "removed": 0,
                    "cancelled_in_time": 0,
                    "is_estimated": False,
                },
                "status": "ended",
                "next_cursor": None,
            },
            headers=NEXT,
            or_as=(CSV,),
        )
    },
    raises=(NotFound,),
)

RECORDINGS = Operation(
    id="listRecordings",
    at="GET /v1/sessions/{id}/recordings",
    summary="What was recorded, for who has a seat and for hosts",
    tag=TAG,
    scope=READ_LIVE,
    parameters=(ID, BRAND),
    answers={
        200: AnswerShape(
            description="The recordings; none where none is made",
            schema=RecordingList,
            example={
                "recordings": [
                    {
                        "id": "EG_2HvPdQVwbkVr",
                        "state": "ready",
                        "url": "https://recordings.example.com/EG_2HvPdQVwbkVr.mp4",
                        "started_at": "2026-12-01T17:00:02.000Z",
                        "ended_at": "2026-12-01T18:00:00.000Z",
                        "ready_at": "2026-12-01T18:06:41.000Z",
                    }
                ]
            },
        )
    },
    raises=(NotFound,),
)

REMOVE_PARTICIPANT = Operation(
    id="removeParticipant",
    at="DELETE /v1/sessions/{id}/participants/{user_id}",
    summary="Put somebody out of the call, who loses the seat and may not come back until allowed",
    tag=TAG,
    scope=WRITE_LIVE,
    limit="writes",
    parameters=(ID, USER_ID, BRAND),
    answers={
        200: AnswerShape(
            description="The person's registration, removed now or before",
            schema=HostRegistration,
            example={**HOST_EXAMPLE, "status": "cancelled", "cancelled_at": "2026-12-01T17:20:00.000Z", "is_removed": True},
        )
    },
    raises=(ValidationFailed, NotFound, InvalidStatus),
)
