"""What the operations of mail say of themselves in the OpenAPI document."""

from typing import Any

from greenroom.identity.scopes import ADMIN_LIVE, MANAGE_LIVE
from greenroom.kit.errors import InvalidToken, NotFound, ValidationFailed
from greenroom.kit.http.operation import AnswerShape, Operation, Parameter
from greenroom.notifications.schemas import (
    TEMPLATE_KINDS,
    Contact,
    ContactRequest,
    MailTemplate,
    MailTemplateList,
    MailTemplateRequest,
)
from greenroom.notifications.words import WORDS
from greenroom.sessions.operations import BRAND

TAG = "mail"
HTML = "text/html"

USER_ID = Parameter(
    name="user_id",
    location="path",
    description="Whose contact it is: 1 to 200 characters.",
    schema={"type": "string", "minLength": 1, "maxLength": 200},
    example="participant_1",
)
KIND = Parameter(
    name="kind",
    location="path",
    description="What the mail is about. Anything else is a 404.",
    schema={"type": "string", "enum": list(TEMPLATE_KINDS)},
    example="moved",
)
TICKET = Parameter(
    name="ticket",
    location="query",
    description="The ticket of the link in a mail.",
    schema={"type": "string"},
)

CONTACT_EXAMPLE: dict[str, Any] = {
    "user_id": "participant_1",
    "email": "ada@example.com",
    "time_zone": "Europe/Berlin",
    "stopped": None,
    "updated_at": "2026-12-01T17:05:00.000Z",
}
TEMPLATE_BODY: dict[str, Any] = {
    "subject": "We have moved {{ title }}",
    "text": "New time: {{ when }}{% if old_when %} (it was {{ old_when }}){% endif %}",
    "html": "<p>New time: <strong>{{ when }}</strong></p>",
}
TEMPLATE_EXAMPLE: dict[str, Any] = {
    "kind": "moved",
    "source": "brand",
    **TEMPLATE_BODY,
    "updated_at": "2026-12-01T17:05:00.000Z",
}
DEFAULT_EXAMPLE: dict[str, Any] = {
    "kind": "moved",
    "source": "default",
    "subject": WORDS["moved"].subject,
    "text": WORDS["moved"].text,
    "html": WORDS["moved"].html,
    "updated_at": None,
}


def _contact(description: str) -> dict[int, AnswerShape]:
    return {200: AnswerShape(description=description, schema=Contact, example=CONTACT_EXAMPLE)}


GET_CONTACT = Operation(
    id="getContact",
    at="GET /v1/contacts/{user_id}",
    summary="Where somebody is reached by mail",
    tag=TAG,
    scope=MANAGE_LIVE,
    parameters=(USER_ID, BRAND),
    answers=_contact("The contact"),
    raises=(ValidationFailed, NotFound),
)
KEEP_CONTACT = Operation(
    id="putContact",
    at="PUT /v1/contacts/{user_id}",
    summary="Say where somebody is reached by mail",
    tag=TAG,
    scope=MANAGE_LIVE,
    limit="writes",
    parameters=(USER_ID, BRAND),
    body=ContactRequest,
    body_example={"email": CONTACT_EXAMPLE["email"], "time_zone": CONTACT_EXAMPLE["time_zone"]},
    answers=_contact("The contact as it is now"),
    raises=(NotFound,),
)
ERASE_CONTACT = Operation(
    id="eraseContact",
    at="DELETE /v1/contacts/{user_id}",
    summary="Forget where somebody is reached by mail",
    tag=TAG,
    scope=MANAGE_LIVE,
    limit="writes",
    parameters=(USER_ID, BRAND),
    answers={204: AnswerShape(description="Nothing is known, now or since before")},
    raises=(ValidationFailed, NotFound),
)
LIST_TEMPLATES = Operation(
    id="listMailTemplates",
    at="GET /v1/brand/mail-templates",
    summary="What a brand's mail says, and who says so",
    tag=TAG,
    scope=ADMIN_LIVE,
    limit="admin",
    parameters=(BRAND,),
    answers={
        200: AnswerShape(
            description="A template of each kind", schema=MailTemplateList, example={"templates": [TEMPLATE_EXAMPLE]}
        )
    },
    raises=(ValidationFailed,),
)
KEEP_TEMPLATE = Operation(
    id="putMailTemplate",
    at="PUT /v1/brand/mail-templates/{kind}",
    summary="Let a brand's mail say something else",
    tag=TAG,
    scope=ADMIN_LIVE,
    limit="admin",
    parameters=(KIND, BRAND),
    body=MailTemplateRequest,
    body_example=TEMPLATE_BODY,
    answers={200: AnswerShape(description="The template as it is now", schema=MailTemplate, example=TEMPLATE_EXAMPLE)},
    raises=(NotFound,),
)
ERASE_TEMPLATE = Operation(
    id="eraseMailTemplate",
    at="DELETE /v1/brand/mail-templates/{kind}",
    summary="Let a brand's mail say what the program says",
    tag=TAG,
    scope=ADMIN_LIVE,
    limit="admin",
    parameters=(KIND, BRAND),
    answers={200: AnswerShape(description="The template as it is now", schema=MailTemplate, example=DEFAULT_EXAMPLE)},
    raises=(ValidationFailed, NotFound),
)
ASK_UNSUBSCRIBE = Operation(
    id="askToUnsubscribe",
    at="GET /v1/unsubscribe",
    summary="A page with a button; looking at it changes nothing",
    tag=TAG,
    parameters=(TICKET,),
    answers={200: AnswerShape(description="The page", media_type=HTML)},
    raises=(InvalidToken,),
)
UNSUBSCRIBE = Operation(
    id="unsubscribe",
    at="POST /v1/unsubscribe",
    summary="Send no more mail to the ticket's address, by one click (RFC 8058)",
    tag=TAG,
    parameters=(TICKET,),
    answers={200: AnswerShape(description="A page that says so", media_type=HTML)},
    raises=(InvalidToken,),
)
