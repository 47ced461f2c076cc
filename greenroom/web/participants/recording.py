"""What the page of a room sends of a recording: the host's browser records, and brings it in pieces (static/recorder.js)."""

from functools import partial

from greenroom.kit.http.answer import Answer, bare_answer, json_answer
from greenroom.recordings import service
from greenroom.recordings.service import PIECE_OCTETS, Place, Recordings, Said
from greenroom.web.binding import does, takes
from greenroom.web.visit import Visit

NO_STORE = (b"cache-control", b"no-store")


@does("/s/{id}/room/recordings")
async def begin_recording(visit: Visit, id: str) -> Answer:
    """Begin one; answers its name."""
    return json_answer(await service.begin(_recordings(visit), visit.caller, id), headers=[NO_STORE])


@takes("/s/{id}/room/recordings/{recording}/parts/{part}/pieces/{number}")
async def keep_piece(visit: Visit, id: str, recording: str, part: str, number: str) -> Answer:
    """Keep a piece. Twice is once."""
    place = Place(id, recording, part, number)
    request = visit.request
    said = Said(request.header(b"content-length"), request.list_header(b"content-digest"))
    await service.keep(_recordings(visit), visit.caller, place, said, partial(request.bounded_body, PIECE_OCTETS))
    return bare_answer(204, [NO_STORE])


@does("/s/{id}/room/recordings/{recording}/finish")
async def finish_recording(visit: Visit, id: str, recording: str) -> Answer:
    """That was all. Twice is once."""
    await service.finish(_recordings(visit), visit.caller, id, recording, visit.form.text("parts"))
    return bare_answer(204, [NO_STORE])


def _recordings(visit: Visit) -> Recordings:
    return visit.service("recordings", Recordings)


ROUTES = [begin_recording, keep_piece, finish_recording]
