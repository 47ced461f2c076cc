"""The room of a session: the page with picture and sound, the way into it, and the way out of it for somebody else."""

from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from greenroom.attendance import service as attendance
from greenroom.attendance.service import Attendance
from greenroom.calls import service as calls
from greenroom.calls.schemas import JoinRequest
from greenroom.calls.service import Calls
from greenroom.kit.http.answer import Answer, Headers
from greenroom.registrations.kept import as_hosts_see
from greenroom.web import cookies
from greenroom.web.binding import does, shows
from greenroom.web.live import stream_cookie
from greenroom.web.participants.session import Typed, asked_in
from greenroom.web.participants.standing import Known, Now, known_of, now_of
from greenroom.web.participants.titles import headline
from greenroom.web.rendering import Allowed
from greenroom.web.sdks import Sdk
from greenroom.web.texts import IN_ROOM, text
from greenroom.web.visit import Visit

NOT_TYPED: Final = Typed()


class Entry(Struct, frozen=True):
    """What the page's module comes in with: asked anew each time it comes, so that who was removed meanwhile is refused."""

    token: str
    call_id: str
    provider: str


@shows("/s/{id}/room")
async def room_page(visit: Visit, id: str) -> Answer:
    """The page, for who is signed in; who may not come in yet, or any more, is told why."""
    caller = visit.caller
    known = await known_of(visit, id)
    joining = visit.service("calls", Calls)
    provider = await calls.carrier(joining, caller, id, planned=known.provider)
    now = now_of(known, visit.clock, at=datetime.now(UTC))
    sdk = visit.there.sdks.get(provider or "")
    why_not = _why_not(known, now) or _why_not_carried(provider, sdk)
    return visit.page(
        "room.html",
        headers=[await stream_cookie(visit, caller, id), *await _stays_signed_in(visit)],
        allowed=_allowed_with(sdk),
        session=known.session,
        known=known,
        now=now,
        why_not=why_not,
        provider="" if _why_not_carried(provider, sdk) else provider,
        sdk=None if why_not else sdk,
        is_recorded=joining.carriers.records,
        asked=await asked_in(visit, id),
        typed=NOT_TYPED,
        headline=headline,
        in_room=IN_ROOM,
    )


async def _stays_signed_in(visit: Visit) -> Headers:
    """Nobody is put out of a room because they signed in this morning."""
    extended = await visit.there.sign_in.extended(visit.caller)
    return [] if extended is None else [cookies.signed_in(visit.request, extended)]


def _why_not(known: Known, now: Now) -> str:
    """An empty text where the viewer may come in now."""
    return now.standing if known.standing.is_removed else now.why_not_join


def _why_not_carried(provider: str | None, sdk: Sdk | None) -> str:
    """An empty text where somebody carries picture and sound, and the page has what it needs for that."""
    if provider is None:
        return text("room.no_provider")
    if sdk is not None and sdk.url is None:
        return text("room.no_sdk", setting=f"GREENROOM_{sdk.provider.upper()}_SDK_URL")
    return ""


def _allowed_with(sdk: Sdk | None) -> Allowed:
    """Camera, microphone and screen; and of a provider's SDK, where it is needed, that file and that provider's hosts."""
    if sdk is None or sdk.url is None:
        return Allowed(devices=True)
    return Allowed(devices=True, scripts=sdk.scripts, connects=sdk.connects)


@does("/s/{id}/room/token")
async def token(visit: Visit, id: str) -> Answer:
    """Be let in: a seat is taken where there was none. Twice is once."""
    caller = visit.caller
    wanted = JoinRequest(user_id=caller.user)
    entry = await calls.enter(visit.service("calls", Calls), caller, id, wanted, request_id=visit.request.id)
    return visit.done(f"/s/{id}/room", body=Entry(entry.token, entry.call_id, entry.provider))


@does("/s/{id}/room/remove")
async def remove(visit: Visit, id: str) -> Answer:
    """Put somebody out, by a host, who sees whom and not which registration that is. Twice is once."""
    there = visit.service("attendance", Attendance)
    removed = await attendance.remove(there, visit.caller, id, visit.form.text("user"), request_id=visit.request.id)
    return visit.done(f"/s/{id}/room", body=as_hosts_see(removed))


ROUTES = [room_page, token, remove]
