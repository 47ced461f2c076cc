"""Local tokens: JWTs (RFC 7519) signed by a key of ours, so that checking one costs no round trip."""

import hashlib
import hmac
import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt
import msgspec
from msgspec import Struct

from greenroom.identity.caller import Caller
from greenroom.identity.scopes import scopes_in
from greenroom.kit.errors import InvalidToken
from greenroom.kit.ids import BrandId, ClientId, UserId, new_id

ISSUER = "greenroom"
ALGORITHM = "HS256"
CACHED_TOKENS = 20_000
CACHED_HEADS = 256
HEAD_CHARACTERS = 512  # of one that is kept


class TokenGrant(Struct, frozen=True, kw_only=True):
    """What a minted token says; the token itself is kept nowhere."""

    id: UUID
    user: UserId
    client: ClientId
    brand: BrandId | None
    scope: str
    issued_at: datetime
    expires_at: datetime


class _Claims(Struct, frozen=True):
    jti: UUID
    sub: str
    client_id: str
    scope: str
    exp: int
    brand: str | None = None


class _Checked(Struct, frozen=True):
    token_id: UUID
    expires: int
    caller: Caller


def new_grant(
    *,
    user: UserId,
    brand: BrandId | None,
    scope: str,
    client: ClientId,
    lifetime: timedelta,
    now: datetime | None = None,
) -> TokenGrant:
    """What the next token will say."""
    issued = (now or datetime.now(UTC)).replace(microsecond=0)
    return TokenGrant(
        id=new_id(), user=user, client=client, brand=brand, scope=scope, issued_at=issued, expires_at=issued + lifetime
    )


class Signer:
    """Signs with the first key and verifies with any, so that keys can be rotated."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        keys = [hmac.digest(key.encode(), b"greenroom local token", "sha256") for key in secret_keys]
        self._keys = {hashlib.sha256(key).hexdigest()[:8]: key for key in keys}
        self._first = next(iter(self._keys))
        self._foreign_heads: dict[str, None] = {}  # other servers' tokens, by the part that those of one key share

    def sign(self, grant: TokenGrant) -> str:
        """The token: a compact JWS with the claims of RFC 9068, and `brand`."""
        claims = {
            "iss": ISSUER,
            "jti": str(grant.id),
            "sub": grant.user,
            "client_id": grant.client,
            "scope": grant.scope,
            "iat": int(grant.issued_at.timestamp()),
            "exp": int(grant.expires_at.timestamp()),
        }
        if grant.brand is not None:
            claims["brand"] = grant.brand
        return jwt.encode(claims, self._keys[self._first], algorithm=ALGORITHM, headers={"kid": self._first})

    def verify(self, token: str) -> _Checked | None:
        """What the token says; None when it names no key of ours. Raises InvalidToken: it has expired or is garbled."""
        key = self._key_named_by(token)
        if key is None:
            return None
        try:
            said = jwt.decode(token, key, algorithms=[ALGORITHM], issuer=ISSUER, options={"require": ["exp", "iat"]})
            claims = msgspec.convert(said, _Claims)
        except (jwt.InvalidTokenError, msgspec.ValidationError, ValueError):
            raise InvalidToken from None
        return _Checked(
            token_id=claims.jti,
            expires=claims.exp,
            caller=Caller(
                user=UserId(claims.sub),
                client=ClientId(claims.client_id),
                brand=None if claims.brand is None else BrandId(claims.brand),
                scopes=scopes_in(claims.scope),
            ),
        )

    def _key_named_by(self, token: str) -> bytes | None:
        head, dot, _ = token.partition(".")
        if not dot or head in self._foreign_heads:
            return None
        try:
            named = jwt.get_unverified_header(token).get("kid")
        except (jwt.InvalidTokenError, ValueError):
            return None
        key = self._keys.get(str(named))
        if key is None and len(head) <= HEAD_CHARACTERS:
            if len(self._foreign_heads) >= CACHED_HEADS:
                self._foreign_heads.clear()
            self._foreign_heads[head] = None
        return key


class LocalTokens:
    """The TokenSource of tokens that `greenroom token` minted. Revocations reach it within its poll, 5 s."""

    def __init__(self, signer: Signer, *, clock: Callable[[], float] = time.time) -> None:
        self._signer = signer
        self._clock = clock
        self._checked: dict[str, _Checked] = {}
        self._revoked: frozenset[UUID] = frozenset()

    def refuse(self, token_ids: Collection[UUID]) -> None:
        """Refuse exactly these from now on."""
        self._revoked = frozenset(token_ids)

    def known(self, token: str) -> Caller | None:
        """The holder of a token that was checked before. Raises InvalidToken once it has expired or was revoked."""
        checked = self._checked.get(token)
        if checked is None:
            return None
        if checked.expires <= self._clock() or checked.token_id in self._revoked:
            raise InvalidToken
        return checked.caller

    async def caller(self, token: str) -> Caller | None:
        """See TokenSource."""
        known = self.known(token)
        if known is not None:
            return known
        checked = self._signer.verify(token)
        if checked is None:
            return None
        if len(self._checked) >= CACHED_TOKENS:
            del self._checked[next(iter(self._checked))]
        self._checked[token] = checked
        return self.known(token)
