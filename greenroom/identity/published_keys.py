"""The keys that an identity server publishes (RFC 7517), and how long they are believed.

They are fetched when first needed, again in the background after four minutes, and at the latest after five before one is
used: a key that was taken out verifies nothing from then on. A server that is away is forgiven for an hour. A token that
names an unknown key makes us look, once in five seconds at most: whoever invents keys cannot make us hammer the server.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
import msgspec
from msgspec import Struct

from greenroom.identity.addresses import is_private_way
from greenroom.identity.server import IdentityServer, JsonObject
from greenroom.identity.single_flight import SingleFlight
from greenroom.kit.errors import Unavailable

REFRESH_SECONDS = 240.0
BELIEVED_SECONDS = 300.0
FORGIVEN_SECONDS = 3600.0
LOOK_AGAIN_SECONDS = 5.0  # after an answer that did not have the key
TRY_AGAIN_SECONDS = 1.0  # after no answer
KEYS_OCTETS = 256 * 1024
METADATA_OCTETS = 64 * 1024
RSA_BITS = 2048  # RFC 7518, section 3.3

_RSA: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_BY_CURVE: Final = {
    "EC P-256": frozenset({"ES256"}),
    "EC P-384": frozenset({"ES384"}),
    "EC P-521": frozenset({"ES512"}),
    "OKP Ed25519": frozenset({"EdDSA"}),
}


class VerifyingKey(Struct, frozen=True, eq=False):
    """A public key, and the algorithms that it may be used with. Never `none`, never a shared secret's."""

    kid: str | None
    algorithms: frozenset[str]
    public: Any  # of the library `cryptography`


class PublishedKeys:
    """The keys of one issuer, from `url` or from where its metadata says (RFC 8414; OpenID Connect Discovery)."""

    def __init__(
        self, server: IdentityServer, *, issuer: str, url: str | None, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._server = server
        self._issuer = issuer
        self._url = url
        self._ticks = ticks
        self._keys: dict[bytes, VerifyingKey] = {}
        self._published: frozenset[VerifyingKey] = frozenset()
        self._fetched_at = -FORGIVEN_SECONDS
        self._tried_at = -FORGIVEN_SECONDS
        self._is_failing = False
        self._flights: SingleFlight[None, None] = SingleFlight()

    def holds(self, key: VerifyingKey) -> bool:
        """Whether the key was published when we last looked."""
        return key in self._published

    async def keep_fresh(self) -> None:
        """See to it that what we hold is young enough to be believed. Raises Unavailable."""
        age = self._ticks() - self._fetched_at
        if age < REFRESH_SECONDS:
            return
        if age >= FORGIVEN_SECONDS:
            if not self._may_look():
                raise self._server.unavailable("no keys, and asked a moment ago", outcome="unreachable")
            await self._look()
        elif age >= BELIEVED_SECONDS and not self._is_failing:
            with suppress(Unavailable):
                await self._look()
        elif self._may_look():
            self._flights.begin(None, self._fetch)

    async def find(self, *, kid: str | None, algorithm: str) -> VerifyingKey | None:
        """The one key that suits; None when there is none, or more than one. Raises Unavailable."""
        await self.keep_fresh()
        found = self._suiting(kid, algorithm)
        if found is None and self._may_look():
            await self._look()
            found = self._suiting(kid, algorithm)
        if found is None and self._is_failing:
            raise self._server.unavailable("an unknown key, and asked a moment ago", outcome="unreachable")
        return found

    async def close(self) -> None:
        """Look no more."""
        await self._flights.close()
        await self._server.close()

    def _suiting(self, kid: str | None, algorithm: str) -> VerifyingKey | None:
        suiting = [key for key in self._published if algorithm in key.algorithms and kid in {None, key.kid}]
        return suiting[0] if len(suiting) == 1 else None

    def _may_look(self) -> bool:
        """Whether a look is under way that one may wait for, or the last one is long enough ago."""
        wait = TRY_AGAIN_SECONDS if self._is_failing else LOOK_AGAIN_SECONDS
        return None in self._flights or self._ticks() - self._tried_at >= wait

    async def _look(self) -> None:
        await self._flights.result(None, self._fetch)

    async def _fetch(self) -> None:
        started = self._tried_at = self._ticks()
        try:
            async with asyncio.timeout(self._server.seconds):
                published = await self._server.get(self._url or await self._discovered(), most_octets=KEYS_OCTETS)
            keys = dict(self._read(published))
        except TimeoutError:
            self._is_failing = True
            raise self._server.unavailable("discovery took too long", outcome="timeout") from None
        except Unavailable:
            self._is_failing = True
            raise
        self._keys = keys
        self._published = frozenset(keys.values())
        self._fetched_at = started
        self._is_failing = False

    def _read(self, published: JsonObject) -> Iterator[tuple[bytes, VerifyingKey]]:
        """The keys that can be used; one that has not changed is the same object as before. Raises Unavailable."""
        listed = published.get("keys")
        if not isinstance(listed, list):
            raise self._server.unavailable("the key set has no array of keys")
        for jwk in listed:
            if isinstance(jwk, dict):
                written = msgspec.json.encode(jwk, order="deterministic")
                key = self._keys.get(written) or _key_of(jwk)
                if key is not None:
                    yield written, key

    async def _discovered(self) -> str:
        """Where the issuer's metadata says that its keys are. Raises Unavailable."""
        for url in _metadata_urls(self._issuer):
            with suppress(Unavailable):
                said = await self._server.get(url, most_octets=METADATA_OCTETS)
                keys_url = said.get("jwks_uri")
                if said.get("issuer") == self._issuer and isinstance(keys_url, str) and is_private_way(keys_url):
                    return keys_url
        raise self._server.unavailable("no metadata of this issuer that names its keys")


def _metadata_urls(issuer: str) -> tuple[str, str]:
    """The well-known part stands before the issuer's path (RFC 8414, section 3.1), or after it (OpenID Connect Discovery)."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    origin = f"{parts.scheme}://{parts.netloc}"
    return (
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{origin}{path}/.well-known/openid-configuration",
    )


def _key_of(jwk: JsonObject) -> VerifyingKey | None:
    """The key; None for one that is not for verifying, that we know no use for, or whose private half is published too."""
    kid, algorithms = jwk.get("kid"), _algorithms_of(jwk)
    if not algorithms or not (kid is None or isinstance(kid, str)) or not _is_for_verifying(jwk) or "d" in jwk:
        return None
    try:
        public = jwt.PyJWK(jwk, algorithm=min(algorithms)).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if jwk["kty"] == "RSA" and public.key_size < RSA_BITS:
        return None
    return VerifyingKey(kid, algorithms, public)


def _algorithms_of(jwk: JsonObject) -> frozenset[str]:
    """What suits the key's type and curve, and is what the key itself says when it does (RFC 7517, section 4.4)."""
    kind, curve, algorithm = jwk.get("kty"), jwk.get("crv"), jwk.get("alg")
    suited = _RSA if kind == "RSA" else _BY_CURVE.get(f"{kind} {curve}", frozenset())
    return suited if algorithm is None else suited & {str(algorithm)}


def _is_for_verifying(jwk: JsonObject) -> bool:
    """What the key is for, when it says so (RFC 7517, sections 4.2 and 4.3)."""
    use, operations = jwk.get("use", "sig"), jwk.get("key_ops", ["verify"])
    return use == "sig" and isinstance(operations, list) and "verify" in operations
