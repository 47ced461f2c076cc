"""At the doors of a session: who comes, what lets them in, and what their token says."""

from datetime import timedelta
from typing import Any

import httpx
import jwt
from msgspec import Struct

from tests.calls.stage import ProviderName, Stage
from tests.postgres import Owner
from tests.providers.fake.credentials import GETSTREAM_SECRETS, LIVEKIT_SECRETS
from tests.registrations.people import Room
from tests.tenant import Json
from tests.wire import id_of

SECRETS: dict[ProviderName, str] = {"getstream": GETSTREAM_SECRETS[0], "livekit": LIVEKIT_SECRETS[0]}
BARRED = "barred_1"


class Pass(Struct, frozen=True):
    """What a token for a call says, whoever made it."""

    user: str
    call: str
    role: str
    lifetime: timedelta


def claims_of(token: str, provider: ProviderName = "getstream") -> Json:
    """What the token says, if it is the provider's and still holds."""
    claims: Json = jwt.decode(token, SECRETS[provider], algorithms=["HS256"])
    return claims


def read_pass(token: str, provider: ProviderName = "getstream") -> Pass:
    """The token of a call."""
    claims = claims_of(token, provider)
    since = claims["iat"] if provider == "getstream" else claims["nbf"]
    lifetime = timedelta(seconds=claims["exp"] - since)
    if provider == "getstream":
        [call] = claims["call_cids"]
        return Pass(claims["user_id"], call, claims["role"], lifetime)
    video = claims["video"]
    role = "host" if video.get("roomAdmin") else "speaker" if video["canPublish"] else "viewer"
    return Pass(claims["sub"], video["room"], role, lifetime)


def room_of(stage: Stage, session: Json) -> Room:
    """The same session, as those see it who register for it."""
    return Room(stage.http, stage.tenant, session)


async def with_everybody(stage: Stage, *, minutes: float = 5, **fields: Any) -> Json:
    """A session that has, besides its host, a co-host, one with a seat, one who was removed and one who was allowed again."""
    session = await stage.session(minutes=minutes, **fields)
    room = room_of(stage, session)
    seat = await stage.http.put(f"{room.path}/co-hosts/co_host_1", headers=stage.tenant.bearer())
    assert seat.status_code == 200, seat.text
    _, barred, allowed = await room.enter("seat_1", BARRED, "allowed_1")
    for removed in (barred, allowed):
        assert (await room.remove(removed)).status_code == 200
    assert (await room.allow(allowed)).status_code == 200
    return session


async def say(stage: Stage, session: Json, **settings: Any) -> None:
    """The session says a setting of its own."""
    path = f"/v1/sessions/{session['id']}/settings"
    response = await stage.http.patch(path, json=settings, headers=stage.tenant.bearer())
    assert response.status_code == 200, response.text


async def brand_says(stage: Stage, **settings: Any) -> None:
    """The brand says it."""
    response = await stage.http.patch(
        "/v1/brand/settings", json=settings, headers=stage.tenant.bearer("admin_1", scope="admin:live")
    )
    assert response.status_code == 200, response.text


async def step(stage: Stage, session: Json, *verbs: str) -> Json:
    """The session, after its host has taken these steps."""
    for verb in verbs:
        response = await stage.tenant.step(stage.http, session, verb)
        assert response.status_code == 200, response.text
    return await stage.seen(session)


def word_of(response: httpx.Response) -> str:
    """The error's code; "in" for who was let in."""
    return "in" if response.status_code == 200 else str(response.json()["error"])


async def call_row(owner: Owner, session: Json) -> Json | None:
    """The call's row, in part."""
    row = await owner.fetchrow(
        "select provider, made_at, making_until > clock_timestamp() as is_being_made, failures from calls where id = $1",
        id_of(session),
    )
    return None if row is None else dict(row)
