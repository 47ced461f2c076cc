"""HTTP of calls: read the request, call the service, write the answer."""

from http import HTTPStatus
from typing import cast

from greenroom.calls import operations, service
from greenroom.calls.schemas import CallCreate, CallTokenRequest, JoinRequest
from greenroom.calls.service import Calls
from greenroom.identity.request import CallerRequest
from greenroom.kit.http.answer import PRIVATE, REPLAYED, Answer, json_answer
from greenroom.kit.http.body import BodyReader
from greenroom.kit.http.routing import performs
from greenroom.notifications.contacts import Contacts

JOIN_REQUEST = BodyReader(JoinRequest)
CALL_CREATE = BodyReader(CallCreate)
CALL_TOKEN_REQUEST = BodyReader(CallTokenRequest)

NO_STORE = (b"cache-control", b"no-store")


@performs(operations.JOIN)
async def join_session(request: CallerRequest, id: str) -> Answer:
    """Into the call. The token is made anew whatever the key. Source: contract, POST /v1/sessions/{id}/join."""
    wanted = await request.read(JOIN_REQUEST)
    await request.idempotency_key(brand=request.caller.brand)
    await cast("Contacts", request.scope["state"]["contacts"]).remember(request.caller, request_id=request.id)
    joined = await service.join(_calls(request), request.caller, id, wanted, request_id=request.id)
    return json_answer(joined, headers=[NO_STORE])


@performs(operations.CHAT_TOKEN)
async def get_chat_token(request: CallerRequest, id: str) -> Answer:
    """Into the chat. Source: contract, GET /v1/sessions/{id}/chat-token."""
    return json_answer(await service.chat_token(_calls(request), request.caller, id), headers=[NO_STORE])


@performs(operations.CREATE)
async def create_call(request: CallerRequest) -> Answer:
    """A call that belongs to no session. Source: contract, POST /v1/live/calls."""
    wanted = await request.read(CALL_CREATE)
    key = await request.idempotency_key(brand=request.caller.brand)
    call, is_replayed = await service.create(_calls(request), request.caller, wanted, request_id=request.id, key=key)
    headers = [PRIVATE, (b"location", f"/v1/live/calls/{call.id}".encode()), *([REPLAYED] if is_replayed else [])]
    return json_answer(call, status=HTTPStatus.CREATED, headers=headers)


@performs(operations.GET)
async def get_call(request: CallerRequest, id: str) -> Answer:
    """A call, and how the provider sees it. Source: contract, GET /v1/live/calls/{id}."""
    return json_answer(await service.get(_calls(request), request.caller, id), headers=[PRIVATE])


@performs(operations.TOKEN)
async def create_call_token(request: CallerRequest, id: str) -> Answer:
    """Into one call. Source: contract, POST /v1/live/calls/{id}/token."""
    wanted = await request.read(CALL_TOKEN_REQUEST)
    await request.idempotency_key(brand=request.caller.brand)
    minted = await service.token(_calls(request), request.caller, id, wanted, request_id=request.id)
    return json_answer(minted, headers=[NO_STORE])


@performs(operations.END)
async def end_call(request: CallerRequest, id: str) -> Answer:
    """The end of a call, and of its session. Source: contract, POST /v1/live/calls/{id}/end."""
    await request.idempotency_key(brand=request.caller.brand)
    return json_answer(await service.end(_calls(request), request.caller, id, request_id=request.id), headers=[PRIVATE])


def _calls(request: CallerRequest) -> Calls:
    return cast("Calls", request.scope["state"]["calls"])


ROUTES = [
    join_session,
    get_chat_token,
    create_call,
    get_call,
    create_call_token,
    end_call,
]
