"""What the operations of calendars say of themselves in the OpenAPI document."""

from greenroom.calendar.schemas import PARAMETER, PATH, CalendarFeed
from greenroom.identity.scopes import READ_LIVE, WRITE_LIVE
from greenroom.kit.errors import InvalidToken, NotFound, PayloadTooLarge, Unauthenticated, ValidationFailed
from greenroom.kit.http.operation import AnswerShape, Operation, Parameter
from greenroom.sessions.operations import BRAND, ID, IDEMPOTENCY_KEY, IF_NONE_MATCH

TAG = "calendar"
CALENDAR = "text/calendar"

TICKET = Parameter(
    name=PARAMETER,
    location="query",
    description="The ticket of one's feed, in the place of a token: calendar programs can send none. Without one it is a 401.",
    schema={"type": "string"},
)
HELD = {"ETag": "Strong: another one as soon as anything in the calendar is."}


def _calendar(description: str) -> dict[int, AnswerShape]:
    return {
        200: AnswerShape(
            description=description,
            media_type=CALENDAR,
            headers=HELD,
        ),
        304: AnswerShape(description="The caller's copy is still right.", headers=HELD),
    }


GET = Operation(
    id="getSessionCalendar",
    at="GET /v1/sessions/{id}/calendar.ics",
    summary="One's own entry of a session, for a calendar",
    tag=TAG,
    scope=READ_LIVE,
    parameters=(ID, BRAND, IF_NONE_MATCH),
    answers=_calendar("An iCalendar object (RFC 5545) with one event"),
    raises=(ValidationFailed, NotFound),
)

SUBSCRIBE = Operation(
    id="createCalendarFeed",
    at="POST /v1/me/calendar-feed",
    summary="A link to subscribe to in a calendar program, in the place of any before",
    tag=TAG,
    scope=WRITE_LIVE,  # what reads alone leaves nothing behind that is good for longer than itself
    limit="writes",
    parameters=(BRAND, IDEMPOTENCY_KEY),
    answers={
        201: AnswerShape(
            description="The link, made anew each time and shown this once; the one before opens nothing any more",
            schema=CalendarFeed,
            example={
                "url": f"https://live.example.com{PATH}?{PARAMETER}=9bFPL7a0lK1yCqSUeU7oPCWm3zJXr2v5TtHdAeQkYgM",
                "ticket": "9bFPL7a0lK1yCqSUeU7oPCWm3zJXr2v5TtHdAeQkYgM",
            },
        )
    },
    raises=(ValidationFailed, PayloadTooLarge),
)

REVOKE = Operation(
    id="revokeCalendarFeed",
    at="DELETE /v1/me/calendar-feed",
    summary="Let one's link open nothing any more",
    tag=TAG,
    scope=WRITE_LIVE,
    limit="writes",
    parameters=(BRAND,),
    answers={204: AnswerShape(description="There is no link that is good, now or since before")},
    raises=(ValidationFailed,),
)

FEED = Operation(
    id="getCalendarFeed",
    at=f"GET {PATH}",
    summary="What one is registered for and hosts, to subscribe to",
    tag=TAG,
    parameters=(TICKET, IF_NONE_MATCH),
    answers=_calendar("An iCalendar object (RFC 5545) with an event for each session"),
    raises=(Unauthenticated, InvalidToken, ValidationFailed),
)
