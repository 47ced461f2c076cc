"""Tokens that open the signalling of one call: JWTs (RFC 7519), for others than our page join with them, too."""

import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt
import msgspec
from msgspec import Struct

from greenroom.kit.errors import InvalidToken
from greenroom.kit.ids import UserId
from greenroom.providers.protocol import CallRole

ISSUER = "greenroom"
AUDIENCE = "greenroom room"
ALGORITHM = "HS256"


class RoomToken(Struct, frozen=True):
    """Who may come into which call, and as what."""

    call: UUID
    sub: UserId
    role: CallRole


class RoomTokens:
    """Signed with the first secret key, verified with any, so that keys can be rotated."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._keys = [hmac.digest(key.encode(), b"greenroom room token", "sha256") for key in secret_keys]

    def write(self, call: str, user: UserId, role: CallRole, *, lifetime: timedelta) -> str:
        """The token: a compact JWS of characters that a WebSocket's subprotocol may have (RFC 6455, section 4.1)."""
        expires_at = datetime.now(UTC) + lifetime
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": user, "call": call, "role": role, "exp": expires_at}
        return jwt.encode(claims, self._keys[0], algorithm=ALGORITHM)

    def read(self, token: str) -> RoomToken:
        """What it says. Raises InvalidToken for one that has expired, or that nobody here wrote."""
        for key in self._keys:
            try:
                said = jwt.decode(
                    token, key, algorithms=[ALGORITHM], issuer=ISSUER, audience=AUDIENCE, options={"require": ["exp", "sub"]}
                )
                return msgspec.convert(said, RoomToken)
            except jwt.InvalidSignatureError:
                continue
            except (jwt.InvalidTokenError, msgspec.ValidationError, ValueError):
                break
        raise InvalidToken
