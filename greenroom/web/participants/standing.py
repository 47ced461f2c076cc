"""What a session is to one viewer, in words: of it the page is made, and what its module asks for when something changed."""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from greenroom.attendance import service as attendance
from greenroom.attendance.schemas import Recording
from greenroom.attendance.service import Attendance
from greenroom.identity.caller import Caller
from greenroom.identity.scopes import WRITE_LIVE
from greenroom.kit.clock import wire_time
from greenroom.kit.errors import Forbidden
from greenroom.registrations import service as registrations
from greenroom.registrations.service import Registrations, Standing
from greenroom.session_settings import service as settings
from greenroom.session_settings.schemas import VideoProvider
from greenroom.session_settings.service import SettingsOf
from greenroom.sessions import service as sessions
from greenroom.sessions.schemas import Session
from greenroom.sessions.service import Sessions
from greenroom.web.texts import text
from greenroom.web.times import Clock
from greenroom.web.visit import Visit

NOBODY: Final = Standing(None, is_removed=False)


class Known(Struct, frozen=True):
    """What is known of a session and of who looks at it."""

    session: Session
    viewer: Caller
    is_signed_in: bool
    hosts: bool
    standing: Standing
    doors_open_minutes: int
    recording: Recording | None
    has_way_in: bool
    provider: VideoProvider  # who will carry the call; of one that is made, who carries it is the call's to say


class Now(Struct, frozen=True, kw_only=True):
    """The session for one viewer, as words and as what may be done. An empty text is not shown."""

    status: str
    status_text: str
    scheduled_at: str
    doors_at: str
    when: str
    seats: str
    standing: str
    can_register: bool
    register: str
    can_cancel: bool
    cancel: str
    can_ask: bool
    why_not_ask: str
    can_vote: bool
    can_join: bool
    why_not_join: str
    recording: str
    recording_url: str


async def known_of(visit: Visit, session_id: str) -> Known:
    """Looked up now. Raises NotFound, Unauthenticated."""
    viewer = visit.viewer
    session = (await sessions.get(visit.service("sessions", Sessions), viewer, session_id)).session
    signed_in = visit.known is not None
    there = visit.service("registrations", Registrations)
    said = await settings.of_session(visit.service("settings", SettingsOf), viewer, session_id)
    return Known(
        session=session,
        viewer=viewer,
        is_signed_in=signed_in,
        hosts=signed_in and await sessions.may_change(visit.request.db, viewer, session_id),
        standing=await registrations.standing(there, viewer, session_id) if signed_in else NOBODY,
        doors_open_minutes=said.doors_open_minutes.value,
        recording=await _recording(visit, viewer, session) if session.status == "ended" and signed_in else None,
        has_way_in=visit.there.join_url is not None or said.video_provider.value != "none",
        provider=said.video_provider.value,
    )


def now_of(known: Known, clock: Clock, *, at: datetime) -> Now:
    """In words. Pure."""
    session = known.session
    may_write = known.is_signed_in and WRITE_LIVE in known.viewer.scopes
    seated = _status(known) == "registered"
    waits = _status(known) == "waitlist"
    is_open = session.status in {"scheduled", "live"}
    free = session.registered_count < session.max_participants
    takes = free or session.status == "scheduled"  # once it is live the line is closed
    can_register = may_write and is_open and takes and not (seated or waits or known.standing.is_removed or known.hosts)
    inside = known.hosts or seated or (session.status == "live" and free and not known.standing.is_removed)
    why_not_ask = _why_not_ask(known, may_write=may_write, inside=inside, is_open=is_open)
    doors = datetime.fromisoformat(session.scheduled_at) - timedelta(minutes=known.doors_open_minutes)
    why_not_join = _why_not_join(known, may_write=may_write, inside=inside, is_early=at < doors)
    return Now(
        status=session.status,
        status_text=text(f"status.{session.status}"),
        scheduled_at=session.scheduled_at,
        doors_at=wire_time(doors),
        when=clock.told(session.scheduled_at),
        seats=_seats(session),
        standing=_standing(known),
        can_register=can_register,
        register=text("session.register" if free else "session.wait"),
        can_cancel=may_write and is_open and (seated or waits),
        cancel=text("session.leave_line" if waits else "session.give_up"),
        can_ask=not why_not_ask,
        why_not_ask=why_not_ask,
        can_vote=may_write and inside and is_open,
        can_join=not why_not_join,
        why_not_join=why_not_join,
        recording="" if known.recording is None else text(f"session.recording.{known.recording.state}"),
        recording_url="" if known.recording is None else known.recording.url or "",
    )


def _status(known: Known) -> str | None:
    own = known.standing.registration
    return None if own is None else own.status


def _seats(session: Session) -> str:
    left = session.max_participants - session.registered_count
    if session.status not in {"scheduled", "live"}:
        return ""
    if left > 0:
        return text("live.seats_left", n=left)
    return text("session.full_line" if session.status == "scheduled" else "session.full")


def _standing(known: Known) -> str:
    """How the viewer stands to the session, in a sentence."""
    own, session = known.standing.registration, known.session
    if known.standing.is_removed:
        return text("session.removed")
    if known.hosts:
        return text("session.you_host")
    if session.status == "cancelled":
        return text("session.called_off")
    if own is None or own.status == "cancelled":
        return ""
    if own.status == "waitlist":
        closed = session.status != "scheduled" or own.waitlist_position is None
        return text("session.line_closed") if closed else text("session.place_in_line", place=own.waitlist_position)
    return text("session.was_seated" if session.status == "ended" else "session.seated")


def _why_not_ask(known: Known, *, may_write: bool, inside: bool, is_open: bool) -> str:
    """An empty text where the viewer may ask."""
    if not known.is_signed_in:
        return text("session.sign_in_to_ask")
    if not is_open:
        return text("session.asking_is_over")
    return "" if may_write and inside else text("session.seat_to_ask")


def _why_not_join(known: Known, *, may_write: bool, inside: bool, is_early: bool) -> str:
    """An empty text where the viewer may join now."""
    session = known.session
    if session.status in {"ended", "cancelled"}:
        return text("session.is_over")
    if not known.is_signed_in:
        return text("session.sign_in_to_join")
    if not known.has_way_in:
        return text("session.no_way_in")
    if not (may_write and inside):
        return text("session.seat_to_join")
    is_too_early = session.status == "scheduled" and not known.hosts and is_early
    return text("session.doors", n=known.doors_open_minutes) if is_too_early else ""


async def _recording(visit: Visit, viewer: Caller, session: Session) -> Recording | None:
    """The first of the recordings, for who may see them: had a seat, or hosts."""
    try:
        found = await attendance.recordings(visit.service("attendance", Attendance), viewer, session.id)
    except Forbidden:
        return None
    return next(iter(found.recordings), None)
