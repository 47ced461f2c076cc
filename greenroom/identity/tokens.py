"""Local tokens: JWTs (RFC 7519) signed by a key of ours, so that checking one costs no round trip."""

import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import itsdangerous
import jwt
import msgspec
from itsdangerous import BadData
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
    email: str | None = None
    time_zone: str | None = None


class _Claims(Struct, frozen=True):
    iss: str
    jti: UUID
    sub: str
    client_id: str
    scope: str
    iat: int
    exp: int
    brand: str | None = None
    email: str | None = None
    zoneinfo: str | None = None


_claims_in = msgspec.json.Decoder(_Claims).decode


class _Checked(Struct, frozen=True, gc=False):
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
    email: str | None = None,
    time_zone: str | None = None,
) -> TokenGrant:
    """What the next token will say."""
    issued = (now or datetime.now(UTC)).replace(microsecond=0)
    return TokenGrant(
        id=new_id(),
        user=user,
        client=client,
        brand=brand,
        scope=scope,
        issued_at=issued,
        expires_at=issued + lifetime,
        email=email,
        time_zone=time_zone,
    )


class Signer:
    """Signs with the first key and verifies with any, so that keys can be rotated.

    Every token that a key of ours has signed begins with the same head, which says HS256 and names the key. Such a token is
    verified by itsdangerous, whose signature of `head.claims` is that of a JWS (RFC 7515, section 5.1); it takes a tenth of
    PyJWT's time, and a drop is thousands of people with tokens not seen before. Any other head goes to PyJWT.
    """

    def __init__(self, secret_keys: Sequence[str], *, clock: Callable[[], float] = time.time) -> None:
        keys = [hmac.digest(key.encode(), b"greenroom local token", "sha256") for key in secret_keys]
        self._keys = {hashlib.sha256(key).hexdigest()[:8]: key for key in keys}
        self._first = next(iter(self._keys))
        self._ours = {self._head_of(name): _jws_signer(key) for name, key in self._keys.items()}
        self._clock = clock
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
        said = {"brand": grant.brand, "email": grant.email, "zoneinfo": grant.time_zone}
        claims |= {name: value for name, value in said.items() if value is not None}
        return self._signed(claims, self._first)

    def verify(self, token: str) -> _Checked | None:
        """What the token says; None when it names no key of ours. Raises InvalidToken: it has expired or is garbled."""
        signer = self._ours.get(token.partition(".")[0])
        if signer is not None:
            return _checked(self._claims_of_ours(token, signer))
        key = self._key_named_by(token)
        if key is None:
            return None
        try:
            said = jwt.decode(token, key, algorithms=[ALGORITHM], issuer=ISSUER, options={"require": ["exp", "iat"]})
            return _checked(msgspec.convert(said, _Claims))
        except (jwt.InvalidTokenError, msgspec.ValidationError, ValueError):
            raise InvalidToken from None

    def _claims_of_ours(self, token: str, signer: itsdangerous.Signer) -> _Claims:
        try:
            _, _, payload = signer.unsign(token).partition(b".")
            claims = _claims_in(itsdangerous.base64_decode(payload))
        except (BadData, msgspec.DecodeError, ValueError):
            raise InvalidToken from None
        now = self._clock()
        if claims.iss != ISSUER or claims.exp <= now or claims.iat > now:
            raise InvalidToken
        return claims

    def _signed(self, claims: dict[str, object], name: str) -> str:
        return jwt.encode(claims, self._keys[name], algorithm=ALGORITHM, headers={"kid": name})

    def _head_of(self, name: str) -> str:
        return self._signed({}, name).partition(".")[0]

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


def _jws_signer(key: bytes) -> itsdangerous.Signer:
    """HMAC-SHA256 with the key as it is, in base64url after a dot."""
    return itsdangerous.Signer(key, sep=".", key_derivation="none", digest_method=hashlib.sha256)


def _checked(claims: _Claims) -> _Checked:
    return _Checked(
        token_id=claims.jti,
        expires=claims.exp,
        caller=Caller(
            user=UserId(claims.sub),
            client=ClientId(claims.client_id),
            brand=None if claims.brand is None else BrandId(claims.brand),
            scopes=scopes_in(claims.scope),
            token_id=claims.jti,
            email=claims.email,
            time_zone=claims.zoneinfo,
        ),
    )


class LocalTokens:
    """The TokenSource of tokens that `greenroom token` minted. Revocations reach it within its poll, 5 s."""

    def __init__(self, signer: Signer, *, clock: Callable[[], float] = time.time) -> None:
        self._signer = signer
        self._clock = clock
        self._checked: OrderedDict[str, _Checked] = OrderedDict()
        self._revoked: frozenset[UUID] = frozenset()
        self._just_now: frozenset[UUID] = frozenset()

    def refuse(self, token_ids: Collection[UUID]) -> None:
        """Refuse exactly these from now on, and once more those of which the poll may not have known yet."""
        self._revoked = frozenset(token_ids) | self._just_now
        self._just_now = frozenset()

    def refuse_also(self, token_id: UUID) -> None:
        """Refuse this one, too, until polls find it by themselves: the next one may have begun before it was revoked."""
        self._just_now |= {token_id}
        self._revoked |= {token_id}

    def is_revoked(self, token_id: UUID) -> bool:
        """Whether a token was good once and is no longer."""
        return token_id in self._revoked

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
            self._checked.popitem(last=False)  # a plain dict would look over all that was deleted from its head
        self._checked[token] = checked
        return self.known(token)
