"""The operations of attendance: pure decisions around one call of queries."""

from msgspec import Struct

from greenroom.attendance import queries
from greenroom.attendance.queries import KeptRecording, Recorded, Removal, Removed
from greenroom.attendance.schemas import Recording, RecordingList
from greenroom.identity.caller import Caller
from greenroom.kit import recording_links
from greenroom.kit.clock import wire_text
from greenroom.kit.database import Database
from greenroom.kit.errors import Forbidden, NotFound, ValidationFailed
from greenroom.kit.ids import RequestId, new_id
from greenroom.kit.pagination import Cursors
from greenroom.registrations.kept import KeptRegistration
from greenroom.sessions.service import brand_of, known_id_in, refuse_unless_done, user_id_in


class Attendance(Struct, frozen=True):
    """Attendance for all requests of a process."""

    db: Database
    cursors: Cursors


async def recordings(there: Attendance, caller: Caller, session_id: str) -> RecordingList:
    """A session's recordings, for who has a seat and for hosts. Raises NotFound, Forbidden."""
    known_id = known_id_in(session_id)
    brand = await brand_of(there.db, caller, known_id)
    return shown(await queries.recordings(there.db, brand, known_id, caller.user), caller)


async def remove(
    there: Attendance, caller: Caller, session_id: str, user_id: str, *, request_id: RequestId
) -> KeptRegistration:
    """Put somebody out of the call, who loses the seat and may not come back until allowed. Twice is once.

    Raises ValidationFailed, NotFound, Forbidden, InvalidStatus (ended).
    """
    user = user_id_in(user_id)
    known_id = known_id_in(session_id)
    removal = Removal(
        session=known_id,
        brand=await brand_of(there.db, caller, known_id),
        user=user,
        by=caller,
        request_id=request_id,
        event_id=new_id(),
    )
    return registration_in(await queries.remove_participant(there.db, removal))


def shown(found: Recorded | None, caller: Caller) -> RecordingList:
    """What the caller may see of it; where none is known of that should be, the one that is awaited."""
    if found is None:
        raise NotFound("There is no such session.")
    hosts = caller.manages or caller.user == found.host or caller.user in found.co_hosts
    if not (hosts or found.has_seat):
        raise Forbidden("Only who has a seat, the session's host, a co-host or manage:live may do this.")
    if found.rows or found.awaited is None:
        return RecordingList(recordings=[_recording(kept) for kept in found.rows])
    awaited = Recording(id=None, state=found.awaited, url=None, started_at=None, ended_at=None, ready_at=None)
    return RecordingList(recordings=[awaited])


def registration_in(removed: Removed) -> KeptRegistration:
    """The person's registration, or the error that the outcome is."""
    match removed.how:
        case "is_host":
            raise ValidationFailed("user_id: expected somebody other than a host.")
        case "no_participant":
            raise NotFound("There is no such participant.")
    refuse_unless_done(removed.how)
    if removed.registration is None:
        raise AssertionError(f"{removed.how} comes with a registration")
    return removed.registration


def _recording(kept: KeptRecording) -> Recording:
    return Recording(
        id=kept.id,
        state=kept.state,
        url=recording_links.shown(kept.url),
        started_at=None if kept.started_at is None else wire_text(kept.started_at),
        ended_at=None if kept.ended_at is None else wire_text(kept.ended_at),
        ready_at=None if kept.ready_at is None else wire_text(kept.ready_at),
    )
