"""Who is calling, and where callers come from."""

from typing import Protocol
from uuid import UUID

from msgspec import Struct, UnsetType

from greenroom.identity.scopes import MANAGE_LIVE
from greenroom.kit.errors import Forbidden
from greenroom.kit.ids import BrandId, ClientId, UserId


class Caller(Struct, frozen=True, kw_only=True, gc=False):
    """The holder of a valid token.

    `brand` is None for an operator who has not named one, `token_id` where the token is not a local one. `email` and
    `time_zone` are what the token says of its holder, where it does (OpenID Connect Core 1.0, section 5.1).
    """

    user: UserId
    client: ClientId
    brand: BrandId | None
    scopes: frozenset[str]
    token_id: UUID | None = None
    email: str | None = None
    time_zone: str | None = None

    @property
    def manages(self) -> bool:
        """May change any session of the brand."""
        return MANAGE_LIVE in self.scopes

    def within(self, brand_id: str | UnsetType) -> BrandId | None:
        """The brand that a filter names, or else the caller's own. Raises Forbidden for another than the caller's."""
        if isinstance(brand_id, UnsetType):
            return self.brand
        if self.brand not in {None, brand_id}:
            raise Forbidden("brand_id: expected the token's own brand.")
        return BrandId(brand_id)


class TokenSource(Protocol):
    """One place that knows tokens."""

    async def caller(self, token: str) -> Caller | None:
        """The token's holder; None when this source does not know the token.

        Raises InvalidToken for one of its own that is expired, revoked or not in order, Unavailable when it cannot tell.
        """
        ...
