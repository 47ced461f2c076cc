"""A session to see in a browser, for the demonstration: three links, each of which signs somebody in."""

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from greenroom.commands.environment import Ready
from greenroom.commands.stage import BRAND, HOST, PARTICIPANT, PEOPLE, VISITOR, Ask, Stage
from greenroom.identity import sign_in
from greenroom.identity.invitation import Invitation
from greenroom.kit.clock import wire_time
from greenroom.kit.database import Database
from greenroom.kit.ids import UserId

BEGINS_IN = timedelta(minutes=10)  # the doors are open: 15 minutes before
ASKED = ("Which chair do you recommend?", "How often should one stand up?")
MANAGES = "manage:live"
MAY = "read:live write:live"


def show_browsers(stage: Stage, prepared: Ready) -> None:
    """One seat, questions to vote on, and a link for each of three people. Raises CommandError."""
    created = stage.send(Ask(HOST, "POST", "/v1/sessions", _session()))
    session = str(created.body["id"])
    stage.send(Ask(HOST, "PATCH", f"/v1/sessions/{session}/settings", {"video_provider": "builtin"}))
    for body in ASKED:
        asked = stage.send(Ask(HOST, "POST", f"/v1/sessions/{session}/questions", {"body": body}))
        stage.send(Ask(HOST, "PATCH", f"/v1/sessions/{session}/questions/{asked.body['id']}", {"status": "approved"}))
    links = asyncio.run(_links(prepared, stage.address, session))
    print(f"""
In a browser: a session with one seat. Each link signs in once, within ten minutes. Open each in a window of its own (private
windows share no sign-in), and see the second participant move up when the host adds a seat. Then join: the room has camera,
microphone and screen, from browser to browser.
A participant         {links[PARTICIPANT]}
A second participant  {links[VISITOR]}
The host              {links[HOST]}""")


async def _links(prepared: Ready, address: str, session: str) -> dict[str, str]:
    db = Database(prepared.database_url, size=1, wait_seconds=5, statement_seconds=10)
    try:
        return {who: await _link(db, who, address, session) for who in (PARTICIPANT, VISITOR, HOST)}
    finally:
        await db.close()


async def _link(db: Database, who: str, address: str, session: str) -> str:
    hosts = who == HOST
    invitation = Invitation(
        brand=BRAND,
        user=UserId(PEOPLE[who]),
        scope=MANAGES if hosts else MAY,
        leads_to=f"/host/{session}" if hosts else f"/s/{session}",
    )
    return f"{address}{sign_in.PATH}?{urlencode({sign_in.PARAMETER: await sign_in.invite(db, invitation)})}"


def _session() -> dict[str, object]:
    return {
        "host_id": PEOPLE[HOST],
        "brand_id": BRAND,
        "title": "Sitting well, all day",
        "kind": "office_hours",
        "scheduled_at": wire_time(datetime.now(UTC).replace(second=0, microsecond=0) + BEGINS_IN),
        "max_participants": 1,
    }
