"""Tokens for LiveKit, judged by its packages for Python and for Node."""

from datetime import timedelta
from typing import Any

import jwt
import pytest
from livekit.api import TokenVerifier

from greenroom.kit.ids import UserId
from greenroom.providers.livekit import LiveKit
from greenroom.providers.protocol import CallRole, UnusableIdError
from tests.providers.fake.credentials import LIVEKIT_KEYS, LIVEKIT_SECRETS
from tests.providers.livekit_node import verified

USER = UserId("Zoë:1 <b>")
KEY, SECRET = LIVEKIT_KEYS[0], LIVEKIT_SECRETS[0]
MINUTES = timedelta(minutes=5)


def by_python(key: str, secret: str, token: str) -> dict[str, Any]:
    try:
        claims = TokenVerifier(key, secret).verify(token)
    except jwt.InvalidTokenError as error:
        return {"refused": type(error).__name__}
    assert claims.video is not None
    grants = claims.video
    video = {
        "roomJoin": grants.room_join,
        "room": grants.room,
        "canPublish": grants.can_publish,
        "roomAdmin": grants.room_admin,
    }
    return {"claims": {"sub": claims.identity, "video": video}}


@pytest.fixture(params=["python", "node"])
def judge(request: pytest.FixtureRequest) -> Any:
    return by_python if request.param == "python" else verified


@pytest.mark.parametrize(("role", "publishes", "administers"), [
    ("host", True, True), ("speaker", True, False), ("viewer", False, False),
])  # fmt: skip
def test_a_token_is_taken_and_says_what_its_role_may(
    livekit: LiveKit, judge: Any, role: CallRole, publishes: bool, administers: bool
) -> None:
    claims = judge(KEY, SECRET, livekit.token("call-1", USER, role, lifetime=MINUTES))["claims"]
    assert claims["sub"] == USER
    grants = claims["video"]
    assert (grants["roomJoin"], grants["room"], grants["canPublish"]) == (True, "call-1", publishes)
    assert bool(grants.get("roomAdmin")) is administers


def test_a_token_lives_as_long_as_it_shall(livekit: LiveKit) -> None:
    claims = jwt.decode(livekit.token("call-1", USER, "viewer", lifetime=MINUTES), SECRET, algorithms=["HS256"])
    assert claims["exp"] - claims["nbf"] == MINUTES.total_seconds()
    assert set(claims) == {"sub", "iss", "nbf", "exp", "video", "attributes"}


@pytest.mark.parametrize("role", ["host", "speaker", "viewer"])
def test_a_token_tells_others_the_role_and_its_holder_cannot_change_it(livekit: LiveKit, role: CallRole) -> None:
    claims = jwt.decode(livekit.token("call-1", USER, role, lifetime=MINUTES), SECRET, algorithms=["HS256"])
    assert claims["attributes"] == {"greenroom.role": role}
    assert not claims["video"].get("canUpdateOwnMetadata")  # else everybody could be a host to the others


def test_a_token_that_is_over_is_refused(livekit: LiveKit, judge: Any) -> None:
    assert "refused" in judge(KEY, SECRET, livekit.token("call-1", USER, "viewer", lifetime=-MINUTES))


def test_a_token_that_was_tampered_with_is_refused(livekit: LiveKit, judge: Any) -> None:
    viewer = livekit.token("call-1", USER, "viewer", lifetime=MINUTES)
    host = livekit.token("call-1", USER, "host", lifetime=MINUTES)
    head, _, signature = viewer.split(".")
    assert "refused" in judge(KEY, SECRET, ".".join([head, host.split(".")[1], signature]))


@pytest.mark.parametrize(("key", "secret"), [(KEY, LIVEKIT_SECRETS[1]), (LIVEKIT_KEYS[1], SECRET)])
def test_somebody_elses_token_is_refused(livekit: LiveKit, judge: Any, key: str, secret: str) -> None:
    assert "refused" in judge(key, secret, livekit.token("call-1", USER, "viewer", lifetime=MINUTES))


@pytest.mark.parametrize("user", ["", "x" * 257, "é" * 129])
def test_an_identity_that_cannot_be_held_is_refused(livekit: LiveKit, user: str) -> None:
    with pytest.raises(UnusableIdError):
        livekit.token("call-1", UserId(user), "viewer", lifetime=MINUTES)
