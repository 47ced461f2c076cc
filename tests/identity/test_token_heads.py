"""A token of ours is verified in one of two ways, by how its head is written; both let in the same, and refuse the same."""

import hmac
from typing import Any

import jwt
import pytest

from greenroom.identity.caller import Caller
from greenroom.identity.tokens import LocalTokens, Signer
from greenroom.kit.errors import InvalidToken
from tests.identity.test_tokens import KEY, OLD_KEY, claims, grant

WRONG: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "somebody"},
    "no issuer": {"iss": None},
    "expired": {"exp": 1},
    "without expiry": {"exp": None},
    "issued tomorrow": {"iat": 99_999_999_999},
    "without time of issue": {"iat": None},
    "without holder": {"sub": None},
    "a holder that is no text": {"sub": 7},
    "an id that is no UUID": {"jti": "1"},
}


def signed(said: dict[str, Any], *, head: dict[str, str], key: str = KEY) -> str:
    """A token with this head beside what names the key."""
    kid = jwt.get_unverified_header(Signer([key]).sign(grant()))["kid"]
    secret = hmac.digest(key.encode(), b"greenroom local token", "sha256")
    return jwt.encode(said, secret, algorithm="HS256", headers={"kid": kid, **head})


async def let_in(token: str) -> Caller | None:
    """The holder; None for a token that is refused, and for one that no source knows."""
    try:
        return await LocalTokens(Signer([KEY])).caller(token)
    except InvalidToken:
        return None


HEADS = pytest.mark.parametrize("head", [{}, {"note": "another head"}], ids=["our head", "another head"])


@HEADS
async def test_a_good_token_is_let_in(head: dict[str, str]) -> None:
    caller = await LocalTokens(Signer([OLD_KEY, KEY])).caller(signed(claims(), head=head))
    assert caller is not None
    assert (caller.user, caller.brand) == ("host_1", "acme")


@HEADS
@pytest.mark.parametrize("wrong", WRONG)
async def test_a_wrong_claim_is_refused(head: dict[str, str], wrong: str) -> None:
    with pytest.raises(InvalidToken):
        await LocalTokens(Signer([KEY])).caller(signed(claims(**WRONG[wrong]), head=head))


@HEADS
async def test_a_changed_signature_is_refused(head: dict[str, str]) -> None:
    token = signed(claims(), head=head)
    body, _, signature = token.rpartition(".")
    for forged in (
        f"{body}.{signature[::-1]}",
        f"{body}.",
        f"{body}.A",
        f"{body}.{signature}.{signature}",
        f"{body}x.{signature}",
    ):
        assert await let_in(forged) is None


@HEADS
async def test_claims_of_another_token_are_refused(head: dict[str, str]) -> None:
    mine, theirs = signed(claims(), head=head).split("."), signed(claims(sub="admin_1"), head=head).split(".")
    with pytest.raises(InvalidToken):
        await LocalTokens(Signer([KEY])).caller(".".join([mine[0], theirs[1], mine[2]]))


@HEADS
async def test_a_token_of_a_key_that_was_taken_away_is_nobodys(head: dict[str, str]) -> None:
    assert await LocalTokens(Signer([OLD_KEY])).caller(signed(claims(), head=head)) is None


async def test_claims_that_are_no_json_are_refused() -> None:
    secret = hmac.digest(KEY.encode(), b"greenroom local token", "sha256")
    kid = jwt.get_unverified_header(Signer([KEY]).sign(grant()))["kid"]
    for payload in (b"", b"\xff\xfe", b"[]", b"null", b'{"sub": "\\ud800"}'):
        token = jwt.api_jws.encode(payload, secret, algorithm="HS256", headers={"kid": kid})
        with pytest.raises(InvalidToken):
            await LocalTokens(Signer([KEY])).caller(token)
