"""The SQL of tokens. A token without a brand is the operator's, so these statements are the operator's too."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from greenroom.identity.tokens import TokenGrant
from greenroom.kit.database import Database

KEEP = """
insert into tokens (id, brand_id, user_id, client_id, scope, issued_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7)
"""

REVOKE_ANY_BRAND = "update tokens set revoked_at = coalesce(revoked_at, now()) where id = $1 returning id"

LIST_ANY_BRAND = """
select id, brand_id as brand, user_id as user, client_id as client, scope, issued_at, expires_at, revoked_at
from tokens where expires_at > now() order by id
"""

REVOKED_ANY_BRAND = "select id from tokens where revoked_at is not null and expires_at > now()"


class KeptToken(Struct, frozen=True, kw_only=True):
    """A token that was minted and has not expired."""

    id: UUID
    brand: str | None
    user: str
    client: str
    scope: str
    issued_at: str
    expires_at: str
    revoked_at: str | None


async def keep(db: Database, grant: TokenGrant) -> None:
    """Remember that the token was minted."""
    await db.row(KEEP, grant.id, grant.brand, grant.user, grant.client, grant.scope, grant.issued_at, grant.expires_at)


async def revoke_any_brand(db: Database, token_id: UUID) -> bool:
    """Refuse the token from now on; False when there is none."""
    return await db.row(REVOKE_ANY_BRAND, token_id) is not None


async def list_any_brand(db: Database) -> Sequence[KeptToken]:
    """Every token that has not expired, the oldest first."""
    return [msgspec.convert(dict(row), KeptToken) for row in await db.rows(LIST_ANY_BRAND)]


async def revoked_any_brand(db: Database) -> frozenset[UUID]:
    """Every token that was revoked before it expired."""
    return frozenset(row["id"] for row in await db.rows(REVOKED_ANY_BRAND))
