"""The way from a page to the live stream of its session."""

from greenroom.identity.caller import Caller
from greenroom.stream import service
from greenroom.stream.service import Streams
from greenroom.web.visit import Visit


async def stream_cookie(visit: Visit, viewer: Caller, session_id: str) -> tuple[bytes, bytes]:
    """The header with which the page may open the session's stream. Raises NotFound."""
    given = await service.ticket(visit.service("streams", Streams), viewer, session_id, address=visit.request.address)
    return b"set-cookie", given.cookie.encode()
