"""The way in: token, limit per caller, scope, brand, in this order."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
from starlette.requests import cookie_parser

from greenroom.identity.caller import Caller, TokenSource
from greenroom.identity.scopes import ADMIN_ALL
from greenroom.identity.tickets import COOKIE, PARAMETER, StreamTickets
from greenroom.kit.errors import Forbidden, InsufficientScope, InvalidToken, RateLimited, Unauthenticated
from greenroom.kit.http.asgi import Scope
from greenroom.kit.http.operation import Limit, Operation
from greenroom.kit.http.rate_limit import RateLimiter, key_of
from greenroom.kit.ids import BrandId, parse_id
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
        tickets: StreamTickets,
        is_revoked: Callable[[UUID], bool],
    ) -> None:
        self._sources = sources
        self._limiter = limiter
        self._limits = limits
        self._client_limits = client_limits
        self._tickets = tickets
        self._is_revoked = is_revoked

    async def __call__(self, scope: Scope, operation: Operation) -> None:
        """Leaves the Caller in the request's scope. Raises what DESIGN section 4 puts before the body's own errors."""
        token, brand = _credentials_in(scope["headers"])
        if token is None and operation.takes_ticket and (text := _ticket_in(scope)):
            caller = self._holder_of_ticket(text, scope)
        elif not token:
            raise Unauthenticated
        else:
            caller = await self.holder_of(token)
            scope["token"] = token
        scope["user"] = caller
        self.count(caller, operation.limit)
        scope["user"] = _admitted(caller, operation, brand)

    async def holder_of(self, token: str) -> Caller:
        """Who holds the token. Raises InvalidToken, Unavailable."""
        for source in self._sources:
            caller = await source.caller(token)
            if caller is not None:
                return _of_a_name(caller)
        raise InvalidToken

    def is_revoked(self, token_id: UUID) -> bool:
        """Whether a ticket that was made with this token is good no longer."""
        return self._is_revoked(token_id)

    def count(self, caller: Caller, limit: Limit) -> None:
        """Count a request of the caller's. Raises RateLimited."""
        allowed = self._limits[limit] if limit == "admin" else self._client_limits.get(caller.client, self._limits[limit])
        if not allowed:
            return
        wait = self._limiter.take(key_of(limit, caller.client, caller.user), limit=allowed)
        if wait is not None:
            requests_limited.labels(limit).inc()
            raise RateLimited(retry_after_ms=wait)

    def _holder_of_ticket(self, text: str, scope: Scope) -> Caller:
        """Who holds the ticket, which is good for one session. Raises InvalidToken."""
        ticket = self._tickets.read(text)
        if ticket.session != parse_id(scope["path_params"]["id"]) or (ticket.token_id and self.is_revoked(ticket.token_id)):
            raise InvalidToken
        scope["ticket"] = ticket
        return ticket.caller


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


def _ticket_in(scope: Scope) -> str | None:
    """The ticket that a browser sends: in the query, else as a cookie."""
    query: bytes = scope["query_string"]
    for name, value in parse_qsl(query.decode("latin-1")):
        if name == PARAMETER:
            return value
    for name, value in scope["headers"]:
        if name == b"cookie":
            return cookie_parser(value.decode("latin-1")).get(COOKIE)
    return None


def _credentials_in(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str | None, str | None]:
    """The bearer token and the brand that the request names."""
    token: str | None = None
    brand: str | None = None
    for name, value in headers:
        if name == b"authorization":
            scheme, _, credentials = value.decode("latin-1").partition(" ")
            token = credentials.strip() if scheme.lower() == "bearer" else None
        elif name == b"x-brand-id":
            brand = value.decode("latin-1")
    return token, brand
