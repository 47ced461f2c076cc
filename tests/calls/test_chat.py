"""Who may chat in a session, and what their token says. Source: contract, GET /v1/sessions/{id}/chat-token."""

import asyncio
import time
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.calls.doors import BARRED, claims_of, room_of, step, with_everybody, word_of
from tests.calls.stage import Stage
from tests.postgres import Owner
from tests.registrations.people import answered
from tests.tenant import Json
from tests.wire import assert_refused, id_of

MAKES = "get_or_create_channel"
A_DAY = 24 * 60


async def chat(stage: Stage, session: Json, user: str, *, scope: str = "read:live") -> httpx.Response:
    """Somebody wants to chat."""
    headers = stage.tenant.bearer(user, scope=scope)
    return await stage.http.get(f"/v1/sessions/{session['id']}/chat-token", headers=headers)


def channels(stage: Stage) -> int:
    """How often the provider was asked for a channel."""
    return stage.fake.requests(f"getstream.{MAKES}")


@pytest.mark.parametrize("verbs", ["", "start", "start end"])
async def test_who_has_a_seat_and_hosts_may_chat_until_it_is_over_and_afterwards(stage: Stage, verbs: str) -> None:
    session = await with_everybody(stage, minutes=A_DAY, max_participants=2)
    await stage.register(session, "seat_2")
    assert (await stage.register(session, "line_1"))["status"] == "waitlist"
    await step(stage, session, *verbs.split())
    answers = {
        user: word_of(await chat(stage, session, user))
        for user in ("host_1", "co_host_1", "seat_1", "line_1", BARRED, "allowed_1", "stranger_1")
    }
    no = "forbidden"
    assert list(answers.values()) == ["in", "in", "in", no, no, no, no], answers


@pytest.mark.parametrize("scope", ["manage:live", "admin:live", "admin:*"])
async def test_who_manages_is_nobody_in_the_chat(stage: Stage, scope: str) -> None:
    session = await stage.session()
    assert_refused(await chat(stage, session, "manager_1", scope=scope), "forbidden", names="seat")


async def test_a_session_that_was_cancelled_has_no_chat(stage: Stage) -> None:
    session = await with_everybody(stage)
    await step(stage, session, "cancel")
    assert_refused(await chat(stage, session, "seat_1"), "not_joinable")
    assert_refused(await chat(stage, session, "stranger_1"), "forbidden")
    assert_refused(await chat(stage, {"id": str(uuid4())}, "host_1"), "not_found")


async def test_the_token_is_for_this_channel_and_this_user_and_an_hour(stage: Stage) -> None:
    session = await with_everybody(stage)
    response = await chat(stage, session, "seat_1")
    bundle = answered(response, 200)
    assert response.headers["cache-control"] == "no-store"
    claims = claims_of(bundle["token"])
    assert set(claims) == {"user_id", "channel_cids", "iat", "exp"}
    assert claims["user_id"] == bundle["user_id"] == "seat_1"
    assert claims["channel_cids"] == [f"{bundle['channel_type']}:{session['id']}"]
    assert bundle["channel_id"] == session["id"]
    assert bundle["expires_in"] == 3600
    assert abs(claims["exp"] - time.time() - 3600) < 10
    assert claims_of(answered(await chat(stage, session, "host_1"), 200)["token"]).keys() == claims.keys()


async def test_the_channel_is_made_once_however_many_come(stage: Stage, owner: Owner) -> None:
    session = await stage.session()
    fans = [f"fan_{number}" for number in range(40)]
    await room_of(stage, session).enter(*fans)
    before = channels(stage)
    stage.fake.misbehave("slow", operation=MAKES, seconds=0.5)
    answers = await asyncio.gather(*(chat(stage, session, fan) for fan in fans))
    assert {answer.status_code for answer in answers} == {200}
    assert channels(stage) == before + 1
    assert (await chat(stage, session, "host_1")).status_code == 200
    assert channels(stage) == before + 1
    assert await owner.fetchval("select count(*) from chat_channels where session_id = $1", id_of(session)) == 1


async def test_a_channel_that_the_provider_does_not_make_is_made_by_who_comes_next(stage: Stage, owner: Owner) -> None:
    session = await stage.session()
    stage.fake.misbehave("fail", operation=MAKES, status=400)
    assert_refused(await chat(stage, session, "host_1"), "provider_error")
    assert await owner.fetchval("select count(*) from chat_channels where session_id = $1", id_of(session)) == 0
    stage.fake.behave()
    assert (await chat(stage, session, "host_1")).status_code == 200


async def test_a_channel_that_is_made_needs_the_provider_no_more(stage: Stage) -> None:
    session = await stage.session()
    assert (await chat(stage, session, "host_1")).status_code == 200
    stage.fake.misbehave("cut")
    assert (await chat(stage, session, "host_1")).status_code == 200


async def test_the_provider_of_the_video_has_no_say_in_the_chat(room_at: Stage) -> None:
    session = await room_at.session()
    assert answered(await chat(room_at, session, "host_1"), 200)["channel_id"] == session["id"]


async def test_a_removed_person_is_out_of_the_chat_and_back_when_allowed_and_seated(stage: Stage) -> None:
    session = await stage.session()
    room = room_of(stage, session)
    [own] = await room.enter("anna")
    assert word_of(await chat(stage, session, "anna")) == "in"
    await room.remove(own)
    assert word_of(await chat(stage, session, "anna")) == "forbidden"
    await room.allow(own)
    await room.enter("anna")
    assert word_of(await chat(stage, session, "anna")) == "in"


@pytest.mark.parametrize("user", ["é" * 200, "x" * 200])
async def test_an_id_that_the_provider_cannot_hold_has_no_chat(stage: Stage, user: str) -> None:
    session = await stage.session()
    await stage.register(session, user)
    response: Any = await chat(stage, session, user)
    assert response.status_code == (403 if user[0] == "é" else 200)
