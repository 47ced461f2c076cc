"""HTTP of the live stream: read the request, call the service, hand the connection over."""

import random
from typing import cast

from greenroom.identity.request import CallerRequest
from greenroom.kit.http.answer import Answer, PushedAnswer, json_answer
from greenroom.kit.http.routing import performs
from greenroom.stream import operations, service
from greenroom.stream.operations import EVENT_STREAM
from greenroom.stream.service import Streams

NO_STORE = (b"cache-control", b"no-store")
HEADERS = [
    (b"content-type", EVENT_STREAM.encode()),  # always UTF-8 (HTML standard, section 9.2.6)
    NO_STORE,
    (b"x-accel-buffering", b"no"),  # for proxies that would wait for more
]
RETRY_MS = (1_000, 5_000)  # after which a client comes again: not all in the same moment


@performs(operations.WATCH)
async def watch_session(request: CallerRequest, id: str) -> Answer:
    """Watch. The connection lasts for an hour at most (a setting); a client then comes again and goes on where it was."""
    there = _streams(request)
    resumed = service.resumed_from(request.header(b"last-event-id"))
    scope = request.scope
    watcher = await service.watch(there, request.caller, id, token=scope.get("token"), ticket=scope.get("ticket"))
    retry = b"retry: %d\n\n" % random.randint(*RETRY_MS)  # noqa: S311  # no secret
    return PushedAnswer(watcher, lambda: there.engine.begin(watcher, resumed, before=retry), headers=[*HEADERS])


@performs(operations.STREAM_TICKET)
async def create_stream_ticket(request: CallerRequest, id: str) -> Answer:
    """A ticket for this session and this person, made anew for every request, whatever its key."""
    await request.idempotency_key(brand=request.caller.brand)
    given = await service.ticket(_streams(request), request.caller, id, address=request.address)
    return json_answer(given.ticket, headers=[NO_STORE, (b"set-cookie", given.cookie.encode())])


def _streams(request: CallerRequest) -> Streams:
    return cast("Streams", request.scope["state"]["streams"])


ROUTES = [watch_session, create_stream_ticket]
