"""Keys that come and go, and a server that is slow, away, or talks nonsense."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from jwt.algorithms import ECAlgorithm

from greenroom.identity.jwt_bearer import JwtTokens
from greenroom.identity.published_keys import (
    BELIEVED_SECONDS,
    FORGIVEN_SECONDS,
    LOOK_AGAIN_SECONDS,
    REFRESH_SECONDS,
    TRY_AGAIN_SECONDS,
)
from greenroom.kit.errors import InvalidToken, Unavailable
from tests.identity.forge import NOW, Key, jwks
from tests.identity.oidc import OidcProvider
from tests.identity.remote import (
    MISBEHAVIOUR,
    PATIENT_SECONDS,
    SECONDS,
    Clock,
    FakeServer,
    fake_server,
    http,
    plain,
    saying,
    signed,
)

OLD, NEW = Key("old"), Key("new")
DOWN = plain(b"", status=503)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with fake_server() as fake:
        fake.answer = saying(jwks(OLD))
        yield fake


@pytest.fixture
async def tokens(server: FakeServer, clock: Clock) -> AsyncIterator[JwtTokens]:
    async with signed(server.url, clock, url=f"{server.url}/jwks") as source:
        yield source


async def in_the_background(server: FakeServer, asked: int) -> None:
    """Wait until the server was asked that often, and its answer has arrived."""
    async with asyncio.timeout(5):
        while len(server.asked) < asked:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)


async def test_a_real_server_rotates_its_keys(rotating_oidc: OidcProvider) -> None:
    clock = Clock(time.time())
    async with signed(rotating_oidc.issuer, clock) as tokens:
        before = rotating_oidc.client_token("urn:greenroom:es256")
        assert await tokens.caller(before) is not None
        rotating_oidc.rotate()
        clock.move(LOOK_AGAIN_SECONDS)
        after = rotating_oidc.client_token("urn:greenroom:es256")
        assert await tokens.caller(after) is not None
        assert await tokens.caller(before) is not None
        rotating_oidc.forget_old_keys()
        clock.move(BELIEVED_SECONDS)
        with pytest.raises(InvalidToken):
            await tokens.caller(before)
        assert await tokens.caller(after) is not None


async def test_a_burst_fetches_the_keys_once(server: FakeServer, tokens: JwtTokens) -> None:
    burst = [tokens.caller(OLD.token(server.url, jti=str(number))) for number in range(200)]
    assert None not in await asyncio.gather(*burst)
    assert server.asked == ["/jwks"]


async def test_keys_are_renewed_in_the_background(server: FakeServer, tokens: JwtTokens, clock: Clock) -> None:
    token = OLD.token(server.url)
    await tokens.caller(token)
    server.answer = saying(jwks(OLD), wait=1)
    clock.move(REFRESH_SECONDS)
    started = time.monotonic()
    for _ in range(20):
        assert await tokens.caller(token) is not None
    assert time.monotonic() - started < 1
    await in_the_background(server, 2)
    assert len(server.asked) == 2


async def test_a_key_that_was_taken_out_verifies_nothing_after_five_minutes(
    server: FakeServer, tokens: JwtTokens, clock: Clock
) -> None:
    token = OLD.token(server.url)
    assert await tokens.caller(token) is not None
    server.answer = saying(jwks(NEW))
    clock.move(BELIEVED_SECONDS)
    with pytest.raises(InvalidToken):
        await tokens.caller(token)
    assert await tokens.caller(NEW.token(server.url)) is not None


async def test_another_key_under_the_same_name_is_another_key(server: FakeServer, tokens: JwtTokens, clock: Clock) -> None:
    token = OLD.token(server.url)
    assert await tokens.caller(token) is not None
    swapped = Key("old")
    server.answer = saying(jwks(swapped))
    clock.move(BELIEVED_SECONDS)
    with pytest.raises(InvalidToken):
        await tokens.caller(token)
    assert await tokens.caller(swapped.token(server.url)) is not None


async def test_a_key_set_that_is_empty_takes_every_key_out(server: FakeServer, tokens: JwtTokens, clock: Clock) -> None:
    token = OLD.token(server.url)
    assert await tokens.caller(token) is not None
    server.answer = saying({"keys": []})
    clock.move(BELIEVED_SECONDS)
    with pytest.raises(InvalidToken):
        await tokens.caller(token)


async def test_a_new_key_is_looked_for_at_once(server: FakeServer, tokens: JwtTokens, clock: Clock) -> None:
    await tokens.caller(OLD.token(server.url))
    server.answer = saying(jwks(OLD, NEW))
    clock.move(LOOK_AGAIN_SECONDS)
    assert await tokens.caller(NEW.token(server.url)) is not None


async def test_invented_keys_do_not_hammer_the_server(server: FakeServer, tokens: JwtTokens, clock: Clock) -> None:
    await tokens.caller(OLD.token(server.url))
    invented = [Key("old").token(server.url, header={"kid": f"invented-{number}"}) for number in range(100)]
    for elapsed in range(10):
        for token in invented[elapsed * 10 :][:10]:
            with pytest.raises(InvalidToken):
                await tokens.caller(token)
        clock.move(1)
    assert len(server.asked) <= 1 + 10 / LOOK_AGAIN_SECONDS


@pytest.mark.parametrize("keys", [[Key(None)], [Key(None), Key("x", kind="RS256")], [Key("only")]])
async def test_a_token_without_a_key_id_is_good_with_the_only_key_that_suits(
    server: FakeServer, tokens: JwtTokens, keys: list[Key]
) -> None:
    server.answer = saying(jwks(*keys))
    assert await tokens.caller(keys[0].token(server.url, header={"kid": None})) is not None


async def test_a_token_without_a_key_id_is_refused_where_several_keys_suit(server: FakeServer, tokens: JwtTokens) -> None:
    server.answer = saying(jwks(OLD, NEW))
    with pytest.raises(InvalidToken):
        await tokens.caller(OLD.token(server.url, header={"kid": None}))


@pytest.mark.parametrize("parameters", [
    {"use": "enc"}, {"key_ops": ["sign"]}, {"key_ops": "verify"}, {"alg": "ES384"}, {"alg": "none"}, {"alg": "HS256"},
    {"alg": 5}, {"kid": 5}, {"kty": "oct", "k": "c2VjcmV0"}, {"kty": ["EC"]}, {"crv": "P-384"}, {"crv": ["P-256"]},
    {"x": "AA"}, {"x": 5}, {"y": None}, {"d": "AA"},
], ids=repr)  # fmt: skip
async def test_a_key_that_is_not_for_this_verifies_nothing(
    server: FakeServer, tokens: JwtTokens, parameters: dict[str, Any]
) -> None:
    odd = Key("odd", **parameters)
    server.answer = saying(jwks(odd, OLD))
    with pytest.raises(InvalidToken):
        await tokens.caller(odd.token(server.url))
    assert await tokens.caller(OLD.token(server.url)) is not None


async def test_a_key_whose_private_half_is_published_verifies_nothing(server: FakeServer, tokens: JwtTokens) -> None:
    leaked = Key("leaked")
    server.answer = saying({"keys": [leaked.jwk | {"d": ECAlgorithm.to_jwk(leaked.private, as_dict=True)["d"]}]})
    with pytest.raises(InvalidToken):
        await tokens.caller(leaked.token(server.url))


async def test_a_short_rsa_key_verifies_nothing(server: FakeServer, tokens: JwtTokens) -> None:
    short = Key("short", kind="RS256", n="u" * 171)  # 1024 bits
    server.answer = saying(jwks(short))
    with pytest.raises(InvalidToken):
        await tokens.caller(short.token(server.url))


@pytest.mark.parametrize("members", [[5, None, "x", []], [{}], [{"kty": "AKP", "alg": "ML-DSA-44"}]])
async def test_keys_that_nobody_knows_are_passed_over(server: FakeServer, tokens: JwtTokens, members: list[Any]) -> None:
    server.answer = saying({"keys": [*members, OLD.jwk]})
    assert await tokens.caller(OLD.token(server.url)) is not None


@pytest.mark.parametrize("kind", [*MISBEHAVIOUR, "no keys", "keys of another form"])
async def test_without_keys_nobody_can_tell(server: FakeServer, clock: Clock, kind: str) -> None:
    server.answer = (MISBEHAVIOUR | {"no keys": saying({}), "keys of another form": saying({"keys": {"old": 1}})})[kind]
    started = time.monotonic()
    async with signed(server.url, clock, url=server.url, seconds=SECONDS) as hasty:
        with pytest.raises(Unavailable) as refused:
            await hasty.caller(OLD.token(server.url))
    assert time.monotonic() - started < PATIENT_SECONDS
    assert refused.value.headers["Retry-After"]
    assert "/elsewhere" not in server.asked


async def test_a_server_that_is_down_is_asked_once_a_second(clock: Clock) -> None:
    async with fake_server() as server:
        server.answer = DOWN
        async with signed(server.url, clock, url=server.url) as tokens:
            for _ in range(30):
                with pytest.raises(Unavailable):
                    await tokens.caller(OLD.token(server.url))
            assert len(server.asked) == 1
            clock.move(TRY_AGAIN_SECONDS)
            server.answer = saying(jwks(OLD))
            assert await tokens.caller(OLD.token(server.url)) is not None


async def test_nobody_listening_is_unavailable(clock: Clock) -> None:
    async with signed("http://127.0.0.1:1", clock) as tokens:
        with pytest.raises(Unavailable):
            await tokens.caller(OLD.token("http://127.0.0.1:1"))


async def test_cached_keys_outlive_an_outage_for_an_hour(server: FakeServer, tokens: JwtTokens, clock: Clock) -> None:
    token = OLD.token(server.url, exp=int(NOW) + 10_000)
    await tokens.caller(token)
    server.answer = DOWN
    for _ in range(11):
        clock.move(FORGIVEN_SECONDS / 12)
        assert await tokens.caller(token) is not None
        assert await tokens.caller(OLD.token(server.url, exp=int(NOW) + 10_000, jti="new")) is not None
    clock.move(FORGIVEN_SECONDS / 12)
    with pytest.raises(Unavailable):
        await tokens.caller(token)
    server.answer = saying(jwks(OLD))
    clock.move(TRY_AGAIN_SECONDS)
    assert await tokens.caller(token) is not None


async def test_an_outage_makes_nobody_wait_who_has_keys(server: FakeServer, tokens: JwtTokens, clock: Clock) -> None:
    token = OLD.token(server.url)
    await tokens.caller(token)
    server.answer = DOWN
    clock.move(BELIEVED_SECONDS)
    await tokens.caller(token)  # the first one finds out
    server.answer = plain(b"", status=503, wait=PATIENT_SECONDS)
    for _ in range(5):
        clock.move(TRY_AGAIN_SECONDS)
        started = time.monotonic()
        assert await tokens.caller(token) is not None
        assert time.monotonic() - started < PATIENT_SECONDS / 2


async def test_an_unknown_key_in_an_outage_is_not_called_invalid(server: FakeServer, tokens: JwtTokens, clock: Clock) -> None:
    await tokens.caller(OLD.token(server.url))
    server.answer = DOWN
    clock.move(LOOK_AGAIN_SECONDS)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await tokens.caller(NEW.token(server.url))
    assert await tokens.caller(OLD.token(server.url)) is not None


@pytest.mark.parametrize(
    "well_known", ["/.well-known/oauth-authorization-server/realm", "/realm/.well-known/openid-configuration"]
)
async def test_keys_are_found_by_the_issuers_metadata(server: FakeServer, clock: Clock, well_known: str) -> None:
    issuer = f"{server.url}/realm"

    async def answer(path: str, _: bytes) -> bytes:
        pages = {well_known: {"issuer": issuer, "jwks_uri": f"{server.url}/keys"}, "/keys": jwks(OLD)}
        return http(json.dumps(pages.get(path, {})).encode(), status=200 if path in pages else 404)

    server.answer = answer
    async with signed(issuer, clock) as tokens:
        assert await tokens.caller(OLD.token(issuer)) is not None
    assert server.asked[-2:] == [well_known, "/keys"]


@pytest.mark.parametrize("metadata", [
    {"issuer": "https://elsewhere.example"}, {"issuer": None}, {"jwks_uri": None}, {"jwks_uri": 5},
    {"jwks_uri": "http://me@HERE/keys"}, {"jwks_uri": "http://HERE/keys#part"},
    {"jwks_uri": "file:///etc/passwd"}, {"jwks_uri": "/jwks"},
], ids=repr)  # fmt: skip
async def test_metadata_of_somebody_else_is_not_believed(server: FakeServer, clock: Clock, metadata: dict[str, Any]) -> None:
    said = {"issuer": server.url, "jwks_uri": f"{server.url}/keys", **jwks(OLD), **metadata}
    here = server.url.removeprefix("http://")
    server.answer = plain(json.dumps(said).replace("HERE", here).encode())
    async with signed(server.url, clock) as tokens:
        with pytest.raises(Unavailable):
            await tokens.caller(OLD.token(server.url))
    assert "/keys" not in server.asked


async def test_discovery_too_is_bounded(server: FakeServer, clock: Clock) -> None:
    server.answer = saying({"issuer": server.url}, wait=1.6)
    async with signed(server.url, clock, seconds=2) as tokens:
        started = time.monotonic()
        with pytest.raises(Unavailable):
            await tokens.caller(OLD.token(server.url))
        assert time.monotonic() - started < 3
