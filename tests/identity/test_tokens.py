"""Local tokens: what is let in, as whom, and what is not."""

import base64
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from greenroom.identity.tokens import LocalTokens, Signer, TokenGrant, new_grant
from greenroom.kit.errors import InvalidToken
from greenroom.kit.ids import BrandId, ClientId, UserId, new_id

KEY = "the first key of these tests, long enough"
OLD_KEY = "the second key of these tests, long too"
HOUR = timedelta(hours=1)


def grant(*, scope: str = "read:live", brand: str | None = "acme", issued: datetime | None = None) -> TokenGrant:
    return new_grant(
        user=UserId("host_1"),
        brand=None if brand is None else BrandId(brand),
        scope=scope,
        client=ClientId("app"),
        lifetime=HOUR,
        now=issued,
    )


def claims(**changed: Any) -> dict[str, Any]:
    """What a good token says; None leaves a claim out."""
    now = int(time.time())
    said = {
        "iss": "greenroom", "jti": str(new_id()), "sub": "host_1", "client_id": "app", "scope": "read:live",
        "iat": now, "exp": now + 60, "brand": "acme", **changed,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}


def signed(said: dict[str, Any], *, algorithm: str = "HS256", key: str = KEY) -> str:
    """A token as Signer would make it, of claims that it would not write."""
    kid = jwt.get_unverified_header(Signer([key]).sign(grant()))["kid"]
    secret = hmac.digest(key.encode(), b"greenroom local token", "sha256")
    return jwt.encode(said, secret if algorithm != "none" else "", algorithm=algorithm, headers={"kid": kid})


def local(*keys: str) -> LocalTokens:
    return LocalTokens(Signer(keys or [KEY]))


async def test_a_token_names_its_holder() -> None:
    caller = await local().caller(Signer([KEY]).sign(grant(scope="read:live write:live")))
    assert caller is not None
    assert (caller.user, caller.client, caller.brand) == ("host_1", "app", "acme")
    assert caller.scopes == {"read:live", "write:live"}


async def test_a_token_may_name_no_brand() -> None:
    caller = await local().caller(Signer([KEY]).sign(grant(brand=None)))
    assert caller is not None
    assert caller.brand is None


async def test_the_tests_own_forgery_is_good_where_nothing_is_forged() -> None:
    assert await local().caller(signed(claims())) is not None


async def test_a_token_of_another_key_is_not_known() -> None:
    assert await local().caller(Signer([OLD_KEY]).sign(grant())) is None


@pytest.mark.parametrize("token", ["x", "a.b.c", "..", "\u00e9.\u00e9.\u00e9", "x" * 100_000, ".", "e30.e30.e30"])
async def test_what_names_no_key_of_ours_is_left_to_other_sources(token: str) -> None:
    assert await local().caller(token) is None


async def test_a_token_whose_head_was_tampered_with_is_not_known() -> None:
    head, _, rest = Signer([KEY]).sign(grant()).partition(".")
    assert await local().caller(f"B{head[1:]}.{rest}") is None


@pytest.mark.parametrize("part", [1, 2])
async def test_a_token_that_was_tampered_with_is_refused(part: int) -> None:
    parts = Signer([KEY]).sign(grant()).split(".")
    parts[part] = ("A" if parts[part][0] != "A" else "B") + parts[part][1:]
    with pytest.raises(InvalidToken):
        await local().caller(".".join(parts))


async def test_other_servers_tokens_are_told_by_their_head_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, other = local(), Signer([OLD_KEY])
    assert await tokens.caller(other.sign(grant())) is None
    monkeypatch.setattr(jwt, "get_unverified_header", None)
    assert await tokens.caller(other.sign(grant())) is None


async def test_what_is_kept_of_other_servers_heads_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("greenroom.identity.tokens.CACHED_HEADS", 2)
    tokens, read, looked_at = local(), jwt.get_unverified_header, list[str]()

    def seen(token: str) -> dict[str, Any]:
        looked_at.append(token)
        return read(token)

    others = [Signer([f"{OLD_KEY} {number}"]).sign(grant()) for number in range(5)]
    monkeypatch.setattr(jwt, "get_unverified_header", seen)
    for token in (*others, others[0]):
        assert await tokens.caller(token) is None
    assert looked_at == [*others, others[0]]


async def test_a_wider_scope_written_into_a_token_is_refused() -> None:
    head, body, signature = Signer([KEY]).sign(grant()).split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=="))
    wider = base64.urlsafe_b64encode(json.dumps({**said, "scope": "admin:*"}).encode()).rstrip(b"=").decode()
    with pytest.raises(InvalidToken):
        await local().caller(f"{head}.{wider}.{signature}")


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")  # the forger's own keys
@pytest.mark.parametrize("algorithm", ["none", "HS384", "HS512"])
async def test_a_token_of_another_algorithm_is_refused(algorithm: str) -> None:
    with pytest.raises(InvalidToken):
        await local().caller(signed(claims(), algorithm=algorithm))


@pytest.mark.parametrize("claim", ["iss", "jti", "sub", "client_id", "scope", "iat", "exp"])
async def test_a_token_without_a_claim_is_refused(claim: str) -> None:
    with pytest.raises(InvalidToken):
        await local().caller(signed(claims(**{claim: None})))


@pytest.mark.parametrize(("claim", "value"), [
    ("iss", "somebody"), ("jti", "no-uuid"), ("sub", 5), ("scope", ["read:live"]), ("exp", "tomorrow"), ("brand", 5),
    ("client_id", {}), ("iat", "x"),
])  # fmt: skip
async def test_a_token_with_a_wrong_claim_is_refused(claim: str, value: object) -> None:
    with pytest.raises(InvalidToken):
        await local().caller(signed(claims(**{claim: value})))


async def test_an_expired_token_is_refused() -> None:
    expired = Signer([KEY]).sign(grant(issued=datetime.now(UTC) - 2 * HOUR))
    with pytest.raises(InvalidToken):
        await local().caller(expired)


async def test_a_token_expires_though_it_was_seen_before() -> None:
    now = [time.time()]
    tokens = LocalTokens(Signer([KEY]), clock=lambda: now[0])
    token = Signer([KEY]).sign(grant())
    assert await tokens.caller(token) is not None
    now[0] += HOUR.total_seconds() + 1
    with pytest.raises(InvalidToken):
        await tokens.caller(token)


async def test_a_token_that_is_not_issued_yet_is_refused() -> None:
    early = Signer([KEY]).sign(grant(issued=datetime.now(UTC) + HOUR))
    with pytest.raises(InvalidToken):
        await local().caller(early)


@pytest.mark.parametrize("seen", [True, False])
async def test_a_revoked_token_is_refused(seen: bool) -> None:
    tokens, given = local(), grant()
    token = Signer([KEY]).sign(given)
    if seen:
        await tokens.caller(token)
    tokens.refuse([given.id])
    with pytest.raises(InvalidToken):
        await tokens.caller(token)


async def test_the_others_stay_good_when_one_is_revoked() -> None:
    tokens = local()
    tokens.refuse([new_id()])
    assert await tokens.caller(Signer([KEY]).sign(grant())) is not None


async def test_an_old_key_still_verifies_while_it_is_listed() -> None:
    token = Signer([OLD_KEY]).sign(grant())
    assert await local(KEY, OLD_KEY).caller(token) is not None
    assert await local(KEY).caller(token) is None


async def test_the_first_key_signs() -> None:
    token = Signer([KEY, OLD_KEY]).sign(grant())
    assert await local(KEY).caller(token) is not None
    assert await local(OLD_KEY).caller(token) is None


async def test_the_cache_of_tokens_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("greenroom.identity.tokens.CACHED_TOKENS", 3)
    tokens = local()
    minted = [Signer([KEY]).sign(grant()) for _ in range(5)]
    for token in minted:
        assert await tokens.caller(token) is not None
    assert sum(tokens.known(token) is not None for token in minted) == 3


async def test_a_poll_that_began_before_a_revocation_does_not_undo_it() -> None:
    given = grant()
    tokens = LocalTokens(Signer([KEY]))
    token = Signer([KEY]).sign(given)
    tokens.refuse_also(given.id)
    tokens.refuse([])  # what was read before
    with pytest.raises(InvalidToken):
        await tokens.caller(token)
