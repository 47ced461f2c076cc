"""HTTP of registrations: read the request, call the service, write the answer."""

from http import HTTPStatus
from typing import cast

from greenroom.identity.request import CallerRequest
from greenroom.kit.http.answer import PRIVATE, REPLAYED, Answer, StreamedAnswer, json_answer
from greenroom.kit.http.body import BodyReader
from greenroom.kit.http.query import QueryReader, next_links
from greenroom.kit.http.routing import performs
from greenroom.kit.http.spreadsheet import asks_for_csv, csv_headers
from greenroom.notifications.contacts import Contacts
from greenroom.registrations import listing, operations, service
from greenroom.registrations.kept import as_hosts_see, as_registration, as_seat_taken
from greenroom.registrations.schemas import (
    AdminRegistrationFilters,
    MyRegistrationFilters,
    RegisterRequest,
    RegistrationFilters,
)
from greenroom.registrations.service import Registrations

REGISTER_REQUEST = BodyReader(RegisterRequest)
MY_FILTERS = QueryReader(MyRegistrationFilters)
FILTERS = QueryReader(RegistrationFilters)
ADMIN_FILTERS = QueryReader(AdminRegistrationFilters)

CSV = csv_headers("registrations.csv")
BY_ACCEPT = (b"vary", b"Accept")


@performs(operations.REGISTER_CALLER)
async def register_caller(request: CallerRequest, id: str) -> Answer:
    """A seat, else a place in line. Source: contract, POST /v1/sessions/{id}/registrations."""
    key = await request.idempotency_key(brand=request.caller.brand)
    await _remembered(request)
    done = await service.register_caller(_registrations(request), request.caller, id, request_id=request.id, key=key)
    headers = [PRIVATE, REPLAYED] if done.replayed else [PRIVATE]
    return json_answer(as_registration(done.registration), status=HTTPStatus.CREATED, headers=headers)


@performs(operations.REGISTER)
async def register(request: CallerRequest, id: str) -> Answer:
    """A seat for the caller, a user or a guest, now or not at all. Source: contract, POST /v1/sessions/{id}/register."""
    wanted = await request.read(REGISTER_REQUEST)
    key = await request.idempotency_key(brand=request.caller.brand)
    await _remembered(request)
    done = await service.register(_registrations(request), request.caller, id, wanted, request_id=request.id, key=key)
    headers = [PRIVATE, REPLAYED] if done.replayed else [PRIVATE]
    return json_answer(as_seat_taken(done.registration), status=HTTPStatus.CREATED, headers=headers)


@performs(operations.GET_OWN)
async def get_own(request: CallerRequest, id: str) -> Answer:
    """The caller's own registration, the last one if it was cancelled."""
    return json_answer(await service.own(_registrations(request), request.caller, id), headers=[PRIVATE])


@performs(operations.CANCEL)
async def cancel_own(request: CallerRequest, id: str) -> Answer:
    """Give up a seat or a place in line. Twice is once."""
    cancelled = await service.cancel(_registrations(request), request.caller, id, request_id=request.id)
    return json_answer(cancelled, headers=[PRIVATE])


@performs(operations.LIST_MINE)
async def list_mine(request: CallerRequest) -> Answer:
    """What the caller is registered for, with the sessions, those to come first."""
    page = await listing.mine(_registrations(request), request.caller, MY_FILTERS.read(request.query))
    return json_answer(page, headers=[PRIVATE, *next_links(request.path, request.query, page.next_cursor)])


@performs(operations.LIST)
async def list_registrations(request: CallerRequest, id: str) -> Answer:
    """Who is registered: a page of JSON, or all of them as CSV."""
    there, filters = _registrations(request), FILTERS.read(request.query)
    if asks_for_csv(request.list_header(b"accept")):
        everybody = await listing.whole(there, request.caller, id, filters)
        return StreamedAnswer(listing.as_csv(everybody), headers=[*CSV, PRIVATE, BY_ACCEPT])
    page = await listing.listed(there, request.caller, id, filters)
    return json_answer(page, headers=[PRIVATE, BY_ACCEPT, *next_links(request.path, request.query, page.next_cursor)])


@performs(operations.LIST_FOR_ADMINS)
async def list_for_admins(request: CallerRequest, id: str) -> Answer:
    """Who is registered: all of them, unless a page is asked for.

    Source: contract, GET /v1/admin/sessions/{id}/registrations.
    """
    there, filters = _registrations(request), ADMIN_FILTERS.read(request.query)
    if filters.asks_for_page:
        page, next_cursor = await listing.admin_page(there, request.caller, id, filters)
        return json_answer(page, headers=[PRIVATE, *next_links(request.path, request.query, next_cursor)])
    everybody = await listing.whole(there, request.caller, id, filters)
    return StreamedAnswer(listing.as_json(everybody), headers=[(b"content-type", b"application/json"), PRIVATE])


@performs(operations.REMOVE)
async def remove_registration(request: CallerRequest, id: str, registration_id: str) -> Answer:
    """A host removes somebody."""
    removed = await service.remove(_registrations(request), request.caller, id, registration_id, request_id=request.id)
    return json_answer(as_hosts_see(removed), headers=[PRIVATE])


@performs(operations.ALLOW)
async def allow_registration(request: CallerRequest, id: str, registration_id: str) -> Answer:
    """A host takes a removal back: the person may register again."""
    key = await request.idempotency_key(brand=request.caller.brand)
    allowed = await service.allow(_registrations(request), request.caller, id, registration_id, request_id=request.id, key=key)
    headers = [PRIVATE, REPLAYED] if allowed.replayed else [PRIVATE]
    return json_answer(as_hosts_see(allowed.registration), headers=headers)


@performs(operations.LINK)
async def link_registration(request: CallerRequest, id: str, registration_id: str) -> Answer:
    """A link for a guest, who needs no account to open it. It is made anew for every request, whatever its key."""
    await request.idempotency_key(brand=request.caller.brand)
    made = await service.link(_registrations(request), request.caller, id, registration_id, address=request.address)
    return json_answer(made, headers=[(b"cache-control", b"no-store")])


@performs(operations.OPEN_LINK)
async def open_link(request: CallerRequest, ticket: str) -> Answer:
    """What a guest's link shows."""
    return json_answer(await service.guest_view(_registrations(request), ticket), headers=[(b"cache-control", b"no-store")])


async def _remembered(request: CallerRequest) -> None:
    """Where the caller is reached, so that they can be told of what they register for."""
    await cast("Contacts", request.scope["state"]["contacts"]).remember(request.caller, request_id=request.id)


def _registrations(request: CallerRequest) -> Registrations:
    return cast("Registrations", request.scope["state"]["registrations"])


ROUTES = [
    register_caller,
    register,
    get_own,
    cancel_own,
    list_mine,
    list_registrations,
    list_for_admins,
    remove_registration,
    allow_registration,
    link_registration,
    open_link,
]
