"""The way in: token, limit per caller, scope, brand, in this order."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from greenroom.identity.caller import Caller, TokenSource
from greenroom.identity.scopes import ADMIN_ALL
from greenroom.kit.errors import Forbidden, InsufficientScope, InvalidToken, RateLimited, Unauthenticated
from greenroom.kit.http.asgi import Scope
from greenroom.kit.http.operation import Limit, Operation
from greenroom.kit.http.rate_limit import RateLimiter, key_of
from greenroom.kit.ids import BrandId
from greenroom.kit.telemetry import requests_limited

BRAND_CHARACTERS = 200
USER_CHARACTERS = 200


class Gate:
    """Stands before every operation that needs a token: who may not pass gets the error that says why."""

    def __init__(
        self,
        sources: Sequence[TokenSource],
        limiter: RateLimiter,
        *,
        limits: Mapping[Limit, int],
        client_limits: Mapping[str, int],
    ) -> None:
        self._sources = sources
        self._limiter = limiter
        self._limits = limits
        self._client_limits = client_limits

    async def __call__(self, scope: Scope, operation: Operation) -> None:
        """Leaves the Caller in the request's scope. Raises what DESIGN section 4 puts before the body's own errors."""
        token, brand = _credentials_in(scope["headers"])
        caller = await self._holder_of(token)
        scope["user"] = caller
        self._count(caller, operation.limit)
        scope["user"] = _admitted(caller, operation, brand)

    async def _holder_of(self, token: str) -> Caller:
        for source in self._sources:
            caller = await source.caller(token)
            if caller is not None:
                return _of_a_name(caller)
        raise InvalidToken

    def _count(self, caller: Caller, limit: Limit) -> None:
        allowed = self._limits[limit] if limit == "admin" else self._client_limits.get(caller.client, self._limits[limit])
        if not allowed:
            return
        wait = self._limiter.take(key_of(limit, caller.client, caller.user), limit=allowed)
        if wait is not None:
            requests_limited.labels(limit).inc()
            raise RateLimited(retry_after_ms=wait)


def _of_a_name(caller: Caller) -> Caller:
    """The caller, whose id can be stored and searched for. Raises InvalidToken."""
    if not 1 <= len(caller.user) <= USER_CHARACTERS or "\0" in caller.user:
        raise InvalidToken
    return caller


def _admitted(caller: Caller, operation: Operation, brand: str | None) -> Caller:
    """The caller within the brand it may act in. Raises InsufficientScope, Forbidden."""
    if operation.scope is not None and operation.scope not in caller.scopes:
        raise InsufficientScope(operation.scope)
    if brand is not None and not (brand.isprintable() and 1 <= len(brand) <= BRAND_CHARACTERS):
        raise Forbidden(f"X-Brand-Id: expected 1 to {BRAND_CHARACTERS} printable characters.")
    if caller.brand is None:
        if ADMIN_ALL not in caller.scopes:
            raise Forbidden("The token names no brand; only admin:* may act without one.")
        return caller if brand is None else msgspec.structs.replace(caller, brand=BrandId(brand))
    if brand is not None and brand != caller.brand:
        raise Forbidden("X-Brand-Id: expected the token's own brand.")
    return caller


def _credentials_in(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, str | None]:
    """The bearer token and the brand that the request names. Raises Unauthenticated."""
    token: str | None = None
    brand: str | None = None
    for name, value in headers:
        if name == b"authorization":
            scheme, _, credentials = value.decode("latin-1").partition(" ")
            token = credentials.strip() if scheme.lower() == "bearer" else None
        elif name == b"x-brand-id":
            brand = value.decode("latin-1")
    if not token:
        raise Unauthenticated
    return token, brand
