"""What the operations of the live stream say of themselves in the OpenAPI document."""

from greenroom.identity.scopes import READ_LIVE
from greenroom.identity.tickets import PARAMETER
from greenroom.kit.errors import NotFound, PayloadTooLarge, ValidationFailed
from greenroom.kit.http.operation import AnswerShape, Operation, Parameter
from greenroom.sessions.operations import BRAND, ID, IDEMPOTENCY_KEY, SESSION_EXAMPLE
from greenroom.stream.schemas import (
    Me,
    Pin,
    Presence,
    QuestionChange,
    SessionState,
    Snapshot,
    StreamTicket,
    VoteCounts,
)

TAG = "stream"
EVENT_STREAM = "text/event-stream"

TICKET = Parameter(
    name=PARAMETER,
    location="query",
    description="A ticket of this session, in the place of a token: browsers can send none. It may also come as a cookie.",
    schema={"type": "string"},
)
LAST_EVENT_ID = Parameter(
    name="Last-Event-ID",
    location="header",
    description="The last id that was received: what has changed since is told, as far as it may be seen now; else a snapshot.",
    schema={"type": "string"},
)

WATCH = Operation(
    id="watchSession",
    at="GET /v1/sessions/{id}/stream",
    summary="What happens in a session, as Server-Sent Events",
    tag=TAG,
    scope=READ_LIVE,
    takes_ticket=True,
    parameters=(ID, TICKET, LAST_EVENT_ID, BRAND),
    answers={
        200: AnswerShape(
            description="Events: snapshot and me first, then session, question, votes, pin, presence, me as things change",
            media_type=EVENT_STREAM,
            events={
                "snapshot": Snapshot,
                "me": Me,
                "session": SessionState,
                "question": QuestionChange,
                "votes": VoteCounts,
                "pin": Pin,
                "presence": Presence,
            },
            example='event: votes\ndata: {"counts":{"0199c8a0-6e21-7b55-9d8f-1e7a3c0b2d44":13}}\nid: 1207\n\n',
        )
    },
    raises=(NotFound,),
)

STREAM_TICKET = Operation(
    id="createStreamTicket",
    at="POST /v1/sessions/{id}/stream-ticket",
    summary="A ticket with which a browser opens the stream",
    tag=TAG,
    scope=READ_LIVE,
    parameters=(ID, BRAND, IDEMPOTENCY_KEY),
    answers={
        200: AnswerShape(
            description="The ticket, made anew each time; the answer also sets it as a cookie of the stream's path",
            schema=StreamTicket,
            example={
                "ticket": "l8QQAZnI",
                "url": f"https://live.example.com/v1/sessions/{SESSION_EXAMPLE['id']}/stream?ticket=l8QQAZnI",
                "expires_at": "2026-12-01T18:00:00.000Z",
            },
        )
    },
    raises=(ValidationFailed, NotFound, PayloadTooLarge),
)
