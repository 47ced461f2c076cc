"""A brand's webhooks and their deliveries, for who manages the brand."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

import msgspec
from babel.dates import format_timedelta
from msgspec import UNSET, Struct

from greenroom.events.catalogue import EVENTS
from greenroom.identity.caller import Caller
from greenroom.kit.errors import Forbidden, GreenroomError, InternalError, NotFound, RateLimited, Unauthenticated, Unavailable
from greenroom.kit.http.answer import Answer
from greenroom.kit.http.body import BodyReader
from greenroom.kit.http.query import QueryReader
from greenroom.web.binding import does, shows
from greenroom.web.forms import Form
from greenroom.web.texts import locale, text
from greenroom.web.visit import Visit
from greenroom.webhooks import listing, service
from greenroom.webhooks.schemas import (
    DESCRIPTION_CHARACTERS,
    DeliveryFilters,
    EndpointFilters,
    WebhookEndpoint,
    WebhookEndpointPatch,
    WebhookEndpointRequest,
    WebhookEndpointWithSecret,
)
from greenroom.webhooks.service import OVERLAP, TEST_NAME, Webhooks
from greenroom.webhooks.targets import CHARACTERS

PATH: Final = "/host/webhooks"
USUAL_EVENTS: Final = "live."  # all that happens, and nobody's address
STATES: Final = ("pending", "delivered", "failed")

ENDPOINT_REQUEST: Final = BodyReader(WebhookEndpointRequest)
ENDPOINT_PATCH: Final = BodyReader(WebhookEndpointPatch)
ENDPOINT_FILTERS: Final = QueryReader(EndpointFilters)
DELIVERY_FILTERS: Final = QueryReader(DeliveryFilters)

# What the page itself can say nothing about: the whole answer is another.
ELSEWHERE: Final = (InternalError, RateLimited, Unauthenticated, Unavailable, NotFound)

_BETWEEN_EVENTS = re.compile(r"[,\s]+")


class Typed(Struct, frozen=True, kw_only=True):
    """What a form of an endpoint holds, and what is wrong with it: `wrong` is the field that is named."""

    url: str = ""
    description: str = ""
    events: str = USUAL_EVENTS
    is_enabled: bool = True
    problems: tuple[str, ...] = ()
    wrong: str = ""


@shows(PATH)
async def endpoints(visit: Visit) -> Answer:
    """The brand's endpoints, and a form that makes another."""
    return await _endpoints_page(visit, Typed())


@does(PATH)
async def add(visit: Visit) -> Answer:
    """Make an endpoint, once for one sending of the form; what follows is the one page that shows its secret."""
    caller, typed = _manager(visit), typed_in(visit.form)
    try:
        wanted = ENDPOINT_REQUEST.decode(msgspec.json.encode(fields_of(typed)))
        made = await service.create(_webhooks(visit), caller, wanted, request_id=visit.request.id, key=visit.key())
    except GreenroomError as error:
        return await _endpoints_page(visit, _refused(visit, typed, error), status=error.status)
    return _secret_page(visit, made.endpoint, is_new=True)


@shows(PATH + "/{endpoint_id}")
async def endpoint(visit: Visit, endpoint_id: str) -> Answer:
    """An endpoint: its settings, and what was delivered to it."""
    return await _endpoint_page(visit, endpoint_id)


@does(PATH + "/{endpoint_id}/edit")
async def edit(visit: Visit, endpoint_id: str) -> Answer:
    """Change it. Whether it is enabled changes only where the box was: it may have been disabled since it was shown."""
    caller, typed = _manager(visit), typed_in(visit.form)
    fields = fields_of(typed)
    status = "enabled" if typed.is_enabled else "disabled"
    if status != visit.form.text("shown_status"):
        fields["status"] = status
    try:
        patch = ENDPOINT_PATCH.decode(msgspec.json.encode(fields))
        changed = await service.change(_webhooks(visit), caller, endpoint_id, patch, request_id=visit.request.id)
    except GreenroomError as error:
        return await _endpoint_page(visit, endpoint_id, _refused(visit, typed, error), status=error.status)
    return visit.done(f"{PATH}/{endpoint_id}", said="webhook_changed", body=changed)


@does(PATH + "/{endpoint_id}/rotate")
async def rotate(visit: Visit, endpoint_id: str) -> Answer:
    """Give it a new secret, once for one sending of the form; what follows is the one page that shows it."""
    caller = _manager(visit)
    try:
        rotated = await service.rotate(_webhooks(visit), caller, endpoint_id, request_id=visit.request.id, key=visit.key())
    except GreenroomError as error:
        return await _not_done(visit, endpoint_id, error)
    return _secret_page(visit, rotated.endpoint, is_new=False)


@does(PATH + "/{endpoint_id}/test")
async def send_test(visit: Visit, endpoint_id: str) -> Answer:
    """Send it an event that says nothing, once for one sending of the form."""
    caller = _manager(visit)
    try:
        planned = await service.test(_webhooks(visit), caller, endpoint_id, key=visit.key())
    except GreenroomError as error:
        return await _not_done(visit, endpoint_id, error)
    return visit.done(f"{PATH}/{endpoint_id}", said="webhook_tested", body=planned.delivery)


@does(PATH + "/{endpoint_id}/delete")
async def delete(visit: Visit, endpoint_id: str) -> Answer:
    """Forget it, with its deliveries."""
    caller = _manager(visit)
    await service.delete(_webhooks(visit), caller, endpoint_id, request_id=visit.request.id)
    return visit.done(PATH, said="webhook_deleted")


@does(PATH + "/{endpoint_id}/deliveries/{delivery_id}/redeliver")
async def redeliver(visit: Visit, endpoint_id: str, delivery_id: str) -> Answer:
    """Deliver it again, once for one sending of the form."""
    caller = _manager(visit)
    try:
        key = visit.key()
        planned = await service.redeliver(_webhooks(visit), caller, endpoint_id, delivery_id, key=key)
    except GreenroomError as error:
        return await _not_done(visit, endpoint_id, error)
    return visit.done(f"{PATH}/{endpoint_id}", said="webhook_redelivered", body=planned.delivery)


def typed_in(form: Form) -> Typed:
    """What was typed."""
    return Typed(
        url=form.line("url"),
        description=form.line("description"),
        events=form.text("events"),
        is_enabled=form.ticked("is_enabled"),
    )


def fields_of(typed: Typed) -> dict[str, Any]:
    """The same in the words of the API; events stand in lines, or with commas between them."""
    named = [one for one in _BETWEEN_EVENTS.split(typed.events) if one]
    return {"url": typed.url, "description": typed.description or None, "events": named}


def wait_in_words(at: str, *, now: datetime) -> str:
    """Such as `in 5 minutes`."""
    wait = datetime.fromisoformat(at) - now
    if wait < timedelta(seconds=1):
        return text("webhooks.at_once")
    told: str = format_timedelta(wait, granularity="second", threshold=1.5, add_direction=True, locale=locale())
    return told


async def _endpoints_page(visit: Visit, typed: Typed, *, status: int = HTTPStatus.OK) -> Answer:
    filters = ENDPOINT_FILTERS.read(visit.request.query)
    page = await listing.endpoints(_webhooks(visit), _manager(visit), filters)
    return visit.page("desk_webhooks.html", status=status, page=page, is_first=filters.cursor is UNSET, **_form(typed))


async def _endpoint_page(
    visit: Visit, endpoint_id: str, typed: Typed | None = None, *, problems: tuple[str, ...] = (), status: int = HTTPStatus.OK
) -> Answer:
    """The page of this moment, with what was typed, or the problem of another of its forms. Raises NotFound, Forbidden."""
    caller, there = _manager(visit), _webhooks(visit)
    filters = DELIVERY_FILTERS.read(visit.request.query)
    found = await service.endpoint(there, caller, endpoint_id)
    page = await listing.deliveries(there, caller, endpoint_id, filters)
    now = datetime.now(UTC)
    return visit.page(
        "desk_webhook.html",
        status=status,
        endpoint=found,
        page=page,
        is_first=filters.cursor is UNSET,
        wanted_state="" if filters.state is UNSET else filters.state,
        states=STATES,
        now=now,
        in_words=_waits(now),
        test_name=TEST_NAME,
        **_form(typed or _as_it_is(found, problems)),
    )


def _secret_page(visit: Visit, made: WebhookEndpointWithSecret, *, is_new: bool) -> Answer:
    """No page but this shows the secret."""
    if visit.wants_json:
        return visit.done(PATH, body=made)
    status = HTTPStatus.CREATED if is_new else HTTPStatus.OK
    return visit.page("desk_webhook_secret.html", status=status, endpoint=made, is_new=is_new, hours=_hours(OVERLAP))


async def _not_done(visit: Visit, endpoint_id: str, error: GreenroomError) -> Answer:
    typed = _refused(visit, Typed(), error)
    return await _endpoint_page(visit, endpoint_id, problems=typed.problems, status=error.status)


def _refused(visit: Visit, typed: Typed, error: GreenroomError) -> Typed:
    """What was typed, with what is wrong; a module of ours is told the error alone, and so is who cannot be shown the form."""
    if visit.wants_json or isinstance(error, ELSEWHERE):
        raise error
    name, colon, _ = error.text.partition(":")
    wrong = name if colon and name in {"url", "description", "events"} else ""
    return msgspec.structs.replace(typed, problems=(error.text,), wrong=wrong)


def _as_it_is(found: WebhookEndpoint, problems: tuple[str, ...]) -> Typed:
    return Typed(
        url=found.url,
        description=found.description or "",
        events="\n".join(found.events),
        is_enabled=found.status == "enabled",
        problems=problems,
    )


def _form(typed: Typed) -> dict[str, Any]:
    """What the fields of an endpoint need."""
    return {
        "typed": typed,
        "most_url": CHARACTERS,
        "most_description": DESCRIPTION_CHARACTERS,
        "event_names": [event.name for event in EVENTS],
    }


def _waits(now: datetime) -> Callable[[str], str]:
    return lambda at: wait_in_words(at, now=now)


def _hours(span: timedelta) -> int:
    return span // timedelta(hours=1)


def _manager(visit: Visit) -> Caller:
    """Who may manage webhooks. Raises Unauthenticated, Forbidden."""
    if not visit.caller.manages:
        raise Forbidden(text("webhooks.not_yours"))
    return visit.caller


def _webhooks(visit: Visit) -> Webhooks:
    return visit.service("webhooks", Webhooks)


ROUTES = [endpoints, add, endpoint, edit, rotate, send_test, delete, redeliver]
