"""JWT access tokens: the checks of RFC 9068, section 4, and the attacks of RFC 8725, section 2."""

import base64
import hmac
import json
import time
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import base64url_encode

from greenroom.identity.claims import ClaimNames
from greenroom.identity.jwt_bearer import JwtTokens
from greenroom.kit.errors import InvalidToken
from tests.identity.forge import NOW, RSA_KEY, Key, claims_of, jwks, raw
from tests.identity.oidc import OidcProvider
from tests.identity.remote import AUDIENCE, Clock, FakeServer, Json, fake_server, saying, signed


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with fake_server() as fake:
        yield fake


@pytest.fixture
async def tokens(server: FakeServer, clock: Clock) -> AsyncIterator[JwtTokens]:
    """What trusts the key k1 (ES256) and no other."""
    server.answer = saying(jwks(KEY))
    async with signed(server.url, clock, url=f"{server.url}/jwks") as source:
        yield source


KEY = Key()


async def assert_refused(tokens: JwtTokens, token: str) -> None:
    for _ in range(2):  # what was refused once is not let in by a cache
        with pytest.raises(InvalidToken):
            await tokens.caller(token)


@pytest.mark.parametrize("algorithm", ["rs256", "ps256", "es256", "eddsa"])
async def test_a_backends_token_of_a_real_server_names_it(oidc: OidcProvider, algorithm: str) -> None:
    async with signed(oidc.issuer, Clock(time.time())) as real:
        caller = await real.caller(oidc.client_token(f"urn:greenroom:{algorithm}", scope="read:live unheard:of"))
    assert caller is not None
    assert (caller.user, caller.client, caller.brand) == ("backend", "backend", "acme")
    assert caller.scopes == {"read:live"}


async def test_a_users_token_of_a_real_server_names_the_user(oidc: OidcProvider) -> None:
    async with signed(oidc.issuer, Clock(time.time())) as real:
        caller = await real.caller(oidc.user_token("ann", "urn:greenroom:es256", brand="acme"))
    assert caller is not None
    assert (caller.user, caller.client, caller.brand) == ("ann", "app", "acme")


@pytest.mark.parametrize("resource", ["urn:elsewhere:jwt", "urn:greenroom:early"], ids=["wrong audience", "not yet valid"])
async def test_a_real_servers_token_that_is_not_for_us_or_not_for_now_is_refused(oidc: OidcProvider, resource: str) -> None:
    async with signed(oidc.issuer, Clock(time.time())) as real:
        await assert_refused(real, oidc.client_token(resource))


async def test_a_real_servers_token_expires(oidc: OidcProvider) -> None:
    begun = time.time()
    clock = Clock(begun)
    async with signed(oidc.issuer, clock) as real:
        token = oidc.client_token("urn:greenroom:brief")
        assert await real.caller(token) is not None
        clock.move(time.time() - begun + 3)
        await assert_refused(real, token)


async def test_a_real_servers_token_without_its_signature_is_refused(oidc: OidcProvider) -> None:
    head, claims, _ = oidc.client_token("urn:greenroom:es256").split(".")
    none = base64url_encode(json.dumps({"alg": "none", "typ": "at+jwt"}).encode()).decode()
    async with signed(oidc.issuer, Clock(time.time())) as real:
        await assert_refused(real, f"{none}.{claims}.")
        await assert_refused(real, f"{head}.{claims}.")


async def test_a_token_of_another_real_server_is_not_ours(oidc: OidcProvider, rotating_oidc: OidcProvider) -> None:
    async with signed(oidc.issuer, Clock(time.time())) as real:
        assert await real.caller(rotating_oidc.client_token("urn:greenroom:es256")) is None


async def test_an_opaque_token_is_not_ours(oidc: OidcProvider) -> None:
    async with signed(oidc.issuer, Clock(time.time())) as real:
        assert await real.caller(oidc.client_token("urn:greenroom:opaque")) is None


async def test_the_tests_own_forgery_is_good_where_nothing_is_forged(server: FakeServer, tokens: JwtTokens) -> None:
    assert await tokens.caller(KEY.token(server.url)) is not None


@pytest.mark.parametrize("kind", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"])
@pytest.mark.parametrize("says_so", [True, False])
async def test_every_asymmetric_algorithm_is_taken(server: FakeServer, clock: Clock, kind: str, says_so: bool) -> None:
    key = Key(kind=kind, **({} if says_so else {"alg": None, "use": None}))
    server.answer = saying(jwks(key))
    async with signed(server.url, clock, url=server.url) as tokens:
        assert await tokens.caller(key.token(server.url)) is not None


@pytest.mark.parametrize(
    "token", ["", "x", "a.b", "a.b.c", "..", "e30.e30.e30", "\u00e9.\u00e9.\u00e9", "x" * 100_000, "a.b.c.d.e"]
)
async def test_what_is_no_jwt_is_not_ours_and_nobody_is_asked(server: FakeServer, tokens: JwtTokens, token: str) -> None:
    assert await tokens.caller(token) is None
    assert server.asked == []


@pytest.mark.parametrize("issuer", ["https://elsewhere.example", None, 5, ["x"], ""])
async def test_a_token_of_another_issuer_is_not_ours_and_nobody_is_asked(
    server: FakeServer, tokens: JwtTokens, issuer: Any
) -> None:
    token = raw({"alg": "ES256", "typ": "at+jwt", "kid": "k1"}, claims_of("x") | {"iss": issuer})
    assert await tokens.caller(token) is None
    assert server.asked == []


@pytest.mark.parametrize("addition", ["/", " ", "#"])
async def test_the_issuer_is_compared_to_the_letter(server: FakeServer, tokens: JwtTokens, addition: str) -> None:
    assert await tokens.caller(KEY.token(server.url + addition)) is None


@pytest.mark.parametrize(
    "audience", ["urn:elsewhere", ["urn:elsewhere"], [], "", None, 5, {AUDIENCE: 1}, [AUDIENCE, 5], "urn:green"]
)
async def test_a_token_for_another_audience_is_refused(server: FakeServer, tokens: JwtTokens, audience: Any) -> None:
    await assert_refused(tokens, KEY.token(server.url, aud=audience))


async def test_a_token_may_be_for_several_audiences(server: FakeServer, tokens: JwtTokens) -> None:
    assert await tokens.caller(KEY.token(server.url, aud=["urn:elsewhere", AUDIENCE])) is not None


@pytest.mark.parametrize("claims", [
    {"exp": int(NOW)}, {"exp": int(NOW) - 1}, {"exp": None}, {"exp": "1900000000"}, {"nbf": int(NOW) + 11},
    {"nbf": "x"}, {"iat": int(NOW) + 11}, {"sub": 5}, {"sub": "a\0b"}, {"client_id": None}, {"brand": 5}, {"scope": 5},
    {"cnf": {"jkt": "x"}},
], ids=repr)  # fmt: skip
async def test_a_token_that_says_what_it_may_not_is_refused(
    server: FakeServer, tokens: JwtTokens, claims: dict[str, Any]
) -> None:
    await assert_refused(tokens, KEY.token(server.url, **claims))


async def test_claims_that_are_no_json_are_no_jwt(server: FakeServer, tokens: JwtTokens) -> None:
    claims = json.dumps(claims_of(server.url)).replace(str(int(NOW) + 3600), "Infinity")
    assert await tokens.caller(jwt.PyJWS().encode(claims.encode(), KEY.private, "ES256", {"kid": "k1"})) is None


@pytest.mark.parametrize("kind", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"])
async def test_the_type_is_an_access_tokens(server: FakeServer, tokens: JwtTokens, kind: str) -> None:
    assert await tokens.caller(KEY.token(server.url, typ=kind)) is not None


@pytest.mark.parametrize("kind", ["JWT", None, "", "dpop+jwt", "logout+jwt", "id_token+jwt", 5, "xapplication/at+jwt"])
async def test_a_token_of_another_type_is_refused(server: FakeServer, tokens: JwtTokens, kind: Any) -> None:
    await assert_refused(tokens, KEY.token(server.url, typ=kind))


async def test_an_operator_may_accept_another_type(server: FakeServer, clock: Clock) -> None:
    server.answer = saying(jwks(KEY))
    async with signed(server.url, clock, url=server.url, types=("at+jwt", "JWT")) as tokens:
        assert await tokens.caller(KEY.token(server.url, typ="JWT")) is not None
        await assert_refused(tokens, KEY.token(server.url, typ="dpop+jwt"))


@pytest.mark.parametrize("header", [{"crit": ["exp"]}, {"crit": []}, {"crit": ["b64"], "b64": True}])
async def test_a_header_that_must_be_understood_is_refused(
    server: FakeServer, tokens: JwtTokens, header: dict[str, Any]
) -> None:
    claims = claims_of(server.url)
    signing = {"alg": "ES256", "typ": "at+jwt", "kid": "k1", **header}
    text = raw(signing, claims).rpartition(".")[0]
    signature = jwt.algorithms.get_default_algorithms()["ES256"].sign(text.encode(), KEY.private)
    await assert_refused(tokens, raw(signing, claims, signature))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, 5, ["ES256"], "HS256", "ES256K", "ES384", "RS256"])
async def test_an_unsigned_token_is_refused_whatever_it_calls_that(
    server: FakeServer, tokens: JwtTokens, algorithm: Any
) -> None:
    await assert_refused(tokens, raw({"alg": algorithm, "typ": "at+jwt", "kid": "k1"}, claims_of(server.url)))


@pytest.mark.parametrize("form", ["PEM", "DER", "n"])
async def test_the_public_key_is_no_shared_secret(server: FakeServer, clock: Clock, form: str) -> None:
    """Key confusion: RFC 8725, section 2.1."""
    key = Key(kind="RS256", alg=None)
    server.answer = saying(jwks(key))
    public = RSA_KEY.public_key()
    secret = {
        "PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "n": base64.urlsafe_b64decode(key.jwk["n"] + "=="),
    }[form]
    header = {"alg": "HS256", "typ": "at+jwt", "kid": "k1"}
    text = raw(header, claims_of(server.url)).rpartition(".")[0]
    async with signed(server.url, clock, url=server.url) as tokens:
        await assert_refused(tokens, raw(header, claims_of(server.url), hmac.digest(secret, text.encode(), sha256)))
        assert await tokens.caller(key.token(server.url)) is not None


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_a_token_that_was_tampered_with_lets_nobody_in(server: FakeServer, tokens: JwtTokens, part: int) -> None:
    parts = KEY.token(server.url).split(".")
    parts[part] = ("A" if parts[part][0] != "A" else "B") + parts[part][1:]
    try:
        assert await tokens.caller(".".join(parts)) is None
    except InvalidToken:
        assert part == 2 or server.asked == []


async def test_a_wider_scope_written_into_a_token_is_refused(server: FakeServer, tokens: JwtTokens) -> None:
    token = KEY.token(server.url)
    assert await tokens.caller(token) is not None
    wider = KEY.token(server.url, scope="admin:*").split(".")[1]
    head, _, signature = token.split(".")
    await assert_refused(tokens, f"{head}.{wider}.{signature}")


async def test_a_key_is_good_for_its_own_algorithm_alone(server: FakeServer, clock: Clock) -> None:
    """RFC 8725, section 3.1: the same RSA key could verify both."""
    key = Key(kind="PS256", alg="RS256")
    server.answer = saying(jwks(key))
    async with signed(server.url, clock, url=server.url) as tokens:
        await assert_refused(tokens, key.token(server.url))


async def test_a_key_that_the_token_brings_along_is_not_looked_at(server: FakeServer, tokens: JwtTokens) -> None:
    thief = Key("k1")
    await assert_refused(tokens, thief.token(server.url, header={"jwk": thief.jwk, "jku": f"{server.url}/thief"}))
    assert set(server.asked) == {"/jwks"}


async def test_a_token_expires_though_it_was_seen_before(server: FakeServer, tokens: JwtTokens, clock: Clock) -> None:
    token = KEY.token(server.url, exp=int(NOW) + 100)
    assert await tokens.caller(token) is not None
    clock.move(99)
    assert await tokens.caller(token) is not None
    clock.move(1)
    await assert_refused(tokens, token)


async def test_a_token_that_was_seen_costs_no_signature(
    server: FakeServer, tokens: JwtTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = KEY.token(server.url)
    first = await tokens.caller(token)
    monkeypatch.setattr(jwt, "decode", None)
    assert await tokens.caller(token) is first


async def test_the_cache_of_tokens_stays_bounded(
    server: FakeServer, tokens: JwtTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("greenroom.identity.jwt_bearer.CACHED_TOKENS", 3)
    several = [KEY.token(server.url, jti=str(number)) for number in range(5)]
    for token in several:
        assert await tokens.caller(token) is not None
    monkeypatch.setattr("greenroom.identity.jwt_bearer._claimed_issuer", lambda _: None)
    assert [await tokens.caller(token) is not None for token in several] == [False, False, True, True, True]


async def test_claims_of_another_servers_making_are_mapped(server: FakeServer, clock: Clock) -> None:
    server.answer = saying(jwks(KEY))
    names = ClaimNames(brand="https://greenroom.example/brand", scopes=("permissions",), clients=("azp",))
    async with signed(server.url, clock, url=server.url, names=names) as tokens:
        claims: Json = {
            "https://greenroom.example/brand": "acme",
            "permissions": ["manage:live"],
            "azp": "spa",
            "scope": "admin:*",
        }
        caller = await tokens.caller(KEY.token(server.url, **claims))
    assert caller is not None
    assert (caller.client, caller.brand) == ("spa", "acme")
    assert caller.scopes == {"manage:live", "write:live", "read:live"}
