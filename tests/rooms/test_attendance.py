"""What rooms tell the inbox: the session begins by it and attendance is known, as with any other provider."""

import asyncio
from datetime import datetime

from tests.faults.waiting import eventually
from tests.postgres import Owner
from tests.rooms.stage import HOST, RoomStage
from tests.tenant import Json


def seconds(person: Json) -> float:
    first, last = (datetime.fromisoformat(person[name]) for name in ("first_joined_at", "last_left_at"))
    return (last - first).total_seconds()


async def people(stage: RoomStage, session: Json) -> dict[str, Json]:
    answer = await stage.http.get(f"/v1/sessions/{session['id']}/attendance", headers=stage.tenant.bearer())
    assert answer.status_code == 200, answer.text
    return {one["user_id"]: one for one in answer.json()["attendance"]}


async def status_of(stage: RoomStage, session: Json) -> str:
    answer = await stage.http.get(f"/v1/sessions/{session['id']}", headers=stage.tenant.bearer())
    return str(answer.json()["status"])


async def test_a_host_who_comes_begins_the_session(stage: RoomStage) -> None:
    session = await stage.session()
    await stage.enters(session, "anna")
    assert await status_of(stage, session) == "scheduled"
    await stage.enters(session, HOST)

    async def is_live() -> bool:
        return await status_of(stage, session) == "live"

    await eventually(is_live, "the session is live")


async def test_who_was_there_and_for_how_long(stage: RoomStage, owner: Owner) -> None:
    session = await stage.session()
    await stage.seated(session, "never")
    host, anna = await stage.enters(session, HOST), await stage.enters(session, "anna")
    ben = await stage.enters(session, "ben")
    await host.knows(anna, ben)
    await asyncio.sleep(1.2)
    await anna.say("leave")
    await anna.closed()
    ben.cut()
    await host.knows()
    await host.say("leave")
    await host.closed()

    async def all_left() -> bool:
        rows = await owner.fetch("select left_at from connections where call_id = $1", session["id"])
        return len(rows) == 3 and all(row["left_at"] for row in rows)

    await eventually(all_left, "everybody has left")
    await stage.step(session, "end")
    there = await people(stage, session)
    assert {user: one["outcome"] for user, one in there.items()} == {
        HOST: "attended", "anna": "attended", "ben": "attended", "never": "no_show",
    }  # fmt: skip
    stays = {user: seconds(there[user]) for user in (HOST, "anna", "ben")}
    assert all(stay >= 1 for stay in stays.values())
    assert stays["ben"] < stays[HOST] - 10  # until its connection broke, not until it was missed
    told = await owner.fetch(
        "select event_type, count(*) from provider_inbox where provider = 'builtin' and call_id = $1 group by 1", session["id"]
    )
    assert dict(map(tuple, told)) == {"room.participant_joined": 3, "room.participant_left": 3}
    spans = await owner.fetch("select started_at, ended_at from call_spans where call_id = $1", session["id"])
    assert len(spans) == 1
    assert spans[0]["started_at"] < spans[0]["ended_at"]


async def test_what_the_inbox_was_not_told_is_found_by_asking(stage: RoomStage, owner: Owner) -> None:
    session = await stage.session()
    host = await stage.enters(session, HOST)

    async def is_known() -> bool:
        return bool(await owner.fetchval("select count(*) from connections where call_id = $1", session["id"]))

    await eventually(is_known, "the host is known to be inside")
    await owner.execute("delete from connections where call_id = $1", session["id"])
    await owner.execute("update calls set due_at = clock_timestamp() where id = $1", session["id"])
    await eventually(is_known, "the host is known to be inside again")
    stay = await owner.fetchval("select id from connections where call_id = $1", session["id"])
    assert stay == host.me
