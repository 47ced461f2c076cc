"""The room, for the demonstration: who presses "join" is in, and what the provider tells makes the session live."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from greenroom.commands.stage import BRAND, HOST, PARTICIPANT, PEOPLE, VISITOR, Ask, Only, Stage
from greenroom.commands.stand_in import StandIn
from greenroom.kit.clock import wire_time

BEGINS_IN = timedelta(minutes=10)
SEATS = 10
STAY_SECONDS = 4.0
AS_TOKEN: Only = {"token": ("secret",), "call_id": ()}
AS_SESSION: Only = {"status": (), "started_at": (), "ended_at": (), "registered_count": ()}
AS_SEAT: Only = {"status": (), "registered_at": ()}
AS_ATTENDANCE: Only = {
    "attendance": ("user_id", "role", "first_joined_at", "last_left_at", "minutes", "outcome"),
    "totals": (),
}
AS_RECORDINGS: Only = {"recordings": ("state", "url")}


def show_room(stage: Stage, stand_in: StandIn) -> None:
    """From the host's "join" to the recording. Raises CommandError."""
    print("""
# The room. Who carries picture and sound here is a stand-in for GetStream, in a process of its own, which also plays
# the browsers of the people; nothing leaves this machine. With GetStream or LiveKit: docs/how-to/video.md""")
    created = stage.show(
        "The host schedules a session that begins in ten minutes: its doors are open",
        Ask(HOST, "POST", "/v1/sessions", _session()),
        only={"id": (), "title": (), "scheduled_at": (), **AS_SESSION},
    )
    session = str(created.body["id"])
    path = f"/v1/sessions/{session}"
    stage.show("A participant takes a seat", Ask(PARTICIPANT, "POST", f"{path}/registrations"), only=AS_SEAT)

    stage.show('The host presses "join": a token for this call, good for ten minutes', _join(path, HOST), only=AS_TOKEN)
    stand_in.comes(session, PEOPLE[HOST])
    look = Ask(HOST, "GET", path)
    stage.until(look, lambda body: body["status"] == "live", what="no webhook made the session live")
    stage.show("and is in the call. A webhook says so, and the session is live", look, only=AS_SESSION)

    stage.show("The participant joins", _join(path, PARTICIPANT), only=AS_TOKEN)
    stand_in.comes(session, PEOPLE[PARTICIPANT])
    stage.show("and somebody without a seat walks in", _join(path, VISITOR), only=AS_TOKEN)
    visit = stand_in.comes(session, PEOPLE[VISITOR])
    attendance = Ask(HOST, "GET", f"{path}/attendance")
    stage.until(attendance, lambda body: _inside(body) == len(PEOPLE), what="not everybody is seen in the call")
    print(f"\n# Soon the visitor closes the browser; the others stay {STAY_SECONDS:.0f} seconds more", flush=True)
    stand_in.leaves(visit)
    time.sleep(STAY_SECONDS)

    stage.show("The host ends the session", Ask(HOST, "POST", f"{path}/end"), only=AS_SESSION)
    stage.until(attendance, lambda body: not _inside(body), what="the call is not empty after the end")
    story = "Everybody was sent out of the call, too. Who was there, and for how long; it can be had as CSV, too"
    stage.show(story, attendance, only=AS_ATTENDANCE)

    recordings = Ask(PARTICIPANT, "GET", f"{path}/recordings")
    stage.until(recordings, lambda body: _states(body) == ["processing"], what="nothing was told of a recording")
    stage.show("Where is the recording? The provider is at work on it", recordings, only=AS_RECORDINGS)
    stand_in.finishes_recordings_of(session)
    stage.until(recordings, lambda body: _states(body) == ["ready"], what="no webhook brought the recording")
    stage.show("and one more webhook brings it, for who had a seat", recordings, only=AS_RECORDINGS)


def _session() -> dict[str, object]:
    return {
        "host_id": PEOPLE[HOST],
        "brand_id": BRAND,
        "title": "Stretching at the desk",
        "kind": "office_hours",
        "scheduled_at": wire_time(datetime.now(UTC) + BEGINS_IN),
        "max_participants": SEATS,
    }


def _join(path: str, who: str) -> Ask:
    return Ask(who, "POST", f"{path}/join", {"user_id": PEOPLE[who]})


def _inside(attendance: dict[str, Any]) -> int:
    return sum(one["is_inside"] for one in attendance["attendance"])


def _states(recordings: dict[str, Any]) -> list[str]:
    return [one["state"] for one in recordings["recordings"]]
