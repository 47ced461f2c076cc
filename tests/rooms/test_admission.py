"""Who gets in, and who is put out."""

import json
from datetime import timedelta
from uuid import uuid4

import jwt
import pytest
from websockets.exceptions import InvalidStatus

from greenroom.kit.ids import UserId
from greenroom.rooms.tokens import RoomTokens
from tests.faults.waiting import eventually
from tests.rooms.browser import opened
from tests.rooms.stage import HOST, RoomStage
from tests.server import SECRET_KEY, Server
from tests.tenant import Json


def written(call: str, user: str = "anna", *, keys: tuple[str, ...] = (SECRET_KEY,), minutes: float = 5) -> str:
    return RoomTokens(keys).write(call, UserId(user), "host", lifetime=timedelta(minutes=minutes))


async def refused(stage: RoomStage, call: str, token: str) -> tuple[int, Json]:
    with pytest.raises(InvalidStatus) as raised:
        await opened(stage.url, call, token)
    response = raised.value.response
    said: Json = json.loads(bytes(response.body or b"{}"))
    return response.status_code, said


async def test_a_forged_an_expired_and_another_calls_token_open_nothing(stage: RoomStage) -> None:
    session = await stage.session()
    await stage.enters(session, HOST)
    call = session["id"]
    good = written(call)
    head, body, signature = good.split(".")
    wrong = {
        "forged": written(call, keys=("another key that is long enough to be one",)),
        "expired": written(call, minutes=-1),
        "another call's": written(str(uuid4())),
        "tampered with": f"{head}.{body[:-2]}xx.{signature}",
        "unsigned": jwt.encode({"sub": "anna", "call": call, "role": "host"}, "", algorithm="none"),
        "an access token": stage.tenant.token("anna"),
        "nothing": "x",
    }
    for name, token in wrong.items():
        assert await refused(stage, call, token) == (
            401, {"error": "invalid_token", "message": "The token is not valid, has expired or was revoked."},
        ), name  # fmt: skip
    stage.browsers.append(await opened(stage.url, call, good))


async def test_a_token_of_a_call_that_is_nobodys_lets_nobody_in(stage: RoomStage) -> None:
    call = str(uuid4())
    browser = await opened(stage.url, call, written(call))
    stage.browsers.append(browser)
    assert await browser.put_out() == "not_joinable"


@pytest.mark.parametrize("path", ["/v1/live/calls/nothing/signal", "/v1/nothing", "/"])
async def test_there_is_no_other_socket(stage: RoomStage, path: str) -> None:
    call = str(uuid4())
    with pytest.raises(InvalidStatus) as raised:
        await opened(f"{stage.url}{path}?", call, written(call))
    assert raised.value.response.status_code in {401, 404}


async def test_a_token_of_before_makes_nobody_a_host_and_holds_no_seat(stage: RoomStage) -> None:
    session = await stage.session()
    host = await stage.enters(session, HOST)
    await stage.seated(session, "anna")
    forged = await opened(stage.url, session["id"], written(session["id"], "anna"))  # it says host
    stage.browsers.append(forged)
    assert (await forged.welcomed()).heard[0]["role"] == "speaker"
    await host.knows(forged)
    await forged.say("record", on=True)
    await forged.say("signal", to=host.me, data="after")
    await host.signalled(by=forged, data="after")
    assert not host.room["is_recording"]
    seatless = await opened(stage.url, session["id"], written(session["id"], "nobody"))
    stage.browsers.append(seatless)
    assert await seatless.put_out() == "not_joinable"


async def remove(stage: RoomStage, session: Json, user: str) -> None:
    answer = await stage.http.delete(f"/v1/sessions/{session['id']}/participants/{user}", headers=stage.tenant.bearer())
    assert answer.is_success, answer.text


async def test_who_is_removed_is_out_and_does_not_come_back_with_the_token_of_before(stage: RoomStage, second: Server) -> None:
    session = await stage.session()
    token = await stage.token(session, "anna")
    host, anna = await stage.enters(session, HOST), await stage.enters(session, "anna")
    also = await stage.enters(session, "anna", url=second.url)
    await host.knows(anna, also)
    await remove(stage, session, "anna")
    assert await anna.put_out() == "removed"
    assert await also.put_out() == "removed"
    await host.knows()
    again = await opened(stage.url, session["id"], token, f"resume.{anna.secret}")
    stage.browsers.append(again)
    assert await again.put_out() == "removed"


@pytest.mark.parametrize("by", ["end", "cancel"])
async def test_the_end_is_told_to_all_and_nobody_comes_in_after_it(stage: RoomStage, second: Server, by: str) -> None:
    session = await stage.session(minutes=10 if by == "cancel" else 5)
    token = await stage.token(session, "anna")
    ben = await stage.enters(session, "ben")
    anna = await stage.enters(session, "anna", url=second.url)
    if by == "end":
        host = await stage.enters(session, HOST)
        await host.knows(ben, anna)
        await eventually_live(stage, session)
    await stage.step(session, by)
    for browser in (anna, ben):
        assert await browser.put_out() == ("ended" if by == "end" else "removed")
    again = await opened(stage.url, session["id"], token)
    stage.browsers.append(again)
    assert await again.put_out() == "not_joinable"


async def eventually_live(stage: RoomStage, session: Json) -> None:
    async def is_live() -> bool:
        answer = await stage.http.get(f"/v1/sessions/{session['id']}", headers=stage.tenant.bearer())
        return bool(answer.json()["status"] == "live")

    await eventually(is_live, "the session is live")
