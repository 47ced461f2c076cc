"""Tokens for GetStream: the claims are those that its package makes."""

from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from getstream import Stream

from greenroom.kit.ids import UserId
from greenroom.providers.getstream import GetStream
from greenroom.providers.protocol import CallRole, UnusableIdError
from tests.providers.fake.credentials import GETSTREAM_KEY, GETSTREAM_SECRETS
from tests.providers.fake_provider import FakeServer

USER = UserId("Zoë:1")
MINUTES = timedelta(minutes=5)


@pytest.fixture
def package() -> Stream:
    return Stream(api_key=GETSTREAM_KEY, api_secret=GETSTREAM_SECRETS[0], base_url="https://getstream.invalid")


def claims_of(token: str, secret: str = GETSTREAM_SECRETS[0]) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, secret, algorithms=["HS256"])
    return claims


def same(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """But for a second that may have passed in between."""
    moments = {"iat", "exp"}
    rest = {name: value for name, value in ours.items() if name not in moments}
    return (
        ours.keys() == theirs.keys()
        and all(abs(ours[name] - theirs[name]) <= 1 for name in moments)
        and rest == {name: value for name, value in theirs.items() if name not in moments}
    )


@pytest.mark.parametrize(("role", "theirs"), [("host", "host"), ("speaker", "user"), ("viewer", "user")])
def test_a_token_for_a_call(getstream: GetStream, package: Stream, role: CallRole, theirs: str) -> None:
    expected = package.create_call_token("user-1", call_cids=["default:call-1"], role=theirs, expiration=300)
    assert same(claims_of(getstream.token("call-1", UserId("user-1"), role, lifetime=MINUTES)), claims_of(expected))


def test_a_token_for_a_channel(getstream: GetStream, package: Stream) -> None:
    expected = claims_of(package.create_token("user-1", expiration=300)) | {"channel_cids": ["livestream:channel-1"]}
    assert same(claims_of(getstream.chat_token("channel-1", UserId("user-1"), lifetime=MINUTES)), expected)


def test_the_user_is_written_as_getstream_takes_it(getstream: GetStream) -> None:
    encoded = getstream.chat_user(USER)
    assert claims_of(getstream.token("call-1", USER, "viewer", lifetime=MINUTES))["user_id"] == encoded
    assert claims_of(getstream.chat_token("call-1", USER, lifetime=MINUTES))["user_id"] == encoded


def test_a_user_that_cannot_be_written_has_no_token(getstream: GetStream) -> None:
    with pytest.raises(UnusableIdError):
        getstream.token("call-1", UserId("é" * 200), "viewer", lifetime=MINUTES)
    with pytest.raises(UnusableIdError):
        getstream.chat_token("call-1", UserId("é" * 200), lifetime=MINUTES)


def test_the_older_secret_signs_nothing(getstream: GetStream) -> None:
    with pytest.raises(jwt.InvalidSignatureError):
        claims_of(getstream.token("call-1", USER, "viewer", lifetime=MINUTES), GETSTREAM_SECRETS[1])


def test_a_token_that_is_over_is_refused(getstream: GetStream) -> None:
    with pytest.raises(jwt.ExpiredSignatureError):
        claims_of(getstream.token("call-1", USER, "viewer", lifetime=-MINUTES))


def test_a_users_token_may_not_do_what_the_service_does(getstream: GetStream, fake: FakeServer) -> None:
    token = getstream.token("call-1", USER, "host", lifetime=MINUTES)
    headers = {"Authorization": token, "stream-auth-type": "jwt"}
    place = f"{fake.url}/api/v2/video/call/default/call-1"
    assert httpx.get(place, params={"api_key": GETSTREAM_KEY}, headers=headers).status_code == 403
