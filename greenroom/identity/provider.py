"""Signing in at an identity provider: OpenID Connect Core 1.0, by the authorization code, with PKCE (RFC 7636)."""

import base64
import secrets
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlsplit

import jwt
import msgspec
from msgspec import Struct

from greenroom.identity.addresses import is_private_way
from greenroom.identity.claims import LEEWAY_SECONDS, ClaimNames, caller_of, is_verified, names_a_person
from greenroom.identity.invitation import Invitation
from greenroom.identity.published_keys import METADATA_OCTETS, PublishedKeys
from greenroom.identity.server import IdentityServer, JsonObject
from greenroom.kit.errors import InvalidToken
from greenroom.kit.ids import BrandId
from greenroom.kit.sealing import Seals

TRIP_SECONDS: Final = 600  # which one may take at the provider
METADATA_SECONDS: Final = 300.0
TOKENS_OCTETS: Final = 64 * 1024
SECRET_OCTETS: Final = 32
ANSWERED: Final = frozenset({HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED})

# The claims are looked at by authlib; PyJWT looks at the signature.
_SIGNATURE: Any = {f"verify_{name}": False for name in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}


class SignInRefusedError(Exception):
    """Nobody is signed in. `reason` is one of denied, expired, no_brand, failed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Trip(Struct, frozen=True, array_like=True):
    """What is remembered while somebody is at the provider: sealed, in the browser that went there."""

    state: str
    nonce: str
    verifier: str
    leads_to: str
    expires: int


class Departure(Struct, frozen=True):
    """Where the browser goes, and what it keeps meanwhile."""

    url: str
    kept: str


_trip_in = msgspec.msgpack.Decoder(Trip).decode


class IdentityProvider:
    """The one of the settings."""

    def __init__(
        self,
        server: IdentityServer,
        *,
        issuer: str,
        client_id: str,
        client_secret: str | None,
        scope: str,
        brand: str | None,
        live_scope: str,
        names: ClaimNames,
        secret_keys: Sequence[str],
    ) -> None:
        self._server = server
        self._keys = PublishedKeys(server, issuer=issuer, url=None)
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._scope = scope
        self._brand = brand
        self._live_scope = live_scope
        self._names = msgspec.structs.replace(names, clients=("azp", "aud"))
        self._seals = Seals(secret_keys, purpose="greenroom sign-in trip")
        self._metadata: JsonObject = {}
        self._looked_at = -METADATA_SECONDS

    @property
    def name(self) -> str:
        """What people may know it by."""
        return urlsplit(self._issuer).hostname or self._issuer

    async def departure(self, *, redirect_uri: str, leads_to: str) -> Departure:
        """The way to the provider. Raises Unavailable."""
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # noqa: PLC0415  # for who has a provider alone
        from authlib.oauth2.rfc7636 import create_s256_code_challenge  # noqa: PLC0415

        trip = Trip(
            state=secrets.token_urlsafe(SECRET_OCTETS),
            nonce=secrets.token_urlsafe(SECRET_OCTETS),
            verifier=secrets.token_urlsafe(SECRET_OCTETS),
            leads_to=leads_to,
            expires=int(time.time()) + TRIP_SECONDS,
        )
        url = prepare_grant_uri(
            await self._endpoint("authorization_endpoint"),
            self._client_id,
            "code",
            redirect_uri=redirect_uri,
            scope=self._scope,
            state=trip.state,
            nonce=trip.nonce,
            code_challenge=create_s256_code_challenge(trip.verifier),
            code_challenge_method="S256",
        )
        return Departure(str(url), self._seals.seal(msgspec.msgpack.encode(trip)))

    async def arrival(self, kept: str | None, said: Mapping[str, str], *, redirect_uri: str) -> Invitation:
        """Who has come back, by the query of the way back. Raises SignInRefusedError, Unavailable."""
        trip = self._trip(kept)
        if trip is None or not secrets.compare_digest(said.get("state", "").encode(), trip.state.encode()):
            raise SignInRefusedError("expired")
        if said.get("iss", self._issuer) != self._issuer:  # RFC 9207, section 2.4
            raise SignInRefusedError("failed")
        if "error" in said or not said.get("code"):
            raise SignInRefusedError("denied" if said.get("error") == "access_denied" else "failed")
        token = await self._id_token(said["code"], trip, redirect_uri=redirect_uri)
        return self._invitation(await self._claims(token, nonce=trip.nonce), leads_to=trip.leads_to)

    async def close(self) -> None:
        """Ask no more."""
        await self._keys.close()

    def _trip(self, kept: str | None) -> Trip | None:
        octets = None if kept is None else self._seals.opened(kept)
        trip = None if octets is None else _trip_in(octets)
        return trip if trip is not None and trip.expires > time.time() else None

    async def _id_token(self, code: str, trip: Trip, *, redirect_uri: str) -> str:
        """The ID token that the code stands for (section 3.1.3). Raises SignInRefusedError, Unavailable."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self._client_id,
            "code_verifier": trip.verifier,
        }
        reply = await self._server.post(
            await self._endpoint("token_endpoint"),
            form,
            authorization=self._authorization(),
            expected=ANSWERED,
            most_octets=TOKENS_OCTETS,
        )
        token = reply.said.get("id_token")
        if reply.status != HTTPStatus.OK or not isinstance(token, str):
            raise SignInRefusedError("failed")
        return token

    async def _claims(self, token: str, *, nonce: str) -> dict[str, Any]:
        """What the token says, once it is known to be the provider's, for us, and for this trip."""
        from authlib.oidc.core.claims import CodeIDToken  # noqa: PLC0415
        from joserfc.errors import JoseError  # noqa: PLC0415

        try:
            header, said = await self._signed(token)
            options = {"iss": {"essential": True, "value": self._issuer}, "aud": {"essential": True, "value": self._client_id}}
            claims = CodeIDToken(said, header, options=options, params={"nonce": nonce, "client_id": self._client_id})
            claims.validate(leeway=int(LEEWAY_SECONDS))
        except (jwt.PyJWTError, JoseError, ValueError, TypeError, KeyError) as error:
            raise SignInRefusedError("failed") from error
        return said

    async def _signed(self, token: str) -> tuple[JsonObject, JsonObject]:
        """Header and claims of a token that a published key has signed. Raises what PyJWT raises, Unavailable."""
        header: JsonObject = jwt.get_unverified_header(token)
        algorithm = str(header.get("alg"))
        key = await self._keys.find(kid=header.get("kid"), algorithm=algorithm)
        if key is None:
            raise jwt.InvalidKeyError
        return header, jwt.decode(token, key.public, algorithms=[algorithm], options=_SIGNATURE)

    def _invitation(self, claims: dict[str, Any], *, leads_to: str) -> Invitation:
        """As a token of the API would be read; but of a person, and with a brand. Raises SignInRefusedError."""
        if not names_a_person(claims, self._names):
            raise SignInRefusedError("failed")
        audience = claims.get("aud")
        named = {**claims, "azp": claims.get("azp") or (audience[0] if isinstance(audience, list) else audience)}
        try:
            caller = caller_of(named, self._names)
        except InvalidToken as error:
            raise SignInRefusedError("failed") from error
        brand = caller.brand or self._brand
        if brand is None:
            raise SignInRefusedError("no_brand")
        return Invitation(
            brand=BrandId(brand),
            user=caller.user,
            scope=" ".join(sorted(caller.scopes)) or self._live_scope,
            leads_to=leads_to,
            email=caller.email if is_verified(claims) else None,
            time_zone=caller.time_zone,
        )

    async def _endpoint(self, name: str) -> str:
        """From the provider's metadata (OpenID Connect Discovery 1.0, section 4). Raises Unavailable."""
        if time.monotonic() - self._looked_at >= METADATA_SECONDS:
            url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
            said = await self._server.get(url, most_octets=METADATA_OCTETS)
            if said.get("issuer") != self._issuer:
                raise self._server.unavailable("the metadata of another issuer")
            self._metadata, self._looked_at = said, time.monotonic()
        found = self._metadata.get(name)
        if not isinstance(found, str) or not is_private_way(found):
            raise self._server.unavailable(f"no {name} that can be used")
        return found

    def _authorization(self) -> str | None:
        """HTTP Basic, each part encoded as in a form (RFC 6749, section 2.3.1)."""
        if self._client_secret is None:
            return None
        pair = f"{quote(self._client_id, safe='')}:{quote(self._client_secret, safe='')}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"
