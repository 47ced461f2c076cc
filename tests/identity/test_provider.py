"""Signing in at an identity provider: what comes back is believed only where all of it is right."""

import base64
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from greenroom.identity.claims import ClaimNames
from greenroom.identity.invitation import Invitation
from greenroom.identity.provider import IdentityProvider, SignInRefusedError
from greenroom.identity.server import IdentityServer
from greenroom.kit.errors import Unavailable
from greenroom.kit.ids import BrandId, UserId
from tests.identity.forge import Key, jwks, raw
from tests.identity.remote import PATIENT_SECONDS, FakeServer, fake_server, http
from tests.server import SECRET_KEY

BACK = "http://127.0.0.1:1/signin/callback"
CLIENT = "pages & more"
Json = dict[str, Any]


class Office:
    """A provider of a test's own, which says what the test wants."""

    def __init__(self, fake: FakeServer) -> None:
        self.fake = fake
        self.key = Key()
        self.published = jwks(self.key)
        self.claims: Json = {}
        self.token: Callable[[Json], str] = lambda claims: self.key.token(fake.url, typ="JWT", **claims)
        self.metadata: Json = {
            "issuer": fake.url, "authorization_endpoint": f"{fake.url}/auth", "token_endpoint": f"{fake.url}/token",
            "jwks_uri": f"{fake.url}/jwks",
        }  # fmt: skip
        self.status = 200
        fake.answer = self.answer
        self.form: dict[str, str] = {}

    async def answer(self, path: str, body: bytes) -> bytes:
        if path == "/jwks":
            return http(json.dumps(self.published).encode())
        if path == "/token":
            self.form = dict(parse_qsl(body.decode()))
            return http(json.dumps({"id_token": self.token(self.claims)}).encode(), status=self.status)
        return http(json.dumps(self.metadata).encode())


def provider_at(url: str, **changed: Any) -> IdentityProvider:
    options: Json = {
        "issuer": url, "client_id": CLIENT, "client_secret": None, "scope": "openid", "brand": "acme",
        "live_scope": "read:live", "names": ClaimNames(), "secret_keys": [SECRET_KEY], **changed,
    }  # fmt: skip
    return IdentityProvider(IdentityServer("oidc", seconds=PATIENT_SECONDS), **options)


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with fake_server() as fake:
        yield Office(fake)


async def signed_in(office: Office, said: Json | None = None, claims: Json | None = None, **changed: Any) -> Invitation:
    """Go there and come back with this query, and what the ID token says otherwise."""
    provider = provider_at(office.fake.url, **changed)
    try:
        departure = await provider.departure(redirect_uri=BACK, leads_to="/host")
        asked = dict(parse_qsl(urlsplit(departure.url).query))
        now = int(time.time())
        office.claims = {
            "aud": CLIENT, "nonce": asked["nonce"], "sub": "ada", "iat": now, "exp": now + 60, "brand": None, "scope": None,
            "client_id": None, **(claims or {}),
        }  # fmt: skip
        query = {"code": "c", "state": asked["state"], **(said or {})}
        return await provider.arrival(departure.kept, query, redirect_uri=BACK)
    finally:
        await provider.close()


async def test_who_comes_back_is_who_the_provider_names(office: Office) -> None:
    claims = {"email": "ada@example.com", "email_verified": True, "zoneinfo": "Europe/Berlin"}
    assert await signed_in(office, claims=claims) == Invitation(
        brand=BrandId("acme"),
        user=UserId("ada"),
        scope="read:live",
        leads_to="/host",
        email="ada@example.com",
        time_zone="Europe/Berlin",
    )


async def test_who_lacks_the_claim_that_names_people_is_nobody(office: Office) -> None:
    names = ClaimNames(user="profile.login")
    assert (await signed_in(office, claims={"profile": {"login": "ada_l"}}, names=names)).user == "ada_l"
    for profile in (None, {}, {"login": None}):
        with pytest.raises(SignInRefusedError, match="failed"):
            await signed_in(office, claims={"profile": profile}, names=names)


@pytest.mark.parametrize("verified", [None, False, "false", "no", 1.5])
async def test_an_address_that_is_not_verified_is_not_taken(office: Office, verified: object) -> None:
    claims = {"email": "ada@example.com", "email_verified": verified}
    assert (await signed_in(office, claims=claims)).email is None


async def test_the_brand_and_the_scopes_of_the_token_count_first(office: Office) -> None:
    found = await signed_in(office, claims={"brand": "other", "scope": "openid manage:live"})
    assert found.brand == "other"
    assert set(found.scope.split()) == {"manage:live", "read:live", "write:live"}


async def test_the_code_is_bound_to_the_browser_that_went(office: Office) -> None:
    provider = provider_at(office.fake.url)
    departure = await provider.departure(redirect_uri=BACK, leads_to="/")
    asked = dict(parse_qsl(urlsplit(departure.url).query))
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    with pytest.raises(SignInRefusedError):
        await provider.arrival(departure.kept, {"code": "c", "state": asked["state"]}, redirect_uri=BACK)
    digest = hashlib.sha256(office.form["code_verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"]
    assert office.form["redirect_uri"] == asked["redirect_uri"] == BACK
    await provider.close()


async def test_a_confidential_client_names_its_secret_and_a_public_one_none(office: Office) -> None:
    await signed_in(office, client_secret="s:cret %")  # noqa: S106
    request = next(one for one in office.fake.requests if one.startswith(b"POST /token"))
    pair = base64.b64encode(b"pages%20%26%20more:s%3Acret%20%25").decode()
    assert f"authorization: basic {pair.lower()}" in request.decode().lower()
    office.fake.requests.clear()
    await signed_in(office)
    assert b"uthorization:" not in next(one for one in office.fake.requests if one.startswith(b"POST /token"))


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"aud": None},
        {"iss": "http://127.0.0.1:1"},
        {"iss": None},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1},
        {"exp": None},
        {"iat": 4_000_000_000},
        {"iat": "x"},
        {"sub": None},
        {"sub": 7},
        {"sub": "a\0b"},
        {"sub": "x" * 201},
        {"brand": ["acme"]},
    ],
    ids=str,
)
async def test_a_token_that_is_not_for_us_and_now_signs_nobody_in(office: Office, claims: Json) -> None:
    with pytest.raises(SignInRefusedError):
        await signed_in(office, claims=claims)


async def test_a_token_of_another_key_or_of_none_signs_nobody_in(office: Office) -> None:
    for forged in (
        lambda claims: Key("k1").token(office.fake.url, typ="JWT", **claims),
        lambda claims: Key("k2").token(office.fake.url, typ="JWT", **claims),
        lambda claims: raw({"alg": "none"}, {"iss": office.fake.url, **claims}),
        lambda claims: raw({"alg": "HS256", "kid": "k1"}, {"iss": office.fake.url, **claims}, b"x"),
        lambda _: "garbage",
        lambda _: "",
    ):
        office.token = forged
        with pytest.raises(SignInRefusedError):
            await signed_in(office)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"state": "another"}, "expired"),
        ({"state": ""}, "expired"),
        ({"code": ""}, "failed"),
        ({"error": "access_denied"}, "denied"),
        ({"error": "server_error"}, "failed"),
        ({"iss": "https://another.example"}, "failed"),
    ],
    ids=str,
)
async def test_a_way_back_that_is_not_right_signs_nobody_in(office: Office, said: Json, reason: str) -> None:
    with pytest.raises(SignInRefusedError) as refused:
        await signed_in(office, said)
    assert refused.value.reason == reason
    assert office.form == {}


@pytest.mark.parametrize("kept", [None, "", "garbage", "Z2FyYmFnZQ==.forged"])
async def test_who_did_not_go_from_here_does_not_come_back(office: Office, kept: str | None) -> None:
    provider = provider_at(office.fake.url)
    with pytest.raises(SignInRefusedError, match="expired"):
        await provider.arrival(kept, {"code": "c", "state": ""}, redirect_uri=BACK)
    await provider.close()


async def test_a_trip_that_took_too_long_is_over(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = provider_at(office.fake.url)
    departure = await provider.departure(redirect_uri=BACK, leads_to="/")
    state = dict(parse_qsl(urlsplit(departure.url).query))["state"]
    later = time.time() + 601
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(SignInRefusedError, match="expired"):
        await provider.arrival(departure.kept, {"code": "c", "state": state}, redirect_uri=BACK)
    await provider.close()


async def test_a_code_that_the_provider_refuses_signs_nobody_in(office: Office) -> None:
    office.status = 400
    with pytest.raises(SignInRefusedError, match="failed"):
        await signed_in(office)


async def test_who_has_no_brand_is_told_so(office: Office) -> None:
    with pytest.raises(SignInRefusedError, match="no_brand"):
        await signed_in(office, brand=None)


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://another.example"},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "http://elsewhere.example/auth"},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
    ids=str,
)
async def test_metadata_that_cannot_be_trusted_is_an_outage(office: Office, metadata: Json) -> None:
    office.metadata |= metadata
    with pytest.raises(Unavailable):
        await signed_in(office)


async def test_a_provider_that_is_down_is_an_outage_and_never_a_pass(office: Office) -> None:
    office.status = 500
    with pytest.raises(Unavailable):
        await signed_in(office)
