"""HTTP of mail: read the request, call the service, write the answer."""

from http import HTTPStatus
from typing import cast
from urllib.parse import parse_qs, urlencode

from greenroom.identity.request import CallerRequest
from greenroom.kit.errors import InvalidToken
from greenroom.kit.http.answer import PRIVATE, Answer, bare_answer, json_answer, length_of
from greenroom.kit.http.body import BodyReader
from greenroom.kit.http.request import ApiRequest
from greenroom.kit.http.routing import performs
from greenroom.notifications import operations, pages, service
from greenroom.notifications.schemas import ContactRequest, MailTemplateRequest
from greenroom.notifications.service import Notifications
from greenroom.notifications.unsubscribing import PARAMETER, PATH

CONTACT_REQUEST = BodyReader(ContactRequest)
TEMPLATE_REQUEST = BodyReader(MailTemplateRequest)


@performs(operations.GET_CONTACT)
async def get_contact(request: CallerRequest, user_id: str) -> Answer:
    """Where somebody is reached."""
    return json_answer(await service.contact(_notifications(request), request.caller, user_id), headers=[PRIVATE])


@performs(operations.KEEP_CONTACT)
async def put_contact(request: CallerRequest, user_id: str) -> Answer:
    """Say where somebody is reached."""
    wanted = await request.read(CONTACT_REQUEST)
    kept = await service.keep_contact(_notifications(request), request.caller, user_id, wanted, request_id=request.id)
    return json_answer(kept, headers=[PRIVATE])


@performs(operations.ERASE_CONTACT)
async def erase_contact(request: CallerRequest, user_id: str) -> Answer:
    """Forget where somebody is reached. Twice is once."""
    await service.erase_contact(_notifications(request), request.caller, user_id, request_id=request.id)
    return bare_answer(HTTPStatus.NO_CONTENT, [PRIVATE])


@performs(operations.LIST_TEMPLATES)
async def list_templates(request: CallerRequest) -> Answer:
    """What mail of each kind says."""
    return json_answer(await service.templates(_notifications(request), request.caller), headers=[PRIVATE])


@performs(operations.KEEP_TEMPLATE)
async def put_template(request: CallerRequest, kind: str) -> Answer:
    """Say something else than the program."""
    wanted = await request.read(TEMPLATE_REQUEST)
    kept = await service.keep_template(_notifications(request), request.caller, kind, wanted, request_id=request.id)
    return json_answer(kept, headers=[PRIVATE])


@performs(operations.ERASE_TEMPLATE)
async def erase_template(request: CallerRequest, kind: str) -> Answer:
    """Say again what the program says. Twice is once."""
    left = await service.erase_template(_notifications(request), request.caller, kind, request_id=request.id)
    return json_answer(left, headers=[PRIVATE])


@performs(operations.ASK_UNSUBSCRIBE)
async def ask_to_unsubscribe(request: ApiRequest) -> Answer:
    """A page with a button: programs that follow every link in a mail unsubscribe nobody (RFC 8058, section 1)."""
    ticket = _ticket_in(request)
    _notifications(request).unsubscribing.read(ticket)
    return _page(pages.question(action=f"{PATH}?{urlencode({PARAMETER: ticket})}"))


@performs(operations.UNSUBSCRIBE)
async def unsubscribe(request: ApiRequest) -> Answer:
    """By the button, or by a mail program's own (RFC 8058, section 3.2). The ticket says all; the body is not read."""
    await service.unsubscribe(_notifications(request), _ticket_in(request))
    return _page(pages.done())


def _ticket_in(request: ApiRequest) -> str:
    """Raises InvalidToken for none, or several."""
    sent = parse_qs(request.query.decode("latin-1")).get(PARAMETER, [])
    if len(sent) != 1:
        raise InvalidToken
    return sent[0]


def _page(body: bytes) -> Answer:
    return Answer(body, status=HTTPStatus.OK, headers=[*pages.PAGE_HEADERS, length_of(body)])


def _notifications(request: ApiRequest) -> Notifications:
    return cast("Notifications", request.scope["state"]["notifications"])


ROUTES = [
    get_contact,
    put_contact,
    erase_contact,
    list_templates,
    put_template,
    erase_template,
    ask_to_unsubscribe,
    unsubscribe,
]
